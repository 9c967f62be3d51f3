/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz the three rings of a connection by libqb's protocol. The client writes anything at any time, even in the middle
 * of the server's reads and writes, and shortens the files. The script is a list of records: a byte for the next
 * operation, and its arguments.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exec/qb/fault.h"
#include "exec/qb/ring.h"
#include "exec/qb/semaphore.h"
#include "tests/fuzz/fuzz.h"

/* The real functions. The replacements below let the client act in the middle of a server's operation. */
static void real_post(sem_t *semaphore);
static void real_take(sem_t *semaphore);
#define qbs_semaphore_post real_post
#define qbs_semaphore_take real_take
#include "exec/qb/semaphore.c"
#undef qbs_semaphore_post
#undef qbs_semaphore_take

#define RINGS 3u /* request, response, event */
#define SIZE_MAX_OF_RING 12328u
#define HEADER_SIZE 8252u
#define STEPS_MAX 4096u
#define MAGIC_WHOLE 0xA1A1A1A1u

const char *const *const fuzz_words = NULL;

static uint64_t requests, answers, refusals, shortened;

static struct {
	struct qbs_ring rings[RINGS];
	uint8_t *region;
	size_t region_size, data_size, header_room;
	struct qbs_guard *guard;
	int fds[2 * RINGS]; /* header and data file of each ring */
	struct script *script;
	bool is_honest; /* the client has done only what libqb does so far */
	uint32_t at;    /* the honest client's own position in the request ring */
	uint32_t words; /* words of each ring in this run */
	uint32_t serial;
} world;

const char *fuzz_summary(void)
{
	static char text[128];

	snprintf(text, sizeof(text), "%llu requests, %llu answers, %llu times nonsense, %llu files shortened",
		(unsigned long long)requests, (unsigned long long)answers, (unsigned long long)refusals,
		(unsigned long long)shortened);
	return text;
}

/* --- memory --- */

static int make_file(size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	FUZZ_CHECK(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	return fd;
}

static void map(void *at, size_t size, int fd)
{
	FUZZ_CHECK(mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == at);
}

/* Map the rings as shm.c does. */
static void open_world(struct script *script)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	memset(&world, 0, sizeof(world));
	FUZZ_CHECK(qbs_fault_init() == 0);
	world.script = script;
	world.is_honest = true;
	world.data_size = qbs_ring_data_size(SIZE_MAX_OF_RING);
	world.words = (uint32_t)(world.data_size / sizeof(uint32_t));
	world.header_room = (HEADER_SIZE + page - 1) / page * page;
	size_t ring = world.header_room + 2 * world.data_size;
	world.region_size = RINGS * ring;
	world.region = mmap(NULL, world.region_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FUZZ_CHECK(world.region != MAP_FAILED);
	world.guard = qbs_guard_add(world.region, world.region_size);
	FUZZ_CHECK(world.guard != NULL);
	for (uint32_t i = 0; i < RINGS; i++) {
		uint8_t *at = world.region + i * ring;

		world.fds[2 * i] = make_file(HEADER_SIZE);
		world.fds[2 * i + 1] = make_file(world.data_size);
		map(at, HEADER_SIZE, world.fds[2 * i]);
		map(at + world.header_room, world.data_size, world.fds[2 * i + 1]);
		map(at + world.header_room + world.data_size, world.data_size, world.fds[2 * i + 1]);
		world.rings[i] = (struct qbs_ring){
			.header = (void *)at, .data = at + world.header_room, .words = world.words};
		sem_init(&world.rings[i].header->semaphore, 1, 0);
	}
}

static void close_world(void)
{
	qbs_guard_del(world.guard);
	munmap(world.region, world.region_size);
	for (uint32_t i = 0; i < 2 * RINGS; i++)
		close(world.fds[i]);
}

/* --- the client --- */

/*
 * Write as the client, through its descriptor. A write through the server's mapping would be the server's own fault
 * where the client has shortened the file.
 */
static void poke(uint32_t file, size_t offset, const void *bytes, size_t size)
{
	(void)!pwrite(world.fds[file], bytes, size, (off_t)offset);
}

static void scribble(void)
{
	uint8_t where = script_u8(world.script);
	uint32_t i = where % RINGS, value = script_u32(world.script);
	size_t semaphore = offsetof(struct qbs_ring_header, semaphore);

	world.is_honest = false;
	if ((where & 0x40) != 0) /* close to a valid value */
		value = (world.rings[i].at + (uint32_t)(int32_t)(int8_t)value) % (world.words + 2);
	switch (where >> 2 & 7) {
	case 0:
		poke(2 * i, offsetof(struct qbs_ring_header, write_at), &value, sizeof(value));
		break;
	case 1:
		poke(2 * i, offsetof(struct qbs_ring_header, read_at), &value, sizeof(value));
		break;
	case 2:
		poke(2 * i, offsetof(struct qbs_ring_header, words), &value, sizeof(value));
		break;
	case 3:
		poke(2 * i, semaphore + value % sizeof(sem_t), &value, sizeof(value));
		break;
	case 4:
		poke(2 * i + 1, value % world.data_size, &value, sizeof(value));
		break;
	case 5: /* the length of the next chunk */
		poke(2 * i + 1, world.rings[i].at * sizeof(uint32_t), &value, sizeof(value));
		break;
	case 6: { /* a whole chunk with a size from the script */
		const uint32_t head[2] = {value % (SIZE_MAX_OF_RING * 2), MAGIC_WHOLE};

		poke(2 * i + 1, world.rings[i].at * sizeof(uint32_t), head, sizeof(head));
		break;
	}
	default:
		if ((where & 0x80) == 0)
			break;
		shortened++;
		(void)!ftruncate(world.fds[2 * i + value % 2],
			(off_t)(value >> 8) % (off_t)(value % 2 == 0 ? HEADER_SIZE : world.data_size));
	}
}

/* Let the client act in the middle of the server's operation. */
void qbs_semaphore_post(sem_t *semaphore)
{
	if (script_u8(world.script) % 8 == 7)
		scribble();
	real_post(semaphore);
}

void qbs_semaphore_take(sem_t *semaphore)
{
	if (script_u8(world.script) % 8 == 7)
		scribble();
	real_take(semaphore);
}

/* Write a request as a library does. Its bytes are its serial number. */
static void write_request(void)
{
	uint32_t size = 1 + script_u16(world.script) % SIZE_MAX_OF_RING, words = 2 + (size + 3) / 4, read_at;
	uint8_t bytes[SIZE_MAX_OF_RING];

	if (!world.is_honest)
		return;
	read_at = world.rings[0].at; /* as published */
	if (words + 1 > world.words - (world.at >= read_at ? world.at - read_at : world.words - read_at + world.at))
		return;
	memset(bytes, (uint8_t)++world.serial, size);
	const uint32_t head[2] = {size, MAGIC_WHOLE};
	uint8_t *to = world.rings[0].data + world.at * sizeof(uint32_t);
	memcpy(to, head, sizeof(head));
	memcpy(to + sizeof(head), bytes, size);
	world.at = (world.at + words) % world.words;
	__atomic_store_n(&world.rings[0].header->write_at, world.at, __ATOMIC_RELEASE);
	sem_post(&world.rings[0].header->semaphore);
}

/* Read all answers as the client, if it is honest. */
static void read_answers(uint32_t i)
{
	if (world.is_honest)
		__atomic_store_n(&world.rings[i].header->read_at, world.rings[i].at, __ATOMIC_RELEASE);
}

/* --- the server side: exec/qb, which is tested --- */

static void check_ring(const struct qbs_ring *ring)
{
	FUZZ_CHECK(ring->words == world.words && ring->at < ring->words);
	FUZZ_CHECK((const uint8_t *)ring->header >= world.region);
	FUZZ_CHECK(ring->data + 2 * world.data_size <= world.region + world.region_size);
}

/* Read a request into memory of exactly the largest size, so that a sanitizer notices a byte more. */
static void read_request(void)
{
	uint8_t *buffer = malloc(SIZE_MAX_OF_RING);
	bool is_honest = world.is_honest;
	uint32_t before = world.rings[0].at, written = world.rings[0].header->write_at;

	FUZZ_CHECK(buffer != NULL);
	int64_t size = qbs_ring_read(&world.rings[0], buffer, SIZE_MAX_OF_RING);
	FUZZ_CHECK(size == -EPROTO || (size >= 0 && size <= SIZE_MAX_OF_RING));
	FUZZ_CHECK((size > 0) == (world.rings[0].at != before));
	if (size > 0) /* the request ends at the client's write position or before */
		FUZZ_CHECK((2 + (size + 3) / 4) <=
			   (written >= before ? written - before : world.words - before + written));
	requests += size > 0;
	refusals += size < 0;
	if (is_honest) {
		FUZZ_CHECK((size == 0) == (before == world.at));
		for (int64_t i = 1; i < size; i++)
			FUZZ_CHECK(buffer[i] == buffer[0]);
	}
	check_ring(&world.rings[0]);
	free(buffer);
}

static void write_answer(uint32_t i)
{
	uint32_t size = 1 + script_u16(world.script) % (SIZE_MAX_OF_RING + 64), half = size / 2;
	uint32_t before = world.rings[i].at;
	uint8_t *bytes = malloc(size);
	bool is_honest = world.is_honest;

	FUZZ_CHECK(bytes != NULL);
	memset(bytes, (uint8_t)++world.serial, size);
	const struct iovec iov[] = {{bytes, half}, {bytes + half, size - half}};
	int rc = qbs_ring_write(&world.rings[i], iov, 2, size);
	FUZZ_CHECK(rc == 0 || rc == -EAGAIN || rc == -EMSGSIZE || rc == -EPROTO);
	FUZZ_CHECK(!is_honest || rc != -EPROTO);
	FUZZ_CHECK(rc == 0 || world.rings[i].at == before);
	answers += rc == 0;
	refusals += rc == -EPROTO;
	if (rc == 0 && is_honest && world.is_honest)
		FUZZ_CHECK(memcmp(world.rings[i].data + before * sizeof(uint32_t) + 8, bytes, size) == 0);
	check_ring(&world.rings[i]);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = {.at = data, .left = size};

	open_world(&script);
	/* The connection ends at the first page that is missing, as shm.c ends it. */
	for (uint32_t i = 0; i < STEPS_MAX && script.left > 0 && !qbs_guard_is_broken(world.guard); i++) {
		uint8_t what = script_u8(&script);

		switch (what % 8) {
		case 0:
		case 1:
			write_request();
			break;
		case 2:
		case 3:
			read_request();
			break;
		case 4:
		case 5:
			write_answer(1 + (what >> 3) % 2);
			break;
		case 6:
			read_answers(1 + (what >> 3) % 2);
			break;
		default:
			scribble();
		}
	}
	close_world();
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/qb/ring.c and semaphore.c: one ring of libqb's protocol, with a client that may write any bytes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include "exec/qb/ring.h"
#include "exec/qb/semaphore.h"
#include "tests/suite.h"

#define SIZE_MAX_OF_RING 12328u
#define MAGIC 0xA1A1A1A1u

static struct qbs_ring_header *header; /* shared with forked processes */
static struct qbs_ring reader, writer; /* both ends of the same ring */
static uint8_t *data;
static size_t size;

static void set_up(void)
{
	int fd = memfd_create("ring", MFD_CLOEXEC);

	size = qbs_ring_data_size(SIZE_MAX_OF_RING);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	data = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 2; i++)
		ck_assert_ptr_ne(
			mmap(data + (size_t)i * size, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0),
			MAP_FAILED);
	close(fd);
	header = mmap(NULL, sizeof(*header), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sem_init(&header->semaphore, 1, 0);
	reader = writer = (struct qbs_ring){.header = header, .data = data, .words = (uint32_t)(size / 4)};
}

static void tear_down(void)
{
	munmap(data, 2 * size);
	munmap(header, sizeof(*header));
}

static int write_bytes(const void *bytes, uint32_t length)
{
	struct iovec iov[2] = {{(void *)(uintptr_t)bytes, length / 2},
		{(uint8_t *)(uintptr_t)bytes + length / 2, length - length / 2}};

	return qbs_ring_write(&writer, iov, 2, length);
}

START_TEST(the_size_of_the_data_is_that_of_libqb)
{
	/* {requested size, size of the file that libqb has made in /dev/shm}, where pages have 4096 bytes. */
	static const uint32_t sizes[][2] = {{12328, 16384}, {16371, 16384}, {16372, 20480}, {1048576, 1052672},
		{1052656, 1052672}, {1052660, 1056768}};

	for (size_t i = 0; sysconf(_SC_PAGESIZE) == 4096 && i < sizeof(sizes) / sizeof(sizes[0]); i++)
		ck_assert_uint_eq(qbs_ring_data_size(sizes[i][0]), sizes[i][1]);
}
END_TEST

START_TEST(chunks_come_out_as_they_went_in)
{
	static uint8_t in[SIZE_MAX_OF_RING], out[SIZE_MAX_OF_RING];
	int value;

	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t length = 1 + i * 37 % SIZE_MAX_OF_RING;

		memset(in, (int)i, length);
		ck_assert_int_eq(write_bytes(in, length), 0);
		sem_getvalue(&header->semaphore, &value);
		ck_assert_int_eq(value, 1);
		ck_assert_int_eq(qbs_ring_read(&reader, out, SIZE_MAX_OF_RING), length);
		ck_assert_mem_eq(in, out, length);
		ck_assert_int_eq(qbs_ring_read(&reader, out, SIZE_MAX_OF_RING), 0);
		sem_getvalue(&header->semaphore, &value);
		ck_assert_int_eq(value, 0);
	}
}
END_TEST

START_TEST(a_full_ring_takes_no_more_and_loses_nothing)
{
	uint8_t bytes[100] = {0};
	uint32_t count = 0;

	while (write_bytes(bytes, sizeof(bytes)) == 0)
		bytes[0] = (uint8_t)++count;
	ck_assert_uint_ge(count, 150);
	ck_assert_int_eq(write_bytes(bytes, sizeof(bytes)), -EAGAIN);
	for (uint32_t i = 0; i < count; i++) {
		ck_assert_int_eq(qbs_ring_read(&reader, bytes, SIZE_MAX_OF_RING), sizeof(bytes));
		ck_assert_uint_eq(bytes[0], (uint8_t)i);
	}
	ck_assert_int_eq(qbs_ring_read(&reader, bytes, SIZE_MAX_OF_RING), 0);
}
END_TEST

START_TEST(more_than_the_ring_holds_is_refused)
{
	struct iovec iov = {data, size};

	ck_assert_int_eq(qbs_ring_write(&writer, &iov, 1, (uint32_t)size), -EMSGSIZE);
	ck_assert_int_eq(qbs_ring_write(&writer, &iov, 1, UINT32_MAX), -EMSGSIZE);
}
END_TEST

/* --- what a client may write --- */

static const struct {
	const char *name;
	uint32_t write_at, length, magic;
	int64_t want;
} rows[] = {
	{"nothing", 0, 8, MAGIC, 0},
	{"whole", 4, 8, MAGIC, 8},
	{"not yet whole", 4, 8, 0xA110CED0u, 0},
	{"empty", 4, 0, MAGIC, -EPROTO},
	{"one word too long", 4, 9, MAGIC, -EPROTO},
	{"longer than any message", 4000, SIZE_MAX_OF_RING + 1, MAGIC, -EPROTO},
	{"negative", 4000, 0xffffffff, MAGIC, -EPROTO},
	{"wraps when rounded", 4000, 0xfffffffd, MAGIC, -EPROTO},
	{"position behind the end", 4096, 8, MAGIC, -EPROTO},
	{"position far away", 0xffffffff, 8, MAGIC, -EPROTO},
};

START_TEST(a_chunk_is_checked)
{
	static uint8_t out[SIZE_MAX_OF_RING];

	ck_assert_uint_eq(reader.words, 4096);
	header->write_at = rows[_i].write_at;
	((uint32_t *)(void *)data)[0] = rows[_i].length;
	((uint32_t *)(void *)data)[1] = rows[_i].magic;
	ck_assert_msg(qbs_ring_read(&reader, out, SIZE_MAX_OF_RING) == rows[_i].want, "%s", rows[_i].name);
}
END_TEST

START_TEST(positions_and_sizes_that_the_client_changes_do_not_move_us)
{
	static uint8_t bytes[SIZE_MAX_OF_RING];

	header->read_at = reader.words;
	ck_assert_int_eq(write_bytes(bytes, 8), -EPROTO);
	header->read_at = 0;
	header->words = 0xfffffff0;
	header->write_at = 0x10000000; /* the daemon itself writes this position, and never reads it here */
	ck_assert_int_eq(write_bytes(bytes, 8), 0);
	ck_assert_uint_eq(writer.at, 4);
	ck_assert_uint_eq(header->write_at, 4);
	header->read_at = 4095; /* the client always claims to have read all, so its own ring is overwritten */
	for (int i = 0; i < 100; i++) {
		(void)write_bytes(bytes, 10000);
		ck_assert_uint_lt(writer.at, writer.words);
	}
}
END_TEST

/* --- semaphores --- */

START_TEST(a_waiter_of_the_c_library_wakes_up)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 20;
	pid_t child = fork();
	if (child == 0)
		_exit(sem_timedwait(&header->semaphore, &until) == 0 ? 0 : 1);
	usleep(50000);
	qbs_semaphore_post(&header->semaphore);
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(taking_leaves_what_is_not_there)
{
	int value;

	qbs_semaphore_take(&header->semaphore);
	sem_getvalue(&header->semaphore, &value);
	ck_assert_int_eq(value, 0);
	qbs_semaphore_post(&header->semaphore);
	qbs_semaphore_post(&header->semaphore);
	qbs_semaphore_take(&header->semaphore);
	sem_getvalue(&header->semaphore, &value);
	ck_assert_int_eq(value, 1);
}
END_TEST

START_TEST(any_words_in_a_semaphore_are_harmless)
{
	alarm(20); /* limits the test: sem_post() waits for ever with some words */
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t words[sizeof(sem_t) / 4];

		for (size_t j = 0; j < sizeof(words) / sizeof(words[0]); j++)
			words[j] = i < 300 ? i : (uint32_t)random() * 2u + (i & 1);
		memcpy(&header->semaphore, words, sizeof(words));
		qbs_semaphore_post(&header->semaphore);
		qbs_semaphore_take(&header->semaphore);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("qb_ring");
	TCase *tcase = tcase_create("ring");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_size_of_the_data_is_that_of_libqb);
	tcase_add_test(tcase, chunks_come_out_as_they_went_in);
	tcase_add_test(tcase, a_full_ring_takes_no_more_and_loses_nothing);
	tcase_add_test(tcase, more_than_the_ring_holds_is_refused);
	tcase_add_loop_test(tcase, a_chunk_is_checked, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tcase, positions_and_sizes_that_the_client_changes_do_not_move_us);
	tcase_add_test(tcase, a_waiter_of_the_c_library_wakes_up);
	tcase_add_test(tcase, taking_leaves_what_is_not_there);
	tcase_add_test(tcase, any_words_in_a_semaphore_are_harmless);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A permitted client that damages the memory that it shares with the daemon.
 *
 *	hostile_client MODE COUNT SEED
 *
 * COUNT children connect in turn, request events, and then do what MODE says to every mapping that they share with the
 * daemon: files of libqb's protocol in /dev/shm and the rings of a fast channel. A thread of each sends messages meanwhile,
 * and wake-up bytes follow, so that the daemon reads the memory. Another process causes events for them. MODE is one of
 *	truncate    shrink each file to a random size; the memory of a channel must refuse that
 *	punch       free the pages of each mapping
 *	scribble    write random words, mostly where positions are
 *	lengths     write chunks with extreme sizes into the request ring
 *	semaphores  write random words where semaphores are
 *
 * A child may crash from its own damage. The program fails unless all children have connected and done harm.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <corosync/cmap.h>

#include "client.h"

#define MAPPINGS_MAX 64
#define ROUNDS 60
#define NOT_IN 3          /* status of a child that has done no harm */
#define CONTROL_WORDS 24u /* words at the start of a mapping: positions and doorbell words */
#define SEMAPHORE_WORD 2052u
#define CHUNK_MAGIC 0xA1A1A1A1u

struct mapping {
	uint32_t *words;
	size_t count;
	char path[160];
	bool is_channel; /* memory without a name: path is only its title */
	int fd;          /* descriptor of a channel, or -1: only root can open it */
};

static struct mapping mappings[MAPPINGS_MAX];
static size_t mapping_count;

static uint32_t random_below(uint32_t bound) { return (uint32_t)((uint64_t)random() % bound); }

static uint32_t random_word(void)
{
	static const uint32_t words[] = {0, 1, 2, 7, 8, 15, 16, 127, 128, 129, 130, 133, 134, 140, 263167, 263168,
		263169, 1048576, 1048577, CHUNK_MAGIC, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};

	if (random_below(3) == 0)
		return (uint32_t)random() ^ (uint32_t)random() << 16;
	return words[random_below(sizeof(words) / sizeof(words[0]))];
}

/* ---- What is shared ------------------------------------------------------ */

static bool is_channel(const char *path) { return strstr(path, "coterie-channel") != NULL; }

static bool is_shared(const char *path) { return strstr(path, "/dev/shm/qb-") != NULL || is_channel(path); }

/* Open the memory of a mapping that has no name any more. The library has closed its descriptor. */
static int open_mapping(uintptr_t start, uintptr_t end)
{
	char path[80];

	snprintf(path, sizeof(path), "/proc/self/map_files/%" PRIxPTR "-%" PRIxPTR, start, end);
	return open(path, O_RDWR | O_CLOEXEC);
}

static void find_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];

	while (maps != NULL && mapping_count < MAPPINGS_MAX && fgets(line, sizeof(line), maps) != NULL) {
		struct mapping *mapping = &mappings[mapping_count];
		uintptr_t start, end;
		char rights[8];

		mapping->path[0] = '\0';
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %159s", &start, &end, rights, mapping->path) < 3 ||
			!is_shared(mapping->path) || rights[1] != 'w')
			continue;
		mapping->words = (uint32_t *)start;
		mapping->count = (end - start) / sizeof(uint32_t);
		mapping->is_channel = is_channel(mapping->path);
		mapping->fd = mapping->is_channel ? open_mapping(start, end) : -1;
		mapping_count++;
	}
	if (maps != NULL)
		fclose(maps);
}

/* Write wake-up bytes, so that the daemon reads the memory. */
static void nudge(void)
{
	static const char bytes[8];

	for (int fd = 3; fd < 64; fd++)
		(void)send(fd, bytes, 1 + random_below(sizeof(bytes)), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- Harm ---------------------------------------------------------------- */

/* The memory of a channel is sealed. If it could shrink, the daemon would die of SIGBUS at its next look. */
static void shrink_channel(const struct mapping *mapping)
{
	if (mapping->fd < 0)
		return;
	if (ftruncate(mapping->fd, 0) == 0 || errno != EPERM) {
		puts("the memory of a channel can shrink");
		fflush(stdout);
		_exit(1);
	}
}

static void shrink(const struct mapping *mapping)
{
	struct stat status;

	if (mapping->is_channel)
		shrink_channel(mapping);
	else if (stat(mapping->path, &status) == 0 && status.st_size > 0)
		(void)!truncate(mapping->path, random_below(2) ? 0 : random_below((uint32_t)status.st_size));
}

static void punch(const struct mapping *mapping)
{
	(void)madvise(mapping->words, mapping->count * sizeof(uint32_t), MADV_REMOVE);
}

static void scribble(const struct mapping *mapping)
{
	for (int i = 0; i < 4; i++) {
		size_t range = random_below(4) > 0 ? CONTROL_WORDS : mapping->count;
		volatile uint32_t *word = &mapping->words[random_below((uint32_t)range)];

		*word = random_word();
	}
}

static void damage_semaphore(const struct mapping *mapping)
{
	if (strstr(mapping->path, "-header") == NULL)
		return;
	for (int i = 0; i < 4; i++)
		((volatile uint32_t *)mapping->words)[SEMAPHORE_WORD + random_below(8)] = random_word();
}

/* Write chunks with an invalid size, at the beginning of the request ring and after libqb's last chunk. */
static void write_length(const struct mapping *mapping)
{
	if (strstr(mapping->path, "-request-") == NULL)
		return;
	if (strstr(mapping->path, "-header") != NULL) {
		((volatile uint32_t *)mapping->words)[0] = random_below(263168);
		return;
	}
	for (uint32_t at = 0; at + 4 < mapping->count; at++) {
		if (mapping->words[at] != CHUNK_MAGIC && random_below(4096) > 0)
			continue;
		mapping->words[at] = CHUNK_MAGIC;
		mapping->words[at == 0 ? 0 : at - 1] = random_word();
	}
}

static const struct mode {
	const char *name;
	void (*harm)(const struct mapping *mapping);
	int rounds;
} modes[] = {
	{"truncate", shrink, 3},
	{"punch", punch, ROUNDS},
	{"scribble", scribble, ROUNDS},
	{"lengths", write_length, ROUNDS},
	{"semaphores", damage_semaphore, ROUNDS},
};

/* ---- A child ------------------------------------------------------------- */

static void ignore_message(
	cpg_handle_t handle, const struct cpg_name *group, uint32_t nodeid, uint32_t pid, void *message, size_t size)
{
	(void)handle, (void)group, (void)nodeid, (void)pid, (void)message, (void)size;
}

static void ignore_key(cmap_handle_t handle, cmap_track_handle_t track, int32_t event, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *context)
{
	(void)handle, (void)track, (void)event, (void)key, (void)now, (void)before, (void)context;
}

/* The handles of a child, which only its sender uses once there is one. */
static cpg_handle_t cpg;
static cmap_handle_t cmap;
static pthread_t sender;

static void send_one(size_t size)
{
	static uint8_t message[3000];
	struct iovec iov = {.iov_base = message, .iov_len = size};

	(void)cpg_mcast_joined(cpg, CPG_TYPE_AGREED, &iov, 1);
	(void)cpg_dispatch(cpg, CS_DISPATCH_ALL);
}

/*
 * Connect to cpg and cmap, send messages and track keys. So there are requests with and without answers, events, and a
 * channel.
 */
static bool come_in(void)
{
	cpg_model_v1_data_t model = {.model = CPG_MODEL_V1, .cpg_deliver_fn = ignore_message};
	cmap_track_handle_t track;
	cs_error_t error;

	if (client_join(&cpg, &model, "hostile", client_now_ns() + UINT64_C(10000000000)) != CS_OK)
		return false;
	while ((error = cmap_initialize(&cmap)) == CS_ERR_TRY_AGAIN)
		client_sleep_ms(10); /* until the alarm */
	if (error != CS_OK)
		return false;
	for (int i = 0; i < 20; i++)
		send_one(3000);
	(void)cmap_track_add(cmap, NULL, CMAP_TRACK_ADD | CMAP_TRACK_MODIFY | CMAP_TRACK_DELETE | CMAP_TRACK_PREFIX,
		ignore_key, NULL, &track);
	(void)cmap_set_uint32(cmap, "hostile.value", 1);
	return true;
}

/*
 * Send on and on: the daemon soon stops looking at a send ring in which nothing comes, and would not see the damage.
 */
static void *send_on(void *arg)
{
	(void)arg;
	for (size_t i = 0;; i++)
		send_one(1 + i * 37 % 3000);
	return NULL;
}

/* The damage has reached the sender: it stops where it is, and the child goes on with its harm. */
static void on_fault(int number)
{
	if (pthread_equal(pthread_self(), sender)) {
		for (;;)
			pause();
	}
	signal(number, SIG_DFL);
	raise(number);
}

static bool start_sender(void)
{
	signal(SIGBUS, on_fault);
	signal(SIGSEGV, on_fault);
	signal(SIGABRT, on_fault);
	return pthread_create(&sender, NULL, send_on, NULL) == 0;
}

/* Send messages that cause events for the other children. The process that does this damages nothing. */
static void feed(void)
{
	cpg_model_v1_data_t model = {.model = CPG_MODEL_V1, .cpg_deliver_fn = ignore_message};

	if (client_join(&cpg, &model, "hostile", client_now_ns() + UINT64_C(10000000000)) != CS_OK ||
		cmap_initialize(&cmap) != CS_OK)
		_exit(1);
	for (uint32_t i = 0;; i++) {
		send_one(3000);
		(void)cmap_set_uint32(cmap, "hostile.fed", i);
		client_sleep_ms(1);
	}
}

static void on_late(int number)
{
	(void)number;
	_exit(NOT_IN);
}

static int live(const struct mode *mode)
{
	signal(SIGALRM, on_late);
	alarm(20);
	if (!come_in())
		return NOT_IN;
	signal(SIGALRM, SIG_DFL);
	find_mappings();
	if (mapping_count == 0 || !start_sender())
		return NOT_IN;
	for (int round = 0; round < mode->rounds; round++) {
		for (size_t i = 0; i < mapping_count; i++)
			mode->harm(&mappings[i]);
		nudge();
		client_sleep_ms(1);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct mode *mode = NULL;
	unsigned int good = 0, count = argc == 4 ? (unsigned int)atoi(argv[2]) : 0;

	for (size_t i = 0; argc == 4 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			mode = &modes[i];
	if (mode == NULL) {
		fprintf(stderr, "usage: hostile_client truncate|punch|scribble|lengths|semaphores COUNT SEED\n");
		return 2;
	}
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	pid_t feeder = fork();
	if (feeder == 0)
		feed();
	for (unsigned int i = 0; i < count; i++) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			srandom((unsigned int)atoi(argv[3]) + i);
			_exit(live(mode));
		}
		/* Also count a child that its own damage, or a sanitizer, has ended: it had connected. */
		if (child > 0 && waitpid(child, &status, 0) == child &&
			(!WIFEXITED(status) || WEXITSTATUS(status) != NOT_IN))
			good++;
	}
	if (feeder > 0) {
		kill(feeder, SIGKILL);
		waitpid(feeder, NULL, 0);
	}
	printf("%u of %u children did harm\n", good, count);
	return good != count;
}

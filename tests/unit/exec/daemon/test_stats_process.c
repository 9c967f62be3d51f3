/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Statistics of the process: the open descriptors are counted without a walk, or seldom. stat() and opendir() of this
 * program stand for those of the system.
 */
#include <check.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exec/daemon/stats_daemon.h"
#include "exec/loop/loop.h"
#include "exec/ring/ring.h"
#include "exec/stats/stats.h"
#include "tests/suite.h"

#define SECOND UINT64_C(1000000000)

static uint64_t now_ns;
static uint32_t walks; /* calls of opendir() */
static bool is_old;    /* as before Linux 6.2: the folder has no size */
static coterie_stat_read read_fds;

uint64_t loop_now_ns(const struct loop *loop)
{
	(void)loop;
	return now_ns;
}

void ring_transport_stats(const struct ring *ring, struct coterie_transport_stats *stats) { (void)ring, (void)stats; }

int stats_add(struct stats *stats, const void *owner, const char *key, uint32_t type, coterie_stat_read read, void *arg)
{
	(void)stats, (void)owner, (void)type, (void)arg;
	if (strcmp(key, "stats.coterie.process.open_fds") == 0)
		read_fds = read;
	return 0;
}

uint32_t stats_put_u64(void *value, uint64_t number)
{
	memcpy(value, &number, sizeof(number));
	return sizeof(number);
}

DIR *opendir(const char *path)
{
	DIR *(*real)(const char *) = (DIR * (*)(const char *)) dlsym(RTLD_NEXT, "opendir");

	walks++;
	return real(path);
}

int stat(const char *restrict path, struct stat *restrict status)
{
	int rc = fstatat(AT_FDCWD, path, status, 0);

	if (is_old)
		status->st_size = 0;
	return rc;
}

static uint64_t count(struct stats_process *process)
{
	uint64_t number;

	ck_assert_uint_eq(read_fds(process, &number), sizeof(number));
	return number;
}

/* Return the number of descriptors, which each of them tells. */
static uint64_t own_count(void)
{
	uint64_t number = 0;

	for (int fd = 0; fd < 8192; fd++)
		number += fcntl(fd, F_GETFD) >= 0;
	return number;
}

static void open_many(uint32_t number)
{
	for (uint32_t i = 0; i < number; i++)
		ck_assert_int_ge(dup(0), 0);
}

static void check_count(bool has_size)
{
	struct stats_process process = {.loop = NULL};
	struct rlimit limit = {8192, 8192};

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(stats_process_add(NULL, &process), 0);
	is_old = !has_size;
	now_ns = SECOND;
	ck_assert_uint_eq(count(&process), own_count());
	open_many(1000);
	now_ns += SECOND;
	ck_assert_uint_eq(count(&process), own_count());
	walks = 0;
	for (uint32_t i = 0; i < 100; i++, now_ns += SECOND / 2)
		count(&process);
	if (has_size)
		ck_assert_uint_eq(count(&process), own_count());
	ck_assert_uint_eq(walks, 0);
	now_ns += 30 * SECOND;
	open_many(1);
	ck_assert_uint_eq(count(&process), own_count());
	ck_assert_uint_eq(walks, has_size ? 0 : 1);
}

START_TEST(descriptors_are_counted)
{
	struct stat status;

	/* On an old kernel both are the walk. */
	check_count(_i == 0 && fstatat(AT_FDCWD, "/proc/self/fd", &status, 0) == 0 && status.st_size > 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stats_process");
	TCase *tcase = tcase_create("stats_process");

	tcase_add_loop_test(tcase, descriptors_are_counted, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}

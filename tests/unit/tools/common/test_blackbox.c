/* SPDX-License-Identifier: BSD-3-Clause */
/* corosync-blackbox without a daemon: whole and damaged files of the flight recorder. */
#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <qb/qbdefs.h>
#include <qb/qblog.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/suite.h"
#include "tools/blackbox.h"
#include "tools/common/reach.h"

#include <corosync/cmap.h>

static char folder[] = "/tmp/test_blackbox.XXXXXX", path[PATH_MAX], said_path[PATH_MAX];

/* --- a daemon that answers all requests --- */

cs_error_t cmap_initialize(cmap_handle_t *handle)
{
	*handle = 1;
	return CS_OK;
}

cs_error_t cmap_finalize(cmap_handle_t handle)
{
	(void)handle;
	return CS_OK;
}

cs_error_t cmap_set_string(cmap_handle_t handle, const char *key_name, const char *value)
{
	(void)handle, (void)key_name, (void)value;
	return CS_OK;
}

cs_error_t cmap_get_string(cmap_handle_t handle, const char *key_name, char **str)
{
	(void)handle;
	if (strcmp(key_name, "system.state_dir") != 0)
		return CS_ERR_NOT_EXIST;
	*str = strdup(folder);
	return CS_OK;
}

const char *cs_strerror(cs_error_t error) { return error == CS_OK ? "OK" : "an error"; }

void reach_warn(const char *service, cs_error_t error) { (void)service, (void)error; }

/* --- files --- */

static size_t make_file(void)
{
	struct stat status;

	qb_log_init("blackbox", LOG_USER, LOG_EMERG);
	qb_log_ctl(QB_LOG_SYSLOG, QB_LOG_CONF_ENABLED, QB_FALSE);
	qb_log_ctl(QB_LOG_BLACKBOX, QB_LOG_CONF_SIZE, 8192);
	qb_log_ctl(QB_LOG_BLACKBOX, QB_LOG_CONF_THREADED, QB_FALSE);
	qb_log_filter_ctl(QB_LOG_BLACKBOX, QB_LOG_FILTER_ADD, QB_LOG_FILTER_FILE, "*", LOG_TRACE);
	qb_log_ctl(QB_LOG_BLACKBOX, QB_LOG_CONF_ENABLED, QB_TRUE);
	qb_log(LOG_INFO, "the first line");
	qb_log(LOG_INFO, "the second line");
	unlink(path);
	ck_assert_int_gt(qb_log_blackbox_write_to_file(path), 0);
	qb_log_fini();
	ck_assert_int_eq(stat(path, &status), 0);
	return (size_t)status.st_size;
}

/* Run the tool. said: out: what it prints. @return its status */
static int run(char said[8192])
{
	char name[] = "corosync-blackbox", *words[] = {name, NULL};
	int out = dup(STDOUT_FILENO), fd = open(said_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	int status = blackbox_main(1, words);

	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(out);
	ssize_t got = pread(fd, said, 8191, 0);

	said[got > 0 ? got : 0] = '\0';
	close(fd);
	return status;
}

START_TEST(whole)
{
	char said[8192];

	make_file();
	ck_assert_int_eq(run(said), EXIT_SUCCESS);
	ck_assert_ptr_nonnull(strstr(said, "Dumping the contents of "));
	ck_assert_ptr_nonnull(strstr(said, "the first line"));
	ck_assert_ptr_nonnull(strstr(said, "the second line"));
}
END_TEST

START_TEST(cut_off)
{
	static const size_t eighths[] = {0, 1, 4, 7};
	char said[8192];
	size_t size = make_file();

	ck_assert_int_eq(truncate(path, (off_t)(size * eighths[_i] / 8)), 0);
	ck_assert_int_eq(run(said), EXIT_FAILURE);
}
END_TEST

START_TEST(damaged_line)
{
	char said[8192];

	make_file();
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(pwrite(fd, "\xff\xff\xff\xff", 4, 60), 4);
	close(fd);
	ck_assert_int_eq(run(said), EXIT_FAILURE);
}
END_TEST

START_TEST(no_file)
{
	char said[8192];

	unlink(path);
	ck_assert_int_eq(run(said), EXIT_FAILURE);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(run(said), EXIT_FAILURE);
	rmdir(path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("blackbox");
	TCase *tests = tcase_create("files");

	if (mkdtemp(folder) == NULL)
		return EXIT_FAILURE;
	snprintf(path, sizeof(path), "%s/fdata", folder);
	snprintf(said_path, sizeof(said_path), "%s/said", folder);
	tcase_add_test(tests, whole);
	tcase_add_loop_test(tests, cut_off, 0, 4);
	tcase_add_test(tests, damaged_line);
	tcase_add_test(tests, no_file);
	suite_add_tcase(suite, tests);
	int status = suite_run(suite);

	unlink(path);
	unlink(said_path);
	rmdir(folder);
	return status;
}

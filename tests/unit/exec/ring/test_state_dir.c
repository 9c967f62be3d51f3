/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/ring/state_dir.c and exec/daemon/instance.c: files of the daemon. */
#include "exec/ring/ring_seq.h"
#include "exec/ring/state_dir.h"
#include "exec/totem/engine.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/daemon/instance.h"
#include "tests/suite.h"

static char dir[64];
static const char *removed_before_lock; /* path that another daemon removes before the next lock, or NULL */

/* Replaces the C library's function. */
int fcntl(int fd, int command, ...)
{
	va_list arguments;

	va_start(arguments, command);
	long argument = va_arg(arguments, long);
	va_end(arguments);
	if (command == F_SETLK && removed_before_lock != NULL) {
		ck_assert_int_eq(unlink(removed_before_lock), 0);
		removed_before_lock = NULL;
	}
	return (int)syscall(SYS_fcntl, fd, command, argument);
}

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/coterie-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void write_file(const char *name, const void *bytes, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

static uint64_t stored_of(uint32_t nodeid)
{
	uint64_t number;

	ck_assert_int_eq(state_ring_seq_load(dir, nodeid, &number), 0);
	return number;
}

static uint64_t first_of(uint64_t random)
{
	struct ring_seq seq;

	ck_assert_int_eq(ring_seq_load(&seq, dir, 1, random), 0);
	ck_assert_uint_eq(seq.stored, seq.used);
	return seq.used;
}

/*
 * A node that has lost its file does not know which ring ids it has used. Other nodes may still be in such a ring. So it
 * begins at a number that depends on all bits of the random one, small random numbers included.
 */
START_TEST(a_node_without_a_stored_ring_seq_begins_at_a_random_one)
{
	static const uint64_t mask = ((UINT64_C(1) << RING_SEQ_FRESH_BITS) - 1) << 2;
	uint64_t ones = 0, zeros = 0, before = first_of(0);

	for (uint64_t random = 1; random <= 64; random++) {
		uint64_t first = first_of(random);

		ck_assert_uint_ne(first, before);
		ck_assert_uint_eq(first & ~mask, 0);
		ones |= first;
		zeros |= ~first & mask;
		before = first;
	}
	ck_assert_uint_eq(ones, mask);
	ck_assert_uint_eq(zeros, mask);
	for (uint32_t bit = 0; bit < 64; bit++)
		ck_assert_uint_ne(first_of(UINT64_C(1) << bit), first_of(0));
}
END_TEST

START_TEST(a_stored_ring_seq_is_continued_without_randomness)
{
	ck_assert_int_eq(state_ring_seq_store(dir, 1, 17), 0);
	ck_assert_uint_eq(first_of(1), 17);
	ck_assert_uint_eq(first_of(2), 17);
	/* Corosync stores 0 before its first ring. */
	ck_assert_int_eq(state_ring_seq_store(dir, 1, 0), 0);
	ck_assert_uint_ne(first_of(1), first_of(2));
}
END_TEST

/* A ring change need not write a file. A restarted node goes on after all sequences that it may have used. */
START_TEST(ring_seqs_are_stored_ahead)
{
	struct ring_seq seq, later;

	ck_assert_int_eq(ring_seq_load(&seq, dir, 1, 0), 0);
	ck_assert_uint_eq(seq.used, 0);
	ck_assert(ring_seq_is_low(&seq));
	ck_assert_int_eq(ring_seq_use(&seq, 5), 0);
	ck_assert_uint_eq(stored_of(1), 5 + RING_SEQ_AHEAD);
	for (uint64_t number = 9; number <= 5 + RING_SEQ_AHEAD / 2; number += 4)
		ck_assert_int_eq(ring_seq_use(&seq, number), 0);
	ck_assert_uint_eq(stored_of(1), 5 + RING_SEQ_AHEAD);
	ck_assert(!ring_seq_is_low(&seq));
	ck_assert_int_eq(ring_seq_use(&seq, 9 + RING_SEQ_AHEAD / 2), 0);
	ck_assert(ring_seq_is_low(&seq));

	ck_assert_int_eq(ring_seq_load(&later, dir, 1, 0), 0);
	ck_assert_uint_gt(later.used, seq.used);
	ck_assert_uint_eq(later.used, later.stored);

	ck_assert_int_eq(ring_seq_store_ahead(&seq), 0);
	ck_assert_uint_eq(stored_of(1), 9 + RING_SEQ_AHEAD / 2 + RING_SEQ_AHEAD);
	ck_assert(!ring_seq_is_low(&seq));
	/* A ring change in which the other members are far ahead writes the file. */
	ck_assert_int_eq(ring_seq_use(&seq, 1000000), 0);
	ck_assert_uint_eq(stored_of(1), 1000000 + RING_SEQ_AHEAD);
}
END_TEST

/* If forged joins have raised the sequence, few numbers are left. So none is skipped by storing ahead. */
START_TEST(large_ring_seqs_are_stored_one_by_one)
{
	static const uint64_t numbers[] = {TOTEM_RING_SEQ_JUMP_MAX - RING_SEQ_AHEAD + 1, TOTEM_RING_SEQ_JUMP_MAX,
		TOTEM_RING_SEQ_JUMP_MAX + 4, TOTEM_RING_SEQ_END - 1};
	struct ring_seq seq;

	ck_assert_int_eq(ring_seq_load(&seq, dir, 1, 0), 0);
	ck_assert_int_eq(ring_seq_use(&seq, numbers[0] - 1), 0);
	ck_assert_uint_eq(stored_of(1), TOTEM_RING_SEQ_JUMP_MAX);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		ck_assert_int_eq(ring_seq_use(&seq, numbers[i]), 0);
		ck_assert(!ring_seq_is_low(&seq));
		ck_assert_int_eq(ring_seq_store_ahead(&seq), 0);
		ck_assert_uint_eq(
			stored_of(1), numbers[i] > TOTEM_RING_SEQ_JUMP_MAX ? numbers[i] : TOTEM_RING_SEQ_JUMP_MAX);
	}
}
END_TEST

/* The engine gives up sequences that other nodes refuse. A restarted node must not begin with them again. */
START_TEST(ring_seqs_that_were_given_up_are_not_stored)
{
	struct ring_seq seq, later;

	ck_assert_int_eq(ring_seq_load(&seq, dir, 1, 0), 0);
	ck_assert_int_eq(ring_seq_use(&seq, TOTEM_RING_SEQ_JUMP_MAX + 4000), 0);
	ck_assert_int_eq(ring_seq_use(&seq, 1000), 0);
	ck_assert_uint_eq(stored_of(1), 1000 + RING_SEQ_AHEAD);
	ck_assert_int_eq(ring_seq_load(&later, dir, 1, 0), 0);
	ck_assert_uint_eq(later.used, 1000 + RING_SEQ_AHEAD);
	ck_assert_uint_eq(seq.used, 1000);
	/* At or below TOTEM_RING_SEQ_JUMP_MAX a sequence is never given up. */
	ck_assert_int_eq(ring_seq_use(&seq, 996), 0);
	ck_assert_uint_eq(seq.used, 1000);
}
END_TEST

START_TEST(a_disk_that_fails_leaves_the_ring_seqs_that_were_stored)
{
	struct ring_seq seq;

	ck_assert_int_eq(ring_seq_load(&seq, dir, 1, 0), 0);
	ck_assert_int_eq(ring_seq_use(&seq, 5), 0);
	seq.dir = "/proc/none";
	ck_assert_int_eq(ring_seq_use(&seq, 4005), 0);
	ck_assert_int_eq(ring_seq_store_ahead(&seq), -ENOENT);
	ck_assert_int_eq(ring_seq_use(&seq, 5 + RING_SEQ_AHEAD), 0);
	ck_assert_int_eq(ring_seq_use(&seq, 6 + RING_SEQ_AHEAD), -ENOENT);
	ck_assert_uint_eq(seq.used, 5 + RING_SEQ_AHEAD);
	ck_assert_uint_eq(seq.stored, 5 + RING_SEQ_AHEAD);
}
END_TEST

START_TEST(ring_seq_is_kept)
{
	uint64_t seq = 1;

	ck_assert_int_eq(state_ring_seq_load(dir, 4000000001u, &seq), 0);
	ck_assert_uint_eq(seq, 0);
	ck_assert_int_eq(state_ring_seq_store(dir, 4000000001u, 0x1122334455667788u), 0);
	ck_assert_int_eq(state_ring_seq_load(dir, 4000000001u, &seq), 0);
	ck_assert_uint_eq(seq, 0x1122334455667788u);
	ck_assert_int_eq(state_ring_seq_store(dir, 4000000001u, 17), 0);
	ck_assert_int_eq(state_ring_seq_load(dir, 4000000001u, &seq), 0);
	ck_assert_uint_eq(seq, 17);
	ck_assert_int_eq(state_ring_seq_load(dir, 2, &seq), 0);
	ck_assert_uint_eq(seq, 0);
}
END_TEST

/* If a stored sequence is lost, it may be used twice. So each error is reported, unless there was no file yet. */
START_TEST(a_damaged_file_is_an_error)
{
	uint64_t seq;

	for (size_t size = 0; size <= 16; size++) {
		write_file("ringid_1", "0123456789abcdef", size);
		ck_assert_int_eq(state_ring_seq_load(dir, 1, &seq), size == 8 ? 0 : -EBADMSG);
	}
	ck_assert_int_eq(state_ring_seq_store("/proc/none", 1, 5), -ENOENT);
}
END_TEST

START_TEST(replacing_is_whole_or_not_at_all)
{
	char path[128];
	struct stat status;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(state_file_replace(fd, "x", "abc", 3), 0);
	ck_assert_int_eq(state_file_replace(fd, "x", "defgh", 5), 0);
	snprintf(path, sizeof(path), "%s/x", dir);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_size, 5);
	ck_assert_uint_eq(status.st_mode & 07777, 0600);
	snprintf(path, sizeof(path), "%s/x.new", dir);
	ck_assert_int_lt(stat(path, &status), 0);
	/* A folder has the name of the temporary file, so that file cannot be created. */
	ck_assert_int_eq(mkdirat(fd, "y.new", 0700), 0);
	ck_assert_int_lt(state_file_replace(fd, "y", "abc", 3), 0);
	ck_assert_int_eq(
		state_file_replace(fd, "a-name-that-is-far-too-long-for-the-buffer-that-holds-the-temporary", "", 0),
		-ENAMETOOLONG);
	close(fd);
}
END_TEST

START_TEST(links_of_others_are_not_followed)
{
	char link_path[128], victim[128], bytes[8] = "";
	struct stat status;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	write_file("victim", "whole", 5);
	snprintf(victim, sizeof(victim), "%s/victim", dir);
	snprintf(link_path, sizeof(link_path), "%s/x.new", dir);
	ck_assert_int_eq(symlink(victim, link_path), 0);
	ck_assert_int_eq(state_file_replace(fd, "x", "abc", 3), 0);
	ck_assert_int_eq(state_file_read(dir, "victim", bytes, sizeof(bytes)), 5);
	ck_assert_str_eq(bytes, "whole");
	snprintf(link_path, sizeof(link_path), "%s/x", dir);
	ck_assert_int_eq(lstat(link_path, &status), 0);
	ck_assert(S_ISREG(status.st_mode));
	snprintf(link_path, sizeof(link_path), "%s/y", dir);
	ck_assert_int_eq(symlink(victim, link_path), 0);
	ck_assert_int_eq(state_file_read(dir, "y", bytes, sizeof(bytes)), -ELOOP);
	close(fd);
}
END_TEST

START_TEST(reading_tells_the_size)
{
	char bytes[4] = "";

	write_file("x", "abcdef", 6);
	ck_assert_int_eq(state_file_read(dir, "x", bytes, 3), 6);
	ck_assert_str_eq(bytes, "abc");
	ck_assert_int_eq(state_file_read(dir, "y", bytes, 3), -ENOENT);
}
END_TEST

START_TEST(what_is_no_file_is_not_read)
{
	char path[128], bytes[8] = "";

	snprintf(path, sizeof(path), "%s/fifo", dir);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(state_file_read(dir, "fifo", bytes, sizeof(bytes)), -EBADMSG);
	snprintf(path, sizeof(path), "%s/folder", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(state_file_read(dir, "folder", bytes, sizeof(bytes)), -EBADMSG);
}
END_TEST

/* In a folder such as /tmp another user may have made the file, or the link. */
START_TEST(files_of_others_are_not_read)
{
	char path[128], linked[128], bytes[8] = "";
	uint64_t seq;

	write_file("x", "abcdef", 6);
	write_file("ringid_1", "\0\0\1\0\0\0\0\0", 8);
	snprintf(path, sizeof(path), "%s/x", dir);
	snprintf(linked, sizeof(linked), "%s/linked", dir);
	ck_assert_int_eq(link(path, linked), 0);
	ck_assert_int_eq(state_file_read(dir, "linked", bytes, sizeof(bytes)), 6);
	ck_assert_int_eq(chmod(dir, 01777), 0);
	ck_assert_int_eq(state_file_read(dir, "linked", bytes, sizeof(bytes)), -EPERM);
	ck_assert_int_eq(unlink(linked), 0);
	ck_assert_int_eq(state_file_read(dir, "x", bytes, sizeof(bytes)), 6);
	ck_assert_int_eq(state_ring_seq_load(dir, 1, &seq), 0);
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chown(path, 1234, 1234), 0);
	ck_assert_int_eq(state_file_read(dir, "x", bytes, sizeof(bytes)), -EPERM);
	snprintf(path, sizeof(path), "%s/ringid_1", dir);
	ck_assert_int_eq(chown(path, 1234, 1234), 0);
	ck_assert_int_eq(state_ring_seq_load(dir, 1, &seq), -EPERM);
	/* In a folder of its own the daemon reads what an operator has put there. */
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(state_ring_seq_load(dir, 1, &seq), 0);
}
END_TEST

START_TEST(instance_names)
{
	static const struct {
		const char *name;
		bool is_valid;
	} cases[] = {
		{"a", true},
		{"n1", true},
		{"0", true},
		{"a-b_c", true},
		{"abcdefghijklmnopqrstuvwxyz01234", true},
		{"abcdefghijklmnopqrstuvwxyz012345", false},
		{"", false},
		{"-a", false},
		{"_a", false},
		{"A", false},
		{"a.b", false},
		{"a/b", false},
		{"..", false},
		{"a b", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(instance_name_is_valid(cases[i].name) == cases[i].is_valid, "'%s'", cases[i].name);
}
END_TEST

START_TEST(folders_of_an_instance_are_made)
{
	struct instance_dirs dirs;
	char error[512] = "", want[128];
	struct stat status;

	ck_assert_int_eq(instance_dirs_prepare("n1", dir, NULL, &dirs, error, sizeof(error)), 0);
	snprintf(want, sizeof(want), "%s/n1", dir);
	ck_assert_str_eq(dirs.state, want);
	ck_assert_int_eq(stat(want, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0700);
	snprintf(want, sizeof(want), "%s/absent", dir);
	ck_assert_int_eq(instance_dirs_prepare(NULL, want, NULL, &dirs, error, sizeof(error)), 16);
	ck_assert_ptr_nonnull(strstr(error, want));
}
END_TEST

/* The state folder is known although it does not exist: LOCALSTATE_DIR is /nonexistent in this test. */
START_TEST(the_state_folder_is_known_before_it_is_made)
{
	struct instance_dirs dirs;
	char error[512] = "", path[4096], want[256], run[128];

	snprintf(want, sizeof(want), "%s/below/state", dir);
	snprintf(run, sizeof(run), "%s/run", dir);
	ck_assert_int_eq(setenv("STATE_DIRECTORY", want, 1), 0);
	snprintf(want, sizeof(want), "%s/below/state/n1", dir);
	ck_assert_int_eq(instance_state_dir("n1", path), 0);
	ck_assert_str_eq(path, want);
	ck_assert_int_lt(access(path, F_OK), 0);
	ck_assert_int_eq(instance_dirs_prepare("n1", NULL, run, &dirs, error, sizeof(error)), 0);
	ck_assert_str_eq(dirs.state, want);
	ck_assert_int_eq(instance_state_dir("n1", path), 0);
	ck_assert_str_eq(path, want);
	ck_assert_int_eq(instance_state_dir(NULL, path), 0);
	*strrchr(want, '/') = '\0';
	ck_assert_str_eq(path, want);
	unsetenv("STATE_DIRECTORY");
	if (geteuid() == 0) {
		ck_assert_int_eq(instance_state_dir(NULL, path), 0);
		ck_assert_str_eq(path, "/nonexistent/lib/coterie");
	}
}
END_TEST

/* This runs in a child process, since access(2) checks the real user id. */
START_TEST(an_ordinary_user_has_a_state_folder_at_home)
{
	struct instance_dirs dirs;
	char error[512] = "", path[4096], want[256];
	int status;

	ck_assert_int_eq(chmod(dir, 0777), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && (setgid(1234) < 0 || setuid(1234) < 0))
			_exit(1);
		setenv("XDG_STATE_HOME", dir, 1);
		setenv("XDG_RUNTIME_DIR", dir, 1);
		snprintf(want, sizeof(want), "%s/coterie/n1", dir);
		if (instance_state_dir("n1", path) != 0 || strcmp(path, want) != 0)
			_exit(2);
		if (instance_dirs_prepare("n1", NULL, NULL, &dirs, error, sizeof(error)) != 0)
			_exit(3);
		_exit(strcmp(dirs.state, want) == 0 ? 0 : 4);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(one_daemon_holds_the_lock)
{
	struct instance_dirs dirs = {.is_fallback = false};
	char error[5000] = "", path[128], text[16] = "";
	int status;

	snprintf(dirs.run, sizeof(dirs.run), "%s", dir);
	int fd = instance_lock(&dirs, error, sizeof(error));
	ck_assert_int_ge(fd, 0);
	snprintf(path, sizeof(path), "%s/coterie.pid", dir);
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
	fclose(file);
	ck_assert_int_eq(atoi(text), getpid());
	/* fclose() has released the lock, since POSIX locks belong to the process. So take it again. */
	close(fd);
	fd = instance_lock(&dirs, error, sizeof(error));
	ck_assert_int_ge(fd, 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(-instance_lock(&dirs, error, sizeof(error)));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WEXITSTATUS(status), 18);
	instance_unlock(&dirs, fd);
	ck_assert_int_lt(access(path, F_OK), 0);
	snprintf(dirs.run, sizeof(dirs.run), "%s/absent", dir);
	ck_assert_int_eq(instance_lock(&dirs, error, sizeof(error)), -17);
}
END_TEST

/* A daemon that ends removes its file, and another one may have opened it before. */
START_TEST(a_lock_is_of_the_file_that_has_the_name)
{
	struct instance_dirs dirs = {.is_fallback = false};
	char error[5000] = "", path[128];
	struct stat opened, named;
	int status;

	snprintf(dirs.run, sizeof(dirs.run), "%s", dir);
	snprintf(path, sizeof(path), "%s/coterie.pid", dir);
	removed_before_lock = path;
	int fd = instance_lock(&dirs, error, sizeof(error));
	ck_assert_int_ge(fd, 0);
	ck_assert_ptr_null(removed_before_lock);
	ck_assert_int_eq(fstat(fd, &opened), 0);
	ck_assert_int_eq(stat(path, &named), 0);
	ck_assert_uint_eq(opened.st_ino, named.st_ino);
	pid_t pid = fork();
	if (pid == 0)
		_exit(-instance_lock(&dirs, error, sizeof(error)));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WEXITSTATUS(status), 18);
	/* If the file was removed, the next daemon has another one, which stays. */
	ck_assert_int_eq(unlink(path), 0);
	int next = instance_lock(&dirs, error, sizeof(error));
	ck_assert_int_ge(next, 0);
	instance_unlock(&dirs, fd);
	ck_assert_int_eq(access(path, F_OK), 0);
	instance_unlock(&dirs, next);
	ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_fifo_in_place_of_the_lock_does_not_block)
{
	struct instance_dirs dirs = {.is_fallback = false};
	char error[5000] = "", path[128];

	snprintf(dirs.run, sizeof(dirs.run), "%s", dir);
	snprintf(path, sizeof(path), "%s/coterie.pid", dir);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(instance_lock(&dirs, error, sizeof(error)), -17);
	ck_assert_ptr_nonnull(strstr(error, path));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("state");
	TCase *tc = tcase_create("state");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, ring_seq_is_kept);
	tcase_add_test(tc, a_node_without_a_stored_ring_seq_begins_at_a_random_one);
	tcase_add_test(tc, a_stored_ring_seq_is_continued_without_randomness);
	tcase_add_test(tc, ring_seqs_are_stored_ahead);
	tcase_add_test(tc, large_ring_seqs_are_stored_one_by_one);
	tcase_add_test(tc, ring_seqs_that_were_given_up_are_not_stored);
	tcase_add_test(tc, a_disk_that_fails_leaves_the_ring_seqs_that_were_stored);
	tcase_add_test(tc, a_damaged_file_is_an_error);
	tcase_add_test(tc, replacing_is_whole_or_not_at_all);
	tcase_add_test(tc, links_of_others_are_not_followed);
	tcase_add_test(tc, reading_tells_the_size);
	tcase_add_test(tc, what_is_no_file_is_not_read);
	tcase_add_test(tc, files_of_others_are_not_read);
	tcase_add_test(tc, instance_names);
	tcase_add_test(tc, folders_of_an_instance_are_made);
	tcase_add_test(tc, the_state_folder_is_known_before_it_is_made);
	tcase_add_test(tc, an_ordinary_user_has_a_state_folder_at_home);
	tcase_add_test(tc, one_daemon_holds_the_lock);
	tcase_add_test(tc, a_lock_is_of_the_file_that_has_the_name);
	tcase_add_test(tc, a_fifo_in_place_of_the_lock_does_not_block);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}

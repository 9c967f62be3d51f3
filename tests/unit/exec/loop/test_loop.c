/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/loop/loop.c: timers, descriptors, posts and deferred calls. */
#include "exec/loop/loop.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tests/suite.h"

#define MS 1000000u

static struct loop *loop;
static char journal[256];

static void note(const char *what) { strncat(journal, what, sizeof(journal) - strlen(journal) - 1); }

/* Callbacks take pointers to memory that may be changed, so each text is copied. */
#define TEXT(text) \
	({ \
		static char text_[] = text; \
		text_; \
	})

static int policy;

/* Replaces the C library's function: the tests choose the policy. */
int sched_getscheduler(pid_t pid)
{
	(void)pid;
	return policy;
}

static void say(void *arg) { note(arg); }

static void stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

static void setup(void)
{
	journal[0] = '\0';
	loop = loop_create();
	ck_assert_ptr_nonnull(loop);
}

static void teardown(void) { loop_destroy(loop); }

START_TEST(timers_run_in_order)
{
	uint64_t now = loop_now_ns(loop);
	static char names[9][2] = {"0", "1", "2", "3", "4", "5", "6", "7", "8"};
	static const int order[] = {5, 2, 8, 0, 7, 1, 3, 6, 4};

	for (size_t i = 0; i < 9; i++)
		ck_assert_ptr_nonnull(loop_timer_add(loop, now + (uint64_t)order[i] * MS / 4, say, names[order[i]]));
	loop_timer_add(loop, now + 5 * MS, stop, NULL);
	loop_run(loop);
	ck_assert_str_eq(journal, "012345678");
	ck_assert_uint_ge(loop_now_ns(loop), now + 5 * MS);
}
END_TEST

START_TEST(timers_of_one_instant_keep_their_order)
{
	uint64_t at = loop_now_ns(loop) + MS;

	loop_timer_add(loop, at, say, TEXT("a"));
	loop_timer_add(loop, at, say, TEXT("b"));
	loop_timer_add(loop, at, say, TEXT("c"));
	loop_timer_add(loop, at, stop, NULL);
	loop_run(loop);
	ck_assert_str_eq(journal, "abc");
}
END_TEST

static uint64_t late_count, late_ns_last;

static void note_late(void *arg, uint64_t late_ns)
{
	note(arg);
	late_count++;
	late_ns_last = late_ns;
}

START_TEST(late_timers_are_told)
{
	uint64_t now = loop_now_ns(loop);

	loop_watch_timers(loop, note_late, TEXT("late "));
	loop_timer_add(loop, now - 50 * MS, say, TEXT("a"));
	loop_timer_add(loop, now - 49 * MS, say, TEXT("b "));
	loop_timer_add(loop, 0, say, TEXT("c ")); /* time 0: due at once */
	loop_timer_add(loop, now + MS, stop, NULL);
	loop_run(loop);
	ck_assert_str_eq(journal, "c ab late ");
	ck_assert_uint_eq(late_count, 1);
	ck_assert_uint_lt(late_ns_last, 500 * MS);
}
END_TEST

START_TEST(deleted_timers_do_not_run)
{
	uint64_t now = loop_now_ns(loop);
	struct loop_timer *timers[20];

	for (int i = 0; i < 20; i++)
		timers[i] = loop_timer_add(loop, now + (uint64_t)(i * 7 % 20) * MS / 10, say, TEXT("x"));
	for (int i = 0; i < 20; i++)
		if (i != 13)
			loop_timer_del(loop, timers[i]);
	loop_timer_del(loop, NULL);
	loop_timer_add(loop, now + 4 * MS, stop, NULL);
	loop_run(loop);
	ck_assert_str_eq(journal, "x");
}
END_TEST

static int laps;

static void again(void *arg)
{
	if (++laps == 1000)
		loop_stop(loop);
	else
		loop_timer_add(loop, 0, again, arg);
}

START_TEST(a_timer_that_is_due_again_at_once_starves_nobody)
{
	laps = 0;
	loop_timer_add(loop, 0, again, NULL);
	loop_run(loop);
	ck_assert_int_eq(laps, 1000);
}
END_TEST

static unsigned int settings; /* calls of timerfd_settime */

int timerfd_settime(int fd, int flags, const struct itimerspec *when, struct itimerspec *before)
{
	settings++;
	return (int)syscall(SYS_timerfd_settime, fd, flags, when, before);
}

/* A timer that is already due is not set in the kernel. This saves a system call and an interrupt. */
START_TEST(a_timer_that_is_due_costs_no_setting)
{
	uint64_t now = loop_now_ns(loop);

	settings = 0;
	loop_timer_add(loop, now + 1000 * MS, say, TEXT("3"));
	ck_assert_uint_eq(settings, 1);
	loop_timer_add(loop, now, say, TEXT("2"));
	loop_timer_add(loop, now - MS, say, TEXT("1"));
	loop_timer_add(loop, now, stop, NULL);
	ck_assert_uint_eq(settings, 1);
	loop_run(loop);
	ck_assert_str_eq(journal, "12");
	ck_assert_uint_eq(settings, 2); /* the timer that is left was set in the kernel */
}
END_TEST

static int readable;
static int readable_enough; /* the loop stops after this many calls; 0: never */

static void on_readable(void *arg, int fd, uint32_t revents)
{
	char byte;

	(void)arg;
	ck_assert_uint_ne(revents & POLLIN, 0);
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	if (++readable == readable_enough)
		loop_stop(loop);
}

/* Run until there were `count` calls, for up to 2 s. */
static void run_until_read(int count)
{
	struct loop_timer *guard = loop_timer_add(loop, loop_now_ns(loop) + 2000 * MS, stop, NULL);

	readable_enough = count;
	loop_run(loop);
	readable_enough = 0;
	ck_assert_int_eq(readable, count);
	loop_timer_del(loop, guard);
}

static void run_5_ms(void)
{
	loop_timer_add(loop, loop_now_ns(loop) + 5 * MS, stop, NULL);
	loop_run(loop);
}

START_TEST(descriptors_are_watched_masked_and_forgotten)
{
	int fds[2];

	readable = 0;
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(loop_fd_add(loop, fds[0], POLLIN, LOOP_NORMAL, on_readable, NULL), 0);
	ck_assert_int_eq(loop_fd_add(loop, fds[0], POLLIN, LOOP_NORMAL, on_readable, NULL), -EEXIST);
	ck_assert_int_eq(loop_fd_mod(loop, 999, POLLIN), -ENOENT);
	ck_assert_int_eq(write(fds[1], "ab", 2), 2);
	run_until_read(2);

	ck_assert_int_eq(loop_fd_mod(loop, fds[0], 0), 0);
	ck_assert_int_eq(write(fds[1], "c", 1), 1);
	run_5_ms();
	ck_assert_int_eq(readable, 2);

	ck_assert_int_eq(loop_fd_mod(loop, fds[0], POLLIN), 0);
	run_until_read(3);

	loop_fd_del(loop, fds[0]);
	ck_assert_int_eq(write(fds[1], "d", 1), 1);
	run_5_ms();
	ck_assert_int_eq(readable, 3);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

static void defer_two(void *arg)
{
	(void)arg;
	loop_defer(loop, say, TEXT("2"));
	loop_defer(loop, say, TEXT("3"));
	note("1");
}

START_TEST(deferred_calls_follow_the_callback)
{
	uint64_t at = loop_now_ns(loop) + MS;

	/* Late enough that it is not due in the same turn, even on a busy machine. */
	loop_timer_add(loop, at, defer_two, NULL);
	loop_timer_add(loop, at + 200 * MS, say, TEXT("4"));
	loop_timer_add(loop, at + 201 * MS, stop, NULL);
	loop_run(loop);
	ck_assert_str_eq(journal, "1234");
}
END_TEST

static void defer_again(void *arg)
{
	if (++laps < 100)
		loop_defer(loop, defer_again, arg);
}

START_TEST(deferring_for_ever_starves_no_timer)
{
	laps = -1000000;
	loop_defer(loop, defer_again, NULL);
	loop_timer_add(loop, loop_now_ns(loop) + 3 * MS, stop, NULL);
	loop_run(loop);
	ck_assert_int_gt(laps, -1000000);
}
END_TEST

static void *post_thread(void *arg)
{
	for (int i = 0; i < 100; i++)
		if (loop_post(loop, say, TEXT("p")) < 0)
			abort();
	if (loop_post(loop, stop, NULL) < 0)
		abort();
	return arg;
}

START_TEST(threads_post)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, post_thread, NULL), 0);
	loop_run(loop);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(strlen(journal), 100);
}
END_TEST

START_TEST(callbacks_wait_for_no_process_at_real_time_priority)
{
	policy = SCHED_OTHER;
	ck_assert(loop_may_wait(loop));
	policy = SCHED_RR;
	ck_assert(!loop_may_wait(loop));
	policy = SCHED_FIFO;
	ck_assert(!loop_may_wait(loop));
}
END_TEST

START_TEST(a_loop_needs_descriptors)
{
	int lowest = dup(STDIN_FILENO);
	struct rlimit limit;

	ck_assert_int_ge(lowest, 0);
	close(lowest);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (rlim_t free_fds = 0; free_fds < 8; free_fds++) {
		limit.rlim_cur = (rlim_t)lowest + free_fds;
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
		struct loop *other = loop_create();

		ck_assert(other != NULL || errno == EMFILE);
		ck_assert(other == NULL || free_fds > 2);
		loop_destroy(other);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loop");
	TCase *tc = tcase_create("loop");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_loop_needs_descriptors);
	tcase_add_test(tc, timers_run_in_order);
	tcase_add_test(tc, timers_of_one_instant_keep_their_order);
	tcase_add_test(tc, late_timers_are_told);
	tcase_add_test(tc, deleted_timers_do_not_run);
	tcase_add_test(tc, a_timer_that_is_due_again_at_once_starves_nobody);
	tcase_add_test(tc, a_timer_that_is_due_costs_no_setting);
	tcase_add_test(tc, descriptors_are_watched_masked_and_forgotten);
	tcase_add_test(tc, deferred_calls_follow_the_callback);
	tcase_add_test(tc, deferring_for_ever_starves_no_timer);
	tcase_add_test(tc, threads_post);
	tcase_add_test(tc, callbacks_wait_for_no_process_at_real_time_priority);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}

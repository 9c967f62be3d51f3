/* SPDX-License-Identifier: BSD-3-Clause */
/* common/thread.h: threads that a node's loop starts. */
#include "common/thread.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>

#include "tests/suite.h"

/* The attributes that a thread has found for itself. */
struct found {
	int policy;
	sigset_t blocked;
	size_t stack_size;
};

static void *look(void *arg)
{
	struct found *found = arg;
	pthread_attr_t attributes;

	found->policy = sched_getscheduler(0);
	pthread_sigmask(SIG_SETMASK, NULL, &found->blocked);
	ck_assert_int_eq(pthread_getattr_np(pthread_self(), &attributes), 0);
	pthread_attr_getstacksize(&attributes, &found->stack_size);
	pthread_attr_destroy(&attributes);
	return NULL;
}

static struct found look_in_thread(size_t stack_size)
{
	struct found found = {.policy = -1};
	pthread_t thread;

	ck_assert_int_eq(thread_start(&thread, stack_size, look, &found), 0);
	pthread_join(thread, NULL);
	return found;
}

/* SCHED_BATCH stands for the real-time priority: every process may take it, and threads inherit it as well. */
START_TEST(a_thread_has_the_ordinary_priority)
{
	ck_assert_int_eq(sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0}), 0);
	ck_assert_int_eq(look_in_thread(0).policy, SCHED_OTHER);
	ck_assert_int_eq(sched_getscheduler(0), SCHED_BATCH);
}
END_TEST

START_TEST(signals_are_left_to_the_caller)
{
	sigset_t mask;

	struct found found = look_in_thread(0);

	ck_assert(sigismember(&found.blocked, SIGTERM) && sigismember(&found.blocked, SIGHUP));
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	ck_assert(!sigismember(&mask, SIGTERM) && !sigismember(&mask, SIGHUP));
}
END_TEST

START_TEST(the_stack_has_the_given_size)
{
	ck_assert_uint_eq(look_in_thread(128u << 10).stack_size, 128u << 10);
	ck_assert_uint_gt(look_in_thread(0).stack_size, 128u << 10);
}
END_TEST

START_TEST(a_thread_that_cannot_be_started_is_an_error)
{
	sigset_t mask;
	pthread_t thread;

	ck_assert_int_eq(thread_start(&thread, 1, look, NULL), -EINVAL);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	ck_assert(!sigismember(&mask, SIGTERM));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("thread");
	TCase *tc = tcase_create("thread");

	tcase_add_test(tc, a_thread_has_the_ordinary_priority);
	tcase_add_test(tc, signals_are_left_to_the_caller);
	tcase_add_test(tc, the_stack_has_the_given_size);
	tcase_add_test(tc, a_thread_that_cannot_be_started_is_an_error);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}

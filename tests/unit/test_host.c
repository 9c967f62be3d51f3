/* The host table, called as a plugin calls it: through the table alone, with the context it was
 * given. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "exec/executive.h"
#include "exec/loop.h"
#include "exec/plugin_private.h"
#include "exec_stub.h"

#define MS UINT64_C(1000000)

static struct executive executive;
static struct plugin plugin;
static const struct coterie_host *host;
static struct coterie_ctx *ctx;
static unsigned int calls;

static void set_up(void)
{
	exec_stub_reset();
	calls = 0;
	executive = (struct executive){.nodeid = 3, .is_quorate = true, .loop = loop_create()};
	plugin = (struct plugin){.name = "tally",
		.subsystem = "TALLY",
		.state = PLUGIN_RUNNING,
		.executive = &executive};
	ck_assert_int_eq(host_resources_create(&plugin), 0);
	host = host_table();
	ctx = (struct coterie_ctx *)&plugin;
}

static void tear_down(void)
{
	host_resources_reclaim(&plugin);
	host_resources_reclaim(&plugin); /* nothing left: nothing happens */
	loop_destroy(executive.loop);
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop(executive.loop);
}

static void run_for_ms(uint64_t ms)
{
	loop_timer_add(executive.loop, loop_now_ns(executive.loop) + ms * MS, stop, NULL);
	loop_run(executive.loop);
}

static void count(void *arg) { calls += arg != NULL ? *(unsigned int *)arg : 1; }

START_TEST(the_table_is_whole)
{
	const void *const *members = (const void *const *)&host->log;
	size_t size = sizeof(*host) - offsetof(struct coterie_host, log);

	ck_assert_uint_eq(host->size, sizeof(struct coterie_host));
	ck_assert_uint_eq(host->abi_major, COTERIE_ABI_MAJOR);
	ck_assert_uint_eq(host->abi_minor, COTERIE_ABI_MINOR);
	ck_assert_uint_eq(host->caps, 31);
	for (size_t i = 0; i < size / sizeof(void *); i++)
		ck_assert_msg(members[i] != NULL, "member %zu", i);
}
END_TEST

START_TEST(log_lines_carry_the_plugins_name)
{
	host->log(ctx, 5, "%d of %s", 3, "four");
	ck_assert_str_eq(exec_stub.log, "TALLY 5 3 of four\n");
}
END_TEST

/* --- timers --- */

START_TEST(a_timer_runs_once)
{
	unsigned int ten = 10;
	struct coterie_timer *timer = NULL;

	ck_assert_int_eq(host->timer_add(ctx, host->now_ns(ctx), count, &ten, &timer), 0);
	ck_assert_ptr_nonnull(timer);
	ck_assert_int_eq(host->timer_add(ctx, host->now_ns(ctx) + MS, count, NULL, NULL), 0);
	ck_assert_uint_eq(calls, 0);
	run_for_ms(5);
	ck_assert_uint_eq(calls, 11);
	host_resources_reclaim(&plugin);
	ck_assert(!exec_stub_has_logged("Leak"));
	ck_assert_int_eq(host_resources_create(&plugin), 0);
}
END_TEST

START_TEST(a_cancelled_timer_does_not_run)
{
	struct coterie_timer *timers[3];

	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(
			host->timer_add(ctx, host->now_ns(ctx), count, NULL, &timers[i]), 0);
	host->timer_del(ctx, timers[1]);
	host->timer_del(ctx, NULL);
	run_for_ms(5);
	ck_assert_uint_eq(calls, 2);
}
END_TEST

static void again(void *arg)
{
	calls++;
	if (calls < 5)
		host->timer_add(arg, host->now_ns(arg), again, arg, NULL);
}

START_TEST(a_timer_may_be_set_from_a_timer)
{
	host->timer_add(ctx, host->now_ns(ctx), again, ctx, NULL);
	run_for_ms(20);
	ck_assert_uint_eq(calls, 5);
}
END_TEST

/* --- descriptors --- */

static void on_ready(void *arg, int fd, uint32_t revents)
{
	char byte;

	ck_assert_ptr_eq(arg, &calls);
	ck_assert_uint_ne(revents & COTERIE_FD_IN, 0);
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	calls++;
}

START_TEST(a_descriptor_is_watched)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(host->fd_add(ctx, fds[0], COTERIE_FD_IN, _i, on_ready, &calls), 0);
	ck_assert_int_eq(host->fd_add(ctx, fds[0], COTERIE_FD_IN, _i, on_ready, &calls), -EEXIST);
	ck_assert_int_eq(host->fd_mod(ctx, fds[1], COTERIE_FD_IN), -ENOENT);
	ck_assert_int_eq(write(fds[1], "ab", 2), 2);
	run_for_ms(5);
	ck_assert_uint_eq(calls, 2); /* level-triggered */
	ck_assert_int_eq(host->fd_mod(ctx, fds[0], 0), 0);
	ck_assert_int_eq(write(fds[1], "c", 1), 1);
	run_for_ms(5);
	ck_assert_uint_eq(calls, 2);
	host->fd_del(ctx, fds[0]);
	host->fd_del(ctx, fds[0]);
	ck_assert_int_eq(host->fd_mod(ctx, fds[0], COTERIE_FD_IN), -ENOENT);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(another_plugins_descriptor_is_out_of_reach)
{
	struct plugin other = plugin;
	struct coterie_ctx *other_ctx = (struct coterie_ctx *)&other;
	int fds[2];

	ck_assert_int_eq(host_resources_create(&other), 0);
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(host->fd_add(ctx, fds[0], COTERIE_FD_IN, 0, on_ready, &calls), 0);
	ck_assert_int_eq(host->fd_mod(other_ctx, fds[0], 0), -ENOENT);
	host->fd_del(other_ctx, fds[0]);
	ck_assert_int_eq(write(fds[1], "a", 1), 1);
	run_for_ms(5);
	ck_assert_uint_eq(calls, 1);
	host_resources_reclaim(&other);
	host->fd_del(ctx, fds[0]);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* --- posts --- */

#define THREADS 4
#define POSTS 1000

static void *post_many(void *arg)
{
	for (int i = 0; i < POSTS; i++) {
		if (host->post(ctx, count, arg) != 0)
			return &calls; /* anything but NULL */
		if (i % 100 == 0)
			host->log(ctx, 7, "posted %d", i);
	}
	return NULL;
}

START_TEST(posts_come_from_any_thread)
{
	pthread_t threads[THREADS];
	void *result;

	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, post_many, NULL), 0);
	run_for_ms(10); /* while they post */
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		ck_assert_ptr_null(result);
	}
	run_for_ms(5);
	ck_assert_uint_eq(calls, THREADS * POSTS);
}
END_TEST

static void unload(void *arg)
{
	(void)arg;
	calls++;
	host_resources_reclaim(&plugin);
}

START_TEST(posts_die_with_the_plugin)
{
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(host->post(ctx, count, NULL), 0);
	host_resources_reclaim(&plugin);
	ck_assert_uint_eq(exec_stub_count_logged("Leak: a post was still queued"), 3);
	run_for_ms(5);
	ck_assert_uint_eq(calls, 0);

	/* The same, from inside a post: those behind it die. */
	ck_assert_int_eq(host_resources_create(&plugin), 0);
	ck_assert_int_eq(host->post(ctx, unload, NULL), 0);
	ck_assert_int_eq(host->post(ctx, count, NULL), 0);
	run_for_ms(5);
	ck_assert_uint_eq(calls, 1);
}
END_TEST

START_TEST(a_stopped_plugin_gets_nothing_new)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	plugin.state = PLUGIN_STOPPED;
	ck_assert_int_eq(host->post(ctx, count, NULL), -ESHUTDOWN);
	ck_assert_int_eq(host->timer_add(ctx, 0, count, NULL, NULL), -ESHUTDOWN);
	ck_assert_int_eq(host->fd_add(ctx, fds[0], COTERIE_FD_IN, 0, on_ready, NULL), -ESHUTDOWN);
	host->log(ctx, 6, "still heard");
	ck_assert(exec_stub_has_logged("still heard"));
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(what_is_left_behind_is_reported)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	host->timer_add(ctx, host->now_ns(ctx) + 500 * MS, count, NULL, NULL);
	host->timer_add(ctx, 0, count, NULL, NULL);
	host->fd_add(ctx, fds[0], COTERIE_FD_IN, 0, on_ready, NULL);
	host->fd_add(ctx, fds[1], COTERIE_FD_OUT, 0, on_ready, NULL);
	host_resources_reclaim(&plugin);
	ck_assert_uint_eq(exec_stub_count_logged("Leak: a timer due in "), 2);
	ck_assert_uint_eq(exec_stub_count_logged("Leak: descriptor "), 2);
	run_for_ms(5);
	ck_assert_uint_eq(calls, 0);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* --- the rest goes to where it belongs --- */

START_TEST(map_and_ring)
{
	const uint32_t *nodeids;
	const void *value;
	uint32_t type, size, number = 77;
	struct coterie_ring_id ring;

	ck_assert_int_eq(host->map_set(ctx, "a.key", COTERIE_MAP_U32, &number, sizeof(number)), 0);
	ck_assert_int_eq(host->map_get(ctx, "a.key", &type, &value, &size), 0);
	ck_assert_uint_eq(type, COTERIE_MAP_U32);
	ck_assert_uint_eq(size, 4);
	ck_assert_uint_eq(*(const uint32_t *)value, 77);
	ck_assert_int_eq(host->map_get(ctx, "a.key", NULL, NULL, NULL), 0);
	ck_assert_int_eq(host->map_get(ctx, "b.key", NULL, NULL, NULL), -ENOENT);
	ck_assert_int_eq(host->map_delete(ctx, "a.key"), 0);
	ck_assert_int_eq(host->map_delete(ctx, "a.key"), -ENOENT);

	ck_assert_uint_eq(host->local_nodeid(ctx), 3);
	ck_assert_uint_eq(host->is_quorate(ctx), 1);
	executive.is_quorate = false;
	ck_assert_uint_eq(host->is_quorate(ctx), 0);
	host->membership(ctx, &ring, &nodeids, &size);
	ck_assert_uint_eq(size, 3);
	ck_assert_uint_eq(ring.seq, 8);
	exec_stub.send_rc = -EAGAIN;
	ck_assert_int_eq(host->ring_send(ctx, 0, COTERIE_AGREED, NULL, 0), -EAGAIN);
	ck_assert_uint_eq(exec_stub.sent, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("host");
	TCase *tcase = tcase_create("table");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_table_is_whole);
	tcase_add_test(tcase, log_lines_carry_the_plugins_name);
	tcase_add_test(tcase, a_timer_runs_once);
	tcase_add_test(tcase, a_cancelled_timer_does_not_run);
	tcase_add_test(tcase, a_timer_may_be_set_from_a_timer);
	tcase_add_loop_test(tcase, a_descriptor_is_watched, 0, 2);
	tcase_add_test(tcase, another_plugins_descriptor_is_out_of_reach);
	tcase_add_test(tcase, posts_come_from_any_thread);
	tcase_add_test(tcase, posts_die_with_the_plugin);
	tcase_add_test(tcase, a_stopped_plugin_gets_nothing_new);
	tcase_add_test(tcase, what_is_left_behind_is_reported);
	tcase_add_test(tcase, map_and_ring);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

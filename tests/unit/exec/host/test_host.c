/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's functions, called as a plugin calls them: through the table alone, with the plugin's context. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "config/model.h"
#include "exec/host/host.h"
#include "exec/ipc/ipc_server.h"
#include "exec/loop/loop.h"
#include "exec/map/map.h"
#include "exec/plugin/plugin.h"
#include "exec/plugin/plugin_load.h"
#include "exec/reload/rekey.h"
#include "exec/stats/stats.h"
#include "exec/sync/quorum.h"
#include "tests/unit/exec/exec_stub.h"
#include "tests/suite.h"

#define MS UINT64_C(1000000)

/* The objects under test, and those that they use. */
static struct others {
	struct config *config;
	const char *instance;
	uint32_t nodeid;
	struct loop *loop;
	struct map *map;
	struct stats *stats;
	struct quorum *quorum;
	bool is_quorate;
	struct plugin_registry *plugins;
	struct rekey *rekey;
	struct host_parts host;
	struct ipc *ipc;
} others;
static struct config config;
static struct config_node nodes[2] = {{.nodeid = 1, .link_count = 1}, {.nodeid = 3, .link_count = 2}};
static struct coterie_plugin descriptor;
static struct plugin plugin;
static const struct coterie_host *host;
static struct coterie_ctx *ctx;
static unsigned int calls;

static void on_decided(void *arg, const struct coterie_quorum *verdict)
{
	(void)arg;
	others.is_quorate = verdict->is_quorate != 0;
}

static void set_up(void)
{
	exec_stub_reset();
	calls = 0;
	config = (struct config){.transport = "udpu", .nodes = nodes, .node_count = 2, .local = 1};
	others = (struct others){.nodeid = 3, .loop = loop_create(), .map = map_create(), .config = &config};
	others.stats = stats_create(others.loop);
	others.ipc = ipc_create(&(struct ipc_parts){.loop = others.loop,
		.map = others.map,
		.stats = others.stats,
		.is_quorate = &others.is_quorate,
		.config = &others.config,
		.instance = others.instance});
	others.quorum = quorum_create("tally", on_decided, NULL);
	others.plugins = plugin_registry_create(
		&(struct plugin_parts){.loop = others.loop, .stats = others.stats, .config = &others.config}, NULL, 0);
	others.rekey = rekey_create(&(struct rekey_parts){.config = &others.config, .plugins = others.plugins});
	others.host = (struct host_parts){.loop = others.loop,
		.map = others.map,
		.stats = others.stats,
		.config = &others.config,
		.nodeid = others.nodeid,
		.is_quorate = &others.is_quorate,
		.quorum = others.quorum,
		.rekey = others.rekey,
		.stop = exec_stub_stop,
		.die = exec_stub_die};
	descriptor = (struct coterie_plugin){.kind = COTERIE_KIND_SERVICE, .offers = COTERIE_CAN_QUORUM};
	plugin = (struct plugin){.name = "tally",
		.descriptor = &descriptor,
		.subsystem = "TALLY",
		.state = PLUGIN_RUNNING,
		.host = &others.host};
	ck_assert_int_eq(host_resources_create(&plugin), 0);
	host = host_table();
	ctx = (struct coterie_ctx *)&plugin;
}

static void tear_down(void)
{
	host_resources_reclaim(&plugin);
	host_resources_reclaim(&plugin); /* a second call has nothing to free */
	rekey_destroy(others.rekey);
	quorum_destroy(others.quorum);
	ipc_destroy(others.ipc);
	stats_destroy(others.stats);
	map_destroy(others.map);
	loop_destroy(others.loop);
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop(others.loop);
}

static void run_for_ms(uint64_t ms)
{
	loop_timer_add(others.loop, loop_now_ns(others.loop) + ms * MS, stop, NULL);
	loop_run(others.loop);
}

static void count(void *arg) { calls += arg != NULL ? *(unsigned int *)arg : 1; }

START_TEST(the_table_is_whole)
{
	const void *const *members = (const void *const *)&host->log;
	size_t size = sizeof(*host) - offsetof(struct coterie_host, log);

	ck_assert_uint_eq(host->size, sizeof(struct coterie_host));
	ck_assert_uint_eq(host->abi_major, COTERIE_ABI_MAJOR);
	ck_assert_uint_eq(host->abi_minor, COTERIE_ABI_MINOR);
	ck_assert_uint_eq(host->caps, 262143);
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

/* Messages and requests make services log. They must not make them do it all the time. */
START_TEST(log_lines_of_a_service_are_bounded)
{
	for (uint32_t i = 0; i < 200; i++)
		host->log(ctx, 4, "malformed");
	ck_assert_uint_eq(exec_stub_count_logged("malformed"), 100);
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
		ck_assert_int_eq(host->timer_add(ctx, host->now_ns(ctx), count, NULL, &timers[i]), 0);
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
	ck_assert_uint_eq(calls, 2); /* called again for the byte that was not read */
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
			return &calls; /* any pointer but NULL */
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
	run_for_ms(10); /* the threads post meanwhile */
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

	/* Free the resources inside a post: the posts behind it are dropped. */
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
	ck_assert_uint_eq(host->is_quorate(ctx), 0); /* a provider is configured, and has published nothing */
	others.is_quorate = true;
	ck_assert_uint_eq(host->is_quorate(ctx), 1);
	host->membership(ctx, &ring, &nodeids, &size);
	ck_assert_uint_eq(size, 3);
	ck_assert_uint_eq(ring.seq, 8);
	exec_stub.send_rc = -EAGAIN;
	ck_assert_int_eq(host->ring_send(ctx, 0, COTERIE_AGREED, NULL, 0), -EAGAIN);
	ck_assert_uint_eq(exec_stub.sent, 1);
}
END_TEST

static char told[256];

static void on_change(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	struct coterie_map_tracker **self = arg;
	size_t used = strlen(told);

	snprintf(told + used, sizeof(told) - used, "%u %s %u %u;", event, key, now->type, before->type);
	if (event == COTERIE_MAP_DELETED && self != NULL) {
		host->map_untrack(ctx, *self); /* a tracker may end itself in its call */
		*self = NULL;
	}
}

static uint32_t read_seven(void *arg, void *value)
{
	(void)arg;
	*(uint8_t *)value = 7;
	return 1;
}

START_TEST(maps_are_tracked_and_walked)
{
	struct coterie_map_tracker *tracker, *adds;
	struct coterie_map_iterator *iterator;
	struct coterie_map_value value;
	uint8_t number = 255;

	told[0] = '\0';
	ck_assert_int_eq(
		host->map_track(ctx, COTERIE_MAP_CONFIG, "a.", COTERIE_MAP_PREFIX | 7, on_change, &tracker, &tracker),
		0);
	ck_assert_int_eq(
		host->map_track(ctx, COTERIE_MAP_CONFIG, "a.key", COTERIE_MAP_ADDED, on_change, NULL, &adds), 0);
	host->map_set(ctx, "a.key", COTERIE_MAP_U8, &number, 1);
	ck_assert_int_eq(host->map_adjust(ctx, "a.key", 1), 0);
	host->map_set(ctx, "b.key", COTERIE_MAP_U8, &number, 1);
	ck_assert_int_eq(host->map_read(ctx, COTERIE_MAP_CONFIG, "a.key", &value), 0);
	ck_assert_uint_eq(*(const uint8_t *)value.bytes, 0);
	ck_assert_int_eq(host->map_read(ctx, COTERIE_MAP_STATS, "a.key", &value), -ENOENT);
	ck_assert_int_eq(host->map_read(ctx, 2, "a.key", &value), -ENOENT);
	ck_assert_int_eq(host->map_iterate(ctx, COTERIE_MAP_CONFIG, "", &iterator), 0);
	ck_assert_str_eq(host->map_iterate_next(iterator, &value), "a.key");
	ck_assert_uint_eq(value.type, COTERIE_MAP_U8);
	host->map_delete(ctx, "a.key");
	ck_assert_ptr_null(tracker);
	ck_assert_str_eq(host->map_iterate_next(iterator, NULL), "b.key");
	ck_assert_ptr_null(host->map_iterate_next(iterator, NULL));
	host->map_iterate_end(iterator);
	host->map_iterate_end(NULL);
	host->map_untrack(ctx, adds);
	host->map_untrack(ctx, NULL);
	ck_assert_str_eq(told, "4 a.key 2 0;4 a.key 2 0;2 a.key 2 2;1 a.key 0 2;");
	ck_assert_uint_eq(host->map_is_protected(ctx, "c.key"), 0);
	ck_assert_int_eq(host->map_protect(ctx, "c.", 1), 0);
	ck_assert_uint_eq(host->map_is_protected(ctx, "c.key"), 1);
}
END_TEST

/* A version that has been replaced: its clients have data of the new one. */
START_TEST(a_plugin_that_is_not_in_service_hears_nothing)
{
	struct coterie_map_tracker *keys, *stats;
	uint8_t number = 1;
	struct plugin other = plugin;
	struct coterie_ctx *service = (struct coterie_ctx *)&other;

	ck_assert_int_eq(host_resources_create(&other), 0);
	told[0] = '\0';
	host->map_track(ctx, COTERIE_MAP_CONFIG, "a.", COTERIE_MAP_PREFIX | 7, on_change, NULL, &keys);
	host->map_track(ctx, COTERIE_MAP_STATS, "stats.", COTERIE_MAP_PREFIX | 5, on_change, NULL, &stats);
	plugin.is_beside = true;
	host->map_set(service, "a.key", COTERIE_MAP_U8, &number, 1);
	ck_assert_int_eq(host->stat_add(service, "stats.seven", COTERIE_MAP_U8, read_seven, NULL), 0);
	ck_assert_str_eq(told, "");
	plugin.is_beside = false; /* the new version was refused */
	host->map_delete(service, "a.key");
	host->stat_del(service, "stats.seven");
	ck_assert_str_eq(told, "1 a.key 0 2;1 stats.seven 2 2;");
	host->map_untrack(ctx, keys);
	host->map_untrack(ctx, stats);
	host_resources_reclaim(&other);
}
END_TEST

START_TEST(statistics_end_with_their_plugin)
{
	struct coterie_map_tracker *tracker;
	struct coterie_map_iterator *iterator;
	struct coterie_map_value value;
	struct plugin other = plugin;

	ck_assert_int_eq(host_resources_create(&other), 0);
	told[0] = '\0';
	host->map_track((struct coterie_ctx *)&other, COTERIE_MAP_STATS, "stats.", COTERIE_MAP_PREFIX | 5, on_change,
		NULL, &tracker);
	ck_assert_int_eq(host->stat_add(ctx, "stats.seven", COTERIE_MAP_U8, read_seven, NULL), 0);
	ck_assert_int_eq(host->map_read(ctx, COTERIE_MAP_STATS, "stats.seven", &value), 0);
	ck_assert_uint_eq(*(const uint8_t *)value.bytes, 7);
	host->stat_del((struct coterie_ctx *)&other, "stats.seven"); /* the statistic of another plugin */
	ck_assert_int_eq(host->map_iterate(ctx, COTERIE_MAP_STATS, "stats.s", &iterator), 0);
	ck_assert_str_eq(host->map_iterate_next(iterator, &value), "stats.seven");
	ck_assert_int_eq(host->stats_on_clear(ctx, "seven", count, NULL), 0);
	ck_assert_int_eq(host->stats_clear(ctx, "seven"), 0);
	ck_assert_uint_eq(calls, 1);
	host_resources_reclaim(&plugin);
	ck_assert_str_eq(told, "4 stats.seven 2 2;1 stats.seven 2 2;");
	ck_assert(exec_stub_has_logged("Leak: 1 map iterators were left"));
	ck_assert_int_eq(host->stats_clear((struct coterie_ctx *)&other, "seven"), -ENOENT);
	host_resources_reclaim(&other);
	ck_assert(exec_stub_has_logged("Leak: 1 map trackers were left"));
}
END_TEST

static void on_verdict(void *arg, const struct coterie_quorum *verdict)
{
	(void)arg;
	snprintf(told, sizeof(told), "%u %u %s", verdict->is_quorate, verdict->member_count, verdict->provider);
}

START_TEST(a_verdict_opens_the_gate)
{
	static const uint32_t members[] = {1, 3};
	struct coterie_quorum verdict = {
		.size = sizeof(verdict), .is_quorate = 1, .members = members, .member_count = 2};

	ck_assert_int_eq(host->quorum_watch(ctx, on_verdict, NULL), 0);
	ck_assert_int_eq(host->quorum_watch(ctx, on_verdict, NULL), -EEXIST);
	ck_assert_int_eq(host->quorum_publish(ctx, &verdict), 0);
	ck_assert_str_eq(told, "1 2 tally");
	ck_assert_uint_eq(host->is_quorate(ctx), 1);
	verdict.size = offsetof(struct coterie_quorum, members); /* as a plugin of an older ABI passes it */
	verdict.members = NULL;
	verdict.is_quorate = 0;
	host->quorum_get(ctx, &verdict);
	ck_assert_uint_eq(verdict.is_quorate, 1);
	ck_assert_ptr_null(verdict.members);
	host_resources_reclaim(&plugin);
	ck_assert(!others.is_quorate); /* the provider has been unloaded */
}
END_TEST

START_TEST(nodes_are_asked_for)
{
	struct coterie_node_status status = {.size = sizeof(status)};
	struct coterie_peer peer = {.size = sizeof(peer)};

	ck_assert_int_eq(host->node_status(ctx, 3, &status), 0);
	ck_assert_uint_eq(status.size, sizeof(status));
	ck_assert_uint_eq(status.nodeid, 3);
	ck_assert_uint_eq(status.onwire_max, 7);
	status = (struct coterie_node_status){
		.size = offsetof(struct coterie_node_status, onwire_max), .onwire_max = 1};
	ck_assert_int_eq(host->node_status(ctx, 3, &status), 0);
	ck_assert_uint_eq(status.is_reachable, 1);
	/* The function does not write a member beyond the size of the caller's struct. */
	ck_assert_uint_eq(status.onwire_max, 1);
	ck_assert_int_eq(host->node_status(ctx, 4, &status), -ENOENT);
	ck_assert_int_eq(host->node_addresses(ctx, 3, &peer), 0);
	ck_assert_uint_eq(peer.link_count, 2);
	ck_assert_uint_eq(peer.is_local, 1);
	ck_assert_ptr_eq(peer.addresses, nodes[1].addresses);
	ck_assert_int_eq(host->node_addresses(ctx, 2, &peer), -ENOENT);
	exec_stub.is_safe_kept = true;
	ck_assert_uint_eq(host->is_safe_kept(ctx), 1);
}
END_TEST

static void on_rekey(void *arg) { (void)arg; }

START_TEST(the_rings_key)
{
	static const uint8_t key[] = {1, 2, 3};
	const void *bytes = NULL;
	uint32_t size = 0;

	ck_assert_int_eq(host->key_get(ctx, &bytes, &size), -ENODATA);
	config.key = key;
	config.key_size = sizeof(key);
	ck_assert_int_eq(host->key_get(ctx, &bytes, &size), 0);
	ck_assert_ptr_eq(bytes, key);
	ck_assert_uint_eq(size, 3);
	ck_assert_int_eq(host->rekey(ctx, COTERIE_REKEY_ACTIVATE), -ENOTSUP); /* there is no transport */
	ck_assert_int_eq(host->rekey_watch(ctx, on_rekey, NULL), 0);
	ck_assert_int_eq(host->rekey_watch(ctx, on_rekey, NULL), -EEXIST);
	host_resources_reclaim(&plugin);
	ck_assert_int_eq(host_resources_create(&plugin), 0);
	ck_assert_int_eq(host->rekey_watch(ctx, on_rekey, NULL), 0);
}
END_TEST

START_TEST(the_end_is_logged)
{
	host->stop(ctx);
	ck_assert_uint_eq(exec_stub.stops, 1);
	if (setjmp(exec_stub.on_die) == 0)
		host->die(ctx, 255, "Killed by node 2 : tired");
	ck_assert_int_eq(exec_stub.exit_status, 255);
	ck_assert(exec_stub_has_logged("TALLY 5 Killed by node 2 : tired"));
	ck_assert_int_eq(host->log_reopen(ctx), -ENOSPC);
}
END_TEST

static void on_reload(void *arg, int rc, const char *text)
{
	(void)rc, (void)text;
	count(arg);
}

START_TEST(a_reload_is_told_to_who_asked_while_he_is_there)
{
	ck_assert_int_eq(host->reload(ctx, on_reload, NULL), 0);
	ck_assert_ptr_eq(exec_stub.reload_owner, &plugin);
	exec_stub.reload_done(exec_stub.reload_arg, 0, "");
	ck_assert_uint_eq(calls, 1);
	host_resources_reclaim(&plugin);
	ck_assert(exec_stub.reload_done == NULL);
	ck_assert_int_eq(host->reload_prepare(ctx, on_reload, NULL), 0);
	ck_assert_ptr_eq(exec_stub.reload_owner, &plugin);
	ck_assert_int_eq(host->reload_commit(ctx), -ENOENT);
	host->reload_drop(ctx);
	ck_assert_uint_eq(exec_stub.reloads_prepared, 1);
	ck_assert(!exec_stub.is_reload_forced);
	ck_assert_int_eq(host->reload_with(ctx, COTERIE_RELOAD_FORCED, on_reload, NULL), 0);
	ck_assert_uint_eq(exec_stub.reloads_prepared, 1);
	ck_assert(exec_stub.is_reload_forced);
	ck_assert_int_eq(host->reload_with(ctx, COTERIE_RELOAD_PREPARE, on_reload, NULL), 0);
	ck_assert(!exec_stub.is_reload_forced);
	ck_assert_int_eq(host->reload_with(ctx, COTERIE_RELOAD_PREPARE | COTERIE_RELOAD_FORCED, on_reload, NULL), 0);
	ck_assert(exec_stub.is_reload_forced);
	ck_assert_uint_eq(exec_stub.reloads_prepared, 3);
	ck_assert_int_eq(host->reload_with(ctx, 4, on_reload, NULL), -EINVAL);
	ck_assert_uint_eq(exec_stub.reloads_committed, 1);
	ck_assert_uint_eq(exec_stub.reloads_dropped, 1);
}
END_TEST

START_TEST(a_new_key_belongs_to_the_plugin_that_prepares_it)
{
	char text[8];

	ck_assert_int_eq(host->key_commit(ctx, text, sizeof(text)), -ENOENT);
	ck_assert_int_eq(host->key_prepare(ctx, "key", 3, on_reload, NULL), -ENODATA);
	ck_assert_ptr_eq(exec_stub.key_owner, &plugin);
	ck_assert_uint_eq(exec_stub.key_size, 3);
	ck_assert_int_eq(host->key_commit(ctx, text, sizeof(text)), -EIO);
	host->key_drop(ctx);
	ck_assert_ptr_null(exec_stub.key_owner);
	host->key_prepare(ctx, "key", 3, on_reload, NULL);
	host->key_leave(ctx);
	ck_assert_ptr_null(exec_stub.key_owner);
	host->key_prepare(ctx, "key", 3, on_reload, NULL);
	host_resources_reclaim(&plugin); /* as when a plugin ends */
	ck_assert_ptr_null(exec_stub.key_owner);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("host");
	TCase *tcase = tcase_create("table");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_table_is_whole);
	tcase_add_test(tcase, log_lines_carry_the_plugins_name);
	tcase_add_test(tcase, log_lines_of_a_service_are_bounded);
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
	tcase_add_test(tcase, maps_are_tracked_and_walked);
	tcase_add_test(tcase, a_plugin_that_is_not_in_service_hears_nothing);
	tcase_add_test(tcase, statistics_end_with_their_plugin);
	tcase_add_test(tcase, a_verdict_opens_the_gate);
	tcase_add_test(tcase, nodes_are_asked_for);
	tcase_add_test(tcase, the_rings_key);
	tcase_add_test(tcase, the_end_is_logged);
	tcase_add_test(tcase, a_reload_is_told_to_who_asked_while_he_is_there);
	tcase_add_test(tcase, a_new_key_belongs_to_the_plugin_that_prepares_it);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}

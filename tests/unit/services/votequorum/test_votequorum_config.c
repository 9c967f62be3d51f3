/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration of the votequorum service, at the start and when keys change. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "services/votequorum/messages.h"
#include "tests/suite.h"
#include "tests/unit/services/votequorum/vote_ring.h"

#define SECOND_NS UINT64_C(1000000000)

static struct service_ring ring;

static void set_up(void) { vote_ring_init(&ring); }

static void tear_down(void) { service_ring_fini(&ring); }

static struct coterie_ctx *host(uint32_t nodeid) { return ring.nodes[nodeid].host; }

static void start(const char *config, uint32_t first, uint32_t last)
{
	vote_ring_config(config);
	for (uint32_t i = first; i <= last; i++)
		service_ring_start(&ring, i);
}

/* Start the plugin with a configuration that it must refuse. */
static struct coterie_ctx *refused(const char *config, int want)
{
	struct coterie_ctx *alone = mock_host_create(ring.plugin);
	void *self = NULL;

	vote_ring_config(config);
	alone->nodeid = 1;
	ring.prepare(alone);
	ck_assert_msg(ring.ops->init(&alone->table, alone, &self) == want, "%s", config);
	return alone;
}

/* ---- The start ----------------------------------------------------------- */

static const struct {
	const char *config;
	const char *info; /* information about node 1 that a client gets */
} starts[] = {
	{"nodes=3", "1 of 3, need 2, flags 0, device 0 ''"},
	{"nodes=3 nodelist.node.0.quorum_votes=4", "4 of 6, need 4, flags 2, device 0 ''"},
	{"nodes=3 nodelist.node.2.quorum_votes=0", "1 of 2, need 2, flags 0, device 0 ''"},
	/* quorum.votes has no effect: the nodelist says 1. */
	{"nodes=3 votes=4", "1 of 3, need 2, flags 0, device 0 ''"},
	{"nodes=3 expected_votes=5", "1 of 5, need 3, flags 0, device 0 ''"},
	{"expected_votes=5", "1 of 5, need 3, flags 0, device 0 ''"},
	{"expected_votes=5 votes=3", "3 of 5, need 3, flags 2, device 0 ''"},
	{"nodes=2 two_node=1", "1 of 2, need 1, flags 5, device 0 ''"},
	{"nodes=2 two_node=1 wait_for_all=0", "1 of 2, need 1, flags 3, device 0 ''"},
	{"nodes=2 two_node=0 wait_for_all=1", "1 of 2, need 2, flags 4, device 0 ''"},
	{"nodes=3 last_man_standing=1", "1 of 3, need 2, flags 8, device 0 ''"},
	{"nodes=4 auto_tie_breaker=1", "1 of 4, need 3, flags 10, device 0 ''"},
	{"nodes=4 auto_tie_breaker=1 auto_tie_breaker_node=4,1", "1 of 4, need 3, flags 10, device 0 ''"},
	{"nodes=4 auto_tie_breaker=1 auto_tie_breaker_node=0", "1 of 4, need 3, flags 0, device 0 ''"},
	{"nodes=4 auto_tie_breaker=1 auto_tie_breaker_node=some", "1 of 4, need 3, flags 0, device 0 ''"},
	{"nodes=4 auto_tie_breaker=0 auto_tie_breaker_node=lowest", "1 of 4, need 3, flags 0, device 0 ''"},
	{"nodes=3 auto_tie_breaker=1", "1 of 3, need 2, flags 0, device 0 ''"},
	{"nodes=3 auto_tie_breaker=1 wait_for_all=1", "1 of 3, need 2, flags 14, device 0 ''"},
	/* two_node implies wait_for_all, which stays although the tie-breaker turns two_node off. */
	{"nodes=2 two_node=1 auto_tie_breaker=1", "1 of 2, need 2, flags 14, device 0 ''"},
	{"nodes=3 allow_downscale=1", "1 of 3, need 2, flags 20, device 0 ''"},
	{"nodes=3 expected_votes_tracking=1", "1 of 3, need 2, flags 0, device 0 ''"},
	{"nodes=3 expected_votes=5 expected_votes_tracking=1", "1 of 3, need 2, flags 0, device 0 ''"},
	{"expected_votes=5 expected_votes_tracking=1", "1 of 5, need 3, flags 0, device 0 ''"},
	{"nodes=3 device.model=net", "1 of 5, need 3, flags 0, device 2 ''"},
	{"nodes=2 device.model=net device.votes=1", "1 of 2, need 2, flags 0, device 1 ''"},
	{"nodes=2 device.votes=1", "1 of 2, need 2, flags 0, device 0 ''"}, /* without a model there is no device */
	{"nodes=2 expected_votes=3 device.model=net device.votes=1", "1 of 3, need 2, flags 0, device 1 ''"},
	{"nodes=2 device.model=net device.votes=0", "1 of 2, need 2, flags 0, device 0 ''"},
	{"nodes=600", "1 of 600, need 301, flags 0, device 0 ''"},
};

START_TEST(what_is_in_force_at_the_start)
{
	start(starts[_i].config, 1, 1);
	ck_assert_msg(strcmp(vote_node_info(&ring, 1), starts[_i].info) == 0, "%s: %s", starts[_i].config,
		vote_node_info(&ring, 1));
}
END_TEST

static const struct {
	const char *config;
	const char *text;
} refusals[] = {
	{"", "nodelist or quorum.expected_votes must be configured!"},
	{"expected_votes=0", "nodelist or quorum.expected_votes must be configured!"},
	{"nodes=2 two_node=1 device.model=net", "two_node and quorum device cannot be configured at the same time!"},
	{"nodes=3 device.model=net last_man_standing=1", "quorum.device is not compatible with last_man_standing"},
	{"nodes=4 device.model=net auto_tie_breaker=1", "quorum.device is not compatible with auto_tie_breaker"},
	{"nodes=3 device.model=net allow_downscale=1", "quorum.device is not compatible with allow_downscale"},
	{"nodes=2 device.model=net expected_votes=3",
		"quorum.device.votes must be specified when quorum.expected_votes is set"},
	{"nodes=2 device.model=net nodelist.node.1.quorum_votes=2",
		"quorum.device.votes must be specified when not all nodes votes 1"},
	{"nodes=2 device.model=net expected_votes=3 device.votes=2",
		"quorum.device.votes is too high or expected_votes is too low"},
	{"nodes=2 device.model=net expected_votes=3 device.votes=4",
		"quorum.device.votes is too high or expected_votes is too low"},
	{"nodes=3 auto_tie_breaker=1 last_man_standing=1",
		"auto_tie_breaker & last_man_standing not available in odd sized cluster"},
};

START_TEST(contradictions_end_the_start)
{
	char line[128];
	struct coterie_ctx *alone = refused(refusals[_i].config, -EINVAL);

	snprintf(line, sizeof(line), "configuration error: %s", refusals[_i].text);
	ck_assert_msg(mock_host_has_logged(alone, line), "%s", refusals[_i].config);
	ck_assert_uint_eq(mock_host_destroy(alone), 0);
}
END_TEST

START_TEST(a_state_file_that_cannot_be_made_ends_the_start)
{
	struct coterie_ctx *alone = mock_host_create(ring.plugin);
	void *self = NULL;

	vote_ring_config("nodes=2 expected_votes_tracking=1");
	alone->nodeid = 1;
	alone->state_file_rc = -EACCES;
	ring.prepare(alone);
	ck_assert_int_lt(ring.ops->init(&alone->table, alone, &self), 0);
	ck_assert(mock_host_has_logged(alone, "Unable to load ev_tracking file!"));
	ck_assert_uint_eq(mock_host_destroy(alone), 0);
}
END_TEST

/* A write waits for the disk, with the loop. A member can change the barrier with each message. */
START_TEST(a_risen_barrier_is_stored_beside_the_loop)
{
	uint32_t stored, writes;

	start("expected_votes=2 expected_votes_tracking=1", 1, 3);
	writes = host(1)->file_writes;
	service_ring_form(&ring, "1 2 3");
	ck_assert_uint_eq(host(1)->file_stores, 0);
	mock_host_advance(host(1), UINT64_C(1000000000));
	ck_assert_uint_eq(host(1)->file_stores, 1);
	ck_assert_uint_eq(host(1)->file_writes, writes);
	memcpy(&stored, host(1)->files[0].bytes, sizeof(stored));
	ck_assert_uint_eq(stored, 3);
	if (service_is_replaced())
		return;
	/* A host before 1.8 has no such function. */
	service_ring_kill(&ring, 1);
	start("expected_votes=2 expected_votes_tracking=1", 1, 1);
	host(1)->table.size = offsetof(struct coterie_host, state_file_store);
	writes = host(1)->file_writes;
	service_ring_form(&ring, "1 2 3");
	mock_host_advance(host(1), UINT64_C(1000000000));
	ck_assert_uint_eq(host(1)->file_writes, writes + 1);
	ck_assert_uint_eq(host(1)->file_stores, 0);
}
END_TEST

static void (*store_done)(void *arg, int rc);
static void *store_arg;

static int store_later(struct coterie_ctx *ctx, const char *name, const void *bytes, uint32_t size,
	void (*done)(void *arg, int rc), void *arg)
{
	(void)ctx, (void)name, (void)bytes, (void)size;
	store_done = done;
	store_arg = arg;
	return 0;
}

/* The service may end only when its file is on the disk. */
START_TEST(the_end_waits_for_a_file_that_is_being_stored)
{
	uint32_t writes;

	if (service_is_replaced())
		return;
	start("expected_votes=2 expected_votes_tracking=1", 1, 3);
	host(1)->table.state_file_store = store_later;
	writes = host(1)->file_writes;
	service_ring_form(&ring, "1 2 3");
	mock_host_advance(host(1), UINT64_C(1000000000));
	ck_assert_ptr_nonnull(store_done);
	ck_assert_int_eq(ring.ops->drain(ring.nodes[1].self), -EAGAIN);
	ck_assert_uint_eq(host(1)->file_writes, writes);
	store_done(store_arg, -EIO); /* the file has its old content */
	ck_assert_int_eq(ring.ops->drain(ring.nodes[1].self), 0);
	ck_assert_uint_eq(host(1)->file_writes, writes + 1);
}
END_TEST

START_TEST(a_state_file_of_another_size_starts_anew)
{
	struct coterie_ctx *alone = mock_host_create(ring.plugin);

	vote_ring_config("nodes=2 expected_votes_tracking=1");
	alone->nodeid = 1;
	ck_assert_int_eq(alone->table.state_file_write(alone, "ev_tracking", "abc", 3), 0);
	ring.prepare(alone);
	ck_assert_int_eq(ring.ops->init(&alone->table, alone, &ring.nodes[1].self), 0);
	ring.nodes[1].host = alone;
	ck_assert(mock_host_has_logged(alone, "ev_tracking has 3 bytes"));
	ck_assert_str_eq(vote_node_info(&ring, 1), "1 of 2, need 2, flags 0, device 0 ''");
}
END_TEST

/* ---- Keys in the map ----------------------------------------------------- */

static const char *const first_read[] = {"quorum.allow_downscale", "quorum.wait_for_all", "quorum.last_man_standing",
	"quorum.last_man_standing_window", "quorum.expected_votes_tracking", "quorum.auto_tie_breaker",
	"quorum.auto_tie_breaker_node"};

START_TEST(what_is_read_once_is_read_only)
{
	start("nodes=3", 1, 1);
	for (size_t i = 0; i < sizeof(first_read) / sizeof(first_read[0]); i++)
		ck_assert_msg(host(1)->table.map_is_protected(host(1), first_read[i]) != 0, "%s", first_read[i]);
	ck_assert_uint_eq(host(1)->table.map_is_protected(host(1), "runtime.votequorum.two_node"), 1);
	ck_assert_uint_eq(host(1)->table.map_is_protected(host(1), "quorum.expected_votes"), 0);
	ck_assert_uint_eq(host(1)->table.map_is_protected(host(1), "quorum.two_node"), 0);
}
END_TEST

static bool has_key(uint32_t nodeid, const char *name)
{
	char key[128];

	snprintf(key, sizeof(key), "runtime.votequorum.%s", name);
	return host(nodeid)->table.map_get(host(nodeid), key, NULL, NULL, NULL) == 0;
}

static uint64_t key(uint32_t nodeid, const char *name)
{
	char whole[128];

	snprintf(whole, sizeof(whole), "runtime.votequorum.%s", name);
	return mock_map_u64(host(nodeid), whole);
}

START_TEST(keys_say_how_things_stand)
{
	start("nodes=2 two_node=1", 1, 2);
	ck_assert_uint_eq(key(1, "this_node_id"), 1);
	ck_assert_uint_eq(key(1, "two_node"), 1);
	ck_assert_uint_eq(key(1, "ev_barrier"), 2);
	ck_assert_uint_eq(key(1, "wait_for_all_status"), 1);
	ck_assert(!has_key(1, "lowest_node_id"));
	ck_assert(!has_key(1, "atb_type"));
	ck_assert(!has_key(1, "ev_tracking_barrier"));
	ck_assert(!has_key(1, "qdevice_can_operate"));
	ck_assert(!has_key(1, "qdevice_master_wins"));
	service_ring_form(&ring, "1 2");
	ck_assert_uint_eq(key(2, "lowest_node_id"), 1);
	ck_assert_uint_eq(key(2, "highest_node_id"), 2);
	ck_assert_uint_eq(key(2, "wait_for_all_status"), 0);
	service_ring_kill(&ring, 1);
	start("nodes=4 auto_tie_breaker=1 auto_tie_breaker_node=highest", 1, 1);
	ck_assert_uint_eq(key(1, "atb_type"), 2);
	ck_assert(!has_key(1, "wait_for_all_status"));
	service_ring_kill(&ring, 1);
	/* The tie-breaker is configured, but has no effect if the number of votes is odd. */
	start("nodes=3 auto_tie_breaker=1", 1, 1);
	ck_assert_uint_eq(key(1, "atb_type"), 0);
	service_ring_kill(&ring, 1);
	start("nodes=4 auto_tie_breaker=1 auto_tie_breaker_node=x", 1, 1);
	ck_assert_uint_eq(key(1, "atb_type"), 0);
	service_ring_kill(&ring, 1);
	start("nodes=2 device.model=net device.votes=1 expected_votes_tracking=1", 1, 1);
	ck_assert_uint_eq(key(1, "qdevice_can_operate"), 1);
	ck_assert_uint_eq(key(1, "ev_tracking_barrier"), 2);
}
END_TEST

/* ---- Keys that change ---------------------------------------------------- */

static const struct {
	const char *config;
	const char *key, *value; /* value NULL: the key is deleted */
	/* Information about node 1 that a client gets when all three nodes have received the messages. */
	const char *info;
	const char *queued; /* last message that node 1 sends */
} changes[] = {
	{"nodes=3", "quorum.expected_votes", "5", "3 of 5, need 3, flags 2, device 0 ''", "change 1 node 1 value 5"},
	{"nodes=3 expected_votes=5", "quorum.expected_votes", NULL, "3 of 3, need 2, flags 2, device 0 ''",
		"change 1 node 1 value 3"},
	{"nodes=3", "nodelist.node.0.quorum_votes", "3", "5 of 5, need 3, flags 2, device 0 ''",
		"change 1 node 1 value 5"},
	{"nodes=3", "nodelist.node.1.quorum_votes", "3", "3 of 5, need 3, flags 2, device 0 ''",
		"change 1 node 1 value 5"},
	{"nodes=3", "quorum.two_node", "1", "3 of 3, need 2, flags 7, device 0 ''", "info 0 votes 0 of 0 flags 0"},
	{"nodes=3", "quorum.votes", "7", "3 of 3, need 2, flags 2, device 0 ''", "info 0 votes 0 of 0 flags 0"},
	{"expected_votes=3", "quorum.votes", "3", "5 of 5, need 3, flags 2, device 0 ''", "change 2 node 1 value 3"},
	/* The device has two votes, so 5 are expected. It has not cast its own yet. */
	{"nodes=3", "quorum.device.model", "net", "3 of 5, need 3, flags 2, device 2 ''", "change 1 node 1 value 5"},
	{"nodes=3 wait_for_all=1", "quorum.two_node", "1", "3 of 3, need 2, flags 7, device 0 ''",
		"info 0 votes 0 of 0 flags 0"},
	/* These keys have an effect only at the start. */
	{"nodes=3", "quorum.wait_for_all", "1", "3 of 3, need 2, flags 2, device 0 ''", "info 0 votes 0 of 0 flags 0"},
	{"nodes=4", "quorum.auto_tie_breaker", "1", "3 of 4, need 3, flags 2, device 0 ''",
		"info 0 votes 0 of 0 flags 0"},
};

START_TEST(keys_that_change_while_running)
{
	start(changes[_i].config, 1, 3);
	service_ring_form(&ring, "1 2 3");
	vote_set_key(host(1), changes[_i].key, changes[_i].value);
	ck_assert_ptr_nonnull(strstr(vote_queued(&ring, 1, 0), "info 1 "));
	ck_assert_ptr_nonnull(strstr(vote_queued(&ring, 1, 1), "info 0 "));
	ck_assert_str_eq(vote_queued(&ring, 1, host(1)->sent.count - 1), changes[_i].queued);
	service_ring_run(&ring);
	ck_assert_msg(strcmp(vote_node_info(&ring, 1), changes[_i].info) == 0, "%s: %s", changes[_i].key,
		vote_node_info(&ring, 1));
	ck_assert_uint_eq(key(1, "atb_type"), 0); /* the key exists, so the plugin has read the keys again */
}
END_TEST

static const struct {
	const char *config;
	const char *key, *value;
	const char *text;
	const char *info; /* information about node 1 that a client gets afterwards */
} mistakes[] = {
	{"expected_votes=3", "quorum.expected_votes", NULL, "will continue with current runtime data",
		"3 of 3, need 2, flags 2, device 0 ''"},
	{"nodes=3 device.model=net device.votes=1", "quorum.two_node", "1", "two_node is on, the device is disabled",
		"3 of 4, need 3, flags 7, device 1 ''"},
	{"nodes=3 last_man_standing=1", "quorum.device.model", "net", "quorum device operations are disabled",
		"3 of 5, need 3, flags a, device 2 ''"},
	{"nodes=4 auto_tie_breaker=1 last_man_standing=1", "nodelist.node.3.quorum_votes", "2",
		"not available in odd sized cluster", "3 of 4, need 3, flags 1a, device 0 ''"},
	{"nodes=4 auto_tie_breaker=1", "nodelist.node.3.quorum_votes", "2", "it is off",
		"3 of 5, need 3, flags 2, device 0 ''"},
};

START_TEST(mistakes_while_running_are_said)
{
	start(mistakes[_i].config, 1, 3);
	service_ring_form(&ring, "1 2 3");
	vote_set_key(host(1), mistakes[_i].key, mistakes[_i].value);
	ck_assert_msg(mock_host_has_logged(host(1), mistakes[_i].text), "%s", mistakes[_i].text);
	service_ring_run(&ring);
	ck_assert_msg(strcmp(vote_node_info(&ring, 1), mistakes[_i].info) == 0, "%s: %s", mistakes[_i].text,
		vote_node_info(&ring, 1));
}
END_TEST

START_TEST(a_tie_breaker_that_was_off_comes_back)
{
	start("nodes=4 auto_tie_breaker=1", 1, 1);
	vote_set_key(host(1), "nodelist.node.3.quorum_votes", "2");
	ck_assert_str_eq(vote_node_info(&ring, 1), "1 of 5, need 3, flags 0, device 0 ''");
	vote_set_key(host(1), "nodelist.node.3.quorum_votes", "1");
	ck_assert_str_eq(vote_node_info(&ring, 1), "1 of 4, need 3, flags 10, device 0 ''");
	ck_assert_uint_eq(key(1, "atb_type"), 1);
}
END_TEST

START_TEST(waiting_ends_with_two_node)
{
	start("nodes=2 two_node=1", 1, 1);
	ck_assert_uint_eq(key(1, "wait_for_all_status"), 1);
	vote_set_key(host(1), "quorum.two_node", "0");
	ck_assert_uint_eq(key(1, "wait_for_all_status"), 0);
	ck_assert_uint_eq(key(1, "two_node"), 0);
}
END_TEST

START_TEST(keys_of_other_types_are_none)
{
	const uint8_t five = 5;

	start("nodes=3", 1, 1);
	ck_assert_int_eq(host(1)->table.map_set(host(1), "quorum.expected_votes", COTERIE_MAP_U8, &five, 1), 0);
	ck_assert_str_eq(vote_node_info(&ring, 1), "1 of 3, need 2, flags 0, device 0 ''");
}
END_TEST

/* ---- A reload ------------------------------------------------------------ */

START_TEST(a_reload_counts_at_its_end)
{
	start("nodes=3", 1, 1);
	service_ring_form(&ring, "1");
	vote_set_key(host(1), "config.totemconfig_reload_in_progress", "1");
	vote_set_key(host(1), "quorum.expected_votes", "5");
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "");
	vote_set_key(host(1), "config.reload_status", "1");
	vote_set_key(host(1), "config.totemconfig_reload_in_progress", "0");
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "info 1 votes 1 of 5 flags 8");
	ck_assert_str_eq(vote_queued(&ring, 1, 1), "info 0 votes 0 of 0 flags 0");
	ck_assert_str_eq(vote_queued(&ring, 1, 2), "change 1 node 1 value 5");
	ck_assert_str_eq(vote_queued(&ring, 1, 3), "");
}
END_TEST

START_TEST(a_refused_reload_changes_nothing)
{
	start("nodes=3", 1, 1);
	service_ring_form(&ring, "1");
	vote_set_key(host(1), "config.totemconfig_reload_in_progress", "1");
	vote_set_key(host(1), "quorum.expected_votes", "5");
	vote_set_key(host(1), "config.reload_status", "7");
	vote_set_key(host(1), "config.totemconfig_reload_in_progress", "0");
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "");
}
END_TEST

/* A reload stores options that count from the next start on. Three of four nodes get another version of the plugin. */
START_TEST(a_replacement_keeps_the_options_of_the_start)
{
	start("nodes=4 auto_tie_breaker=1 auto_tie_breaker_node=2,3", 1, 4);
	service_ring_form(&ring, "1 2 3 4");
	for (uint32_t i = 1; i <= 4; i++)
		vote_set_key(host(i), "quorum.auto_tie_breaker_node", "highest");
	service_ring_run(&ring);
	for (uint32_t i = 2; i <= 4; i++)
		ck_assert_int_eq(mock_replace(host(i), ring.ops, &ring.nodes[i].self, true), 0);
	service_ring_form(&ring, "1 2 | 3 4");
	ck_assert(host(1)->is_quorate && host(2)->is_quorate);
	ck_assert(!host(3)->is_quorate && !host(4)->is_quorate);
	for (uint32_t i = 3; i <= 4; i++)
		ck_assert_int_eq(mock_replace(host(i), ring.ops, &ring.nodes[i].self, true), 0);
	service_ring_form(&ring, "3 | 4");
	service_ring_form(&ring, "3 4");
	ck_assert(!host(3)->is_quorate && !host(4)->is_quorate);
}
END_TEST

/* ---- Nobody is waited for any longer ------------------------------------- */

START_TEST(waiting_is_cancelled_by_a_key)
{
	start("nodes=3 wait_for_all=1", 1, 2);
	service_ring_form(&ring, "1 2");
	ck_assert(!host(1)->is_quorate);
	vote_set_key(host(1), "quorum.cancel_wait_for_all", "1");
	ck_assert_uint_eq(mock_map_u64(host(1), "quorum.cancel_wait_for_all"), 0);
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "info 1 votes 1 of 3 flags 4");
	ck_assert_str_eq(vote_queued(&ring, 1, 1), "info 0 votes 0 of 0 flags 0");
	ck_assert_str_eq(vote_queued(&ring, 1, 2), "change 3 node 1 value 0");
	ck_assert_str_eq(vote_queued(&ring, 1, 3), "");
	service_ring_run(&ring);
	ck_assert(host(1)->is_quorate);
	ck_assert(host(2)->is_quorate);
	ck_assert_uint_eq(key(2, "wait_for_all_status"), 0);
}
END_TEST

START_TEST(zero_cancels_nothing)
{
	start("nodes=3 wait_for_all=1", 1, 1);
	service_ring_form(&ring, "1");
	vote_set_key(host(1), "quorum.cancel_wait_for_all", "0");
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "info 1 votes 1 of 3 flags c");
	ck_assert_str_eq(vote_queued(&ring, 1, 1), "info 0 votes 0 of 0 flags 0");
	ck_assert_str_eq(vote_queued(&ring, 1, 2), "");
}
END_TEST

/* Cancelling the waiting reads the keys again, so expected votes that a client has set are lost (as in a real ring). */
START_TEST(cancelling_reads_the_keys_again)
{
	struct service_user user;

	start("nodes=3 wait_for_all=1", 1, 3);
	service_ring_form(&ring, "1 2 3");
	user = service_user_create(&ring, 1, 1);
	ck_assert_int_eq(vote_expected(&user, 4), 1);
	service_user_close(&user);
	service_ring_run(&ring);
	vote_set_key(host(1), "quorum.cancel_wait_for_all", "1");
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "info 1 votes 1 of 3 flags 1");
	ck_assert_str_eq(vote_queued(&ring, 1, 2), "change 1 node 1 value 3");
	ck_assert_str_eq(vote_queued(&ring, 1, 3), "change 3 node 1 value 0");
	service_ring_run(&ring);
	ck_assert_str_eq(vote_node_info(&ring, 2), "3 of 3, need 2, flags 6, device 0 ''");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("votequorum_config");
	TCase *tcase = tcase_create("keys");

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, what_is_in_force_at_the_start, 0, COUNT(starts));
	tcase_add_loop_test(tcase, contradictions_end_the_start, 0, COUNT(refusals));
	tcase_add_test(tcase, a_state_file_that_cannot_be_made_ends_the_start);
	tcase_add_test(tcase, a_state_file_of_another_size_starts_anew);
	tcase_add_test(tcase, what_is_read_once_is_read_only);
	tcase_add_test(tcase, keys_say_how_things_stand);
	tcase_add_loop_test(tcase, keys_that_change_while_running, 0, COUNT(changes));
	tcase_add_loop_test(tcase, mistakes_while_running_are_said, 0, COUNT(mistakes));
	tcase_add_test(tcase, a_tie_breaker_that_was_off_comes_back);
	tcase_add_test(tcase, waiting_ends_with_two_node);
	tcase_add_test(tcase, keys_of_other_types_are_none);
	tcase_add_test(tcase, a_reload_counts_at_its_end);
	tcase_add_test(tcase, a_refused_reload_changes_nothing);
	tcase_add_test(tcase, a_replacement_keeps_the_options_of_the_start);
	tcase_add_test(tcase, waiting_is_cancelled_by_a_key);
	tcase_add_test(tcase, zero_cancels_nothing);
	tcase_add_test(tcase, cancelling_reads_the_keys_again);
	tcase_add_test(tcase, a_risen_barrier_is_stored_beside_the_loop);
	tcase_add_test(tcase, the_end_waits_for_a_file_that_is_being_stored);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}

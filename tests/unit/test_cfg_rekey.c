/* A change of an encrypted ring's keys, as the configuration service agrees on it: services/cfg/rekey.c. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/cfg/messages.h"
#include "tests/unit/service_ring.h"

#define MS UINT64_C(1000000)

extern const struct coterie_plugin cfg_LTX_coterie_plugin;

static struct service_ring ring;
static struct service_user users[SERVICE_RING_NODES + 1];

static bool has_two_steps; /* else each node reloads on its own, as in a ring with nodes of Corosync's */

static void prepare_host(struct coterie_ctx *context)
{
	if (!has_two_steps)
		context->table.reload_prepare = NULL;
}

static void set_up(void)
{
	service_ring_init(&ring, &cfg_LTX_coterie_plugin);
	ring.prepare = prepare_host;
	for (uint32_t i = 1; i <= 4; i++)
		service_ring_start(&ring, i);
}

static void tear_down(void)
{
	for (uint32_t i = 1; i <= SERVICE_RING_NODES; i++)
		if (ring.nodes[i].host != NULL)
			service_user_close(&users[i]);
	service_ring_fini(&ring);
}

static void form(const char *rings)
{
	service_ring_form_start(&ring, rings);
}

static struct coterie_ctx *host(uint32_t nodeid) { return ring.nodes[nodeid].host; }

/* The transports of these nodes ("1 2 3") hold new keys. */
static void load(const char *nodes)
{
	for (const char *at = nodes; *at != '\0'; at++)
		if (*at != ' ')
			mock_rekey(host((uint32_t)(*at - '0')));
}

static void pass(uint64_t ms)
{
	for (uint32_t i = 1; i <= SERVICE_RING_NODES; i++)
		if (host(i) != NULL)
			mock_host_advance(host(i), ms * MS);
	service_ring_run(&ring);
}

/* Phases that a node's transport has taken: "12" is a whole change. */
static const char *phases(uint32_t nodeid)
{
	static char text[32];

	for (uint32_t i = 0; i < host(nodeid)->rekey_count; i++)
		text[i] = (char)('0' + host(nodeid)->rekeys[i]);
	text[host(nodeid)->rekey_count] = '\0';
	return text;
}

static void expect(const char *nodes, const char *want)
{
	for (const char *at = nodes; *at != '\0'; at++)
		if (*at != ' ')
			ck_assert_msg(strcmp(phases((uint32_t)(*at - '0')), want) == 0,
				"node %c: '%s' instead of '%s'", *at, phases((uint32_t)(*at - '0')), want);
}

/* What a node of Corosync's says, or somebody who means harm. */
static void say(uint32_t nodeid, uint32_t phase, uint32_t repeated)
{
	uint32_t body[2] = {phase, repeated};
	struct iovec iov = {body, sizeof(body)};

	mock_queue_add(&host(nodeid)->sent, CFG_RING_CRYPTO_RECONFIG, &iov, 1);
	service_ring_run(&ring);
}

static void ask_for_reload(uint32_t nodeid)
{
	struct cfg_req_plain req;

	if (users[nodeid].client == NULL)
		users[nodeid] = service_user_create(&ring, nodeid, 100 + nodeid);
	ck_assert_int_eq(
		service_user_send(&users[nodeid], CFG_REQ_RELOAD_CONFIG, &req, sizeof(req)), COTERIE_LATER);
}

static bool is_answered(uint32_t nodeid) { return users[nodeid].client->replies.count > 0; }

static uint32_t count_logged(uint32_t nodeid, const char *words)
{
	const struct mock_queue *logs = &host(nodeid)->logs;
	uint32_t count = 0;

	for (uint32_t i = 0; i < logs->count; i++)
		count += strstr((const char *)logs->list[i].data, words) != NULL;
	return count;
}

/* ---- The plain case ------------------------------------------------------ */

START_TEST(all_go_over_when_all_have_loaded)
{
	form("1 2 3");
	load("1");
	ck_assert_uint_eq(host(1)->sent.count, 1);
	ck_assert_uint_eq(host(1)->sent.list[0].id, CFG_RING_CRYPTO_RECONFIG);
	ck_assert_uint_eq(host(1)->sent.list[0].guarantee, COTERIE_SAFE);
	ck_assert_uint_eq(host(1)->sent.list[0].size, 8); /* with its header 24 bytes */
	ck_assert_int_eq(memcmp(host(1)->sent.list[0].data, "\1\0\0\0", 4), 0);
	ck_assert_uint_eq(host(1)->sent.list[0].data[7], 0xc7);
	service_ring_run(&ring);
	load("2");
	service_ring_run(&ring);
	expect("1 2 3", "");
	load("3");
	expect("3", ""); /* its own word has to come back first */
	service_ring_run(&ring);
	expect("1 2 3", "12");
	ck_assert_uint_eq(count_logged(1, "The ring's keys have changed"), 1);
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
	pass(60000);
	expect("1 2 3", "12");
	load("3 2 1");
	service_ring_run(&ring);
	expect("1 2 3", "1212");
}
END_TEST

START_TEST(a_node_alone)
{
	form("1");
	load("1");
	service_ring_run(&ring);
	expect("1", "12");
}
END_TEST

START_TEST(nodes_of_either_byte_order)
{
	ring.has_swapped = true;
	form("1 2 3");
	load("1 2 3");
	service_ring_run(&ring);
	expect("1 2 3", "12");
}
END_TEST

START_TEST(what_cannot_be_sent_is_sent_later)
{
	form("1 2");
	host(1)->ring_send_rc = -EAGAIN;
	load("1 2");
	service_ring_run(&ring);
	pass(1000);
	expect("1 2", "");
	host(1)->ring_send_rc = 0;
	pass(250);
	expect("1 2", "12");
}
END_TEST

START_TEST(before_the_first_ring)
{
	load("1");
	pass(1000);
	expect("1", "");
	form("1 2");
	load("2");
	pass(2000);
	expect("1 2", "12");
}
END_TEST

/* ---- Those who do not speak ---------------------------------------------- */

START_TEST(who_never_loads_keeps_the_old_keys_in_use)
{
	form("1 2 3 4");
	load("1 3");
	service_ring_run(&ring);
	pass(4000);
	ck_assert_uint_eq(count_logged(1, "have not loaded"), 0);
	pass(2000);
	ck_assert_uint_eq(count_logged(1, "The ring keeps its old keys, since nodes have not loaded the "
					  "new ones: 2 4;"), 1);
	pass(3600000);
	ck_assert_uint_eq(count_logged(1, "have not loaded"), 1); /* once */
	ck_assert_uint_eq(count_logged(2, "have not loaded"), 0);
	expect("1 2 3 4", "");
	load("2");
	pass(1000);
	expect("1 2 3 4", "");
	load("4");
	service_ring_run(&ring);
	expect("1 2 3 4", "12");
}
END_TEST

START_TEST(who_leaves_has_spoken)
{
	form("1 2 3");
	load("1 2");
	service_ring_run(&ring);
	service_ring_kill(&ring, 3);
	form("1 2");
	pass(250);
	expect("1 2", "12");
}
END_TEST

START_TEST(who_leaves_between_the_phases)
{
	form("1 2 3");
	load("1 2 3");
	host(3)->rekey_rc = -EIO; /* it does not come as far as its second word */
	service_ring_run(&ring);
	expect("1 2", "1");
	service_ring_kill(&ring, 3);
	form("1 2");
	pass(250);
	expect("1 2", "12");
}
END_TEST

START_TEST(a_transport_that_fails_is_asked_again)
{
	form("1 2");
	load("1 2");
	host(1)->rekey_rc = -EIO;
	service_ring_run(&ring);
	expect("1", "");
	expect("2", "1");
	pass(6000);
	ck_assert_uint_eq(count_logged(1, "cannot send with the new keys (Input/output error)"), 1);
	ck_assert_uint_eq(count_logged(1, "have not"), 0); /* it is nobody else's fault */
	ck_assert_uint_eq(count_logged(2, "have not gone over to the new ones: 1"), 1);
	host(1)->rekey_rc = 0;
	pass(250);
	expect("1 2", "12");
}
END_TEST

START_TEST(the_next_change_begins_before_this_one_has_ended)
{
	form("1 2");
	load("1 2");
	for (uint32_t from = 1; from <= 2; from++) { /* their first words only */
		struct mock_queue words = host(from)->sent;

		memset(&host(from)->sent, 0, sizeof(words));
		for (uint32_t to = 1; to <= 2; to++)
			ck_assert_int_eq(mock_deliver(ring.ops, ring.nodes[to].self, from, false,
						 &words.list[0]), 0);
		mock_queue_clear(&words);
	}
	expect("1 2", "1");
	host(1)->rekey_rc = -EIO; /* it cannot forget the old keys yet */
	service_ring_run(&ring);
	expect("1", "1");
	expect("2", "12");
	mock_key(host(2), "next", 4);
	load("2");
	service_ring_run(&ring);
	host(1)->rekey_rc = 0;
	pass(250);
	expect("1", "12");
	mock_key(host(1), "next", 4);
	load("1");
	service_ring_run(&ring);
	expect("1 2", "1212");
}
END_TEST

START_TEST(a_change_that_the_transport_has_dropped)
{
	form("1 2");
	load("1");
	service_ring_run(&ring);
	host(1)->next_phase = 0;
	load("2");
	service_ring_run(&ring);
	ck_assert_uint_eq(count_logged(1, "The change of the ring's keys is void"), 1);
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
	load("1 2"); /* the next one works */
	pass(1000);
	expect("1", "12");
}
END_TEST

/* ---- Rings that change meanwhile ----------------------------------------- */

START_TEST(who_joins_is_told_and_waited_for)
{
	form("1 2 | 3");
	load("1");
	service_ring_run(&ring);
	form("1 2 3");
	load("2");
	pass(250);
	expect("1 2 3", ""); /* 3 has not loaded; it knows of 1 only since it was said again */
	load("3");
	service_ring_run(&ring);
	expect("1", "1"); /* not at once: who joined might have something to say */
	pass(2000);
	expect("1 2 3", "12");
}
END_TEST

START_TEST(rings_that_merge_in_different_phases)
{
	form("1 2 | 3 4");
	load("1 2 3");
	service_ring_run(&ring);
	expect("1 2", "12");
	expect("3 4", "");
	/* 1 and 2 are through: they say nothing. 4 is waited for, they are too, until they reload. */
	form("1 2 3 4");
	load("4");
	pass(10000);
	expect("3 4", "");
	ck_assert_uint_eq(count_logged(3, "have not loaded the new ones: 1 2"), 1);
}
END_TEST

START_TEST(a_ring_that_has_gone_over_takes_a_loaded_node_along)
{
	form("1 2 | 3");
	load("1 2");
	host(2)->rekey_rc = -EIO;
	service_ring_run(&ring);
	expect("1", "1");
	host(3)->rekey_rc = -EIO; /* it is late */
	load("3");
	service_ring_run(&ring);
	form("1 2 3");
	host(2)->rekey_rc = 0;
	host(3)->rekey_rc = 0;
	pass(250);
	pass(2000);
	expect("1 2 3", "12");
}
END_TEST

START_TEST(a_node_that_comes_back_has_to_speak_again)
{
	form("1 2 3");
	load("2");
	service_ring_run(&ring);
	service_ring_kill(&ring, 2);
	service_ring_start(&ring, 2);
	form("1 2 3");
	load("1 3");
	pass(1000);
	expect("1 2 3", "");
	load("2");
	pass(2000);
	expect("1 2 3", "12");
}
END_TEST

/* ---- Nodes of Corosync's ------------------------------------------------- */

START_TEST(who_waits_for_nobody_is_followed)
{
	form("1 2 3");
	load("1");
	service_ring_run(&ring);
	say(3, 1, 0);
	expect("1", "");
	say(3, 2, 0); /* it forgets the old keys now */
	expect("1", "1");
	load("2"); /* at once, since 3 and 1 do not use the old ones any more */
	expect("2", "1");
	service_ring_run(&ring);
	expect("1 2", "12");
}
END_TEST

START_TEST(who_was_faster_than_our_reading)
{
	form("1 2 3");
	say(3, 1, 0);
	say(3, 2, 0);
	load("1 2");
	service_ring_run(&ring);
	expect("1 2", "12");
	say(3, 1, 0);
	load("1 2");
	service_ring_run(&ring);
	expect("1 2", "121"); /* the second change waits for its second word */
	say(3, 2, 0);
	expect("1 2", "1212");
}
END_TEST

static uint64_t silence_ms;

static uint32_t read_silence(void *arg, void *value)
{
	(void)arg;
	memcpy(value, &silence_ms, sizeof(silence_ms));
	return sizeof(silence_ms);
}

/* They had loaded, gone over and forgotten before we had read the file: nothing reaches anybody any more. */
static const struct {
	const char *name;
	bool has_tokens, is_safe_kept, is_heard;
	const char *want;
} silences[] = {
	{"none passes", false, false, false, "1"},
	{"tokens pass, and others are slow", true, false, false, ""},
	{"no node of Corosync's is there", false, true, false, ""},
	{"our own word came back", false, false, true, ""},
};

START_TEST(a_ring_that_has_gone_over_without_us)
{
	form("1 2 3");
	host(1)->table.stat_add(host(1), "stats.srp.time_since_token_last_received", COTERIE_MAP_U64,
		read_silence, NULL);
	host(1)->is_safe_kept = silences[_i].is_safe_kept;
	silence_ms = 1000; /* an idle ring, until the reload */
	load("1");
	if (silences[_i].is_heard)
		service_ring_run(&ring);
	for (uint32_t i = 0; i < 10; i++) {
		silence_ms = silences[_i].has_tokens ? 0 : silence_ms + 50;
		mock_host_advance(host(1), 50 * MS);
		if (i == 1)
			expect("1", ""); /* not so fast */
	}
	ck_assert_msg(strcmp(phases(1), silences[_i].want) == 0, "%s: '%s'", silences[_i].name, phases(1));
}
END_TEST

/* A change that this node had no part in. */
START_TEST(what_was_said_before_a_reload_is_over)
{
	form("1 2 3");
	say(3, 1, 0);
	say(3, 2, 0);
	ask_for_reload(1);
	service_ring_run(&ring);
	load("1");
	service_ring_run(&ring);
	expect("1", "");
	say(3, 1, 0);
	load("2");
	service_ring_run(&ring);
	expect("1 2", "1");
	say(3, 2, 0);
	expect("1 2", "12");
}
END_TEST

START_TEST(padding_may_be_anything)
{
	form("1 2");
	load("1");
	service_ring_run(&ring);
	say(2, 1, 0xdeadbeef);
	say(2, 2, 0xffffffff);
	expect("1", "12");
}
END_TEST

/* ---- What makes no sense ------------------------------------------------- */

START_TEST(senseless_phases_are_ignored)
{
	static const uint32_t senseless[] = {0, 4, 77, 0x01000000, UINT32_MAX};

	form("1 2 3");
	load("1 2");
	service_ring_run(&ring);
	for (uint32_t turn = 0; turn < 100; turn++)
		for (size_t i = 0; i < sizeof(senseless) / sizeof(senseless[0]); i++)
			say(3, senseless[i], 0);
	expect("1 2", "");
	ck_assert_uint_eq(count_logged(1, "which makes no sense"), 1);
	ck_assert_uint_eq(count_logged(1, "Node 3 told a phase 0 of a change of keys"), 1);
	pass(11000);
	say(3, 5, 0);
	ck_assert_uint_eq(count_logged(1, "(501 so far)"), 1);
	load("3");
	service_ring_run(&ring);
	expect("1 2 3", "12");
}
END_TEST

/* Of a change that is over: said again for a node that joined. */
START_TEST(an_echo_is_not_a_second_change)
{
	uint32_t tag;

	form("1 2");
	load("1");
	memcpy(&tag, host(1)->sent.list[0].data + 4, sizeof(tag));
	load("2");
	service_ring_run(&ring);
	expect("1 2", "12");
	say(2, 2, tag);
	mock_key(host(1), "other", 5);
	load("1");
	service_ring_run(&ring);
	expect("1", "12"); /* 2 has not loaded */
	mock_key(host(2), "other", 5);
	load("2");
	service_ring_run(&ring);
	expect("1 2", "1212");
}
END_TEST

START_TEST(without_new_keys_words_have_no_effect)
{
	form("1 2");
	for (uint32_t i = 0; i < 20; i++) {
		say(2, 1, 0);
		say(2, 2, 0);
	}
	expect("1 2", "");
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
}
END_TEST

/* ---- Reloads ------------------------------------------------------------- */

START_TEST(a_reload_waits_for_the_keys_of_the_one_before)
{
	form("1 2");
	ask_for_reload(1);
	service_ring_run(&ring);
	load("1");
	mock_reload_done(host(1), 0, "");
	ck_assert(is_answered(1));
	ask_for_reload(1);
	service_ring_run(&ring);
	ck_assert_uint_eq(host(1)->reload_count, 0);
	ck_assert_uint_eq(host(2)->reload_count, 1); /* still at the first */
	load("2");
	mock_reload_done(host(2), 0, "");
	service_ring_run(&ring);
	expect("1 2", "12");
	ck_assert_uint_eq(host(1)->reload_count, 1);
	ck_assert_uint_eq(host(2)->reload_count, 1);
	mock_reload_done(host(1), 0, "");
	ck_assert(is_answered(1));
}
END_TEST

START_TEST(reloads_that_wait_together_are_one)
{
	form("1 2");
	ask_for_reload(1);
	service_ring_run(&ring);
	ask_for_reload(1);
	ask_for_reload(2);
	service_ring_run(&ring);
	ck_assert_uint_eq(host(1)->reload_count, 1);
	mock_reload_done(host(1), 0, "");
	ck_assert_uint_eq(host(1)->reload_count, 1);
	mock_reload_done(host(1), -EINVAL, "");
	ck_assert_uint_eq(host(1)->reload_count, 0);
	ck_assert_int_eq(users[1].client->replies.list[users[1].client->replies.count - 1].error, 7);
	mock_reload_done(host(2), 0, "");
	ck_assert(!is_answered(2));
	mock_reload_done(host(2), 0, "");
	ck_assert(is_answered(2));
}
END_TEST

/* The file of node 2 was wrong: it is mended, and all reload once more. */
START_TEST(a_second_reload_completes_a_change_that_hangs)
{
	form("1 2");
	ask_for_reload(1);
	service_ring_run(&ring);
	load("1");
	mock_reload_done(host(1), 0, "");
	mock_reload_done(host(2), -EINVAL, "");
	service_ring_run(&ring);
	ask_for_reload(1);
	service_ring_run(&ring);
	ck_assert_uint_eq(host(1)->reload_count, 0);
	ck_assert_uint_eq(host(2)->reload_count, 1); /* it does not wait for anybody */
	load("2");
	mock_reload_done(host(2), 0, "");
	service_ring_run(&ring);
	/* Node 1 has counted it; node 2 follows, though it has forgotten what 1 said before. */
	expect("1 2", "12");
	ck_assert_uint_eq(host(1)->reload_count, 1);
	mock_reload_done(host(1), 0, "");
}
END_TEST

START_TEST(a_change_that_hangs_is_taken_back_for_a_reload_and_told_again)
{
	form("1 2");
	load("1");
	service_ring_run(&ring);
	pass(6000);
	ck_assert_uint_eq(count_logged(1, "have not loaded"), 1);
	ask_for_reload(2);
	service_ring_run(&ring);
	ck_assert_uint_eq(host(1)->reload_count, 1); /* nothing is held up for ever */
	load("2");
	mock_reload_done(host(2), 0, "");
	service_ring_run(&ring);
	expect("1 2", ""); /* node 1 may be about to drop the keys */
	mock_reload_done(host(1), 0, ""); /* but its keys are those that it has loaded */
	service_ring_run(&ring);
	expect("1 2", "12");
}
END_TEST

START_TEST(a_change_is_undone_in_the_file)
{
	form("1 2");
	mock_key(host(1), "new", 3);
	load("1");
	service_ring_run(&ring);
	pass(6000);
	ask_for_reload(1);
	service_ring_run(&ring);
	mock_key(host(1), NULL, 0);
	mock_reload_done(host(1), 0, "");
	service_ring_run(&ring);
	ck_assert_uint_eq(count_logged(1, "The change of the ring's keys is void"), 1);
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
	/* Whatever comes next is not mixed up with it. */
	mock_key(host(2), "new", 3);
	load("2");
	mock_reload_done(host(2), 0, "");
	service_ring_run(&ring);
	expect("1 2", "");
}
END_TEST

/* The same with a transport that takes the keys in use for new ones, as it may have dropped others for them. */
START_TEST(back_at_the_keys_in_use)
{
	form("1 2");
	mock_key(host(1), "new", 3);
	load("1");
	service_ring_run(&ring);
	pass(6000);
	ask_for_reload(1);
	service_ring_run(&ring);
	mock_key(host(1), NULL, 0);
	load("1");
	mock_reload_done(host(1), 0, "");
	mock_reload_done(host(2), 0, "");
	service_ring_run(&ring);
	expect("1", "12");
	ck_assert_uint_eq(count_logged(1, "The change of the ring's keys is void"), 1);
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
	mock_key(host(1), "new", 3);
	mock_key(host(2), "new", 3);
	load("1 2");
	service_ring_run(&ring);
	expect("1", "1212");
	expect("2", "12");
}
END_TEST

/* It was too late: all have gone over, this node with them. */
START_TEST(what_is_taken_back_too_late)
{
	form("1 2");
	load("1");
	service_ring_run(&ring);
	pass(6000);
	mock_rekey(host(2));
	uint32_t words = host(2)->sent.count;
	ck_assert_uint_eq(words, 1);
	ask_for_reload(2);
	ring.first = 2; /* its words come before what node 1 takes back */
	host(1)->ring_send_rc = 0;
	service_ring_run(&ring);
	expect("1 2", "12");
	ck_assert_uint_eq(host(1)->reload_count, 1);
	mock_reload_done(host(1), 0, "");
	mock_reload_done(host(2), 0, "");
	service_ring_run(&ring);
	expect("1 2", "12");
}
END_TEST

START_TEST(different_keys_are_never_used)
{
	form("1 2 3");
	mock_key(host(1), "new", 3);
	mock_key(host(2), "new", 3);
	mock_key(host(3), "old", 3);
	load("1 2 3");
	service_ring_run(&ring);
	expect("1 2 3", "");
	ck_assert_uint_eq(count_logged(1, "nodes have loaded other ones than this node: 3; make"), 1);
	ck_assert_uint_eq(count_logged(3, "nodes have loaded other ones than this node: 1 2; make"), 1);
	ck_assert_uint_eq(count_logged(1, "have not loaded"), 0);
	ask_for_reload(1);
	service_ring_run(&ring);
	mock_key(host(3), "new", 3);
	load("3");
	for (uint32_t i = 1; i <= 3; i++)
		mock_reload_done(host(i), 0, "");
	service_ring_run(&ring);
	expect("1 2 3", "12");
}
END_TEST

START_TEST(ways_to_write_the_same_keys)
{
	form("1 2");
	host(1)->table.map_set(host(1), "totem.secauth", COTERIE_MAP_STRING, "on", 3);
	host(2)->table.map_set(host(2), "totem.crypto_cipher", COTERIE_MAP_STRING, "aes256", 7);
	host(2)->table.map_set(host(2), "totem.crypto_hash", COTERIE_MAP_STRING, "sha256", 7);
	load("1 2");
	service_ring_run(&ring);
	expect("1 2", "12");
	host(2)->table.map_set(host(2), "totem.crypto_hash", COTERIE_MAP_STRING, "sha512", 7);
	load("1 2");
	service_ring_run(&ring);
	expect("1 2", "12");
}
END_TEST

START_TEST(other_keys_instead_of_those_that_hang)
{
	form("1 2 3");
	load("1 2");
	service_ring_run(&ring);
	pass(6000);
	ask_for_reload(1);
	service_ring_run(&ring);
	for (uint32_t i = 3; i > 0; i--) {
		expect("1 2 3", "");
		mock_key(host(i), "other", 5);
		mock_rekey(host(i));
		mock_reload_done(host(i), 0, "");
		service_ring_run(&ring);
	}
	expect("1 2 3", "12");
}
END_TEST

/* ---- Any order: nobody ever sends what another cannot read ------------------- */

#define MODEL_NODES 4
#define ORDER_MAX 65536

struct model_node {
	uint32_t used, loaded; /* keys by number: sent with, and beside them */
	bool has_old;          /* the ones before `used` are still taken */
	uint32_t old;
	uint32_t next;         /* place in the order */
	uint32_t kept;         /* keys in the file that is to be applied */
};

static struct model_node model[MODEL_NODES + 1];
static struct {
	uint32_t from;
	struct mock_message message;
} order[ORDER_MAX];
static uint32_t order_count, file_keys;
static unsigned int seed, first_seed;

static uint32_t chance(uint32_t of) { return (uint32_t)rand_r(&seed) % of; }

static bool can_read(const struct model_node *node, uint32_t keys)
{
	return keys == node->used || (node->loaded != 0 && keys == node->loaded) ||
	       (node->has_old && keys == node->old);
}

static void take_phases(uint32_t nodeid)
{
	struct model_node *node = &model[nodeid];

	for (uint32_t i = 0; i < host(nodeid)->rekey_count; i++) {
		if (host(nodeid)->rekeys[i] == COTERIE_REKEY_ACTIVATE) {
			node->has_old = node->used != node->loaded;
			node->old = node->used;
			node->used = node->loaded;
			node->loaded = 0;
		} else {
			node->has_old = false;
		}
	}
	host(nodeid)->rekey_count = 0;
}

static void check_model(uint32_t step)
{
	for (uint32_t i = 1; i <= MODEL_NODES; i++)
		take_phases(i);
	for (uint32_t from = 1; from <= MODEL_NODES; from++)
		for (uint32_t to = 1; to <= MODEL_NODES; to++)
			ck_assert_msg(can_read(&model[to], model[from].used),
				"seed %u, step %u: node %u cannot read keys %u of node %u", first_seed, step,
				to, model[from].used, from);
}

/* What a node has queued gets its place. */
static bool enter_order(uint32_t nodeid)
{
	struct mock_queue *sent = &host(nodeid)->sent;

	for (uint32_t i = 0; i < sent->count && order_count < ORDER_MAX; i++) {
		order[order_count].from = nodeid;
		order[order_count].message = sent->list[i];
		order[order_count++].message.data = memcpy(malloc(sent->list[i].size + 1), sent->list[i].data,
			sent->list[i].size);
	}
	bool has_any = sent->count > 0;
	mock_queue_clear(sent);
	return has_any;
}

static bool deliver_next(uint32_t nodeid)
{
	struct model_node *node = &model[nodeid];

	if (node->next == order_count)
		return false;
	uint32_t place = node->next++;
	ck_assert_int_eq(mock_deliver(ring.ops, ring.nodes[nodeid].self, order[place].from, false,
				 &order[place].message), 0);
	return true;
}

static void load_keys(uint32_t nodeid, uint32_t keys)
{
	struct model_node *node = &model[nodeid];

	take_phases(nodeid);
	mock_key(host(nodeid), &keys, sizeof(keys));
	if (keys != (node->loaded != 0 ? node->loaded : node->used)) {
		node->loaded = keys; /* in the place of the keys that are not in use */
		node->has_old = false;
		mock_rekey(host(nodeid));
	}
}

static void load_kept(struct coterie_ctx *context)
{
	load_keys(context->nodeid, model[context->nodeid].kept);
}

static bool finish_reading(uint32_t nodeid)
{
	struct coterie_ctx *context = host(nodeid);

	if (context->prepare_count > 0) {
		context->on_commit = load_kept;
		model[nodeid].kept = file_keys;
		mock_prepare_done(context, 0, "");
		return true;
	}
	if (context->reload_count == 0)
		return false;
	load_keys(nodeid, file_keys);
	mock_reload_done(context, 0, "");
	return true;
}

static void step(uint32_t nodeid)
{
	switch (chance(8)) {
	case 0:
		enter_order(nodeid);
		break;
	case 1:
		finish_reading(nodeid);
		break;
	case 2:
		mock_host_advance(host(nodeid), chance(30) * MS);
		break;
	default:
		deliver_next(nodeid);
	}
}

/* Nothing is under way: only patience brings a change to an end. */
static void pass_if_quiet(void)
{
	for (uint32_t i = 1; i <= MODEL_NODES; i++)
		if (host(i)->sent.count > 0 || host(i)->reload_count + host(i)->prepare_count > 0 ||
			model[i].next < order_count)
			return;
	for (uint32_t i = 1; i <= MODEL_NODES; i++)
		mock_host_advance(host(i), 300 * MS);
}

static bool is_any_change_left(void)
{
	for (uint32_t i = 1; i <= MODEL_NODES; i++)
		if (model[i].loaded != 0 || model[i].has_old)
			return true;
	return false;
}

START_TEST(nobody_sends_what_another_cannot_read)
{
	bool is_busy = true;

	tear_down();
	has_two_steps = _i % 2 != 0;
	set_up();
	seed = first_seed = (unsigned int)_i + 1;
	file_keys = 1;
	order_count = 0;
	memset(model, 0, sizeof(model));
	form("1 2 3 4");
	for (uint32_t i = 1; i <= MODEL_NODES; i++)
		model[i].used = 1;
	for (uint32_t i = 0; i < 20000; i++) {
		if (chance(200) == 0)
			file_keys += chance(3) == 0 ? -(file_keys > 1) : 1; /* on all nodes at once */
		if (chance(100) == 0)
			ask_for_reload(1 + chance(MODEL_NODES));
		step(1 + chance(MODEL_NODES));
		pass_if_quiet();
		check_model(i);
	}
	ask_for_reload(1);
	for (uint32_t i = 0; is_busy; i++) {
		is_busy = false;
		for (uint32_t nodeid = 1; nodeid <= MODEL_NODES; nodeid++) {
			is_busy = enter_order(nodeid) || is_busy;
			is_busy = deliver_next(nodeid) || is_busy;
			is_busy = finish_reading(nodeid) || is_busy;
			check_model(i);
		}
		pass_if_quiet();
		is_busy = is_busy || is_any_change_left();
		ck_assert_uint_lt(i, 100000);
	}
	for (uint32_t i = 1; i <= MODEL_NODES; i++) {
		ck_assert_uint_eq(model[i].used, file_keys);
	}
	for (uint32_t i = 0; i < order_count; i++)
		free(order[i].message.data);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cfg_rekey");
	TCase *tcase = tcase_create("rekey");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, all_go_over_when_all_have_loaded);
	tcase_add_test(tcase, a_node_alone);
	tcase_add_test(tcase, nodes_of_either_byte_order);
	tcase_add_test(tcase, what_cannot_be_sent_is_sent_later);
	tcase_add_test(tcase, before_the_first_ring);
	tcase_add_test(tcase, who_never_loads_keeps_the_old_keys_in_use);
	tcase_add_test(tcase, who_leaves_has_spoken);
	tcase_add_test(tcase, who_leaves_between_the_phases);
	tcase_add_test(tcase, a_transport_that_fails_is_asked_again);
	tcase_add_test(tcase, the_next_change_begins_before_this_one_has_ended);
	tcase_add_test(tcase, a_change_that_the_transport_has_dropped);
	tcase_add_test(tcase, who_joins_is_told_and_waited_for);
	tcase_add_test(tcase, rings_that_merge_in_different_phases);
	tcase_add_test(tcase, a_ring_that_has_gone_over_takes_a_loaded_node_along);
	tcase_add_test(tcase, a_node_that_comes_back_has_to_speak_again);
	tcase_add_test(tcase, who_waits_for_nobody_is_followed);
	tcase_add_test(tcase, who_was_faster_than_our_reading);
	tcase_add_loop_test(tcase, a_ring_that_has_gone_over_without_us, 0,
		sizeof(silences) / sizeof(silences[0]));
	tcase_add_test(tcase, what_was_said_before_a_reload_is_over);
	tcase_add_test(tcase, padding_may_be_anything);
	tcase_add_test(tcase, senseless_phases_are_ignored);
	tcase_add_test(tcase, an_echo_is_not_a_second_change);
	tcase_add_test(tcase, without_new_keys_words_have_no_effect);
	tcase_add_test(tcase, a_reload_waits_for_the_keys_of_the_one_before);
	tcase_add_test(tcase, reloads_that_wait_together_are_one);
	tcase_add_test(tcase, a_second_reload_completes_a_change_that_hangs);
	tcase_add_test(tcase, a_change_that_hangs_is_taken_back_for_a_reload_and_told_again);
	tcase_add_test(tcase, a_change_is_undone_in_the_file);
	tcase_add_test(tcase, back_at_the_keys_in_use);
	tcase_add_test(tcase, what_is_taken_back_too_late);
	tcase_add_test(tcase, different_keys_are_never_used);
	tcase_add_test(tcase, ways_to_write_the_same_keys);
	tcase_add_test(tcase, other_keys_instead_of_those_that_hang);
	tcase_add_loop_test(tcase, nobody_sends_what_another_cannot_read, 0, 20);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

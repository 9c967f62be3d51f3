/* SPDX-License-Identifier: BSD-3-Clause */
/* A change of the keys of an encrypted ring, as the configuration service agrees on it: services/cfg/rekey.c. */
#include "tests/unit/services/cfg/rekey_case.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/fail_alloc.h"

/* ---- The plain case ------------------------------------------------------ */

START_TEST(all_go_over_when_all_have_loaded)
{
	form("1 2 3");
	load("1");
	ck_assert_uint_eq(host(1)->sent.count, 1);
	ck_assert_uint_eq(host(1)->sent.list[0].id, CFG_RING_CRYPTO_RECONFIG);
	ck_assert_uint_eq(host(1)->sent.list[0].guarantee, COTERIE_SAFE);
	ck_assert_uint_eq(host(1)->sent.list[0].size, 8); /* 24 bytes with the header */
	ck_assert_int_eq(memcmp(host(1)->sent.list[0].data, "\1\0\0\0", 4), 0);
	ck_assert_uint_eq(host(1)->sent.list[0].data[7], 0xc8);
	service_ring_run(&ring);
	load_told("2");
	expect("1 2 3", "");
	load("3");
	expect("3", ""); /* node 3 waits until its own message is delivered */
	service_ring_run(&ring);
	expect("1 2 3", "12");
	ck_assert_uint_eq(count_logged(1, "The ring's keys have changed"), 1);
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
	pass(60000);
	expect("1 2 3", "12");
	load_told("3 2 1");
	expect("1 2 3", "1212");
}
END_TEST

/*
 * Computed with Python's hmac module: root = HMAC-SHA256("coterie change of keys 1", key). The tag is the first three
 * bytes of HMAC-SHA256(root, cipher "\n" hash "\n" encryption "\n").
 */
static const struct {
	const char *key, *cipher, *hash, *encryption; /* NULL: not set */
	uint32_t tag;
} tags[] = {
	{NULL, NULL, NULL, NULL, 0xc8880f35},
	{"key", NULL, NULL, "aes256-gcm", 0xc8be6ffa},
	{"kez", NULL, NULL, "aes256-gcm", 0xc8e5e741},
	{"key", NULL, NULL, "chacha20-poly1305", 0xc894aac8},
	{"key", "aes256", "sha256", NULL, 0xc8096b2a},
};

START_TEST(words_carry_a_keyed_hash_of_the_keys)
{
	static const char *const names[] = {"totem.crypto_cipher", "totem.crypto_hash", "totem.encryption"};
	const char *const words[] = {tags[_i].cipher, tags[_i].hash, tags[_i].encryption};
	uint32_t tag;

	for (int i = 0; i < 3; i++)
		if (words[i] != NULL)
			host(1)->table.map_set(
				host(1), names[i], COTERIE_MAP_STRING, words[i], (uint32_t)strlen(words[i]) + 1);
	mock_key(host(1), tags[_i].key, tags[_i].key != NULL ? (uint32_t)strlen(tags[_i].key) : 0);
	form("1 2");
	load("1");
	memcpy(&tag, host(1)->sent.list[0].data + 4, sizeof(tag));
	ck_assert_uint_eq(tag, tags[_i].tag);
}
END_TEST

/*
 * Tag 0xc7 is from an older build, which sends a hash without a key. Present nodes do not check it, so that keys can
 * change during a rolling upgrade.
 */
START_TEST(words_of_older_builds_are_taken_without_their_tag)
{
	form("1 2 3");
	begin_reload(1);
	load("1");
	end_reload(1);
	service_ring_run(&ring);
	load_told("3");
	expect("1 3", "");
	say(2, 1, 0xc7123456);
	expect("1 3", "1");
	say(2, 2, 0xc7123456);
	expect("1 3", "12");
}
END_TEST

START_TEST(a_node_alone)
{
	form("1");
	load_told("1");
	expect("1", "12");
}
END_TEST

START_TEST(nodes_of_either_byte_order)
{
	ring.has_swapped = true;
	form("1 2 3");
	load_told("1 2 3");
	expect("1 2 3", "12");
}
END_TEST

START_TEST(what_cannot_be_sent_is_sent_later)
{
	form("1 2");
	host(1)->ring_send_rc = -EAGAIN;
	load_told("1 2");
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

/* ---- Nodes that send nothing --------------------------------------------- */

START_TEST(who_never_loads_keeps_the_old_keys_in_use)
{
	form("1 2 3 4");
	load_told("1 3");
	pass(4000);
	ck_assert_uint_eq(count_logged(1, "have not loaded"), 0);
	pass(2000);
	ck_assert_uint_eq(count_logged(1, "The ring keeps its old keys, since nodes have not loaded the "
					  "new ones: 2 4;"),
		1);
	pass(3600000);
	ck_assert_uint_eq(count_logged(1, "have not loaded"), 1); /* the line was logged only once */
	ck_assert_uint_eq(count_logged(2, "have not loaded"), 0);
	expect("1 2 3 4", "");
	load("2");
	pass(1000);
	expect("1 2 3 4", "");
	load_told("4");
	expect("1 2 3 4", "12");
}
END_TEST

START_TEST(who_leaves_has_spoken)
{
	form("1 2 3");
	load_told("1 2");
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
	host(3)->rekey_rc = -EIO; /* the transport fails, so node 3 never sends its second message */
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
	ck_assert_uint_eq(count_logged(1, "have not"), 0); /* the log names no other node as the reason */
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
	for (uint32_t from = 1; from <= 2; from++) { /* repeat only the first message of each node */
		struct mock_queue words = host(from)->sent;

		memset(&host(from)->sent, 0, sizeof(words));
		for (uint32_t to = 1; to <= 2; to++)
			ck_assert_int_eq(mock_deliver(ring.ops, ring.nodes[to].self, from, false, &words.list[0]), 0);
		mock_queue_clear(&words);
	}
	expect("1 2", "1");
	host(1)->rekey_rc = -EIO; /* the transport cannot drop the old keys yet */
	service_ring_run(&ring);
	expect("1", "1");
	expect("2", "12");
	mock_key(host(2), "next", 4);
	load_told("2");
	host(1)->rekey_rc = 0;
	pass(250);
	expect("1", "12");
	mock_key(host(1), "next", 4);
	load_told("1");
	expect("1 2", "1212");
}
END_TEST

START_TEST(a_change_that_the_transport_has_dropped)
{
	form("1 2");
	load_told("1");
	host(1)->next_phase = 0;
	load_told("2");
	ck_assert_uint_eq(count_logged(1, "The change of the ring's keys is void"), 1);
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
	load("1 2"); /* the next change works */
	pass(1000);
	expect("1", "12");
}
END_TEST

/* ---- Rings that change meanwhile ----------------------------------------- */

START_TEST(who_joins_is_told_and_waited_for)
{
	form("1 2 | 3");
	load_told("1");
	form("1 2 3");
	load("2");
	pass(250);
	/* Node 3 has not loaded the keys. It learned of node 1's message only when node 1 repeated it. */
	expect("1 2 3", "");
	load_told("3");
	expect("1", "1"); /* node 1 waits: the node that has joined might still send its message */
	pass(2000);
	expect("1 2 3", "12");
}
END_TEST

/* Node 3 has the new keys, and joins while the others still forget the old ones. It hears that they have gone over. */
START_TEST(who_joins_late_does_not_take_the_last_change_for_the_next)
{
	static const char first[] = "first", second[] = "second";

	for (uint32_t i = 1; i <= 3; i++)
		mock_key(host(i), first, sizeof(first));
	form("1 2 | 3");
	load_told("3");
	pass(2000);
	load("1 2");
	service_ring_deliver_next(&ring, 1);
	service_ring_deliver_next(&ring, 2);
	expect("1 2", "1");
	form("1 2 3");
	service_ring_run(&ring);
	pass(3000);
	expect("1 2 3", "12");
	for (uint32_t i = 1; i <= 3; i++)
		mock_key(host(i), second, sizeof(second));
	load_told("3");
	load_told("1 2");
	pass(200);
	expect("1 2 3", "1212");
	ck_assert_uint_eq(count_logged(3, "have loaded other ones than this node"), 0);
}
END_TEST

/* Without the service node 1 would never end the change, and the others would wait for it. */
START_TEST(an_unload_waits_for_the_change)
{
	form("1 2");
	load("1");
	ck_assert_int_eq(ring.ops->drain(ring.nodes[1].self), -EAGAIN);
	load_told("2");
	expect("1 2", "12");
	ck_assert_int_eq(ring.ops->drain(ring.nodes[1].self), 0);
	hang("1");
	ck_assert_int_eq(ring.ops->drain(ring.nodes[1].self), 0); /* the others do not wait for this node alone */
}
END_TEST

/* Node 1 cannot note that node 3 has joined, which has not loaded the keys. */
START_TEST(a_node_without_memory_cuts_nobody_off)
{
	form("1 2 | 3");
	load("1 2");
	fail_alloc_at(1);
	form("1 2 3");
	ck_assert(fail_alloc_happened());
	service_ring_run(&ring);
	pass(200);
	expect("1 2 3", "");
	form("1 2 3");
	load_told("3");
	pass(2000);
	expect("1 2 3", "12");
}
END_TEST

START_TEST(rings_that_merge_in_different_phases)
{
	form("1 2 | 3 4");
	load_told("1 2 3");
	expect("1 2", "12");
	expect("3 4", "");
	/*
	 * Nodes 1 and 2 have finished the change, so they send nothing. Nodes 3 and 4 wait for phase 1 of nodes 1 and
	 * 2, which these send only when they reload.
	 */
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
	host(3)->rekey_rc = -EIO; /* node 3 cannot load the keys yet */
	load_told("3");
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
	load_told("2");
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

/* ---- Nodes that act like Corosync's -------------------------------------- */

START_TEST(who_waits_for_nobody_is_followed)
{
	form("1 2 3");
	load_told("1");
	say(3, 1, 0);
	expect("1", "");
	say(3, 2, 0); /* node 3 drops the old keys now */
	expect("1", "1");
	load("2"); /* node 2 completes the change at once, since nodes 1 and 3 no longer use the old keys */
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
	load_told("1 2");
	expect("1 2", "12");
	say(3, 1, 0);
	load_told("1 2");
	expect("1 2", "121"); /* the second change waits for node 3's second message */
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

/*
 * The other nodes have finished the change of keys before node 1 has read its file. Node 1 still sends with the old
 * keys, so neither side receives packets of the other.
 */
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
	host(1)->table.stat_add(
		host(1), "stats.srp.time_since_token_last_received", COTERIE_MAP_U64, read_silence, NULL);
	host(1)->is_safe_kept = silences[_i].is_safe_kept;
	silence_ms = 1000; /* the ring has been idle until the reload */
	load("1");
	if (silences[_i].is_heard)
		service_ring_run(&ring);
	for (uint32_t i = 0; i < 10; i++) {
		silence_ms = silences[_i].has_tokens ? 0 : silence_ms + 50;
		mock_host_advance(host(1), 50 * MS);
		if (i == 1)
			expect("1", ""); /* two intervals of silence are too short for a conclusion */
	}
	ck_assert_msg(strcmp(phases(1), silences[_i].want) == 0, "%s: '%s'", silences[_i].name, phases(1));
}
END_TEST

/* The messages of node 3 belong to a change of keys that had ended before this node loaded new keys. */
START_TEST(what_was_said_before_a_reload_is_over)
{
	form("1 2 3");
	say(3, 1, 0);
	say(3, 2, 0);
	begin_reload(1);
	load_told("1");
	expect("1", "");
	say(3, 1, 0);
	load_told("2");
	expect("1 2", "1");
	say(3, 2, 0);
	expect("1 2", "12");
}
END_TEST

START_TEST(padding_may_be_anything)
{
	form("1 2");
	load_told("1");
	say(2, 1, 0xdeadbeef);
	say(2, 2, 0xffffffff);
	expect("1", "12");
}
END_TEST

/* ---- Messages that make no sense ----------------------------------------- */

START_TEST(senseless_phases_are_ignored)
{
	static const uint32_t senseless[] = {0, 4, 77, 0x01000000, UINT32_MAX};

	form("1 2 3");
	load_told("1 2");
	for (uint32_t turn = 0; turn < 100; turn++)
		for (size_t i = 0; i < sizeof(senseless) / sizeof(senseless[0]); i++)
			say(3, senseless[i], 0);
	expect("1 2", "");
	ck_assert_uint_eq(count_logged(1, "which makes no sense"), 10); /* the executive's limit of 500 lines */
	ck_assert_uint_eq(count_logged(1, "Node 3 told a phase 0 of a change of keys"), 2);
	load_told("3");
	expect("1 2 3", "12");
}
END_TEST

/* Node 2 repeated its message for a node that joined, after the change had ended. It must not begin a new change. */
START_TEST(an_echo_is_not_a_second_change)
{
	uint32_t tag;

	form("1 2");
	load("1");
	memcpy(&tag, host(1)->sent.list[0].data + 4, sizeof(tag));
	load_told("2");
	expect("1 2", "12");
	say(2, 2, tag);
	mock_key(host(1), "other", 5);
	load_told("1");
	expect("1", "12"); /* node 2 has not loaded the new keys */
	mock_key(host(2), "other", 5);
	load_told("2");
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

int main(void)
{
	Suite *suite = suite_create("cfg_rekey");
	TCase *tcase = rekey_case_add(suite);

	tcase_add_test(tcase, all_go_over_when_all_have_loaded);
	tcase_add_loop_test(tcase, words_carry_a_keyed_hash_of_the_keys, 0, sizeof(tags) / sizeof(tags[0]));
	tcase_add_test(tcase, words_of_older_builds_are_taken_without_their_tag);
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
	tcase_add_test(tcase, who_joins_late_does_not_take_the_last_change_for_the_next);
	tcase_add_test(tcase, an_unload_waits_for_the_change);
	tcase_add_test(tcase, a_node_without_memory_cuts_nobody_off);
	tcase_add_test(tcase, rings_that_merge_in_different_phases);
	tcase_add_test(tcase, a_ring_that_has_gone_over_takes_a_loaded_node_along);
	tcase_add_test(tcase, a_node_that_comes_back_has_to_speak_again);
	tcase_add_test(tcase, who_waits_for_nobody_is_followed);
	tcase_add_test(tcase, who_was_faster_than_our_reading);
	tcase_add_loop_test(tcase, a_ring_that_has_gone_over_without_us, 0, sizeof(silences) / sizeof(silences[0]));
	tcase_add_test(tcase, what_was_said_before_a_reload_is_over);
	tcase_add_test(tcase, padding_may_be_anything);
	tcase_add_test(tcase, senseless_phases_are_ignored);
	tcase_add_test(tcase, an_echo_is_not_a_second_change);
	tcase_add_test(tcase, without_new_keys_words_have_no_effect);
	return suite_run(suite);
}

/* Who is there: signs of death, links that go, nodes that do not hear each other (spec 04 §16.3). */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/engine_net.h"

/* --- signs of death --- */

/* Two rings' worth of time in which nothing may change. */
static void check_unmoved(void)
{
	run_for(4000);
	for (uint32_t i = 0; i < net->node_count; i++)
		ck_assert_msg(
			!net->nodes[i].is_up || net->nodes[i].gathered == 0, "node %u gathers", i + 1);
}

/* The transport's word alone is not enough while the node answers. */
START_TEST(who_is_said_to_be_dead_is_asked)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	for (uint32_t i = 0; i < 5; i++) {
		totem_engine_transport(node_of(2)->engine, net->now_ns, TOTEM_EVENT_PEER_DEAD, 3);
		run_for(5);
	}
	check_unmoved();
	ck_assert_uint_eq(totem_engine_counters(node_of(2)->engine)->cleared, 5);
	node_crash(3);
	run_for(1);
	totem_engine_transport(node_of(2)->engine, net->now_ns, TOTEM_EVENT_PEER_DEAD, 3);
	run_for(40);
	ck_assert_uint_eq(node_of(2)->gathered, 0);
	run_until_ring(2, 30);
}
END_TEST

/* Peers that answer nothing: the transport has to say it twice. */
START_TEST(signs_of_death_are_confirmed_first)
{
	options.features = 0;
	start_ring(3);
	node_crash(3);
	run_for(1);
	totem_engine_transport(node_of(2)->engine, net->now_ns, TOTEM_EVENT_PEER_DEAD, 3);
	run_for(1);
	ck_assert_uint_eq(node_of(2)->gathered, 0);
	run_for(2);
	totem_engine_transport(node_of(2)->engine, net->now_ns, TOTEM_EVENT_PEER_DEAD, 3);
	run_until_ring(2, 10);
}
END_TEST

/* A host without a daemon refuses what comes; on an idle ring the members' knocks, and at any place. */
START_TEST(a_crash_on_an_idle_ring_is_noticed_at_once)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	run_for(1500);
	net->refuses = true;
	node_crash((uint32_t)_i + 1);
	run_until_ring(2, (TOTEM_PROBE_NS * 3 / 2) / MS + 30);
}
END_TEST

/* A host that has answered too often of late says it once, or later. */
START_TEST(one_refusal_is_enough_where_nobody_answers)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	run_for(1500);
	net->refuses = true;
	net->refusals_left = 1;
	node_crash(3);
	run_until_ring(2, TOTEM_PROBE_NS / MS + 60);
}
END_TEST

/* It cannot answer questions, and one packet may be refused by a firewall: it takes three. */
START_TEST(a_reference_peer_is_missed_too)
{
	options.features = 0;
	start_ring(3);
	run_for(1500);
	net->refuses = true;
	net->refusals_left = 2;
	node_crash(3);
	run_for(1000); /* the held token has gone round in vain meanwhile */
	ck_assert_uint_eq(node_of(2)->gathered, 0);
	net->refusals_left = 10;
	run_until_ring(2, 1000);
}
END_TEST

START_TEST(two_that_crash_together_are_both_missed)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(4);
	run_for(1500);
	net->refuses = true;
	net->refusals_left = 100;
	node_crash(2);
	node_crash(3);
	run_until_ring(2, 200);
}
END_TEST

/* What the network did not quote of a frame of ours proves nothing, however often it comes. */
START_TEST(forged_refusals_remove_nobody)
{
	struct wire_probe probe = {.system_from = 2, .kind = WIRE_PROBE_KNOCK};
	uint8_t bytes[WIRE_PROBE_SIZE];

	options.features = _i == 0 ? WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE : 0;
	start_ring(3);
	run_for(1500);
	/* Node 3 lives, but hears and says nothing for a while. */
	node_of(3)->is_paused = true;
	for (uint64_t i = 0; i < 300; i++) {
		probe.ring = *totem_engine_ring(node_of(2)->engine);
		probe.number = i * UINT64_C(0x9E3779B97F4A7C15);
		wire_encode_probe(&probe, 3, false, bytes, sizeof(bytes));
		totem_engine_refused(node_of(2)->engine, net->now_ns, 3, bytes, i % 46);
		run_for(2);
	}
	node_resume(node_of(3), true);
	check_unmoved();
}
END_TEST

/* A firewall refuses one packet: the next one gets through, and is answered. */
START_TEST(a_refused_packet_removes_nobody)
{
	uint64_t cleared = 0;

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	for (uint32_t i = 0; i < 50; i++) {
		net->refuse_next_to = i % 3 + 1;
		run_for(37);
	}
	check_unmoved();
	for (uint32_t id = 1; id <= 3; id++)
		cleared += totem_engine_counters(node_of(id)->engine)->cleared;
	ck_assert_uint_gt(cleared, 0);
}
END_TEST

START_TEST(questions_of_anybody_are_answered_once)
{
	const struct wire_probe probe = {
		.system_from = 1, .kind = WIRE_PROBE_QUESTION, .number = 7, .ring = {9, 9}};
	const struct wire_probe own = {.system_from = 2, .kind = WIRE_PROBE_QUESTION, .number = 7};
	uint8_t bytes[WIRE_PROBE_SIZE];

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	/* Of another ring, too: it is no merge detect. */
	uint64_t before = totem_engine_counters(node_of(2)->engine)->probe_tx;

	wire_encode_probe(&probe, 2, false, bytes, sizeof(bytes));
	feed(2, bytes, sizeof(bytes));
	ck_assert_uint_eq(totem_engine_counters(node_of(2)->engine)->probe_tx, before + 1);
	wire_encode_probe(&own, 2, false, bytes, sizeof(bytes));
	feed(2, bytes, sizeof(bytes));
	ck_assert_uint_eq(totem_engine_counters(node_of(2)->engine)->probe_tx, before + 1);
	check_unmoved();
}
END_TEST

/* --- no link --- */

static bool is_apart(struct net *n, uint32_t from, uint32_t to, const struct wire_header *header,
	const struct coterie_frame *frame)
{
	(void)header, (void)frame;
	return from != to && (from == n->cut_from || to == n->cut_from);
}

static bool is_deaf(struct net *n, uint32_t from, uint32_t to, const struct wire_header *header,
	const struct coterie_frame *frame)
{
	(void)header, (void)frame;
	return from != to && to == n->cut_from;
}

START_TEST(a_link_that_flaps_changes_nothing)
{
	start_ring(3);
	net->cut_from = (uint32_t)_i + 1;
	for (uint32_t i = 0; i < 5; i++) {
		net->drops = is_apart;
		totem_engine_transport(
			node_of(net->cut_from)->engine, net->now_ns, TOTEM_EVENT_LINK_DOWN, 0);
		run_for(1500);
		net->drops = NULL;
		totem_engine_transport(
			node_of(net->cut_from)->engine, net->now_ns, TOTEM_EVENT_LINK_UP, 0);
		run_for(1500);
	}
	check_unmoved();
}
END_TEST

/* It knows that it is cut off: a ring of one as soon as the token is missed; and back at once. */
START_TEST(a_node_without_a_link_is_a_ring_of_its_own)
{
	const uint32_t *members;
	uint32_t token_ms = (uint32_t)(options.token_ns / MS);

	start_ring(3);
	net->cut_from = (uint32_t)_i + 1;
	net->drops = is_apart;
	totem_engine_transport(
		node_of(net->cut_from)->engine, net->now_ns, TOTEM_EVENT_LINK_DOWN, 0);
	run_for(token_ms + 20);
	ck_assert_int_eq(
		totem_engine_state(node_of(net->cut_from)->engine), TOTEM_OPERATIONAL);
	ck_assert_uint_eq(totem_engine_members(node_of(net->cut_from)->engine, &members), 1);
	run_for(3 * token_ms);
	net->drops = NULL;
	totem_engine_transport(node_of(net->cut_from)->engine, net->now_ns, TOTEM_EVENT_LINK_UP, 0);
	run_until_ring(3, 200);
}
END_TEST

/* It can send but hears nobody, and knows nothing of it: within two token timeouts. */
START_TEST(a_deaf_node_is_a_ring_of_its_own)
{
	const uint32_t *members;
	uint32_t token_ms = (uint32_t)(options.token_ns / MS);

	start_ring(3);
	net->cut_from = (uint32_t)_i + 1;
	net->drops = is_deaf;
	run_for(2 * token_ms);
	ck_assert_uint_eq(totem_engine_members(node_of(net->cut_from)->engine, &members), 1);
	/* The others hear it, but it does not answer: they do not let it disturb them for ever. */
	run_for(60000);
	clear_logs();
	run_for(60000);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_le(net->nodes[i].gathered, 6);
	net->drops = NULL;
	run_until_ring(3, 5000);
}
END_TEST

static bool is_1_deaf_to_3(struct net *n, uint32_t from, uint32_t to,
	const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)header, (void)frame;
	return (from == 1 && to == 3) || (from == 3 && to == 1);
}

START_TEST(asymmetric_reachability_calms_down)
{
	start_ring(3);
	net->drops = is_1_deaf_to_3;
	run_for(300000);
	clear_logs();
	run_for(60000);
	/* The reference forms two rings every 4.4 s for ever; here node 2 looks once a minute. */
	ck_assert_uint_le(node_of(2)->gathered, 30);
	net->drops = NULL;
	run_until_ring(3, 70000);
}
END_TEST

static void tell_of(enum wire_probe_kind kind, uint32_t to, uint32_t accuser, uint32_t accused)
{
	const struct wire_probe probe = {.system_from = accuser, .kind = kind, .number = accused};
	uint8_t bytes[WIRE_PROBE_SIZE];

	wire_encode_probe(&probe, to, false, bytes, sizeof(bytes));
	feed(to, bytes, sizeof(bytes));
}

/* Node 2 does not listen to the one of 1 and 3 that is not with it, until the other one takes that back. */
START_TEST(who_accused_takes_it_back)
{
	const uint32_t *members;

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	net->drops = is_1_deaf_to_3;
	run_for(60000);
	ck_assert_uint_eq(totem_engine_members(node_of(2)->engine, &members), 2);

	uint32_t accuser = members[0] == 2 ? 3 : 1, accused = 4 - accuser;

	clear_logs();
	tell_of(WIRE_PROBE_RETRACT, 2, accused, accused); /* in its own favour: no */
	tell_of(WIRE_PROBE_RETRACT, 2, accuser, 5);
	run_for(1000);
	ck_assert_uint_eq(node_of(2)->gathered, 0);
	tell_of(WIRE_PROBE_RETRACT, 2, accuser, accused);
	run_for(1500);
	ck_assert_uint_ne(node_of(2)->gathered, 0);
}
END_TEST

/*
 * Two pairs, {1 2} and {3 4}, meet; of 1 and 3, and of 2 and 4, each hears the other's first join and no more.
 * So 1 accuses 3, who is not to listen to 1, for 4 accuses it, who is not to …
 */
static uint32_t crossed_joins[NODES_MAX + 1][NODES_MAX + 1];

static bool is_crossed(struct net *n, uint32_t from, uint32_t to,
	const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)frame;
	if (from == to || from % 2 != to % 2)
		return false;
	return header->type == WIRE_JOIN ? ++crossed_joins[from][to] > 1 : header->type == WIRE_MERGE_DETECT;
}

static bool is_other_pair(struct net *n, uint32_t from, uint32_t to,
	const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)header, (void)frame;
	return (from <= 2) != (to <= 2);
}

static void run_until_pairs(void)
{
	const uint32_t *members;

	for (uint32_t ms = 0; ms < 20000; ms++) {
		uint32_t paired = 0;

		run_for(1);
		for (uint32_t id = 1; id <= 4; id++)
			paired += node_of(id)->engine->state == TOTEM_OPERATIONAL &&
				  totem_engine_members(node_of(id)->engine, &members) == 2;
		if (paired == 4)
			return;
	}
	ck_abort_msg("no two rings");
}

static void make_circle(void)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(4);
	net->drops = is_other_pair;
	run_until_pairs();
	memset(crossed_joins, 0, sizeof(crossed_joins));
	net->drops = is_crossed;
	for (uint32_t ms = 0; ms < 5000 && node_of(1)->engine->state == TOTEM_OPERATIONAL; ms++)
		run_for(1);
	run_until_pairs();
}

START_TEST(a_circle_of_accusations_ends)
{
	static const uint32_t accuser[] = {[1] = 4, [2] = 3, [3] = 1, [4] = 2};

	make_circle();
	for (uint32_t id = 1; id <= 4; id++) {
		for (uint32_t i = 0; i < 2; i++) {
			uint32_t other = id <= 2 ? 3 + i : 1 + i;

			ck_assert_uint_eq(peer_find(node_of(id)->engine, other)->backoff_accuser, accuser[other]);
		}
	}
	net->drops = NULL;
	run_until_ring(4, 1500);
}
END_TEST

/* A pardon counts once nobody else is kept out unpardoned, and from the accuser alone. */
START_TEST(the_pardoned_wait_for_the_last_one)
{
	make_circle();
	net->drops = is_other_pair;

	struct peer *first = peer_find(node_of(1)->engine, 3), *last = peer_find(node_of(1)->engine, 4);

	first->backoff_accuser = 2; /* as if 1 had not heard enough to judge */
	tell_of(WIRE_PROBE_PARDON, 1, 2, 3);
	ck_assert_uint_gt(first->backoff_until_ns, net->now_ns);
	tell_of(WIRE_PROBE_PARDON, 1, 3, 4);
	ck_assert_uint_gt(last->backoff_until_ns, net->now_ns);
	tell_of(WIRE_PROBE_PARDON, 1, 2, 4);
	ck_assert_uint_eq(first->backoff_until_ns, 0);
	ck_assert_uint_eq(last->backoff_until_ns, 0);
}
END_TEST

/* Each of 1 and 2 keeps 3 and 4 out for the other one's sake, as it sees it. */
START_TEST(who_is_kept_out_for_nobodys_sake_is_let_in)
{
	make_circle();
	net->drops = is_other_pair;
	for (uint32_t id = 1; id <= 2; id++) {
		for (uint32_t other = 3; other <= 4; other++) {
			struct peer *peer = peer_find(node_of(id)->engine, other);

			peer->backoff_accuser = 3 - id;
			peer->ask_until_ns = 0;
			peer->backoff_until_ns = net->now_ns + 10000 * MS;
		}
	}
	run_for(1000);
	for (uint32_t id = 1; id <= 2; id++)
		for (uint32_t other = 3; other <= 4; other++)
			ck_assert_uint_eq(peer_find(node_of(id)->engine, other)->backoff_until_ns, 0);
}
END_TEST

/* Where one link is really cut, pardons of those who hear each other change nothing. */
START_TEST(two_rings_with_one_cut_between_them_calm_down)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(4);
	net->drops = is_other_pair;
	run_until_pairs();
	net->drops = is_1_deaf_to_3;
	run_for(300000);
	clear_logs();
	run_for(60000);
	for (uint32_t id = 1; id <= 4; id++)
		ck_assert_uint_le(node_of(id)->gathered, 6);
	net->drops = NULL;
	run_until_ring(4, 70000);
}
END_TEST

/* --- the watch over a neighbour --- */

static void tell(uint32_t at, enum totem_event event, uint32_t about)
{
	totem_engine_transport(node_of(at)->engine, net->now_ns, event, about);
}

static uint64_t probes_of(uint32_t id)
{
	return totem_engine_counters(node_of(id)->engine)->probe_tx;
}

static void start_watched_ring(void)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	for (uint32_t id = 1; id <= 3; id++)
		tell(id, TOTEM_EVENT_WATCH_ON, id % 3 + 1);
}

START_TEST(everybody_watches_the_next_one)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_uint_eq(node_of(id)->watches, id % 3 + 1);
	uint32_t calls = node_of(1)->watch_calls;
	node_crash(2);
	run_until_ring(2, 10000);
	ck_assert_uint_eq(node_of(1)->watches, 3);
	ck_assert_uint_gt(node_of(1)->watch_calls, calls);
	node_crash(3);
	run_until_ring(1, 10000);
	ck_assert_uint_eq(node_of(1)->watches, 0);
}
END_TEST

START_TEST(nobody_is_watched_who_answers_nothing)
{
	options.features = 0;
	start_ring(3);
	ck_assert_uint_eq(node_of(1)->watches, 0);
}
END_TEST

START_TEST(who_is_watched_is_not_knocked_at)
{
	start_watched_ring();
	run_for(1500);
	uint64_t before = probes_of(1) + probes_of(2) + probes_of(3);
	run_for(10000);
	ck_assert_uint_eq(probes_of(1) + probes_of(2) + probes_of(3), before);
	tell(2, TOTEM_EVENT_WATCH_OFF, 1); /* not its neighbour */
	run_for(1000);
	ck_assert_uint_eq(probes_of(1) + probes_of(2) + probes_of(3), before);
	/* One that is not watched any more is knocked at as often as if nobody were. */
	before = probes_of(2);
	tell(2, TOTEM_EVENT_WATCH_OFF, 3);
	run_for(6000);
	ck_assert_uint_ge(probes_of(2) - before, 6000 / (TOTEM_PROBE_NS / MS) * 8 / 10);
	ck_assert_uint_le(probes_of(2) - before, 6000 / (TOTEM_PROBE_NS / MS) + 1);
	node_crash(3);
	net->refuses = true;
	run_until_ring(2, (TOTEM_PROBE_NS * 3 / 2) / MS + 30);
}
END_TEST

START_TEST(the_end_of_a_watch_is_a_reason_to_ask)
{
	start_watched_ring();
	run_for(1500);
	net->refuses = true;
	node_crash((uint32_t)_i + 1);
	tell((uint32_t)(_i + 2) % 3 + 1, TOTEM_EVENT_WATCH_BROKEN, (uint32_t)_i + 1);
	run_until_ring(2, 35);
}
END_TEST

/* Somebody has torn the connection, or the node is too busy to answer. */
START_TEST(the_end_of_a_watch_removes_nobody)
{
	start_watched_ring();
	run_for(1500);
	node_of(3)->is_paused = _i == 1;
	for (int i = 0; i < 10; i++) {
		tell(2, TOTEM_EVENT_WATCH_ON, 3);
		tell(2, TOTEM_EVENT_WATCH_BROKEN, 3);
		run_for(30);
	}
	if (_i == 1)
		node_resume(node_of(3), true);
	check_unmoved();
	ck_assert_uint_ge(totem_engine_counters(node_of(2)->engine)->cleared, _i == 1 ? 1 : 10);
	/* Its daemon goes where nothing can be refused: the token's timer decides. */
	node_crash(3);
	tell(2, TOTEM_EVENT_WATCH_BROKEN, 3);
	run_for(1000);
	ck_assert_uint_eq(node_of(2)->gathered, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("signs");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_add_test(tcase, who_is_said_to_be_dead_is_asked);
	tcase_add_test(tcase, signs_of_death_are_confirmed_first);
	tcase_add_loop_test(tcase, a_crash_on_an_idle_ring_is_noticed_at_once, 0, 3);
	tcase_add_test(tcase, one_refusal_is_enough_where_nobody_answers);
	tcase_add_test(tcase, a_reference_peer_is_missed_too);
	tcase_add_test(tcase, two_that_crash_together_are_both_missed);
	tcase_add_loop_test(tcase, forged_refusals_remove_nobody, 0, 2);
	tcase_add_test(tcase, a_refused_packet_removes_nobody);
	tcase_add_test(tcase, questions_of_anybody_are_answered_once);
	tcase_add_loop_test(tcase, a_link_that_flaps_changes_nothing, 0, 3);
	tcase_add_loop_test(tcase, a_node_without_a_link_is_a_ring_of_its_own, 0, 3);
	tcase_add_loop_test(tcase, a_deaf_node_is_a_ring_of_its_own, 0, 3);
	tcase_add_test(tcase, asymmetric_reachability_calms_down);
	tcase_add_test(tcase, who_accused_takes_it_back);
	tcase_add_test(tcase, a_circle_of_accusations_ends);
	tcase_add_test(tcase, the_pardoned_wait_for_the_last_one);
	tcase_add_test(tcase, who_is_kept_out_for_nobodys_sake_is_let_in);
	tcase_add_test(tcase, two_rings_with_one_cut_between_them_calm_down);
	tcase_add_test(tcase, everybody_watches_the_next_one);
	tcase_add_test(tcase, nobody_is_watched_who_answers_nothing);
	tcase_add_test(tcase, who_is_watched_is_not_knocked_at);
	tcase_add_loop_test(tcase, the_end_of_a_watch_is_a_reason_to_ask, 0, 3);
	tcase_add_loop_test(tcase, the_end_of_a_watch_removes_nobody, 0, 2);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}

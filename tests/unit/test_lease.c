/* SPDX-License-Identifier: BSD-3-Clause */
/* The lease: a node serves as long as its last contact with a majority of its ring is recent (exec/totem/lease.c). */
#include <check.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/engine_net.h"

static uint64_t lease_ms(void) { return totem_engine_lease(node_of(1)->engine) / MS; }

/* Return how much later than the end of the lease its callback may be. The lease is checked at this interval. */
static uint64_t late_ms(void) { return lease_ms() / 16 + 1; }

static uint64_t held_ms(void) { return options.hold_ns / MS; }

static bool has_lease(uint32_t id) { return totem_engine_has_lease(node_of(id)->engine, net->now_ns); }

/* Check that the getter and the last callback of a node agree. */
static void check_lease(uint32_t id, bool is_held)
{
	ck_assert_msg(has_lease(id) == is_held, "node %u: the lease is %sheld", id, is_held ? "not " : "");
	ck_assert_msg(node_of(id)->has_lease == is_held, "node %u: said the opposite", id);
}

static void start_leased_ring(uint32_t count)
{
	totem_options_defaults(&options, 1, count);
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(count);
	connect_all();
	run_for(2000); /* idle: the representative holds the token now and then */
	clear_logs();
}

/* Nodes below and from cut_from on do not hear each other. */
static bool is_other_side(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)header, (void)frame;
	return (from < n->cut_from) != (to < n->cut_from);
}

static void cut(uint32_t from)
{
	net->cut_from = from;
	net->drops = is_other_side;
}

static bool is_probe(const struct wire_header *header, const struct coterie_frame *frame)
{
	return header->type == WIRE_MERGE_DETECT && frame->size == WIRE_PROBE_SIZE;
}

static bool is_token(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)frame;
	return header->type == WIRE_TOKEN && from != to;
}

static bool is_no_probe(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n;
	return !is_probe(header, frame) && from != to;
}

static bool drops_probes(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)from, (void)to;
	return is_probe(header, frame);
}

static bool drops_all(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)header, (void)frame;
	return from != to;
}

/* --- rings that work --- */

START_TEST(a_ring_of_one_always_holds_it)
{
	start_leased_ring(1);
	tell(1, TOTEM_EVENT_STOPPED, 0);
	check_lease(1, true);
	tell(1, TOTEM_EVENT_LINK_DOWN, 0);
	run_for(60000);
	check_lease(1, true);
	ck_assert_uint_eq(node_of(1)->lease_ends, 0);
}
END_TEST

START_TEST(tokens_renew_it)
{
	start_leased_ring((uint32_t)_i);
	run_for(30000);
	for (uint32_t id = 1; id <= (uint32_t)_i; id++) {
		check_lease(id, true);
		ck_assert_uint_eq(node_of(id)->lease_ends, 0);
	}
}
END_TEST

/* When the token is late, members send each other probes, and the answers renew the lease. */
START_TEST(answers_renew_it)
{
	start_leased_ring(3);
	net->drops = is_token;
	run_for(lease_ms() + held_ms() + late_ms());
	for (uint32_t id = 1; id <= 3; id++) {
		ck_assert_int_eq(totem_engine_state(node_of(id)->engine), TOTEM_OPERATIONAL);
		check_lease(id, true);
		ck_assert_uint_eq(node_of(id)->lease_ends, 0);
	}
}
END_TEST

/* --- its end --- */

START_TEST(a_cut_node_loses_it_after_its_length)
{
	struct node *node;
	uint64_t at_ns;

	start_leased_ring(3);
	node = node_of(3);
	cut(3);
	at_ns = net->now_ns;
	run_for(lease_ms() - held_ms() - 10);
	check_lease(3, true);
	run_for(held_ms() + 10 + late_ms());
	check_lease(3, false);
	ck_assert_uint_ge(node->lease_at_ns, at_ns + (lease_ms() - held_ms()) * MS);
	run_for(2500);
	ck_assert_uint_eq(node->lease_ends, 1);
	ck_assert_uint_eq(node->lease_begins, 0);
	check_lease(3, false);
	/* After the timeouts the node is a ring of its own. The lease of that ring says nothing about quorum. */
	run_for((options.token_ns + options.consensus_ns) / MS);
	check_lease(3, true);
	ck_assert_uint_eq(node->lease_begins, 1);
}
END_TEST

/* The getter compares with the clock and is exact. The callback may be late. */
START_TEST(the_getter_knows_the_end_before_the_callback)
{
	const struct node *node;
	uint64_t end_ns;

	start_leased_ring(3);
	node = node_of(3);
	cut(3);
	run_for(held_ms() + 1);
	end_ns = node->engine->lease.contact_ns + totem_engine_lease(node->engine);
	ck_assert(totem_engine_has_lease(node->engine, end_ns - 1));
	ck_assert(!totem_engine_has_lease(node->engine, end_ns));
}
END_TEST

START_TEST(it_is_back_after_contact)
{
	start_leased_ring(3);
	cut(3);
	run_for(lease_ms() + late_ms());
	check_lease(3, false);
	net->drops = NULL;
	run_for(late_ms());
	check_lease(3, true);
	ck_assert_uint_eq(node_of(3)->lease_begins, 1);
	ck_assert_uint_eq(node_of(3)->gathered, 0);
	run_for(10000);
	ck_assert_uint_eq(node_of(3)->lease_ends, 1);
}
END_TEST

START_TEST(a_link_that_goes_down_ends_it_at_once)
{
	start_leased_ring(3);
	cut(3);
	tell(3, TOTEM_EVENT_LINK_DOWN, 0);
	check_lease(3, false);
	run_for(500);
	tell(3, TOTEM_EVENT_LINK_UP, 0);
	check_lease(3, true); /* the lease has not ended yet */
	tell(3, TOTEM_EVENT_LINK_DOWN, 0);
	run_for(lease_ms());
	tell(3, TOTEM_EVENT_LINK_UP, 0);
	check_lease(3, false);
	net->drops = NULL;
	run_for(late_ms());
	check_lease(3, true);
}
END_TEST

/*
 * A node was stopped by a signal or a suspend. The packets that wait in its socket are from before the stop and do not
 * renew the lease.
 */
START_TEST(a_token_from_before_a_stop_does_not_renew_it)
{
	struct node *node;

	start_leased_ring(3);
	node = node_of(3);
	cut(3);
	run_for(1200);
	node->is_paused = true;
	net->drops = NULL;
	run_for(1400); /* shorter than a pause that the engine detects. The token is sent again meanwhile */
	ck_assert_uint_gt(node->waiting_count, 0);
	ck_assert(!has_lease(3));
	node_resume(node, _i == 1);
	ck_assert_uint_eq(node->paused, 0);
	check_lease(3, false);
	if (_i == 2)
		net->drops = drops_probes; /* without probes the next token renews the lease */
	run_for(_i == 2 ? held_ms() + 10 : 10);
	check_lease(3, true);
	ck_assert_uint_eq(node->gathered, 0);
}
END_TEST

/* The lease has not ended yet, but a token from before the stop does not prolong it. */
START_TEST(a_token_from_before_a_short_stop_does_not_prolong_it)
{
	struct node *node;

	start_leased_ring(3);
	node = node_of(3);
	cut(3);
	run_for(500);
	node->is_paused = true;
	net->drops = drops_probes;
	run_for(700);
	ck_assert_uint_gt(node->waiting_count, 0); /* the repeated token waits */
	cut(3);
	ck_assert(has_lease(3));
	node_resume(node, false);
	ck_assert_uint_eq(totem_engine_counters(node->engine)->token_last_ns, net->now_ns);
	run_for(lease_ms() - 1200 + held_ms() + late_ms());
	check_lease(3, false);
}
END_TEST

static uint8_t late_token[2048];
static size_t late_token_size;

/* Node 2 is cut off, and the first token that it misses is kept. */
static bool keeps_a_token_to_2(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n;
	if (from == to || (from != 2 && to != 2))
		return false;
	if (to == 2 && header->type == WIRE_TOKEN && late_token_size == 0) {
		late_token_size = frame->size;
		memcpy(late_token, frame->data, frame->size);
	}
	return true;
}

/* The token arrives after the end of the lease and before the timer has noticed the end. */
START_TEST(a_token_that_was_under_way_for_longer_does_not_renew_it)
{
	const struct totem_engine *engine;
	uint64_t end_ns;

	start_leased_ring(3);
	engine = node_of(2)->engine;
	net->drops = keeps_a_token_to_2;
	run_for(held_ms() + 1);
	ck_assert_uint_gt(late_token_size, 0);
	end_ns = engine->lease.contact_ns + totem_engine_lease(engine);
	while (net_step(net, end_ns - 1))
		;
	net->now_ns = end_ns;
	ck_assert(!has_lease(2));
	ck_assert(node_of(2)->has_lease);
	feed(2, late_token, late_token_size);
	check_lease(2, false);
}
END_TEST

/* Each member has accepted the token. The lease of node 1 counts from the time at which node 3 passed it on. */
START_TEST(a_token_that_was_held_up_counts_from_when_it_was_passed_on)
{
	const struct totem_engine *engine;
	uint64_t sent_ns;

	start_leased_ring(3);
	engine = node_of(3)->engine;
	net->drops = drops_all;
	run_for(lease_ms() / 3); /* node 1 sends the token to node 2 again */
	net->drops = drops_probes;
	sent_ns = engine->pass.sent_ns;
	while (has_lease(3) && engine->pass.sent_ns == sent_ns)
		run_for(1);
	ck_assert_uint_gt(engine->pass.sent_ns, sent_ns);
	cut(3);
	ck_assert(has_lease(3));
	net->now_ns = sent_ns + (lease_ms() + held_ms() + late_ms()) * MS;
	ck_assert(!has_lease(3));
}
END_TEST

START_TEST(a_stop_that_now_does_not_show_ends_it)
{
	start_leased_ring(3);
	tell(3, TOTEM_EVENT_STOPPED, 0);
	check_lease(3, false);
	run_for(1);
	check_lease(3, true);
	ck_assert_uint_eq(node_of(3)->lease_ends, 1);
}
END_TEST

static void feed_join(uint32_t to, uint32_t from, uint32_t header)
{
	const uint32_t proc[] = {1, 2, 3}, failed[] = {to};
	uint8_t bytes[256];
	size_t size = wire_encode_join(header, from, totem_engine_ring(node_of(to)->engine)->seq, proc, 3, failed, 1,
		WIRE_FEATURE_FILLED | options.features, false, bytes, sizeof(bytes));

	feed(to, bytes, size);
}

START_TEST(a_member_that_names_this_node_failed_ends_it)
{
	start_leased_ring(3);
	feed_join(3, 9, 9); /* node 9 is no member */
	check_lease(3, true);
	feed_join(3, 2, 2);
	check_lease(3, false);
	net->drops = drops_all;
	run_for(2 * lease_ms());
	check_lease(3, false);
	ck_assert_uint_eq(node_of(3)->lease_ends, 1);
}
END_TEST

START_TEST(a_forged_verdict_ends_it_until_the_next_answer)
{
	start_leased_ring(3);
	feed_join(3, 2, 2);
	check_lease(3, false);
	run_for(1);
	check_lease(3, true);
	ck_assert_uint_eq(node_of(3)->gathered, 0);
}
END_TEST

static bool drop_frames_to_3(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)frame;
	return header->type == WIRE_MCAST && to == 3 && from != 3;
}

START_TEST(a_node_that_fails_to_receive_has_none)
{
	options.fail_recv_const = 50;
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	net->drops = drop_frames_to_3;
	send_many(1, 2);
	for (uint32_t ms = 0; ms < 5000 && node_of(3)->failed_to_receive == 0; ms++) {
		check_lease(3, true);
		run_for(1);
	}
	ck_assert_uint_eq(node_of(3)->failed_to_receive, 1);
	ck_assert_uint_eq(node_of(3)->lease_ends, 1);
}
END_TEST

/* --- connections --- */

START_TEST(a_node_whose_connections_are_all_reset_has_none_until_an_answer)
{
	static const enum totem_event ends[] = {TOTEM_EVENT_WATCH_BROKEN, TOTEM_EVENT_WATCH_CLOSED};

	start_leased_ring(3);
	net->drops = drops_all;
	tell(3, ends[_i], 1);
	check_lease(3, true);
	tell(3, ends[_i], 2);
	check_lease(3, false);
	run_for(300);
	check_lease(3, false);
	net->drops = NULL;
	run_for(late_ms());
	check_lease(3, true);
}
END_TEST

/* The answer to the question that the sign itself has caused counts. */
START_TEST(the_answer_after_a_reset_counts_at_once)
{
	start_leased_ring(3);
	tell(3, TOTEM_EVENT_WATCH_BROKEN, 1);
	tell(3, TOTEM_EVENT_WATCH_BROKEN, 2);
	check_lease(3, false);
	run_for(1);
	check_lease(3, true);
}
END_TEST

/* An answer to a question from before the sign proves nothing, and the node still asks again. */
START_TEST(a_late_answer_does_not_delay_the_next_question)
{
	net->delay_ns = 30 * MS;
	start_leased_ring(3);

	const struct peer *first = peer_find(node_of(3)->engine, 1), *second = first + 1;
	uint64_t at_ns = net->now_ns;

	net->drops = is_token;
	for (uint32_t ms = 0; ms < 3000 && (first->asked_ns < at_ns || second->asked_ns < at_ns); ms++)
		run_for(1);
	run_for(1);
	tell(3, TOTEM_EVENT_STOPPED, 0);
	run_for(62);
	check_lease(3, false);
	run_for(2 * late_ms() + 62);
	check_lease(3, true);
}
END_TEST

START_TEST(one_connection_of_two_may_be_reset)
{
	start_leased_ring(3);
	tell(3, TOTEM_EVENT_WATCH_BROKEN, 1);
	check_lease(3, true);
	tell(3, TOTEM_EVENT_WATCH_ON, 1);
	tell(3, TOTEM_EVENT_WATCH_BROKEN, 1);
	tell(3, TOTEM_EVENT_WATCH_OFF, 2); /* node 3 itself has closed the connection */
	check_lease(3, true);
	run_for(10); /* node 1 answers */
	tell(3, TOTEM_EVENT_WATCH_ON, 2);
	tell(3, TOTEM_EVENT_WATCH_BROKEN, 2);
	check_lease(3, true);
	ck_assert_uint_eq(node_of(3)->lease_ends, 0);
}
END_TEST

START_TEST(two_connections_of_three_may_be_reset)
{
	start_leased_ring(4);
	tell(4, TOTEM_EVENT_WATCH_BROKEN, 1);
	tell(4, TOTEM_EVENT_WATCH_BROKEN, 2);
	check_lease(4, true);
	tell(4, TOTEM_EVENT_WATCH_BROKEN, 3);
	check_lease(4, false);
}
END_TEST

START_TEST(the_only_connection_of_two_nodes_is_all_there_is)
{
	start_leased_ring(2);
	tell(2, TOTEM_EVENT_WATCH_BROKEN, 1);
	check_lease(2, false);
	run_for(1);
	check_lease(2, true);
}
END_TEST

/* --- what an answer is worth --- */

/* Send a probe from node 2 to node 1. @return the answer that node 2 gets */
static struct wire_probe answer_of_1(void)
{
	const struct wire_probe question = {.system_from = 2, .kind = WIRE_PROBE_QUESTION, .number = 7};
	const struct coterie_frame *sample;
	struct wire_probe answer;
	uint8_t bytes[WIRE_PROBE_SIZE];

	wire_encode_probe(&question, 1, false, bytes, sizeof(bytes));
	feed(1, bytes, sizeof(bytes));
	sample = net->samples[WIRE_MERGE_DETECT];
	ck_assert(wire_decode_probe(sample->data, sample->size, &answer));
	ck_assert_int_eq(answer.kind, WIRE_PROBE_ANSWER);
	ck_assert_uint_eq(answer.number, 7);
	return answer;
}

START_TEST(a_node_that_gathers_grants_nothing)
{
	static const struct ring_id none;
	struct wire_probe answer;

	start_leased_ring(3);
	answer = answer_of_1();
	ck_assert(ring_id_equal(&answer.ring, totem_engine_ring(node_of(1)->engine)));
	net->drops = is_no_probe;
	tell(1, TOTEM_EVENT_FORCE_GATHER, 0);
	tell(3, TOTEM_EVENT_FORCE_GATHER, 0);
	answer = answer_of_1();
	ck_assert(ring_id_equal(&answer.ring, &none));
	/* Nodes 1 and 3 answer node 2, which is still in their old ring. */
	run_for(lease_ms() + late_ms());
	ck_assert_int_eq(totem_engine_state(node_of(2)->engine), TOTEM_OPERATIONAL);
	check_lease(2, false);
}
END_TEST

static void feed_hold_cancel(uint32_t to, uint32_t from)
{
	const struct wire_hold_cancel cancel = {.nodeid = from, .ring = *totem_engine_ring(node_of(to)->engine)};
	uint8_t bytes[WIRE_HEADER_SIZE + 12];

	wire_encode_hold_cancel(&cancel, false, bytes, sizeof(bytes));
	feed(to, bytes, sizeof(bytes));
}

START_TEST(any_packet_of_a_plain_member_counts)
{
	bool is_plain = _i == 0;

	options.features = is_plain ? 0 : WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	run_for(2000);
	cut(3);
	run_for(lease_ms() - held_ms() - 10);
	feed_hold_cancel(3, 1);
	run_for(held_ms() + 10 + late_ms());
	check_lease(3, is_plain);
	run_for(lease_ms() - held_ms() - 10);
	check_lease(3, false);
}
END_TEST

/* --- majorities --- */

/* While members gather they do not renew each other's lease. Requests wait meanwhile, as they do without a ring. */
START_TEST(two_of_three_hold_it_beside_a_dead_member)
{
	start_leased_ring(3);
	node_crash(3);
	while (totem_engine_state(node_of(1)->engine) == TOTEM_OPERATIONAL) {
		run_for(10);
		ck_assert_uint_eq(node_of(1)->lease_ends, 0);
	}
	run_until_ring(2, 8000);
	check_lease(1, true);
	check_lease(2, true);
	/* The lease ended once, during the gather, which takes longer than the lease. */
	ck_assert_uint_le(node_of(1)->lease_ends, 1);
	ck_assert_uint_le(node_of(2)->lease_ends, 1);
}
END_TEST

START_TEST(three_of_five_hold_it_and_two_do_not)
{
	start_leased_ring(5);
	cut(3); /* partition: 1 2 | 3 4 5 */
	/* The token may be at node 1 or 2, and visit both once more. */
	run_for(lease_ms() + held_ms() + late_ms());
	check_lease(1, false);
	check_lease(2, false);
	/* The five nodes are still one ring, and three of them answer each other. */
	for (uint32_t id = 3; id <= 5; id++) {
		ck_assert_int_eq(totem_engine_state(node_of(id)->engine), TOTEM_OPERATIONAL);
		check_lease(id, true);
		ck_assert_uint_eq(node_of(id)->lease_ends, 0);
	}

	const uint32_t *members;

	/* Two sides that are not in one ring never serve at the same time. */
	for (uint32_t ms = 0; ms < 15000 && totem_engine_members(node_of(4)->engine, &members) == 5; ms++) {
		run_for(1);
		ck_assert(totem_engine_members(node_of(1)->engine, &members) != 5 || !has_lease(1));
		ck_assert(totem_engine_members(node_of(2)->engine, &members) != 5 || !has_lease(2));
	}
	ck_assert_uint_eq(totem_engine_members(node_of(4)->engine, &members), 3);
	run_for(50);
	for (uint32_t id = 3; id <= 5; id++)
		check_lease(id, true);
}
END_TEST

/* One node of two is no majority. */
START_TEST(both_of_two_lose_it_when_they_are_cut_apart)
{
	start_leased_ring(2);
	cut(2);
	run_for(lease_ms() + late_ms());
	check_lease(1, false);
	check_lease(2, false);
}
END_TEST

START_TEST(a_budget_shortens_it)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE | WIRE_FEATURE_SILENCE;
	options.silence_ns = 500 * MS;
	options.token_retransmit_ns = 100 * MS;
	options.hold_ns = 150 * MS;
	start_ring(3);
	ck_assert_uint_eq(lease_ms(), 300);
	cut(3);
	run_for(lease_ms() + late_ms());
	check_lease(3, false);
	check_lease(1, true);
}
END_TEST

/* --- other timers at run time, or on other nodes --- */

static void use_token_timeout(uint64_t factor)
{
	totem_options_defaults(&options, 1, 3);
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	options.token_ns *= factor;
	options.consensus_ns *= factor;
}

/* The other members wait for the lease that the node announced for the present ring. */
START_TEST(a_reload_makes_it_longer_in_the_next_ring)
{
	const uint32_t ids[] = {1, 2, 3};
	uint64_t before_ms;

	start_leased_ring(3);
	before_ms = lease_ms();
	use_token_timeout(4);
	options.nodes = ids;
	options.node_count = 3;
	for (uint32_t id = 1; id <= 3; id++) {
		options.nodeid = id;
		ck_assert_int_eq(totem_engine_reconfigure(node_of(id)->engine, net->now_ns, &options), 0);
	}
	ck_assert_uint_eq(lease_ms(), before_ms);
	tell(2, TOTEM_EVENT_FORCE_GATHER, 0);
	run_for(500);
	run_until_ring(3, 5000);
	ck_assert_uint_eq(lease_ms(), 4 * before_ms);
}
END_TEST

START_TEST(a_reload_makes_it_shorter_at_once)
{
	uint64_t before_ms;

	start_leased_ring(3);
	before_ms = lease_ms();
	options.nodeid = 1;
	options.token_ns /= 2;
	ck_assert_int_eq(totem_engine_reconfigure(node_of(1)->engine, net->now_ns, &options), 0);
	ck_assert_uint_eq(lease_ms(), before_ms / 2);
}
END_TEST

/*
 * A budget beyond the token timeout does not make the lease longer, since a gather may end after the consensus timeout.
 */
START_TEST(a_budget_beyond_the_token_timeout_makes_it_no_longer)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE | WIRE_FEATURE_SILENCE;
	options.silence_ns = options.token_ns + options.consensus_ns - MS;
	start_ring(3);
	ck_assert_uint_eq(lease_ms(), options.token_ns / MS * 6 / 10);
}
END_TEST

/* The other two nodes form a ring only after this node has stopped to serve. */
START_TEST(a_member_with_a_longer_token_timeout_is_waited_for)
{
	const uint32_t *members;

	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++) {
		use_token_timeout(id == 3 ? 8 : 1);
		node_start(id);
	}
	run_until_ring(3, 10000);
	run_for(2000);
	cut(3);
	for (uint32_t ms = 0; ms < 60000 && totem_engine_members(node_of(1)->engine, &members) == 3; ms++) {
		run_for(1);
		ck_assert(totem_engine_members(node_of(1)->engine, &members) == 3 || !has_lease(3));
	}
	ck_assert_uint_eq(totem_engine_members(node_of(1)->engine, &members), 2);
}
END_TEST

static uint32_t deaf_a, deaf_b;

static bool is_between(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)header, (void)frame;
	return (from == deaf_a && to == deaf_b) || (from == deaf_b && to == deaf_a);
}

static uint32_t members_of(uint32_t id)
{
	const uint32_t *members;

	return totem_engine_members(node_of(id)->engine, &members);
}

/*
 * Nodes that do not hear each other: the third node continues with one of them. The other one has waited as long as
 * they have, and forms its ring without a second wait. Tested in each phase of an idle ring.
 */
START_TEST(who_is_left_behind_is_alone_soon)
{
	uint32_t ms, together_ms = 0;

	start_leased_ring(3);
	run_for((uint64_t)_i / 3 * held_ms() / 8);
	deaf_a = (uint32_t)_i % 3 + 1;
	deaf_b = deaf_a % 3 + 1;
	net->drops = is_between;
	for (ms = 0; ms < 20000 && members_of(1) + members_of(2) + members_of(3) != 2 + 2 + 1; ms++) {
		bool is_one_of_two = members_of(1) == 2 || members_of(2) == 2 || members_of(3) == 2;
		bool is_one_of_three = members_of(1) == 3 || members_of(2) == 3 || members_of(3) == 3;

		together_ms += is_one_of_two && is_one_of_three;
		run_for(1);
	}
	ck_assert_uint_lt(ms, 20000);
	ck_assert_uint_le(together_ms, 10);
}
END_TEST

/* In a small ring a node sends joins as often as Corosync, until the gather ends. */
START_TEST(a_path_that_is_back_before_the_conclusion_is_in_time)
{
	uint32_t ms;

	start_leased_ring(3);
	run_for(100);
	cut(3);
	for (ms = 0; ms < 20000 && totem_engine_state(node_of(3)->engine) != TOTEM_GATHER; ms++)
		run_for(1);
	run_for(options.consensus_ns / MS - 60 - (uint64_t)_i * 10); /* joins are sent every 50 ms */
	net->drops = NULL;
	run_for(1000);
	for (uint32_t id = 1; id <= 3; id++) {
		ck_assert_uint_eq(node_of(id)->evicted_count, 0);
		ck_assert_uint_eq(members_of(id), 3);
		ck_assert_int_eq(totem_engine_state(node_of(id)->engine), TOTEM_OPERATIONAL);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("lease");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_add_test(tcase, a_ring_of_one_always_holds_it);
	tcase_add_loop_test(tcase, a_path_that_is_back_before_the_conclusion_is_in_time, 0, 20);
	tcase_add_loop_test(tcase, who_is_left_behind_is_alone_soon, 0, 3 * 8);
	tcase_add_loop_test(tcase, tokens_renew_it, 2, 6);
	tcase_add_test(tcase, answers_renew_it);
	tcase_add_test(tcase, a_cut_node_loses_it_after_its_length);
	tcase_add_test(tcase, the_getter_knows_the_end_before_the_callback);
	tcase_add_test(tcase, it_is_back_after_contact);
	tcase_add_test(tcase, a_link_that_goes_down_ends_it_at_once);
	tcase_add_loop_test(tcase, a_token_from_before_a_stop_does_not_renew_it, 0, 3);
	tcase_add_test(tcase, a_token_from_before_a_short_stop_does_not_prolong_it);
	tcase_add_test(tcase, a_token_that_was_under_way_for_longer_does_not_renew_it);
	tcase_add_test(tcase, a_token_that_was_held_up_counts_from_when_it_was_passed_on);
	tcase_add_test(tcase, a_stop_that_now_does_not_show_ends_it);
	tcase_add_test(tcase, a_member_that_names_this_node_failed_ends_it);
	tcase_add_test(tcase, a_forged_verdict_ends_it_until_the_next_answer);
	tcase_add_test(tcase, a_node_that_fails_to_receive_has_none);
	tcase_add_loop_test(tcase, a_node_whose_connections_are_all_reset_has_none_until_an_answer, 0, 2);
	tcase_add_test(tcase, the_answer_after_a_reset_counts_at_once);
	tcase_add_test(tcase, a_late_answer_does_not_delay_the_next_question);
	tcase_add_test(tcase, one_connection_of_two_may_be_reset);
	tcase_add_test(tcase, two_connections_of_three_may_be_reset);
	tcase_add_test(tcase, the_only_connection_of_two_nodes_is_all_there_is);
	tcase_add_test(tcase, a_node_that_gathers_grants_nothing);
	tcase_add_loop_test(tcase, any_packet_of_a_plain_member_counts, 0, 2);
	tcase_add_test(tcase, two_of_three_hold_it_beside_a_dead_member);
	tcase_add_test(tcase, three_of_five_hold_it_and_two_do_not);
	tcase_add_test(tcase, both_of_two_lose_it_when_they_are_cut_apart);
	tcase_add_test(tcase, a_budget_shortens_it);
	tcase_add_test(tcase, a_reload_makes_it_longer_in_the_next_ring);
	tcase_add_test(tcase, a_reload_makes_it_shorter_at_once);
	tcase_add_test(tcase, a_budget_beyond_the_token_timeout_makes_it_no_longer);
	tcase_add_test(tcase, a_member_with_a_longer_token_timeout_is_waited_for);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}

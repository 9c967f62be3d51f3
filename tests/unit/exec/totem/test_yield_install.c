/* SPDX-License-Identifier: BSD-3-Clause */
/* A delivery yields while a ring is being installed: exec/totem/configure.c, in rings of three engines. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

#define COUNT 20u

static struct node *node;
static struct totem_engine *engine;
static bool is_lost_to_all;

/* The first frame of node 2 is lost whenever it is sent to node 3, or to node 1 as well. */
static bool drops_of_2(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_mcast mcast;

	if (header->type != WIRE_MCAST || wire_decode_mcast(frame->data, frame->size, &mcast) != WIRE_OK)
		return false;
	if (n->drop_seq == 0 && from == 2)
		n->drop_seq = mcast.seq;
	return mcast.seq == n->drop_seq && (to == 3 || (to == 1 && is_lost_to_all));
}

static void send_messages(uint32_t id)
{
	char text[16];

	for (uint32_t i = 0; i < COUNT; i++) {
		snprintf(text, sizeof(text), "m%u", i);
		ck_assert_int_eq(send_text(id, TOTEM_AGREED, text), 0);
	}
}

/* Run until node 3 has the last frame of a node, which is behind one that it lacks. */
static void leave_undelivered(uint32_t id)
{
	while (engine->store.high_seq == engine->store.aru ||
		store_find(&engine->store, engine->store.high_seq)->source != id)
		ck_assert(net_step(net, net->now_ns + 1000 * MS));
	ck_assert_uint_eq(node->received, 0);
}

/*
 * Node 3 yields behind each message, and lacks a frame when its ring ends. It installs the next ring, and has delivered a
 * first message of the old one. It is in the regular configuration if a companion has the frame that was lost. It is in the
 * transitional one if the sender has crashed.
 */
static void lose(bool is_transitional)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	node = node_of(3);
	engine = node->engine;
	node->yields = true;
	is_lost_to_all = is_transitional;
	net->drops = drops_of_2;
	ck_assert_int_eq(send_text(2, TOTEM_AGREED, "lost"), 0);
	while (net->drop_seq == 0)
		ck_assert(net_step(net, net->now_ns + 1000 * MS));
	send_messages(1);
	leave_undelivered(1);
	ck_assert_int_eq(send_text(2, TOTEM_AGREED, "perhaps an answer to what was lost"), 0);
	leave_undelivered(2);
	if (is_transitional)
		node_crash(2);
	net->drops = NULL;
	tell(3, TOTEM_EVENT_FORCE_GATHER, 0);
}

static void begin(bool is_transitional)
{
	lose(is_transitional);
	while (!configure_is_unfinished(engine))
		ck_assert(net_step(net, net->now_ns + 1000 * MS));
	ck_assert(totem_engine_has_yielded(engine));
	ck_assert_int_eq(totem_engine_state(engine), TOTEM_RECOVERY);
	ck_assert_uint_eq(node->received, 1);
}

/* Run until the token that installs the ring is under way to node 3. @return it; caller owns */
static void begin_token(struct coterie_frame **token)
{
	const struct event *next;

	lose(false);
	for (;;) {
		next = &net->events[net->first];
		if (engine->recovery.rotations == 1 && net->count > 0 && next->to == node && next->frame != NULL &&
			next->frame->data[3] == WIRE_TOKEN)
			break;
		ck_assert(!configure_is_unfinished(engine));
		ck_assert(net_step(net, net->now_ns + 1000 * MS));
	}
	net->now_ns = next->at_ns;
	*token = frame_ref(next->frame);
}

static void deliver(void)
{
	ck_assert_uint_le(node->timers[TOTEM_TIMER_DELIVER], net->now_ns);
	node->timers[TOTEM_TIMER_DELIVER] = TOTEM_NEVER;
	totem_engine_timeout(engine, net->now_ns, TOTEM_TIMER_DELIVER);
}

static void check_installed(void)
{
	ck_assert(!configure_is_unfinished(engine));
	ck_assert_int_eq(totem_engine_state(engine), TOTEM_OPERATIONAL);
	ck_assert(ring_id_equal(&engine->installed.ring, &engine->ring));
}

/* The ring goes on: the messages are the same, in the same order and configuration, as on node 1. */
static void check_end(bool is_transitional)
{
	check_installed();
	while (totem_engine_has_yielded(engine))
		deliver();
	run_for(100);
	ck_assert_int_eq(send_text(1, TOTEM_AGREED, "end"), 0);
	for (uint32_t all = node_of(1)->received + 1; node->received < all;)
		ck_assert(net_step(net, net->now_ns + 1000 * MS));
	ck_assert_str_eq(node->log, node_of(1)->log);
	ck_assert_uint_eq(node->received, COUNT + 1 + (is_transitional ? 0 : 2));
}

/* The messages come one by one. The token waits until the ring is installed. */
START_TEST(one_message_in_an_event)
{
	uint64_t tokens;

	begin(_i == 1);
	tokens = engine->counters.token_tx;
	for (uint32_t before = node->received; configure_is_unfinished(engine); before = node->received) {
		ck_assert_int_eq(totem_engine_state(engine), TOTEM_RECOVERY);
		ck_assert_uint_eq(engine->counters.token_tx, tokens);
		deliver();
		ck_assert_uint_le(node->received, before + 1);
	}
	ck_assert_uint_eq(engine->counters.token_tx, tokens + 1);
	check_end(_i == 1);
}
END_TEST

/* Before what needs the ring that is being installed, all that is left is delivered. */
START_TEST(what_is_left_comes_first)
{
	bool is_transitional = _i % 2 == 1;
	uint8_t byte = 0;

	begin(is_transitional);
	switch (_i / 2) {
	case 0:
		feed(3, &byte, 1);
		break;
	case 1: /* the token is sent on, and so the timer is set again */
		engine->timer_at_ns[TOTEM_TIMER_TOKEN] = net->now_ns;
		totem_engine_timeout(engine, net->now_ns, TOTEM_TIMER_TOKEN);
		ck_assert_uint_gt(node->timers[TOTEM_TIMER_TOKEN], net->now_ns);
		break;
	case 2:
		tell(3, TOTEM_EVENT_LINK_UP, 0);
		break;
	case 3:
		totem_engine_refused(engine, net->now_ns, 1, &byte, 1);
		break;
	}
	check_end(is_transitional);
}
END_TEST

START_TEST(the_end_of_the_ring)
{
	begin(_i % 2 == 1);
	if (_i < 2)
		tell(3, TOTEM_EVENT_FORCE_GATHER, 0);
	else
		totem_engine_leave(engine, net->now_ns);
	ck_assert(!configure_is_unfinished(engine));
	ck_assert_uint_ge(node->received, COUNT);
	ck_assert_ptr_nonnull(strstr(node->log, "regular"));
}
END_TEST

/* Let node 3 have a leave of node 2, which is to be asked first. */
static void take_farewell(void)
{
	static const uint32_t others[] = {1, 3}, left = 2;
	struct peer *peer = peer_find(engine, 2);

	peer->farewell = frame_take(node->pool, 500);
	peer->farewell->size = (uint32_t)wire_encode_join(
		0, 2, engine->ring.seq, others, 2, &left, 1, 0, false, peer->farewell->data, peer->farewell->capacity);
	peer->farewell_ns = net->now_ns;
	engine->suspicion.has_farewells = true;
}

/* These events do not wait, and deliver nothing. A farewell whose sender has closed its connection is not believed now. */
START_TEST(what_comes_in_between)
{
	struct coterie_frame *question;
	uint32_t received;
	static const enum totem_timer timers[] = {TOTEM_TIMER_PROBE, TOTEM_TIMER_BACKOFF, TOTEM_TIMER_PAUSE};

	begin(false);
	received = node->received;
	question = probe_make(node_of(1)->engine, 3, WIRE_PROBE_QUESTION, &engine->ring, 7);
	take_farewell();
	for (uint32_t i = 0; i < 3; i++) {
		engine->timer_at_ns[timers[i]] = net->now_ns;
		totem_engine_timeout(engine, net->now_ns, timers[i]);
		ck_assert_uint_eq(node->timers[timers[i]], net->now_ns + MS); /* T-deliver comes first */
	}
	ck_assert(totem_engine_question(engine, net->now_ns, question));
	tell(3, TOTEM_EVENT_WATCH_ON, 2);
	tell(3, TOTEM_EVENT_WATCH_CLOSED, 2);
	tell(3, TOTEM_EVENT_PEER_DEAD, 1);
	tell(3, TOTEM_EVENT_STOPPED, 0);
	options.nodeid = 3;
	ck_assert_int_eq(totem_engine_reconfigure(engine, net->now_ns, &options), 0);
	ck_assert(configure_is_unfinished(engine));
	ck_assert_uint_eq(node->received, received);
	frame_unref(question);
	while (configure_is_unfinished(engine))
		deliver();
	check_installed();
	ck_assert_ptr_null(peer_find(engine, 2)->farewell);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_ge(engine->timer_at_ns[timers[i]], net->now_ns);
}
END_TEST

/*
 * The packets behind the token that installs the ring wait, and are not counted: a frame of another ring (0), a hold cancel
 * (1). A frame of the same ring belongs in front of that token (2).
 */
START_TEST(a_batch_is_taken_in_part)
{
	static const struct wire_mcast foreign = {
		.nodeid = 1, .system_from = 1, .seq = 1, .encapsulated = 2, .ring = {1, 1}};
	const struct wire_hold_cancel cancel = {.nodeid = 1, .ring = {1, 1}};
	struct coterie_frame *batch[3];
	struct wire_mcast own = foreign;
	uint64_t frames, cancels;

	begin_token(&batch[0]);
	own.ring = engine->ring;
	for (int i = 1; i < 3; i++) {
		batch[i] = frame_take(node->pool, 200);
		if (_i == 1)
			batch[i]->size = (uint32_t)wire_encode_hold_cancel(&cancel, false, batch[i]->data, 200);
		else
			batch[i]->size = (uint32_t)wire_encode_mcast_header(
				_i == 0 ? &foreign : &own, false, batch[i]->data, 200);
	}
	frames = engine->counters.mcast_rx;
	cancels = engine->counters.hold_cancel_rx;
	ck_assert_uint_eq(totem_engine_receive(engine, net->now_ns, batch, 3), _i == 2 ? 3 : 1);
	ck_assert(configure_is_unfinished(engine));
	ck_assert_uint_eq(engine->counters.mcast_rx, frames + (_i == 2 ? 2 : 0));
	ck_assert_uint_eq(engine->counters.hold_cancel_rx, cancels);
	for (int i = 0; i < 3; i++)
		frame_unref(batch[i]);
}
END_TEST

static struct coterie_frame *batch_frames[32];
static size_t batch_count;

static struct coterie_frame *next_frame(void) { return batch_frames[batch_count++] = frame_take(node->pool, 600); }

/* Add what node 1 sends to form the next ring of two, all that comes between its join and the installation. */
static void add_ring(uint32_t aru)
{
	static const uint32_t members[] = {1, 2};
	const struct ring_id old = engine->ring, next = {1, old.seq + 4};
	const struct wire_hold_cancel other = {.nodeid = 1, .ring = {1, 1}};
	struct wire_commit_entry entries[2] = {
		{.ring = old, .aru = aru, .high_delivered = aru, .received_flg = 1},
	};
	struct wire_commit_token head = {.nodeid = 1, .token_seq = 1, .count = 2, .ring = next, .memb_index = 1};
	struct coterie_frame *frame = next_frame();

	frame->size = (uint32_t)wire_encode_join(1, 1, old.seq, members, 2, NULL, 0, 0, false, frame->data, 600);
	frame = next_frame();
	frame->size = (uint32_t)wire_encode_commit_token(&head, members, entries, NULL, 0, false, frame->data, 600);
	entries[1] = entries[0];
	entries[1].received_flg = 0;
	head.memb_index = 2;
	head.token_seq = 3;
	frame = next_frame();
	frame->size = (uint32_t)wire_encode_commit_token(&head, members, entries, NULL, 0, false, frame->data, 600);
	for (uint32_t i = 0; i < 10; i++) {
		uint32_t base = options.first_seq;
		const struct wire_token token = {
			.nodeid = 1, .seq = base, .token_seq = base + i, .aru = base, .ring = next};

		frame = next_frame();
		frame->size = (uint32_t)wire_encode_token(&token, 2, false, frame->data, 600);
		frame = next_frame(); /* each token is handled before such a packet */
		frame->size = (uint32_t)wire_encode_hold_cancel(&other, false, frame->data, 600);
	}
}

/* A frame whose delivery yields, and all packets of the next ring, come in one batch. */
START_TEST(a_ring_in_one_batch)
{
	struct wire_mcast mcast;
	const struct event *next;

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(2);
	node = node_of(2);
	engine = node->engine;
	node->yields = true;
	send_many(1, 5);
	for (;;) {
		next = &net->events[net->first];
		if (net->count > 0 && next->to == node && next->frame != NULL && next->frame->data[3] == WIRE_MCAST)
			break;
		ck_assert(net_step(net, net->now_ns + 1000 * MS));
	}
	net->now_ns = next->at_ns;
	batch_frames[batch_count++] = frame_ref(next->frame);
	ck_assert_int_eq(wire_decode_mcast(next->frame->data, next->frame->size, &mcast), WIRE_OK);
	add_ring(mcast.seq);
	/* The join is handled, and the first commit token waits. */
	ck_assert_uint_eq(totem_engine_receive(engine, net->now_ns, batch_frames, batch_count), 2);
	ck_assert(totem_engine_has_yielded(engine));
	for (size_t taken = 2; taken < batch_count;)
		taken += totem_engine_receive(engine, net->now_ns, batch_frames + taken, batch_count - taken);
	ck_assert_int_eq(totem_engine_state(engine), TOTEM_OPERATIONAL);
	ck_assert_uint_eq(node->received, 5);
	for (size_t i = 0; i < batch_count; i++)
		frame_unref(batch_frames[i]);
}
END_TEST

/* For the checks of time all parts of an installation are one event, also if a report comes in between. */
START_TEST(a_report_in_a_long_installation_shows_no_pause)
{
	uint64_t gathers;

	begin(false);
	net->now_ns += options.token_ns * 6 / 10;
	tell(3, TOTEM_EVENT_WATCH_ON, 2);
	deliver();
	net->now_ns += 300 * MS;
	while (configure_is_unfinished(engine))
		deliver();
	gathers = engine->counters.gather_entered;
	check_end(false);
	ck_assert_uint_eq(engine->counters.gather_entered, gathers);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("yield_install");
	TCase *install = tcase_create("install");

	tcase_add_checked_fixture(install, net_setup, net_teardown);
	tcase_add_loop_test(install, one_message_in_an_event, 0, 2);
	tcase_add_loop_test(install, what_is_left_comes_first, 0, 8);
	tcase_add_loop_test(install, the_end_of_the_ring, 0, 4);
	tcase_add_test(install, what_comes_in_between);
	tcase_add_loop_test(install, a_batch_is_taken_in_part, 0, 3);
	tcase_add_test(install, a_ring_in_one_batch);
	tcase_add_test(install, a_report_in_a_long_installation_shows_no_pause);
	suite_add_tcase(suite, install);
	return suite_run(suite);
}

/*
 * The checkers must be able to fail: for every property a made-up history that breaks it, and one that
 * breaks none.
 */
#include "tests/sim/check_evs.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "exec/totem/engine.h"
#include "exec/totem/wire.h"
#include "tests/sim/check_liveness.h"
#include "tests/sim/check_ring.h"
#include "tests/sim/sim.h"
#include "tests/sim/tap.h"
#include "tests/sim/traffic.h"

#define NODES 3u
#define ALL 7u /* masks by index: nodes 1, 2, 3 are bits 0, 1, 2 */

static const uint32_t ids[NODES] = {1, 2, 3};
static struct report report;
static struct history history;
static struct life *lives[NODES];

static void set_up(void)
{
	report = (struct report){0};
	history_init(&history, &report, ids, NODES, 0);
	for (uint32_t i = 0; i < NODES; i++)
		lives[i] = history_start(&history, i, false, true, 0);
}

static void tear_down(void)
{
	history_fini(&history);
}

static void expect(const char *property)
{
	ck_assert_msg(report.is_broken, "nothing was noticed; %s should be broken", property);
	ck_assert_msg(strcmp(report.property, property) == 0, "%s was noticed instead of %s: %s",
		report.property, property, report.text);
}

static void expect_nothing(void)
{
	ck_assert_msg(!report.is_broken, "%s was noticed: %s", report.property, report.text);
}

static uint32_t list(uint64_t mask, uint32_t out[NODES])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < NODES; i++)
		if ((mask & BIT(i)) != 0)
			out[count++] = ids[i];
	return count;
}

static struct ring_id ring_of(uint64_t members, uint64_t seq)
{
	return (struct ring_id){.rep = (uint32_t)__builtin_ctzll(members) + 1, .seq = seq};
}

static struct ring_record *ring(uint64_t members, uint64_t seq)
{
	struct ring_id id = ring_of(members, seq);
	struct ring_record *found = history_find_ring(&history, &id);

	return found != NULL ? found :
		history_create_ring(&history, &id, lives[id.rep - 1], members, 0);
}

static void transitional(uint32_t node, uint64_t members, uint64_t seq, uint64_t with, uint64_t left)
{
	uint32_t lists[2][NODES];
	struct totem_configuration configuration = {.ring = ring_of(members, seq), .members = lists[0],
		.left = lists[1], .is_safe_honoured = true};

	ring(members, seq);
	configuration.member_count = list(with, lists[0]);
	configuration.left_count = list(left, lists[1]);
	evs_configured(&history, lives[node], &configuration);
}

static void regular(uint32_t node, uint64_t members, uint64_t seq, uint64_t joined)
{
	uint32_t lists[2][NODES];
	struct totem_configuration configuration = {.is_regular = true, .ring = ring_of(members, seq),
		.members = lists[0], .joined = lists[1], .is_safe_honoured = true};

	ring(members, seq);
	configuration.member_count = list(members, lists[0]);
	configuration.joined_count = list(joined, lists[1]);
	evs_configured(&history, lives[node], &configuration);
}

/* node goes from what it was in to `members`, with `with`. */
static void install(uint32_t node, uint64_t members, uint64_t seq, uint64_t with)
{
	transitional(node, members, seq, with, lives[node]->members & ~with);
	regular(node, members, seq, members & ~with);
}

static void install_all(uint64_t seq)
{
	for (uint32_t i = 0; i < NODES; i++)
		install(i, ALL, seq, lives[i]->period_count == 0 ? 0 : ALL);
}

static struct message *send_only(uint32_t node, uint32_t guarantee)
{
	struct message *message = history_message(&history, lives[node], guarantee, 100, false);

	history_sent(&history, message);
	return message;
}

static void receive(struct ring_record *on, uint32_t seq, uint64_t nodes)
{
	uint32_t at;

	ck_assert(history_frame(&history, on, seq, &at));
	for (uint32_t i = 0; i < NODES; i++)
		if ((nodes & BIT(i)) != 0)
			history_received(&history, on, at, i);
}

/* message is all of frame seq, received by `nodes`. */
static void order(struct message *message, struct ring_record *on, uint32_t seq, uint64_t nodes)
{
	receive(on, seq, nodes);
	message->start_ring = on;
	message->is_marked_safe = message->guarantee == TOTEM_SAFE;
	history_ended(&history, message, on, seq - 1);
}

static struct message *send(uint32_t node, struct ring_record *on, uint32_t seq, uint64_t nodes)
{
	struct message *message = send_only(node, TOTEM_AGREED);

	order(message, on, seq, nodes);
	return message;
}

static void deliver(uint64_t nodes, struct message *message)
{
	for (uint32_t i = 0; i < NODES; i++)
		if ((nodes & BIT(i)) != 0)
			evs_delivered(&history, lives[i], message);
}

static void trace(uint32_t node, enum totem_trace_kind kind, enum totem_state state,
	const struct ring_record *on, uint32_t seq, uint64_t value)
{
	struct totem_trace event = {.kind = kind, .state = state, .ring = on->id, .seq = seq,
		.value = value, .node = ids[node]};

	rings_traced(&history, lives[node], &event);
}

/* --------------------------------------------------------------------------------- nothing broken */

START_TEST(sound_history)
{
	install_all(4);
	struct ring_record *on = ring(ALL, 4);
	struct message *first = send(0, on, 1, ALL), *second = send(1, on, 2, ALL);
	struct message *behind = send_only(2, TOTEM_SAFE);

	order(behind, on, 4, ALL & ~4u);
	receive(on, 4, 4);
	deliver(ALL, first);
	deliver(3, second);
	/* 3 is cut off; 1 and 2 go on. Frame 3, of node 3, is lost, frame 4 is dropped behind the hole. */
	install(0, 3, 8, 3);
	install(1, 3, 8, 3);
	deliver(4, second);
	transitional(2, 4, 12, 4, 3);
	deliver(4, behind);
	regular(2, 4, 12, 0);
	expect_nothing();
}
END_TEST

/* ----------------------------------------------------------------------------------- configurations */

START_TEST(c1_regular_alone)
{
	regular(0, 1, 4, 1);
	expect("C1");
}
END_TEST

START_TEST(c1_other_ring)
{
	transitional(0, 1, 4, 0, 0);
	regular(0, 1, 8, 1);
	expect("C1");
}
END_TEST

START_TEST(c1_transitional_twice)
{
	transitional(0, 1, 4, 0, 0);
	transitional(0, 1, 8, 0, 0);
	expect("C1");
}
END_TEST

START_TEST(c2_not_in_it)
{
	transitional(0, 6, 4, 0, 0);
	regular(0, 6, 4, 6);
	expect("C2");
}
END_TEST

START_TEST(c3_two_memberships)
{
	install(0, 3, 4, 0);
	transitional(1, 7, 4, 0, 0);
	regular(1, 7, 4, 7);
	expect("C3");
}
END_TEST

START_TEST(c4_falls)
{
	install(0, 1, 8, 0);
	install(0, 1, 8, 1);
	expect("C4");
}
END_TEST

START_TEST(c5_stranger_comes_along)
{
	install(0, 1, 4, 0);
	transitional(0, 3, 8, 3, 0);
	expect("C5");
}
END_TEST

START_TEST(c5_joined_is_the_rest)
{
	install(0, 1, 4, 0);
	transitional(0, 3, 8, 1, 0);
	regular(0, 3, 8, 3);
	expect("C5");
}
END_TEST

START_TEST(c6_two_pasts)
{
	install(0, 3, 4, 0);
	install(1, 3, 8, 0);
	install(0, 3, 12, 3);
	install(1, 3, 12, 3);
	expect("C6");
}
END_TEST

START_TEST(c7_overlap)
{
	install_all(4);
	install(0, ALL, 8, 5);
	install(1, ALL, 8, 6);
	expect("C7");
}
END_TEST

START_TEST(c8_without_cause)
{
	install_all(4);
	history.is_calm = true;
	install(0, ALL, 8, ALL);
	expect("C8");
}
END_TEST

START_TEST(c9_not_stored)
{
	lives[0]->stored_seq = 8;
	rings_named(&history, lives[0], 8, "a test");
	rings_named(&history, lives[0], 1, "a test");
	expect_nothing();
	rings_named(&history, lives[0], 12, "a test");
	expect("C9");
}
END_TEST

/* --------------------------------------------------------------------------------------- deliveries */

START_TEST(d1_never_sent)
{
	install_all(4);
	deliver(1, history_message(&history, lives[1], TOTEM_AGREED, 100, false));
	expect("D1");
}
END_TEST

START_TEST(d1_other_bytes)
{
	struct message *message = send_only(0, TOTEM_AGREED);
	uint8_t bytes[200];
	struct iovec iov = {bytes, traffic_size(message)};
	const char *what;

	for (int swap = 0; swap < 2; swap++) {
		traffic_write(message, swap != 0, bytes);
		ck_assert_ptr_eq(traffic_find(&history, swap != 0, &iov, 1, &what), message);
		ck_assert_ptr_eq(traffic_find(&history, swap == 0, &iov, 1, &what), NULL);
		bytes[60] ^= 1;
		ck_assert_ptr_eq(traffic_find(&history, swap != 0, &iov, 1, &what), NULL);
		bytes[60] ^= 1;
		iov.iov_len--;
		ck_assert_ptr_eq(traffic_find(&history, swap != 0, &iov, 1, &what), NULL);
		iov.iov_len++;
	}
	evs_delivered_nonsense(&history, lives[0], 1, what);
	expect("D1");
}
END_TEST

START_TEST(d2_twice)
{
	install_all(4);
	struct message *message = send(0, ring(ALL, 4), 1, ALL);

	deliver(2, message);
	deliver(2, message);
	expect("D2");
}
END_TEST

START_TEST(d3_source_order)
{
	install_all(4);
	struct message *first = send_only(0, TOTEM_AGREED), *second = send_only(0, TOTEM_AGREED);

	order(second, ring(ALL, 4), 1, ALL);
	order(first, ring(ALL, 4), 2, ALL);
	deliver(2, second);
	deliver(2, first);
	expect("D3");
}
END_TEST

START_TEST(d4_other_order)
{
	install_all(4);
	struct message *first = send(0, ring(ALL, 4), 1, ALL), *second = send(1, ring(ALL, 4), 2, ALL);

	first->is_murky = true; /* else D6 speaks first */
	deliver(4, second);
	deliver(4, first);
	expect("D4");
}
END_TEST

START_TEST(d4_other_configuration)
{
	install_all(4);
	struct message *message = send(0, ring(ALL, 4), 1, ALL);

	message->is_murky = true;
	install(1, 2, 8, 2);
	deliver(2, message);
	expect("D4");
}
END_TEST

START_TEST(d5_cause_missing)
{
	install_all(4);
	struct message *cause = send(0, ring(ALL, 4), 1, ALL);

	deliver(2, cause);
	struct message *effect = send(1, ring(ALL, 4), 2, ALL);

	cause->delivered &= ~UINT64_C(4);
	lives[2]->cursor = 1; /* so that D6 has nothing to say */
	deliver(4, effect);
	expect("D5");
}
END_TEST

START_TEST(d6_gap)
{
	install_all(4);
	send(0, ring(ALL, 4), 1, ALL);
	deliver(2, send(1, ring(ALL, 4), 2, ALL));
	expect("D6");
}
END_TEST

START_TEST(d7_own_is_missing)
{
	install_all(4);
	send(0, ring(ALL, 4), 1, 1);
	install(0, 1, 8, 1);
	expect("D7");
}
END_TEST

START_TEST(d7_companions_is_skipped)
{
	install_all(4);
	send(1, ring(ALL, 4), 1, 3);
	struct message *later = send(1, ring(ALL, 4), 2, 3);

	transitional(0, 3, 8, 3, 4);
	deliver(1, later);
	expect("D7");
}
END_TEST

START_TEST(d8_one_more)
{
	install_all(4);
	struct message *message = send(2, ring(ALL, 4), 1, ALL);

	deliver(1, message);
	install(0, 3, 8, 3);
	expect_nothing();
	install(1, 3, 8, 3);
	expect("D8");
}
END_TEST

/* The reference frees frames too early, and cannot pass them on then; a peer of ours must. */
START_TEST(d8_excused_when_the_reference_freed_early)
{
	install_all(4);
	struct message *message = send(2, ring(ALL, 4), 1, ALL & ~BIT(0));

	lives[1]->is_reference = true;
	deliver(1, message);
	trace(1, TOTEM_TRACE_FREED, TOTEM_OPERATIONAL, ring(ALL, 4), 1, 0);
	install(0, 3, 8, 3);
	install(1, 3, 8, 3);
	expect_nothing();
}
END_TEST

START_TEST(d8_without_a_frame_freed_early)
{
	install_all(4);
	struct message *message = send(2, ring(ALL, 4), 1, ALL);

	lives[1]->is_reference = true;
	deliver(1, message);
	install(0, 3, 8, 3);
	install(1, 3, 8, 3);
	expect("D8");
}
END_TEST

START_TEST(d8_in_the_other_period)
{
	install_all(4);
	struct message *message = send(2, ring(ALL, 4), 1, ALL);

	deliver(1, message);
	install(0, 3, 8, 3);
	transitional(1, 3, 8, 3, 4);
	deliver(2, message);
	regular(1, 3, 8, 0);
	expect("D8");
}
END_TEST

START_TEST(d9_behind_a_hole)
{
	install_all(4);
	receive(ring(ALL, 4), 1, 4);
	struct message *message = send(2, ring(ALL, 4), 2, ALL);

	transitional(0, 3, 8, 3, 4);
	deliver(1, message);
	expect("D9");
}
END_TEST

START_TEST(d10_somebody_lacks_it)
{
	install_all(4);
	struct message *message = send_only(0, TOTEM_SAFE);

	order(message, ring(ALL, 4), 1, 3);
	deliver(1, message);
	expect("D10");
}
END_TEST

START_TEST(d10_somebody_left_without)
{
	install_all(4);
	struct message *message = send_only(0, TOTEM_SAFE);

	order(message, ring(ALL, 4), 1, ALL);
	deliver(1, message);
	install(2, 4, 8, 4);
	expect("D10");
}
END_TEST

START_TEST(d10_too_late)
{
	install_all(4);
	struct message *message = send_only(0, TOTEM_SAFE);

	order(message, ring(ALL, 4), 1, ALL);
	install(2, 4, 8, 4);
	expect_nothing();
	deliver(1, message);
	expect("D10");
}
END_TEST

START_TEST(d11_a_companion_lacks_it)
{
	install_all(4);
	struct message *message = send_only(0, TOTEM_SAFE);

	order(message, ring(ALL, 4), 1, 1);
	transitional(0, 3, 8, 3, 4);
	deliver(1, message);
	expect("D11");
}
END_TEST

START_TEST(d12_part_was_missed)
{
	install(0, 3, 4, 0);
	install(1, 3, 4, 0);
	install(2, 4, 4, 0);
	struct message *message = send_only(0, TOTEM_AGREED);

	message->start_ring = ring(3, 4);
	for (uint32_t i = 0; i < NODES; i++)
		install(i, ALL, 8, i == 2 ? 4 : 3);
	receive(ring(ALL, 8), 1, ALL);
	history_ended(&history, message, ring(ALL, 8), 0);
	deliver(3, message);
	expect_nothing();
	deliver(4, message);
	expect("D12");
}
END_TEST

/* ---------------------------------------------------------------------------------- inside a ring */

START_TEST(i1_order_of_marks)
{
	static const struct totem_probe probes[] = {
		{.released = 5, .high_delivered = 4, .aru = 6, .high_seq = 6, .ring_seq_high = 4},
		{.released = 3, .high_delivered = 7, .aru = 6, .high_seq = 7, .ring_seq_high = 4},
		{.released = 3, .high_delivered = 4, .aru = 6, .high_seq = 5, .ring_seq_high = 4},
	};

	rings_probed(&history, lives[0], TOTEM_OPERATIONAL, &(struct ring_id){1, 4}, &probes[_i]);
	expect("I1");
}
END_TEST

START_TEST(i2_freed_early)
{
	install_all(4);
	receive(ring(ALL, 4), 1, 3);
	trace(0, TOTEM_TRACE_FREED, TOTEM_OPERATIONAL, ring(ALL, 4), 1, 0);
	expect("I2");
}
END_TEST

START_TEST(i3_two_frames_in_one_place)
{
	struct ring_record *on = ring(ALL, 4);
	uint32_t at;

	on->installed = ALL;
	ck_assert(history_frame(&history, on, 1, &at));
	ck_assert(rings_frame_sent(&history, lives[0], on, at, 0, 77, true));
	ck_assert(!rings_frame_sent(&history, lives[1], on, at, 0, 77, true));
	expect_nothing();
	rings_frame_sent(&history, lives[1], on, at, 1, 78, true);
	expect("I3");
}
END_TEST

START_TEST(i3_token_accepted_twice)
{
	struct ring_record *on = ring(ALL, 4);

	trace(0, TOTEM_TRACE_TOKEN, TOTEM_OPERATIONAL, on, 0, 0);
	trace(1, TOTEM_TRACE_TOKEN, TOTEM_OPERATIONAL, on, 1, 0);
	expect_nothing();
	trace(2, TOTEM_TRACE_TOKEN, TOTEM_OPERATIONAL, on, 1, 0);
	expect("I3");
}
END_TEST

START_TEST(i4_two_arus_prove_nothing)
{
	struct ring_record *on = ring(ALL, 4);

	receive(on, 1, 3);
	trace(0, TOTEM_TRACE_TOKEN, TOTEM_OPERATIONAL, on, 0, 1);
	expect_nothing();
	trace(0, TOTEM_TRACE_TOKEN, TOTEM_OPERATIONAL, on, 1, 1);
	expect("I4");
}
END_TEST

START_TEST(i5_aru_above_seq)
{
	struct wire_token token = {.seq = 3, .aru = 4};

	rings_token_sent(&history, lives[0], ring(ALL, 4), &token, 1, 50);
	expect("I5");
}
END_TEST

START_TEST(i6_sums)
{
	rings_summed(&history, lives[0], ring(ALL, 4), 5, 5, 7, 7);
	expect_nothing();
	rings_summed(&history, lives[0], ring(ALL, 4), 5, 5, 7, 6);
	expect("I6");
}
END_TEST

START_TEST(i7_too_many)
{
	struct wire_token token = {.seq = 3, .aru = 3, .fcc = 51};

	if (_i == 0)
		rings_visited(&history, lives[0], 18, 17);
	else
		rings_token_sent(&history, lives[0], ring(ALL, 4), &token, 1, 50);
	expect("I7");
}
END_TEST

START_TEST(i8_recovery)
{
	struct ring_record *on = ring(ALL, 4);
	uint32_t at;

	switch (_i) {
	case 0:
		rings_recovered(&history, lives[0], on, 1);
		break;
	case 1: /* a member lacks the last recovery frame */
		receive(on, 1, 3);
		trace(0, TOTEM_TRACE_INSTALLED, TOTEM_RECOVERY, on, 0, 1);
		break;
	case 2: /* two ends of the recovery */
		receive(on, 1, ALL);
		trace(0, TOTEM_TRACE_INSTALLED, TOTEM_RECOVERY, on, 0, 1);
		trace(1, TOTEM_TRACE_INSTALLED, TOTEM_RECOVERY, on, 0, 0);
		break;
	case 3: /* messages before all have installed */
		on->installed = 3;
		ck_assert(history_frame(&history, on, 1, &at));
		rings_frame_sent(&history, lives[0], on, at, 0, 1, true);
		break;
	}
	expect("I8");
}
END_TEST

START_TEST(i9_other_contents)
{
	struct wire_token token = {.seq = 3, .aru = 3, .token_seq = 9};

	rings_token_sent(&history, lives[0], ring(ALL, 4), &token, 1, 50);
	rings_token_sent(&history, lives[0], ring(ALL, 4), &token, 1, 50);
	expect_nothing();
	rings_token_sent(&history, lives[0], ring(ALL, 4), &token, 2, 50);
	expect("I9");
}
END_TEST

START_TEST(i10_not_full)
{
	struct ring_record *on = ring(ALL, 4);

	on->commit_index = 2;
	trace(0, TOTEM_TRACE_STATE, TOTEM_COMMIT, on, 0, TOTEM_RECOVERY);
	expect("I10");
}
END_TEST

START_TEST(i10_entry_changes)
{
	struct ring_record *on = ring(ALL, 4);
	struct wire_commit_entry entries[NODES] = {{.ring = {1, 1}, .aru = 5}};
	struct wire_commit_token head = {.nodeid = 1, .ring = on->id, .memb_index = 1, .count = NODES};
	struct wire_commit_token commit;
	uint8_t bytes[500];

	for (uint32_t aru = 5; aru < 7; aru++) {
		entries[0].aru = aru;
		size_t size = wire_encode_commit_token(&head, ids, entries, NULL, 0, false, bytes,
			sizeof(bytes));

		ck_assert_int_eq(wire_decode_commit_token(bytes, size, &commit), WIRE_OK);
		rings_commit_sent(&history, lives[aru - 5], on, &commit);
	}
	expect("I10");
}
END_TEST

START_TEST(i10_not_wanted)
{
	lives[1]->wanted = 3; /* 1 and 2 */
	trace(1, TOTEM_TRACE_STATE, TOTEM_GATHER, ring(ALL, 4), 0, TOTEM_COMMIT);
	expect("I10");
}
END_TEST

START_TEST(d10_honoured_with_a_plain_member)
{
	ring(1, 4)->is_plain = true;
	install(0, 1, 4, 0);
	expect("D10");
}
END_TEST

START_TEST(d10_honoured_with_a_plain_member_that_is_down)
{
	history_end(&history, lives[1]);
	lives[1] = history_start(&history, 1, true, true, 0);
	history_end(&history, lives[1]);
	install(0, 3, 4, 0);
	expect("D10");
}
END_TEST

START_TEST(i11_falls)
{
	struct totem_probe probe = {.ring_seq_high = 8, .old_ring = {1, 4}};

	rings_probed(&history, lives[0], TOTEM_GATHER, &(struct ring_id){1, 8}, &probe);
	expect_nothing();
	rings_probed(&history, lives[0], TOTEM_GATHER, &(struct ring_id){1, 4}, &probe);
	expect("I11");
}
END_TEST

START_TEST(i12_store_grows)
{
	struct totem_probe probe = {.store_count = 16385, .ring_seq_high = 4};

	rings_probed(&history, lives[0], TOTEM_GATHER, &(struct ring_id){1, 4}, &probe);
	expect("I12");
}
END_TEST

START_TEST(i13_timers)
{
	static const struct {
		enum totem_state state;
		uint32_t armed;
	} cases[] = {
		{TOTEM_OPERATIONAL, 1u << TOTEM_TIMER_TOKEN | 1u << TOTEM_TIMER_JOIN},
		{TOTEM_OPERATIONAL, 0},
		{TOTEM_GATHER, 0},
		{TOTEM_COMMIT, 1u << TOTEM_TIMER_TOKEN},
		{TOTEM_RECOVERY, 1u << TOTEM_TIMER_TOKEN | 1u << TOTEM_TIMER_RETRANSMIT |
			1u << TOTEM_TIMER_CONSENSUS},
	};

	rings_timers(&history, lives[0], cases[_i].state, cases[_i].armed);
	expect("I13");
}
END_TEST

/* ----------------------------------------------------------------------------------- on the wire */

static struct tap tapped(uint32_t node, const uint8_t *bytes, size_t size)
{
	struct tap tap;

	tap_packet(&history, lives[node], false, 50, 0, bytes, size, &tap);
	return tap;
}

/* A frame of one packet with one message, whole. */
static size_t frame_of(const struct message *message, uint32_t seq, uint8_t *out)
{
	struct wire_mcast mcast = {.nodeid = ids[message->life->node], .seq = seq,
		.system_from = ids[message->life->node], .ring = ring(ALL, 4)->id, .encapsulated = 2};
	size_t size = wire_encode_mcast_header(&mcast, false, out, 200);

	wire_encode_packet_header(0, 0, 1, false, out + size);
	wire_encode_u16((uint16_t)traffic_size(message), false, out + size + 8);
	traffic_write(message, false, out + size + 10);
	return size + 10 + traffic_size(message);
}

START_TEST(wire_frames)
{
	struct message *message = send_only(0, TOTEM_AGREED);
	uint8_t bytes[300];
	size_t size = frame_of(message, 1, bytes);

	ring(ALL, 4)->installed = ALL;
	lives[0]->stored_seq = lives[1]->stored_seq = 4;
	switch (_i) {
	case 0:
		ck_assert(tapped(0, bytes, size).is_new);
		expect_nothing();
		ck_assert_ptr_eq(message->end_ring, ring(ALL, 4));
		return;
	case 1: /* the wrong bytes */
		bytes[100] ^= 1;
		tapped(0, bytes, size);
		expect("W2");
		return;
	case 2: /* the packet says more than is there */
		tapped(0, bytes, size - 1);
		expect("W1");
		return;
	case 3: /* a safe message as an agreed one */
		message->guarantee = TOTEM_SAFE;
		message->is_honoured = lives[0]->is_honoured = true;
		tapped(0, bytes, size);
		expect("D10");
		return;
	case 4: /* in another's name */
		tapped(1, bytes, size);
		expect("I3");
		return;
	}
}
END_TEST

/* ---------------------------------------------------------------------------------------- liveness */

static struct sim *small_sim(void)
{
	struct sim_options options = {.seed = 1, .nodes = 3};

	return sim_create(&options);
}

static void expect_of(struct sim *sim, const char *property)
{
	ck_assert_msg(sim->report.is_broken && strcmp(sim->report.property, property) == 0,
		"%s should be broken, is: %s %s", property, sim->report.property, sim->report.text);
	sim_destroy(sim);
}

START_TEST(l1_cut_for_ever)
{
	struct sim *sim = small_sim();

	sim_start(sim);
	sim_partition(sim, "0 1 | 2");
	sim_run_for(sim, MS(100));
	liveness_one_ring(sim);
	expect_of(sim, "L1");
}
END_TEST

START_TEST(l2_l3_bounds)
{
	struct sim *sim = small_sim();

	if (_i == 0)
		liveness_judge_rotations(sim, 11, 10);
	else
		liveness_judge_packets(sim, 11, 10);
	expect_of(sim, _i == 0 ? "L2" : "L3");
}
END_TEST

START_TEST(l4_leave_is_lost)
{
	struct sim *sim = small_sim();

	sim_start(sim);
	ck_assert(liveness_one_ring(sim));
	sim->net.loss = 10000;
	liveness_leave(sim);
	expect_of(sim, "L4");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim checks");
	TCase *tcase = tcase_create("checks");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, sound_history);
	tcase_add_test(tcase, c1_regular_alone);
	tcase_add_test(tcase, c1_other_ring);
	tcase_add_test(tcase, c1_transitional_twice);
	tcase_add_test(tcase, c2_not_in_it);
	tcase_add_test(tcase, c3_two_memberships);
	tcase_add_test(tcase, c4_falls);
	tcase_add_test(tcase, c5_stranger_comes_along);
	tcase_add_test(tcase, c5_joined_is_the_rest);
	tcase_add_test(tcase, c6_two_pasts);
	tcase_add_test(tcase, c7_overlap);
	tcase_add_test(tcase, c8_without_cause);
	tcase_add_test(tcase, c9_not_stored);
	tcase_add_test(tcase, d1_never_sent);
	tcase_add_test(tcase, d1_other_bytes);
	tcase_add_test(tcase, d2_twice);
	tcase_add_test(tcase, d3_source_order);
	tcase_add_test(tcase, d4_other_order);
	tcase_add_test(tcase, d4_other_configuration);
	tcase_add_test(tcase, d5_cause_missing);
	tcase_add_test(tcase, d6_gap);
	tcase_add_test(tcase, d7_own_is_missing);
	tcase_add_test(tcase, d7_companions_is_skipped);
	tcase_add_test(tcase, d8_one_more);
	tcase_add_test(tcase, d8_excused_when_the_reference_freed_early);
	tcase_add_test(tcase, d8_without_a_frame_freed_early);
	tcase_add_test(tcase, d8_in_the_other_period);
	tcase_add_test(tcase, d9_behind_a_hole);
	tcase_add_test(tcase, d10_somebody_lacks_it);
	tcase_add_test(tcase, d10_somebody_left_without);
	tcase_add_test(tcase, d10_too_late);
	tcase_add_test(tcase, d11_a_companion_lacks_it);
	tcase_add_test(tcase, d12_part_was_missed);
	tcase_add_loop_test(tcase, i1_order_of_marks, 0, 3);
	tcase_add_test(tcase, i2_freed_early);
	tcase_add_test(tcase, i3_two_frames_in_one_place);
	tcase_add_test(tcase, i3_token_accepted_twice);
	tcase_add_test(tcase, i4_two_arus_prove_nothing);
	tcase_add_test(tcase, i5_aru_above_seq);
	tcase_add_test(tcase, i6_sums);
	tcase_add_loop_test(tcase, i7_too_many, 0, 2);
	tcase_add_loop_test(tcase, i8_recovery, 0, 4);
	tcase_add_test(tcase, i9_other_contents);
	tcase_add_test(tcase, i10_not_full);
	tcase_add_test(tcase, i10_entry_changes);
	tcase_add_test(tcase, i10_not_wanted);
	tcase_add_test(tcase, d10_honoured_with_a_plain_member);
	tcase_add_test(tcase, d10_honoured_with_a_plain_member_that_is_down);
	tcase_add_test(tcase, i11_falls);
	tcase_add_test(tcase, i12_store_grows);
	tcase_add_loop_test(tcase, i13_timers, 0, 5);
	tcase_add_loop_test(tcase, wire_frames, 0, 5);
	tcase_add_test(tcase, l1_cut_for_ever);
	tcase_add_loop_test(tcase, l2_l3_bounds, 0, 2);
	tcase_add_test(tcase, l4_leave_is_lost);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);

	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

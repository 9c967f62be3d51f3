/* SPDX-License-Identifier: BSD-3-Clause */
/* The window: its limits, how it adapts, and how members share it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "exec/totem/window.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

#define TARGET_NS UINT64_C(300000)

static struct window window;

/* End a rotation of a ring whose configured window is 50. */
static uint32_t rotate(uint32_t sent, uint32_t resent, uint64_t shortest_ns, uint64_t now_ns)
{
	const struct window_rotation rotation = {.now_ns = now_ns,
		.shortest_ns = shortest_ns,
		.target_ns = TARGET_NS,
		.sent = sent,
		.resent = resent,
		.floor = 50};

	return window_steer(&window, &rotation);
}

START_TEST(the_smallest_socket_bounds_it)
{
	static const struct {
		uint32_t capacity, members, rotations, max, floor;
	} rows[] = {
		{0, 3, 1, 0, 0},
		{1, 3, 1, 1, 1},
		{36, 3, 1, 1, 1},
		{40, 3, 1, 4, 4},
		{184, 3, 1, 133, 50}, /* capacity with the kernel's default rmem_max */
		{184, 100, 1, 65, 50},
		{3640, 3, 1, 3244, 50},
		{7281, 3, 1, 4096, 50},
		{UINT32_MAX, 384, 1, 4096, 50},
		{3640, 3, 2, 1622, 50},
		{3640, 100, 2, 1538, 50},
		{36, 3, 2, 1, 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		window_begin(&window, rows[i].capacity, rows[i].members, rows[i].rotations);
		ck_assert_msg(window.max == rows[i].max, "row %zu: %u", i, window.max);
		ck_assert_uint_eq(window_floor(&window, 50), rows[i].floor);
	}
}
END_TEST

START_TEST(it_grows_while_it_is_used_and_rotations_are_short)
{
	uint32_t size;

	window_begin(&window, 400, 3, 1);
	size = rotate(0, 0, 0, 1);
	ck_assert_uint_eq(size, 50);
	ck_assert_uint_eq(rotate(50, 0, 0, 1), 50); /* no rotation was measured yet */
	ck_assert_uint_eq(rotate(37, 0, 100000, 1), 50);
	ck_assert_uint_eq(rotate(38, 0, 100000, 1), 54);
	ck_assert_uint_eq(rotate(54, 0, TARGET_NS, 1), 58);
	ck_assert_uint_eq(rotate(58, 0, TARGET_NS + 1, 1), 58);
	ck_assert_uint_eq(rotate(58, 0, TARGET_NS * 5 / 4, 1), 58);
	ck_assert_uint_eq(rotate(58, 0, TARGET_NS * 5 / 4 + 1, 1), 51);
	ck_assert_uint_eq(rotate(58, 0, TARGET_NS * 2, 1), 50);
	for (int i = 0; i < 100; i++)
		size = rotate(4096, 0, 100000, 1);
	ck_assert_uint_eq(size, 328);
}
END_TEST

/*
 * With three senders a rotation may take longer than with one, since each visit needs enough frames to be worth its
 * cost.
 */
START_TEST(more_senders_may_take_longer)
{
	static const struct {
		uint32_t senders;
		uint64_t shortest_ns;
		bool grows;
	} rows[] = {
		{0, TARGET_NS, true},
		{0, TARGET_NS + 1, false},
		{1, TARGET_NS + 1, false},
		{2, TARGET_NS + 350000, true},
		{2, TARGET_NS + 350001, false},
		{5, TARGET_NS + 1400000, true},
		{5, TARGET_NS + 1400001, false},
		{32, TARGET_NS + 1400000, true},
		{32, TARGET_NS + 1400001, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct window_rotation rotation = {.now_ns = 1,
			.shortest_ns = rows[i].shortest_ns,
			.target_ns = TARGET_NS,
			.senders = rows[i].senders,
			.sent = 50,
			.floor = 50};

		window_begin(&window, 400, 3, 1);
		window.size = 50;
		ck_assert_msg((window_steer(&window, &rotation) > 50) == rows[i].grows, "row %zu", i);
	}
}
END_TEST

/*
 * Play rotations of a ring whose members are far apart: `count` rotations, in which a frame takes 100 us, plus way_ns
 * for the path.
 */
static void rotate_far(uint32_t count, uint64_t way_ns)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t sent = window.size > 50 ? window.size : 50;
		uint64_t took_ns = way_ns + sent * UINT64_C(100000);
		const struct window_rotation rotation = {.now_ns = 1,
			.last_ns = took_ns,
			.shortest_ns = took_ns,
			.target_ns = TARGET_NS,
			.senders = 1,
			.sent = sent,
			.floor = 50};

		window_steer(&window, &rotation);
	}
}

static void rotate_idle(uint64_t took_ns)
{
	const struct window_rotation rotation = {.now_ns = 1,
		.last_ns = took_ns,
		.shortest_ns = took_ns,
		.target_ns = TARGET_NS,
		.sent = 2,
		.floor = 50};

	window_steer(&window, &rotation);
}

/* On a long path the window grows until the frames take as long to send as an idle rotation takes. */
START_TEST(a_long_way_makes_a_large_window)
{
	static const struct {
		uint64_t idle_ns, way_ns;
		uint32_t least, most;
	} rows[] = {
		{100000, 100000, 50, 50}, /* local network: the window is limited by the target time of a rotation */
		{999999, 100000, 50, 50},
		{150 * MS, 150 * MS, 1400, 1900}, /* three nodes, 50 ms from each other */
		{0, 150 * MS, 1400, 2000},        /* no idle rotation since the ring was formed */
		{20 * MS, 20 * MS, 180, 250},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		window_begin(&window, 60000, 3, 1);
		rotate_idle(rows[i].idle_ns);
		rotate_far(200, rows[i].way_ns);
		ck_assert_msg(
			window.size >= rows[i].least && window.size <= rows[i].most, "row %zu: %u", i, window.size);
	}
}
END_TEST

/*
 * One slow rotation among fast ones does not raise idle_ns. Many slow rotations do, since the path has become longer.
 */
START_TEST(the_idle_rotation_is_the_shortest_for_a_while)
{
	window_begin(&window, 60000, 3, 1);
	rotate_idle(5 * MS);
	rotate_idle(MS / 10);
	ck_assert_uint_eq(window.idle_ns, MS / 10);
	rotate_idle(5 * MS);
	ck_assert_uint_lt(window.idle_ns, MS / 5);
	for (int i = 0; i < 500; i++)
		rotate_idle(5 * MS);
	ck_assert_uint_gt(window.idle_ns, 4 * MS);
	rotate_far(1, 50 * MS); /* a rotation with many frames does not change idle_ns */
	ck_assert_uint_le(window.idle_ns, 5 * MS);
}
END_TEST

START_TEST(it_falls_back_when_it_is_not_used_for_long)
{
	window_begin(&window, 4000, 3, 1);
	for (int i = 0; i < 40; i++)
		rotate(4096, 0, 100000, 1);

	uint32_t size = window.size;

	ck_assert_uint_gt(size, 400);
	for (int i = 0; i < 999; i++)
		ck_assert_uint_eq(rotate(80, 0, 100000, 1), size);
	ck_assert_uint_eq(rotate(80, 0, 100000, 1), 160);
}
END_TEST

/* If losses end when the window is halved, too many frames have caused them, and the window stays small. */
START_TEST(losses_that_a_cut_ends_keep_it_cut)
{
	window_begin(&window, 4000, 3, 1);
	for (int i = 0; i < 40; i++)
		rotate(4096, 0, 100000, 1);

	uint32_t size = window.size;

	ck_assert_uint_ge(rotate(size, 3, 100000, 1), size); /* one rotation with losses has no effect yet */
	size = window.size;
	ck_assert_uint_eq(rotate(size, 3, 100000, 1), size / 2);
	for (int i = 0; i < 63; i++)
		ck_assert_uint_eq(rotate(size / 2, 0, 100000, 1), size / 2);
	ck_assert_uint_eq(rotate(size / 2, 0, 100000, 1), size / 2);
	ck_assert_uint_gt(rotate(size / 2, 0, 100000, 1), size / 2);
}
END_TEST

/* A trial in which no frame was sent shows no loss, so the window stays small. */
START_TEST(a_cut_after_which_nothing_is_sent_stays)
{
	window_begin(&window, 4000, 3, 1);
	window.size = 400;
	rotate(400, 3, 100000, 1);
	rotate(400, 3, 100000, 1);

	uint32_t size = window.size;

	ck_assert(window.is_trial);
	for (int i = 0; i < 64; i++)
		rotate(0, 0, 100000, 1);
	ck_assert(!window.is_trial);
	ck_assert_uint_eq(window.size, size);
}
END_TEST

/*
 * If losses go on with a halved window, they are the network's own. Then the window grows back, and losses have no
 * effect for a while.
 */
START_TEST(losses_that_go_on_restore_it)
{
	uint64_t now_ns = 1;
	uint32_t size;

	window_begin(&window, 4000, 3, 1);
	for (int i = 0; i < 20; i++)
		rotate(4096, 0, 100000, now_ns);
	rotate(window.size, window.size / 20, 100000, now_ns);
	size = window.size;
	rotate(size, size / 20, 100000, now_ns);
	ck_assert_uint_eq(window.size, size / 2);
	for (int i = 0; i < 64; i++)
		rotate(size / 2, size / 40, 100000, now_ns);
	ck_assert_uint_eq(window.size, size);
	for (int i = 0; i < 100; i++)
		rotate(window.size, window.size / 20, 100000, now_ns);
	ck_assert_uint_eq(window.size, 3568);
	now_ns += UINT64_C(10000000001);
	rotate(window.size, 100, 100000, now_ns);
	rotate(window.size, 100, 100000, now_ns);
	ck_assert_uint_eq(window.size, 3568 / 2);
}
END_TEST

/*
 * A halved window may be below the configured size during the trial. Otherwise random loss would keep the window at
 * that size.
 */
START_TEST(random_loss_does_not_keep_it_small)
{
	window_begin(&window, 4000, 3, 1);
	for (int i = 0; i < 200; i++)
		rotate(window.size, window.size / 10, 100000, 1);
	ck_assert_uint_gt(window.size, 1000);
}
END_TEST

static uint32_t sent_by(uint32_t id) { return (uint32_t)totem_engine_counters(node_of(id)->engine)->mcast_tx; }

/* Let only one node send, for 40 rotations. @return the number of its frames */
static uint32_t frames_of_a_lone_sender(uint32_t id)
{
	static char text[1300];

	for (uint32_t i = 0; i < 2900; i++) {
		struct iovec iov = {text, sizeof(text)};

		ck_assert_int_eq(totem_engine_send(node_of(id)->engine, net->now_ns, TOTEM_AGREED, &iov, 1), 0);
	}

	uint32_t before = sent_by(id), visits = node_of(id)->visits;

	while (node_of(id)->visits < visits + 40)
		ck_assert(net_step(net, UINT64_MAX));
	return sent_by(id) - before;
}

static uint64_t target_ns = 100 * MS;

static void start_with(uint32_t first, uint32_t second, uint32_t third)
{
	const uint32_t capacities[] = {first, second, third};

	net->visit_frames_max = 4096;
	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++) {
		options.capacity = capacities[id - 1];
		options.rotation_target_ns = target_ns;
		node_start(id);
	}
	run_until_ring(3, 10000);
	run_for(50);
	clear_logs();
}

START_TEST(a_lone_sender_has_all_of_it)
{
	options.window_size = options.max_messages = net->visit_frames_max = 40;
	start_ring(3);
	ck_assert_uint_ge(frames_of_a_lone_sender(2), 38 * 40);
}
END_TEST

START_TEST(known_sockets_let_it_grow)
{
	start_with(1000, 2000, 3000);
	ck_assert_uint_ge(frames_of_a_lone_sender(3), 38 * 60);
}
END_TEST

/* If one node does not know its own capacity, or has no extensions, all nodes use the configured window. */
START_TEST(one_who_does_not_tell_fixes_it)
{
	start_with(_i == 0 ? 0 : 1000, _i == 1 ? 0 : 2000, _i == 2 ? 0 : 3000);
	ck_assert_uint_le(frames_of_a_lone_sender(1), 41 * 17);
}
END_TEST

START_TEST(a_small_socket_keeps_it_below_what_is_configured)
{
	start_with(1000, 40, 3000);
	/* The window is 4 frames for all members together. In addition each member may send one frame in a rotation. */
	ck_assert_uint_le(frames_of_a_lone_sender(1), 41 * 5);
	ck_assert_uint_ge(sent_by(1), 38 * 4);
}
END_TEST

static void queue_frames(uint32_t id, uint32_t count)
{
	static char text[1300];
	struct iovec iov = {text, sizeof(text)};

	for (uint32_t i = 0; i < count; i++)
		ck_assert_int_eq(totem_engine_send(node_of(id)->engine, net->now_ns, TOTEM_AGREED, &iov, 1), 0);
}

static uint32_t wanted_by(uint32_t id)
{
	struct totem_queue queue;

	totem_engine_queue(node_of(id)->engine, &queue);
	return queue.wanted;
}

static uint32_t window_of(uint32_t id)
{
	struct totem_probe probe;

	totem_engine_probe(node_of(id)->engine, &probe);
	return probe.window;
}

static void run_for_rotations(uint32_t count)
{
	uint32_t visits = node_of(1)->visits;

	while (node_of(1)->visits < visits + count)
		ck_assert(net_step(net, UINT64_MAX));
	clear_logs();
}

/*
 * A lone sender may have more frames in its queue than a rotation carries. With several senders each has between half a
 * rotation's share and a whole one in its queue.
 */
START_TEST(what_waits_is_little_where_others_send)
{
	struct totem_queue queue;

	start_with(200, 200, 200);
	totem_engine_queue(node_of(2)->engine, &queue);
	queue_frames(2, 2000);
	run_for_rotations(3);
	ck_assert_uint_eq(wanted_by(2), queue.total / 8);
	queue_frames(3, 1000);
	queue_frames(1, 1000);
	run_for_rotations(3);
	for (uint32_t id = 1; id <= 3; id++) {
		ck_assert_uint_ge(wanted_by(id), window_of(id) / 2);
		ck_assert_uint_le(wanted_by(id), window_of(id));
	}
	run_for_rotations(200);
	totem_engine_queue(node_of(2)->engine, &queue);
	ck_assert_uint_eq(queue.used, 0);
	ck_assert_uint_eq(queue.wanted, queue.total / 8);
}
END_TEST

/* A rotation takes 300 us here. That is more than the target with one sender, and less than the target with three. */
START_TEST(senders_are_counted)
{
	target_ns = 100000;
	start_with(200, 200, 200);
	queue_frames(2, 1500);
	run_for_rotations(20);
	ck_assert_uint_eq(window_of(1), 50);
	queue_frames(1, 500);
	queue_frames(3, 500);
	run_for_rotations(10);
	ck_assert_uint_gt(window_of(1), 60);
	run_for_rotations(50);
	queue_frames(2, 2500);
	run_for_rotations(20);
	ck_assert_uint_eq(window_of(1), 50);
}
END_TEST

/* Two nodes whose queues are full get the same share of a rotation, even if one began later. */
START_TEST(who_begins_later_gets_as_much)
{
	uint32_t first = 0, second = 0;

	start_with(200, 200, 200);
	for (int i = 0; i < 200; i++) {
		for (uint32_t id = 2; id <= (i < 50 ? 2u : 3u); id++) {
			struct totem_queue queue;

			totem_engine_queue(node_of(id)->engine, &queue);
			if (queue.used < queue.wanted)
				queue_frames(id, queue.wanted - queue.used);
		}
		if (i == 150) {
			first = sent_by(2);
			second = sent_by(3);
		}
		run_for_rotations(1);
	}
	first = sent_by(2) - first;
	second = sent_by(3) - second;
	ck_assert_uint_gt(first, 100);
	ck_assert_msg(second * 10 >= first * 8 && first * 10 >= second * 8, "%u and %u", first, second);
}
END_TEST

/* Three nodes, 50 ms from each other, must use half of a link of 100 Mbit/s. An earlier version sent 0.5 MB/s. */
START_TEST(nodes_far_apart_send_six_megabytes_a_second)
{
	uint32_t frames = 0;
	uint64_t from_ns;

	net->delay_ns = 50 * MS;
	target_ns = TOTEM_ROTATION_NS(3);
	options.token_ns = 3000 * MS;
	options.token_retransmit_ns = 700 * MS;
	options.consensus_ns = 3600 * MS;
	options.capacity = 16000;
	net->visit_frames_max = 4096;
	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++) {
		options.rotation_target_ns = target_ns;
		node_start(id);
	}
	run_until_ring(3, 10000);
	run_for(2000);
	from_ns = net->now_ns;
	for (int i = 0; i < 70; i++) {
		if (i == 60) { /* by now the window has grown, so measuring begins */
			from_ns = net->now_ns;
			frames = sent_by(1) + sent_by(2) + sent_by(3);
		}
		for (uint32_t id = 1; id <= 3; id++) {
			struct totem_queue queue;

			totem_engine_queue(node_of(id)->engine, &queue);
			if (queue.used < queue.wanted)
				queue_frames(id, queue.wanted - queue.used);
		}
		run_for_rotations(1);
	}
	frames = sent_by(1) + sent_by(2) + sent_by(3) - frames;
	ck_assert_uint_ge((uint64_t)frames * 1300 * 1000 / ((net->now_ns - from_ns) / MS), 6000000);
}
END_TEST

/* Change tokens so that they announce a larger window. The sockets' capacity must limit it. */
static bool ask_for_more(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_token token;

	(void)n, (void)from;
	if (header->type == WIRE_TOKEN && to == 2 && wire_decode_token(frame->data, frame->size, &token) == WIRE_OK &&
		token.window != 0) {
		token.window = UINT32_MAX;
		wire_encode_token(&token, 0, false, frame->data, frame->size);
	}
	return false;
}

START_TEST(a_forged_window_is_held_to_the_bound)
{
	start_with(100, 100, 100); /* the capacity limits the window to 58 frames */
	net->drops = ask_for_more;
	ck_assert_uint_le(frames_of_a_lone_sender(1), 41 * 59);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("window");
	TCase *alone = tcase_create("alone"), *ring = tcase_create("ring");

	tcase_add_test(alone, the_smallest_socket_bounds_it);
	tcase_add_test(alone, it_grows_while_it_is_used_and_rotations_are_short);
	tcase_add_test(alone, more_senders_may_take_longer);
	tcase_add_test(alone, a_long_way_makes_a_large_window);
	tcase_add_test(alone, the_idle_rotation_is_the_shortest_for_a_while);
	tcase_add_test(alone, it_falls_back_when_it_is_not_used_for_long);
	tcase_add_test(alone, losses_that_a_cut_ends_keep_it_cut);
	tcase_add_test(alone, a_cut_after_which_nothing_is_sent_stays);
	tcase_add_test(alone, losses_that_go_on_restore_it);
	tcase_add_test(alone, random_loss_does_not_keep_it_small);
	suite_add_tcase(suite, alone);
	tcase_set_timeout(ring, 120); /* many frames are sent, perhaps on a busy machine */
	tcase_add_checked_fixture(ring, net_setup, net_teardown);
	tcase_add_test(ring, a_lone_sender_has_all_of_it);
	tcase_add_test(ring, known_sockets_let_it_grow);
	tcase_add_loop_test(ring, one_who_does_not_tell_fixes_it, 0, 3);
	tcase_add_test(ring, a_small_socket_keeps_it_below_what_is_configured);
	tcase_add_test(ring, nodes_far_apart_send_six_megabytes_a_second);
	tcase_add_test(ring, a_forged_window_is_held_to_the_bound);
	tcase_add_test(ring, what_waits_is_little_where_others_send);
	tcase_add_test(ring, senders_are_counted);
	tcase_add_test(ring, who_begins_later_gets_as_much);
	suite_add_tcase(suite, ring);
	return suite_run(suite);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Scenarios that seeds would play only rarely. Each is played with several seeds. */
#include "tests/sim/sim.h"

#include <check.h>
#include <string.h>

#include "tests/sim/check_evs.h"
#include "tests/sim/check_lease.h"
#include "tests/suite.h"

#ifdef __SANITIZE_ADDRESS__ /* sanitizers make the code six times as slow, so one seed is played */
#define SEEDS 1
#define LARGE_SEEDS 1
#else
#define SEEDS 10
#define LARGE_SEEDS 2
#endif

static struct sim *started(uint64_t seed, uint32_t nodes)
{
	struct sim_options options = {.seed = seed + 1, .nodes = nodes};
	struct sim *sim = sim_create(&options);

	sim_start(sim);
	sim_run_for(sim, MS(25)); /* until all nodes are up */
	return sim;
}

static void check_sound(struct sim *sim, const char *where)
{
	ck_assert_msg(!sim->report.is_broken, "seed %ju, %s: %s broken: %s", (uintmax_t)sim->options.seed, where,
		sim->report.property, sim->report.text);
}

static void reach_one_ring(struct sim *sim, const char *where)
{
	bool is_one = sim_run_until(sim, sim_synchronized, 2 * sim_settle_ns(sim) + SECONDS(1));

	check_sound(sim, where);
	ck_assert_msg(is_one, "seed %ju, %s: no single ring", (uintmax_t)sim->options.seed, where);
}

static void finish(struct sim *sim)
{
	sim->has_users = false;
	ck_assert_msg(sim_run_until(sim, sim_delivered, 20 * sim_settle_ns(sim)), "seed %ju: messages are left over",
		(uintmax_t)sim->options.seed);
	sim_stop(sim);
	check_sound(sim, "at the end");
	sim_destroy(sim);
}

/* Five nodes split into 2 and 3 under loss, both sides go on, then the network is whole again. */
START_TEST(partition_heals)
{
	struct sim *sim = started((uint64_t)_i, 5);

	reach_one_ring(sim, "start");
	sim->net.loss = 200;
	sim_partition(sim, "0 1 | 2 3 4");
	sim_run_for(sim, 3 * sim_token_ns(sim));
	for (uint32_t i = 0; i < 5; i++)
		node_send(&sim->nodes[i], TOTEM_SAFE, 20000);
	sim_run_for(sim, 3 * sim_token_ns(sim));
	check_sound(sim, "parted");
	ck_assert_uint_eq(sim->nodes[0].life->members, 3);
	ck_assert_uint_eq(sim->nodes[4].life->members, 28);
	sim->net.loss = 0;
	sim_heal(sim);
	reach_one_ring(sim, "healed");
	finish(sim);
}
END_TEST

START_TEST(representative_crashes_under_load)
{
	struct sim *sim = started((uint64_t)_i, 4);

	reach_one_ring(sim, "start");
	for (uint32_t round = 0; round < 5; round++) {
		for (uint32_t i = 0; i < 4; i++)
			node_send(&sim->nodes[i], round & 1 ? TOTEM_SAFE : TOTEM_AGREED, 30000);
		sim_run_for(sim, MS(3));
	}
	node_crash(&sim->nodes[0], "crashes");
	for (uint32_t i = 1; i < 4; i++)
		node_send(&sim->nodes[i], TOTEM_SAFE, 500);
	reach_one_ring(sim, "without the representative");
	ck_assert_uint_eq(sim->nodes[1].life->members, 14);
	ck_assert(node_start(&sim->nodes[0]));
	reach_one_ring(sim, "with the representative again");
	finish(sim);
}
END_TEST

/*
 * Node 2 is cut off when the frame of a safe message is sent, so node 2 may have the frame or not. The others may
 * deliver the message in the transitional configuration at the earliest.
 */
START_TEST(safe_with_a_receiver_cut_off)
{
	struct sim *sim = started((uint64_t)_i, 3);

	sim->has_users = false;
	reach_one_ring(sim, "start");
	sim_run_for(sim, MS(50));
	/* Even _i: node 2 never gets the frame. Odd _i: it gets the frame, but its token is lost. */
	if (_i % 2 == 0)
		sim_partition(sim, "0 1 | 2");
	node_send(&sim->nodes[0], TOTEM_SAFE, 100);

	uint32_t sent = sim->history.message_count;

	while (sim->history.messages[sent - 1]->end_ring == NULL && sim_step(sim, UINT64_MAX))
		;
	if (_i % 2 == 1) {
		sim_run_for(sim, sim->net.delay_max_ns + US(1));
		sim_partition(sim, "0 1 | 2");
	}
	sim_run_for(sim, 2 * sim_settle_ns(sim));
	check_sound(sim, "cut off");

	const struct message *message = sim->history.messages[sent - 1];

	ck_assert_msg((message->delivered & 3) == 3, "seed %ju: nodes 0 and 1 did not deliver it",
		(uintmax_t)sim->options.seed);
	if (_i % 2 == 0)
		ck_assert_uint_eq(message->delivered & 4, 0);
	sim_heal(sim);
	reach_one_ring(sim, "healed");
	finish(sim);
}
END_TEST

START_TEST(restart_without_storage)
{
	struct sim *sim = started((uint64_t)_i, 3);

	reach_one_ring(sim, "start");
	node_crash(&sim->nodes[_i % 3], "crashes");
	sim_run_for(sim, (uint64_t)_i * sim_token_ns(sim) / 5);
	sim->nodes[_i % 3].restarts_empty = true;
	ck_assert(node_start(&sim->nodes[_i % 3]));
	reach_one_ring(sim, "without its storage");
	finish(sim);
}
END_TEST

static uint32_t configurations(const struct sim *sim) { return sim->history.configuration_count; }

/*
 * Nodes 0 and 2 do not hear each other, node 1 hears both (book failure, "Back-off"). Without the
 * back-off the nodes form the whole ring again at every consensus timeout, for ever.
 */
START_TEST(asymmetric_link_ends_in_stable_rings)
{
	struct sim *sim = started((uint64_t)_i, 3);
	uint64_t token = sim_token_ns(sim);

	reach_one_ring(sim, "start");
	sim_cut(sim, 0, 2);
	sim_cut(sim, 2, 0);
	sim_run_for(sim, 60 * token);
	check_sound(sim, "asymmetric");

	uint32_t before = configurations(sim);

	sim_run_for(sim, 60 * token);
	check_sound(sim, "asymmetric, later");
	/*
	 * The back-off gets longer each time. Without it there would be 300 configurations: six at every consensus
	 * timeout.
	 */
	ck_assert_msg(configurations(sim) - before <= 100, "seed %ju: %u configurations in 60 token timeouts",
		(uintmax_t)sim->options.seed, configurations(sim) - before);
	finish(sim);
}
END_TEST

START_TEST(sixty_four_nodes)
{
	struct sim *sim = started((uint64_t)_i, 64);

	sim->has_users = false;
	reach_one_ring(sim, "start");
	ck_assert_uint_eq(sim->nodes[0].life->members, UINT64_MAX);
	for (uint32_t i = 0; i < 64; i++)
		node_send(&sim->nodes[i], i & 1 ? TOTEM_SAFE : TOTEM_AGREED, 3000);
	finish(sim);
}
END_TEST

/*
 * A commit token that is repeated in the first rotation must not count as the one of the second rotation: the ring then
 * took up to 22 s.
 */
START_TEST(thirty_two_nodes_form_under_loss)
{
	struct sim_options options = {.seed = (uint64_t)_i + 1, .nodes = 32};
	struct sim *sim = sim_create(&options);

	sim->has_users = false;
	sim->net.loss = 100;
	sim_start(sim);
	sim_run_for(sim, MS(25));

	bool is_one = sim_run_until(sim, sim_synchronized, SECONDS(1));

	check_sound(sim, "forming");
	ck_assert_msg(is_one, "seed %d: no ring after a second", _i + 1);
	sim->net.loss = 0;
	finish(sim);
}
END_TEST

START_TEST(one_node_alone)
{
	struct sim *sim = started((uint64_t)_i, 1);

	reach_one_ring(sim, "start");
	node_send(&sim->nodes[0], TOTEM_SAFE, 50000);
	finish(sim);
}
END_TEST

/* A node is paused until the others have removed it. Then all waiting packets arrive at once. */
START_TEST(long_pause)
{
	struct sim *sim = started((uint64_t)_i, 3);
	uint64_t pause_ns = (uint64_t)(_i + 1) * sim_token_ns(sim);

	reach_one_ring(sim, "start");
	node_pause(&sim->nodes[_i % 3]);
	sim_run_for(sim, pause_ns);
	node_resume(&sim->nodes[_i % 3]);
	reach_one_ring(sim, "resumed");
	finish(sim);
}
END_TEST

/*
 * The clock of a suspended node stands still, so it knows of no time that has passed. The others form a ring without it.
 * When it goes on, its packets are lost: it has its old ring, and must not serve in it.
 */
START_TEST(a_suspended_node_does_not_serve_in_its_old_ring)
{
	struct sim *sim = started((uint64_t)_i, 3);
	struct node *node = &sim->nodes[2];

	reach_one_ring(sim, "start");
	ck_assert(lease_is_serving(node));
	uint64_t local_ns = node_local_ns(node), ns = 2 * sim_settle_ns(sim);
	node_suspend(node, sim->clock.now_ns + ns, true);
	clock_add(&sim->clock, sim->clock.now_ns + ns, SIM_RESUME, node->index, NULL, 0);
	sim_run_for(sim, ns - 1);
	ck_assert_uint_eq(node_local_ns(node), local_ns);
	ck_assert_uint_eq(sim->nodes[0].life->members, 3);
	sim_partition(sim, "0 1 | 2");
	sim_run_for(sim, MS(20));
	ck_assert_uint_eq(node->life->members, 7);
	ck_assert(!lease_is_serving(node));
	node_send(node, TOTEM_AGREED, 100); /* tells the engine */
	ck_assert(!node_was_suspended(node));
	ck_assert(!lease_is_serving(node));
	sim_heal(sim);
	reach_one_ring(sim, "healed");
	finish(sim);
}
END_TEST

/*
 * Three nodes send as much as possible, and each pauses now and then for half a token timeout. The window grows, but a
 * rotation must fit into the smallest socket, and no node may leave the ring.
 */
START_TEST(no_receiver_is_overrun)
{
	struct sim_options options = {.seed = (uint64_t)_i + 1, .nodes = 3};
	struct sim *sim = sim_create(&options);

	for (uint32_t i = 0; i < 3; i++) {
		struct node *node = &sim->nodes[i];

		node->options.capacity = node->socket_frames = i == (uint32_t)_i % 3 ? 184 : 2000;
		node->options.rotation_target_ns = MS(100);
	}
	sim_start(sim);
	sim_run_for(sim, MS(25));
	sim->has_users = false;
	reach_one_ring(sim, "start");

	uint32_t before = sim->history.configuration_count;

	for (uint32_t round = 0; round < 60; round++) {
		struct node *stopped = &sim->nodes[round % 3];

		for (uint32_t i = 0; i < 12; i++)
			node_send(&sim->nodes[i % 3], TOTEM_AGREED, 60000);
		if (round % 4 == 3) {
			node_pause(stopped);
			sim_run_for(sim, sim_token_ns(sim) / 2);
			node_resume(stopped);
		}
		sim_run_for(sim, MS(2));
		check_sound(sim, "under load");
	}
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(sim->nodes[i].overruns, 0);
	ck_assert_uint_ge(sim->fullest, 100);
	ck_assert_uint_eq(sim->history.configuration_count, before);
	finish(sim);
}
END_TEST

START_TEST(same_seed_same_run)
{
	uint64_t hashes[2], steps[2];

	for (int i = 0; i < 2; i++) {
		struct sim_options options = {
			.seed = (uint64_t)_i + 500, .faults = FAULT_DEFAULT, .picks_faults = true};
		struct sim *sim = sim_create(&options);

		sim_run(sim);
		hashes[i] = sim->trace.hash;
		steps[i] = sim->steps;
		sim_destroy(sim);
	}
	ck_assert_uint_eq(hashes[0], hashes[1]);
	ck_assert_uint_eq(steps[0], steps[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim scenarios");
	TCase *tcase = tcase_create("scenarios");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, partition_heals, 0, SEEDS);
	tcase_add_loop_test(tcase, representative_crashes_under_load, 0, SEEDS);
	tcase_add_loop_test(tcase, safe_with_a_receiver_cut_off, 0, SEEDS);
	tcase_add_loop_test(tcase, restart_without_storage, 0, SEEDS);
	tcase_add_loop_test(tcase, asymmetric_link_ends_in_stable_rings, 0, SEEDS);
	tcase_add_loop_test(tcase, sixty_four_nodes, 0, LARGE_SEEDS);
	tcase_add_loop_test(tcase, thirty_two_nodes_form_under_loss, 0, (SEEDS + 1) / 2);
	tcase_add_loop_test(tcase, one_node_alone, 0, 2);
	tcase_add_loop_test(tcase, long_pause, 0, SEEDS);
	tcase_add_loop_test(tcase, a_suspended_node_does_not_serve_in_its_old_ring, 0, SEEDS);
	tcase_add_loop_test(tcase, no_receiver_is_overrun, 0, SEEDS);
	tcase_add_loop_test(tcase, same_seed_same_run, 0, 3);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}

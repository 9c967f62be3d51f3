/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/check_liveness.h"

#include "exec/totem/wire.h"
#include "tests/sim/check_evs.h"
#include "tests/sim/options.h"
#include "tests/sim/sim.h"
#include "tests/sim/step.h"

static uint64_t hop_ns(const struct sim *sim) { return sim->net.delay_max_ns + sim->batch_ns; }

static uint64_t up_mask(const struct sim *sim)
{
	uint64_t up = 0;

	for (uint32_t i = 0; i < sim->node_count; i++)
		if (node_is_up(&sim->nodes[i]))
			up |= BIT(i);
	return up;
}

static struct node *first_up(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->node_count; i++)
		if (node_is_up(&sim->nodes[i]))
			return &sim->nodes[i];
	return NULL;
}

/* Run on until the ring is formed, and report how late that is: this shows whether it is slow or stuck. */
static void report_no_ring(struct sim *sim, uint64_t bound_ns)
{
	uint64_t bound_end_ns = sim->clock.now_ns, out = 0;

	for (uint32_t i = 0; i < sim->node_count; i++)
		if (node_is_up(&sim->nodes[i]) && sim->nodes[i].life->members != up_mask(sim))
			out |= BIT(i);

	bool comes = sim_run_until(sim, sim_one_ring, 20 * bound_ns);
	double late_s = (double)(sim->clock.now_ns - bound_end_ns) / 1e9;

	report_violation(&sim->report, "L1", out, NULL,
		"%d of %d running nodes are not in one ring with all %.3f s after the network turned "
		"quiet; %s %.3f s later",
		__builtin_popcountll(out), __builtin_popcountll(up_mask(sim)), (double)bound_ns / 1e9,
		comes ? "they are" : "they are not, even", late_s);
}

/*
 * Return the bound of L1. It counts from a quiet start (book invariants, "Liveness"). Nodes that are still in GATHER
 * may have marked each other as failed, and give up contradicting joins one after the other. Each of these takes a
 * consensus timeout.
 */
static uint64_t bound_of(const struct sim *sim)
{
	uint64_t bound_ns = sim_settle_ns(sim), longest_ns = 0;

	for (uint32_t i = 0; i < sim->node_count; i++) {
		const struct node *node = &sim->nodes[i];

		if (node_is_up(node) && totem_engine_state(node->engine) != TOTEM_OPERATIONAL &&
			node->options.consensus_ns > longest_ns)
			longest_ns = node->options.consensus_ns;
	}
	/*
	 * Forged packets may have started back-offs, or have counted as old joins. These effects end in a bounded time.
	 */
	if (sim->report.is_tainted)
		bound_ns *= 3;
	return bound_ns + (longest_ns == 0 ? 0 : 4 * (longest_ns + sim_token_ns(sim)));
}

/* Run until there is one ring. A back-off that no packet can end delays the start of the bound to its end. */
static bool reach_one_ring(struct sim *sim, uint64_t *start_ns, uint64_t bound_ns)
{
	bool is_one = sim_run_until(sim, sim_one_ring, bound_ns);

	for (unsigned tries = 0; tries < 3 && !is_one && !sim->report.is_broken; tries++) {
		uint64_t until_ns = sim->unasked_until_ns, now_ns = sim->clock.now_ns;

		if (until_ns <= *start_ns)
			break;
		*start_ns = until_ns > now_ns ? until_ns : now_ns;
		is_one = sim_run_until(sim, sim_one_ring, *start_ns + bound_ns - now_ns);
	}
	return is_one;
}

bool liveness_one_ring(struct sim *sim)
{
	uint64_t bound_ns = bound_of(sim);
	uint64_t start_ns = sim->clock.now_ns;

	if (!reach_one_ring(sim, &start_ns, bound_ns)) {
		report_no_ring(sim, bound_ns);
		return false;
	}
	/* One more ring change is allowed before the bound, but none after it. */
	if (!sim_run_for(sim, start_ns + bound_ns - sim->clock.now_ns))
		return false;
	if (!sim_one_ring(sim)) {
		report_violation(&sim->report, "L1", up_mask(sim), NULL, "the ring does not last");
		return false;
	}
	/*
	 * Configurations may change later if packets were forged: the effect may appear late, for example as a hole
	 * that no node can fill.
	 */
	sim->history.is_calm = !sim->report.is_tainted;

	const struct node *any = first_up(sim);

	if (any != NULL && !evs_ring(any->life)->is_plain && !any->life->is_honoured)
		report_violation(&sim->report, "D10", up_mask(sim), &evs_ring(any->life)->id,
			"safe delivery is not honoured although every member implements it");
	if (sim->report.is_tainted)
		return true;
	if (!sim_run_until(sim, sim_synchronized, 40 * sim->node_count * hop_ns(sim) + MS(1)))
		report_violation(&sim->report, "L1", up_mask(sim), NULL, "synchronisation does not end");
	return !sim->report.is_broken;
}

void liveness_judge_rotations(struct sim *sim, unsigned visits, unsigned visits_max)
{
	if (visits > visits_max)
		report_violation(&sim->report, "L2", up_mask(sim), NULL, "messages took %u rotations, %u are enough",
			visits, visits_max);
}

/* Deliver the messages that were queued when the faults ended. This may take any number of rotations. */
static bool drain(struct sim *sim)
{
	if (!sim_run_until(sim, sim_delivered, sim_settle_ns(sim) * 20)) {
		for (uint32_t i = sim->history.message_count; i-- > 0;) {
			const struct message *message = sim->history.messages[i];

			if (message->is_sent && message->life->is_alive &&
				(message->delivered & BIT(message->life->node)) == 0)
				report_violation(&sim->report, "D7", BIT(message->life->node), NULL,
					"node %u never delivers its own message %u, %s", sim->ids[message->life->node],
					message->id,
					message->end_ring == NULL ? "which is not ordered either"
								  : "though it is ordered");
		}
		return false;
	}
	return true;
}

/* Return the lowest window that this node's limits allow: frames of all members in one rotation. */
static uint32_t window_floor_of(const struct node *node)
{
	uint32_t bound = step_window_max(node), window = node->options.window_size;

	return bound != 0 && bound < window ? bound : window;
}

bool liveness_messages(struct sim *sim)
{
	uint32_t frames = 0, frames_max = 0, window = UINT32_MAX, per_visit = UINT32_MAX;
	struct node *witness = first_up(sim);

	/* Messages are not counted after a forged frame, which may have made the ring lose messages for good. */
	sim->has_users = false;
	if (sim->report.is_tainted || witness == NULL)
		return true;
	if (!drain(sim))
		return false;
	for (uint32_t i = 0; i < sim->node_count; i++) {
		struct node *node = &sim->nodes[i];
		uint32_t mine = 0;

		if (!node_is_up(node))
			continue;
		window = window_floor_of(node) < window ? window_floor_of(node) : window;
		window = window > 1 && node->options.capacity != 0 ? window / 2 : window; /* halved on trial */
		per_visit = node->options.max_messages < per_visit ? node->options.max_messages : per_visit;
		per_visit = window < per_visit ? window : per_visit;
		for (uint64_t k = random_below(&sim->random, 5); k > 0; k--) {
			uint32_t size = (uint32_t)random_between(&sim->random, 4, 9000);

			node_send(node, k & 1 ? TOTEM_SAFE : TOTEM_AGREED, size);
			mine += size / (node->options.payload_max - 40) + 1;
		}
		frames += mine;
		frames_max = mine > frames_max ? mine : frames_max;
	}

	struct ring_record *ring = evs_ring(witness->life);
	uint32_t before = ring->visits, members = ring->member_count;
	/*
	 * Each rotation carries at least a window, and each visit the node's share. Add 3 for L2, 1 for the hold, and 2
	 * for safe.
	 */
	uint32_t rotations = frames / window + frames_max / per_visit + 3 + 1 + 2 + 1;

	if (!sim_run_until(sim, sim_delivered, 3 * sim_token_ns(sim) + rotations * members * 2 * hop_ns(sim))) {
		drain(sim);
		report_violation(&sim->report, "L2", up_mask(sim), NULL, "messages on a quiet ring take long");
		return false;
	}
	liveness_judge_rotations(sim, (ring->visits - before) / members, rotations);
	return !sim->report.is_broken;
}

/* Return the number of frames that a lone sender may send at each visit. */
static uint32_t lone_window(const struct sim *sim)
{
	uint32_t window = UINT32_MAX, per_visit = UINT32_MAX;
	bool is_adaptive = true;

	for (uint32_t i = 0; i < sim->node_count; i++) {
		const struct node *node = &sim->nodes[i];

		if (!node_is_up(node))
			continue;

		uint32_t floor = window_floor_of(node);

		window = floor < window ? floor : window;
		per_visit = node->options.max_messages < per_visit ? node->options.max_messages : per_visit;
		is_adaptive = is_adaptive && node->options.features != 0 && node->options.capacity != 0;
	}
	return is_adaptive || window < per_visit ? window : per_visit;
}

bool liveness_lone_sender(struct sim *sim)
{
	struct node *sender = first_up(sim);
	uint32_t window = lone_window(sim), frames = 0;

	if (sim->report.is_tainted || sender == NULL || sender->options.payload_max > 4000)
		return true;
	/* Losses have ended, but they have made the window smaller. It is whole again after so many idle rotations. */
	if (!sim_run_for(sim, 70 * sender->options.hold_ns))
		return false;

	struct ring_record *ring = evs_ring(sender->life);
	uint32_t members = ring->member_count;

	/*
	 * First send little, until the node keeps the token as a lone sender. This must not give it a larger share of
	 * the window later.
	 */
	for (uint32_t i = 0; i < 12; i++) {
		sender->answers = 10;
		node_send(sender, TOTEM_AGREED, 100);
		if (!sim_run_for(sim, members * 2 * hop_ns(sim)))
			return false;
	}

	uint32_t before = ring->visits;

	sender->answers = 0;
	while (frames < 12 * window) {
		node_send(sender, TOTEM_AGREED, 20000);
		frames += 20000 / (sender->options.payload_max - 40) + 1;
	}

	uint32_t rotations = frames / window + 3 + 1 + 2 + 1;

	if (!sim_run_until(sim, sim_delivered, 3 * sim_token_ns(sim) + rotations * members * 2 * hop_ns(sim))) {
		report_violation(&sim->report, "L2", up_mask(sim), NULL, "a sender alone takes long");
		return false;
	}
	liveness_judge_rotations(sim, (ring->visits - before) / members, rotations);
	return !sim->report.is_broken;
}

void liveness_judge_packets(struct sim *sim, unsigned long sent, unsigned long sent_max)
{
	if (sent > sent_max)
		report_violation(&sim->report, "L3", up_mask(sim), NULL,
			"an idle ring sent %lu packets in ten hold times, %lu are enough", sent, sent_max);
}

static uint64_t sent_packets(const struct sim *sim)
{
	uint64_t sent = 0;

	for (uint32_t type = 0; type < NET_TYPES; type++)
		sent += sim->net.sent[type];
	return sent;
}

bool liveness_idle(struct sim *sim)
{
	const struct node *rep = first_up(sim);
	uint32_t members = (uint32_t)__builtin_popcountll(up_mask(sim)), idle = 0;
	uint64_t linger_ns = 0;

	/*
	 * Not checked with different options for an idle ring: a member whose successor holds the token would send it
	 * again.
	 */
	if (rep == NULL || sim->window_size == 0)
		return true;
	/* Not checked if a rotation takes so long that the token is retransmitted. */
	if (rep->options.hold_ns + members * hop_ns(sim) > rep->options.token_retransmit_ns)
		return true;
	for (uint32_t i = 0; i < sim->node_count; i++) {
		uint32_t needed = sim->nodes[i].options.seqno_unchanged_const;

		idle = needed > idle ? needed : idle;
		if (sim->nodes[i].options.linger_ns > linger_ns)
			linger_ns = sim->nodes[i].options.linger_ns;
	}
	/*
	 * Wait until the last sender no longer keeps the token and all members find the ring idle. Then the
	 * representative holds the token.
	 */
	if (!sim_run_for(sim, 5 * linger_ns + (idle + 10) * members * hop_ns(sim) + 2 * rep->options.hold_ns))
		return false;

	uint64_t before = sent_packets(sim);

	if (!sim_run_for(sim, 10 * rep->options.hold_ns))
		return false;
	liveness_judge_packets(sim, sent_packets(sim) - before, 11u * (members + 1));
	return !sim->report.is_broken;
}

bool liveness_leave(struct sim *sim)
{
	uint32_t leaver = (uint32_t)random_below(&sim->random, sim->node_count);
	uint32_t up = (uint32_t)__builtin_popcountll(up_mask(sim));
	uint64_t send_join = 0;

	if (up < 2)
		return true;
	while (!node_is_up(&sim->nodes[leaver]))
		leaver = (leaver + 1) % sim->node_count;
	sim->history.is_calm = false;
	for (uint32_t i = 0; i < sim->node_count; i++) {
		uint64_t wait_ns = options_join_wait_ns(sim, &sim->nodes[i].options);

		if (wait_ns > send_join)
			send_join = wait_ns;
	}
	node_leave(&sim->nodes[leaver]);

	/*
	 * The bound: joins once around, two rotations of the commit token, five of the token. First the other nodes ask
	 * the leaving node whether it runs, which takes at most 40 ms.
	 */
	uint64_t bound_ns = (8 * up + 6) * hop_ns(sim) + 2 * send_join + UINT64_C(41000000);

	if (!sim_run_until(sim, sim_one_ring, bound_ns))
		report_violation(&sim->report, "L4", up_mask(sim) | BIT(leaver), NULL,
			"%.3f ms after node %u left there is no ring of the others", (double)bound_ns / 1e6,
			sim->ids[leaver]);
	return !sim->report.is_broken;
}

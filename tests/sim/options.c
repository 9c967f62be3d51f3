/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration of the nodes of a run, by the seed and by the faults that last for the whole run. */
#include "tests/sim/options.h"

#include "exec/totem/wire.h"
#include "tests/sim/patience.h"
#include "tests/sim/sim.h"

static bool has(const struct sim *sim, enum fault_kind kind) { return (sim->faults.kinds >> kind & 1) != 0; }

static void vary_timers(struct sim *sim, struct totem_options *options)
{
	struct sim_random *random = &sim->random;
	uint64_t scale = random_between(random, 85, 115);

	options->token_ns = options->token_ns * scale / 100;
	options->token_retransmit_ns = options->token_ns * 10 / 42;
	options->hold_ns = options->token_retransmit_ns * 8 / 10 - MS(10);
	options->consensus_ns = options->token_ns * random_between(random, 110, 150) / 100;
	options->join_ns = MS(random_between(random, 30, 60));
	options->merge_ns = MS(random_between(random, 30, 250));
	if (options->consensus_ns < options->join_ns)
		options->consensus_ns = options->join_ns;
	options->linger_ns = random_chance(random, 2000) ? 0 : MS(random_between(random, 1, 50));
	if (random_chance(random, 3000))
		options->send_join_ns = MS(random_between(random, 1, 20));
	options->miss_count_const = (uint32_t)random_between(random, 1, 8);
	options->max_messages = (uint32_t)random_between(random, 5, 30);
	options->window_size = (uint32_t)random_between(random, 30, 100);
	options->seqno_unchanged_const = (uint32_t)random_between(random, 10, 40);
	options->cancel_token_hold_on_retransmit = random_chance(random, 3000);
	if (random_chance(random, 2000)) {
		options->heartbeat_failures_allowed = 2; /* longer than the longest hold of another node */
		options->max_network_delay_ns = MS(30);
	}
}

/* Choose the number of frames from which on a node passes the token before it sends them, or turn that off. */
static void set_early(struct sim *sim, struct node *node)
{
	struct sim_random random = {.state = sim->options.seed * 1013 + node->index};
	struct sim_random of_all = {.state = sim->options.seed * 1013 - 1};

	if (random_chance(&of_all, 2500))
		return;
	node->options.features |= WIRE_FEATURE_EARLY;
	node->options.early_frames = random_chance(&random, 2000) ? 0 : (uint32_t)random_between(&random, 1, 8);
}

/* In half of the runs choose how many frames of a backlog one event delivers: few, since the backlogs are short. */
static void set_delivery(const struct sim *sim, struct node *node)
{
	struct sim_random random = {.state = sim->options.seed * 1019 + node->index};
	struct sim_random of_all = {.state = sim->options.seed * 1019 - 1};

	if (random_chance(&of_all, 5000))
		node->options.deliver_frames = (uint32_t)random_between(&random, 1, 4);
}

/*
 * In a quarter of the runs deliveries of some nodes yield behind many or few of the messages. Some of these nodes hold packets
 * and timers back meanwhile, and others end the delivery with the next one.
 */
static void set_yields(const struct sim *sim, struct node *node)
{
	struct sim_random random = {.state = sim->options.seed * 1033 + node->index};
	struct sim_random of_all = {.state = sim->options.seed * 1033 - 1};

	node->yields = 0;
	node->holds_back = random_chance(&random, 5000);
	if (random_chance(&of_all, 2500))
		node->yields = (uint32_t)random_between(&random, 0, 2) * 2000;
	node->yield_random = random;
}

/* Take features from a member, as in a rolling upgrade. All versions that announce features have safe delivery. */
static void take_features(const struct sim *sim, struct node *node)
{
	struct sim_random random = {.state = sim->options.seed * 2027 + node->index};

	if (random_chance(&random, 5000))
		node->options.features &= random_next(&random) | WIRE_FEATURE_SAFE;
}

/* In some runs give the members a silence budget, and a token timeout that fits it. */
static void set_silence(struct sim *sim, struct totem_options *options)
{
	struct sim_random of_all = {.state = sim->options.seed * 1021 - 1};

	if (random_chance(&of_all, 6000) || (options->features & WIRE_FEATURE_SILENCE) == 0)
		return;
	options->silence_ns = options->token_ns * random_between(&of_all, 60, 100) / 100;
	if (options->hold_ns > options->silence_ns * 3 / 10)
		options->hold_ns = options->silence_ns * 3 / 10;
	if (options->token_retransmit_ns > options->silence_ns * 2 / 10)
		options->token_retransmit_ns = options->silence_ns * 2 / 10;
	if (options->token_retransmit_ns < MS(30))
		options->token_retransmit_ns = MS(30);
}

/*
 * While nodes change their part, a third of the runs have a consensus timeout below the token timeout. In another third
 * of the runs, two of every three nodes have a tripled token timeout, as while an operator changes the timeout. So
 * leases outlast the patience of other members.
 */
static void set_uneven(struct sim *sim, struct node *node)
{
	struct sim_random of_all = {.state = sim->options.seed * 1051 - 1};
	struct totem_options *options = &node->options;
	uint64_t kind = random_below(&of_all, 3);

	if (!has(sim, FAULT_SHIFT))
		return;
	if (kind == 1)
		options->consensus_ns = options->token_ns * random_between(&of_all, 30, 100) / 100;
	if (kind == 2 && node->index % 3 != sim->options.seed % 3) {
		options->token_ns *= 3;
		options->token_retransmit_ns *= 3;
	}
	if (options->consensus_ns < options->join_ns)
		options->consensus_ns = options->join_ns;
}

/* Choose how long frames of a lone sender wait for later frames. */
static void set_gather(struct sim *sim, struct node *node)
{
	struct sim_random random = {.state = sim->options.seed * 1019 + node->index};

	node->options.gather_ns = TOTEM_GATHER_NS;
	if (has(sim, FAULT_TIMERS))
		node->options.gather_ns = random_chance(&random, 2000) ? 0 : US(random_between(&random, 20, 2000));
}

/* In half of the runs let Coterie's nodes expect that packets between nodes like Corosync arrive late. */
static void set_path_lag(struct sim *sim, struct totem_options *options)
{
	struct sim_random of_all = {.state = sim->options.seed * 1031 - 1};

	if (!random_chance(&of_all, 5000) && options->features != 0)
		options->path_lag_ns = options->token_ns * random_between(&of_all, 5, 60) / 100;
}

/* Choose the capacity of the node, and the rotation time up to which the window may grow. */
static void set_capacity(struct sim *sim, struct node *node)
{
	struct sim_random random = {.state = sim->options.seed * 1009 + node->index};
	struct sim_random of_all = {.state = sim->options.seed * 1009 - 1};

	node->options.rotation_target_ns = US(random_between(&random, 300, 100000));
	/* In some runs no node knows its capacity, in others some nodes do not know theirs. */
	if (random_chance(&of_all, 3000) || (random_chance(&of_all, 2000) && random_chance(&random, 3000)))
		return;
	/* In half of the runs no capacity is small. */
	node->options.capacity = (uint32_t)(random_chance(&of_all, 5000) && random_chance(&random, 5000)
						    ? random_between(&random, 40, 300)
						    : random_between(&random, 300, 8000));
}

/* In some runs let the nodes delay their joins, as nodes of a large ring do. */
static void set_crowd(struct sim *sim, struct node *node)
{
	struct sim_random random = {.state = sim->options.seed * 1033 + node->index};
	struct sim_random of_all = {.state = sim->options.seed * 1033 - 1};

	if (random_chance(&of_all, 6000))
		return;
	/* In half of these runs all nodes have the same limit. */
	node->options.join_crowd = (uint32_t)random_between(random_chance(&of_all, 5000) ? &of_all : &random, 0, 20);
}

uint64_t options_fresh_seq(const struct sim *sim, const struct node *node, uint32_t life)
{
	struct sim_random random = {.state = (sim->options.seed * 1049 + life) * SIM_NODES_MAX + node->index};

	return node->quirks != 0 ? 0 : random_next(&random) >> 24 << 2;
}

uint64_t options_join_wait_ns(const struct sim *sim, const struct totem_options *options)
{
	if (options->send_join_ns != 0 || options->join_crowd >= sim->node_count)
		return options->send_join_ns;
	return sim->node_count * TOTEM_JOIN_WAIT_NS;
}

/* In half of the runs the nodes begin at random ring sequences, as new nodes do, in the others all begin at 0. */
static void set_disk(struct sim *sim, struct node *node)
{
	struct sim_random of_all = {.state = sim->options.seed * 1049 - 1};

	disk_wipe(&node->disk, random_chance(&of_all, 5000) ? options_fresh_seq(sim, node, 0) : 0);
}

void options_set(struct sim *sim, struct node *node, uint64_t token_ns, uint32_t seq)
{
	struct sim_random *random = &sim->random;
	struct totem_options *options = &node->options;

	totem_options_defaults(options, node->id, sim->node_count);
	options->token_ns = token_ns;
	options->token_retransmit_ns = token_ns * 10 / 42;
	options->hold_ns = options->token_retransmit_ns * 8 / 10 - MS(10);
	options->consensus_ns = token_ns * 12 / 10;
	options->join_ns = token_ns < SECONDS(1) ? MS(30) : MS(50);
	options->merge_ns = token_ns < SECONDS(1) ? MS(50) : MS(200);
	options->max_network_delay_ns = MS(50);
	options->nodes = sim->ids;
	options->node_count = sim->node_count;
	options->payload_max = 1410;
	options->features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE | WIRE_FEATURE_LINGER | WIRE_FEATURE_SILENCE;
	options->linger_ns = MS(20);
	options->random_seed = random_next(random);
	options->first_seq = seq;
	if (has(sim, FAULT_TIMERS))
		vary_timers(sim, options);
	set_uneven(sim, node);
	if (has(sim, FAULT_PAYLOAD))
		options->payload_max = random_chance(random, 2000) ? 65446
								   : (uint32_t)random_between(random, 300, 4000);
	if (has(sim, FAULT_FRAMES))
		options->fail_recv_const = (uint32_t)random_between(random, 10, 100);
	if (sim->faults.is_open)
		options->node_count = 0; /* nodes that are in no list may join */
	set_capacity(sim, node);
	set_early(sim, node);
	set_delivery(sim, node);
	set_yields(sim, node);
	set_gather(sim, node);
	set_crowd(sim, node);
	if (patience_is_played(sim))
		patience_set(sim, options);
	else
		set_silence(sim, options);
	options->swap = has(sim, FAULT_SWAP) && random_chance(random, 4000);
	if (has(sim, FAULT_PLAIN)) {
		take_features(sim, node);
		if (random_chance(random, 3000))
			options->features = 0;
	}
#ifdef TOTEM_HOOKS
	if ((has(sim, FAULT_QUIRKS) && random_chance(random, 5000)) ||
		(faults_are_middle(sim) && node->index == sim->options.seed % 3)) {
		options->features = 0;
		node->quirks = TOTEM_QUIRK_ALL;
	}
#endif
	set_path_lag(sim, options);
	set_disk(sim, node);
}

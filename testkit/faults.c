/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults of nodes and network, requested by the test or at random. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "testkit/kit.h"

#define DRIFT_PPM_MAX 500000

/* ----------------------------------------------------------------------------------------- nodes */

/* Run a function for every node, or for one of them. */
static int each(struct testkit *kit, uint32_t id, int (*run)(struct kit_node *node))
{
	int rc = 0;

	if (id != TESTKIT_ALL)
		return kit_node(kit, id) == NULL ? -EINVAL : run(kit_node(kit, id));
	for (uint32_t i = 0; i < kit->node_count && rc == 0; i++)
		rc = run(&kit->nodes[i]);
	return rc;
}

static int crash(struct kit_node *node)
{
	if (!node->is_up)
		return -ESRCH;
	node->is_dying = true;
	if (node->inside == 0)
		node_down(node);
	return 0;
}

static int stop(struct kit_node *node)
{
	if (!node->is_up)
		return -ESRCH;
	struct kit_node *outer = kit_enter(node);
	executive_stop(&node->executive, 0);
	kit_leave(node, outer);
	return 0;
}

int testkit_start(struct testkit *kit, uint32_t id) { return each(kit, id, node_start); }

int testkit_crash(struct testkit *kit, uint32_t id) { return each(kit, id, crash); }

int testkit_stop(struct testkit *kit, uint32_t id) { return each(kit, id, stop); }

int testkit_crash_after(struct testkit *kit, uint32_t id, uint64_t effects)
{
	struct kit_node *node = kit_node(kit, id);

	if (node == NULL)
		return -EINVAL;
	if (!node->is_up)
		return -ESRCH;
	node->crash_at = node->effects + effects + 1;
	return 0;
}

int testkit_pause(struct testkit *kit, uint32_t id, uint32_t ms)
{
	struct kit_node *node = kit_node(kit, id);

	if (node == NULL)
		return -EINVAL;
	if (!node->is_up)
		return -ESRCH;
	/* The node goes on at the end of the longer pause. */
	if (node->resume_ns < kit->clock.now_ns + MS(ms))
		node->resume_ns = kit->clock.now_ns + MS(ms);
	return 0;
}

int testkit_suspend(struct testkit *kit, uint32_t id, uint32_t ms)
{
	int rc = testkit_pause(kit, id, ms);

	/* The events of timers stay in the queue. If they come too early, kit_loop_timer_take queues them again. */
	if (rc == 0)
		host_clock_suspend(&kit_node(kit, id)->clock, kit->clock.now_ns, kit->clock.now_ns + MS(ms));
	return rc;
}

int testkit_clock(struct testkit *kit, uint32_t id, uint32_t jump_ms, int32_t drift_ppm)
{
	struct kit_node *node = kit_node(kit, id);

	if (node == NULL || drift_ppm < -DRIFT_PPM_MAX || drift_ppm > DRIFT_PPM_MAX)
		return -EINVAL;
	kit_loop_clock(node, MS(jump_ms), drift_ppm);
	kit_disturb(kit);
	return 0;
}

int testkit_is_up(const struct testkit *kit, uint32_t id)
{
	return kit_node(kit, id) != NULL && kit_node(kit, id)->is_up;
}

/* --------------------------------------------------------------------------------------- network */

static void part(struct testkit *kit, const uint32_t *group)
{
	for (uint32_t a = 0; a < kit->node_count; a++)
		for (uint32_t b = 0; b < kit->node_count; b++)
			kit->net.cut[a][b] = a != b && group[a] != group[b];
	kit_disturb(kit);
}

int testkit_part(struct testkit *kit, const char *groups)
{
	uint32_t group[TESTKIT_NODES_MAX], number = 0;

	for (uint32_t i = 0; i < kit->node_count; i++)
		group[i] = TESTKIT_NODES_MAX + i; /* alone */
	for (const char *at = groups; *at != '\0';) {
		char *end = NULL;

		if (*at == ' ' || *at == '|') {
			number += *at++ == '|';
			continue;
		}
		unsigned long id = strtoul(at, &end, 10);
		if (end == at || id < 1 || id > kit->node_count)
			return -EINVAL;
		group[id - 1] = number;
		at = end;
	}
	part(kit, group);
	return 0;
}

void testkit_heal(struct testkit *kit)
{
	memset(kit->net.cut, 0, sizeof(kit->net.cut));
	kit_disturb(kit);
}

int testkit_cut(struct testkit *kit, uint32_t from, uint32_t to)
{
	if (kit_node(kit, from) == NULL || kit_node(kit, to) == NULL || from == to)
		return -EINVAL;
	kit->net.cut[from - 1][to - 1] = true;
	kit_disturb(kit);
	return 0;
}

void testkit_loss(struct testkit *kit, uint32_t lost, uint32_t doubled)
{
	kit->net.loss = lost;
	kit->net.duplicate = doubled;
	kit_disturb(kit);
}

void testkit_delay(struct testkit *kit, uint32_t min_us, uint32_t max_us)
{
	kit->net.delay_min_ns = US(min_us);
	kit->net.delay_max_ns = US(max_us < min_us ? min_us : max_us);
	kit_disturb(kit);
}

/* ---------------------------------------------------------------------------------------- chance */

static void strike_later(struct testkit *kit)
{
	uint64_t wait_ns = random_between(&kit->random, 1, 2 * MS(kit->chaos_mean_ms));

	clock_add(&kit->clock, kit->clock.now_ns + wait_ns, SIM_FAULT, 0, NULL, kit->chaos_turn);
}

void testkit_chaos(struct testkit *kit, uint32_t faults, uint32_t mean_ms)
{
	kit->chaos = faults & TESTKIT_CHAOS;
	kit->chaos_mean_ms = mean_ms > 0 ? mean_ms : 1;
	kit->chaos_turn++; /* events of an earlier chaos that are still queued have no effect */
	if (kit->chaos != 0)
		strike_later(kit);
}

static void strike_part(struct testkit *kit)
{
	uint32_t group[TESTKIT_NODES_MAX];
	uint64_t groups = random_between(&kit->random, 1, 3);

	for (uint32_t i = 0; i < kit->node_count; i++)
		group[i] = (uint32_t)random_below(&kit->random, groups);
	part(kit, group);
}

static void strike_crash(struct testkit *kit, struct kit_node *node)
{
	if (!node->is_up || node->crash_at != 0)
		return;
	node->is_off_by_chaos = true;
	if (random_chance(&kit->random, 5000))
		node->crash_at = node->effects + random_between(&kit->random, 1, 40);
	else
		crash(node);
	clock_add(&kit->clock, kit->clock.now_ns + random_between(&kit->random, MS(50), SECONDS(5)), SIM_RESTART,
		node->index, NULL, 0);
}

static void strike_loss(struct testkit *kit)
{
	static const uint32_t chances[] = {0, 0, 0, 100, 300, 1000};

	testkit_loss(kit, chances[random_below(&kit->random, 6)], chances[random_below(&kit->random, 5)]);
}

void chaos_strike(struct testkit *kit, uint32_t turn)
{
	struct kit_node *node = &kit->nodes[random_below(&kit->random, kit->node_count)];
	uint32_t fault;

	if (turn != kit->chaos_turn || kit->chaos == 0)
		return;
	do
		fault = 1u << random_below(&kit->random, 4);
	while ((kit->chaos & fault) == 0);
	switch (fault) {
	case TESTKIT_PART:
		strike_part(kit);
		break;
	case TESTKIT_CRASH:
		strike_crash(kit, node);
		break;
	case TESTKIT_LOSS:
		strike_loss(kit);
		break;
	case TESTKIT_PAUSE:
		testkit_pause(kit, node->id, (uint32_t)random_between(&kit->random, 1, 3000));
		break;
	}
	strike_later(kit);
}

void chaos_restart(struct kit_node *node)
{
	if (!node->is_off_by_chaos)
		return;
	if (node->is_up) {
		node->crash_at = 0; /* the crash that chaos planned has not happened yet: cancel it */
		node->is_off_by_chaos = false;
	} else if (node_start(node) < 0) {
		testkit_complain(node->kit, node->id, "it does not start again: %s", testkit_error(node->kit));
	}
}

int testkit_calm(struct testkit *kit)
{
	int rc = 0;

	testkit_chaos(kit, 0, 0);
	net_calm(&kit->net);
	kit_disturb(kit);
	for (uint32_t i = 0; i < kit->node_count; i++) {
		struct kit_node *node = &kit->nodes[i];

		node->crash_at = 0; /* cancel the crash of chaos, or of testkit_crash_after */
		if (!node->is_off_by_chaos)
			continue;
		if (!node->is_up && node_start(node) < 0)
			rc = -EINVAL;
		node->is_off_by_chaos = false;
	}
	return rc;
}

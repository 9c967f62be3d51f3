/* SPDX-License-Identifier: BSD-3-Clause */
/* The services and users of a node, which use its engine. */
#include "tests/sim/services.h"

#include <string.h>

#include "tests/sim/check_evs.h"
#include "tests/sim/sim.h"
#include "tests/sim/traffic.h"

/* Hand the message to the engine. @return 0, or the engine's error */
static int hand_over(struct node *node, struct message *message)
{
	struct sim *sim = node->sim;
	struct totem_probe probe;
	uint32_t size = traffic_size(message);
	struct iovec iov[3];
	uint32_t cut = 5 + (uint32_t)random_below(&sim->random, size - 4);

	totem_engine_probe(node->engine, &probe);
	message->is_sync = probe.is_synchronizing;
	traffic_write(message, node->options.swap, sim->scratch);
	iov[0] = (struct iovec){sim->scratch, 5};
	iov[1] = (struct iovec){sim->scratch + 5, cut - 5};
	iov[2] = (struct iovec){sim->scratch + cut, size - cut};
	/* Note the message before the call, since its frames may be sent before the call returns. */
	history_sent(&sim->history, message);

	int rc = totem_engine_send(node->engine, node_local_ns(node), message->guarantee, iov, 3);

	if (rc != 0) {
		history_unsent(&sim->history, message);
		return rc;
	}
	node_note(node, TRACE_SENT,
		(struct trace_entry){.seq = message->id, .value = size, .detail = (uint8_t)message->guarantee});
	return 0;
}

/* Users' messages wait while services synchronise, like requests of IPC. */
void services_hand_over(struct node *node)
{
	uint32_t done = 0;

	if (node->is_syncing || node->is_dying)
		return;
	while (done < node->pending_count && hand_over(node, node->pending[done]) == 0)
		done++;
	node->pending_count -= done;
	memmove(node->pending, node->pending + done, node->pending_count * sizeof(struct message *));
}

void services_offer(struct node *node, uint32_t guarantee, uint32_t payload_size)
{
	if (node->pending_count == NODE_PENDING)
		return;
	node->pending[node->pending_count++] = history_message(
		&node->sim->history, node->life, guarantee, payload_size, false);
	if (!node->is_paused)
		services_hand_over(node);
}

void services_answer(struct node *node)
{
	struct sim *sim = node->sim;

	for (; node->came_back > 0; node->came_back--) {
		if (node->answers > 0)
			node->answers--;
		else if (!sim->has_users || !random_chance(&sim->random, sim->eager))
			continue;
		services_offer(node, TOTEM_AGREED, (uint32_t)random_between(&sim->random, TRAFFIC_ID_SIZE, 300));
	}
}

static void send_barrier(struct node *node)
{
	struct sim *sim = node->sim;
	struct message *message;

	/* Services send their state before the barrier. In some runs the state is large. */
	if (random_chance(&sim->random, 1000)) {
		message = history_message(&sim->history, node->life, TOTEM_AGREED,
			(uint32_t)random_between(&sim->random, TRAFFIC_ID_SIZE, 6000), false);
		hand_over(node, message);
	}
	message = history_message(&sim->history, node->life, TOTEM_AGREED, 32, false);
	message->is_barrier = true;
	message->barrier = node->sync_ring;
	node->owes_barrier = hand_over(node, message) != 0;
}

static void see_barrier(struct node *node, const struct message *message)
{
	if (!node->is_syncing || !ring_id_equal(&message->barrier, &node->sync_ring) || node->sync_members == 0)
		return;
	node->sync_seen |= BIT(message->life->node);
	if (node->sync_seen != node->sync_members)
		return;
	node->is_syncing = false;
	node_note(node, TRACE_SYNCHRONIZED, (struct trace_entry){.ring = node->sync_ring});
	totem_engine_synchronized(node->engine, node_local_ns(node));
	faults_point(node, POINT_SYNCHRONIZED);
	services_hand_over(node);
}

void services_deliver(struct node *node, const struct totem_message *delivered)
{
	struct sim *sim = node->sim;
	const char *what;
	struct message *message = traffic_find(
		&sim->history, delivered->is_swapped, delivered->iov, delivered->count, &what);

	if (message == NULL || sim->ids[message->life->node] != delivered->source ||
		delivered->size != traffic_size(message)) {
		evs_delivered_nonsense(&sim->history, node->life, delivered->source,
			message == NULL ? what : "a message of another source or size");
		return;
	}
	node_note(node, TRACE_DELIVERED, (struct trace_entry){.seq = message->id, .peer = message->life->node});
	node->delivered++;
	evs_delivered(&sim->history, node->life, message);
	if (message->life == node->life && !message->is_barrier)
		node->came_back++;
	if (message->is_barrier)
		see_barrier(node, message);
	else if (sim->has_users && random_chance(&sim->random, 200))
		services_offer(node, random_chance(&sim->random, sim->safe_share) ? TOTEM_SAFE : TOTEM_AGREED,
			(uint32_t)random_between(&sim->random, TRAFFIC_ID_SIZE, 300)); /* an answer */
}

static void set_votes(struct node *node, const struct totem_configuration *configuration)
{
	const struct sim *sim = node->sim;
	uint32_t votes[SIM_NODES_MAX] = {0};

	for (uint32_t i = 0; i < configuration->member_count; i++) {
		uint32_t index = history_node(&sim->history, configuration->members[i]);

		votes[i] = index < sim->node_count ? sim->votes[index] : 0;
	}
	totem_engine_set_votes(
		node->engine, &configuration->ring, votes, configuration->member_count, sim->votes_needed);
}

void services_configure(struct node *node, const struct totem_configuration *configuration)
{
	struct sim *sim = node->sim;
	bool is_strange = false;
	uint64_t members = history_mask(
		&sim->history, configuration->members, configuration->member_count, &is_strange);

	node_note(node, TRACE_CONFIGURED,
		(struct trace_entry){
			.ring = configuration->ring, .value = members, .detail = configuration->is_regular});
	evs_configured(&sim->history, node->life, configuration);
	node->is_syncing = true;
	node->sync_ring = configuration->ring;
	node->sync_seen = 0;
	node->sync_members = configuration->is_regular ? members : 0;
	node->owes_barrier = configuration->is_regular;
	if (configuration->is_regular) {
		node->step_installed = true;
		set_votes(node, configuration);
		if (sim->barrier_at_once)
			send_barrier(node);
	}
}

void services_pay(struct node *node)
{
	if (!node->is_dying && node->owes_barrier && node->sync_members != 0)
		send_barrier(node);
}

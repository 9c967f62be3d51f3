/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets that arrive at a node: they wait until it is woken, or until a delivery that has yielded is finished. */
#include <string.h>

#include "exec/totem/wire.h"
#include "tests/sim/contact.h"
#include "tests/sim/history.h"
#include "tests/sim/node.h"
#include "tests/sim/sim.h"
#include "tests/sim/step.h"

/* Return whether the socket is full. */
static bool overruns(const struct node *node, const struct packet *packet)
{
	uint32_t frames = 0;

	if (node->socket_frames == 0 || packet->type != WIRE_MCAST)
		return false;
	for (uint32_t i = 0; i < node->inbox_count; i++)
		frames += node->inbox[i]->type == WIRE_MCAST;
	return frames >= node->socket_frames;
}

static void wake_at(struct node *node, uint64_t delay_ns)
{
	if (node->is_paused || node->is_woken)
		return;
	node->is_woken = true;
	clock_add(&node->sim->clock, node->sim->clock.now_ns + delay_ns, SIM_WAKE, node->index, NULL, 0);
}

static void wake(struct node *node) { wake_at(node, node->sim->batch_ns); }

void node_arrive(struct node *node, struct packet *packet)
{
	/*
	 * A node's own packets that come back are dropped when their life has ended. Packets of a ring whose id was
	 * used again are dropped too, since the id means another ring now.
	 */
	bool is_stale = packet->from == node->index && !packet->is_altered &&
			(node->life == NULL || packet->life != node->life->number);

	if (packet->ring != NULL && packet->ring != history_find_ring(&node->sim->history, &packet->ring->id))
		is_stale = true;
	if (packet->type == WIRE_MCAST && packet->from == node->index && !node->sim->loops_frames)
		is_stale = true;
	if (!node_is_up(node) && !packet->is_altered)
		net_refuse(&node->sim->net, packet, node->index);
	if (!node_is_up(node) || is_stale || node->inbox_count == NODE_INBOX || node->is_off_line) {
		packet_unref(packet);
		return;
	}
	if (overruns(node, packet)) {
		node->overruns++;
		packet_unref(packet);
		return;
	}
	node->inbox[node->inbox_count++] = packet;
	wake(node);
}

/* Put packets back in front of the others. They are handled again when parts of a delivery that has yielded have run. */
static void put_back(struct node *node, struct packet *const *packets, uint32_t count)
{
	while (node->inbox_count + count > NODE_INBOX)
		packet_unref(node->inbox[--node->inbox_count]);
	memmove(node->inbox + count, node->inbox, node->inbox_count * sizeof(struct packet *));
	memcpy(node->inbox, packets, count * sizeof(struct packet *));
	node->inbox_count += count;
}

/*
 * Hand packets to the engine. A forged packet that no engine can detect taints the run: nothing is promised without
 * authentication.
 *
 * @return how many the engine has handled, the first ones
 */
static uint32_t receive(struct node *node, struct packet *const *packets, uint32_t count)
{
	struct coterie_frame *frames[64];
	uint32_t places[65];
	struct sim *sim = node->sim;
	uint32_t taken = 0;
	size_t handled;

	step_begin(node);
	for (uint32_t i = 0; i < count; i++) {
		frames[taken] = frame_take(node->pool, packets[i]->size);
		if (frames[taken] == NULL)
			continue;
		memcpy(frames[taken]->data, packets[i]->bytes, packets[i]->size);
		frames[taken]->size = packets[i]->size;
		places[taken++] = i;
		sim->report.is_tainted |= packets[i]->is_forged;
		contact_learn(node, packets[i]);
	}
	places[taken] = count;
	handled = totem_engine_receive(node->engine, node_local_ns(node), frames, taken);
	for (uint32_t i = 0; i < taken; i++)
		frame_unref(frames[i]);
	step_end(node);
	return places[handled];
}

bool node_is_held_back(const struct node *node)
{
	return node->holds_back && node_is_up(node) && totem_engine_has_yielded(node->engine);
}

/* Answer a packet that asks whether the node runs. @return false: it is something else */
static bool answer(struct node *node, const struct packet *packet)
{
	struct coterie_frame *frame = frame_take(node->pool, packet->size);
	bool is_question;

	if (frame == NULL)
		return false;
	memcpy(frame->data, packet->bytes, packet->size);
	frame->size = packet->size;
	step_begin(node);
	is_question = totem_engine_question(node->engine, node_local_ns(node), frame);
	step_end(node);
	frame_unref(frame);
	return is_question;
}

static void answer_all(struct node *node)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < node->inbox_count; i++) {
		bool is_answered = node_is_held_back(node) && answer(node, node->inbox[i]);

		if (!node_is_up(node))
			return; /* it has crashed, and has no packets any more */
		if (is_answered)
			packet_unref(node->inbox[i]);
		else
			node->inbox[kept++] = node->inbox[i];
	}
	node->inbox_count = kept;
}

void node_wake(struct node *node)
{
	node->is_woken = false;
	if (node_is_held_back(node) && !node->is_paused) {
		answer_all(node);
		wake_at(node, NODE_HELD_BACK_NS);
		return;
	}
	while (node_is_up(node) && !node->is_paused && node->inbox_count > 0) {
		struct packet *batch[64];
		uint32_t count = node->inbox_count < 64 ? node->inbox_count : 64;

		memcpy(batch, node->inbox, count * sizeof(struct packet *));

		node->inbox_count -= count;
		memmove(node->inbox, node->inbox + count, node->inbox_count * sizeof(struct packet *));

		uint32_t handled = receive(node, batch, count);

		for (uint32_t i = 0; i < handled; i++)
			packet_unref(batch[i]);
		if (handled < count || node_is_held_back(node)) {
			put_back(node, batch + handled, count - handled);
			wake(node);
			return;
		}
	}
}

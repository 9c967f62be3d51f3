/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Gates (book ipc, "Gates"): how fast requests are read, from the fill of the ring's queue
 * (book packing, "Queue levels"), synchronisation, quorum and the ring's lease.
 */
#include "exec/ipc/ipc_private.h"

#include <errno.h>

#include "exec/ring/ring.h"
#include "exec/sync/delivery.h"
#include "exec/sync/sync.h"

#define CRITICAL_CHECK_NS UINT64_C(1000000)
#define KEPT_CHECK_NS UINT64_C(10000000)
#define FRAME_OVERHEAD 24u /* bytes of a frame's payload that carry no message */

static bool queue_of(const struct ipc *ipc, struct totem_queue *queue)
{
	if (ipc->ring == NULL || ring_engine(ipc->ring) == NULL)
		return false;
	totem_engine_queue(ring_engine(ipc->ring), queue);
	return queue->total > 2;
}

/* Between the bands the level does not change (hysteresis). */
static enum ipc_level next_level(enum ipc_level level, uint32_t used_percent)
{
	if (used_percent >= 75)
		return IPC_LEVEL_CRITICAL;
	if (used_percent < 30)
		return IPC_LEVEL_LOW;
	if (used_percent >= 41 && used_percent <= 49)
		return IPC_LEVEL_GOOD;
	if (used_percent >= 61 && used_percent <= 69)
		return IPC_LEVEL_HIGH;
	return level;
}

static enum ipc_level current_level(const struct ipc *ipc)
{
	struct totem_queue queue;

	if (!queue_of(ipc, &queue))
		return IPC_LEVEL_LOW;
	uint64_t taken = (uint64_t)queue.used + 3; /* frames: two are never used, one is reserved */
	uint64_t left = taken < queue.total ? queue.total - taken : 0;
	return next_level(ipc->level, (uint32_t)(100 - left * 100 / queue.total));
}

int ipc_gate_room(const struct ipc *ipc, uint32_t size)
{
	struct totem_queue queue;

	if (!queue_of(ipc, &queue))
		return 0;
	if (size + 1 > queue.message_size_max)
		return -EMSGSIZE;
	uint32_t payload = IPC_QUEUE_BYTES / queue.total;
	uint32_t frames = size / (payload > FRAME_OVERHEAD ? payload - FRAME_OVERHEAD : 1) + 1;
	return queue.used + 2 + frames <= queue.total ? 0 : -EAGAIN;
}

static bool is_synchronizing(const struct ipc *ipc)
{
	return ipc->parts.sync != NULL && sync_is_running(ipc->parts.sync);
}

/*
 * Return whether the verdict is about the present ring. A new ring has the lease with its first token, and a verdict
 * only when the quorum provider has synchronised. Requests to the provider itself do not wait for the verdict: the
 * provider may wait for a quorum device, which sends requests first.
 */
static bool has_verdict(const struct ipc *ipc)
{
	return ipc->parts.delivery == NULL || delivery_has_verdict(ipc->parts.delivery);
}

static bool is_provider(const struct ipc_server *server)
{
	return (server->plugin->descriptor->offers & COTERIE_CAN_QUORUM) != 0;
}

enum ipc_gate ipc_gate_of(const struct ipc_server *server, uint32_t needs)
{
	const struct ipc *ipc = server->ipc;

	if ((needs & COTERIE_NEEDS_QUORUM) != 0 && !*ipc->parts.is_quorate)
		return IPC_GATE_CLOSED;
	if ((needs & (COTERIE_NEEDS_QUORUM | COTERIE_TELLS_QUORUM)) != 0 && *ipc->parts.is_quorate &&
		!(ring_has_lease(ipc->ring) && (has_verdict(ipc) || is_provider(server))))
		return IPC_GATE_LAPSED;
	if ((needs & COTERIE_NEEDS_FLOW) == 0)
		return IPC_GATE_OPEN;
	return server->plugin->is_held || is_synchronizing(ipc) ? IPC_GATE_CLOSED : IPC_GATE_OPEN;
}

static enum qbs_rate rate_of(const struct ipc_server *server)
{
	const struct ipc *ipc = server->ipc;

	if (server->needs_quorum && !ipc->is_quorate)
		return QBS_RATE_OFF;
	/* Requests of a quorum provider are read: quorum devices call it during a synchronisation, too. */
	if ((ipc->is_synchronizing || server->plugin->is_held) && !is_provider(server))
		return QBS_RATE_OFF_2;
	switch (ipc->level) {
	case IPC_LEVEL_LOW:
		return QBS_RATE_FAST;
	case IPC_LEVEL_GOOD:
		return QBS_RATE_NORMAL;
	case IPC_LEVEL_HIGH:
		return QBS_RATE_SLOW;
	case IPC_LEVEL_CRITICAL:
		return QBS_RATE_OFF_2;
	}
	return QBS_RATE_OFF_2;
}

static void rate_later(struct ipc *ipc);

/* With thousands of clients, change their flow control words in several turns of the loop. */
static void on_rate_timer(void *arg)
{
	struct ipc *ipc = arg;
	bool is_left = false;

	ipc->rate_timer = NULL;
	for (struct ipc_server *server = ipc->servers; server != NULL && !is_left; server = server->next)
		is_left = qbs_server_rate_step(server->service);
	if (is_left)
		rate_later(ipc);
}

static void rate_later(struct ipc *ipc)
{
	struct loop *loop = ipc->parts.loop;

	if (ipc->rate_timer == NULL)
		ipc->rate_timer = loop_timer_add(loop, loop_now_ns(loop), on_rate_timer, ipc);
	/* Without memory for a timer, change all of them now. */
	for (struct ipc_server *server = ipc->servers; ipc->rate_timer == NULL && server != NULL; server = server->next)
		while (qbs_server_rate_step(server->service))
			;
}

void ipc_gate_apply(struct ipc_server *server)
{
	server->rate = rate_of(server);
	if (qbs_server_rate(server->service, server->rate))
		rate_later(server->ipc);
}

void ipc_server_gate(struct ipc_server *server)
{
	ipc_gate_apply(server);
	if (server->ipc->kept != NULL || server->ipc->is_room_due)
		ipc_turn_later(server->ipc);
}

static void on_gate_timer(void *arg)
{
	struct ipc *ipc = arg;

	ipc->gate_timer = NULL;
	ipc->resume(ipc);
	ipc_gate(ipc);
	ipc_gate_check_later(ipc);
}

void ipc_gate_check_later(struct ipc *ipc)
{
	struct loop *loop = ipc->parts.loop;
	bool is_critical = ipc->level == IPC_LEVEL_CRITICAL;

	if (ipc->gate_timer != NULL || (!is_critical && ipc->kept == NULL))
		return;
	ipc->gate_timer = loop_timer_add(
		loop, loop_now_ns(loop) + (is_critical ? CRITICAL_CHECK_NS : KEPT_CHECK_NS), on_gate_timer, ipc);
}

void ipc_gate(struct ipc *ipc)
{
	enum ipc_level level = current_level(ipc);
	bool is_held_up = is_synchronizing(ipc), is_quorate = *ipc->parts.is_quorate, is_decided = has_verdict(ipc);

	if (level == ipc->level && is_held_up == ipc->is_synchronizing && is_quorate == ipc->is_quorate &&
		is_decided == ipc->is_decided)
		return;
	ipc->level = level;
	ipc->is_synchronizing = is_held_up;
	ipc->is_quorate = is_quorate;
	ipc->is_decided = is_decided;
	for (struct ipc_server *server = ipc->servers; server != NULL; server = server->next) {
		if (rate_of(server) != server->rate)
			ipc_gate_apply(server);
	}
	if (ipc->kept != NULL || ipc->is_room_due)
		ipc_turn_later(ipc);
	ipc_gate_check_later(ipc);
}

void ipc_room(struct ipc *ipc)
{
	if (ipc->kept != NULL)
		ipc_turn_later(ipc);
	ipc_gate(ipc);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lease: whether this node recently had contact with a majority of the cluster. Without contact, requests that
 * need quorum wait (ipc_gate.c). The engine measures the lease by the monotonic clock, which stops while the
 * host is suspended. This file detects that.
 */
#include "exec/ring/ring_private.h"

#include "exec/loop/loop.h"

/* The two clocks are read one after the other, so a difference below this is no suspend. */
#define SUSPEND_MIN_NS UINT64_C(10000000)

void ring_lease_init(struct ring *ring) { ring->suspended_ns = loop_suspended_ns(ring->parts.loop); }

/*
 * @return true: the host was suspended since the last call. If the engine is running, it is informed by a later call.
 */
static bool was_suspended(struct ring *ring, uint64_t now_ns)
{
	uint64_t suspended_ns = loop_suspended_ns(ring->parts.loop);

	if (suspended_ns <= ring->suspended_ns + SUSPEND_MIN_NS) {
		if (suspended_ns > ring->suspended_ns)
			ring->suspended_ns = suspended_ns;
		return false;
	}
	if (ring->inside == 0) {
		ring->suspended_ns = suspended_ns;
		ring->inside++;
		totem_engine_transport(ring->engine, now_ns, TOTEM_EVENT_STOPPED, 0);
		ring->inside--;
	}
	return true;
}

bool ring_has_lease(struct ring *ring)
{
	if (ring == NULL || !ring->listener.needs_lease(ring->listener.arg))
		return true;
	/* After this node has left, it has no lease: the other members go on without it. */
	if (ring->engine == NULL)
		return !ring->has_left;
	uint64_t now_ns = loop_now_ns(ring->parts.loop);

	return !was_suspended(ring, now_ns) && totem_engine_has_lease(ring->engine, now_ns);
}

void ring_set_votes(struct ring *ring, const struct coterie_quorum *verdict)
{
	const struct ring_id id = {.rep = verdict->ring.representative, .seq = verdict->ring.seq};

	if (ring->engine != NULL)
		totem_engine_set_votes(ring->engine, &id, verdict->votes, verdict->member_count, verdict->needed);
}

/* --- requests that wait for the lease --- */

static void on_gate(void *arg)
{
	struct ring *ring = arg;

	ring->is_gate_due = false;
	ring->listener.lease(ring->listener.arg);
}

void ring_lease_changed(struct ring *ring)
{
	/* Out of memory: the timer of the kept requests checks the lease later. */
	if (!ring->is_gate_due)
		ring->is_gate_due = loop_defer(ring->parts.loop, on_gate, ring) == 0;
}

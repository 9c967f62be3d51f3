/* SPDX-License-Identifier: BSD-3-Clause */
/* Reserves ring sequence numbers on disk while the ring is quiet. */
#include "exec/ring/ring_private.h"

#include <string.h>

#include "exec/log/log.h"
#include "exec/loop/loop.h"

#define EXIT_RING_ID 21
#define SECOND_NS UINT64_C(1000000000)
#define QUIET_SECONDS 5u   /* seconds without a change of the ring */
#define SPREAD_SECONDS 16u /* range of an additional delay, so that members do not write at the same time */
#define RETRY_SECONDS 60u

static void store_ahead(void *arg);

static void arm(struct ring *ring, uint64_t seconds)
{
	struct loop *loop = ring->parts.loop;

	loop_timer_del(loop, ring->seq_timer);
	ring->seq_timer = loop_timer_add(loop, loop_now_ns(loop) + seconds * SECOND_NS, store_ahead, ring);
}

/* Reserve numbers. If the disk is full, the ring goes on with the numbers that are left. */
static void store_ahead(void *arg)
{
	struct ring *ring = arg;

	ring->seq_timer = NULL;
	if (ring->engine == NULL || totem_engine_state(ring->engine) != TOTEM_OPERATIONAL)
		return; /* the next configuration arms the timer */

	int rc = ring_seq_store_ahead(&ring->seq);

	if (rc == 0) {
		ring->has_seq_failed = false;
		return;
	}
	if (!ring->has_seq_failed)
		log_line("TOTEM", LOG_WARNING,
			"Couldn't store ring ids ahead to stable storage in '%s' (%s): this node can join about %llu more "
			"rings; check the folder and its file system",
			ring->seq.dir, strerror(-rc), (unsigned long long)(ring->seq.stored - ring->seq.used) / 4);
	ring->has_seq_failed = true;
	arm(ring, RETRY_SECONDS);
}

void ring_store_start(struct ring *ring)
{
	/* If this fails, it is tried again when the first ring is formed, and reported then. */
	(void)ring_seq_store_ahead(&ring->seq);
}

void ring_store_configured(struct ring *ring)
{
	if (ring_seq_is_low(&ring->seq))
		arm(ring, QUIET_SECONDS + ring->options.nodeid % SPREAD_SECONDS);
}

void ring_store_stop(struct ring *ring)
{
	loop_timer_del(ring->parts.loop, ring->seq_timer);
	ring->seq_timer = NULL;
}

int ring_store_id(struct ring *ring, const struct ring_id *id)
{
	int rc = ring_seq_use(&ring->seq, id->seq);

	if (rc < 0) {
		log_line("TOTEM", LOG_ERR,
			"Couldn't store new ring id %llx to stable storage in '%s' (%s): check the folder and "
			"its file system",
			(unsigned long long)id->seq, ring->seq.dir, strerror(-rc));
		ring->listener.stop(ring->listener.arg, EXIT_RING_ID);
	}
	return rc;
}

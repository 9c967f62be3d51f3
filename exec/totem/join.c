/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When a node sends joins: book membership, "Joins" and book membership, "Crowds".
 *
 * Each join of another node can change the lists. If a node sent its own join after each change, it would send up to as
 * many joins as there are nodes. All nodes together would send up to the cube of their number. So in a crowd a node
 * collects the changes of a short time, which grows with the number of candidates, and sends them in one join. Then all
 * nodes together send a small multiple of their number.
 */
#include "exec/totem/join.h"

#include <assert.h>

#include "exec/totem/frame.h"
#include "exec/totem/state.h"

#define JOIN_ROUNDS_QUICK 3u
#define JOIN_CROWD 16u /* with this many candidates joins are sent less often after a while */
/* In a crowd, for each candidate: the time between two joins, and the largest random time that is added to it. */
#define JOIN_GAP_NS (TOTEM_JOIN_WAIT_NS - JOIN_SPREAD_NS)
#define JOIN_SPREAD_NS (TOTEM_JOIN_WAIT_NS / 5)
/*
 * In a crowd on machines that are too busy, the time between two joins as a multiple of how late the timer ran, and the
 * longest such time. Each join costs all nodes time, so more of them would make all nodes later still.
 */
#define JOIN_LATE_GAPS 4u
#define JOIN_LATE_GAP_MAX_NS UINT64_C(200000000)
/* A gather that begins so long after the last join knows nothing of the machine. */
#define JOIN_LATE_FORGET_NS UINT64_C(1000000000)

static size_t join_size(uint32_t count) { return 33 + 4 * (size_t)count + 16; /* with Coterie's trailer */ }

static void multicast_join(struct totem_engine *engine)
{
	uint32_t me = engine->options.nodeid;
	size_t size = join_size(engine->lists.proc.count + engine->lists.failed.count);
	struct coterie_frame *frame = frame_take(engine->pool, size);

	if (frame == NULL)
		return; /* T-join tries again */
	frame->size = (uint32_t)wire_encode_join(me, me, engine->ring.seq, engine->lists.proc.ids,
		engine->lists.proc.count, engine->lists.failed.ids, engine->lists.failed.count,
		extension_of_join(engine), engine->options.swap, frame->data, frame->capacity);
	assert(frame->size > 0);
	engine->counters.join_tx++;
	engine->joins.sent_ns = engine->now_ns;
	multicast_frame(engine, frame);
}

void join_begin(struct totem_engine *engine)
{
	engine->joins.rounds = 0;
	if (engine->now_ns - engine->joins.sent_ns > JOIN_LATE_FORGET_NS)
		engine->joins.late_ns = 0;
	timer_set(engine, TOTEM_TIMER_JOIN, engine->options.join_ns);
}

void join_send(struct totem_engine *engine)
{
	if (engine->state == TOTEM_GATHER)
		multicast_join(engine);
}

void join_delayed_expired(struct totem_engine *engine)
{
	const uint64_t most_ns = JOIN_LATE_GAP_MAX_NS / JOIN_LATE_GAPS;
	uint64_t late_ns = engine->now_ns > engine->joins.due_ns ? engine->now_ns - engine->joins.due_ns : 0;

	if (late_ns > most_ns)
		late_ns = most_ns;
	engine->joins.late_ns = late_ns > engine->joins.late_ns / 2 ? late_ns : engine->joins.late_ns / 2;
	join_send(engine);
}

bool join_is_crowd(const struct totem_engine *engine)
{
	return engine->lists.proc.count > engine->options.join_crowd ||
	       engine->known.count > engine->options.join_crowd;
}

/* Return the least time between two joins of this node in a crowd. */
static uint64_t crowd_gap(const struct totem_engine *engine)
{
	uint64_t gap_ns = engine->lists.proc.count * JOIN_GAP_NS;
	uint64_t late_gap_ns = engine->joins.late_ns * JOIN_LATE_GAPS;

	return late_gap_ns > gap_ns ? late_gap_ns : gap_ns;
}

/*
 * Return how long the next join waits in a crowd: the rest of the gap since the last join, and a random time. Without
 * that the joins of all nodes would arrive in the sockets of each node at the same time.
 */
static uint64_t crowd_delay(struct totem_engine *engine)
{
	uint64_t next_ns = engine->joins.sent_ns + crowd_gap(engine);
	uint64_t delay_ns = next_ns > engine->now_ns ? next_ns - engine->now_ns : 0;

	delay_ns += core_random(engine) % (engine->lists.proc.count * JOIN_SPREAD_NS);
	engine->joins.due_ns = engine->now_ns + delay_ns;
	return delay_ns;
}

void join_schedule(struct totem_engine *engine, bool is_prompted)
{
	if (engine->options.send_join_ns != 0) {
		uint64_t delay_ns = core_random(engine) % (engine->options.send_join_ns + 1);

		engine->joins.due_ns = engine->now_ns + delay_ns;
		timer_set(engine, TOTEM_TIMER_SEND_JOIN, delay_ns);
	} else if (!is_prompted || !join_is_crowd(engine)) {
		timer_cancel(engine,
			TOTEM_TIMER_SEND_JOIN); /* the join that is sent now makes the delayed join unnecessary */
		multicast_join(engine);
	} else if (!timer_is_set(engine, TOTEM_TIMER_SEND_JOIN)) {
		timer_set(engine, TOTEM_TIMER_SEND_JOIN, crowd_delay(engine));
	}
}

void join_hurry(struct totem_engine *engine)
{
	if (engine->options.send_join_ns == 0 && timer_is_set(engine, TOTEM_TIMER_SEND_JOIN))
		join_schedule(engine, false);
}

/*
 * Send the join again every 50 ms, as Corosync does. So a path that works again shortly before the consensus timeout is
 * noticed in time. With many candidates the gaps are 50, 50, 50, 100, 200, 200, … ms, to save packets
 * (book failure, "Stale joins").
 */
void join_expired(struct totem_engine *engine)
{
	uint64_t period_ns = engine->options.join_ns;

	if (engine->state != TOTEM_GATHER)
		return;
	join_schedule(engine, true);
	engine->joins.rounds++;
	if (engine->joins.rounds >= JOIN_ROUNDS_QUICK && engine->lists.proc.count >= JOIN_CROWD)
		period_ns *= engine->joins.rounds == JOIN_ROUNDS_QUICK ? 2 : 4;
	timer_set(engine, TOTEM_TIMER_JOIN, period_ns);
}

void join_leave(struct totem_engine *engine)
{
	uint32_t me = engine->options.nodeid;
	uint32_t proc[WIRE_NODES_MAX];
	uint32_t failed[WIRE_NODES_MAX + 1];
	uint32_t proc_count = 0;
	uint32_t failed_count = 0;

	for (uint32_t i = 0; i < engine->lists.proc.count; i++) {
		if (engine->lists.proc.ids[i] != me)
			proc[proc_count++] = engine->lists.proc.ids[i];
	}
	/* This node's id must be the last failed entry, so leave it out here. */
	for (uint32_t i = 0; i < engine->lists.failed.count; i++) {
		if (engine->lists.failed.ids[i] != me)
			failed[failed_count++] = engine->lists.failed.ids[i];
	}
	if (failed_count == WIRE_NODES_MAX)
		failed_count--;
	failed[failed_count++] = me;

	struct coterie_frame *frame = frame_take(engine->pool, join_size(proc_count + failed_count));

	if (frame == NULL)
		return; /* the other members will lose the token, and so notice that this node has left */
	frame->size = (uint32_t)wire_encode_join(0, me, engine->ring.seq, proc, proc_count, failed, failed_count,
		extension_of_join(engine), engine->options.swap, frame->data, frame->capacity);
	assert(frame->size > 0);
	engine->counters.join_tx++;
	multicast_frame(engine, frame);
}

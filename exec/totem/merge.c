/* Packets of other rings, and merge detects of this one: book membership, "Merge". */
#include "exec/totem/state.h"

#include <assert.h>

#include "exec/totem/frame.h"

#define ASK_GAP_NS (100 * MILLISECOND_NS)

static uint64_t strangers_from_ns(const struct totem_engine *engine)
{
	uint64_t wait_ns = engine->memb.count * TOTEM_STRANGER_WAIT_NS;
	uint64_t most_ns = engine->options.consensus_ns / 4; /* a stranger that gathers has to be heard before it gives up */

	if (most_ns > TOTEM_STRANGER_WAIT_MAX_NS)
		most_ns = TOTEM_STRANGER_WAIT_MAX_NS;
	return engine->installed_ns + (wait_ns < most_ns ? wait_ns : most_ns);
}

bool merge_is_early(struct totem_engine *engine, uint32_t node)
{
	uint64_t from_ns = strangers_from_ns(engine);

	if (engine->state != TOTEM_OPERATIONAL || engine->now_ns >= from_ns || node_set_has(&engine->memb, node) ||
		!join_is_crowd(engine))
		return false;
	/* A stranger that is alone may be silent by then, until it hears of this ring. */
	if (engine_is_rep(engine) && engine->timer_at_ns[TOTEM_TIMER_MERGE] > from_ns)
		timer_set(engine, TOTEM_TIMER_MERGE, from_ns - engine->now_ns);
	return true;
}

void merge_foreign(
	struct totem_engine *engine, uint32_t node, const struct ring_id *ring, bool is_frame)
{
	if (TOTEM_MUTANT(engine, MERGE_DEAF) && engine->state == TOTEM_OPERATIONAL)
		return;
	if (!engine_knows(engine, node)) {
		engine_refuse(engine, is_frame ? TOTEM_REFUSED_FRAME : TOTEM_REFUSED_JOIN, node);
		return;
	}
	if (node == engine->options.nodeid)
		return; /* from a former run of this node, or forged: there is no such ring */
	/* A join of that ring would not be believed either. So a gather would be of no use. */
	if (!claim_is_believed(engine, ring->seq, RING_SEQ_COMMIT_MAX)) {
		engine_refuse(engine, TOTEM_REFUSED_SEQ, node);
		return;
	}

	struct peer *peer = peer_get(engine, node);

	if (peer != NULL)
		peer->heard_ns = engine->now_ns;
	if (engine->is_pausing)
		return;
	claim_heard(engine, node, ring->seq);
	if (peer_is_ignored(engine, node)) {
		if (peer != NULL && !engine->is_cut)
			suspect_ask(engine, peer, ASK_GAP_NS);
		return;
	}
	if (merge_is_early(engine, node))
		return;
	/* A late packet: a node that committed to this ring sends nothing on an older one. */
	if (engine->state == TOTEM_OPERATIONAL && node_set_has(&engine->memb, node) &&
		ring->seq < engine->ring.seq)
		return;

	switch (engine->state) {
	case TOTEM_OPERATIONAL:
		set_add(&engine->proc, node);
		gather_enter(
			engine, is_frame ? GATHER_FOREIGN_OPERATIONAL : GATHER_MERGE_OPERATIONAL);
		break;
	case TOTEM_GATHER:
		if (node_set_has(&engine->proc, node))
			break;
		set_add(&engine->proc, node);
		gather_enter(engine, is_frame ? GATHER_FOREIGN_GATHER : GATHER_MERGE_GATHER);
		break;
	case TOTEM_COMMIT:
	case TOTEM_RECOVERY:
		if (is_frame)
			engine->counters.rx_msg_dropped++;
		break;
	}
}

void merge_detect(struct totem_engine *engine, struct coterie_frame *frame)
{
	struct wire_merge_detect merge;
	enum wire_refusal refusal = wire_decode_merge_detect(frame->data, frame->size, &merge);

	if (refusal != WIRE_OK) {
		engine_refuse(engine, refusal, 0);
		return;
	}
	if (!ring_id_equal(&merge.ring, &engine->ring))
		merge_foreign(engine, merge.system_from, &merge.ring, false);
}

void merge_expired(struct totem_engine *engine)
{
	if (engine->state != TOTEM_OPERATIONAL || !engine_is_rep(engine))
		return;

	struct coterie_frame *frame = frame_take(engine->pool, WIRE_HEADER_SIZE + 16);

	if (frame == NULL)
		return; /* the next one will come */

	const struct wire_merge_detect merge = {
		.system_from = engine->options.nodeid,
		.ring = engine->ring,
	};

	frame->size = (uint32_t)wire_encode_merge_detect(
		&merge, engine->options.swap, frame->data, frame->capacity);
	assert(frame->size > 0);
	engine->counters.merge_detect_tx++;
	engine->merged_seq = engine->ring.seq;
	engine_multicast(engine, frame);
}

/* Silence budgets between two merge detects. With a budget the token of an idle ring comes more often than they must. */
#define BUDGETS_INCOMPLETE 2u  /* while a configured node is missing */
#define BUDGETS_COMPLETE 20u   /* while all are members: a node that goes to another ring sends joins first */

static uint64_t gap_ns(const struct totem_engine *engine)
{
	const struct totem_options *options = &engine->options;
	bool is_complete = engine->known.count > 0 && node_set_contains(&engine->memb, &engine->known);

	return options->merge_ns + (is_complete ? BUDGETS_COMPLETE : BUDGETS_INCOMPLETE) * options->silence_ns;
}

/*
 * Only the representative sends merge detects. T-merge sends the first one of a ring. Each packet wakes up all
 * nodes, so later ones leave together with the token.
 */
void merge_idle(struct totem_engine *engine)
{
	if (!engine_is_rep(engine))
		return;
	if (engine->merged_seq != engine->ring.seq) {
		if (!timer_is_set(engine, TOTEM_TIMER_MERGE))
			timer_set(engine, TOTEM_TIMER_MERGE, engine->options.merge_ns);
		return;
	}
	if (engine->merge_at_ns == 0)
		engine->merge_at_ns = engine->now_ns + gap_ns(engine);
	if (engine->is_holding || engine->now_ns < engine->merge_at_ns)
		return;
	engine->merge_at_ns = 0;
	merge_expired(engine);
}

void merge_busy(struct totem_engine *engine)
{
	engine->merge_at_ns = 0;
	timer_cancel(engine, TOTEM_TIMER_MERGE);
}

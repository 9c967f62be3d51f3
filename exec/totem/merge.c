/* SPDX-License-Identifier: BSD-3-Clause */
/* Handle packets of other rings, frames and merge detects: book membership, "Merge". */
#include "exec/totem/merge.h"

#include "exec/totem/frame.h"
#include "exec/totem/state.h"

#define ASK_GAP_NS (100 * MILLISECOND_NS)

void merge_foreign(struct totem_engine *engine, uint32_t node, const struct ring_id *ring, bool is_frame)
{
	if (TOTEM_MUTANT(engine, MERGE_DEAF) && engine->state == TOTEM_OPERATIONAL)
		return;
	if (!core_knows(engine, node)) {
		core_refuse(engine, is_frame ? TOTEM_REFUSED_FRAME : TOTEM_REFUSED_JOIN, node);
		return;
	}
	if (node == engine->options.nodeid)
		return; /* the packet is from an earlier run of this node, or forged: there is no such ring */
	/* A join with the seq of that ring would be refused as well. So a gather would be of no use. */
	if (!claim_is_believed(engine, ring->seq, RING_SEQ_COMMIT_MAX)) {
		core_refuse(engine, TOTEM_REFUSED_SEQ, node);
		return;
	}

	struct peer *peer = peer_get(engine, node);

	if (peer != NULL)
		peer->heard_ns = engine->now_ns;
	if (engine->pause.is_pausing)
		return;
	claim_heard(engine, node, ring->seq);
	if (backoff_is_ignored(engine, node)) {
		if (peer != NULL && !engine->is_cut)
			probe_ask_again(engine, peer, ASK_GAP_NS);
		return;
	}
	if (announce_is_early(engine, node))
		return;
	/* The packet is late: a node that committed to the present ring sends none of an older ring. */
	if (engine->state == TOTEM_OPERATIONAL && node_set_has(&engine->installed.memb, node) &&
		ring->seq < engine->ring.seq)
		return;

	switch (engine->state) {
	case TOTEM_OPERATIONAL:
		lists_add(engine, node);
		gather_enter(engine, is_frame ? GATHER_FOREIGN_OPERATIONAL : GATHER_MERGE_OPERATIONAL);
		break;
	case TOTEM_GATHER:
		if (node_set_has(&engine->lists.proc, node))
			break;
		lists_add(engine, node);
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
		core_refuse(engine, refusal, 0);
		return;
	}
	if (ring_id_equal(&merge.ring, &engine->ring))
		lease_plain(engine, merge.system_from);
	else
		merge_foreign(engine, merge.system_from, &merge.ring, false);
}

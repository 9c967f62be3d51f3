/* SPDX-License-Identifier: BSD-3-Clause */
/* Request missing frames with the token, and answer requests: book ring, "Hold and retransmission". */
#include "exec/totem/retransmit.h"

#include "exec/totem/state.h"

/*
 * Most requests of other rings that are left in the token, as Corosync leaves them. Members write none. A forged token can
 * bring so many that no true request finds a place.
 */
#define FOREIGN_MAX 8u

uint32_t retransmit_answer(struct totem_engine *engine, struct wire_token *token, uint32_t allowed)
{
	struct store *store = core_store(engine);
	uint32_t sent = 0;
	uint32_t kept = 0, foreign = 0;

	for (uint32_t i = 0; i < token->rtr_count; i++) {
		struct wire_rtr rtr = token->rtr[i];
		struct store_slot *slot = store_find(store, rtr.seq);

		if (!ring_id_equal(&rtr.ring, &engine->ring)) {
			if (foreign++ < FOREIGN_MAX)
				token->rtr[kept++] = rtr;
			continue;
		}
		if (aru_covers(&engine->aru, rtr.seq))
			continue; /* the request is out of date: all members have the frame */
		if (TOTEM_MUTANT(engine, RETRANSMIT_IGNORED))
			continue;
		if (slot == NULL || sent == allowed) {
			token->rtr[kept++] = rtr;
			continue;
		}
		multicast_add(engine, slot->frame);
		sent++;
		engine->counters.mcast_retx++;
		core_trace_frame(engine, TOTEM_TRACE_RETRANSMITTED, &engine->ring, rtr.seq, slot->source);
	}
	token->rtr_count = kept;
	return sent;
}

static bool is_requested(const struct totem_engine *engine, const struct wire_token *token, uint32_t seq)
{
	for (uint32_t i = 0; i < token->rtr_count; i++) {
		if (token->rtr[i].seq == seq && ring_id_equal(&token->rtr[i].ring, &engine->ring))
			return true;
	}
	return false;
}

/*
 * Return after how many visits a missing frame is requested. All frames of a visit are sent before the token, or right
 * behind it (early.c). So a frame that was also missing one rotation ago is lost. A higher limit helps only in networks
 * that deliver packets much later than newer ones.
 */
static uint32_t miss_limit(const struct totem_engine *engine)
{
	uint32_t limit = engine->options.miss_count_const;

	return limit < 2 && engine->flow.window.rotations <= 1 ? limit : 2;
}

void retransmit_request(struct totem_engine *engine, struct wire_token *token)
{
	struct store *store = core_store(engine);
	uint32_t limit = miss_limit(engine);

	if (TOTEM_MUTANT(engine, REQUEST_NONE))
		return;
	for (uint32_t seq = store->aru + 1;
		seq_compare(seq, token->seq) <= 0 && token->rtr_count < WIRE_RTR_MAX && store_fits(store, seq); seq++) {
		struct store_slot *slot = store_slot(store, seq);

		if (slot->frame != NULL)
			continue;
		store->touched = seq_max(store->touched, seq);
		if (slot->miss < UINT8_MAX)
			slot->miss++;
		if (slot->miss < limit || is_requested(engine, token, seq))
			continue;
		token->rtr[token->rtr_count++] = (struct wire_rtr){.ring = engine->ring, .seq = seq};
		core_trace_frame(engine, TOTEM_TRACE_REQUESTED, &engine->ring, seq, 0);
	}
}

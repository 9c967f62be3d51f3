/* SPDX-License-Identifier: BSD-3-Clause */
/* Find out from the aru fields of the last tokens which frames all members have: book ring, "The aru". */
#include "exec/totem/aru.h"

#include "exec/totem/state.h"

#define PACE_FREE 16u /* the part of the visits of a Corosync node that are as fast as the network */
/*
 * A frame that was lost is repeated within so many visits. With a smaller fail_recv_const a rotation would be long, and the
 * ring would wait for each lost frame. So it stays fast.
 */
#define PACE_FREE_MIN 32u

void aru_installed(struct totem_engine *engine)
{
	engine->aru.prev = engine->aru.last = engine->options.first_seq - 1;
	engine->aru.known = 0;
}

void aru_begin(struct totem_engine *engine)
{
	aru_installed(engine);
	engine->aru.count = 0;
}

void aru_note(struct totem_engine *engine, const struct wire_token *token)
{
	engine->aru.prev = engine->aru.last;
	engine->aru.last = token->aru;
	if (engine->aru.known < 2)
		engine->aru.known++;
}

/*
 * Count the visits at which the aru stands still. On a fast network that number of visits is a fraction of a second. So
 * the aru must also stand still for a token timeout, and the token must say that this node has lowered it.
 */
bool aru_stands_still(struct totem_engine *engine, const struct wire_token *token, uint32_t before)
{
	if (token->aru != before || token->aru_addr == 0) {
		engine->aru.count = 0;
		return false;
	}
	if (engine->aru.count++ == 0)
		engine->aru.since_ns = engine->now_ns;
	return engine->aru.count > engine->options.fail_recv_const && token->aru_addr == engine->options.nodeid &&
	       (engine->now_ns - engine->aru.since_ns >= engine->options.token_ns || TOTEM_QUIRK(engine, FAILS_EARLY));
}

/*
 * A Corosync node that lacks a frame leaves the ring after so many visits, which may be a fraction of a second. Frames of
 * one node may not reach another one for a second, without a fault of either. When a link is up again, the kernel asks for
 * an address once a second. So from some visits on each rotation takes its part of the token timeout.
 */
uint64_t aru_pace_ns(const struct totem_engine *engine)
{
	const struct totem_options *options = &engine->options;
	uint32_t free_visits = options->fail_recv_const / PACE_FREE;
	uint64_t passed = engine->now_ns - engine->pass.sent_ns;

	if (engine->installed.features != 0 || free_visits < PACE_FREE_MIN || engine->aru.count <= free_visits)
		return 0;

	uint64_t rotation = options->token_ns / (options->fail_recv_const - free_visits);

	return passed < rotation ? rotation - passed : 0;
}

bool aru_is_lacking(const struct totem_engine *engine, const struct wire_token *token)
{
	const struct aru *aru = &engine->aru;
	bool has_moved = aru->known < 2 || aru->prev != aru->last || aru->count == 0;

	if (!has_moved && engine->now_ns - aru->since_ns >= 2 * engine->options.token_ns)
		return false;
	return aru->known < 2 || aru->prev != token->seq || aru->last != token->seq;
}

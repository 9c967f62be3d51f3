/* SPDX-License-Identifier: BSD-3-Clause */
/* Find out from the aru fields of the last tokens which frames all members have: book ring, "The aru". */
#include "exec/totem/aru.h"

#include "exec/totem/state.h"

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
	       engine->now_ns - engine->aru.since_ns >= engine->options.token_ns;
}

bool aru_is_lacking(const struct totem_engine *engine, const struct wire_token *token)
{
	const struct aru *aru = &engine->aru;
	bool has_moved = aru->known < 2 || aru->prev != aru->last || aru->count == 0;

	if (!has_moved && engine->now_ns - aru->since_ns >= 2 * engine->options.token_ns)
		return false;
	return aru->known < 2 || aru->prev != token->seq || aru->last != token->seq;
}

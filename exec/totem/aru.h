/* SPDX-License-Identifier: BSD-3-Clause */
/* The aru fields of the last tokens, which show what frames all members have. */
#ifndef TOTEM_ARU_H
#define TOTEM_ARU_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/ring_id.h"
#include "exec/totem/wire.h"

struct totem_engine;

/* The aru fields of accepted tokens, as received. Only aru.c changes the members. */
struct aru {
	uint32_t prev, last; /* aru of the last two accepted tokens */
	uint32_t known;      /* how many of prev and last are from this ring */
	uint32_t count;      /* visits in a row at which the aru stood still */
	uint64_t since_ns;   /* time of the first of these visits */
};

void aru_begin(struct totem_engine *engine);                                /* call when RECOVERY is entered */
void aru_installed(struct totem_engine *engine);                            /* tokens of the recovery count no longer */
void aru_note(struct totem_engine *engine, const struct wire_token *token); /* call when a token was accepted */
/** Return whether all members are known to have all frames up to seq. Called for each frame. */
static inline bool aru_covers(const struct aru *aru, uint32_t seq)
{
	return aru->known == 2 && seq_compare(seq, seq_min(aru->prev, aru->last)) <= 0;
}

/**
 * Return whether this node must leave the ring, since it cannot receive: book ring, "The aru".
 *
 * @param token   as this node sends it on
 * @param before  the aru of the token when it arrived
 */
bool aru_stands_still(struct totem_engine *engine, const struct wire_token *token, uint32_t before);

/**
 * Return for how long this node keeps the token, in ns, so that a Corosync node gets the frames that it lacks in time, or
 * 0: book ring, "The aru". Call it in OPERATIONAL.
 */
uint64_t aru_pace_ns(const struct totem_engine *engine);

/**
 * Return whether a member may lack a frame that it can get in the next rotation. The token need not have a request for
 * the frame: another member may have answered the request, and the frame was lost again. Return false if the aru has
 * stood still for two token timeouts: the token can be held then, although a member lacks frames.
 */
bool aru_is_lacking(const struct totem_engine *engine, const struct wire_token *token);

#endif

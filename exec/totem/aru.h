/* SPDX-License-Identifier: BSD-3-Clause */
/* Proofs of the last tokens: frames that all members have. */
#ifndef TOTEM_ARU_H
#define TOTEM_ARU_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/ring_id.h"
#include "exec/totem/wire.h"

struct totem_engine;

/* The aru fields of accepted tokens. Only aru.c changes the members. */
struct aru {
	uint32_t prev, last; /* of the last two accepted tokens, as received */
	uint32_t known;      /* how many of these two are valid on this ring */
	uint32_t count;      /* visits in a row at which it stood still */
	uint64_t since_ns;   /* the first of these */
};

void aru_begin(struct totem_engine *engine);     /* RECOVERY was entered */
void aru_installed(struct totem_engine *engine); /* tokens of the recovery prove nothing any more */
void aru_note(struct totem_engine *engine, const struct wire_token *token); /* it was accepted */
/** Return whether all members are known to have all frames up to seq. Called for each frame. */
static inline bool aru_covers(const struct aru *aru, uint32_t seq)
{
	return aru->known == 2 && seq_compare(seq, seq_min(aru->prev, aru->last)) <= 0;
}

/**
 * Return whether this node cannot receive: book ring, "The aru".
 *
 * @param token   as this node sends it on
 * @param before  aru of the token before, as received
 */
bool aru_stands_still(struct totem_engine *engine, const struct wire_token *token, uint32_t before);

/**
 * Return whether a member may lack a frame that it can get in the next rotation. The token need not have a request for it: a
 * member between the one that lacks the frame and this one may have answered it in vain. A member that has received nothing
 * for two token timeouts gets no more than the rotations of an idle ring. If its count of rotations is reached, it has taken
 * itself out by then.
 */
bool aru_is_lacking(const struct totem_engine *engine, const struct wire_token *token);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a lone sender keeps the token. */
#ifndef TOTEM_LINGER_H
#define TOTEM_LINGER_H

#include <stdbool.h>

#include "exec/totem/wire.h"

struct totem_engine;

/* Whether this node, or another member, is a lone sender. Only linger.c changes the members. */
struct linger {
	bool has_more;            /* the user has more messages than the last visit took */
	bool has_lingered;        /* a member kept the token in the rotation before the last one */
	bool is_last_ours;        /* in the last rotation with frames this node was the only sender */
	uint64_t until_ns;        /* until this time this node keeps the token */
	uint64_t gather_until_ns; /* at this time the frames in the outbox are sent */
	uint32_t lone;            /* rotations in a row without another sender and without loss */
	uint32_t silent;          /* visits in a row at which this node sent nothing */
	uint32_t seen;            /* `lingers` of the last token */
};

void linger_reset(struct totem_engine *engine);                                /* call when a ring begins */
void linger_note(struct totem_engine *engine, const struct wire_token *token); /* call when a token was accepted */
/** Return whether to keep the token at the end of a visit. */
bool linger_is_due(const struct totem_engine *engine);
void linger_begin(struct totem_engine *engine, struct wire_token *token);
/** Note whether the user has more messages than this visit took. */
void linger_note_more(struct totem_engine *engine, bool has_more);
void linger_note_cancel(struct totem_engine *engine); /* note that this node sends a hold cancel */
/** Let the frames that are queued from now on wait for later ones, unless frames wait already. */
void linger_gather(struct totem_engine *engine);
/**
 * Return whether the next turn follows at once, so that the frames in the outbox are sent together with those of that
 * turn.
 */
bool linger_is_gathering(const struct totem_engine *engine);
/** Return whether another member may be keeping the token. */
bool linger_is_likely(const struct totem_engine *engine);

#endif

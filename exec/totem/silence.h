/* SPDX-License-Identifier: BSD-3-Clause */
/* Silence of members, and how long it may last (silence budget). */
#ifndef TOTEM_SILENCE_H
#define TOTEM_SILENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/engine.h"

struct peer;

/* Reasons for more patience with silent members. Only silence.c uses the members. */
struct silence {
	/* The ring was idle at the last visit, so the representative keeps the token for a while. */
	bool was_held;
	uint64_t late_ns;       /* by how much timers of this node were late recently */
	uint64_t late_until_ns; /* until this time late_ns gives other members more time */
};

/** Return how long the member may be silent before it is removed. */
uint64_t silence_budget(const struct totem_engine *engine, const struct peer *peer);
/** Return when the member was heard last. */
uint64_t silence_since(const struct totem_engine *engine, const struct peer *peer);
/** Return how long the member has been silent. */
uint64_t silence_of(const struct totem_engine *engine, const struct peer *peer);
/** Return what the host of a silent member showed last. UNKNOWN: the member was heard since. */
enum totem_witness silence_witness(const struct totem_engine *engine, const struct peer *peer, uint64_t now_ns);
void silence_note_hold(struct totem_engine *engine, bool is_held); /* call when a visit has ended */
/** Note that a timer of this node ran late_ns too late. */
void silence_late(struct totem_engine *engine, uint64_t late_ns);
/** Return whether a vote of this node to remove the member may still count at another member. */
bool silence_is_voted(const struct totem_engine *engine, const struct peer *peer);
/** Return when the silence budget of a member ends next, or TOTEM_NEVER. */
uint64_t silence_next(const struct totem_engine *engine);
/** Return whether members of this ring can be removed by votes. */
bool silence_has_votes(const struct totem_engine *engine);
/** Return whether a member has been silent for longer than its budget. peer may be NULL. */
bool silence_is_over(const struct totem_engine *engine, const struct peer *peer);

#endif

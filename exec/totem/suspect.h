/* SPDX-License-Identifier: BSD-3-Clause */
/* Suspicions that a member has ended. */
#ifndef TOTEM_SUSPECT_H
#define TOTEM_SUSPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/core.h"
#include "exec/totem/engine.h"

struct peer;

/*
 * The questions to members that may have ended. suspect.c and sign.c change the members: they are one subject, in two
 * files so that their calls form no circle.
 */
struct suspicion {
	bool has_suspects;
	bool has_farewells;
	bool is_farewell_over; /* the leave that is being handled has waited for an answer for long enough */
};

#define SUSPECT_ASK_GAP_NS (6 * MILLISECOND_NS)
/* A leave takes effect after this time at the latest, even if an answer may take longer. */
#define SUSPECT_FAREWELL_NS_MAX (40 * MILLISECOND_NS)

/**
 * Note that a packet of the peer has arrived. The suspicion ends, unless the peer's kernel has closed its connection.
 */
void suspect_heard(struct totem_engine *engine, struct peer *peer);
void suspect_heard_all(struct totem_engine *engine); /* note that the token came, so that all members run */
void suspect_start(struct totem_engine *engine);     /* call when a state is entered in which questions are asked */
void suspect_installed(struct totem_engine *engine); /* call after an installation: the neighbour may have changed */
/**
 * Give suspects more time if this process did not run, since an answer may wait in a socket. Called at each entry of
 * the engine.
 */
void suspect_check_stall(struct totem_engine *engine);
/** Ask the sender of a leave whether it still runs. @return false: it cannot be asked, or was asked already. */
bool suspect_farewell(struct totem_engine *engine, struct peer *peer, struct coterie_frame *frame);
void suspect_trace(struct totem_engine *engine, enum totem_trace_kind kind, const struct peer *peer);
void suspect_tick_at(struct totem_engine *engine, uint64_t at_ns); /* make T-probe expire at at_ns or earlier */
/** Return whether the peer can be a suspect: this node waits for the peer, and the peer answers probes. */
bool suspect_is_concerned(const struct totem_engine *engine, const struct peer *peer);
void suspect_begin(struct totem_engine *engine, struct peer *peer); /* begin a suspicion: a sign came */
void suspect_clear(struct totem_engine *engine, struct peer *peer); /* end a suspicion: the peer runs */
void suspect_forget(struct peer *peer);                             /* end a suspicion without a result */
/** Return the longest time that a running daemon needs for an answer. */
uint64_t suspect_answer_ns(const struct peer *peer);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Timers, and the lengths that are measured. */
#ifndef TOTEM_TIMERS_H
#define TOTEM_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/core.h"
#include "exec/totem/engine.h"

#define ROTATION_SAMPLES 32u
#define PAUSE_FLUSH_NS (5 * MILLISECOND_NS)

/* The rotations of the token on this ring. Only timers.c changes the members. */
struct rotation {
	uint64_t samples_ns[ROTATION_SAMPLES];
	uint32_t count;
	uint64_t last_ns; /* length of the rotation that this visit ended; 0: not usable */
	uint64_t quartile_ns;
	uint64_t accepted_ns; /* last token, or 0 if the next rotation is not measured */
};

/* Retransmission of the last token. Only timers.c changes the members. */
struct repeat {
	uint32_t count;        /* how often it was sent again */
	bool is_progress_seen; /* the successor has it */
};

/* A time for which this process did not run: book failure, "Pauses". Only timers.c changes the members. */
struct pause {
	bool is_pausing;        /* shortly after it: stale packets are dropped */
	bool is_token_overdue;  /* T-token expired during it */
	uint64_t last_entry_ns; /* when this node ran last */
	uint64_t entry_gap_ns;  /* for how long it had not run then */
};

void timer_set(struct totem_engine *engine, enum totem_timer timer, uint64_t delay_ns);
void timer_cancel(struct totem_engine *engine, enum totem_timer timer);
bool timer_is_set(const struct totem_engine *engine, enum totem_timer timer);
void timer_start_pause(struct totem_engine *engine);
void timer_start_token(struct totem_engine *engine); /* T-token and T-warning */
void timer_cancel_token(struct totem_engine *engine);
/** Start T-retransmit after the first token of a ring was sent. Its length: book ring, "Timers". */
void timer_start_retransmit(struct totem_engine *engine);
/** Forget the last token, and start T-retransmit for a new one. */
void timer_renew_retransmit(struct totem_engine *engine);
void timer_repeat_retransmit(struct totem_engine *engine); /* T-retransmit has expired */
/** Note that the successor has the token, which is_progress_seen does not say yet. */
void timer_note_progress(struct totem_engine *engine);
void timer_token_accepted(struct totem_engine *engine); /* sample the rotation */
/** Do not measure the next rotation: for a while no token goes round. */
void timer_skip_rotation(struct totem_engine *engine);
void timer_forget_rotations(struct totem_engine *engine); /* a ring begins */
/** Return the length of the shortest of the last few rotations, 0 if it is not known yet. */
uint64_t timer_shortest_rotation(const struct totem_engine *engine);
/** Notice that this process did not run for a while: book failure, "Pauses". */
void timer_check_pause(struct totem_engine *engine);
/** Note that T-token has expired during a pause, and let it wait. false: there is no pause. */
bool timer_token_waits(struct totem_engine *engine);
/** End a pause, if there is one. Return whether the token is overdue. */
bool timer_end_pause(struct totem_engine *engine);

#endif

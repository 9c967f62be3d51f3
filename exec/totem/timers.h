/* SPDX-License-Identifier: BSD-3-Clause */
/* Timers, and the times that are measured for them. */
#ifndef TOTEM_TIMERS_H
#define TOTEM_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/core.h"
#include "exec/totem/engine.h"

#define ROTATION_SAMPLES 32u
#define PAUSE_FLUSH_NS (5 * MILLISECOND_NS)

/* The times of the token's rotations on this ring. Only timers.c changes the members. */
struct rotation {
	uint64_t samples_ns[ROTATION_SAMPLES];
	uint32_t count;
	uint64_t last_ns; /* length of the rotation that ended with this visit; 0: not usable */
	uint64_t quartile_ns;
	uint64_t accepted_ns; /* when the last token was accepted, or 0: the next rotation is not measured */
};

/* Retransmission of the last token. Only timers.c changes the members. */
struct repeat {
	uint32_t count;        /* how often the token was sent again */
	bool is_progress_seen; /* it is known that the successor has the token */
};

/* A pause: this process did not run for a while (book failure, "Pauses"). Only timers.c changes the members. */
struct pause {
	bool is_pausing;        /* the pause has just ended: old packets are dropped */
	bool is_token_overdue;  /* T-token expired during the pause */
	uint64_t last_entry_ns; /* when the engine was last entered */
	uint64_t entry_gap_ns;  /* time between that entry and the one before */
};

void timer_set(struct totem_engine *engine, enum totem_timer timer, uint64_t delay_ns);
void timer_cancel(struct totem_engine *engine, enum totem_timer timer);
bool timer_is_set(const struct totem_engine *engine, enum totem_timer timer);
void timer_start_pause(struct totem_engine *engine);
void timer_start_token(struct totem_engine *engine); /* start T-token and T-warning */
void timer_cancel_token(struct totem_engine *engine);
/** Start T-retransmit after the first token of a ring was sent. book ring, "Timers" has its length. */
void timer_start_retransmit(struct totem_engine *engine);
/** Forget how often the last token was sent again, and start T-retransmit for a new token. */
void timer_renew_retransmit(struct totem_engine *engine);
/** Count that T-retransmit has expired, and start it again. */
void timer_repeat_retransmit(struct totem_engine *engine);
/** Note that the successor has the token, unless this is known already. */
void timer_note_progress(struct totem_engine *engine);
void timer_token_accepted(struct totem_engine *engine); /* measure the rotation that ended */
/** Do not measure the next rotation, since the token will not go round for a while. */
void timer_skip_rotation(struct totem_engine *engine);
void timer_forget_rotations(struct totem_engine *engine); /* call when a ring begins */
/** Return the length of the shortest of the last few rotations, or 0: not known yet. */
uint64_t timer_shortest_rotation(const struct totem_engine *engine);
/** Find out, and return, whether this process did not run for a while: book failure, "Pauses". */
bool timer_check_pause(struct totem_engine *engine);
/**
 * Note that T-token has expired during a pause, and start it again for a short time. @return false: there is no pause
 */
bool timer_token_waits(struct totem_engine *engine);
/** End a pause, if there is one. Return whether the token is overdue. */
bool timer_end_pause(struct totem_engine *engine);

#endif

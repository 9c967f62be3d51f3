/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The window: how many frames all members together may send in a rotation of the token (book extensions, "Window").
 * Between two visits of the token at most that many frames arrive at a member, and a member reads its socket before it
 * handles a token. So a ring cannot overrun a receive buffer if all members have announced the capacity of theirs.
 * Within that bound the representative adapts the window to the load and to losses.
 */
#ifndef TOTEM_WINDOW_H
#define TOTEM_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_MAX 4096u

/* Frames sent in some rotations, and how many of them were repeated. */
struct window_loss {
	uint32_t rotations;
	uint32_t sent, resent;
};

struct window {
	uint32_t max;       /* largest window that overruns no receive buffer, or 0: not known of all members */
	uint32_t rotations; /* for how many rotations frames may wait in a receive buffer at the same time */
	/* Only the representative uses these members. */
	uint64_t idle_ns; /* length of the shortest rotations with few frames, or 0: not known yet */
	uint32_t size;
	uint32_t lossy;  /* one bit for each of the last rotations, the newest lowest: 1 if frames were repeated */
	uint32_t unused; /* rotations in a row that used less than a quarter of the window */
	struct window_loss loss;
	/*
	 * State of a trial: the window is halved to see whether the losses end. If they do not, the network loses
	 * packets at random, and the window gets its old size again.
	 */
	bool is_trial;
	uint32_t size_before;
	struct window_loss loss_before;
	uint64_t patient_until_ns; /* until this time losses count as random */
};

/* The rotation that has just ended, as the representative measured it. */
struct window_rotation {
	uint64_t now_ns;
	uint64_t last_ns;     /* length of this rotation; 0: not measured */
	uint64_t shortest_ns; /* length of the shortest of the last few rotations; 0: not known */
	/* With one sender on a fast network: the window no longer grows when a rotation is longer than this. */
	uint64_t target_ns;
	/* Members whose frames were delivered during the rotation, or 0: only the sender of the frames before. */
	uint32_t senders;
	uint32_t sent;   /* frames sent, repeated ones included */
	uint32_t resent; /* repeated frames */
	uint32_t floor;  /* least size of the window: the configured one */
};

/**
 * Begin a ring.
 *
 * @param capacity  frames that the smallest receive buffer of its members holds; 0: a member has not announced its own,
 *     so the window stays as configured
 * @param members   number of members. Each may send one frame beyond the window, so that every member can send
 * @param rotations for how many rotations frames may wait in a receive buffer at the same time, at least 1
 */
void window_begin(struct window *window, uint32_t capacity, uint32_t members, uint32_t rotations);
/** Return the least size of the window: the configured one, unless that overruns a receiver. window->max is not 0. */
uint32_t window_floor(const struct window *window, uint32_t configured);
/** Return the window of the next rotation. Only the representative calls this. window->max is not 0. */
uint32_t window_steer(struct window *window, const struct window_rotation *rotation);

#endif

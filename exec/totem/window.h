/*
 * How many frames a rotation of the token may bring, by everybody together
 * (book extensions, "Window"). Between two visits of the token at most so many arrive at a member,
 * and it reads its socket before it handles a token, so a ring whose members have all told what their
 * receive buffers hold cannot overrun any of them. Within that bound the representative adapts the
 * window to what the ring does with it.
 */
#ifndef TOTEM_WINDOW_H
#define TOTEM_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_MAX 4096u

/* Frames sent in some rotations, and how many of them were sent again. */
struct window_loss {
	uint32_t rotations;
	uint32_t sent, resent;
};

struct window {
	uint32_t max;  /* what the smallest receive buffer of the ring bears; 0: not known of all */
	uint32_t rotations; /* whose frames may wait there together */
	/* Of the representative alone. */
	uint64_t idle_ns; /* what a rotation takes at least, with few frames; 0: not known yet */
	uint32_t size;
	uint32_t lossy;  /* a bit for each of the last rotations, the newest lowest: frames were sent again */
	uint32_t unused; /* rotations in a row that took less than a quarter of it */
	struct window_loss loss;
	/* A cut is on trial: with random loss it would not help. */
	bool is_trial;
	uint32_t size_before;
	struct window_loss loss_before;
	uint64_t patient_until_ns; /* until then losses are taken for random */
};

/* What the representative knows of the rotation that has just ended. */
struct window_rotation {
	uint64_t now_ns;
	uint64_t last_ns;     /* what this rotation took; 0: not measured */
	uint64_t shortest_ns; /* of the last few rotations; 0: not known */
	uint64_t target_ns;   /* with one sender on a fast network, longer ones are not worth a larger window */
	uint32_t senders;     /* members whose frames were delivered meanwhile, or 0: nobody but the one before */
	uint32_t sent;        /* frames, those sent again included */
	uint32_t resent;
	uint32_t floor;       /* adapting does not go below it: the configured window */
};

/**
 * A ring begins.
 *
 * @param capacity  frames that the smallest receive buffer of its members holds; 0: one of them has
 *                  not told its own, so the window stays as configured
 * @param members   each may send one frame beyond the window, so that nobody starves
 * @param rotations whose frames may wait in a receive buffer together, at least 1
 */
void window_begin(struct window *window, uint32_t capacity, uint32_t members, uint32_t rotations);
/** The least size: what is configured, unless that overruns a receiver. window->max is not 0. */
uint32_t window_floor(const struct window *window, uint32_t configured);
/** The representative's decision for the next rotation. window->max is not 0. */
uint32_t window_steer(struct window *window, const struct window_rotation *rotation);

#endif

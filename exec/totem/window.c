/* SPDX-License-Identifier: BSD-3-Clause */
/* Adapt the window: book extensions, "Window". */
#include "exec/totem/window.h"

#define MARGIN 32u /* frames: room for tokens and joins, and for frames beyond the window */
#define LOSSY_HISTORY 16u
#define LOSSY_MAX 2u /* the window is cut if this many of the last LOSSY_HISTORY rotations had losses */
#define LOSS_ROTATIONS 64u
#define UNUSED_MAX 1000u
#define PATIENCE_NS UINT64_C(10000000000)
#define SENDER_NS UINT64_C(350000) /* added to the target for each sender but the first, */
#define SENDERS_MAX 5u             /* up to this number of senders */
#define FAR_NS UINT64_C(1000000)   /* idle rotations of a local network with few members are shorter */
#define IDLE_RISE 64u

void window_begin(struct window *window, uint32_t capacity, uint32_t members, uint32_t rotations)
{
	uint64_t safe = (uint64_t)capacity * 9 / 10;
	uint32_t beyond = members * rotations;
	uint32_t margin = beyond > MARGIN ? beyond : MARGIN;

	*window = (struct window){.rotations = rotations};
	if (capacity == 0)
		return;
	window->max = 1;
	if (safe < margin + rotations)
		return;
	window->max = (uint32_t)(safe - margin) / rotations;
	if (window->max > WINDOW_MAX)
		window->max = WINDOW_MAX;
}

uint32_t window_floor(const struct window *window, uint32_t configured)
{
	return configured < window->max ? configured : window->max;
}

static void note_loss(struct window *window, const struct window_rotation *rotation)
{
	struct window_loss *loss = &window->loss;

	window->lossy = (window->lossy << 1 | (rotation->resent > 0)) & ((1u << LOSSY_HISTORY) - 1);
	if (loss->rotations == LOSS_ROTATIONS && !window->is_trial) {
		/* Older rotations count less and less. */
		loss->rotations /= 2;
		loss->sent /= 2;
		loss->resent /= 2;
	}
	loss->rotations++;
	loss->sent += rotation->sent;
	loss->resent += rotation->resent;
}

/* Halve the window, to find out whether that ends the losses. During the trial it may be below the floor. */
static void cut(struct window *window)
{
	window->is_trial = true;
	window->size_before = window->size;
	window->loss_before = window->loss;
	window->loss = (struct window_loss){0};
	window->size = window->size > 1 ? window->size / 2 : 1;
}

/*
 * End a trial. If fewer frames do not end the losses, the network causes them, and the window gets its old size again.
 */
static void judge_cut(struct window *window, const struct window_rotation *rotation)
{
	const struct window_loss *before = &window->loss_before;
	const struct window_loss *after = &window->loss;
	bool has_helped = after->sent == 0 ||
			  (uint64_t)after->resent * before->sent * 2 < (uint64_t)before->resent * after->sent;

	window->is_trial = false;
	window->lossy = 0;
	if (!has_helped) {
		window->size = window->size_before;
		window->patient_until_ns = rotation->now_ns + PATIENCE_NS;
	}
}

/*
 * Measure rotations with few frames. A rotation with more frames counts only if there is no other value yet. The value
 * falls at once and rises slowly: a longer rotation may come from a busy member, or from a path that has become longer.
 */
static void note_idle(struct window *window, const struct window_rotation *rotation)
{
	uint64_t last_ns = rotation->last_ns;
	bool is_light = (uint64_t)rotation->sent * 4 < rotation->floor;

	if (last_ns == 0 || (!is_light && (window->idle_ns != 0 || rotation->sent > rotation->floor)))
		return;
	if (window->idle_ns == 0 || last_ns < window->idle_ns)
		window->idle_ns = last_ns;
	else
		window->idle_ns += (last_ns - window->idle_ns) / IDLE_RISE;
}

/*
 * Return the target for the time of a rotation. A visit costs as much as dozens of frames, for waking up, and for
 * reading and sending the token. So each sender needs enough frames in a visit to make up for that. If an idle rotation
 * takes long, because of distance or of many members, frames may take as long as that.
 */
static uint64_t target_of(const struct window *window, const struct window_rotation *rotation)
{
	uint32_t senders = rotation->senders < SENDERS_MAX ? rotation->senders : SENDERS_MAX;
	uint64_t target_ns = rotation->target_ns + (senders > 1 ? senders - 1 : 0) * SENDER_NS;

	if (window->idle_ns >= FAR_NS && target_ns < 2 * window->idle_ns)
		target_ns = 2 * window->idle_ns;
	return target_ns;
}

/*
 * Adapt the window if there is no loss. It grows while it is used up and rotations are short. It shrinks while it is
 * not used, and when rotations get long.
 */
static void adapt(struct window *window, const struct window_rotation *rotation)
{
	uint64_t used = rotation->sent, target_ns = target_of(window, rotation);

	if (used * 4 < window->size) {
		if (++window->unused < UNUSED_MAX)
			return;
		window->unused = 0;
		window->size = 2 * rotation->sent;
		return;
	}
	window->unused = 0;
	if (used * 4 < (uint64_t)window->size * 3 || rotation->shortest_ns == 0)
		return;
	if (rotation->shortest_ns <= target_ns)
		window->size += window->size / 16 + 1;
	else if (rotation->shortest_ns > target_ns + target_ns / 4)
		window->size -= window->size / 8;
}

uint32_t window_steer(struct window *window, const struct window_rotation *rotation)
{
	uint32_t floor = window_floor(window, rotation->floor);

	note_loss(window, rotation);
	note_idle(window, rotation);
	if (window->is_trial) {
		if (window->loss.rotations < LOSS_ROTATIONS)
			return window->size;
		judge_cut(window, rotation);
	} else if (__builtin_popcount(window->lossy) < (int)LOSSY_MAX || rotation->now_ns < window->patient_until_ns) {
		adapt(window, rotation);
	} else if (window->size > 0) {
		cut(window);
		return window->size;
	}
	if (window->size < floor)
		window->size = floor;
	if (window->size > window->max)
		window->size = window->max;
	return window->size;
}

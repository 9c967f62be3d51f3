/* SPDX-License-Identifier: BSD-3-Clause */
/* Follow the configuration of each node, as its EVS client reports it, and find the configuration of each message. */
#include <stdlib.h>
#include <string.h>

#include "tests/histories/play.h"

static void *grow(void *list, uint32_t count, uint32_t *capacity, size_t size)
{
	if (count < *capacity)
		return list;
	*capacity = *capacity * 2 + 32;
	list = realloc(list, *capacity * size);
	if (list == NULL)
		abort();
	return list;
}

static uint64_t mask_of(const struct play *play, const uint32_t *members, uint32_t count)
{
	uint64_t mask = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t node = play_node(play, members[i]);

		if (node != 0)
			mask |= UINT64_C(1) << (node - 1);
	}
	return mask;
}

static void note_stay(struct play_view *view, struct play_ring ring)
{
	view->stays = grow(view->stays, view->stay_count, &view->stay_capacity, sizeof(*view->stays));
	view->stays[view->stay_count++] = (struct play_stay){
		.ring = ring, .with = view->has_come ? view->mask : 0, .has_come = view->has_come};
}

void play_view_configure(struct play *play, uint32_t node, bool is_transitional, bool is_safe_kept,
	struct play_ring ring, const uint32_t *members, uint32_t count)
{
	struct play_view *view = &play->views[node];
	uint64_t mask = mask_of(play, members, count);

	if (is_transitional) {
		for (uint32_t other = 1; other <= play->script->nodes; other++)
			if ((view->mask & ~mask & UINT64_C(1) << (other - 1)) != 0)
				view->parted[other] = view->stay_count + 1;
	} else {
		view->ring = ring;
		note_stay(view, ring);
		memset(view->heard_ns, 0, sizeof(view->heard_ns));
	}
	view->is_known = true;
	view->has_come = is_transitional;
	view->is_transitional = is_transitional;
	view->is_safe_kept = is_safe_kept;
	view->mask = mask;
	view->member_count = count;
	memcpy(view->members, members, count * sizeof(uint32_t));
}

void play_view_forget(struct play_view *view)
{
	view->is_known = view->has_come = false;
	view->mask = 0;
	memset(view->parted, 0, sizeof(view->parted));
}

void play_view_free(struct play_view *view)
{
	free(view->stays);
	view->stays = NULL;
}

uint32_t play_view_stay(const struct play_view *view, struct play_ring ring)
{
	for (uint32_t i = view->stay_count; i > 0; i--)
		if (play_ring_equal(view->stays[i - 1].ring, ring))
			return i;
	return 0;
}

/* ---- Messages ------------------------------------------------------------ */

void play_note_send(struct play *play, struct play_notes *notes, uint32_t node, uint32_t number)
{
	const struct play_view *view = &play->views[node];

	if (number >= notes->count) {
		notes->list = grow(notes->list, number, &notes->capacity, sizeof(*notes->list));
		notes->count = number + 1;
	}
	notes->list[number] = (struct play_note){.node = node};
	if (view->is_known)
		notes->list[number].sent = view->ring;
}

bool play_note_see(struct play *play, struct play_notes *notes, uint32_t number, uint32_t node)
{
	struct play_view *view = &play->views[node];
	struct play_note *note;

	if (number >= notes->count)
		return false;
	note = &notes->list[number];
	/*
	 * The order of events from two channels is unknown if both are read at the same time. So all messages of that
	 * time count as first.
	 */
	uint64_t now_ns = testkit_now_ns(play->kit), *heard_ns = &view->heard_ns[note->node];
	if (*heard_ns == 0)
		*heard_ns = now_ns;
	note->is_first |= *heard_ns == now_ns;
	if (note->ring.seq == 0)
		note->ring = view->ring;
	return play_ring_equal(note->ring, view->ring);
}

/*
 * Return whether the node was always together with another one from ring `from`, in which that one was, to ring `to`.
 */
static bool has_been_with(const struct play_view *view, uint32_t node, struct play_ring from, struct play_ring to)
{
	uint32_t stay = play_view_stay(view, to), first = play_view_stay(view, from);

	if (stay == 0 || first == 0)
		return false;
	for (; stay > first; stay--) {
		const struct play_stay *one = &view->stays[stay - 1];

		if (!one->has_come || (one->with & UINT64_C(1) << (node - 1)) == 0)
			return false;
	}
	return true;
}

bool play_may_lack(struct play *play, const struct play_notes *notes, uint32_t number, uint32_t node)
{
	const struct play_note *note = number < notes->count ? &notes->list[number] : NULL;

	if (note != NULL)
		play_trace(play, "may node %u lack message %u of node %u, sent in ring %ju and delivered in %ju%s?",
			node, number, note->node, (uintmax_t)note->sent.seq, (uintmax_t)note->ring.seq,
			note->is_first ? ", the first" : "");
	if (note == NULL || !play_has_plain(play) ||
		(note->ring.seq != 0 && (!note->is_first || play_ring_equal(note->sent, note->ring))))
		return false;
	if (note->ring.seq != 0 && has_been_with(&play->views[node], note->node, note->sent, note->ring))
		return false;
	play->counts.excused++;
	return true;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/common/pending.h"

#include <stdlib.h>

bool pending_is_empty(const struct pending *pending) { return pending->first == pending->count; }

void pending_drop(struct pending *pending, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		pending->host->frame_unref(pending->list[pending->first++].frame);
	if (pending_is_empty(pending)) {
		pending->first = 0;
		pending->count = 0;
	}
}

void pending_fini(struct pending *pending)
{
	pending_drop(pending, pending->count - pending->first);
	free(pending->list);
	pending->list = NULL;
	pending->capacity = 0;
}

static bool has_room(struct pending *pending)
{
	if (pending->count < pending->capacity)
		return true;

	uint32_t capacity = pending->capacity == 0 ? 256 : 2 * pending->capacity;
	struct pending_entry *list = NULL;

	if (capacity <= PENDING_MAX)
		list = reallocarray(pending->list, capacity, sizeof(*list));
	if (list == NULL)
		return false;
	pending->list = list;
	pending->capacity = capacity;
	return true;
}

uint32_t pending_add(struct pending *pending, uint32_t nodeid, struct coterie_frame *const *frames, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!has_room(pending))
			return i;
		pending->host->frame_ref(frames[i]);
		pending->list[pending->count++] = (struct pending_entry){nodeid, frames[i]};
	}
	return count;
}

uint32_t pending_front(
	const struct pending *pending, uint32_t *nodeid, struct coterie_frame **frames, uint32_t count_max)
{
	const struct pending_entry *first = &pending->list[pending->first];
	uint32_t left = pending->count - pending->first;
	uint32_t count = 0;

	while (count < left && count < count_max && first[count].nodeid == first->nodeid) {
		*nodeid = first->nodeid;
		frames[count] = first[count].frame;
		count++;
	}
	return count;
}

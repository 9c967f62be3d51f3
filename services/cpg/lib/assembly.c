/* SPDX-License-Identifier: BSD-3-Clause */
#include "services/cpg/lib/assembly.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "services/cpg/messages.h"

struct assembly {
	uint32_t nodeid;
	uint32_t pid;
	uint32_t message_size; /* announced with the first fragment */
	uint32_t filled;
	uint32_t room; /* filled <= room <= message_size */
	bool is_lost;  /* its bytes were freed for those of another message. Then filled and room are 0 */
	uint64_t turn; /* value of list->turn at its last fragment */
	uint8_t *bytes;
};

/* ---- The list ------------------------------------------------------------ */

/* Return the index of the sender's message, or the index at which it would be inserted. */
static uint32_t position_of(const struct assembly_list *list, uint32_t nodeid, uint32_t pid)
{
	uint32_t low = 0;
	uint32_t high = list->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct assembly *assembly = &list->list[middle];

		if (assembly->nodeid < nodeid || (assembly->nodeid == nodeid && assembly->pid < pid))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* NULL: the sender has no unfinished message. */
static struct assembly *assembly_find(struct assembly_list *list, uint32_t nodeid, uint32_t pid)
{
	uint32_t at = position_of(list, nodeid, pid);

	if (at == list->count || list->list[at].nodeid != nodeid || list->list[at].pid != pid)
		return NULL;
	return &list->list[at];
}

static void bytes_free(struct assembly_list *list, struct assembly *assembly)
{
	free(assembly->bytes);
	list->room -= assembly->room;
	assembly->bytes = NULL;
	assembly->room = 0;
	assembly->filled = 0;
}

static void assembly_remove(struct assembly_list *list, struct assembly *assembly)
{
	size_t behind = (size_t)(list->list + list->count - (assembly + 1));

	bytes_free(list, assembly);
	memmove(assembly, assembly + 1, behind * sizeof(*assembly));
	list->count--;
}

/* Find the message whose last fragment is oldest, of those that have bytes or of all. NULL: there is none but `self`. */
static struct assembly *assembly_oldest(struct assembly_list *list, const struct assembly *self, bool has_bytes)
{
	struct assembly *oldest = NULL;

	for (uint32_t i = 0; i < list->count; i++) {
		struct assembly *one = &list->list[i];

		if (one != self && (!has_bytes || one->room > 0) && (oldest == NULL || one->turn < oldest->turn))
			oldest = one;
	}
	return oldest;
}

/* Begin a message. NULL: out of memory. */
static struct assembly *assembly_begin(struct assembly_list *list, const struct assembly_fragment *fragment)
{
	if (list->count >= list->count_max)
		assembly_remove(list, assembly_oldest(list, NULL, false));
	if (list->count == list->capacity) {
		uint32_t capacity = list->capacity == 0 ? 8 : 2 * list->capacity;
		struct assembly *grown = reallocarray(list->list, capacity, sizeof(*grown));

		if (grown == NULL)
			return NULL;
		list->list = grown;
		list->capacity = capacity;
	}

	uint32_t at = position_of(list, fragment->nodeid, fragment->pid);
	struct assembly *assembly = &list->list[at];

	memmove(assembly + 1, assembly, (list->count - at) * sizeof(*assembly));
	list->count++;
	*assembly = (struct assembly){
		.nodeid = fragment->nodeid, .pid = fragment->pid, .message_size = fragment->message_size};
	return assembly;
}

/* ---- The bytes ----------------------------------------------------------- */

/* Allocate room for `want` bytes of a message. Free the bytes of other messages if the list has no room for them. */
static int assembly_reserve(struct assembly_list *list, struct assembly *assembly, uint32_t want)
{
	uint64_t room = 2 * (uint64_t)want; /* so that a long message is copied once on average */

	if (want <= assembly->room)
		return 0;
	if (want > list->room_max)
		return -ENOMEM;
	if (room > list->room_max)
		room = list->room_max;
	if (room > assembly->message_size)
		room = assembly->message_size;
	while (list->room - assembly->room + room > list->room_max) {
		struct assembly *oldest = assembly_oldest(list, assembly, true);

		bytes_free(list, oldest);
		oldest->is_lost = true;
	}

	uint8_t *bytes = realloc(assembly->bytes, room);

	if (bytes == NULL)
		return -ENOMEM;
	list->room += room - assembly->room;
	assembly->bytes = bytes;
	assembly->room = (uint32_t)room;
	return 0;
}

static int assembly_append(
	struct assembly_list *list, struct assembly *assembly, const struct assembly_fragment *fragment)
{
	if (fragment->message_size != assembly->message_size ||
		fragment->size > assembly->message_size - assembly->filled)
		return -EMSGSIZE;
	assembly->turn = ++list->turn;
	if (assembly->is_lost)
		return fragment->type == CPG_FRAGMENT_LAST ? -ENOMEM : 0;

	int rc = assembly_reserve(list, assembly, assembly->filled + fragment->size);

	if (rc < 0)
		return rc;
	if (fragment->size > 0)
		memcpy(assembly->bytes + assembly->filled, fragment->bytes, fragment->size);
	assembly->filled += fragment->size;
	return 0;
}

/* ---- Entry points -------------------------------------------------------- */

void assembly_list_init(struct assembly_list *list)
{
	*list = (struct assembly_list){.count_max = ASSEMBLY_COUNT_MAX, .room_max = ASSEMBLY_ROOM_MAX};
}

int assembly_add(struct assembly_list *list, const struct assembly_fragment *fragment, void **message)
{
	struct assembly *assembly = assembly_find(list, fragment->nodeid, fragment->pid);
	int rc;

	*message = NULL;
	if (fragment->type == CPG_FRAGMENT_FIRST) {
		if (assembly != NULL)
			assembly_remove(list, assembly);
		assembly = assembly_begin(list, fragment);
		if (assembly == NULL)
			return -ENOMEM;
	}
	if (assembly == NULL)
		return 0;
	rc = assembly_append(list, assembly, fragment);
	if (rc == 0 && fragment->type == CPG_FRAGMENT_LAST) {
		if (assembly->filled == assembly->message_size && assembly->bytes != NULL) {
			*message = assembly->bytes;
			assembly->bytes = NULL;
		} else {
			rc = -EMSGSIZE;
		}
	}
	if (rc < 0 || fragment->type == CPG_FRAGMENT_LAST)
		assembly_remove(list, assembly);
	return rc;
}

void assembly_drop(struct assembly_list *list, uint32_t nodeid, uint32_t pid)
{
	struct assembly *assembly = assembly_find(list, nodeid, pid);

	if (assembly != NULL)
		assembly_remove(list, assembly);
}

void assembly_list_fini(struct assembly_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		free(list->list[i].bytes);
	free(list->list);
	list->list = NULL;
	list->count = 0;
	list->capacity = 0;
	list->room = 0;
}

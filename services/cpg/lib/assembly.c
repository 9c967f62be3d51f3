/* SPDX-License-Identifier: BSD-3-Clause */
#include "services/cpg/lib/assembly.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "services/cpg/messages.h"

/* First allocation, in bytes. A message is sent in fragments only if it is longer than one fragment. */
#define ROOM_MIN (2u * CPG_ATOMIC_SIZE_MAX)

struct assembly {
	struct assembly *next;
	uint32_t nodeid;
	uint32_t pid;
	uint32_t message_size; /* announced with the first fragment */
	uint32_t filled;
	uint32_t room; /* filled <= room <= message_size */
	uint8_t *bytes;
};

static struct assembly **assembly_find(struct assembly_list *list, uint32_t nodeid, uint32_t pid)
{
	struct assembly **link = &list->first;

	while (*link != NULL && ((*link)->nodeid != nodeid || (*link)->pid != pid))
		link = &(*link)->next;
	return link;
}

static void assembly_remove(struct assembly **link)
{
	struct assembly *assembly = *link;

	*link = assembly->next;
	free(assembly->bytes);
	free(assembly);
}

static int assembly_append(struct assembly *assembly, const struct assembly_fragment *fragment)
{
	if (fragment->message_size != assembly->message_size ||
		fragment->size > assembly->message_size - assembly->filled)
		return -EMSGSIZE;
	uint32_t want = assembly->filled + fragment->size;
	if (want > assembly->room) {
		uint64_t room = 2 * (uint64_t)want;

		if (room < ROOM_MIN)
			room = ROOM_MIN;
		if (room > assembly->message_size)
			room = assembly->message_size;
		uint8_t *bytes = realloc(assembly->bytes, room);
		if (bytes == NULL)
			return -ENOMEM;
		assembly->bytes = bytes;
		assembly->room = (uint32_t)room;
	}
	if (fragment->size > 0)
		memcpy(assembly->bytes + assembly->filled, fragment->bytes, fragment->size);
	assembly->filled = want;
	return 0;
}

int assembly_add(struct assembly_list *list, const struct assembly_fragment *fragment, void **message)
{
	struct assembly **link = assembly_find(list, fragment->nodeid, fragment->pid);
	int rc;

	*message = NULL;
	if (fragment->type == CPG_FRAGMENT_FIRST) {
		if (*link != NULL)
			assembly_remove(link);
		struct assembly *assembly = calloc(1, sizeof(*assembly));
		if (assembly == NULL)
			return -ENOMEM;
		assembly->nodeid = fragment->nodeid;
		assembly->pid = fragment->pid;
		assembly->message_size = fragment->message_size;
		assembly->next = list->first;
		list->first = assembly;
		link = &list->first;
	}
	if (*link == NULL)
		return 0;
	rc = assembly_append(*link, fragment);
	if (rc == 0 && fragment->type == CPG_FRAGMENT_LAST) {
		if ((*link)->filled == (*link)->message_size && (*link)->bytes != NULL) {
			*message = (*link)->bytes;
			(*link)->bytes = NULL;
		} else {
			rc = -EMSGSIZE;
		}
	}
	if (rc < 0 || fragment->type == CPG_FRAGMENT_LAST)
		assembly_remove(link);
	return rc;
}

void assembly_drop(struct assembly_list *list, uint32_t nodeid, uint32_t pid)
{
	struct assembly **link = assembly_find(list, nodeid, pid);

	if (*link != NULL)
		assembly_remove(link);
}

void assembly_list_fini(struct assembly_list *list)
{
	while (list->first != NULL)
		assembly_remove(&list->first);
}

/*
 * Assembly of long messages from their fragments. Each sending process has at most one unfinished message.
 *
 * Memory is allocated as fragments arrive, and not when a sender announces the size of a message. The memory of all
 * unfinished messages together is limited. When it is full, the message that has waited longest for its next fragment
 * is given up.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CPG_LIB_ASSEMBLY_H
#define SERVICES_CPG_LIB_ASSEMBLY_H

#include <stddef.h>
#include <stdint.h>

/** Limit of the bytes of all unfinished messages of a list. */
#define ASSEMBLY_ROOM_MAX UINT64_C(536870912)
/** Limit of the number of unfinished messages of a list. */
#define ASSEMBLY_COUNT_MAX 1024u

struct assembly; /* an incomplete message of one sender */

struct assembly_list {
	struct assembly *list; /* `count` elements, ascending by node id, then pid */
	uint32_t count, capacity;
	uint32_t count_max;
	uint64_t room, room_max; /* bytes that are allocated for the messages, and their limit */
	uint64_t turn;           /* number of fragments that were added */
};

struct assembly_fragment {
	uint32_t nodeid; /* sender */
	uint32_t pid;
	uint32_t type;         /* enum cpg_fragment_type */
	uint32_t message_size; /* bytes of the whole message */
	const void *bytes;     /* borrowed */
	uint32_t size;         /* bytes of this fragment */
};

/** Initialize an empty list with the limits above. assembly_list_fini frees what it holds later. */
void assembly_list_init(struct assembly_list *list);

/**
 * Add the next fragment of a sender to its message.
 *
 * A FIRST fragment drops the unfinished message of the same sender. Fragments without a first one are ignored: this
 * process has joined while their message was being sent. Messages that are longer or shorter than announced are
 * dropped. So are messages whose fragments announce different sizes.
 *
 * If the list has no room for the fragment, the bytes of other messages are freed, first those of the message whose
 * last fragment is oldest. The LAST fragment of such a message gives -ENOMEM. If the list has too many messages, the
 * one whose last fragment is oldest is dropped, and its further fragments are ignored.
 *
 * @param message set to the whole message of message_size bytes if this was its last fragment, otherwise to NULL. The
 *     caller frees it with free()
 * @return 0; -EMSGSIZE: the message does not have its announced length and is dropped; -ENOMEM: it is dropped, because
 *     memory ran out or because it is longer than the limit of the list
 */
int assembly_add(struct assembly_list *list, const struct assembly_fragment *fragment, void **message);

/** Drop the unfinished message of a sender. */
void assembly_drop(struct assembly_list *list, uint32_t nodeid, uint32_t pid);

/** Drop the unfinished messages of all senders. The list may be used again. */
void assembly_list_fini(struct assembly_list *list);

#endif

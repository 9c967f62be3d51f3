/*
 * Assembly of long messages from their fragments. Each sending process has at most one unfinished message.
 *
 * Memory is allocated as fragments arrive, and not when a sender announces the size of a message.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CPG_LIB_ASSEMBLY_H
#define SERVICES_CPG_LIB_ASSEMBLY_H

#include <stddef.h>
#include <stdint.h>

struct assembly; /* an incomplete message of one sender */

struct assembly_list {
	struct assembly *first;
};

struct assembly_fragment {
	uint32_t nodeid; /* sender */
	uint32_t pid;
	uint32_t type;         /* enum cpg_fragment_type */
	uint32_t message_size; /* bytes of the whole message */
	const void *bytes;     /* borrowed */
	uint32_t size;         /* bytes of this fragment */
};

/**
 * Add the next fragment of a sender to its message.
 *
 * A FIRST fragment drops the unfinished message of the same sender. Fragments without a first one are ignored: this
 * process has joined while their message was being sent. Messages that are longer or shorter than announced are
 * dropped. So are messages whose fragments announce different sizes.
 *
 * @param message set to the whole message of message_size bytes if this was its last fragment, otherwise to NULL. The
 *     caller frees it with free()
 * @return 0; -EMSGSIZE: the message does not have its announced length and is dropped; -ENOMEM: it is dropped
 */
int assembly_add(struct assembly_list *list, const struct assembly_fragment *fragment, void **message);

/** Drop the unfinished message of a sender. */
void assembly_drop(struct assembly_list *list, uint32_t nodeid, uint32_t pid);

/** Drop the unfinished messages of all senders. */
void assembly_list_fini(struct assembly_list *list);

#endif

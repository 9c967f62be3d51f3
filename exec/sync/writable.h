/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Call the function writable of services that ring_send refused with -EAGAIN, when the ring has room again. ipc_hold.c
 * does this for clients that client_may_send refused.
 */
#ifndef EXEC_WRITABLE_H
#define EXEC_WRITABLE_H

#include <stddef.h>

#include "exec/plugin/plugin.h"

struct loop;
struct plugin_registry;
struct sync;
struct writable;

/** The parts that these functions use. All of them live longer. */
struct writable_parts {
	struct loop *loop;
	struct plugin_registry *plugins;
	const struct sync *sync; /* or NULL: there is no synchronisation */
};

/** Create the object. parts: copied. NULL: out of memory */
struct writable *writable_create(const struct writable_parts *parts);
void writable_destroy(struct writable *writable); /* NULL is ignored */
/** Note that ring_send refused a message of the plugin. */
static inline void writable_refused(struct plugin *plugin) { plugin->wants_room = plugin->service.writable != NULL; }
/**
 * Call the services that wait, in a later turn of the loop. Call this when the ring has room, when a synchronisation is
 * complete, and when a plugin may send that could not before. While services synchronise they are not called.
 */
void writable_room(struct writable *writable);

#endif

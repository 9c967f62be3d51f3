/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Call the function writable of services that ring_send refused with -EAGAIN, when the ring has room again. The half for
 * clients, which client_may_send refused, is in ipc_hold.c.
 */
#ifndef EXEC_WRITABLE_H
#define EXEC_WRITABLE_H

#include <stddef.h>

#include "exec/plugin/plugin.h"

struct loop;
struct plugin_registry;
struct sync;
struct writable;

/** The parts that it uses. All of them outlive it. */
struct writable_parts {
	struct loop *loop;
	struct plugin_registry *plugins;
	const struct sync *sync; /* or NULL: no synchronisation ever runs */
};

/** parts: copied. NULL: out of memory */
struct writable *writable_create(const struct writable_parts *parts);
void writable_destroy(struct writable *writable); /* NULL is ignored */
/** Note that ring_send refused a message of the plugin. */
static inline void writable_refused(struct plugin *plugin) { plugin->wants_room = plugin->service.writable != NULL; }
/**
 * Call the services that wait, on a turn of the loop of its own. Call this when the ring has room, when a synchronisation
 * is complete, and when a plugin may send that could not. While services synchronise they are not called.
 */
void writable_room(struct writable *writable);

#endif

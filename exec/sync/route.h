/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ring messages from services to the ring and back: the 16-byte executive header (book services, "Header"), its checks,
 * byte order, contiguous memory.
 */
#ifndef EXEC_ROUTE_H
#define EXEC_ROUTE_H

#include <stdint.h>
#include <sys/uio.h>

#include "exec/totem/engine.h"

struct delivery;
struct loop;
struct plugin;
struct plugin_registry;
struct ring;
struct route;
struct sync;

/** The parts that a route uses. All are borrowed until route_destroy. */
struct route_parts {
	struct loop *loop;
	struct plugin_registry *plugins;
	struct ring *ring;
	struct delivery *delivery;
	struct sync *sync;
	uint32_t nodeid; /* of this node */
};

/** Create the object. parts: copied. NULL: out of memory */
struct route *route_create(const struct route_parts *parts);
void route_destroy(struct route *route);
/** As host->ring_send. */
int route_send(struct route *route, struct plugin *plugin, uint32_t function, uint32_t guarantee,
	const struct iovec *iov, uint32_t count);
/** Deliver a message of the ring. Malformed ones are counted, logged at a limited rate and dropped. */
void route_deliver(struct route *route, const struct totem_message *message);
/** Inform all services of a configuration, by ascending ring id. */
void route_configure(struct route *route, const struct totem_configuration *configuration);

#endif

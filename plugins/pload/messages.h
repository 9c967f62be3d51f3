/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ring messages of a load. Corosync has a service of this name with the number 4, whose daemons exit after a load. So
 * this service has its own number. Messages in the queue when a Corosync node joins are sent in its ring, and the node
 * ignores a service that it does not know.
 */
#ifndef PLUGINS_PLOAD_MESSAGES_H
#define PLUGINS_PLOAD_MESSAGES_H

#include <coterie/service.h>

enum {
	PLOAD_SERVICE_ID = 33,
	PLOAD_VERSION = 1, /* version of the messages */
};

enum pload_function {
	PLOAD_RING_LOAD, /* struct pload_ring_load, then any bytes */
};

struct pload_ring_load {
	struct coterie_ring_header header;
	uint32_t version; /* PLOAD_VERSION. Messages of other versions are dropped */
	uint32_t run;     /* number of the load, counted by the sender */
};

static_assert(sizeof(struct pload_ring_load) == 24, "no padding");

#endif

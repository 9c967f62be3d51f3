/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ring messages of a load. Their service has its own number, not the 4 of Corosync, whose daemons exit
 * after a load. Messages that wait in the queue when a Corosync node joins are sent in its ring, and the
 * node ignores a service that it does not know.
 */
#ifndef PLUGINS_PLOAD_MESSAGES_H
#define PLUGINS_PLOAD_MESSAGES_H

#include <coterie/service.h>

enum {
	PLOAD_SERVICE_ID = 33,
	PLOAD_VERSION = 1, /* of the messages */
};

enum pload_function {
	PLOAD_RING_LOAD, /* struct pload_ring_load, then any bytes */
};

struct pload_ring_load {
	struct coterie_ring_header header;
	uint32_t version; /* PLOAD_VERSION. Messages of other versions are dropped */
	uint32_t run;     /* counts the loads of the sender */
};

static_assert(sizeof(struct pload_ring_load) == 24, "no padding");

#endif

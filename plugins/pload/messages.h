/*
 * Ring messages of a load. Their service has a number of its own, not the 4 of Corosync's, whose daemons
 * exit after a load: what still waits in the ring's queue when such a node joins is sent in its ring, and
 * a service that it does not know is nothing to it.
 */
#ifndef PLUGINS_PLOAD_MESSAGES_H
#define PLUGINS_PLOAD_MESSAGES_H

#include <coterie/service.h>

enum {
	PLOAD_SERVICE_ID = 33,
	PLOAD_VERSION = 1, /* of its messages */
};

enum pload_function {
	PLOAD_RING_LOAD, /* struct pload_ring_load, then any bytes */
};

struct pload_ring_load {
	struct coterie_ring_header header;
	uint32_t version; /* PLOAD_VERSION; others are dropped */
	uint32_t run;     /* counts the loads of the sender */
};

static_assert(sizeof(struct pload_ring_load) == 24, "no padding");

#endif

/*
 * Ring messages of service 4. START and MCAST are Corosync's, whose daemons exit after such a load: here
 * they are dropped. A load of ours has a number of its own, and is only sent where nobody can take it for
 * theirs.
 */
#ifndef PLUGINS_PLOAD_MESSAGES_H
#define PLUGINS_PLOAD_MESSAGES_H

#include <coterie/service.h>

enum pload_function {
	PLOAD_RING_START, /* Corosync's: 24 bytes, its size field is not set */
	PLOAD_RING_MCAST, /* Corosync's: 16 bytes and more */
	PLOAD_RING_LOAD,  /* struct pload_ring_load, then any bytes */
};

struct pload_ring_load {
	struct coterie_ring_header header;
	uint32_t run;  /* counts the loads of the sender */
	uint32_t left; /* messages of it that follow */
};

static_assert(sizeof(struct pload_ring_load) == 24, "no padding");

#endif

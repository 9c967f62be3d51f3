/*
 * Numbers of services and of nodes.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CORODEFS_H_DEFINED
#define CORODEFS_H_DEFINED

#include <netinet/in.h>

/** Numbers of the services, as they are used in messages on the ring and in names of statistics. */
enum corosync_service_types {
	CMAP_SERVICE = 0,
	CFG_SERVICE = 1,
	CPG_SERVICE = 2,
	QUORUM_SERVICE = 3,
	PLOAD_SERVICE = 4,
	VOTEQUORUM_SERVICE = 5,
	MON_SERVICE = 6,
	WD_SERVICE = 7
};

/** The most nodes that a ring of Corosync can have. */
#ifdef HAVE_SMALL_MEMORY_FOOTPRINT
#define PROCESSOR_COUNT_MAX 16
#else
#define PROCESSOR_COUNT_MAX 384
#endif

/** Size of an address of either family, bytes. */
#define TOTEMIP_ADDRLEN (sizeof(struct in6_addr))

#endif

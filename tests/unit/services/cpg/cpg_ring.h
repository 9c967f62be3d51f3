/* SPDX-License-Identifier: BSD-3-Clause */
/* A ring of CPG services (service_ring.h) and its clients. Their events are written as text. */
#ifndef UNIT_CPG_RING_H
#define UNIT_CPG_RING_H

#include "services/cpg/messages.h"
#include "tests/unit/service_ring.h"

/** One client of a node. */
struct cpg_user {
	struct service_user base;
	struct cpg_wire_name group; /* group of the last join */
};

void cpg_ring_init(struct service_ring *ring);

struct cpg_user cpg_user_create(struct service_ring *ring, uint32_t nodeid, uint32_t pid);
/** End the client's connection. */
void cpg_user_close(struct cpg_user *user);

/** Send a request. The header is filled in. @return the error of the answer; 0: there was no answer */
int32_t cpg_user_request(struct cpg_user *user, int32_t id, void *request, uint32_t size);
int32_t cpg_user_join(struct cpg_user *user, const char *group, uint32_t flags);
int32_t cpg_user_leave(struct cpg_user *user);
/** Send a message. @return the handler's result */
int cpg_user_mcast(struct cpg_user *user, const char *text);

/** Return a group name in the layout of the wire. */
struct cpg_wire_name cpg_wire_name(const void *bytes, uint32_t length);

/**
 * Return the client's next event as text, valid until the next call: "confchg grp [1:10 2:20] left [] joined [2:20/1]",
 * "totem 1.5 [1 2]", "deliver grp 1:10 hello", "partial grp 1:10 1 4/8 hell", "" if there is none.
 */
const char *cpg_user_event(struct cpg_user *user);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The members of the present ring and their services, from their service lists and from what they have loaded since. */
#ifndef EXEC_ROSTER_H
#define EXEC_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/node_set.h"

struct roster_entry {
	uint32_t nodeid;
	bool has_told;     /* its service list has been delivered */
	bool is_able;      /* it knows the messages for a round of one service */
	uint64_t services; /* by bit */
	uint64_t joined;   /* services of this member whose round is in sync.c's list, by bit: at most one round each */
};

/** All members zero: no members. */
struct roster {
	struct node_set members;
	struct roster_entry *entries; /* entry i is that of member i of `members` */
};

/** Note the members of a new ring, without services. 0; -ENOMEM: the roster is empty */
int roster_note(struct roster *roster, const uint32_t *members, uint32_t count);
void roster_clear(struct roster *roster);
void roster_fini(struct roster *roster);
/** Return the entry of a member, borrowed until the members change. NULL: it is no member */
struct roster_entry *roster_find(const struct roster *roster, uint32_t nodeid);
/** Add the members that have the service and are is_able to a set. 0; -ENOMEM */
int roster_partners(const struct roster *roster, uint32_t service, struct node_set *partners);
/** Return whether a member has the service and is not is_able. */
bool roster_has_unable(const struct roster *roster, uint32_t service);
/**
 * List the members that have the service, ascending.
 *
 * @return their number, even if there is room for fewer; -EAGAIN: the list of a member is missing, or the ring changes
 */
int roster_list(const struct roster *roster, uint32_t service, uint32_t *nodeids, uint32_t room);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Contact with the members, and the lease, which contact renews. */
#ifndef TOTEM_LEASE_H
#define TOTEM_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/ring_id.h"
#include "exec/totem/wire.h"

struct totem_engine;
struct peer;

/* Contact with the members of the installed ring. Only lease.c changes the members. */
struct lease {
	bool is_held;               /* the value that the user of the engine got last */
	uint64_t announced_ns;      /* the lease that the other members wait for, or 0: this node has announced none */
	uint64_t contact_ns;        /* last contact with all members, by a token */
	uint64_t doubt_ns;          /* contact before this time does not count */
	uint64_t unproved_ns;       /* a token proves contact only if this node has passed one on since then */
	uint64_t all_alive_ns;      /* when a token was last accepted that every member had passed on */
	uint64_t recovery_alive_ns; /* when a token was last accepted in RECOVERY */
	uint64_t awake_ns;          /* when this node began to run again after a stop */
	struct ring_id votes_ring;
	uint32_t votes_needed;          /* votes that only one part of the cluster can have, or 0: not known */
	uint32_t votes[WIRE_NODES_MAX]; /* of each member of votes_ring, ascending by node id */
};

#define LEASE_ASK_GAPS 16u /* time between two questions to one member is the lease divided by this */

uint64_t lease_configured(const struct totem_engine *engine); /* return the lease for the next ring */
/** Return the least patience with a member that has announced this lease. */
uint64_t lease_to_budget(uint64_t lease_ns);
/** Begin the lease of the ring that is being installed. announced_ns: lease that this node announced for it */
void lease_begin(struct totem_engine *engine, uint64_t announced_ns);
/** Call when a configuration has come into force. */
void lease_installed(struct totem_engine *engine);
void lease_gather(struct totem_engine *engine); /* call when GATHER is entered */
void lease_token(struct totem_engine *engine);  /* call when a token was accepted */
/** Find out whether this node did not run, by the timer of the lease. Call this at each entry of the engine. */
bool lease_check_stall(struct totem_engine *engine);
/** Return whether a ring of one must be formed again, so that its quorum device decides again. */
bool lease_must_renew(const struct totem_engine *engine);
void lease_note_stop(struct totem_engine *engine); /* call when this node runs again after a stop */
/** Note that the member, which is in the ring of this node, has answered the question sent at at_ns. */
void lease_contact(struct totem_engine *engine, struct peer *peer, uint64_t at_ns);
/** Note a packet that names this node's ring. It is contact with a member that answers no questions. */
void lease_plain(struct totem_engine *engine, uint32_t nodeid);
/** Demand new proof of contact, since the other members may be about to form a ring without this node. */
void lease_doubt(struct totem_engine *engine);
void lease_settle(struct totem_engine *engine);
/** Return whether members are asked when the token is late. */
bool lease_is_watching(const struct totem_engine *engine);

#endif

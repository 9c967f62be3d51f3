/* SPDX-License-Identifier: BSD-3-Clause */
/* Contact with the members, and the lease that it renews. */
#ifndef TOTEM_LEASE_H
#define TOTEM_LEASE_H

#include <stdbool.h>
#include <stdint.h>

struct totem_engine;
struct peer;

/* Contact with the members of the installed ring. Only lease.c changes the members. */
struct lease {
	bool is_held;          /* as the user of the engine was told */
	uint64_t announced_ns; /* the lease that the other members wait for; 0: not announced */
	uint64_t contact_ns;   /* with all members, by a token */
	uint64_t doubt_ns;     /* older contact proves nothing */
	uint64_t unproved_ns;  /* a token proves contact only if this node has passed one on since then */
	uint64_t all_alive_ns; /* when a token was accepted that every member had passed on */
	uint64_t awake_ns;     /* when this node ran again after it had not run */
};

#define LEASE_ASK_GAPS 16u /* the lease divided by this: time between two questions to one member */

uint64_t lease_configured(const struct totem_engine *engine); /* for the next ring */
uint64_t lease_to_budget(uint64_t lease_ns); /* the least patience with a member that has announced it */
void lease_begin(struct totem_engine *engine, uint64_t announced_ns); /* of this node, for the ring being installed */
void lease_installed(struct totem_engine *engine);                    /* a configuration came into force */
void lease_gather(struct totem_engine *engine);                       /* GATHER was entered */
void lease_token(struct totem_engine *engine);                        /* it was accepted */
void lease_check_stall(struct totem_engine *engine);                  /* at each entry */
void lease_note_stop(struct totem_engine *engine);                    /* this node did not run until now */
/** Note that the member, in the ring of this node, answered the question of at_ns. */
void lease_contact(struct totem_engine *engine, struct peer *peer, uint64_t at_ns);
/** Demand new proof of contact: the other members may be about to form a ring without this node. */
void lease_doubt(struct totem_engine *engine);
void lease_settle(struct totem_engine *engine);
bool lease_is_watching(const struct totem_engine *engine); /* members are asked when the token is late */

#endif

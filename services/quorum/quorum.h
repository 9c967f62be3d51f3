/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the quorum service. The service notifies clients of this node whether the node is quorate, and
 * which nodes are in the ring. It gets the verdict from the executive, and the executive gets it from the configured
 * provider.
 */
#ifndef QUORUM_QUORUM_H
#define QUORUM_QUORUM_H

#include <stdbool.h>

#include <coterie/service.h>

#include "services/quorum/messages.h"

/** One client. The executive owns the memory (client_data). */
struct quorum_connection {
	struct coterie_client *client;
	struct quorum_connection *next, *previous; /* all connections, newest first */
	uint32_t model;                            /* enum quorum_wire_model */
	bool is_tracking;
};

/** A list of node ids. */
struct quorum_list {
	uint32_t *nodeids;
	uint32_t count;
};

struct quorum {
	const struct coterie_host *host; /* borrowed, and outlives this struct */
	struct coterie_ctx *ctx;
	struct quorum_connection *connections;
	/* The last configuration, and its difference from the last finished synchronisation. */
	struct coterie_ring_id ring;
	struct quorum_list members, joined, left; /* lists with ascending node ids */
	struct quorum_list before;                /* members at the last finished synchronisation */
	bool is_known;                            /* false: there was no memory for the lists of this configuration */
	bool is_same;                             /* this configuration was synchronised before */
};

/* --- tell.c: events to clients --- */

/** Send the verdict to one client, or with connection NULL to all clients that track. */
void quorum_tell_verdict(
	struct quorum *quorum, const struct coterie_quorum *verdict, struct quorum_connection *connection);
/**
 * Send the ring's members to one client, without the changes. With connection NULL send members and changes to all
 * clients that track. Only clients of model V1 get this event.
 */
void quorum_tell_nodelist(struct quorum *quorum, struct quorum_connection *connection);

/* --- sync.c --- */

void quorum_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular);
int quorum_sync_step(void *self);
void quorum_sync_done(void *self);
void quorum_sync_fini(struct quorum *quorum);

/* --- state.c: a new version takes over --- */

int quorum_state_save(void *self, void **blob, uint32_t *size);
int quorum_state_load(void *self, const void *blob, uint32_t size);

#endif

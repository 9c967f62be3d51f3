/*
 * What the files of the quorum service share: it tells clients of this node whether the node may
 * work, and who is in the ring. The verdict is the executive's, from whatever provider the
 * configuration names.
 */
#ifndef QUORUM_QUORUM_H
#define QUORUM_QUORUM_H

#include <stdbool.h>

#include <coterie/service.h>

#include "services/quorum/messages.h"

/** One client. The memory is the executive's (client_data). */
struct quorum_connection {
	struct coterie_client *client;
	struct quorum_connection *next, *previous; /* all, newest first */
	uint32_t model;                            /* enum quorum_wire_model */
	bool is_tracking;
};

/** Node ids. */
struct quorum_list {
	uint32_t *nodeids;
	uint32_t count;
};

struct quorum {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;
	struct quorum_connection *connections;
	/* The last configuration, and what it changed against the last finished synchronisation. */
	struct coterie_ring_id ring;
	struct quorum_list members, joined, left; /* ascending */
	struct quorum_list before;                /* of the last finished synchronisation */
	bool is_known; /* the lists of this configuration could be made */
	bool is_same;  /* it was synchronised already */
};

/* --- tell.c: events to clients --- */

/** The verdict, to one client, or with NULL to all that track. */
void quorum_tell_verdict(struct quorum *quorum, const struct coterie_quorum *verdict,
	struct quorum_connection *connection);
/** The members, to one client without what changed, or with NULL to all that track. V1 alone. */
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

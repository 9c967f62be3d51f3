/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the EVS service: the clients of this node and their groups.
 *
 * Only this node stores which groups its clients have joined. Messages contain their groups, and each node finds the
 * receivers among its own clients. So the service needs no synchronisation. The ring provides the order of messages and
 * configurations.
 */
#ifndef EVS_EVS_H
#define EVS_EVS_H

#include <stdbool.h>

#include <coterie/service.h>

#include "services/evs/messages.h"

/** One client. The executive owns the memory (client_data). */
struct evs_connection {
	struct coterie_client *client;
	struct evs_connection *next, *previous; /* all connections, newest first */
	uint32_t uid;
	/* group_count groups, ascending by their bytes. A group that was joined twice is in the list twice. */
	struct evs_wire_group *groups;
	uint32_t group_count, group_capacity;
};

/** A hash table of the groups of one message during its delivery: index.c. */
#define EVS_INDEX_WORDS (sizeof(struct evs_wire_group) / sizeof(uint32_t))
struct evs_index {
	uint64_t key[EVS_INDEX_WORDS];
	const struct evs_wire_group *groups; /* borrowed */
	uint16_t *slots;                     /* indices in groups. slot_count is a power of two */
	uint32_t slot_count, slot_capacity;
};

/** Limit of groups for all connections of one user together. A group that was joined twice counts twice. */
#define EVS_USER_GROUPS_MAX EVS_CONNECTION_GROUPS_MAX

struct evs {
	const struct coterie_host *host; /* borrowed, and outlives this struct */
	struct coterie_ctx *ctx;
	struct evs_connection *connections; /* newest first */
	struct evs_wire_group *groups;      /* scratch: the groups of one message */
	size_t group_capacity;
	struct evs_index index;
	struct iovec *parts; /* scratch: one event */
	size_t part_capacity;
};

/* --- groups.c --- */

/**
 * Add groups to a connection, either all of them or none.
 *
 * @param groups copied: `count` elements, at most EVS_REQUEST_GROUPS_MAX. The client may be changing them, which is
 *     harmless: any bytes are a group
 * @return 0; -ENOMEM, also above EVS_CONNECTION_GROUPS_MAX for the connection or EVS_USER_GROUPS_MAX for its user
 */
int evs_groups_add(
	const struct evs *evs, struct evs_connection *connection, const struct evs_wire_group *groups, uint32_t count);
/** Do the same as evs_groups_add without the limit for a user: an older version of the service may have had none. */
int evs_groups_insert(struct evs_connection *connection, const struct evs_wire_group *groups, uint32_t count);
/**
 * Remove one entry for each group, in the order of the array. Stop at the first group that the connection is not in.
 *
 * @param groups count elements, at most EVS_REQUEST_GROUPS_MAX
 * @return 0; -ENOENT
 */
int evs_groups_remove(struct evs_connection *connection, const struct evs_wire_group *groups, uint32_t count);
/**
 * Prepare evs_groups_meet for the groups of a message, which must stay valid until the next call. @return 0; -ENOMEM
 */
int evs_groups_prepare(struct evs *evs, const struct evs_wire_group *groups, uint32_t count);
/** Return whether the connection is in at least one of the groups that were prepared. */
bool evs_groups_meet(const struct evs *evs, const struct evs_connection *connection,
	const struct evs_wire_group *groups, uint32_t count);
void evs_groups_free(struct evs_connection *connection);

/* --- index.c --- */

/** Choose the key of the hash function. */
void evs_index_init(struct evs *evs);
void evs_index_fini(struct evs *evs);
/** Replace the content of the table by these groups. They are borrowed until the next call. @return 0; -ENOMEM */
int evs_index_fill(struct evs *evs, const struct evs_wire_group *groups, uint32_t count);
bool evs_index_has(const struct evs *evs, const struct evs_wire_group *group);

/* --- requests.c --- */

/** The request table. */
#define EVS_REQUESTS 5
extern const struct coterie_request evs_requests[EVS_REQUESTS];

/* --- deliver.c --- */

void evs_swap_mcast(void *msg, uint32_t size);
void evs_deliver_mcast(
	void *self, uint32_t nodeid, const void *head, const struct iovec *parts, uint32_t count, uint32_t size);
void evs_configuration(void *self, const struct coterie_configuration *configuration);
/** Send the current regular configuration to one client. */
void evs_tell_present(struct evs *evs, struct evs_connection *connection);

/* --- state.c: a new version takes over --- */

int evs_state_save(void *self, void **blob, uint32_t *size);
int evs_state_load(void *self, const void *blob, uint32_t size);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the EVS service: the clients of this node and their groups.
 *
 * Groups are local. Only this node knows which groups its clients have joined. Messages name their
 * groups, and each node finds its receivers. So nothing has to be synchronised. The ring provides
 * the agreed order of messages and configurations.
 */
#ifndef EVS_EVS_H
#define EVS_EVS_H

#include <stdbool.h>

#include <coterie/service.h>

#include "services/evs/messages.h"

/** One client. The memory is the executive's (client_data). */
struct evs_connection {
	struct coterie_client *client;
	struct evs_connection *next, *previous; /* all, newest first */
	uint32_t uid;
	/* group_count groups, ascending by their bytes. A group that was joined twice is in the list twice. */
	struct evs_wire_group *groups;
	uint32_t group_count, group_capacity;
};

/** The groups of the message that is delivered: index.c. */
#define EVS_INDEX_WORDS (sizeof(struct evs_wire_group) / sizeof(uint32_t))
struct evs_index {
	uint64_t key[EVS_INDEX_WORDS];
	const struct evs_wire_group *groups; /* borrowed */
	uint16_t *slots;                     /* places in groups. slot_count is a power of two */
	uint32_t slot_count, slot_capacity;
};

/** Groups that the connections of one user are in together, each time they joined one counted. */
#define EVS_USER_GROUPS_MAX EVS_CONNECTION_GROUPS_MAX

struct evs {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;
	struct evs_connection *connections; /* newest first */
	struct evs_wire_group *groups;      /* scratch: those of one message */
	size_t group_capacity;
	struct evs_index index;
	struct iovec *parts; /* scratch: one event */
	size_t part_capacity;
	uint64_t complain_ns, complaints; /* time of the last warning, and number of those
					   * suppressed since */
};

/* --- evs.c --- */

/** Log a warning about a message of a node, unless one was logged a short time ago. */
void evs_complain(struct evs *evs, uint32_t nodeid, const char *text);

/* --- groups.c --- */

/**
 * Add groups, all or none.
 *
 * @param groups  copied; count elements, at most EVS_REQUEST_GROUPS_MAX. They may be changing under
 * our hands: any bytes are a group
 * @return 0; -ENOMEM, also when the connection would be in more than EVS_CONNECTION_GROUPS_MAX, or the connections of its
 * user in more than EVS_USER_GROUPS_MAX
 */
int evs_groups_add(
	const struct evs *evs, struct evs_connection *connection, const struct evs_wire_group *groups, uint32_t count);
/** As evs_groups_add, for groups that an older version of the service let the user have. */
int evs_groups_insert(struct evs_connection *connection, const struct evs_wire_group *groups, uint32_t count);
/**
 * Take one instance of each group out, in this order, up to the first one that the connection is not in.
 *
 * @param groups  count elements, at most EVS_REQUEST_GROUPS_MAX
 * @return 0; -ENOENT
 */
int evs_groups_remove(struct evs_connection *connection, const struct evs_wire_group *groups, uint32_t count);
/** Prepare evs_groups_meet for the groups of a message, which are kept until the next call. -ENOMEM */
int evs_groups_prepare(struct evs *evs, const struct evs_wire_group *groups, uint32_t count);
/** Return whether the connection is in at least one of the groups that were prepared. */
bool evs_groups_meet(const struct evs *evs, const struct evs_connection *connection,
	const struct evs_wire_group *groups, uint32_t count);
void evs_groups_free(struct evs_connection *connection);

/* --- index.c --- */

/** Choose the key of the hash function. */
void evs_index_init(struct evs *evs);
void evs_index_fini(struct evs *evs);
/** Put the groups into the table, which held others before. They are borrowed until the next call. -ENOMEM */
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

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
	/* group_count, ascending by their bytes. A group that was joined twice is listed twice. */
	struct evs_wire_group *groups;
	uint32_t group_count, group_capacity;
};

struct evs {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;
	struct evs_connection *connections; /* newest first */
	struct evs_wire_group *groups;      /* scratch: those of one message */
	size_t group_capacity;
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
 * @param groups  copied; count elements, at most EVS_REQUEST_GROUPS_MAX. The client may be changing them: any bytes are a valid group
 * @return 0; -ENOMEM, also if the connection would be in more than EVS_CONNECTION_GROUPS_MAX
 */
int evs_groups_add(
	struct evs_connection *connection, const struct evs_wire_group *groups, uint32_t count);
/** Remove one occurrence of the group. -ENOENT */
int evs_groups_remove(struct evs_connection *connection, const struct evs_wire_group *group);
/** Sort the groups of a message as those of a connection are sorted. */
void evs_groups_sort(struct evs_wire_group *groups, size_t count);
/** Return whether the connection is in at least one of the groups, which must be sorted. */
bool evs_groups_meet(
	const struct evs_connection *connection, const struct evs_wire_group *groups, size_t count);
void evs_groups_free(struct evs_connection *connection);

/* --- requests.c --- */

/** The request table. */
#define EVS_REQUESTS 5
extern const struct coterie_request evs_requests[EVS_REQUESTS];

/* --- deliver.c --- */

void evs_swap_mcast(void *msg, uint32_t size);
void evs_deliver_mcast(void *self, uint32_t nodeid, const void *head, const struct iovec *parts,
	uint32_t count, uint32_t size);
void evs_configuration(void *self, const struct coterie_configuration *configuration);
/** Send the current regular configuration to one client. */
void evs_tell_present(struct evs *evs, struct evs_connection *connection);

/* --- state.c: a new version takes over --- */

int evs_state_save(void *self, void **blob, uint32_t *size);
int evs_state_load(void *self, const void *blob, uint32_t size);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration map for clients: clients read, change, list and track keys of this node's configuration and
 * statistics. Nodes send each other the version of their configuration. A node with an older version stops in its first
 * ring with other nodes.
 */
#include "services/cmap/cmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void cmap_snapshot(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	/* Without this line the compiler may read `from` again where `to` is used. */
	__asm__ volatile("" : : "r"(to) : "memory");
}

const char *cmap_key(const struct cmap_wire_name *name)
{
	return memchr(name->value, 0, sizeof(name->value)) != NULL ? name->value : NULL;
}

static int32_t error_of(int rc)
{
	switch (-rc) {
	case 0:
		return CS_OK;
	case EBADF:
		return CS_ERR_BAD_HANDLE;
	case EINVAL:
		return CS_ERR_INVALID_PARAM;
	case ENODATA:
		return CS_ERR_NO_SECTIONS;
	case ENOENT:
		return CS_ERR_NOT_EXIST;
	case ENOMEM:
		return CS_ERR_NO_MEMORY;
	case ENOSPC:
		return CS_ERR_NO_RESOURCES;
	case ENOTSUP:
		return CS_ERR_NOT_SUPPORTED;
	default:
		return CS_ERR_LIBRARY;
	}
}

int cmap_reply(struct cmap *cmap, struct coterie_client *client, uint32_t response_id, int rc, const void *response,
	size_t size)
{
	const size_t header_size = sizeof(struct cmap_response_header);
	struct iovec iov = {
		.iov_base = (uint8_t *)(uintptr_t)response + header_size,
		.iov_len = size - header_size,
	};

	cmap->host->reply(client, response_id, error_of(rc), &iov, 1);
	return COTERIE_REPLIED;
}

/* ---- Connections --------------------------------------------------------- */

static int cmap_client_join(void *self, struct coterie_client *client)
{
	struct cmap *cmap = self;
	struct cmap_connection *connection = cmap->host->client_data(client);

	*connection = (struct cmap_connection){
		.client = client, .next = cmap->connections, .which = COTERIE_MAP_CONFIG, .next_number = 1};
	if (cmap->connections != NULL)
		cmap->connections->previous = connection;
	cmap->connections = connection;
	return 0;
}

static void cmap_client_leave(void *self, struct coterie_client *client)
{
	struct cmap *cmap = self;
	struct cmap_connection *connection = cmap->host->client_data(client);

	cmap_iterators_free(cmap, connection);
	cmap_trackers_free(cmap, connection);
	if (connection->previous != NULL)
		connection->previous->next = connection->next;
	else
		cmap->connections = connection->next;
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
}

/* ---- Life ---------------------------------------------------------------- */

static int cmap_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct cmap *cmap = calloc(1, sizeof(*cmap));
	int rc;

	if (cmap == NULL)
		return -ENOMEM;
	cmap->host = host;
	cmap->ctx = ctx;
	rc = cmap_track_init(cmap);
	if (rc < 0)
		goto release;
	rc = cmap_room_init(cmap);
	if (rc == 0)
		rc = cmap_version_init(cmap);
	if (rc < 0)
		goto untrack;
	*self = cmap;
	return 0;
untrack:
	cmap_track_fini(cmap);
release:
	free(cmap);
	return rc;
}

/* The executive has ended all connections before this call, or a new version of the plugin has taken them over. */
static void cmap_fini(void *self)
{
	struct cmap *cmap = self;

	for (struct cmap_connection *one = cmap->connections; one != NULL; one = one->next) {
		cmap_iterators_free(cmap, one);
		cmap_trackers_free(cmap, one);
	}
	cmap->host->timer_del(cmap->ctx, cmap->drain);
	cmap->host->timer_del(cmap->ctx, cmap->turn);
	cmap_version_fini(cmap);
	cmap_track_fini(cmap);
	cmap_shares_fini(cmap);
	free(cmap);
}

#define REQUEST(name) sizeof(struct cmap_req_##name)

/*
 * The handlers of set, delete and adjust also check the key: a key that controls the daemon needs the access right
 * "administer".
 */
static const struct coterie_request cmap_requests[] = {
	{CMAP_REQ_SET, REQUEST(set), 0, CMAP_REQ_SET, cmap_handle_set},
	{CMAP_REQ_DELETE, REQUEST(delete), 0, CMAP_REQ_DELETE, cmap_handle_delete},
	{CMAP_REQ_GET, REQUEST(get), COTERIE_OBSERVES, CMAP_REQ_GET, cmap_handle_get},
	{CMAP_REQ_ADJUST, REQUEST(adjust), 0, CMAP_REQ_ADJUST, cmap_handle_adjust},
	{CMAP_REQ_ITER_INIT, REQUEST(iter_init), COTERIE_OBSERVES, CMAP_REQ_ITER_INIT, cmap_handle_iter_init},
	{CMAP_REQ_ITER_NEXT, REQUEST(iter_next), COTERIE_OBSERVES, CMAP_REQ_ITER_NEXT, cmap_handle_iter_next},
	{CMAP_REQ_ITER_FINALIZE, REQUEST(iter_finalize), COTERIE_OBSERVES, CMAP_REQ_ITER_FINALIZE,
		cmap_handle_iter_finalize},
	{CMAP_REQ_TRACK_ADD, REQUEST(track_add), COTERIE_OBSERVES, CMAP_REQ_TRACK_ADD, cmap_handle_track_add},
	{CMAP_REQ_TRACK_DELETE, REQUEST(track_delete), COTERIE_OBSERVES, CMAP_REQ_TRACK_DELETE,
		cmap_handle_track_delete},
	{CMAP_REQ_SET_MAP, REQUEST(set_map), COTERIE_OBSERVES, CMAP_RES_SET_MAP, cmap_handle_set_map},
};

static const struct coterie_ring_msg cmap_ring_msgs[] = {
	{CMAP_RING_VALUES, sizeof(struct cmap_ring_values), cmap_swap_values, cmap_deliver_values, NULL},
};

static const struct coterie_service cmap_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = CMAP_SERVICE_ID,
	.ipc_name = "cmap",
	.title = "corosync configuration map access",
	.client_size = sizeof(struct cmap_connection),
	.priority = 1,
	.init = cmap_init,
	.fini = cmap_fini,
	.client_join = cmap_client_join,
	.client_leave = cmap_client_leave,
	.sync_start = cmap_sync_start,
	.sync_step = cmap_sync_step,
	.sync_done = cmap_sync_done,
	.state_save = cmap_state_save,
	.state_load = cmap_state_load,
	COTERIE_REQUESTS(cmap_requests),
	COTERIE_RING_MSGS(cmap_ring_msgs),
};

COTERIE_PLUGIN(cmap, .kind = COTERIE_KIND_SERVICE, .version = "1.0",
	.description = "the configuration map and the statistics, for clients",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_SYNC | COTERIE_CAP_MAP | COTERIE_CAP_STATS |
		 COTERIE_CAP_ADMIN | COTERIE_CAP_RIGHTS,
	.offers = COTERIE_CAN_UNPRIVILEGED | COTERIE_CAN_HAND_OVER, .ops = &cmap_ops);

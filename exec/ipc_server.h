/*
 * IPC: one libqb server per service with an ipc_name. The rules:
 *
 * - which peers may connect: book ipc, "Connecting"
 * - checks before a handler runs: book ipc, "Requests"
 * - gates: book ipc, "Gates"
 * - answers and events: book ipc, "Events"
 */
#ifndef EXEC_IPC_SERVER_H
#define EXEC_IPC_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include <coterie/service.h>

struct executive;
struct plugin;
struct ipc;        /* all servers */
struct ipc_server; /* one */
struct ipc_handover; /* a service's clients between two plugins */

/** Fill of the ring's send queue (book packing, "Queue levels"). */
enum ipc_level {
	IPC_LEVEL_LOW,
	IPC_LEVEL_GOOD,
	IPC_LEVEL_HIGH,
	IPC_LEVEL_CRITICAL,
};

struct ipc *ipc_create(struct executive *executive);
void ipc_destroy(struct ipc *ipc); /* all servers closed before */

/** Open the service's name (with the instance's suffix). Sets plugin->ipc. -errno of libqb. */
int ipc_server_open(struct ipc *ipc, struct plugin *plugin);
/** Close: its clients' connections end, client_leave runs for each. NULL is ignored. */
void ipc_server_close(struct ipc_server *server);

/** What the gate of this one service depends on has changed: plugin->is_held. */
void ipc_server_gate(struct ipc_server *server);
/**
 * A service's clients, as another plugin takes them over. They keep their connections; client_data of all
 * of them is zeroed memory of the new one's.
 *
 * @return what ipc_server_undo or ipc_server_keep ends; NULL: out of memory, nothing has changed
 */
struct ipc_handover *ipc_server_take(struct ipc_server *server, struct plugin *successor);
/** The old plugin has its clients again, as they were. */
void ipc_server_undo(struct ipc_handover *handover);
/** The old plugin is gone: what it knew of them is freed; requests that wait are the new one's. */
void ipc_server_keep(struct ipc_handover *handover);
/** Something the gates depend on may have changed: sync, quorum, level. Cheap when nothing did. */
void ipc_gate(struct ipc *ipc);
/** The ring has room again: run the requests that were kept (COTERIE_NO_REPLY and -EAGAIN). */
void ipc_room(struct ipc *ipc);
/** The token is here: take what clients have written into their channels, each its share, until the ring's queue holds
    what is worth to wait there. true: they have more. */
bool ipc_pull(struct ipc *ipc);
/** Clients that wait for what was written into their channels learn of it now, not when the turn ends. */
void ipc_tell(struct ipc *ipc);
/** The token stays here: the same, and clients without more shall ring for the next message; where they have answered
    at once the last times they are waited for first, behind the present callback. */
void ipc_pull_all(struct ipc *ipc);
/** First synchronisation complete: accept connections from now on. */
void ipc_ready(struct ipc *ipc);

/* host table */
void *ipc_client_data(struct coterie_client *client);
void ipc_client_peer(struct coterie_client *client, uint32_t *pid, uint32_t *uid, uint32_t *gid);
/** As client_may of the host table. */
int ipc_client_may(struct coterie_client *client, uint32_t right);
/** As client_may_send of the host table. */
int ipc_client_may_send(struct coterie_client *client);
int ipc_client_reply(struct coterie_client *client, uint32_t response_id, int32_t error,
	const struct iovec *iov, uint32_t count);
int ipc_client_event(struct coterie_client *client, uint32_t event_id, const struct iovec *iov,
	uint32_t count);
void ipc_client_disconnect(struct coterie_client *client);
int ipc_channel_open(struct coterie_client *client, const void *offer, uint32_t size,
	struct coterie_channel_grant *grant);
int ipc_channel_deliver(struct coterie_client *client, uint32_t nodeid, uint32_t pid,
	const struct iovec *iov, uint32_t count);
uint64_t ipc_client_id(struct coterie_client *client);
/** NULL: it has gone, or server is NULL. */
struct coterie_client *ipc_client_find(const struct ipc_server *server, uint64_t id);

/**
 * Events that one client may have waiting in our memory, bytes (book ipc, "Events"). A client is disconnected
 * when more than IPC_BACKLOG_MAX wait and it has read none for IPC_STALL_NS: a sender that is slow to read falls
 * behind by more than that within a second, and still reads. Beyond IPC_BACKLOG_LIMIT it goes in any case. Where
 * all clients together have more than IPC_BACKLOG_ALL, what several wait for counted once, whoever has most goes.
 */
#define IPC_BACKLOG_MAX (64u << 20)
#define IPC_BACKLOG_LIMIT (512u << 20)
#define IPC_BACKLOG_ALL (UINT64_C(1) << 30)
#define IPC_STALL_NS UINT64_C(1000000000)
/**
 * With more of its own events than this, bytes, a client gets "try again" for its next message, until half of them are
 * read. What it has on the way then stays far below IPC_BACKLOG_MAX. When the backlogs of clients that have read within
 * IPC_STALL_NS have half of IPC_BACKLOG_ALL together, a thirty-second part of this is the bound.
 */
#define IPC_HOLD_SIZE (32u << 20)

/**
 * Connections that one user may have to all services together. Each is 3.1 MB in /dev/shm. Debian's Pacemaker has about
 * 20 as its user. An administrator has no share: the limit of descriptors is its own. One more gets "try again".
 */
#define IPC_CONNECTIONS_OF_USER 128u
#define IPC_CONNECTIONS_OF_OBSERVER 32u
/**
 * Bytes of rings that the fast channels of one user may have together: half of what all may have, and enough for a channel
 * of the smallest size on each of its connections. An administrator has no share. One more channel is as small as may
 * be, or the client goes on without.
 */
#define IPC_CHANNEL_BYTES_OF_USER (320u << 20)

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
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

struct config;
struct loop;
struct map;
struct plugin;
struct ring;
struct stats;
struct sync;
struct ipc;          /* all servers */
struct ipc_server;   /* the server of one service */
struct ipc_handover; /* clients of a service that move to another plugin */

/** Fill of the ring's send queue (book packing, "Queue levels"). */
enum ipc_level {
	IPC_LEVEL_LOW,
	IPC_LEVEL_GOOD,
	IPC_LEVEL_HIGH,
	IPC_LEVEL_CRITICAL,
};

/** The parts that IPC uses. All of them outlive it. */
struct ipc_parts {
	struct loop *loop;
	struct map *map; /* holds the users that may connect */
	struct stats *stats;
	const struct sync *sync; /* or NULL: there is no synchronisation */
	const bool *is_quorate;  /* read for each request that needs quorum */
	/* knows whether is_quorate is about the present ring, or NULL: it always is */
	const struct delivery *delivery;
	struct config *const *config; /* the current configuration, which a reload replaces, or NULL: none */
	const char *instance;         /* or NULL: the default one */
};

/** Create IPC without a server. parts is copied. NULL: out of memory. */
struct ipc *ipc_create(const struct ipc_parts *parts);
/**
 * Let the gates follow the queue and the lease of this ring, which is created after IPC. Before this call the gates are
 * open.
 */
void ipc_attach(struct ipc *ipc, struct ring *ring);
void ipc_destroy(struct ipc *ipc); /* all servers must be closed */

/** Open the service's name (with the instance's suffix). Sets plugin->ipc. -errno of libqb. */
int ipc_server_open(struct ipc *ipc, struct plugin *plugin);
/**
 * Describe the error of ipc_server_open. If the name is taken, the text names the process that listens there.
 *
 * @param rc    result of ipc_server_open
 * @param text  out
 */
void ipc_server_error(const struct ipc *ipc, const struct plugin *plugin, int rc, char *text, size_t size);
/** Close a server: the connections of its clients end, client_leave runs for each. NULL is ignored. */
void ipc_server_close(struct ipc_server *server);

/** Apply the gate of this one service again: plugin->is_held has changed. */
void ipc_server_gate(struct ipc_server *server);
/**
 * Give the clients of a service to another plugin. They keep their connections. Their client_data is now zeroed
 * memory of the size that the new plugin wants.
 *
 * @return an object for ipc_server_undo or ipc_server_keep, and then ipc_handover_free; NULL: out of memory, nothing has
 *     changed
 */
struct ipc_handover *ipc_server_take(struct ipc_server *server, struct plugin *successor);
/** Give the clients back to the old plugin, with their old data. NULL is ignored. */
void ipc_server_undo(struct ipc_handover *handover);
/** Complete the change: requests that wait are now for the new plugin. NULL is ignored. */
void ipc_server_keep(struct ipc_handover *handover);
/** Free the client_data of the plugin that does not have the clients. It has ended. NULL is ignored. */
void ipc_handover_free(struct ipc_handover *handover);
/** Apply all gates again: synchronisation, quorum or level may have changed. Cheap if they have not. */
void ipc_gate(struct ipc *ipc);
/** Run the requests that were kept (COTERIE_NO_REPLY and -EAGAIN): the ring has room again. */
void ipc_room(struct ipc *ipc);
/**
 * Note that a message of the ring is delivered from now on, until ipc_fan_end. Its parts are borrowed and do not change
 * meanwhile. IPC_FAN_SIZE bytes of events are sent to clients at once, the others in later turns of the loop.
 */
void ipc_fan_begin(struct ipc *ipc, const struct iovec *parts, size_t count);
/** @return bytes of the events that the message has sent to clients at once; each counts IPC_FAN_EVENT more */
size_t ipc_fan_end(struct ipc *ipc);
/**
 * Read the channels of clients, a share of each, until the ring's queue is as full as is useful (totem_queue). Called
 * while this node has the token. @return true: the channels have more messages
 */
bool ipc_pull(struct ipc *ipc);
/** Notify clients of new events in their channels now, not at the end of the turn. */
void ipc_tell(struct ipc *ipc);
/**
 * Do as ipc_pull when this node keeps the token, and let clients send doorbells for their next message. If they wrote
 * at once the last times, a short wait for them comes first, after the present callback.
 */
void ipc_pull_all(struct ipc *ipc);
/** Accept connections from now on: the first synchronisation is complete. */
void ipc_ready(struct ipc *ipc);

/* Functions of the host table. */
void *ipc_client_data(struct coterie_client *client);
void ipc_client_peer(struct coterie_client *client, uint32_t *pid, uint32_t *uid, uint32_t *gid);
/** As client_may of the host table. */
int ipc_client_may(struct coterie_client *client, uint32_t right);
/** As client_may_send of the host table. */
int ipc_client_may_send(struct coterie_client *client);
int ipc_client_reply(
	struct coterie_client *client, uint32_t response_id, int32_t error, const struct iovec *iov, uint32_t count);
int ipc_client_event(struct coterie_client *client, uint32_t event_id, const struct iovec *iov, uint32_t count);
void ipc_client_disconnect(struct coterie_client *client);
/**
 * As reply_later, reply_finish and reply_adopt of the host table. server: that of the service, or NULL: it has no
 * clients.
 */
int ipc_reply_later(
	struct coterie_client *client, uint32_t timeout_ms, coterie_reply_gone gone, void *arg, uint64_t *token);
int ipc_reply_finish(
	const struct ipc_server *server, uint64_t token, int32_t error, const struct iovec *iov, uint32_t count);
int ipc_reply_adopt(const struct ipc_server *server, uint64_t token, coterie_reply_gone gone, void *arg);
/** As call_open, call_send and call_close of the host table. ipc NULL: there is no service. */
int ipc_call_open(struct ipc *ipc, struct plugin *plugin, const char *ipc_name, const struct coterie_caller *caller,
	void *arg, struct coterie_call **call);
int ipc_call_send(struct coterie_call *call, const void *msg, uint32_t size);
void ipc_call_close(struct coterie_call *call);
/** Close all calls of a plugin that ends. ipc NULL is ignored. */
void ipc_call_forget(struct ipc *ipc, const struct plugin *plugin);
int ipc_channel_open(
	struct coterie_client *client, const void *offer, uint32_t size, struct coterie_channel_grant *grant);
int ipc_channel_deliver(
	struct coterie_client *client, uint32_t nodeid, uint32_t pid, const struct iovec *iov, uint32_t count);
uint64_t ipc_client_id(struct coterie_client *client);
/** Find a client by its id. NULL: it has gone, or server is NULL. */
struct coterie_client *ipc_client_find(const struct ipc_server *server, uint64_t id);

/**
 * Bytes of events that may wait in the daemon (book ipc, "Events"). A client is disconnected in these cases:
 *
 * - more than IPC_BACKLOG_MAX of its events wait, and it has read none for IPC_STALL_NS. Without the time a client
 *   that sends much and reads slowly would be disconnected: it can fall behind by more within a second
 * - more than IPC_BACKLOG_LIMIT of its events wait
 * - all clients together have more than IPC_BACKLOG_ALL, this client's user has most of them, and of its clients this
 *   one. Events that several clients share count once in the sum of all. While the events of a client that has ended are
 *   freed, all together may have 1 / IPC_BACKLOG_EXCESS more
 *
 * Each event counts with the structs that hold it (ipc_backlog_cost).
 */
#define IPC_BACKLOG_MAX (64u << 20)
#define IPC_BACKLOG_LIMIT (512u << 20)
#define IPC_BACKLOG_ALL (UINT64_C(1) << 30)
#define IPC_BACKLOG_EXCESS 8
#define IPC_STALL_NS UINT64_C(1000000000)
/** Bytes of events that one message of the ring, or one request, sends to all clients at once: about 1 ms. */
#define IPC_FAN_SIZE (2 << 20)
/** Bytes that count for each event besides its own: it costs a system call, and the client's loop wakes up. */
#define IPC_FAN_EVENT 4096
/**
 * If a client has more bytes of its own events waiting than this, its next message gets "try again", until it has read
 * half of them. So its events stay far below IPC_BACKLOG_MAX. The bound is a thirty-second part of this while clients
 * that have read within IPC_STALL_NS have half of IPC_BACKLOG_ALL together.
 */
#define IPC_HOLD_SIZE (32u << 20)

/**
 * Connections that one user may have to all services together. Each takes 3.1 MB in /dev/shm. Debian's Pacemaker has
 * about 20 as its user. One more connection gets "try again". For an administrator only the limit of descriptors
 * counts.
 */
#define IPC_CONNECTIONS_OF_USER 128u
#define IPC_CONNECTIONS_OF_OBSERVER 32u
/**
 * Bytes of rings that the fast channels of one user may have together. This is half of the bound for all users. It is
 * enough for a channel of the smallest size on each connection of the user. Beyond it a further channel has the
 * smallest size, or the client gets none. There is no such bound for an administrator.
 */
#define IPC_CHANNEL_BYTES_OF_USER (320u << 20)

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Services: plugins that serve local clients over IPC, and agree with the same service on other nodes by ordered
 * messages.
 *
 * A request of a client is handled by a function of the request table, which multicasts a ring message with
 * host->ring_send. Each node receives that message, in the same order, by a function of the ring message table. That
 * function changes the state, and sends events to clients with host->event. A state that all nodes must agree on may
 * change only in ring messages and functions of the synchronisation.
 *
 * A quorum provider is a service that decides whether this part of the ring may work. To write one:
 *
 * 1. Announce it: `.offers = COTERIE_CAN_QUORUM` makes the service a provider, which the configuration may name.
 *    `.needs = COTERIE_CAP_QUORUM` does not: it says that the plugin calls quorum_publish, quorum_get or quorum_watch,
 *    as services that only read verdicts do too. A provider needs a ring id, and an ipc_name only if it has clients of
 *    its own. All nodes must run it.
 * 2. Take part in the synchronisation. In sync_start copy ring and members, which are not certain yet. In sync_step
 *    send the facts that the other members need with ring_send, or return 0 at once. In sync_done all members have
 *    received all of these messages: decide, and call host->quorum_publish. Do so even if the verdict has not changed,
 *    since the ring is new. All members decide the same, by the same messages in the same order. Until the first call
 *    the node is not quorate. Publish the votes too (members' votes and needed), if quorum is a matter of votes.
 *    Requests of the provider's own clients do not wait for sync_done: do not answer with the verdict of the last ring.
 * 3. Publish again whenever the verdict or the votes change between synchronisations (by a message, a timer or a key).
 *    Do not publish between sync_start and sync_done, since the facts are not agreed on then.
 *
 * The operator writes `quorum { provider: NAME }`, and the provider's options in `service { name: NAME … }`. The daemon
 * loads the provider, and refuses to start without it. Verdicts of other plugins are refused (-EPERM). The daemon logs
 * each verdict. Without quorum it closes the gate of requests that need quorum. The quorum service sends the verdict to
 * clients. If init fails, the start fails: log the reason, and return the errno. plugins/leader.c of the
 * installed documentation is a complete provider.
 */
#ifndef COTERIE_SERVICE_H
#define COTERIE_SERVICE_H

#include <coterie/plugin.h>

/** Results of a request handler in addition to 0 and -errno. */
#define COTERIE_REPLIED 1 /* the handler has called host->reply */
#define COTERIE_LATER 2   /* the plugin will call host->reply later, exactly once */

/** Flags of a request. */
/* The request is refused with "try again" during a synchronisation, or if the ring has no room. */
#define COTERIE_NEEDS_FLOW 1u
/*
 * The request is refused with "try again" while the node is not quorate. It waits while the node is quorate, but was
 * out of contact with a majority of the votes for too long (coterie.conf(5), WHEN A NODE IS REMOVED). In a new ring it
 * waits until the quorum provider has published a verdict about that ring.
 */
#define COTERIE_NEEDS_QUORUM 2u
#define COTERIE_NO_REPLY 4u /* the client does not wait for an answer; see coterie_request */
/*
 * Since 1.5: the answer says whether the node is quorate. The request waits while the node is quorate, but its
 * verdict may be out of date, as with COTERIE_NEEDS_QUORUM: other members may have formed a ring without this node. After 10 s the client
 * gets "try again". Executives before 1.5 answer at once.
 */
#define COTERIE_TELLS_QUORUM 32u
/*
 * Since 1.5: the right that a client needs. A request with neither flag needs COTERIE_RIGHT_USE, and a request with
 * both flags needs COTERIE_RIGHT_ADMINISTER. Executives before 1.5 ignore the flags: name COTERIE_CAP_RIGHTS in
 * `needs`.
 */
#define COTERIE_OBSERVES 8u     /* needs COTERIE_RIGHT_OBSERVE: the request has no effect on other clients */
#define COTERIE_ADMINISTERS 16u /* needs COTERIE_RIGHT_ADMINISTER */

/**
 * One request. Before the handler runs the executive checks the client's right, the flags, and that `size_min` <= size
 * <= 1048576. The flags name the right that is needed. A client without it receives CS_ERR_ACCESS. Up to 4096 bytes,
 * msg is a copy aligned to 8. A longer msg is the client's own shared memory, aligned to 4. Its bytes may change while
 * the handler runs, so copy a length once, and check the copy.
 *
 * The result of the handler is one of these:
 *
 * - 0: the executive answers `response_id` with CS_OK.
 * - COTERIE_REPLIED, COTERIE_LATER: the executive does not answer.
 * - -errno: the executive answers with the matching cs_error_t. Here -EAGAIN is "try again", -ENOENT "not exist",
 *   -EINVAL "invalid parameter", -EINTR "interrupt", -EOVERFLOW "name too long", -EMSGSIZE "too big". The errors of
 *   -EEXIST, -EBUSY, -ENOTSUP, -ENOMEM and -EACCES have the same names. All others are "library".
 *
 * A request with COTERIE_NO_REPLY has no answer at all. If its handler returns -EAGAIN, the executive keeps the
 * request. It calls the handler again when the ring has room, before it reads other requests of that client. So the
 * request is not lost.
 */
struct coterie_request {
	uint32_t id;       /* ascending in the table. Requests with other ids are answered "invalid parameter" */
	uint32_t size_min; /* least bytes, with the 16-byte header, or the 24-byte one if the client sends that */
	uint32_t flags;    /* COTERIE_NEEDS_*, COTERIE_NO_REPLY, COTERIE_OBSERVES, COTERIE_ADMINISTERS */
	uint32_t response_id;
	int (*handle)(void *self, struct coterie_client *client, const void *msg, uint32_t size);
};

/**
 * One message from the ring.
 *
 * Messages of one sender arrive in the order in which it sent them, and those of all senders in one order on all
 * members. A configuration of the ring changes in two steps, and messages arrive in between:
 *
 *   regular configuration 1, messages, transitional configuration, messages, regular configuration 2, messages
 *
 * The transitional configuration has the members of both regular ones (`left` names the others). The messages behind it
 * were sent in configuration 1 and reach its members alone: the nodes that have left may deliver other messages, or
 * none. Their sender may be one of those that have left, and a service that acts for a sender acts for a node that is gone.
 * A message that a service sends from the transitional configuration on is delivered in configuration 2 or a later one.
 * COTERIE_NEEDS_QUORUM holds back requests of clients. It says nothing about the place at which a message is delivered.
 * A handler that grants something exclusive calls host->delivery (since 1.7) and checks `is_quorate` and
 * `is_sender_member`. write-a-service.md of the installed documentation has an example.
 *
 * A member that is cut off may deliver a safe message in configuration 1, where `is_quorate` is 1, and tell its client
 * that it got something. The others have received the message, and may deliver it in the transitional configuration,
 * where `is_quorate` is 0. If they ignored it there, their state would be older than that of the member that was cut
 * off, and an older grant could count again. So a service follows these rules:
 *
 * - Send the request safe (COTERIE_SAFE). Then all members that go on deliver it, in one configuration or the other.
 * - is_quorate 1: grant, if is_sender_member is 1.
 * - is_quorate 0, is_sender_member 0, and the provider's verdict about place.ring was "quorate" (quorum_watch): the
 *   sender may have got what it asked for. Note the grant, with its number, until the next synchronisation.
 * - is_quorate 0, is_sender_member 1: the sender delivers the message in the same configuration and got nothing. Note
 *   nothing.
 *
 * The executive has checked the header's service, function and size, and that the message has at least size_min bytes
 * (16-byte executive header included).
 *
 * deliver gets the whole message as a private copy, contiguous, aligned to 8, already converted by swap. deliver_parts
 * gets it without a copy. Its head has size_min bytes, aligned to 8, private, converted by swap(head, size_min). The
 * rest, size - size_min bytes, is in parts[0 .. count), read-only. Exactly one of both functions is set. All arguments
 * are borrowed for the call. They have no result. A service without memory for its state ends the daemon (abort, or
 * host->die), since it must not go on with another state than the other members.
 */
struct coterie_ring_msg {
	uint32_t function; /* ascending from 0 without gaps */
	uint32_t size_min;
	void (*swap)(void *msg, uint32_t size); /* convert from the other byte order, without the header; or NULL */
	void (*deliver)(void *self, uint32_t nodeid, void *msg, uint32_t size);
	void (*deliver_parts)(void *self, uint32_t nodeid, const void *head, const struct iovec *parts, uint32_t count,
		uint32_t size);
};

/** A configuration of the ring. Lists are ascending, borrowed for the call. */
struct coterie_configuration {
	uint32_t size;       /* of this struct, in the executive */
	uint32_t is_regular; /* 0: transitional */
	struct coterie_ring_id ring;
	const uint32_t *members;
	const uint32_t *left;   /* transitional: nodes of the last ring that are not in the next one. Regular: none */
	const uint32_t *joined; /* regular: members that were not in the last ring. Transitional: none */
	uint32_t member_count, left_count, joined_count, pad;
};

/**
 * Operations of a service. All except init and fini may be NULL. All run on the loop thread.
 *
 * Synchronisation after a regular configuration, for services with sync_step. protocol/sync.md of the installed
 * documentation has the messages.
 *
 * 1. sync_start on all members.
 * 2. For one service after the other, by ascending ring id: sync_step after each pass of the token until it returns 0.
 * 3. When all members have finished: sync_done.
 *
 * Services with ring ids below 5, which are Corosync's, have one turn if all nodes of the ring know this. Then
 * sync_step of the next one is called as soon as that of the one before has returned 0. At the end sync_done of all of
 * them is called. The next service begins behind that.
 *
 * sync_done is called at the same place of the order on all members that reach it. If a member is cut off at that time,
 * some members may reach it and others not. For the others the synchronisation was interrupted, even if all messages
 * of the service were delivered. So a service must not grant anything in sync_done.
 *
 * It may do so at a safe message that a member sent after its own sync_done. Where a member delivers this message in the
 * regular configuration, all members have had their sync_done in this ring. Requests with COTERIE_NEEDS_FLOW are handled
 * after sync_done only.
 *
 * A transitional configuration ends a synchronisation that is not complete. The function `configuration` is called
 * first. Then sync_abort is called for the service, or the services, whose turn it is in step 2. It is not called for
 * services before them, which had their sync_done, and not for those behind them, which have sent nothing. Messages of
 * the old ring are delivered after that. The regular configuration follows, and sync_start of all services. So
 * sync_start resets what an earlier synchronisation has left, whether sync_abort was called or not.
 *
 * A message of sync_step goes before all messages that wait. A message that a service sends at another time during a
 * synchronisation is delivered after its end, behind the messages that were sent before. While a service synchronises
 * alone, all messages keep their order, and those of other times may be delivered before its end.
 *
 * A service that is loaded while the ring runs gets the present configuration without joined members. It gets no
 * earlier ring message. If it has sync_step it then synchronises alone, in the same ring, on the nodes that have the
 * service. Requests of its clients wait on these nodes. Earlier ones are delivered first. Then sync_start to
 * sync_done are called as above. regular has the ring's members, and none of them as joined. transitional is empty on
 * the node that loaded the service. On the other nodes it has all members except for that node, since the service may
 * have been unloaded there a moment ago. If a member runs the service and is a Corosync node, the same members form
 * the ring again instead. If the node that loaded the service unloads it before sync_done, sync_abort is called on the
 * other nodes, and no sync_start follows. The service goes on with the state that it had. If it has no sync_abort, the
 * same members form the ring again, and sync_start follows.
 *
 * A newer version replaces a service (COTERIE_CAN_HAND_OVER) in one turn of the loop, between two messages, and not
 * during a synchronisation:
 *
 * 1. init of the new one, while the old one is still there. quorum_publish does nothing yet, and ring_send returns
 *    -EAGAIN. Calls of map_set, map_delete and map_adjust wait. They are dropped, unless the new one starts without a
 *    state. Statistics that it adds here or in state_load appear when those of the old one are gone.
 * 2. state_save of the old one. It copies the state, including requests to be answered later (COTERIE_LATER).
 * 3. state_load of the new one, which is the service from then on. Its calls have effects.
 * 4. fini of the old one.
 *
 * If 1 to 3 fail, fini of the new one is called, and the old one goes on. Clients stay connected, without client_join
 * and client_leave. Each has zeroed client_data of the new one's size, and is found by its number (client_id,
 * client_find).
 *
 * The new version must have the ring id and the IPC name of the old one, and no requests if the old one has none. It must
 * have a sync_step if and only if the old one has it, since the other nodes are not informed. Otherwise unload the old
 * one first.
 */
struct coterie_service {
	uint32_t size;
	uint32_t ring_id;     /* service number on the ring, 0 .. 62. ring-ids.md says which are free */
	const char *ipc_name; /* libqb name of the default instance, or NULL: no clients */
	const char *title;    /* long name, as logged at load */
	uint32_t client_size; /* bytes of client_data for each connection */
	uint32_t priority;    /* services are unloaded in descending order of it */

	/**
	 * Make the state, *self, which is the first argument of all other functions. < 0: the plugin is not loaded; log
	 * the reason.
	 */
	int (*init)(const struct coterie_host *host, struct coterie_ctx *ctx, void **self);
	/**
	 * Called once after a successful init. Clients are gone, or another version has taken them over. In the second
	 * case the client_data that this version gave them still exists, and is freed after fini.
	 */
	void (*fini)(void *self);
	/**
	 * A client has connected. < 0: refuse the connection, then client_leave is not called. client_find finds the
	 * client as soon as this has returned.
	 */
	int (*client_join)(void *self, struct coterie_client *client);
	/**
	 * A client has gone, and this is the last call for it. The host's client_data and client_id still work. Its
	 * client_find no longer finds the client, and at an unload no other one. Its reply and event return -ENOTCONN.
	 */
	void (*client_leave)(void *self, struct coterie_client *client);
	/**
	 * The ring has changed: called for the transitional and for the regular configuration (coterie_ring_msg), before
	 * sync_abort and sync_start. Turns of the loop may lie between the two, with timers and with requests that do not have
	 * COTERIE_NEEDS_FLOW.
	 */
	void (*configuration)(void *self, const struct coterie_configuration *configuration);
	/**
	 * A synchronisation begins. This function must not send.
	 *
	 * @param transitional  members that stayed together with this node since its last sync_done of this service, the
	 *     node itself included. Other members may know less, or more. Empty in the first ring
	 * @param regular       borrowed; the configuration that the function configuration got last
	 */
	void (*sync_start)(void *self, const uint32_t *transitional, uint32_t transitional_count,
		const struct coterie_configuration *regular);
	/**
	 * Send this node's state. 0: all is sent; -EAGAIN: call again after the next token. Messages that are queued when
	 * a round is aborted are delivered in the next round: name the ring in them.
	 *
	 * It must return 0 after a bounded number of calls. Until then clients of the service wait on all nodes that have
	 * it. If a service that synchronises alone needs more than 60 s, the same members form the ring again, and all
	 * services synchronise. That synchronisation has no time limit: clients of all services wait on all nodes, until
	 * sync_step returns 0 or this daemon ends. The load has not ended then, so the service cannot be unloaded.
	 */
	int (*sync_step)(void *self);
	/**
	 * All members have sent their state. This is called at the same place of the order on all members that reach it.
	 * Members that are cut off may not reach it: see above.
	 */
	void (*sync_done)(void *self);
	/** The synchronisation ends without sync_done: drop what was received in it. */
	void (*sync_abort)(void *self);
	/** Options have new values, which are checked already. < 0: logged, the values stay. */
	int (*reload)(void *self);
	/**
	 * Called before the service is unloaded, or the node leaves. Clients are gone, but the service may still send.
	 * 0: the service has given all its messages to ring_send. The executive itself waits for those: at an unload
	 * until they are delivered here, at the end of the node until they are sent. So this function need not wait for
	 * a delivery. -EAGAIN: it is called again, until the drain time is over (a token timeout, or drain_ms of
	 * plugin_unload). NULL: 0
	 */
	int (*drain)(void *self);
	/**
	 * Write the state. blob: malloc'd, the executive frees it. <coterie/state.h> helps to write and read a blob. A
	 * service without state, or with its state in the maps, needs neither state_save nor state_load.
	 */
	int (*state_save)(void *self, void **blob, uint32_t *size);
	/** Read the state into a service, after init. -ENOTSUP: unknown format; another errno: the reason. */
	int (*state_load)(void *self, const void *blob, uint32_t size);

	const struct coterie_request *requests;
	uint32_t request_count, request_size; /* number of elements, and size of one */
	const struct coterie_ring_msg *ring_msgs;
	uint32_t ring_msg_count, ring_msg_size; /* number of elements, and size of one */

	/* since 1.1 */
	/** Log the state, to find a fault. */
	void (*dump)(void *self);

	/* since 1.4 */
	/**
	 * Handle a message that the client wrote into its channel: size bytes at msg, in shared memory that the client
	 * may change meanwhile. 0: accepted or dropped; -EAGAIN: the ring has no room, it is called again later. It is
	 * not called while requests with COTERIE_NEEDS_FLOW would wait. Only a client with COTERIE_RIGHT_USE has a
	 * channel.
	 */
	int (*channel_message)(
		void *self, struct coterie_client *client, uint32_t guarantee, const void *msg, uint32_t size);

	/* since 1.8 */
	/**
	 * Called once after -EAGAIN, on a separate turn of the loop, so that the service need not poll. Name
	 * COTERIE_CAP_WRITABLE in `needs`: executives before 1.8 do not call it.
	 *
	 * client NULL: ring_send had no room, and has some now. Several services may wait: send, and wait again after
	 * -EAGAIN. It is not called between the regular configuration and sync_done: there sync_step is called.
	 *
	 * client not NULL: client_may_send refused this client, which has read its events since.
	 *
	 * A successor (state_load) is called for what was refused to its predecessor.
	 */
	void (*writable)(void *self, struct coterie_client *client);
};

#define COTERIE_REQUESTS(array) \
	.requests = (array), .request_count = sizeof(array) / sizeof((array)[0]), .request_size = sizeof((array)[0])
#define COTERIE_RING_MSGS(array) \
	.ring_msgs = (array), .ring_msg_count = sizeof(array) / sizeof((array)[0]), .ring_msg_size = sizeof((array)[0])

/** Header of a request, written by the client. Padding is not read. */
struct coterie_request_header {
	int32_t id;
	uint32_t pad0;
	int32_t size; /* whole message */
	uint32_t pad1;
};

/** Header of responses and events, written by the executive. */
struct coterie_response_header {
	int32_t id;
	uint32_t pad0;
	int32_t size;
	uint32_t pad1;
	int32_t error; /* cs_error_t; 1 is CS_OK */
	uint32_t pad2;
};

/** Header of a ring message, written and checked by the executive. */
struct coterie_ring_header {
	int32_t id; /* service << 16 | function */
	uint32_t pad0;
	int32_t size;
	uint32_t pad1;
};

static_assert(sizeof(struct coterie_request_header) == 16, "libqb request header");
static_assert(sizeof(struct coterie_response_header) == 24, "libqb response header");
static_assert(sizeof(struct coterie_ring_header) == 16, "the header of a ring message has 16 bytes");

#endif

/*
 * Services: plugins that serve local clients over IPC and agree with their like on other nodes through
 * ordered messages.
 *
 * A request of a client comes in through the request table; its handler multicasts a ring message with
 * host->ring_send; the message comes back, in the same order on every node, through the ring message
 * table; there the state changes, and clients are told with host->event. State that all nodes must agree
 * on changes in ring messages and sync callbacks alone.
 *
 * A quorum provider is a service that says whether this part of the ring may work. To write one:
 *   1 announce it: `.needs = COTERIE_CAP_QUORUM`, `.offers = COTERIE_CAN_QUORUM`, a ring id from 32 to 62;
 *     clients of its own (ipc_name) only if it has something to say to them. Every node must run it.
 *   2 take part in synchronisation. sync_start: copy ring and members, which are not there yet to be counted
 *     on; sync_step: tell the others what they need to know with ring_send, or return 0 at once;
 *     sync_done: all members have heard all of it: decide, and call host->quorum_publish, also when
 *     the verdict is as before, since its view of the ring is new. From the same messages in the same order
 *     every member decides the same. Until the first call the node is not quorate.
 *   3 publish again whenever the verdict changes between synchronisations (a message, a timer, a key), and
 *     not from sync_start to sync_done: what is known then is not yet agreed.
 * The operator writes `quorum { provider: NAME }`, the provider's options in `service { name: NAME … }`; the
 * daemon loads it, refuses to start without it, and takes verdicts of nobody else (-EPERM). It logs each one,
 * closes the gate of requests that need quorum while there is none, and the quorum service tells clients. An
 * init that fails ends the start: log the reason, return the errno.
 * tests/unit/plugins/leader.c is a whole one.
 */
#ifndef COTERIE_SERVICE_H
#define COTERIE_SERVICE_H

#include <coterie/plugin.h>

/** Results of a request handler besides 0 and negative errno. */
#define COTERIE_REPLIED 1 /* the handler has called host->reply */
#define COTERIE_LATER 2   /* it will, exactly once, later */

/** Flags of a request. */
#define COTERIE_NEEDS_FLOW 1u   /* refused with "try again" while synchronising or without room */
/* Refused with "try again" while not quorate. It waits while the node is quorate but was out of contact with a
   majority of its ring for too long (coterie.conf(5), WHEN A NODE IS REMOVED). */
#define COTERIE_NEEDS_QUORUM 2u
#define COTERIE_NO_REPLY 4u     /* the client does not wait for an answer; see coterie_request */
/* Since 1.5: the answer tells whether the node is quorate. The request waits while the node is quorate but out of
   contact, as above: the others may have gone on without the node. After 10 s the client is told to try again.
   Executives before 1.5 answer at once. */
#define COTERIE_TELLS_QUORUM 32u
/* Since 1.5: the right that a client needs. A request with neither flag needs COTERIE_RIGHT_USE, and a request with
   both COTERIE_RIGHT_ADMINISTER. Executives before 1.5 ignore them: name COTERIE_CAP_RIGHTS in `needs`. */
#define COTERIE_OBSERVES 8u     /* COTERIE_RIGHT_OBSERVE is enough: the request changes nothing for others */
#define COTERIE_ADMINISTERS 16u /* needs COTERIE_RIGHT_ADMINISTER */

/**
 * One request. Before the handler runs the executive has checked the client's right (the flags state which one is
 * needed, and a client without it receives CS_ERR_ACCESS), that `size_min` <= size <= 1048576 and the flags. Up to
 * 4096 bytes, msg is a copy aligned to 8. A longer one is the client's own shared memory, aligned to 4: its bytes may change while the handler runs, so lengths
 * are copied once and then checked.
 *
 * Handler's result: 0: the executive answers `response_id` with CS_OK. COTERIE_REPLIED, COTERIE_LATER:
 * nothing. Negative errno: it answers with the matching cs_error_t (-EAGAIN: try again, -EEXIST,
 * -ENOENT: not exist, -EBUSY, -EINVAL: invalid parameter, -EINTR: interrupt, -EOVERFLOW: name too long,
 * -ENOTSUP, -ENOMEM, -EACCES, -EMSGSIZE: too big, others: library).
 * With COTERIE_NO_REPLY nothing is ever answered; -EAGAIN then makes the executive keep the request and
 * call the handler again when the ring has room, before anything else of that client: it is not lost.
 */
struct coterie_request {
	uint32_t id;          /* ascending in the table; gaps are answered "invalid parameter" */
	uint32_t size_min;    /* bytes with the 16-byte header (or 24 where the client sends that) */
	uint32_t flags;       /* COTERIE_NEEDS_*, COTERIE_NO_REPLY, COTERIE_OBSERVES, COTERIE_ADMINISTERS */
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
 * `is_sender_member`. docs/write-a-service.md has an example.
 *
 * The executive has checked the header's service, function and size, and
 * that the message has at least size_min bytes (16-byte executive header included).
 *
 * deliver gets the whole message, contiguous, aligned to 8, as a private copy, already converted by
 * swap. deliver_parts gets it without a copy: head is size_min bytes, aligned to 8, private, converted by
 * swap(head, size_min); the rest (size - size_min bytes) is parts[0 .. count), borrowed, read-only.
 * Exactly one of both is set. All is borrowed for the call.
 */
struct coterie_ring_msg {
	uint32_t function; /* ascending from 0 without gaps */
	uint32_t size_min;
	void (*swap)(void *msg, uint32_t size); /* bytes of the other order to ours; header excluded; or NULL */
	void (*deliver)(void *self, uint32_t nodeid, void *msg, uint32_t size);
	void (*deliver_parts)(void *self, uint32_t nodeid, const void *head, const struct iovec *parts,
		uint32_t count, uint32_t size);
};

/** A configuration of the ring, as delivered. Lists are ascending, borrowed for the call. */
struct coterie_configuration {
	uint32_t size;          /* of this struct, in the executive */
	uint32_t is_regular;    /* 0: transitional */
	struct coterie_ring_id ring;
	const uint32_t *members;
	const uint32_t *left;   /* transitional */
	const uint32_t *joined; /* regular */
	uint32_t member_count, left_count, joined_count, pad;
};

/**
 * Operations of a service. All but init and fini may be NULL. All run on the loop thread.
 *
 * Synchronisation after a regular configuration (book sync, "A round"), for services with sync_step:
 * sync_start on every member; then, service by service in ascending ring id, sync_step after each pass
 * of the token until it returns 0; when all members are through, sync_done. sync_abort when another
 * configuration came before sync_done; then sync_start follows again.
 *
 * Loaded while the ring runs, a service gets the present configuration, with nobody joined, and no ring
 * message from before. With sync_step it then synchronises alone: requests of its clients wait on every node
 * that has it, what they sent before is delivered, then sync_start .. sync_done as above, for this service, on
 * those nodes, in the same ring. regular names the ring's members, and nobody as joined; transitional names
 * nobody on the node that loaded the service, and everybody but that node on the others: there it may be
 * that the service was unloaded a moment ago. Where a member of the ring runs the service and is no Coterie,
 * the same members form the ring again instead.
 *
 * Replaced by a newer version (COTERIE_CAN_HAND_OVER), in one turn of the loop, between two messages and not
 * during synchronisation: init of the new one, which must not mind that the old one is there; state_save of
 * the old one; state_load of the new one, which from then on is the service; fini of the old one. Clients stay:
 * they are in no client_join or client_leave, each has fresh zeroed client_data of the new one's size, and is
 * found by its number (client_id, client_find). A refusal of state_load, or of what comes before, ends with fini
 * of the new one, and the old one goes on: state_save copies. Requests that are to be answered later
 * (COTERIE_LATER) are part of the state. An init that stands beside the old one changes nothing outside: its
 * map_set, map_delete, map_adjust and quorum_publish have no effect (state_load's have), ring_send answers
 * -EAGAIN; statistics that it offers appear when the old one's are gone.
 */
struct coterie_service {
	uint32_t size;
	uint32_t ring_id;     /* service number on the ring, 0 .. 62; below 32 reserved for Corosync's own */
	const char *ipc_name; /* libqb name of the default instance; NULL: no clients */
	const char *title;    /* long name, as logged at load */
	uint32_t client_size; /* bytes of client_data for each connection */
	uint32_t priority;    /* unloaded in descending order */

	int (*init)(const struct coterie_host *host, struct coterie_ctx *ctx, void **self);
	/** The end, of one whose init returned 0. Clients are gone, or another version has taken them over: then
	    what this one kept for them in client_data is still there, and freed behind fini. */
	void (*fini)(void *self);
	int (*client_join)(void *self, struct coterie_client *client); /* < 0: refuse the connection */
	void (*client_leave)(void *self, struct coterie_client *client); /* last call for this client */
	void (*configuration)(void *self, const struct coterie_configuration *configuration);
	/** transitional: members that came here together with us (empty in the first ring). Must not send. */
	void (*sync_start)(void *self, const uint32_t *transitional, uint32_t transitional_count,
		const struct coterie_configuration *regular);
	int (*sync_step)(void *self); /* 0: done; -EAGAIN: call again after the next token. May send */
	void (*sync_done)(void *self);
	void (*sync_abort)(void *self);
	int (*reload)(void *self);          /* options have new values, already checked */
	/** Before it is unloaded, or the node leaves; clients are gone, it may still send. 0 when nothing is
	    under way; -EAGAIN: it is asked again, until a token timeout has passed. */
	int (*drain)(void *self);
	/** blob: malloc'd, the executive frees it; <coterie/state.h> helps to write and read one. A service
	    without state, or whose state is in the maps, may leave these two out. */
	int (*state_save)(void *self, void **blob, uint32_t *size);
	/** Into a service fresh from init. -ENOTSUP: cannot read it; another errno: why not. */
	int (*state_load)(void *self, const void *blob, uint32_t size);

	const struct coterie_request *requests;
	uint32_t request_count, request_size;   /* elements, stride */
	const struct coterie_ring_msg *ring_msgs;
	uint32_t ring_msg_count, ring_msg_size; /* elements, stride */

	/* since 1.1 */
	void (*dump)(void *self); /* log what there is to know, for somebody looking for a fault */

	/* since 1.4 */
	/** A message that the client wrote into its channel, size bytes at msg: its own memory, which may change
	    meanwhile. 0: taken, or not worth keeping; -EAGAIN: the ring has no room, called again later. It is
	    not called while requests with COTERIE_NEEDS_FLOW would wait. Only a client with COTERIE_RIGHT_USE has a
	    channel. */
	int (*channel_message)(void *self, struct coterie_client *client, uint32_t guarantee, const void *msg,
		uint32_t size);
};

#define COTERIE_REQUESTS(array)                                                                            \
	.requests = (array), .request_count = sizeof(array) / sizeof((array)[0]),                          \
	.request_size = sizeof((array)[0])
#define COTERIE_RING_MSGS(array)                                                                           \
	.ring_msgs = (array), .ring_msg_count = sizeof(array) / sizeof((array)[0]),                        \
	.ring_msg_size = sizeof((array)[0])

/** Header of a request, written by the client. Padding is never looked at. */
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

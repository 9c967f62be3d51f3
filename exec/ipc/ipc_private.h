/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the IPC server, ipc_*.c. No other file includes this. exec/qb/ has the protocol.
 */
#ifndef EXEC_IPC_PRIVATE_H
#define EXEC_IPC_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/ipc/ipc_server.h"
#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin.h"
#include "exec/qb/qb.h"

/* Size of the largest message in both directions, header included (book ipc, "Requests"). */
#define IPC_SIZE_MAX QBS_SIZE_MAX
/* Bytes that a full queue holds (book packing, "Queue levels"). */
#define IPC_QUEUE_BYTES 4194304u
#define IPC_DRAIN_SIZE (1 << 20) /* drain_room of a turn */

/* cs_error_t: book ipc, "Errors". */
enum ipc_error {
	IPC_OK = 1,
	IPC_LIBRARY = 2,
	IPC_TIMEOUT = 5,
	IPC_TRY_AGAIN = 6,
	IPC_INVALID_PARAM = 7,
	IPC_NO_MEMORY = 8,
	IPC_BUSY = 10,
	IPC_ACCESS = 11,
	IPC_NOT_EXIST = 12,
	IPC_NAME_TOO_LONG = 13,
	IPC_EXIST = 14,
	IPC_INTERRUPT = 16,
	IPC_NOT_SUPPORTED = 19,
	IPC_TOO_BIG = 26,
};

/** An event that waits for room in its client's ring. */
struct ipc_event {
	struct ipc_event *next;
	uint32_t kind;        /* COTERIE_CHANNEL_*: kind of the record, if it goes into a channel */
	uint32_t nodeid, pid; /* of a message's sender */
	uint32_t size;        /* of the bytes: header and message */
	uint32_t share;       /* part of its cost that its client has in memory: see struct coterie_client */
	struct ipc_body *body;
};

/** The bytes of an event. Several clients share them if their events were queued one after the other. */
struct ipc_body {
	uint32_t references, size;
	uint8_t bytes[];
};

/** The body that was queued last, and its parts: ipc_fan.c. */
struct ipc_shared {
	struct ipc_body *body; /* NULL: no client waits for it any more */
	/*
	 * The parts of the body, while the message of the ring is delivered. A part outside the message's frames has
	 * the address NULL.
	 */
	struct iovec *parts;
	uint32_t count, capacity;
};
#define IPC_SHARED_KINDS 2 /* events, and messages of channels: clients of one group can want both */

/** How many bytes of one message or request still go to clients in this turn: ipc_fan.c. */
struct ipc_fan {
	int64_t left;              /* bytes that may still be sent to clients at once */
	const struct iovec *parts; /* of the message that is delivered */
	size_t count;              /* number of parts, or 0: no message is being delivered */
};

/**
 * Functions of a client without a connection. Its creator passes them, so that the files that handle clients need not
 * call ipc_call.c.
 */
struct ipc_far_end {
	/** Take an answer or event of the service: iov with its header. -ENOTCONN; -ENOMEM: an answer ends the client */
	int (*take)(struct coterie_client *client, bool is_event, const struct iovec *iov, uint32_t count);
	/** The client may send requests again. */
	void (*resume)(struct coterie_client *client);
	/** The client is about to be freed. */
	void (*end)(struct coterie_client *client);
};

/*
 * One connection. Its steps:
 *
 * 1. accept() creates it, if its peer may connect.
 * 2. created() calls client_join of the service (is_joined).
 * 3. Requests, answers, events.
 * 4. is_leaving: the daemon ends it at the next turn of the loop, since its handler may be running. Or the client hangs
 *    up: hung_up() reads the last messages in its channel, in as many turns as they take.
 * 5. closed() calls client_leave (is_closed).
 * 6. destroyed() frees it.
 */
struct coterie_client {
	struct ipc_server *server;
	struct qbs_connection *connection; /* or NULL: a plugin of this daemon calls the service */
	const struct ipc_far_end *far_end; /* functions of a client without a connection, otherwise NULL */
	struct coterie_call *call;         /* the call of that plugin, or NULL: the plugin has closed it */
	uint64_t id;                       /* never used for another client */
	uint32_t pid, uid, gid;
	uint32_t right;     /* COTERIE_RIGHT_*, as it was when the client connected */
	int32_t request_id; /* of the request that is being checked or handled */
	uint32_t lacked;    /* right that the handler asked for and the client does not have, or 0 */
	char process[32];   /* name of its program, or "": unknown */
	uint32_t size_max;  /* of one message: as the client asked, at most IPC_SIZE_MAX */
	bool is_joined, is_leaving, is_closed, is_in_handler;

	/* A request that found no room and must not be lost. No later request is read meanwhile. */
	uint8_t *kept;
	uint32_t kept_size;
	const struct coterie_request *kept_request;
	bool is_kept_silent; /* the client expects no answer to it */
	uint64_t kept_ns;    /* its arrival */
	struct coterie_client *kept_next;

	/* Answers that come later: ipc_reply.c. */
	const struct coterie_request *handled; /* request that is being handled, or NULL */
	uint64_t token; /* token of the answer that the handler of this request will send later, or 0 */
	struct ipc_reply *replies;
	uint32_t reply_count;

	struct ipc_channel *channel; /* or NULL: none */

	struct ipc_event *backlog, **backlog_last;
	uint64_t backlog_size; /* sum of ipc_backlog_cost() of its events */
	/*
	 * The same for the comparison of users: the second client that waits for the same bytes counts half of them, the
	 * third one a third, and so on. Many clients of a group have little more in memory than one.
	 */
	uint64_t backlog_share;
	uint64_t read_ns; /* when one of these events last found room, or when the first one was queued */
	bool is_lagging;  /* it waits for the flush timer */
	bool is_held;     /* it may send no message until it has read events: ipc_hold.c */
	bool is_sending;  /* its last request of the kind that needs flow control had no answer */
	bool wants_room;  /* client_may_send() refused it, and its service has a function writable */
	struct coterie_client *lagging_next;

	/* For stats.ipcs.*: book configuration, "Statistics map". */
	uint32_t queued, sent;
	uint64_t invalid_requests, overloads;
	struct ipc_stat *stats; /* or NULL: it has no keys */

	struct coterie_client *previous, *next; /* in the list of the server */
	void *data;                             /* for the service, client_size bytes */
};

struct ipc_server {
	struct ipc *ipc;
	struct plugin *plugin;
	struct qbs_server *service;
	char name[64];
	enum qbs_rate rate;
	bool needs_quorum;   /* all its requests need quorum: the service is closed while the ring is not quorate */
	uint32_t references; /* 1 for itself, and 1 for each client */
	struct coterie_client *clients;
	struct ipc_server *next;
	struct log_limit limit;         /* for errors of clients */
	struct log_limit refused_limit; /* for requests without the right */
};

/* Sums of the counts of a service's former clients: stats.coterie.ipc.SERVICE.*. */
#define IPC_ACCOUNT_FIELDS 5u
#define IPC_ACCOUNTS 64u /* number of accounts: one for each service number on the ring */
struct ipc_account {
	uint64_t numbers[IPC_ACCOUNT_FIELDS];
	bool is_offered;
};

/** Answers that come later: limit for one client, and buckets of the hash table of tokens. */
#define IPC_REPLIES_MAX 1024u
#define IPC_REPLY_BUCKETS 4096u

/** How fast clients of channels wrote while this node kept the token: ipc_channel_await.c. */
struct ipc_await {
	uint64_t left_ns; /* time since when clients must send doorbells, or 0: one has been sent since */
	int credit;       /* above 0: a short wait for clients saves time */
	bool is_due;      /* a call by loop_defer is due */
};

struct ipc {
	struct ipc_parts parts;
	struct ring *ring; /* the ring that ipc_attach was given, or NULL */
	/* Functions of files that this file must not call. ipc_create() sets them. */
	void (*turn)(void *ipc);         /* run in a turn of its own: ipc_turn_later */
	void (*resume)(struct ipc *ipc); /* ipc_requests_resume */
	struct ipc_account accounts[IPC_ACCOUNTS];
	struct ipc_server *servers;
	bool is_ready;
	uint64_t active, closed, denied; /* connections */
	uint64_t refused;                /* requests of clients without the right */
	uint64_t question_ns;            /* longest time that a request that asks about quorum waits for the lease */
	uint64_t last_id, last_token;
	struct coterie_call *calls;                   /* of plugins to other services: ipc_call.c */
	struct ipc_reply *replies[IPC_REPLY_BUCKETS]; /* by token */

	struct qbs_loop loop; /* the executive's, as exec/qb sees it */
	struct qbs_host *host;

	enum ipc_level level;
	bool is_synchronizing, is_quorate, is_decided;

	struct coterie_client *kept, **kept_last; /* in the order of arrival */
	struct loop_timer *turn_timer, *flush_timer, *gate_timer, *rate_timer;
	uint64_t flush_delay_ns;
	struct coterie_client *lagging, **lagging_last; /* in the order in which they are served */
	uint32_t lagging_count;
	struct ipc_shared shared[IPC_SHARED_KINDS];
	struct ipc_fan fan;
	uint64_t backlog_size, backlog_size_max; /* bytes of all backlogs in memory */
	/* Highest backlog_size since memory was returned to the system, and whether more of it shall be returned. */
	uint64_t trim_mark;
	bool is_trimming;
	struct ipc_event *dropped; /* events of clients that have left, which are freed in later turns */
	struct loop_timer *drop_timer;
	uint64_t hold_size; /* IPC_HOLD_SIZE */
	/* backlogs of clients that read, in bytes, and the time at which this was computed, 0: never */
	uint64_t readers_size, readers_ns;
	struct ipc_channel
		*awake; /* channels whose send rings are read at each visit of the token, the next one first */
	struct ipc_channel *dirty;        /* channels with events whose clients were not notified yet */
	struct ipc_channel *ended;        /* channels that have ended, and whose memory is not free yet */
	uint32_t channels, channel_bytes; /* number of channels with these, bytes of data of all their rings */
	int64_t pull_room;                /* bytes that may still be read from channels at this visit */
	/*
	 * bytes that may still be read in this turn from channels of clients that have sent a request, or have hung up
	 */
	int64_t drain_room;
	bool is_queue_shared; /* requests have filled the queue too, since channels were read */
	struct loop_timer *pull_timer, *free_timer;
	uint64_t pulled_ns; /* time of the last visit of the token */
	struct ipc_await await;
	struct loop_timer *doorbell_timer;
	bool is_flush_due;
	bool is_room_due; /* a client that client_may_send() refused has read events since */
	struct log_limit denied_limit, backlog_limit;
};

/* --- ipc_poll.c --- */

/** Fill in ipc->loop: descriptors of exec/qb on the executive's loop. */
void ipc_poll_init(struct ipc *ipc);

/* --- ipc_server.c --- */

/**
 * Make a client for a call of a plugin, which may administer.
 *
 * @param far_end  kept until the client is freed
 * @return 0; what client_join returned; -ENOMEM
 */
int ipc_server_join(struct ipc_server *server, const struct ipc_far_end *far_end, struct coterie_call *call,
	struct coterie_client **client);
/** Return whether all requests of the service need quorum. */
bool ipc_needs_quorum(const struct coterie_service *service);

/* --- ipc_client_end.c --- */

/** Let ipc->turn run soon, outside of the handler that may run now. */
void ipc_turn_later(struct ipc *ipc);
/** Start or stop reading the client's requests, depending on the client's state. Idempotent. */
void ipc_client_listen(struct coterie_client *client);

/* --- ipc_access.c --- */

/**
 * Decide whether a peer may connect now.
 * @param right  out: COTERIE_RIGHT_* of the peer; unchanged on error
 * @return 0; -EAGAIN, -EMFILE, -EACCES: book ipc, "Connecting"
 */
int ipc_access(struct ipc *ipc, const struct qbs_peer *peer, uint32_t *right);
/**
 * Decide whether a user with this right may have one more connection. A refusal is counted and logged.
 * @return 0; -EAGAIN: it has all of its share
 */
int ipc_access_share(struct ipc *ipc, uint32_t uid, uint32_t right);
/** Count and log that the client's request was refused, since it needs this right. */
void ipc_access_refused(struct coterie_client *client, uint32_t right);
/** Return the right that a request with these flags needs: COTERIE_RIGHT_*. */
static inline uint32_t ipc_right_of_flags(uint32_t flags)
{
	if ((flags & COTERIE_ADMINISTERS) != 0)
		return COTERIE_RIGHT_ADMINISTER;
	return (flags & COTERIE_OBSERVES) != 0 ? COTERIE_RIGHT_OBSERVE : COTERIE_RIGHT_USE;
}

/* --- ipc_request.c --- */

/**
 * Check and run a request of a client.
 *
 * @param msg  borrowed, aligned to 8
 * @return 0; -ENOBUFS: read no further request of this client now
 */
int ipc_request_process(struct coterie_client *client, const void *msg, uint32_t size);
/** Run kept requests, oldest first, until a request finds no room, or in several turns of the loop. */
void ipc_requests_resume(struct ipc *ipc);
/**
 * Look up kept requests in the table of the server's new plugin. End a client whose kept request the plugin does not
 * have.
 */
void ipc_requests_inherit(struct ipc_server *server);
/** Run the kept request of a client that ends, if there is one. It is not kept again. */
void ipc_request_last(struct coterie_client *client);

/* --- ipc_gate.c --- */

enum ipc_gate {
	IPC_GATE_OPEN,
	IPC_GATE_LAPSED, /* quorate, but the verdict is not in force now: the request waits */
	IPC_GATE_CLOSED, /* synchronising or not quorate: "try again" */
};

/** Return the present state of the gate for a request with these COTERIE_NEEDS_*. */
enum ipc_gate ipc_gate_of(const struct ipc_server *server, uint32_t needs);
/** Check for room in the ring's queue for a message of this size. 0; -EAGAIN; -EMSGSIZE: never. */
int ipc_gate_room(const struct ipc *ipc, uint32_t size);
/** Set how fast the requests of this server's clients are read, even if that has not changed. */
void ipc_gate_apply(struct ipc_server *server);

/**
 * Check the gates again soon, while the queue is critical or requests are kept. The ring reports room after a
 * refusal, but not that its queue has drained below a level. A handler may also have refused for its own reasons.
 */
void ipc_gate_check_later(struct ipc *ipc);

/* --- ipc_hold.c --- */

/**
 * Hold the client back as a sender, or release it, depending on the size of its backlog. Call this before an event of a
 * held client is sent: a client that was refused may wait for that event, and must be able to send when it arrives.
 */
void ipc_hold(struct coterie_client *client, uint64_t backlog_size);
/** Note that a request that needs flow was run. is_silent: it has no answer. */
void ipc_hold_request(struct coterie_client *client, bool is_silent);
/** Call the function writable of services for clients that have read. In a turn of its own: ipc->turn. */
void ipc_hold_tell(struct ipc *ipc);

/* --- ipc_client.c --- */

/** Send an answer that has only a header. */
void ipc_client_respond(struct coterie_client *client, uint32_t response_id, enum ipc_error error);
enum ipc_error ipc_error_from_errno(int rc);
/** Try to send waiting events: the client has sent something, so its ring may have room again. */
void ipc_client_flush(struct coterie_client *client);

/* --- ipc_reply.c --- */

/**
 * Handle the token that a handler may have taken by reply_later, after the handler has returned rc.
 * @return true: do not answer the request
 */
bool ipc_reply_settle(struct coterie_client *client, int rc);
/** End all tokens of a client that has left, and tell its service. */
void ipc_reply_left(struct coterie_client *client);
/**
 * Take, give back or keep the tokens while a plugin is replaced, as ipc_server_take, ipc_server_undo and
 * ipc_server_keep do.
 */
void ipc_reply_take(struct ipc_server *server);
void ipc_reply_undo(struct ipc_server *server);
void ipc_reply_keep(struct ipc_server *server); /* answer for tokens that were not taken over */

/* --- ipc_fan.c --- */

/** Let the next IPC_FAN_SIZE bytes be sent to clients at once. */
void ipc_fan_renew(struct ipc *ipc);
/** Note the parts from which a body was made, so that equal parts of the next event need not be compared. */
void ipc_fan_note(struct ipc *ipc, struct ipc_shared *shared, const struct iovec *iov, uint32_t count);
/** Return whether the body has the same bytes as these parts, which have the same size together. */
bool ipc_fan_is_same(const struct ipc_shared *shared, const struct iovec *iov, uint32_t count);
void ipc_fan_fini(struct ipc *ipc);

/* --- ipc_backlog.c --- */

/** Queue an event behind those that wait. head (this function sets its body) and parts are copied. -ENOMEM */
int ipc_backlog_add(
	struct coterie_client *client, const struct ipc_event *head, const struct iovec *iov, uint32_t count);
void ipc_backlog_pop(struct coterie_client *client); /* remove the first event, which was sent */
/** Give up the events that were not sent. Many of them are freed in later turns of the loop, since that takes long. */
void ipc_backlog_drop(struct coterie_client *client);
/**
 * Free a few of the events that ipc_backlog_drop left for later turns.
 * @param size  bytes that are needed
 * @return whether so many were freed
 */
bool ipc_backlog_make_room(struct ipc *ipc, uint64_t size);
void ipc_backlog_fini(struct ipc *ipc);
/** Return the client with the largest share of the user whose clients have the largest shares together, or NULL. */
struct coterie_client *ipc_backlog_most(const struct ipc *ipc);
/**
 * Return what an event of this size counts for its client, in bytes. The structs count as well: a client can have
 * millions of events without any bytes.
 */
static inline uint64_t ipc_backlog_cost(uint32_t size)
{
	return sizeof(struct ipc_event) + sizeof(struct ipc_body) + size;
}
/**
 * Add or remove a client that has a backlog and gets its events over libqb. They are served in turn. Adding a client
 * twice changes nothing.
 */
void ipc_lagging_add(struct coterie_client *client);
void ipc_lagging_del(struct coterie_client *client);
struct coterie_client *ipc_lagging_take(struct ipc *ipc); /* NULL: none */

/* --- ipc_channel.c --- */

/**
 * Write a record: its kind, sender, size and bytes. 0; -EAGAIN: no room, or the client has not mapped it yet; -EPROTO
 */
int ipc_channel_put(
	struct coterie_client *client, const struct ipc_event *head, const struct iovec *iov, uint32_t count);
/** Handle a request of the channel itself. false: it is another request. */
bool ipc_channel_request(struct coterie_client *client, int32_t id);
/**
 * Read the send ring, as far as gates, queue and drain_room allow.
 *
 * @return true: all that the client had written before its request has been read. false: call it again, in a later turn
 */
bool ipc_channel_drain(struct coterie_client *client);
/**
 * Read the messages of a connection that ends, as far as gates, queue and drain_room allow. The client has written them
 * before the first call.
 *
 * @return true: more of them can be read in the next turn, which has been arranged
 */
bool ipc_channel_last(struct coterie_client *client);
/** End the channel. Messages that were not read are lost, and this is logged. */
void ipc_channel_close(struct coterie_client *client);
/** Free the memory of all channels that have ended. */
void ipc_channels_free(struct ipc *ipc);
/** End the clients of this server that have a channel: no plugin reads it any more. */
void ipc_channels_end(struct ipc_server *server);

/* --- ipc_channel_state.c --- */

/** Return whether events of this client go into its channel, now or later. */
bool ipc_channel_is_open(const struct coterie_client *client);
/** Return whether the client can already read events in its channel. */
bool ipc_channel_is_confirmed(const struct coterie_client *client);
/** Return the number of chunks read from the channel, and of records written to it, for the statistics. */
uint64_t ipc_channel_requests(const struct coterie_client *client);
uint64_t ipc_channel_dispatched(const struct coterie_client *client);

/* --- ipc_stats.c --- */

int ipc_stats_init(struct ipc *ipc); /* -ENOMEM, -EEXIST */
void ipc_stats_fini(struct ipc *ipc);
/** Add the connection's keys to the statistics map, and remove them. */
void ipc_stats_come(struct coterie_client *client);
void ipc_stats_go(struct coterie_client *client);

#endif

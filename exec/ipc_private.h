/*
 * What the files of the IPC server share: ipc_server.c, ipc_poll.c, ipc_access.c, ipc_request.c,
 * ipc_gate.c, ipc_hold.c, ipc_client.c and ipc_channel*.c. The protocol itself is exec/qb/. Nothing else includes this.
 */
#ifndef EXEC_IPC_PRIVATE_H
#define EXEC_IPC_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/executive.h"
#include "exec/ipc_server.h"
#include "exec/log.h"
#include "exec/loop.h"
#include "exec/plugin.h"
#include "exec/qb/qb.h"

/* Largest message either way, header included (book ipc, "Requests"). */
#define IPC_SIZE_MAX QBS_SIZE_MAX
/* A queue of `total` frames holds this much (book packing, "Queue levels"). */
#define IPC_QUEUE_BYTES 4194304u

/* cs_error_t: book ipc, "Errors". */
enum ipc_error {
	IPC_OK = 1,
	IPC_LIBRARY = 2,
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
	uint32_t kind;        /* of a channel's record: COTERIE_CHANNEL_* */
	uint32_t nodeid, pid; /* of a message's sender */
	uint32_t size; /* of the bytes: header and message */
	struct ipc_body *body;
};

/** The bytes of an event; of those of several clients, if they were queued one after the other. */
struct ipc_body {
	uint32_t references, size;
	uint8_t bytes[];
};

/*
 * One connection. 1 accept() makes it, when its peer may come in; 2 created() asks the service
 * (is_joined); 3 requests, answers, events; 4 is_leaving: we end it, at the next turn of the loop,
 * since its handler may be running; 5 closed(): client_leave (is_closed); 6 destroyed() frees it.
 */
struct coterie_client {
	struct ipc_server *server;
	struct qbs_connection *connection;
	uint64_t id; /* of no other client, ever */
	uint32_t pid, uid, gid;
	uint32_t right;     /* COTERIE_RIGHT_*, as it was when the client connected */
	int32_t request_id; /* of the request that is being checked or handled */
	char process[32];  /* name of its program, "" when unknown */
	uint32_t size_max; /* of one message: what the client asked for, at most IPC_SIZE_MAX */
	bool is_joined, is_leaving, is_closed, is_in_handler;

	/* A request that got no answer yet because it must not be lost: reading stops behind it. */
	uint8_t *kept;
	uint32_t kept_size;
	const struct coterie_request *kept_request;
	uint64_t kept_ns; /* since when */
	struct coterie_client *kept_next;

	struct ipc_channel *channel; /* NULL: none */

	struct ipc_event *backlog, **backlog_last;
	uint64_t backlog_size; /* bytes in it */
	uint64_t read_ns;      /* when an event of it last found room, or the first one came */
	bool is_lagging;       /* it waits for a turn of the flush timer */
	bool is_held;          /* as a sender, until it has read: ipc_hold.c */
	bool is_sending;       /* its last request that needs flow had no answer */
	struct coterie_client *lagging_next;

	/* For stats.ipcs.*: book configuration, "Statistics map". */
	uint32_t queued, sent;
	uint64_t invalid_requests, overloads;
	struct ipc_stat *stats; /* NULL: it has no keys */

	struct coterie_client *previous, *next; /* of the server */
	void *data;                             /* the service's own, client_size bytes */
};

struct ipc_server {
	struct ipc *ipc;
	struct plugin *plugin;
	struct qbs_server *service;
	char name[64];
	enum qbs_rate rate;
	bool needs_quorum;   /* every request does: closed while not quorate */
	uint32_t references; /* one of its own, one per client */
	struct coterie_client *clients;
	struct ipc_server *next;
	struct log_limit limit; /* what clients do wrong */
	struct log_limit refused_limit; /* what they have no right to */
};

/* What the clients of a service that have gone had counted: stats.coterie.ipc.SERVICE.*. */
#define IPC_ACCOUNT_FIELDS 5u
#define IPC_ACCOUNTS 64u /* by ring id */
struct ipc_account {
	uint64_t numbers[IPC_ACCOUNT_FIELDS];
	bool is_offered;
};

/** How clients of channels have answered while this node kept the token: ipc_channel_await.c. */
struct ipc_await {
	uint64_t left_ns; /* when they were left alone; 0: one has rung since */
	int credit;       /* above 0: it pays to wait for them */
	bool is_due;      /* loop_defer */
};

struct ipc {
	struct executive *executive;
	struct ipc_account accounts[IPC_ACCOUNTS];
	struct ipc_server *servers;
	bool is_ready;
	uint64_t active, closed, denied; /* connections */
	uint64_t refused;                /* requests of clients without the right */
	uint64_t question_ns;                /* so long a question about quorum waits for the lease */
	uint64_t last_id;

	struct qbs_loop loop; /* the executive's, as exec/qb sees it */
	struct qbs_host *host;

	enum ipc_level level;
	bool is_synchronizing, is_quorate;

	struct coterie_client *kept, **kept_last; /* in the order in which they came */
	struct loop_timer *turn_timer, *flush_timer, *gate_timer, *rate_timer;
	uint64_t flush_delay_ns;
	struct coterie_client *lagging, **lagging_last; /* in turn */
	uint32_t lagging_count;
	struct ipc_body *last_body; /* the one that was queued last, while anybody needs it; NULL: none */
	uint64_t backlog_size, backlog_size_max; /* bytes of all backlogs in memory */
	uint64_t backlog_peak; /* … at most since memory was given back */
	uint64_t hold_size; /* IPC_HOLD_SIZE */
	uint64_t readers_size, readers_ns; /* backlogs of clients that read, and when they were added up; 0: never */
	struct ipc_channel *awake; /* whose send rings are read at every visit of the token; the next in turn first */
	struct ipc_channel *dirty; /* whose receive rings hold what their clients have not been told */
	uint32_t channels, channel_bytes; /* how many, and the data of their rings together */
	int64_t pull_room;    /* bytes that may still be taken from them at this visit */
	bool is_queue_shared; /* requests have filled it too since channels were read */
	struct loop_timer *pull_timer;
	uint64_t pulled_ns; /* when a visit was last */
	struct ipc_await await;
	struct loop_timer *doorbell_timer;
	bool is_flush_due;
	struct log_limit denied_limit, backlog_limit;
};

/* --- ipc_poll.c --- */

/** Fill in ipc->loop: descriptors of exec/qb on the executive's loop. */
void ipc_poll_init(struct ipc *ipc);

/* --- ipc_server.c --- */

/** Every request of the service does. */
bool ipc_needs_quorum(const struct coterie_service *service);
/** Let ipc_turn run soon, outside of the handler that may run now. */
void ipc_turn_later(struct ipc *ipc);
/** Read the client's requests or do not, as its state says. Idempotent. */
void ipc_client_listen(struct coterie_client *client);

/* --- ipc_access.c --- */

/**
 * Decide whether a peer may connect now.
 * @param right  out: COTERIE_RIGHT_* of the peer; unchanged on error
 * @return 0; -EAGAIN, -EMFILE, -EACCES: book ipc, "Connecting"
 */
int ipc_access(struct ipc *ipc, const struct qbs_peer *peer, uint32_t *right);
/**
 * Decide whether a user with this right may have one connection more. A refusal is counted and logged.
 * @return 0; -EAGAIN: it has its share
 */
int ipc_access_share(struct ipc *ipc, uint32_t uid, uint32_t right);
/** The right that a request with these flags needs: COTERIE_RIGHT_*. */
static inline uint32_t ipc_right_of_flags(uint32_t flags)
{
	if ((flags & COTERIE_ADMINISTERS) != 0)
		return COTERIE_RIGHT_ADMINISTER;
	return (flags & COTERIE_OBSERVES) != 0 ? COTERIE_RIGHT_OBSERVE : COTERIE_RIGHT_USE;
}

/* --- ipc_request.c --- */

/**
 * A request of a client, as it came: nothing of it is checked so far.
 *
 * @param msg  borrowed, aligned to 8
 * @return 0; -ENOBUFS: read no further request of this client now
 */
int ipc_request_process(struct coterie_client *client, const void *msg, uint32_t size);
/** Run kept requests, oldest first, until one finds no room. */
void ipc_requests_resume(struct ipc *ipc);
/** The server has another plugin: kept requests are of its table, those that it does not have end the client. */
void ipc_requests_inherit(struct ipc_server *server);
/** The client ends: its kept request, if there is one, gets a last chance. */
void ipc_request_last(struct coterie_client *client);

/* --- ipc_gate.c --- */

enum ipc_gate {
	IPC_GATE_OPEN,
	IPC_GATE_LAPSED, /* quorate, but out of contact with a majority of the ring: the request waits */
	IPC_GATE_CLOSED, /* synchronising or not quorate: "try again" */
};

/** How a request with these COTERIE_NEEDS_* fares at the moment. */
enum ipc_gate ipc_gate_of(const struct ipc_server *server, uint32_t needs);
/** Room in the ring's queue for a message of this size: 0; -EAGAIN; -EMSGSIZE: never. */
int ipc_gate_room(const struct ipc *ipc, uint32_t size);
/** Set how fast this server's clients are read, whether or not that changed. */
void ipc_gate_apply(struct ipc_server *server);

/**
 * Look again soon, while the queue is critical or requests are kept: the ring says when it has room
 * after a refusal, but not when its queue drains below a level, and a handler may have reasons of
 * its own.
 */
void ipc_gate_check_later(struct ipc *ipc);

/* --- ipc_hold.c --- */

/**
 * Hold the client back as a sender, or let it go on. Call it with the size of the backlog as it will be, before an event
 * of a held client is sent: a client that was refused may wait for its next event, and has to find the gate open then.
 */
void ipc_hold(struct coterie_client *client, uint64_t backlog_size);
/** A request that needs flow was run. is_silent: it has no answer. */
void ipc_hold_request(struct coterie_client *client, bool is_silent);

/* --- ipc_client.c --- */

/** An answer that is a header alone. */
void ipc_client_respond(struct coterie_client *client, uint32_t response_id, enum ipc_error error);
enum ipc_error ipc_error_from_errno(int rc);
/** The client is alive: its ring may have room again. */
void ipc_client_flush(struct coterie_client *client);

/* --- ipc_backlog.c --- */

/** An event behind those that wait: head (its body is ours to set) and parts, copied. -ENOMEM */
int ipc_backlog_add(
	struct coterie_client *client, const struct ipc_event *head, const struct iovec *iov, uint32_t count);
void ipc_backlog_pop(struct coterie_client *client); /* the first one has gone out; there is one */
/** Free what has not been sent. */
void ipc_backlog_drop(struct coterie_client *client);
/** Who has the largest one; NULL: nobody has any. */
struct coterie_client *ipc_backlog_most(const struct ipc *ipc);
/** Clients over libqb with a backlog, in turn. The same again changes nothing. */
void ipc_lagging_add(struct coterie_client *client);
void ipc_lagging_del(struct coterie_client *client);
struct coterie_client *ipc_lagging_take(struct ipc *ipc); /* NULL: none */

/* --- ipc_channel.c --- */

/** Do events of this client go into its channel, sooner or later? */
bool ipc_channel_is_open(const struct coterie_client *client);
/** Can it read them there already? */
bool ipc_channel_is_confirmed(const struct coterie_client *client);
/** Write a record: its kind, sender, size and bytes. 0; -EAGAIN: no room, or the client has not said yet that it can; -EPROTO */
int ipc_channel_put(struct coterie_client *client, const struct ipc_event *head, const struct iovec *iov,
	uint32_t count);
/** A request of the channel itself? Then it has been dealt with. */
bool ipc_channel_request(struct coterie_client *client, int32_t id);
/**
 * Read the send ring, as far as gates and queue allow.
 *
 * @return true: what the client had written before its request came has been read
 */
bool ipc_channel_drain(struct coterie_client *client);
/** The connection ends: what the client has sent was accepted, and is read. */
void ipc_channel_last(struct coterie_client *client);
void ipc_channel_close(struct coterie_client *client);
/** Nobody reads the channels of this server any more: their clients go. */
void ipc_channels_end(struct ipc_server *server);
/** For the statistics: chunks read and records written. */
uint64_t ipc_channel_requests(const struct coterie_client *client);
uint64_t ipc_channel_dispatched(const struct coterie_client *client);

/* --- ipc_stats.c --- */

int ipc_stats_init(struct ipc *ipc); /* -ENOMEM, -EEXIST */
void ipc_stats_fini(struct ipc *ipc);
/** The connection's keys in the statistics map appear, and go. */
void ipc_stats_come(struct coterie_client *client);
void ipc_stats_go(struct coterie_client *client);

#endif

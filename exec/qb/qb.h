/*
 * The server half of libqb's IPC protocol, for clients that use libqb's own client half. The names, sizes and words are
 * libqb's, seen on the wire and in /dev/shm (docs/ipc-protocol.md); the code is ours, since libqb's server believes what
 * clients write into memory that it shares with them. Here a client can end its own connection by what it writes there.
 * It can do no more: see ring.h and fault.h.
 *
 * Life of a connection: 1 somebody connects: a handshake, of which the host keeps few; 2 its first message came:
 * accept() decides; 3 files and answer are made: created(); 4 request() for each request, ready() when those of one
 * wake-up are done; 5 the client hangs up, or qbs_disconnect, or qbs_server_close: closed(); 6 when no callback of
 * this connection runs any more: destroyed(), and its object is gone.
 *
 * One thread calls all of this. Callbacks may call every function here but qbs_server_close and qbs_host_destroy.
 */
#ifndef EXEC_QB_QB_H
#define EXEC_QB_QB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/** Largest message either way, bytes, header included. A client that asks for more gets this. */
#define QBS_SIZE_MAX 1048576u
/** Handshakes that may be under way. One more ends the oldest of the user that has most of them. */
#define QBS_HANDSHAKES_MAX 64u

struct qbs_host;       /* what all servers of a process share */
struct qbs_server;     /* one service's name */
struct qbs_connection; /* one client */

/** Where descriptors are polled, and what time it is. All functions get `arg`. */
struct qbs_loop {
	void *arg;
	uint64_t (*now_ns)(void *arg); /* monotonic */
	/** Call run(run_arg, fd, revents) while `events` of poll(2) hold; hang-up and errors always. 0 or -errno */
	int (*add)(void *arg, int fd, uint32_t events, void (*run)(void *run_arg, int fd, uint32_t revents),
		void *run_arg);
	int (*mod)(void *arg, int fd, uint32_t events);
	void (*del)(void *arg, int fd);
};

/** Numbers are libqb's: QB_IPC_SOCKET and so on. */
enum qbs_type {
	QBS_TYPE_SOCKET = 0,
	QBS_TYPE_SHM = 1,
	QBS_TYPE_NATIVE = 4, /* shared memory */
};

/** How fast requests are read; the off ones also tell clients, whose libraries then refuse to send. */
enum qbs_rate {
	QBS_RATE_FAST,   /* up to 50 at a wake-up */
	QBS_RATE_NORMAL, /* 5 */
	QBS_RATE_SLOW,   /* 1 */
	QBS_RATE_OFF,    /* no request is read; clients send none */
	QBS_RATE_OFF_2,  /* the same; clients that did not ask for it send all the same */
};

/**
 * As the kernel says. The real ids of the process that sent the client's first message, and the effective ones of the process
 * that connected. They differ for programs that run with another user's right. They also differ where a user connects
 * and then starts a program of root with the connection as its standard error.
 */
struct qbs_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	uid_t opener_uid;
	gid_t opener_gid;
};

/** Counters of a connection, since it was made or qbs_stats_clear. */
struct qbs_stats {
	uint64_t requests, responses, events;
	uint64_t send_retries, recv_retries; /* no room for an answer or event; a wake-up without a request */
	uint32_t flow;       /* the flow control word that the client sees: 0, 1, 2 */
	uint64_t flow_count; /* how often it changed */
};

struct qbs_handlers {
	/**
	 * @param arg      of the server
	 * @param context  out: passed to the other handlers; unchanged on error
	 * @return 0; -errno: the client gets it as the error of its connect, and no other handler is called
	 */
	int (*accept)(void *arg, struct qbs_connection *connection, const struct qbs_peer *peer, void **context);
	void (*created)(void *context);
	/**
	 * @param msg   borrowed, private memory, aligned to 8
	 * @param size  bytes that the client sent, 1 .. qbs_size_max(); what stands in its header is unchecked
	 * @return 0; negative: this wake-up has had enough, no further request is read
	 */
	int (*request)(void *context, const void *msg, uint32_t size);
	void (*ready)(void *context);
	void (*closed)(void *context); /* qbs_disconnect, or the client has hung up; only behind created() */
	/** Also without created() and closed(): no memory can be shared, or the client has not waited for its answer. */
	void (*destroyed)(void *context);
};

/** @param loop  kept until qbs_host_destroy. @return NULL: out of memory, or no handler of SIGBUS: errno */
struct qbs_host *qbs_host_create(const struct qbs_loop *loop);
void qbs_host_destroy(struct qbs_host *host); /* its servers are closed before; NULL is ignored */
/** How many peers have connected and sent nothing so far. */
uint32_t qbs_host_handshakes(const struct qbs_host *host);

/**
 * Listen at a name.
 *
 * @param name      at most 60 characters; copied
 * @param handlers  kept until the last connection is destroyed
 * @return 0; -EADDRINUSE: another process listens there; -ENAMETOOLONG; -ENOMEM; -errno
 */
int qbs_server_open(struct qbs_server **server, struct qbs_host *host, const char *name, enum qbs_type type,
	const struct qbs_handlers *handlers, void *arg);
/** End its handshakes and connections, and listen no more. */
void qbs_server_close(struct qbs_server *server);
/** Connections that qbs_server_rate and qbs_server_rate_step look at. */
#define QBS_RATE_STEP 256u
/**
 * Set how fast requests are read; also for connections to come. A new server is at QBS_RATE_NORMAL. From here on no more
 * requests are read than that. What clients are told, and what is polled for, changes for QBS_RATE_STEP of them.
 * @return whether some are left: call qbs_server_rate_step in a later turn of the loop
 */
bool qbs_server_rate(struct qbs_server *server, enum qbs_rate rate);
/** Go on with QBS_RATE_STEP more. @return as qbs_server_rate */
bool qbs_server_rate_step(struct qbs_server *server);

/** End a connection: closed() runs inside. Idempotent. */
void qbs_disconnect(struct qbs_connection *connection);
/** Return whether the client has damaged what it shares with us: for closed(). */
bool qbs_is_broken(const struct qbs_connection *connection);
/** Read no requests of this one, or do again; its hang-up is noticed in any case. Idempotent. */
void qbs_pause(struct qbs_connection *connection, bool is_paused);
/**
 * Have the client's library refuse messages without an answer, as at QBS_RATE_OFF_2, or allow them again. Requests are
 * read as before. Idempotent.
 */
void qbs_hold(struct qbs_connection *connection, bool is_held);
/** Largest message either way on this connection, bytes: what the client asked for, 12328 .. QBS_SIZE_MAX. */
uint32_t qbs_size_max(const struct qbs_connection *connection);

/**
 * Send an answer, or an event.
 *
 * @param iov  borrowed; the parts together begin with libqb's header
 * @return 0; -EAGAIN: no room at the moment; -EMSGSIZE: above qbs_size_max; -ENOTCONN: the client has gone, or is about
 *         to: closed() comes
 */
int qbs_reply(struct qbs_connection *connection, const struct iovec *iov, uint32_t count);
int qbs_event(struct qbs_connection *connection, const struct iovec *iov, uint32_t count);

const struct qbs_stats *qbs_stats(const struct qbs_connection *connection);
void qbs_stats_clear(struct qbs_connection *connection);

#endif

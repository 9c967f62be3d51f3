/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The server half of libqb's IPC protocol, for clients that use libqb's own client half. The names, sizes and numbers
 * are libqb's, as seen on the wire and in /dev/shm (docs/ipc-protocol.md). The code is Coterie's: libqb's server trusts
 * the data that clients write into shared memory. Here invalid data can only end the client's own connection: see
 * ring.h and fault.h.
 *
 * Steps of a connection:
 *
 * 1. A peer connects. This begins a handshake. The host limits their number.
 * 2. The first message of the peer arrives: accept() decides.
 * 3. The files are made and the answer is sent: created().
 * 4. request() for each request, ready() after all requests of a wake-up. A wake-up ends after a millisecond.
 * 5. The client hangs up: hung_up() in each turn, until it returns false. Then its last requests are handled, as in 4.
 * 6. The client has hung up, or qbs_disconnect, or qbs_server_close: closed().
 * 7. No callback of this connection runs any more: destroyed(), and its object is freed.
 *
 * One thread calls all of this. Callbacks may call all functions here except for qbs_server_close and qbs_host_destroy.
 */
#ifndef EXEC_QB_QB_H
#define EXEC_QB_QB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/** Bytes of the largest message in both directions, header included. A client that asks for more gets this. */
#define QBS_SIZE_MAX 1048576u
/** Handshakes that may be under way. Beyond that, the oldest handshake of the user that has most of them is ended. */
#define QBS_HANDSHAKES_MAX 64u

struct qbs_host;       /* shared by all servers of a process */
struct qbs_server;     /* the name of one service */
struct qbs_connection; /* one client */

/** The event loop and its clock. Each function gets `arg`. */
struct qbs_loop {
	void *arg;
	uint64_t (*now_ns)(void *arg); /* monotonic */
	/**
	 * Call run(run_arg, fd, revents) when one of the `events` of poll(2) occurs, a hang-up, or an error. 0 or
	 * -errno
	 */
	int (*add)(void *arg, int fd, uint32_t events, void (*run)(void *run_arg, int fd, uint32_t revents),
		void *run_arg);
	int (*mod)(void *arg, int fd, uint32_t events);
	void (*del)(void *arg, int fd);
};

/** Types of IPC, with libqb's numbers: QB_IPC_SOCKET and so on. */
enum qbs_type {
	QBS_TYPE_SOCKET = 0,
	QBS_TYPE_SHM = 1,
	QBS_TYPE_NATIVE = 4, /* shared memory */
};

/** How fast requests are read. At the OFF rates the flow control word makes the clients' libraries refuse to send. */
enum qbs_rate {
	QBS_RATE_FAST,   /* up to 50 at a wake-up */
	QBS_RATE_NORMAL, /* 5 */
	QBS_RATE_SLOW,   /* 1 */
	QBS_RATE_OFF,    /* no request is read, and clients send none */
	QBS_RATE_OFF_2,  /* as QBS_RATE_OFF, but clients that did not ask for flow control still send */
};

/**
 * Credentials of a peer from the kernel: the real ids of the process that sent the client's first message, and the
 * effective ids of the process that connected. They differ for programs that run with the rights of another user. They
 * also differ if a user connects, and then starts a program of root with the connection as its standard error.
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
	uint64_t send_retries, recv_retries; /* sends without room, and wake-ups without a request */
	uint32_t flow;                       /* the flow control word that the client sees: 0, 1, 2 */
	uint64_t flow_count;                 /* how often the flow control word changed */
};

struct qbs_handlers {
	/**
	 * Decide whether a peer may connect.
	 * @param arg      of the server
	 * @param context  out: passed to the other handlers; unchanged on error
	 * @return 0; -errno: the client gets it as the error of its connect, and no other handler is called
	 */
	int (*accept)(void *arg, struct qbs_connection *connection, const struct qbs_peer *peer, void **context);
	void (*created)(void *context);
	/**
	 * Handle a request.
	 * @param msg   borrowed, private memory, aligned to 8
	 * @param size  bytes that the client sent, 1 .. qbs_size_max(). The header is not checked
	 * @return 0; negative: read no further request at this wake-up
	 */
	int (*request)(void *context, const void *msg, uint32_t size);
	void (*ready)(void *context);
	/**
	 * The client has hung up. Called after created(), and before its last requests are handled. May be NULL.
	 * @return true: call it again in the next turn of the loop; false: handle the last requests, and then end the
	 *         connection
	 */
	bool (*hung_up)(void *context);
	/* The connection has ended by qbs_disconnect, qbs_server_close or the client. Called only after created() */
	void (*closed)(void *context);
	/**
	 * The connection is freed. Called also without created() and closed(): memory cannot be shared, or the client
	 * did not wait for its answer.
	 */
	void (*destroyed)(void *context);
};

/**
 * Create a host. loop must live until qbs_host_destroy. @return NULL: out of memory, or SIGBUS cannot be handled: see
 * errno
 */
struct qbs_host *qbs_host_create(const struct qbs_loop *loop);
void qbs_host_destroy(struct qbs_host *host); /* its servers must be closed. NULL is ignored */
/** Return how many peers have connected and not yet sent their whole first message. */
uint32_t qbs_host_handshakes(const struct qbs_host *host);

/**
 * Have the kernel refuse messages with descriptors to this socket, and to those that it accepts.
 * @return false: the kernel cannot. Messages with descriptors arrive: close the socket with qbs_close
 */
bool qbs_refuse_descriptors(int fd);
/** Close a socket to which other processes may have sent descriptors. Their last close may take long: see descriptors.c */
void qbs_close(struct qbs_host *host, int fd);

/**
 * Listen at a name.
 *
 * @param name      at most 60 characters; copied
 * @param handlers  must live until the last connection is destroyed
 * @return 0; -EADDRINUSE: another process listens there; -ENAMETOOLONG; -ENOMEM; -errno
 */
int qbs_server_open(struct qbs_server **server, struct qbs_host *host, const char *name, enum qbs_type type,
	const struct qbs_handlers *handlers, void *arg);
/** End all handshakes and connections of a server, and stop listening. */
void qbs_server_close(struct qbs_server *server);
/** Number of connections that one call of qbs_server_rate and qbs_server_rate_step changes. */
#define QBS_RATE_STEP 256u
/** As QBS_RATE_STEP, for connections whose clients have sent requests while none were read. */
#define QBS_LISTEN_STEP 8u
/**
 * Set how fast requests are read, also for future connections. A new server is at QBS_RATE_NORMAL. The number of
 * requests that are read changes at once. Flow control words of QBS_RATE_STEP connections are changed now. Of
 * connections whose requests have waited, only QBS_LISTEN_STEP are changed now.
 * @return whether some are left: call qbs_server_rate_step in a later turn of the loop
 */
bool qbs_server_rate(struct qbs_server *server, enum qbs_rate rate);
/** Change further connections. @return as qbs_server_rate */
bool qbs_server_rate_step(struct qbs_server *server);

/**
 * End a connection. closed() is called before the return. Requests that were not handled are lost. Idempotent.
 */
void qbs_disconnect(struct qbs_connection *connection);
/** Return whether the client has damaged the shared memory. Meant for closed(). */
bool qbs_is_broken(const struct qbs_connection *connection);
/** Stop or resume reading requests of this connection. A hang-up of the client is noticed in any case. Idempotent. */
void qbs_pause(struct qbs_connection *connection, bool is_paused);
/**
 * Make the client's library refuse messages without an answer, as at QBS_RATE_OFF_2, or allow them again. Requests are
 * read as before. Idempotent.
 */
void qbs_hold(struct qbs_connection *connection, bool is_held);
/** Return the bytes of the largest message in both directions, as the client asked: 12328 .. QBS_SIZE_MAX. */
uint32_t qbs_size_max(const struct qbs_connection *connection);

/**
 * Send an answer, or an event.
 *
 * @param iov  borrowed; the parts together begin with libqb's header
 * @return 0; -EAGAIN: no room at the moment; -EMSGSIZE: above qbs_size_max; -ENOTCONN: the client has gone, or is about
 *         to go: closed() will be called
 */
int qbs_reply(struct qbs_connection *connection, const struct iovec *iov, uint32_t count);
int qbs_event(struct qbs_connection *connection, const struct iovec *iov, uint32_t count);

const struct qbs_stats *qbs_stats(const struct qbs_connection *connection);
void qbs_stats_clear(struct qbs_connection *connection);

#endif

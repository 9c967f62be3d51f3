/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of exec/qb: server.c, members.c, handshake.c, connection.c, descriptors.c, shm.c, socket.c. No other
 * file includes this.
 */
#ifndef EXEC_QB_PRIVATE_H
#define EXEC_QB_PRIVATE_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "exec/qb/fault.h"
#include "exec/qb/qb.h"
#include "exec/qb/ring.h"

#define QBS_NAME_SIZE 64
#define QBS_FOLDER_SIZE 64

/** libqb's messages of the handshake, aligned to 8, in the byte order of the host. */
struct qbs_hello {
	int32_t id, pad0;
	int32_t size, pad1;
	uint32_t size_max, pad2;
};

struct qbs_answer {
	int32_t id, pad0;
	int32_t size, pad1;
	int32_t error, pad2;
	int32_t type; /* enum qbs_type */
	uint32_t size_max;
	uint64_t connection; /* libqb: a pointer of the server. No client uses it, so this is 0 */
	char request[QBS_PATH_SIZE], response[QBS_PATH_SIZE], event[QBS_PATH_SIZE];
};

_Static_assert(sizeof(struct qbs_hello) == 24, "hello");
_Static_assert(offsetof(struct qbs_answer, request) == 40, "answer");
_Static_assert(sizeof(struct qbs_answer) == 12328, "answer");

#define QBS_ID_HELLO (-1)
#define QBS_ID_GOODBYE (-3)

/** A peer that has connected, until its first message is complete. */
struct qbs_handshake {
	struct qbs_server *server;
	int fd;
	uid_t uid; /* user of the process that connected, whose share is charged */
	gid_t gid;
	uint64_t since_ns;
	bool has_peer;
	struct qbs_peer peer;
	uint8_t bytes[sizeof(struct qbs_hello)];
	size_t size;
	struct qbs_handshake *previous, *next; /* in the host's list, oldest first */
};

/** How messages are transferred: shm.c, socket.c. */
struct qbs_transport {
	enum qbs_type type; /* type that the answer to the client names */
	/** Make the shared files, and write their paths into the answer. -errno: no file is left */
	int (*open)(struct qbs_connection *connection, struct qbs_answer *answer);
	void (*close)(struct qbs_connection *connection);
	/** Poll for requests (wanted is POLLIN), or not (0). */
	void (*listen)(struct qbs_connection *connection, uint32_t wanted);
	/** Copy the next request to the host's buffer. Return its bytes; 0: there is none; -EPROTO */
	int64_t (*receive)(struct qbs_connection *connection);
	int (*reply)(struct qbs_connection *connection, const struct iovec *iov, uint32_t count, uint32_t size);
	int (*event)(struct qbs_connection *connection, const struct iovec *iov, uint32_t count, uint32_t size);
	void (*flow)(struct qbs_connection *connection, uint32_t word);
};

/** Counters in the shared file of a QBS_TYPE_SOCKET connection: one struct each for requests, responses and events. */
struct qbs_control {
	uint32_t queued; /* messages sent and not received. The server does not read this number */
	uint32_t flow;
};

struct qbs_connection {
	struct qbs_server *server;
	const struct qbs_transport *transport;
	void *context;
	struct qbs_peer peer;
	uint32_t size_max;
	int fd;              /* the stream that the client connected with */
	uint32_t fd_events;  /* events for which the stream is polled */
	uint32_t bytes_owed; /* wake-up bytes that the stream had no room for */
	uint32_t busy;       /* callbacks of this connection that are running */
	uint32_t last_left;  /* number of requests that may be handled after the client has hung up */
	bool is_created, is_closed, is_paused, is_held, is_broken;
	bool is_gone;  /* the client has said goodbye: its requests are not read any more */
	bool is_muted; /* not polled for requests */
	bool is_late;  /* the last qbs_serve has returned since its time was over */
	struct qbs_stats stats;

	/* The shared files. */
	char folder[QBS_FOLDER_SIZE];
	/* device and inode of the folder: if the folder was removed, the path may lead to another one */
	dev_t folder_device;
	ino_t folder_inode;
	void *region; /* or NULL: none */
	size_t region_size;
	struct qbs_guard *guard; /* of the region */
	struct qbs_ring request, response, event;
	struct qbs_control *control; /* QBS_TYPE_SOCKET: of requests, responses and events */
	int request_fd, event_fd;    /* QBS_TYPE_SOCKET; -1: none */
	bool is_request_polled, is_response_connected, is_event_connected;

	struct qbs_connection *previous, *next; /* in the list of the server */
};

struct qbs_server {
	struct qbs_host *host;
	char name[QBS_NAME_SIZE];
	const struct qbs_transport *transport;
	const struct qbs_handlers *handlers;
	void *arg;
	enum qbs_rate rate;
	int fd;
	/* path of a socket in the file system, or "": the socket is abstract */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	uint32_t references;                /* 1 for the server itself, and 1 for each connection */
	struct qbs_connection *connections; /* newest first */
	uint32_t connection_count;
	struct qbs_connection *rate_next; /* next connection for qbs_server_rate_step, or NULL: the newest one */
	uint32_t rate_left;               /* number of connections that still need the new rate */
};

struct qbs_host {
	const struct qbs_loop *loop;
	struct qbs_handshake *handshakes, *last_handshake;
	uint32_t handshake_count;
	int spare_fd;             /* closed to accept a peer when no other descriptor is free, or -1: none */
	uint8_t *buffer;          /* QBS_SIZE_MAX bytes for the request that is being handled */
	bool refuses_descriptors; /* the kernel refuses messages with descriptors to our sockets */
	struct closer *closer;    /* or NULL: no socket was closed on it yet */
};

extern const struct qbs_transport qbs_shm, qbs_socket;

/* --- members.c --- */

/** Add a new connection to the list of connection->server, and apply the rate of that server. */
void qbs_server_add(struct qbs_connection *connection);
void qbs_server_remove(struct qbs_connection *connection);
/** Set libqb's flow control word of a connection, depending on the server's rate and on qbs_hold. */
void qbs_flow_apply(struct qbs_connection *connection);
/** Drop one reference to the server. The last one frees it. */
void qbs_server_release(struct qbs_server *server);

/* --- descriptors.c --- */

/** Return whether this kernel can refuse messages with descriptors. */
bool qbs_can_refuse(void);
/**
 * Read from a socket without waiting.
 *
 * @param message  has one part, whose size this function changes, and no room for descriptors
 * @return as recvmsg(). -1 with EPROTO: the next bytes have descriptors. They stay unread
 */
ssize_t qbs_receive(const struct qbs_host *host, int fd, struct msghdr *message);

/* --- handshake.c --- */

/** Open a descriptor whose only purpose is to be closed when no other is free. -1: none */
int qbs_spare_open(void);
/** Handle a listening socket that is ready. */
void qbs_on_caller(void *server, int fd, uint32_t revents);
/** End all handshakes of this server. */
void qbs_handshakes_end(struct qbs_server *server);

/* --- connection.c --- */

/** Make the connection of a peer whose first message has arrived. Takes over fd. */
void qbs_connection_make(struct qbs_server *server, int fd, const struct qbs_peer *peer, const struct qbs_hello *hello);
/** Handle a stream that is ready, or, with QBS_TYPE_SOCKET, a socket with requests. */
void qbs_on_stream(void *connection, int fd, uint32_t revents);
/**
 * Read and handle up to `limit` requests, but about a millisecond's work at most. @return how many were read. If time
 * was short, connection->is_late is true
 */
uint32_t qbs_serve(struct qbs_connection *connection, uint32_t limit);
/** Begin and end a call of a callback. qbs_leave destroys a connection that was closed meanwhile. */
void qbs_enter(struct qbs_connection *connection);
void qbs_leave(struct qbs_connection *connection);
/** Return how many requests may be read at a wake-up, by the rate of the server. */
uint32_t qbs_limit(const struct qbs_connection *connection);
/** Poll the stream for `wanted`, and for room if wake-up bytes are owed. */
void qbs_stream_listen(struct qbs_connection *connection, uint32_t wanted);
/** Poll for requests, unless the connection is paused or the rate is off. */
void qbs_listen(struct qbs_connection *connection);
/**
 * Stop polling for requests if the rate or a pause lets none be read. Call this when a request has arrived. @return
 * whether polling has stopped
 */
bool qbs_mute(struct qbs_connection *connection);
/** Send a wake-up byte that the client polls for. 0; -ENOTCONN */
int qbs_ring_bell(struct qbs_connection *connection);

/* --- folder.c --- */

/** Make the connection's folder, owned by the daemon's user. The caller closes *fd. -errno */
int qbs_folder_make(struct qbs_connection *connection, int *fd);
/**
 * Make a file of this size in the folder, owned by the client. @return its descriptor, which the caller closes; -errno
 */
int qbs_folder_file(struct qbs_connection *connection, int folder, const char *name, size_t size);
/** Let the client open and remove its files. Call this when all files are there. @return 0; -errno */
int qbs_folder_give(const struct qbs_connection *connection, int folder);
/** Remove these files (NULL ends the list) and the folder. Missing files are ignored. */
void qbs_folder_remove(struct qbs_connection *connection, const char *const *names);

#endif

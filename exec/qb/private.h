/* What the files of exec/qb share: server.c, handshake.c, connection.c, shm.c, socket.c. No other file includes this. */
#ifndef EXEC_QB_PRIVATE_H
#define EXEC_QB_PRIVATE_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

#include "exec/qb/fault.h"
#include "exec/qb/qb.h"
#include "exec/qb/ring.h"

#define QBS_NAME_SIZE 64
#define QBS_FOLDER_SIZE 64

/** libqb's messages of the handshake, 8-aligned, host's byte order. */
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
	uint64_t connection; /* libqb: a pointer of the server's. No client uses it; we send 0. */
	char request[QBS_PATH_SIZE], response[QBS_PATH_SIZE], event[QBS_PATH_SIZE];
};

_Static_assert(sizeof(struct qbs_hello) == 24, "hello");
_Static_assert(offsetof(struct qbs_answer, request) == 40, "answer");
_Static_assert(sizeof(struct qbs_answer) == 12328, "answer");

#define QBS_ID_HELLO (-1)
#define QBS_ID_GOODBYE (-3)

/** One that has connected, until its first message is whole. */
struct qbs_handshake {
	struct qbs_server *server;
	int fd;
	uid_t uid; /* of the process that connected: whose share this is */
	gid_t gid;
	uint64_t since_ns;
	bool has_peer;
	struct qbs_peer peer;
	uint8_t bytes[sizeof(struct qbs_hello)];
	size_t size;
	struct qbs_handshake *previous, *next; /* of the host, oldest first */
};

/** How messages travel: shm.c, socket.c. */
struct qbs_transport {
	enum qbs_type type; /* in the answer */
	/** Make what is shared, and the paths of the answer. -errno: nothing is left */
	int (*open)(struct qbs_connection *connection, struct qbs_answer *answer);
	void (*close)(struct qbs_connection *connection);
	/** As the connection's state says: wanted is POLLIN, or 0. */
	void (*listen)(struct qbs_connection *connection, uint32_t wanted);
	/** Bytes of the next request, copied to the host's buffer; 0: there is none; -EPROTO */
	int64_t (*receive)(struct qbs_connection *connection);
	int (*reply)(struct qbs_connection *connection, const struct iovec *iov, uint32_t count, uint32_t size);
	int (*event)(struct qbs_connection *connection, const struct iovec *iov, uint32_t count, uint32_t size);
	void (*flow)(struct qbs_connection *connection, uint32_t word);
};

/** The shared file of the socket type, for each of request, response and event. */
struct qbs_control {
	uint32_t queued; /* sent and not received; we never look */
	uint32_t flow;
};

struct qbs_connection {
	struct qbs_server *server;
	const struct qbs_transport *transport;
	void *context;
	struct qbs_peer peer;
	uint32_t size_max;
	int fd;              /* the stream that the client connected with */
	uint32_t fd_events;  /* what it is polled for */
	uint32_t bytes_owed; /* wake-up bytes that found no room in it */
	uint32_t busy;       /* callbacks that are running */
	bool is_created, is_closed, is_paused, is_held, is_broken;
	struct qbs_stats stats;

	/* What is shared. */
	char folder[QBS_FOLDER_SIZE];
	dev_t folder_device; /* the path may name another folder later, if that of ours was removed */
	ino_t folder_inode;
	void *region; /* NULL: none */
	size_t region_size;
	struct qbs_guard *guard; /* of the region */
	struct qbs_ring request, response, event;
	struct qbs_control *control; /* socket type: three */
	int request_fd, event_fd;    /* socket type; -1: none */
	bool is_request_polled, is_response_connected, is_event_connected;

	struct qbs_connection *previous, *next; /* of the server */
};

struct qbs_server {
	struct qbs_host *host;
	char name[QBS_NAME_SIZE];
	const struct qbs_transport *transport;
	const struct qbs_handlers *handlers;
	void *arg;
	enum qbs_rate rate;
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* of a socket in the file system; "": none */
	uint32_t references; /* its own, and one per connection */
	struct qbs_connection *connections; /* newest first */
	uint32_t connection_count;
	struct qbs_connection *rate_next; /* whose turn it is in qbs_server_rate_step; NULL: the newest one's */
	uint32_t rate_left;               /* so many turns until all of them have had one */
};

struct qbs_host {
	const struct qbs_loop *loop;
	struct qbs_handshake *handshakes, *last_handshake;
	uint32_t handshake_count;
	int spare_fd;    /* for callers when there is no other; -1: none */
	uint8_t *buffer; /* QBS_SIZE_MAX bytes: the request that is being handled */
};

extern const struct qbs_transport qbs_shm, qbs_socket;

/* --- server.c --- */

/** Put a new connection, whose server is set, into the server's list. It applies the rate itself. */
void qbs_server_add(struct qbs_connection *connection);
void qbs_server_remove(struct qbs_connection *connection);
/** A descriptor to give up when there is no other: of nothing. -1: none */
int qbs_spare_open(void);

/* --- handshake.c --- */

/** Readiness of a listening socket. */
void qbs_on_caller(void *server, int fd, uint32_t revents);
/** End those of this server. */
void qbs_handshakes_end(struct qbs_server *server);

/* --- connection.c --- */

/** A peer has said what it wants. Takes fd. */
void qbs_connection_make(
	struct qbs_server *server, int fd, const struct qbs_peer *peer, const struct qbs_hello *hello);
/** The stream's readiness, and that of the socket type's requests. */
void qbs_on_stream(void *connection, int fd, uint32_t revents);
/** Read up to `limit` requests, which are there as far as one knows. @return how many were read */
uint32_t qbs_serve(struct qbs_connection *connection, uint32_t limit);
/** After qbs_serve: callbacks, and the end of those that were closed meanwhile. */
void qbs_enter(struct qbs_connection *connection);
void qbs_leave(struct qbs_connection *connection);
/** Requests that may be read at a wake-up now. */
uint32_t qbs_limit(const struct qbs_connection *connection);
/** Set what the stream is polled for, with what is owed. */
void qbs_stream_listen(struct qbs_connection *connection, uint32_t wanted);
/** Poll as pause and rate say. */
void qbs_listen(struct qbs_connection *connection);
/** Send what the client polls for. 0; -ENOTCONN */
int qbs_ring_bell(struct qbs_connection *connection);
/** Set libqb's flow control word as the rate of the server and qbs_hold say. */
void qbs_flow_apply(struct qbs_connection *connection);
void qbs_server_release(struct qbs_server *server);

/* --- folder.c --- */

/** Make the connection's folder, still ours. *fd is the caller's. -errno */
int qbs_folder_make(struct qbs_connection *connection, int *fd);
/** Make a file of this size in it, owned by the client. @return its descriptor, the caller's; -errno */
int qbs_folder_file(struct qbs_connection *connection, int folder, const char *name, size_t size);
/** Let the client reach its files, and remove them. They are all there. @return 0; -errno */
int qbs_folder_give(const struct qbs_connection *connection, int folder);
/** Remove these names, NULL behind the last, and the folder. Missing ones are ignored. */
void qbs_folder_remove(struct qbs_connection *connection, const char *const *names);

#endif

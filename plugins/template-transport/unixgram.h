/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Declarations for the files of the transport.
 *
 * A node's address is a file, DIRECTORY/NODEID. The folder is an option, the same for all nodes:
 *
 *   DIRECTORY/1       the socket on which node 1 receives
 *   DIRECTORY/1.lock  locked while node 1 runs, so that no other daemon takes its place
 *   DIRECTORY/1.out   name of the sockets from which node 1 sends; the file is removed at once
 *
 * A user who can write to the sockets can send as any node. So the sockets and their folder must be accessible to one
 * user only. Received data is nevertheless checked as if any user had sent it.
 */
#ifndef UNIXGRAM_H
#define UNIXGRAM_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include <coterie/transport.h>

#define UNIXGRAM_FRAME_MAX 65536u /* bytes of the largest frame of the ring */
#define UNIXGRAM_BATCH 16u        /* datagrams in one system call */
#define UNIXGRAM_QUEUE_MAX 1024u  /* frames that are queued for one peer. The ring's window is far smaller */
#define UNIXGRAM_QUOTE_MAX 128u   /* bytes of a refused frame to report. The ring needs 64 to recognise it */
#define UNIXGRAM_QUOTES_MAX 4u    /* refused frames that are stored for the next report. The ring needs one */

/* The first bytes of a frame that the kernel refused. */
struct unixgram_quote {
	uint32_t size;
	uint8_t bytes[UNIXGRAM_QUOTE_MAX];
};

/*
 * Another node. The socket for it is bound to this node's name and connected to the peer's address. So the kernel shows
 * when the peer has room (writable), and when no process has the peer's socket open any more (refused).
 */
struct unixgram_peer {
	struct unixgram_peer *next;
	struct unixgram *owner;
	uint32_t nodeid;
	int fd;         /* -1: the link is not open */
	bool is_there;  /* the peer's daemon runs, as far as is known */
	bool is_told;   /* the host was informed that the peer runs */
	bool has_ended; /* the peer's daemon has ended after it was reported to the host */
	struct sockaddr_un address;
	char sender[16];      /* last part of the name from which the peer sends: "2.out" */
	uint32_t quote_count; /* refused frames that have to be reported to the host */
	struct unixgram_quote quotes[UNIXGRAM_QUOTES_MAX];
	uint32_t first, count;                           /* queued frames: index of the first one, and their number */
	struct coterie_frame *queue[UNIXGRAM_QUEUE_MAX]; /* a ring buffer, with a reference to each frame */
};

/* All state of the transport. There are no static variables, since two instances may exist in one process. */
struct unixgram {
	const struct coterie_host *host; /* borrowed, lives longer than this struct */
	struct coterie_ctx *ctx;
	char directory[64];          /* short enough for a struct sockaddr_un with any file name */
	uint64_t probe_ns;           /* period of the probe timer */
	struct unixgram_peer *peers; /* list without the local node */
	bool is_up;                  /* state that was reported last */
	int fd, lock_fd;             /* -1: not open */
	dev_t device;                /* file of this node's socket, to check whether it still exists */
	ino_t inode;
	uint64_t repair_ns; /* time of the next attempt to open the socket again */
	struct coterie_timer *probe;
	uint64_t probe_at_ns;
	uint64_t reject_log_ns; /* time from which the next rejection may be logged */
	uint64_t reject_hidden; /* rejections since the last log line, which were not logged */
	struct coterie_transport_stats stats;
	struct coterie_frame *buffers[UNIXGRAM_BATCH]; /* all are always allocated, so that reading never fails */
};

/* --- unixgram.c --- */

/** Check the peers at this time or earlier. */
void unixgram_probe_at(struct unixgram *unixgram, uint64_t at_ns);

/* --- link.c --- */

/** Write the path DIRECTORY/NODEID and a suffix. */
struct sockaddr_un unixgram_name(const struct unixgram *unixgram, uint32_t nodeid, const char *suffix);

/** Open a socket with this name. @return descriptor, which the caller closes; -errno */
int unixgram_bind(const struct sockaddr_un *name);

/**
 * Take this node's place in the folder, and open the sockets to the peers.
 * @return 0; -EADDRINUSE: another daemon has the place; -EPERM: other users can change the folder;
 * other errors of the system. All are logged
 */
int unixgram_link_open(struct unixgram *unixgram);
void unixgram_link_close(struct unixgram *unixgram);

/** Return whether the socket is open and the other nodes can find it. */
bool unixgram_link_is_whole(const struct unixgram *unixgram);

/* --- peer.c --- */

/** Open the socket to a peer, which may not exist yet. @return 0; -errno */
int unixgram_peer_open(struct unixgram_peer *peer);
void unixgram_peer_close(struct unixgram_peer *peer);

/**
 * Send frames (borrowed) after all queued ones. Frames for which there is no room are queued, or lost if the queue is
 * full.
 */
void unixgram_peer_put(struct unixgram_peer *peer, struct coterie_frame *const *frames, uint32_t count);

/**
 * Send one frame, like unixgram_peer_put. The frame is sent even if the peer seems to be down, since the kernel may
 * then refuse it.
 */
void unixgram_peer_put_one(struct unixgram_peer *peer, struct coterie_frame *frame);

/** Check whether the peer runs, and report changes to the host. Do not call this inside a call from the host. */
void unixgram_peer_check(struct unixgram_peer *peer);

/** Report to the host that the peer is no longer watched. */
void unixgram_peer_unwatch(struct unixgram_peer *peer);

/* --- receive.c --- */

/** Read datagrams, and pass the frames to the host. Callback of host->fd_add: arg is the struct unixgram. */
void unixgram_receive(void *arg, int fd, uint32_t revents);

#endif

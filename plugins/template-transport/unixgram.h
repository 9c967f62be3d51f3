/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the transport.
 *
 * A node's address is a file, DIRECTORY/NODEID. The folder is an option, the same for all nodes:
 *
 *	DIRECTORY/1       the socket that node 1 receives on
 *	DIRECTORY/1.lock  locked while node 1 runs, so that no other daemon takes its place
 *	DIRECTORY/1.out   the sender's name that the others see; never a file in the folder
 *
 * A user who can write to the sockets can send as any node. So they and their folder are for one
 * user alone. Received data is nevertheless checked as if any user had sent it.
 */
#ifndef UNIXGRAM_H
#define UNIXGRAM_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include <coterie/transport.h>

#define UNIXGRAM_FRAME_MAX 65536u /* largest frame of the ring */
#define UNIXGRAM_BATCH 16u        /* datagrams in one system call */
#define UNIXGRAM_QUEUE_MAX 1024u  /* frames that wait for a peer. The ring's window is far smaller */
#define UNIXGRAM_QUOTE_MAX 128u   /* bytes of a refused frame. The ring recognises its own by 64 */
#define UNIXGRAM_QUOTES_MAX 4u    /* refused frames stored for the next report. The ring needs one */

/* The first bytes of a frame that the kernel refused. */
struct unixgram_quote {
	uint32_t size;
	uint8_t bytes[UNIXGRAM_QUOTE_MAX];
};

/*
 * Another node. The socket for it is bound to this node's name and connected to the peer's. So the
 * kernel shows when the peer has room (writable), and when no process has the peer's socket open
 * any more (refused).
 */
struct unixgram_peer {
	struct unixgram_peer *next;
	struct unixgram *owner;
	uint32_t nodeid;
	int fd;         /* -1: the link is not open */
	bool is_there;  /* connected, as far as known */
	bool is_told;   /* the host was informed that the node is there */
	bool has_ended; /* the socket that was reported to the host is closed */
	struct sockaddr_un address;
	char sender[16];      /* last part of its sender's name: "2.out" */
	uint32_t quote_count; /* refused frames that have to be reported to the host */
	struct unixgram_quote quotes[UNIXGRAM_QUOTES_MAX];
	uint32_t first, count;                           /* frames that wait for room, a ring of UNIXGRAM_QUEUE_MAX */
	struct coterie_frame *queue[UNIXGRAM_QUEUE_MAX]; /* referenced */
};

/* All state of the transport. No static variables, since two may exist in one process. */
struct unixgram {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;
	char directory[64];          /* it fits into a struct sockaddr_un with any file name */
	uint64_t probe_ns;           /* period */
	struct unixgram_peer *peers; /* without the local node */
	bool is_up;                  /* last report */
	int fd, lock_fd;             /* -1: none */
	dev_t device;                /* file of this node's socket, to see whether it still exists */
	ino_t inode;
	uint64_t repair_ns; /* time of the next attempt to open it again */
	struct coterie_timer *probe;
	uint64_t probe_at_ns;
	uint64_t reject_log_ns; /* time from which the next rejection may be logged */
	uint64_t reject_hidden; /* rejections since the last line that were not logged */
	struct coterie_transport_stats stats;
	struct coterie_frame *buffers[UNIXGRAM_BATCH]; /* always complete, so that reading never
						        * lacks one */
};

/* --- unixgram.c --- */

/** Check the peers no later than at this time. */
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

/** Send frames (borrowed) behind all waiting ones. Frames without room wait, or are lost. */
void unixgram_peer_put(struct unixgram_peer *peer, struct coterie_frame *const *frames, uint32_t count);

/**
 * As unixgram_peer_put, for one frame. It is sent even if the peer seems to be down, since the kernel may then
 * refuse it.
 */
void unixgram_peer_put_one(struct unixgram_peer *peer, struct coterie_frame *frame);

/**
 * Check whether the peer runs, and report changes to the host. Do not call it inside a call of the
 * host.
 */
void unixgram_peer_check(struct unixgram_peer *peer);

/** Report to the host that the peer is no longer watched. */
void unixgram_peer_unwatch(struct unixgram_peer *peer);

/* --- receive.c --- */

/** Read datagrams and hand the frames up. For host->fd_add: arg is the struct unixgram. */
void unixgram_receive(void *arg, int fd, uint32_t revents);

#endif

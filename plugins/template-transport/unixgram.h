/*
 * What the files of the transport share.
 *
 * A node's address is a file, DIRECTORY/NODEID; the folder is an option, the same for all nodes:
 *
 *	DIRECTORY/1       the socket that node 1 receives on
 *	DIRECTORY/1.lock  locked as long as node 1 runs, so that nobody takes its place
 *	DIRECTORY/1.out   the sender that the others see; never to be found in the folder
 *
 * Who may write to the sockets may speak for any node. So they and their folder are for one user
 * alone; what arrives in spite of that is still taken for anybody's bytes.
 */
#ifndef UNIXGRAM_H
#define UNIXGRAM_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include <coterie/transport.h>

#define UNIXGRAM_FRAME_MAX 65536u /* the most that the ring puts into one frame */
#define UNIXGRAM_BATCH 16u        /* datagrams in one system call */
#define UNIXGRAM_QUEUE_MAX 1024u  /* frames waiting for a peer; the ring's window is far below */
#define UNIXGRAM_QUOTE_MAX 128u   /* bytes of a refused frame; the ring knows its own by 64 */
#define UNIXGRAM_QUOTES_MAX 4u    /* refused frames kept for the next report; the ring needs one */

/* The beginning of a frame that the kernel refused. */
struct unixgram_quote {
	uint32_t size;
	uint8_t bytes[UNIXGRAM_QUOTE_MAX];
};

/* One other node. Its socket is bound to our name and connected to its, so that the kernel tells
 * when there is room for it (writable) and when nobody has its socket open any more (refused). */
struct unixgram_peer {
	struct unixgram_peer *next;
	struct unixgram *owner;
	uint32_t nodeid;
	int fd;        /* -1: the link is not open */
	bool is_there; /* connected, as far as we know */
	bool is_told;  /* the host was told that it is there */
	bool has_ended; /* the socket that the host was told of is closed */
	struct sockaddr_un address;
	char sender[16];       /* last part of the name that it sends under: "2.out" */
	uint32_t quote_count;  /* refused frames that the host is to be told of */
	struct unixgram_quote quotes[UNIXGRAM_QUOTES_MAX];
	uint32_t first, count; /* what waits for room, a ring of UNIXGRAM_QUEUE_MAX */
	struct coterie_frame *queue[UNIXGRAM_QUEUE_MAX]; /* referenced */
};

/* Everything the transport knows. No static variables: two may live in one process. */
struct unixgram {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;
	char directory[64]; /* with any name behind it, it fits into a struct sockaddr_un */
	uint64_t probe_ns;  /* period */
	struct unixgram_peer *peers; /* without the local node */
	bool is_up;                  /* as last reported */
	int fd, lock_fd;             /* -1: none */
	dev_t device;                /* of our socket's file: is it still ours? */
	ino_t inode;
	uint64_t repair_ns; /* when the next attempt to have one again is due */
	struct coterie_timer *probe;
	uint64_t probe_at_ns;
	uint64_t reject_log_ns; /* when the next line about strangers may be written */
	uint64_t reject_hidden; /* lines left out since the last one */
	struct coterie_transport_stats stats;
	struct coterie_frame *buffers[UNIXGRAM_BATCH]; /* all there, so that reading never fails */
};

/* --- unixgram.c --- */

/** Look after the peers at this time at the latest. */
void unixgram_probe_at(struct unixgram *unixgram, uint64_t at_ns);

/* --- link.c --- */

/** DIRECTORY/NODEID and what comes behind. */
struct sockaddr_un unixgram_name(
	const struct unixgram *unixgram, uint32_t nodeid, const char *suffix);

/** A socket of this name. @return descriptor, the caller closes it; -errno */
int unixgram_bind(const struct sockaddr_un *name);

/**
 * Take this node's place in the folder, and open the sockets to the peers.
 *
 * @return 0; -EADDRINUSE: another daemon has the place; -EPERM: the folder is not ours alone; other
 *     errors of the system. All have been logged
 */
int unixgram_link_open(struct unixgram *unixgram);
void unixgram_link_close(struct unixgram *unixgram);

/** Is the socket open, and can the others find it? */
bool unixgram_link_is_whole(const struct unixgram *unixgram);

/* --- peer.c --- */

/** Open the socket to a peer, which need not be there. @return 0; -errno */
int unixgram_peer_open(struct unixgram_peer *peer);
void unixgram_peer_close(struct unixgram_peer *peer);

/** Send frames (borrowed) behind all that wait; what finds no room waits too, or is lost. */
void unixgram_peer_put(
	struct unixgram_peer *peer, struct coterie_frame *const *frames, uint32_t count);

/** As unixgram_peer_put, for one frame. A peer that is not there is tried: the kernel may refuse the frame. */
void unixgram_peer_put_one(struct unixgram_peer *peer, struct coterie_frame *frame);

/** See whether it is there, and tell the host what has changed. Not from inside a call of the host. */
void unixgram_peer_check(struct unixgram_peer *peer);

/** Tell the host that the peer is watched no more, whatever becomes of it. */
void unixgram_peer_unwatch(struct unixgram_peer *peer);

/* --- receive.c --- */

/** Read and hand up what has come. For host->fd_add; arg is the struct unixgram. */
void unixgram_receive(void *arg, int fd, uint32_t revents);

#endif

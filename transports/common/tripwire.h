/*
 * A TCP connection to the neighbour in the ring, on which nothing is ever sent: when the neighbour's daemon
 * is killed its kernel closes the connection, which wakes us at once, and until then it costs nothing. Its
 * end is a sign and no proof: the ring asks the neighbour. Who cannot be reached so is knocked at as ever.
 *
 * Life of a wire: 1 the ring names its neighbour (tripwire_watch). 2 We connect to the neighbour's address
 * and port, and say who we are and whom we want. 3 It looks whether it knows us at that address, and answers
 * the same: the watch is on. 4a It says goodbye with a byte, since it stops or prefers another connection
 * of ours: the watch is off. 4b The connection ends without a word: the watch is broken. 5 In both cases we
 * try again, after longer and longer pauses, and at once when the ring says it again.
 *
 * Connections are taken from configured addresses alone, one of each node, and a few that have not yet said
 * whose they are. More than a greeting is never read.
 */
#ifndef COMMON_TRIPWIRE_H
#define COMMON_TRIPWIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <coterie/transport.h>

#include "transports/common/peers.h"

/** What both say: a word, the sender's node id and the receiver's, in network order. */
struct tripwire_greeting {
	uint8_t word[4];
	uint32_t from, to;
};
_Static_assert(sizeof(struct tripwire_greeting) == 12, "on the wire");

/* Nodes that have us for a neighbour: one, and some more while rings come and go. */
#define TRIPWIRE_GUESTS_MAX 16u

enum tripwire_state {
	TRIPWIRE_IDLE,       /* no connection; timer: the next attempt */
	TRIPWIRE_CONNECTING, /* timer: the attempt has failed */
	TRIPWIRE_GREETED,    /* we have said who we are; the timer goes on */
	TRIPWIRE_ON,
};

/** A connection that was made to us. */
struct tripwire_guest {
	struct tripwire *wire;
	int fd; /* -1: the place is free */
	uint32_t nodeid; /* 0: it has not said yet */
	uint64_t since_ns;
};

struct tripwire {
	const struct coterie_host *host; /* borrowed */
	struct coterie_ctx *ctx;
	struct peers *peers; /* borrowed */
	bool is_wanted;      /* by the configuration */
	struct sockaddr_storage local;
	bool has_local;
	uint32_t target; /* node id; 0: nobody is to be watched */
	enum tripwire_state state;
	int fd; /* -1: none */
	uint64_t pause_ns; /* before the next attempt */
	struct coterie_timer *timer;
	int listen_fd; /* -1: none */
	bool has_told; /* that nobody can connect */
	struct tripwire_guest guests[TRIPWIRE_GUESTS_MAX];
};

/** In place. Nothing is opened yet. peers is kept until tripwire_fini. */
void tripwire_init(struct tripwire *wire, const struct coterie_host *host, struct coterie_ctx *ctx,
	struct peers *peers);
/** Say goodbye to all and close everything. */
void tripwire_fini(struct tripwire *wire);

/** Switch it off, with goodbyes, or on; listens when it can. */
void tripwire_switch(struct tripwire *wire, bool is_wanted);

/** The link is bound to this address (copied). Listen there, unless it does or cannot. Say it again freely. */
void tripwire_bound(struct tripwire *wire, const struct sockaddr *local);

/** Watch this node and no other; 0: nobody. The host hears of it from the loop. */
void tripwire_watch(struct tripwire *wire, uint32_t nodeid);

/** A node is going to be deleted, or is about to have another address. */
void tripwire_forget(struct tripwire *wire, uint32_t nodeid);

#endif

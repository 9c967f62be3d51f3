/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A TCP connection to the neighbour in the ring, on which no data is sent. When the neighbour's daemon is killed, its
 * kernel closes the connection, which this node notices at once. Until then the connection costs nothing. Its end is a
 * sign and no proof: the ring asks the neighbour, and removes it only if its kernel refuses datagrams as well. A
 * neighbour without a connection is missed by the token and consensus timeouts. Connections from other nodes show the
 * same about them, and are reported in the same way.
 *
 * Life of a wire: 1 the ring names its neighbour (tripwire_watch). 2 This node connects to the neighbour's address and
 * port, and sends its own id and the neighbour's. 3 The neighbour checks whether it knows this node at that address,
 * and answers in the same form. The watch is then on at both ends. 4a One end closes it on purpose: its daemon stops,
 * it prefers another connection, or the ring names another neighbour. It sends one byte before, as a goodbye, and the
 * watch is off at the other end. 4b The connection ends without that byte: the watch is closed if the peer's kernel
 * ended it in order, and broken if it was reset. 5 This node tries again after increasing pauses, and at once when the
 * ring names the neighbour again.
 *
 * The connection also shows whether a neighbour's host lives while its daemon sends nothing (tripwire_witness).
 *
 * On an encrypted ring steps 2 and 3 prove the ring's key, and so does a goodbye (tripwire_proof.c).
 *
 * Reports are queued, and delivered from callbacks of the loop only, in their order.
 *
 * Connections are taken from configured addresses alone, one of each node, and a few that have not yet said whose they
 * are. More than a greeting is never read.
 */
#ifndef COMMON_TRIPWIRE_H
#define COMMON_TRIPWIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <coterie/transport.h>

#include "transports/common/peers.h"
#include "transports/common/secure/secure.h"

/** The greeting of each end: a word, the sender's node id and the receiver's, in network order. */
struct tripwire_greeting {
	uint8_t word[4];
	uint32_t from, to;
};
_Static_assert(sizeof(struct tripwire_greeting) == 12, "on the wire");

/* Nodes that have us for a neighbour: one, and some more while rings come and go. */
#define TRIPWIRE_GUESTS_MAX 16u

enum tripwire_state {
	TRIPWIRE_IDLE,       /* no connection. The timer is for the next attempt */
	TRIPWIRE_CONNECTING, /* timer: the attempt has failed */
	TRIPWIRE_GREETED,    /* the greeting was sent. The timer still runs */
	TRIPWIRE_ON,
};

/** State of the query whether the host of a connection is alive. See tripwire_witness.c. */
struct tripwire_witness {
	bool is_asked; /* lately */
	/* When this silence began: */
	uint32_t probes;    /* without an answer */
	uint32_t answer_ms; /* time of the last answer, counted from the last data */
	uint64_t asked_ns;  /* when the host was last asked about */
	uint64_t probed_ns; /* when the kernel was last made to send a probe */
};

#define TRIPWIRE_PROOF_SIZE 32u

/** The proofs of both ends of a connection on an encrypted ring. See tripwire_proof.c. */
struct tripwire_proof {
	uint32_t key;     /* number of the key that the connection began with */
	uint32_t nodeid;  /* id that the other end claims, or 0 before it sent one */
	uint8_t seen[64]; /* both greetings */
	bool is_complete; /* then: */
	uint8_t goodbye[TRIPWIRE_PROOF_SIZE], their_goodbye[TRIPWIRE_PROOF_SIZE];
};

/** A connection that was made to us. */
struct tripwire_guest {
	struct tripwire_proof proof;
	struct tripwire *wire;
	int fd; /* -1: the place is free */
	struct tripwire_witness witness;
	uint32_t nodeid; /* 0: it has sent no greeting, or has not proved the key */
	uint64_t since_ns;
};

/** A report for peer_watch of the host. */
struct tripwire_report {
	uint32_t nodeid;
	uint32_t state; /* COTERIE_WATCH_* */
};
/*
 * Each connection that is on can end once before the queue is delivered. One event of the loop ends one more
 * and begins one.
 */
#define TRIPWIRE_REPORTS_MAX (TRIPWIRE_GUESTS_MAX + 3u)

struct tripwire {
	const struct coterie_host *host; /* borrowed */
	struct coterie_ctx *ctx;
	struct peers *peers;         /* borrowed */
	const struct secure *secure; /* borrowed. If NULL, or without a key in use, nothing is proved */
	struct tripwire_proof proof; /* of our own connection */
	uint32_t dscp;               /* of the ring's packets, as mark_read */
	bool is_wanted;              /* by the configuration */
	struct sockaddr_storage local;
	bool has_local;
	uint32_t target; /* node id, or 0 if no node is watched */
	enum tripwire_state state;
	int fd; /* -1: none */
	struct tripwire_witness witness;
	uint64_t pause_ns; /* before the next attempt */
	struct coterie_timer *timer;
	int listen_fd; /* -1: none */
	bool has_told; /* the log line that no node can connect was written */
	struct tripwire_guest guests[TRIPWIRE_GUESTS_MAX];
	struct tripwire_report reports[TRIPWIRE_REPORTS_MAX]; /* not delivered yet, oldest first */
	uint32_t report_count;
	struct coterie_timer *report_timer;
	struct coterie_timer *witness_timer; /* ends the probes after the last question */
};

/** In place. Nothing is opened yet. peers and secure (or NULL) are kept until tripwire_fini. */
void tripwire_init(struct tripwire *wire, const struct coterie_host *host, struct coterie_ctx *ctx, struct peers *peers,
	const struct secure *secure);
/** Send a goodbye on all connections and close them. Nothing is reported any more, not even their ends. */
void tripwire_fini(struct tripwire *wire);

/** Switch it off, with goodbyes, or on. It listens when it can. */
void tripwire_switch(struct tripwire *wire, bool is_wanted);

/** Note that the link is bound to this address (copied), and listen there if possible. May be called repeatedly. */
void tripwire_bound(struct tripwire *wire, const struct sockaddr *local);

/**
 * Note that the link has lost its address: send a goodbye on all connections, and neither listen nor connect until
 * tripwire_bound.
 */
void tripwire_unbound(struct tripwire *wire);

/**
 * Note that all keys but this loaded one are forgotten. 0: no encryption. Close, with a goodbye, all connections that
 * were not proved with this key, and connect to the neighbour again at once.
 */
void tripwire_rekeyed(struct tripwire *wire, uint32_t key);

/** Watch this node and no other one; 0: none. Reports to the host are made from the loop. */
void tripwire_watch(struct tripwire *wire, uint32_t nodeid);

/**
 * Return whether the kernel of a silent node's host answers, as far as a connection to it shows: COTERIE_WITNESS_*.
 * Call it again and again while the node is silent: probes are sent between the first call and two seconds after the
 * last one, eight a second at most.
 *
 * @param is_first  a silence begins: earlier results do not count
 */
uint32_t tripwire_witness(struct tripwire *wire, uint32_t nodeid, bool is_first);

/** A node is going to be deleted, or is about to have another address. */
void tripwire_forget(struct tripwire *wire, uint32_t nodeid);

#endif

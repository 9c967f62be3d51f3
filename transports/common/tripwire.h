/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A TCP connection to the neighbour in the ring, on which no data is sent. When the neighbour's daemon is killed, its
 * kernel closes the connection, and this node notices that at once. Until then the connection costs nothing. Its end is
 * a sign and no proof: the ring asks the neighbour, and removes it only if its kernel refuses datagrams as well. If a
 * neighbour without a connection ends, the token and consensus timeouts notice that. Connections that other nodes have
 * opened to this one show the same about those nodes, and are reported in the same way.
 *
 * Life of a wire: 1 the ring names its neighbour (tripwire_watch). 2 This node connects to the neighbour's address and
 * port, and sends its own id and the neighbour's. 3 The neighbour checks whether it knows this node at that address,
 * and answers in the same form. The watch is then on at both ends. 4a One end closes the connection on purpose: its
 * daemon stops, it prefers another connection, or the ring names another neighbour. It sends one byte before, as a
 * goodbye, and the watch is off at the other end. 4b The connection ends without that byte: the watch is closed if the
 * peer's kernel ended the connection with a FIN, and broken if the connection was reset. 5 This node tries again after
 * increasing pauses, and at once when the ring names the neighbour again.
 *
 * The connection also shows whether a neighbour's host runs while its daemon sends nothing (tripwire_witness).
 *
 * On an encrypted ring both ends prove in steps 2 and 3 that they have the ring's key, and so does a goodbye
 * (tripwire_proof.c).
 *
 * Reports are queued, and delivered only from callbacks of the loop, in their order.
 *
 * Connections are accepted only from configured addresses: one of each node, and two from each address whose greeting or
 * proof has not come yet. So the number of peers bounds the memory, and a host takes no place of another one. No more
 * than a greeting is ever read.
 */
#ifndef COMMON_TRIPWIRE_H
#define COMMON_TRIPWIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <coterie/transport.h>

#include "transports/common/peers.h"
#include "transports/common/secure/secure.h"

/** The greeting of each end: the word, the sender's node id and the receiver's, in network order. */
struct tripwire_greeting {
	uint8_t word[4];
	uint32_t from, to;
};
_Static_assert(sizeof(struct tripwire_greeting) == 12, "on the wire");

/*
 * Most connections of other nodes that have sent their node id: that of the node before this one, and more while rings
 * change.
 */
#define TRIPWIRE_GUESTS_MAX 16u

enum tripwire_state {
	TRIPWIRE_IDLE,       /* there is no connection. The timer is for the next attempt */
	TRIPWIRE_CONNECTING, /* the timer ends the attempt */
	TRIPWIRE_GREETED,    /* this node has sent its greeting. The timer still runs */
	TRIPWIRE_ON,
};

/** State of the query whether the host of a connection runs. See tripwire_witness.c. */
struct tripwire_witness {
	bool is_asked; /* questions about the host have come lately */
	/* Values at the beginning of this silence: */
	uint32_t probes;    /* probes that had no answer */
	uint32_t answer_ms; /* time from the last arrival of data to the last answer */
	uint64_t asked_ns;  /* when tripwire_witness last asked about the host */
	uint64_t probed_ns; /* when the kernel was last made to send a probe */
};

#define TRIPWIRE_PROOF_SIZE 32u

/** The proofs of both ends of a connection on an encrypted ring. See tripwire_proof.c. */
struct tripwire_proof {
	uint32_t key;     /* number of the key that the connection began with */
	uint32_t nodeid;  /* id that the other end claims, or 0: it has not sent one */
	uint8_t seen[64]; /* both greetings */
	bool is_complete; /* the exchange is complete, so that the goodbyes are valid: */
	uint8_t goodbye[TRIPWIRE_PROOF_SIZE], their_goodbye[TRIPWIRE_PROOF_SIZE];
};

/** A guest: a connection that another node has opened to this one. */
struct tripwire_guest {
	struct tripwire_guest *next; /* older than this one */
	struct tripwire *wire;
	struct tripwire_proof proof;
	int fd;
	struct sockaddr_storage from; /* address of the other end */
	struct tripwire_witness witness;
	uint32_t nodeid; /* 0: the other end has sent no greeting yet, or has not proved that it has the key */
};

/** A report for peer_watch of the host. */
struct tripwire_report {
	uint32_t nodeid;
	uint32_t state; /* COTERIE_WATCH_* */
};
/*
 * Greatest number of queued reports. Before the queue is delivered, each established connection can end once. One event
 * of the loop can end one more connection and begin one.
 */
#define TRIPWIRE_REPORTS_MAX (TRIPWIRE_GUESTS_MAX + 3u)

struct tripwire {
	const struct coterie_host *host; /* borrowed */
	struct coterie_ctx *ctx;
	struct peers *peers;         /* borrowed */
	const struct secure *secure; /* borrowed. If it is NULL or has no key in use, connections need no proof */
	struct tripwire_proof proof; /* of the connection that this node has opened */
	uint32_t dscp;               /* mark of the ring's packets, from mark_read */
	bool is_wanted;              /* the configuration switches the tripwire on */
	struct sockaddr_storage local;
	bool has_local;
	uint32_t target; /* node id of the neighbour to watch; 0: none */
	enum tripwire_state state;
	int fd; /* -1: none */
	struct tripwire_witness witness;
	uint64_t pause_ns; /* pause before the next attempt */
	struct coterie_timer *timer;
	int listen_fd;                 /* -1: none */
	bool has_told;                 /* the log line that no node can connect to this one was written */
	struct tripwire_guest *guests; /* newest first */
	struct tripwire_report reports[TRIPWIRE_REPORTS_MAX]; /* not delivered yet, oldest first */
	uint32_t report_count;
	struct coterie_timer *report_timer;
	struct coterie_timer *witness_timer; /* ends the probes some time after the last question */
};

/** Initialise wire in place. No socket is opened yet. peers and secure (may be NULL) must exist until tripwire_fini. */
void tripwire_init(struct tripwire *wire, const struct coterie_host *host, struct coterie_ctx *ctx, struct peers *peers,
	const struct secure *secure);
/** Send a goodbye on all connections and close them. After this call nothing is reported, not even their ends. */
void tripwire_fini(struct tripwire *wire);

/** Switch the tripwire off, with goodbyes, or on. It then listens as soon as the link is bound. */
void tripwire_switch(struct tripwire *wire, bool is_wanted);

/** Note that the link is bound to this address (copied), and listen there if possible. May be called repeatedly. */
void tripwire_bound(struct tripwire *wire, const struct sockaddr *local);

/**
 * Note that the link has lost its address: send a goodbye on all connections, and neither listen nor connect until
 * tripwire_bound.
 */
void tripwire_unbound(struct tripwire *wire);

/**
 * Note that only this key is still loaded; 0: no encryption. Close, with a goodbye, all connections that were not
 * proved with this key, and connect to the neighbour again at once.
 */
void tripwire_rekeyed(struct tripwire *wire, uint32_t key);

/** Watch this node and no other one. nodeid 0: watch none. Reports to the host are made from the loop. */
void tripwire_watch(struct tripwire *wire, uint32_t nodeid);

/**
 * Return whether the kernel of a silent node's host answers, as far as a connection to that host shows:
 * COTERIE_WITNESS_*. Call it again and again while the node is silent. Probes are sent from the first call until two
 * seconds after the last one, at most eight in a second.
 *
 * @param is_first  a silence begins: earlier results do not count
 */
uint32_t tripwire_witness(struct tripwire *wire, uint32_t nodeid, bool is_first);

/** Drop the connections of a node that will be deleted or get another address. */
void tripwire_forget(struct tripwire *wire, uint32_t nodeid);

#endif

/*
 * Transports: plugins that carry frames between the nodes of a ring. A frame is opaque but for its size;
 * a transport may lose, duplicate and reorder frames, never change or invent them.
 */
#ifndef COTERIE_TRANSPORT_H
#define COTERIE_TRANSPORT_H

#include <coterie/plugin.h>

/** Counters of one transport; a table that may grow at its end. All since open. */
struct coterie_transport_stats {
	uint32_t size; /* of the executive's struct: fill no more than this */
	uint32_t pad;
	uint64_t frames_in, frames_out; /* datagrams */
	uint64_t bytes_in, bytes_out;
	uint64_t send_calls, receive_calls; /* system calls */
	uint64_t send_errors, receive_errors;
	uint64_t rejected; /* from a source that is not a peer, or, with encryption, not authentic, not new or too many */
};

/** What reload may return besides 0: new keys are loaded beside those in use; see rekey. */
#define COTERIE_RELOAD_REKEY 1

/**
 * Operations of a transport. All run on the loop thread; none blocks. Errors are negative errno.
 *
 * Life: 1 open; 2 peer_add for every node of the node list and link, the local node included (is_local);
 * 3 link_up for each link, which makes the sockets; the transport reports the link with host->link_state,
 * at once or later; 4 multicast, token and frames_in as the ring works; at a reload peer_add and link_up,
 * then, once it is accepted, reload, peer_del, and link_down for each link that has no peer any more;
 * 5 close.
 *
 * The ring's protocol starts at the first link that is reported up, and a node all of whose links are
 * down is a ring of its own as soon as the token is missed, unless one comes up before. So report a bound
 * link up at first even when nothing is connected, and down only when no frame can leave or arrive.
 *
 * The sender is always among the receivers of its own multicasts: the executive feeds own frames back
 * through memory, so a transport does not send to the local node and drops what it hears of itself. A
 * token for the local node does not reach the transport either.
 */
struct coterie_transport {
	uint32_t size;
	uint32_t links_max;
	uint32_t frame_size_max; /* largest frame it carries, bytes */
	uint32_t netmtu;         /* its default of totem.netmtu: book transports, "Sizes" */
	uint32_t header_size;    /* bytes of a netmtu that its lower headers take over IPv4 (IPv6 takes 20
	                            more); 0: it cuts and joins frames by itself */
	uint32_t pad;
	int (*open)(const struct coterie_host *host, struct coterie_ctx *ctx, void **self);
	void (*close)(void *self); /* no call into the host after it returns */
	int (*link_up)(void *self, uint32_t link, const struct sockaddr *local);
	/** address is borrowed. -EEXIST: same node on the same link; -EAFNOSUPPORT. */
	int (*peer_add)(void *self, uint32_t link, uint32_t nodeid, const struct sockaddr *address);
	void (*peer_del)(void *self, uint32_t link, uint32_t nodeid);
	/**
	 * Send a batch to every peer. Frames are borrowed; each one kept for later is referenced. Returns
	 * how many were accepted, in order: the rest is offered again after host->writable(). -EAGAIN is
	 * 0; any other negative errno: all are lost.
	 */
	int (*multicast)(void *self, struct coterie_frame *const *frames, uint32_t count);
	/** Send one frame to one peer, behind everything multicast before. -ENOENT: no such peer. */
	int (*token)(void *self, uint32_t nodeid, struct coterie_frame *frame);
	/**
	 * Hand up what already waits where multicasts arrive, so that none comes behind a token that was sent
	 * after it. Called from inside frames_in when a token is among the arrivals, or from a turn of the loop
	 * of its own, never from inside itself: the arrivals stay borrowed meanwhile, so read into others. NULL:
	 * arrivals keep the order in which they were sent.
	 */
	int (*drain)(void *self);
	void (*membership)(void *self, const uint32_t *members, uint32_t count); /* of a new ring; or NULL */
	/** The configuration is another: options and map hold the new values, at a reload and after each change
	    of a totem. key while running. 0; COTERIE_RELOAD_REKEY; negative: it keeps its old settings. */
	int (*reload)(void *self);
	void (*stats)(void *self, struct coterie_transport_stats *stats);

	/* since 1.1 */
	/** Fill status for a node (this one included): what is zero may stay zero. -ENOENT: no such peer; a
	    transport without links of its own may leave all zero instead. */
	int (*node_status)(void *self, uint32_t nodeid, struct coterie_node_status *status);

	/* since 1.2 */
	/** Close a link. Its peers have been deleted, or, when a refused reload had opened it, never added. */
	void (*link_down)(void *self, uint32_t link);
	/** COTERIE_REKEY_ACTIVATE, then COTERIE_REKEY_CLEANUP, after reload returned COTERIE_RELOAD_REKEY. A
	    later reload with other keys starts the change from its first step. */
	int (*rekey)(void *self, uint32_t phase);

	/* since 1.4 */
	/** How many frames of this size, in bytes, may wait where they arrive before one is lost; 0: not known, as
	    without this member. Asked when the first link comes up. A ring whose members all know it sends no
	    more between two looks at the arrivals than the least of them bears. */
	uint32_t (*capacity)(void *self, uint32_t frame_size);
	/** Watch this peer's daemon, and no other any more; 0: none. Said again at each ring. How it goes is told
	    with host->peer_watch, never from inside this call. Without a watch that is on, the end of the daemon
	    is not certain: the ring then misses it after the token and consensus timeouts. */
	void (*watch)(void *self, uint32_t nodeid);
	/**
	 * Send this frame (borrowed) to the port of the peer's daemon as a datagram of its own, outside any session or
	 * encryption, so that the peer's kernel refuses it when no daemon runs there; report that with
	 * host->peer_refused, quoting the frame. A daemon that runs ignores it. Called only after a connection to
	 * the peer ended. NULL: a peer's kernel refuses what `token` sends, too (udp, udpu).
	 *
	 * @return 0; -ENOENT: no such peer; other errors of sending, which are no sign of anything
	 */
	int (*poke)(void *self, uint32_t nodeid, struct coterie_frame *frame);

	/* since 1.5 */
	/**
	 * Return whether the kernel of this peer's host answers: COTERIE_WITNESS_*. Called again and again while the
	 * peer leaves questions of the ring without an answer, every few milliseconds at most, and never on a healthy
	 * ring. Send what the peer's kernel answers without its daemon at the first call and, now and then, at later
	 * calls, and return what has come back so far. It decides nothing: it names the cause in the log and in the
	 * status. NULL: always COTERIE_WITNESS_UNKNOWN.
	 *
	 * @param is_first  1: a silence begins; an answer that came before is no sign
	 */
	uint32_t (*witness)(void *self, uint32_t nodeid, uint32_t is_first);
	/** How many bytes, as configured, the transport adds to each frame besides header_size, such as those of
	    encryption. It may ask for some more, to have frames of a size that it handles well. Asked before the
	    first link comes up, after each reload and after each phase of rekey. While keys change, return the
	    largest of what the keys before and after the change add. NULL: none. */
	uint32_t (*overhead)(void *self);
};

#endif

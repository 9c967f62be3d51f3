/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transports: plugins that carry frames between the nodes of a ring. A transport sees only the size of a frame, not
 * its content. It may lose, duplicate and reorder frames, but must not change or invent them.
 */
#ifndef COTERIE_TRANSPORT_H
#define COTERIE_TRANSPORT_H

#include <coterie/plugin.h>

/** Counters of one transport since open. This table may grow at its end. */
struct coterie_transport_stats {
	uint32_t size; /* of the executive's struct: fill at most this */
	uint32_t pad;
	uint64_t frames_in, frames_out; /* datagrams */
	uint64_t bytes_in, bytes_out;
	uint64_t send_calls, receive_calls; /* system calls */
	uint64_t send_errors, receive_errors;
	uint64_t rejected; /* not from a peer, or with encryption: not authentic, not new, or too many */
};

/** Result of reload besides 0: new keys are loaded beside those in use (see rekey). */
#define COTERIE_RELOAD_REKEY 1

/**
 * Operations of a transport. All run on the loop thread, and none may block. Errors are negative errno.
 *
 * Life:
 *
 * 1. open.
 * 2. peer_add for each link of each node of the node list, the local node included (is_local).
 * 3. link_up for each link. It opens the sockets. The transport reports the link with host->link_state, at once or later.
 * 4. multicast, token and frames_in while the ring works. At a reload peer_add and link_up. After the reload is accepted:
 *    reload, peer_del, and link_down for each link without peers.
 * 5. close.
 *
 * The ring's protocol starts when the first link is reported up. A node whose links are all down forms a ring of its
 * own when the token is missed, unless a link comes up before. So report a bound link as up, even if no other node is
 * reachable yet. Report it as down only if no frame can leave or arrive.
 *
 * A node receives its own multicasts: the executive returns own frames through memory. So a transport does not send to
 * the local node, and drops packets of its own. The executive also handles a token for the local node itself.
 */
struct coterie_transport {
	uint32_t size;
	uint32_t links_max;
	uint32_t frame_size_max; /* largest frame that it carries, bytes */
	uint32_t netmtu;         /* its default of totem.netmtu: book transports, "Sizes" */
	uint32_t header_size;    /* bytes of a netmtu for its lower headers with IPv4 (IPv6 takes 20 more), or 0: it
	                            fragments and reassembles frames itself */
	uint32_t pad;
	/** Make the state, *self, which is the first argument of all others. < 0: the daemon does not start. */
	int (*open)(const struct coterie_host *host, struct coterie_ctx *ctx, void **self);
	void (*close)(void *self); /* after it returns, no function of the host may be called */
	/** Open a link with this address of the node, and report it with link_state. < 0: the daemon does not start. */
	int (*link_up)(void *self, uint32_t link, const struct sockaddr *local);
	/** Add the address of a node on a link. address is borrowed. -EEXIST: the link has this node; -EAFNOSUPPORT. */
	int (*peer_add)(void *self, uint32_t link, uint32_t nodeid, const struct sockaddr *address);
	void (*peer_del)(void *self, uint32_t link, uint32_t nodeid);
	/**
	 * Send a batch to all peers. Frames are borrowed: take a reference to each frame that is kept. Return how many
	 * were accepted, in order. The others are given again after host->writable(). -EAGAIN means 0 frames. Any
	 * other negative errno: all are lost.
	 */
	int (*multicast)(void *self, struct coterie_frame *const *frames, uint32_t count);
	/** Send one frame to one peer, after all earlier multicasts. -ENOENT: no such peer. */
	int (*token)(void *self, uint32_t nodeid, struct coterie_frame *frame);
	/**
	 * Hand up all multicasts that wait in a socket, so that no token overtakes a multicast that was sent before it.
	 * Called from inside frames_in if a token is among the arrivals, or from a turn of the loop of its own, never
	 * from inside itself. The arrivals are borrowed meanwhile, so read into other frames. NULL: arrivals keep the
	 * order in which they were sent.
	 */
	int (*drain)(void *self);
	void (*membership)(void *self, const uint32_t *members, uint32_t count); /* of a new ring, or NULL */
	/** Apply a changed configuration: options and map have the new values. Called at a reload, and after each change
	    of a totem. key while running. 0; COTERIE_RELOAD_REKEY; negative: it keeps its old settings. */
	int (*reload)(void *self);
	void (*stats)(void *self, struct coterie_transport_stats *stats);

	/* since 1.1 */
	/** Fill in the status of a node, this one included. It is zeroed, and members may stay zero. -ENOENT: no such
	    peer. A transport without links of its own may leave all zero instead. */
	int (*node_status)(void *self, uint32_t nodeid, struct coterie_node_status *status);

	/* since 1.2 */
	/** Close a link. Its peers were deleted. After a refused reload that had opened it, they were never added. */
	void (*link_down)(void *self, uint32_t link);
	/** Continue a change of keys, after reload returned COTERIE_RELOAD_REKEY: COTERIE_REKEY_ACTIVATE, then
	    COTERIE_REKEY_CLEANUP. A later reload with other keys begins the change again. */
	int (*rekey)(void *self, uint32_t phase);

	/* since 1.4 */
	/** Return how many frames of this size, in bytes, the receive buffer holds, or 0: not known, as without this
	    member. Called when the first link comes up. If all members of a ring know their capacity, a rotation sends at
	    most the smallest of them. */
	uint32_t (*capacity)(void *self, uint32_t frame_size);
	/** Watch this peer's daemon, and no longer any other one; 0: none. Called at each ring. Report the state of the
	    connection with host->peer_watch, never from inside this call. Without a connection that is up, the end of the
	    daemon is not certain: the ring then removes it after the token and consensus timeouts. */
	void (*watch)(void *self, uint32_t nodeid);
	/**
	 * Send this frame (borrowed) to the port of the peer's daemon, as a datagram of its own, without session or
	 * encryption. If no daemon runs there, the peer's kernel refuses it: report that with host->peer_refused, and
	 * quote the frame. A daemon that runs ignores it. Called only after a connection to the peer ended. NULL: a
	 * peer's kernel also refuses the frames of `token` (udp, udpu).
	 *
	 * @return 0; -ENOENT: no such peer; other errors of sending, which are no sign of a failure
	 */
	int (*poke)(void *self, uint32_t nodeid, struct coterie_frame *frame);

	/* since 1.5 */
	/**
	 * Return whether the kernel of this peer's host answers: COTERIE_WITNESS_*. Called repeatedly while the peer
	 * does not answer questions of the ring, at most once in a few milliseconds, and never on a healthy ring. At
	 * the first call, and from time to time at later calls, send a packet that the peer's kernel answers without
	 * its daemon. Return the result so far. It is for the log and the status only. NULL: always
	 * COTERIE_WITNESS_UNKNOWN.
	 *
	 * @param is_first  1: a silence begins. Earlier answers do not count
	 */
	uint32_t (*witness)(void *self, uint32_t nodeid, uint32_t is_first);
	/** Return how many bytes, as configured, the transport adds to each frame besides header_size, such as those of
	    encryption. It may return some more, to have frames of a size that it handles well. Called before the first
	    link comes up, after each reload and after each phase of rekey. While keys change, return the larger number of
	    the old and the new keys. NULL: none. */
	uint32_t (*overhead)(void *self);
};

#endif

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
	/*
	 * Datagrams that are not from a peer. With encryption also those that are not authentic, not new, or too many.
	 */
	uint64_t rejected;
};

/** Result of reload in addition to 0: new keys are loaded, and those in use are kept (see rekey). */
#define COTERIE_RELOAD_REKEY 1

/**
 * Operations of a transport. All run on the loop thread, and none may block. Errors are -errno.
 *
 * Life:
 *
 * 1. open.
 * 2. peer_add for each link of each node of the node list, the local node included (is_local).
 * 3. link_up for each link. It opens the sockets. The transport reports the link with host->link_state, at once or
 *    later.
 * 4. multicast, token and frames_in while the ring works. At a reload peer_add and link_up. After the reload is
 *    accepted: reload, peer_del, and link_down for each link without peers.
 * 5. close.
 *
 * The ring's protocol starts when the first link is reported up. A node whose links are all down forms a ring of its
 * own when the token is missed, unless a link comes up before. So report a bound link as up, even if no other node can
 * be reached yet. Report it as down only if no frame can leave or arrive.
 *
 * A node receives its own multicasts through the memory of the executive. So a transport does not send to the local
 * node, and drops packets of its own. The executive also handles a token for the local node itself.
 */
struct coterie_transport {
	uint32_t size;
	uint32_t links_max;
	uint32_t frame_size_max; /* largest frame that it carries, bytes */
	uint32_t netmtu;         /* default of totem.netmtu for this transport: book transports, "Sizes" */
	/*
	 * Bytes of a netmtu that the headers below a frame take with IPv4 (20 more with IPv6). 0: the transport itself
	 * fragments and reassembles frames.
	 */
	uint32_t header_size;
	uint32_t pad;
	/**
	 * Make the state, *self, which is the first argument of all other functions. < 0: the daemon does not start.
	 */
	int (*open)(const struct coterie_host *host, struct coterie_ctx *ctx, void **self);
	void (*close)(void *self); /* after it returns, no function of the host may be called */
	/** Open a link with this address of the node, and report it with link_state. < 0: the daemon does not start. */
	int (*link_up)(void *self, uint32_t link, const struct sockaddr *local);
	/** Add the address of a node on a link. address is borrowed. -EEXIST: the link has this node; -EAFNOSUPPORT. */
	int (*peer_add)(void *self, uint32_t link, uint32_t nodeid, const struct sockaddr *address);
	void (*peer_del)(void *self, uint32_t link, uint32_t nodeid);
	/**
	 * Send a batch to all peers. Frames are borrowed: take a reference to each frame that is kept. Return how many
	 * were accepted, in order. The others are given again after host->writable(). -EAGAIN means 0 frames. Any other
	 * -errno: all frames are lost.
	 */
	int (*multicast)(void *self, struct coterie_frame *const *frames, uint32_t count);
	/** Send one frame to one peer, after all earlier multicasts. -ENOENT: no such peer. */
	int (*token)(void *self, uint32_t nodeid, struct coterie_frame *frame);
	/**
	 * Pass all multicasts that wait in a socket to the executive, so that no token overtakes a multicast that was
	 * sent before it. Called inside frames_in if a token is among the arrivals, or on a separate turn of the loop,
	 * but never inside itself. Meanwhile the arrivals of frames_in are still in use, so read into other frames.
	 * NULL: arrivals have the order in which they were sent.
	 */
	int (*drain)(void *self);
	/* Members of a new ring. The operation may be NULL. */
	void (*membership)(void *self, const uint32_t *members, uint32_t count);
	/**
	 * Apply a changed configuration: options and map have the new values. Called at a reload, and after each change
	 * of a key totem.* while the transport runs. 0; COTERIE_RELOAD_REKEY; -errno: the transport keeps its old
	 * settings.
	 */
	int (*reload)(void *self);
	void (*stats)(void *self, struct coterie_transport_stats *stats);

	/* since 1.1 */
	/**
	 * Fill in the status of a node, which may be this one. The struct is zeroed, and members may stay zero.
	 * -ENOENT: no such peer. A transport without links of its own may leave all members zero instead.
	 */
	int (*node_status)(void *self, uint32_t nodeid, struct coterie_node_status *status);

	/* since 1.2 */
	/** Close a link. Its peers were deleted. After a refused reload that had opened it, they were never added. */
	void (*link_down)(void *self, uint32_t link);
	/** Continue a change of keys, after reload returned COTERIE_RELOAD_REKEY: COTERIE_REKEY_ACTIVATE, then
	    COTERIE_REKEY_CLEANUP. A later reload with other keys begins the change again. */
	int (*rekey)(void *self, uint32_t phase);

	/* since 1.4 */
	/**
	 * Return how many frames of this size, in bytes, the receive buffer holds, or 0: not known. Without this
	 * operation it is not known either. Called when the first link comes up. If all members of a ring know their
	 * capacity, a rotation sends at most the smallest of them.
	 */
	uint32_t (*capacity)(void *self, uint32_t frame_size);
	/**
	 * Watch this peer's daemon, and no longer that of another peer; 0: watch none. Called for each ring. Report the
	 * state of the connection with host->peer_watch, never inside this call. Without a connection that is up, the
	 * end of the daemon is not certain: the ring then removes the peer after the token and consensus timeouts.
	 */
	void (*watch)(void *self, uint32_t nodeid);
	/**
	 * Send this frame (borrowed) to the port of the peer's daemon, as a separate datagram, without session or
	 * encryption. If no daemon runs there, the peer's kernel refuses it: report that with host->peer_refused, and
	 * quote the frame. A daemon that runs ignores it. Called only after a connection to the peer has ended. NULL: a
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
	/**
	 * Return how many bytes, as configured, the transport adds to each frame in addition to header_size, such as
	 * those of encryption. It may return more, so that frames have a size that it handles well. Called before the
	 * first link comes up, after each reload and after each phase of rekey. While keys change, return the larger
	 * number of the old and the new keys. NULL: none.
	 */
	uint32_t (*overhead)(void *self);
};

#endif

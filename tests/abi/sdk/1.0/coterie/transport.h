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
	uint64_t rejected; /* from a source that is not a peer */
};

/**
 * Operations of a transport. All run on the loop thread; none blocks. Errors are negative errno.
 *
 * Life: 1 open; 2 peer_add for every node of the node list and link, the local node included (is_local);
 * 3 link_up for each link, which makes the sockets; the transport reports the link with host->link_state,
 * at once or later; 4 multicast, token and frames_in as the ring works; peer_add, peer_del at reload;
 * 5 close.
 *
 * The sender is always among the receivers of its own multicasts: the executive feeds own frames back
 * through memory, so a transport does not send to the local node and drops what it hears of itself. A
 * token for the local node does not reach the transport either.
 */
struct coterie_transport {
	uint32_t size;
	uint32_t links_max;
	uint32_t frame_size_max; /* largest frame it carries, bytes */
	uint32_t netmtu;         /* default of totem.netmtu for it (spec 05 §7) */
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
	int (*drain)(void *self); /* hand up what already waits in the sockets; NULL: not needed */
	void (*membership)(void *self, const uint32_t *members, uint32_t count); /* of a new ring; or NULL */
	int (*reload)(void *self);
	void (*stats)(void *self, struct coterie_transport_stats *stats);
};

#endif

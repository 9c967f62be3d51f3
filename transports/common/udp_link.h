/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One link over UDP, for the transports udp and udpu. It has a socket that is bound to this node's address and port, on
 * which all packets are sent and unicasts arrive. It also has the peers, and the known state of the network. A
 * transport's own struct begins with a struct udp_link, so the operations here can be in its table directly. A
 * transport adds its own functions by struct udp_link_hooks.
 */
#ifndef COMMON_UDP_LINK_H
#define COMMON_UDP_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include <coterie/transport.h>

#include "transports/common/batch.h"
#include "transports/common/icmp.h"
#include "transports/common/limiter.h"
#include "transports/common/peers.h"
#include "transports/common/pending.h"
#include "transports/common/rekey.h"
#include "transports/common/secure/secure.h"
#include "transports/common/sent.h"
#include "transports/common/socket.h"
#include "transports/common/tripwire.h"

/** Default of totem.netmtu (book transports, "Sizes"). */
#define UDP_LINK_NETMTU 1500u
#define UDP_LINK_HEADERS 28u /* IPv4 and UDP */

struct udp_link;

/** Functions of a transport. All run on the loop thread. */
struct udp_link_hooks {
	/* Pass a batch to udp_link_send, once for each receiver. The socket is open and has room. */
	void (*fan_out)(struct udp_link *link, struct coterie_frame *const *frames, uint32_t count);
	/*
	 * Called when the socket is bound: at the start, and after each change of interfaces. @return 0; -errno: the
	 * link is not up, and attach is called again later. NULL: no such function.
	 */
	int (*attach)(struct udp_link *link);
	bool has_group; /* the link has a socket for the group, which is closed together with the link */
};

/** A frame that a peer's host has refused. It is kept until the next turn of the loop. */
struct udp_link_refusal {
	uint32_t nodeid;
	uint32_t size;
	uint8_t quote[ICMP_QUOTE_MAX];
};
#define UDP_LINK_REFUSALS_MAX 16u

/** Number of datagrams of peers that were dropped, by cause; see enum secure_result. */
struct udp_link_dropped {
	uint64_t replayed, unknown, limited;
};

struct udp_link {
	const struct coterie_host *host; /* borrowed, exists longer than this struct */
	struct coterie_ctx *ctx;
	const struct udp_link_hooks *hooks;
	struct peers peers;
	struct peer group;             /* all nodes at once, with node id 0. Without a group it has no address */
	int group_fd;                  /* socket that receives packets to the group; -1: none */
	struct sockaddr_storage local; /* set by link_up */
	bool is_open;                  /* link_up was called */
	bool is_up;                    /* state that was reported last */
	bool is_reported;              /* a state was reported at least once */
	bool is_absent;                /* no interface has the address, so no packet can be sent or arrive */
	bool blocks_unlisted;
	bool has_offload;
	bool has_told_buffer;
	uint32_t buffer_size;  /* size that was asked for */
	uint32_t receive_size; /* size that was granted for the socket on which frames arrive */
	int fd;                /* -1: no interface has the address */
	int watch_fd;          /* reports changes of interfaces; -1: none */
	struct coterie_timer *retry;
	struct coterie_timer *refused;
	struct coterie_timer *recheck;
	uint64_t failing_ns; /* since when all sends have failed, or 0: the last one succeeded */
	int cut_off_error;
	bool is_cut_off; /* sends have failed for CUT_OFF_NS */
	bool has_started, has_greeted;
	struct batch_out out;
	struct batch_in *in;
	struct batch_in *drain_in; /* for reading while the buffers of `in` are in use by the executive */
	struct pending pending;
	uint64_t rejected, receive_errors;
	struct udp_link_dropped dropped;
	struct limiter reject_log, send_log, forged_log, dropped_log;
	struct secure *secure; /* has no key if the ring is not encrypted */
	struct rekey rekey;
	struct peer *source; /* peer whose datagrams are being opened */
	uint64_t source_ns;  /* time at which a batch was read, the same for all its datagrams */
	struct sent sent;    /* datagrams to peers, not those to the group */
	struct udp_link_refusal refusals[UDP_LINK_REFUSALS_MAX];
	uint32_t refusal_count;
	struct tripwire wire;
};

/* --- for the transport --- */

/**
 * Make a transport's state.
 *
 * @param size   of the transport's struct, which begins with a struct udp_link; the rest is zeroed
 * @param hooks  kept until udp_link_close
 * @param self   out: udp_link_close frees it
 * @return 0; -ENOMEM; errors of host->option_u64
 */
int udp_link_open(const struct coterie_host *host, struct coterie_ctx *ctx, size_t size,
	const struct udp_link_hooks *hooks, void **self);

/**
 * Send frames to one peer, or to the group, behind all earlier ones. Frames for which the socket has no room are kept.
 * No other frames for this peer may be pending, as it is in fan_out.
 *
 * @param peer    borrowed
 * @param frames  borrowed; those that are kept are referenced
 */
void udp_link_send(struct udp_link *link, struct peer *peer, struct coterie_frame *const *frames, uint32_t count);

/** Store the socket buffer that the system granted. Log a warning, once, if it is smaller than the receive buffer asked for. */
void udp_link_note_buffer(struct udp_link *link, const struct socket_grant *grant);

/**
 * Return whether a multicast need not be sent to this peer: it is no member, and its host recently refused a datagram.
 * Such a peer still gets a frame from time to time. If its host refuses that frame too, its daemon still does not run.
 */
bool udp_link_is_away(struct udp_link *link, struct peer *peer);

/** Handle a socket that is ready: errors, waiting frames, arrivals. For host->fd_add; arg: the link. */
void udp_link_ready(void *arg, int fd, uint32_t revents);

/**
 * Handle the network's answer to a datagram of this node. May be called inside a send. An answer that quotes no datagram
 * to that peer has no effect: it is counted among the rejected packets.
 */
void udp_link_on_icmp(void *arg, const struct icmp_report *report);

/* --- operations of struct coterie_transport --- */

void udp_link_close(void *self);
int udp_link_up(void *self, uint32_t number, const struct sockaddr *local);
int udp_link_peer_add(void *self, uint32_t number, uint32_t nodeid, const struct sockaddr *address);
void udp_link_peer_del(void *self, uint32_t number, uint32_t nodeid);
int udp_link_multicast(void *self, struct coterie_frame *const *frames, uint32_t count);
int udp_link_token(void *self, uint32_t nodeid, struct coterie_frame *frame);
int udp_link_reload(void *self);
void udp_link_stats(void *self, struct coterie_transport_stats *stats);
int udp_link_node_status(void *self, uint32_t nodeid, struct coterie_node_status *status);
uint32_t udp_link_capacity(void *self, uint32_t frame_size);
void udp_link_watch(void *self, uint32_t nodeid);
uint32_t udp_link_witness(void *self, uint32_t nodeid, uint32_t is_first);
uint32_t udp_link_overhead(void *self);
int udp_link_rekey(void *self, uint32_t phase);

/** Operation drain of a transport with a group. */
int udp_link_drain(void *self);

/** The members of a transport's table that are the same for all transports over UDP. */
#define UDP_LINK_OPERATIONS \
	.size = sizeof(struct coterie_transport), .links_max = 1, .frame_size_max = BATCH_DATAGRAM_MAX, \
	.netmtu = UDP_LINK_NETMTU, .header_size = UDP_LINK_HEADERS, .close = udp_link_close, \
	.multicast = udp_link_multicast, .token = udp_link_token, .reload = udp_link_reload, .stats = udp_link_stats, \
	.node_status = udp_link_node_status, .capacity = udp_link_capacity, .watch = udp_link_watch, \
	.witness = udp_link_witness, .overhead = udp_link_overhead, .rekey = udp_link_rekey

/** Key of the statistics: "3-key 4-clear", peers whose keys differ from this node's (cmap_keys(7)). */
#define UDP_LINK_STRANGERS_KEY "stats.coterie.strangers"

/** Key of the statistics: "2-13 3-4502", milliseconds since the last datagram of each peer (cmap_keys(7)). */
#define UDP_LINK_HEARD_KEY "stats.coterie.heard"

/** Key of the statistics: "aes256-gcm 1a2b", the cipher and the key's id (cmap_keys(7)). */
#define UDP_LINK_ENCRYPTION_KEY "stats.coterie.encryption"

/** Keys of the statistics: datagrams of peers that an encrypted link has dropped. */
#define UDP_LINK_REPLAYED_KEY "stats.coterie.datagrams_replayed"
#define UDP_LINK_UNKNOWN_KEY "stats.coterie.datagrams_unknown"
#define UDP_LINK_LIMITED_KEY "stats.coterie.datagrams_limited"

/** Options of the transports over UDP, with COTERIE_OPTIONS(). */
extern const struct coterie_option udp_link_options[4];

#endif

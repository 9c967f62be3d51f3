/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the transport. libknet's own names begin with knet_, so the names here begin with mesh: the
 * handle with its hosts and links. All code runs on the loop thread, except for two functions that libknet's threads
 * call: the filter (data.c) and the notices (watch.c). These two use only their arguments and an eventfd.
 */
#ifndef KNET_KNET_H
#define KNET_KNET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>

#include <libknet.h>

#include <coterie/transport.h>

#include "transports/common/icmp.h"
#include "transports/common/interface.h"
#include "transports/common/limiter.h"
#include "transports/common/peers.h"
#include "transports/common/pending.h"
#include "transports/common/rekey.h"
#include "transports/common/tripwire.h"
#include "transports/knet/lines.h"

/** Period at which libknet decides which pings to send. */
#define MESH_GRID_MS 200u
/** Number of kinds of libknet's log lines that hosts outside of the ring can cause. */
#define MESH_CAUSES 8

/** One link to one peer. */
struct mesh_path {
	struct sockaddr_storage address; /* of the peer */
	bool is_listed;                  /* peer_add gave the address */
	bool is_configured;              /* libknet has the path */
	bool is_connected;               /* it was connected when it was last examined */
	bool is_quick;                   /* it is pinged every mesh_quick_ms(), until it is up */
	uint64_t opened_ns;              /* when libknet got the path */
	uint64_t heard;                  /* pings and pongs from the other end, as libknet counts them */
	uint64_t heard_ns;               /* when `heard` last changed; 0: never */
	uint64_t pongs;                  /* answers to pings, as libknet counts them */
	uint64_t pong_ns;                /* when `pongs` last changed; 0: never */
	/* Pings that were sent, and that the kernel refused, when a ping was last sent. */
	uint64_t pings, refused;
	bool is_missing;          /* it could not be opened again, and is tried from time to time */
	bool is_mute;             /* since then the kernel has refused to send pings */
	struct mesh_stats *stats; /* keys of the path in the statistics; NULL: none */
};

/** One node, which may be this one. libknet does not know this node. */
struct mesh_peer {
	uint32_t nodeid;
	bool is_local;
	bool has_host; /* libknet has the node */
	/* Since when the node answers though libknet has no MTU of a path to it, or 0: it has one. */
	uint64_t mtu_lost_ns;
	bool has_mtu; /* libknet has had an MTU since a path to the node came up */
	struct mesh_path paths[KNET_MAX_LINK];
};

/** One link of this node. */
struct mesh_link {
	struct sockaddr_storage local;
	bool is_open;
	bool is_fresh;                    /* the link was opened after the configuration was last read */
	bool is_reported;                 /* the executive has got a report of the link */
	bool is_up;                       /* the state that was reported last */
	uint64_t opened_ns;               /* when it was opened */
	uint32_t configured, connected;   /* peers that have a path on it, and that were connected, at the last look */
	uint64_t connected_ns;            /* when `connected` last rose; 0: never */
	bool was_connected;               /* a peer was connected at least once */
	enum interface_state interface;   /* state of the interface that has its address */
	uint8_t transport;                /* KNET_TRANSPORT_*, chosen when it was opened */
	uint32_t interval_ms, timeout_ms; /* of its pings */
};

/** The slots of libknet and the keys in them. Slot 0 stands for clear traffic. */
struct mesh_crypto {
	struct knet_handle_crypto_cfg *slots; /* REKEY_KEYS + 1, in pages that core dumps leave out; NULL: not opened */
	struct rekey rekey;
	uint64_t quiet_ns; /* until this time packets with other keys are not logged */
};

/** A poke that a peer's kernel has refused. It is kept until the next turn of the loop. */
struct mesh_refusal {
	uint32_t nodeid;
	uint32_t size;
	uint8_t quote[ICMP_QUOTE_MAX];
};
#define MESH_REFUSALS_MAX 16u

/** Signs that a node's daemon has ended. */
struct mesh_signs {
	int link;           /* the lowest link that is open, on which the tripwire is; -1: none */
	struct peers peers; /* of that link */
	struct tripwire wire;
	int poke_fds[KNET_MAX_LINK]; /* each is opened when it is first used; -1: not yet */
	struct mesh_refusal refusals[MESH_REFUSALS_MAX];
	uint32_t refusal_count;
	struct coterie_timer *refusal_timer;
};

struct mesh {
	const struct coterie_host *host; /* borrowed, exists longer than this struct */
	struct coterie_ctx *ctx;
	knet_handle_t handle;
	uint32_t nodeid;
	uint8_t policy; /* KNET_LINK_POLICY_* */
	int data_fd;    /* socket of libknet, each record is a frame; -1: broken */
	int log_fds[2];
	int event_fd;             /* libknet's threads signal changes here */
	int watch_fd;             /* reports changes of interfaces; -1: none */
	uint64_t looked_ns;       /* when the peers were last examined, CLOCK_MONOTONIC */
	uint64_t repair_ns;       /* when closed paths are tried again */
	uint64_t awake_ns;        /* when this process last went on after a stop; 0: never */
	atomic_bool is_broken;    /* the data fd has failed, and libknet no longer uses it */
	struct mesh_peer **peers; /* peer_count entries, ascending */
	uint32_t peer_count;
	struct mesh_link links[KNET_MAX_LINK];
	struct mesh_crypto crypto;
	struct mesh_signs signs;
	struct pending pending;
	struct coterie_timer *tick;
	struct coterie_map_tracker *tracker;
	struct mesh_stats *handle_stats;
	uint8_t (*records)[KNET_MAX_PACKET_SIZE]; /* memory for the records of one read */
	struct coterie_transport_stats counts;
	struct limiter limiters[MESH_CAUSES];
	struct limiter key_limiter, clear_limiter, send_limiter, line_limiter;
	struct lines lines;
	uint64_t mtu_held_ns; /* until this time packets are small, because an MTU was not found, or 0: they are not */
	uint64_t mtu_hold_ns; /* length of the last period in which packets were small */
	uint64_t mtu_free_ns; /* when that period ended */
	uint64_t mtu;         /* MTU that was set in libknet, or 0: libknet searches for it */
	bool has_mtu;         /* libknet has got `mtu` */
	bool is_debugging;    /* log lines of level debug are wanted */
	bool is_tracing;      /* log lines of level trace are wanted, which newer versions of libknet have */
	bool is_listening;    /* log lines about packets are read as well: they may show why a peer is silent */
};

/** Close a configured path in libknet and open it again. @return 0; -errno: the path is closed */
int mesh_path_renew(struct mesh *mesh, struct mesh_peer *peer, uint32_t link);
/** Try again, about once in a second, to open paths that mesh_path_renew could not open again. */
void mesh_paths_repair(struct mesh *mesh);
/** Return the result of a libknet call as 0 or -errno. Call this directly after that call. */
int mesh_result(int rc);
/** Return the time of the monotonic clock that libknet uses, nanoseconds. */
uint64_t mesh_clock_ns(void);
/** Find the peer of a node id, or return NULL. */
struct mesh_peer *mesh_peer_find(const struct mesh *mesh, uint32_t nodeid);
/**
 * Set the configured MTU in libknet, if libknet does not have it yet. is_held: set a small MTU, so that libknet does
 * not search. The search takes seconds for a path whose other end has ended, or cannot read packets while keys change.
 * All that time libknet keeps its lock, and each caller waits.
 */
int mesh_mtu_apply(struct mesh *mesh, bool is_held);
/**
 * Send frames in packets that every network carries, for some seconds. Call this if libknet did not find the MTU of the
 * paths to a peer, since without an MTU it sends no frames there. The peer's paths are opened again. After that time
 * libknet searches again. If that fails soon, the next period of small packets is twice as long.
 */
void mesh_mtu_hold(struct mesh *mesh, struct mesh_peer *peer);
/** End the period of small packets if it is over. Call this from time to time. */
void mesh_mtu_release(struct mesh *mesh);
/** Return a number of the map, of any width. otherwise: the result if the map has no such number. */
uint64_t mesh_map_number(const struct mesh *mesh, const char *key, uint64_t otherwise);
/** Return a text of the map, borrowed until the key changes. otherwise: the result if the map has no such text. */
const char *mesh_map_text(const struct mesh *mesh, const char *key, const char *otherwise);

/* --- data.c: frames --- */

int mesh_data_open(struct mesh *mesh);
/** Open another socket to libknet, after the old one has failed. */
void mesh_data_repair(struct mesh *mesh);
/** Send the waiting frames if possible, then stop sending and receiving. */
void mesh_data_close(struct mesh *mesh);
int mesh_multicast(void *self, struct coterie_frame *const *frames, uint32_t count);
int mesh_token(void *self, uint32_t nodeid, struct coterie_frame *frame);

/* --- links.c: peers and links --- */

int mesh_link_up(void *self, uint32_t link, const struct sockaddr *local);
void mesh_link_down(void *self, uint32_t link);
int mesh_peer_add(void *self, uint32_t link, uint32_t nodeid, const struct sockaddr *address);
void mesh_peer_del(void *self, uint32_t link, uint32_t nodeid);
/** Apply timers and priority of every link as the map now has them. @return 0, or the first error */
int mesh_links_apply(struct mesh *mesh);
void mesh_links_close(struct mesh *mesh);
/**
 * Return the interval of quick pings in milliseconds. It grows with the number of peers, so that a node sends at most a
 * hundred of them in a second on each link, and gets as many.
 */
uint32_t mesh_quick_ms(const struct mesh *mesh);
/**
 * Ping a path every mesh_quick_ms() (is_quick) or at the configured interval of its link. The map always has the
 * configured one.
 */
void mesh_path_pace(struct mesh *mesh, struct mesh_peer *peer, uint32_t link, bool is_quick);

/* --- crypto.c: keys --- */

/** Load the configured keys. @return 0; -EINVAL: libknet refuses them; -ENOTSUP: this executive has no keys */
int mesh_crypto_open(struct mesh *mesh);
/** Read the configured keys again. @return 0; COTERIE_RELOAD_REKEY; -errno: all stays as it was */
int mesh_crypto_reload(struct mesh *mesh);
int mesh_rekey(void *self, uint32_t phase);
/** Forget the keys. */
void mesh_crypto_close(struct mesh *mesh);

/* --- watch.c: the state of paths and links --- */

/** Call this before the first host is added. */
int mesh_watch_open(struct mesh *mesh);
void mesh_watch_close(struct mesh *mesh);
/** Report a link that was opened. */
void mesh_watch_link(struct mesh *mesh, uint32_t link);
int mesh_node_status(void *self, uint32_t nodeid, struct coterie_node_status *status);
/**
 * Return whether a path has been without a pong for longer than its timeout, as this node measures it. libknet itself
 * waits longer for a path that came up recently. With a silence budget it also waits longer for the only path.
 */
bool mesh_path_is_overdue(const struct mesh *mesh, const struct mesh_peer *peer, uint32_t link);

/* --- signs.c: signs that a node's daemon has ended --- */

#define MESH_OPTION_COUNT 1
/** Options of the transport, with COTERIE_OPTIONS(). */
extern const struct coterie_option mesh_options[MESH_OPTION_COUNT];

/** Initialise the signs in place, before any call that may fail. No socket is opened. */
void mesh_signs_init(struct mesh *mesh);
/** Send a goodbye to peers and close all sockets. */
void mesh_signs_close(struct mesh *mesh);
/** Read the options again. @return 0; errors of host->option_u64 */
int mesh_signs_reload(struct mesh *mesh);
/**
 * Move the tripwire to the lowest open link, with that link's peers. Call this when links, peers or interfaces have
 * changed.
 */
void mesh_signs_update(struct mesh *mesh);
/** Close a link's socket for pokes. The link is going to be closed, or is closed. */
void mesh_signs_link_down(struct mesh *mesh, uint32_t link);
void mesh_watch(void *self, uint32_t nodeid);
uint32_t mesh_witness(void *self, uint32_t nodeid, uint32_t is_first);
int mesh_poke(void *self, uint32_t nodeid, struct coterie_frame *frame);

/* --- stats.c: keys of the statistics --- */

/** Publish the statistics of one link to one node. Without memory they are missing. */
void mesh_stats_add(struct mesh *mesh, struct mesh_peer *peer, uint32_t link);
void mesh_stats_del(struct mesh *mesh, struct mesh_peer *peer, uint32_t link);
void mesh_stats_open(struct mesh *mesh);
void mesh_stats_close(struct mesh *mesh);

/* --- log.c: log lines of libknet --- */

int mesh_log_open(struct mesh *mesh);
/** Set libknet's log levels as the configuration has them now. */
void mesh_log_levels(struct mesh *mesh);
/** Read or ignore libknet's lines about packets. They are read while a node is silent that may have another key. */
void mesh_log_listen(struct mesh *mesh, bool is_listening);
/**
 * Read the lines that wait. The handle may be closed. Code that calls libknet for many peers calls this after each
 * peer. If the pipe is full, each line makes libknet's thread wait with the lock that the next call needs.
 */
void mesh_log_read(struct mesh *mesh);
void mesh_log_close(struct mesh *mesh);
/** Return whether a version of libknet, for example "1.25", has known vulnerabilities (SECURITY.md). */
bool mesh_version_is_old(const char *version);
/** Log a warning if the libknet that the plugin was built with is old. */
void mesh_log_version(struct mesh *mesh);

#endif

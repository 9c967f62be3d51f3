/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the transport. libknet's own names begin with knet_, so the names here
 * begin with mesh: the handle with its hosts and links. Everything runs on the loop thread. Only
 * the filter (data.c) and the notices (watch.c) are called by libknet's threads. They use only
 * their arguments and an eventfd.
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
#include "transports/common/tripwire.h"

/** libknet looks at its pings this often. */
#define MESH_GRID_MS 200u
/** Kinds of libknet's log lines that hosts outside the ring can cause. */
#define MESH_CAUSES 8

/** One link to one peer. */
struct mesh_path {
	struct sockaddr_storage address; /* of the peer */
	bool is_listed;                  /* peer_add gave the address */
	bool is_configured;              /* libknet has it */
	bool is_connected;               /* at the last look */
	bool is_quick;                   /* pinged on the grid, until it is up */
	uint64_t opened_ns;              /* when libknet got it */
	uint64_t heard;                  /* pings and pongs of the other end, as libknet counted them */
	uint64_t heard_ns;               /* when their number last changed; 0: never */
	uint64_t pongs;                  /* answers to pings, as libknet counted them then */
	uint64_t pong_ns;                /* when their number last changed; 0: never */
	uint64_t pings, refused;         /* sent, and refused by the kernel, when pings left last */
	bool is_mute;                    /* since then the kernel has refused to send them */
	struct mesh_stats *stats;        /* its keys in the statistics; NULL: none */
};

/** One node, this one included, which libknet does not know. */
struct mesh_peer {
	uint32_t nodeid;
	bool is_local;
	bool has_host;        /* libknet knows it */
	uint64_t mtu_lost_ns; /* since when it answers without an MTU of a path to it, or 0 */
	bool has_mtu;         /* libknet has had an MTU since the path came up */
	struct mesh_path paths[KNET_MAX_LINK];
};

/** One link of this node. */
struct mesh_link {
	struct sockaddr_storage local;
	bool is_open;
	bool is_fresh;                    /* opened since the configuration was read last */
	bool is_reported;                 /* the executive knows of it */
	bool is_up;                       /* as reported */
	uint64_t opened_ns;               /* when it was opened */
	uint64_t connected_ns;            /* when it was first connected to any peer; 0: never */
	bool was_connected;               /* to anybody */
	enum interface_state interface;   /* that carries its address */
	uint8_t transport;                /* KNET_TRANSPORT_*, chosen when it was opened */
	uint32_t interval_ms, timeout_ms; /* of its pings */
};

/** The slots of libknet and the keys in them. Slot 0 stands for clear traffic. */
struct mesh_crypto {
	struct knet_handle_crypto_cfg *slots; /* 3, in pages that core dumps leave out; NULL: not opened */
	bool is_loaded[3];
	uint8_t used;      /* slot that frames are sent with */
	uint8_t target;    /* slot of the newest configuration */
	bool is_changing;  /* a key change runs: calls of rekey with further phases are expected */
	bool is_activated; /* COTERIE_REKEY_ACTIVATE is done: frames are sent with the new slot */
	uint64_t quiet_ns; /* until then packets with other keys are not logged */
};

/** A poke that a peer's kernel has refused. It is kept until the loop's next turn. */
struct mesh_refusal {
	uint32_t nodeid;
	uint32_t size;
	uint8_t quote[ICMP_QUOTE_MAX];
};
#define MESH_REFUSALS_MAX 16u

/** Signs that a node's daemon has ended. */
struct mesh_signs {
	int link;           /* the lowest that is open, on which the tripwire is; -1: none */
	struct peers peers; /* of that link */
	struct tripwire wire;
	int poke_fds[KNET_MAX_LINK]; /* opened when first used; -1: not yet */
	struct mesh_refusal refusals[MESH_REFUSALS_MAX];
	uint32_t refusal_count;
	struct coterie_timer *refusal_timer;
};

struct mesh {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;
	knet_handle_t handle;
	uint32_t nodeid;
	uint8_t policy; /* KNET_LINK_POLICY_* */
	int data_fd;    /* libknet's, a frame is a record; -1: broken */
	int log_fds[2];
	int event_fd;             /* libknet's threads signal changes here */
	int watch_fd;             /* reports changes of interfaces, or -1 */
	uint64_t looked_ns;       /* when the peers were looked at, CLOCK_MONOTONIC */
	uint64_t awake_ns;        /* time at which this process last continued after a stop, or 0 */
	atomic_bool is_broken;    /* libknet gave the data fd up */
	struct mesh_peer **peers; /* peer_count entries, ascending */
	uint32_t peer_count;
	struct mesh_link links[KNET_MAX_LINK];
	struct mesh_crypto crypto;
	struct mesh_signs signs;
	struct pending pending;
	struct coterie_timer *tick;
	struct coterie_map_tracker *tracker;
	struct mesh_stats *handle_stats;
	struct coterie_frame *buffers[16];
	struct coterie_transport_stats counts;
	struct limiter limiters[MESH_CAUSES];
	struct limiter key_limiter, clear_limiter, send_limiter;
	uint64_t mtu_held_ns; /* end of small packets, which go as an MTU was not found, or 0 */
	uint64_t mtu_hold_ns; /* for how long they did the last time */
	uint64_t mtu_free_ns; /* when that ended */
	uint64_t mtu;         /* as set in libknet, or 0 if it searches for it */
	bool has_mtu;         /* libknet has got it */
	bool is_debugging;    /* lines of level debug are wanted */
	bool is_tracing;      /* and those of level trace, which newer versions of libknet have */
	bool is_listening;    /* lines about packets are read as well, which may show why a peer is silent */
};

/** Close a configured path in libknet and open it again. @return 0, or a negative errno: it is closed */
int mesh_path_renew(struct mesh *mesh, struct mesh_peer *peer, uint32_t link);
/**
 * Return the result of a libknet call as 0 or a negative errno. Call it directly after that call.
 */
int mesh_result(int rc);
/** The monotonic clock that libknet stamps with, nanoseconds. */
uint64_t mesh_clock_ns(void);
/** Find the peer of a node id, or return NULL. */
struct mesh_peer *mesh_peer_find(const struct mesh *mesh, uint32_t nodeid);
/**
 * Set the configured MTU, if libknet does not have it yet. is_held: instead of a search by libknet, set a
 * small MTU. The search takes seconds for a path whose other end is gone, or cannot read packets while keys
 * change. All that time libknet keeps its lock, and every caller waits.
 */
int mesh_mtu_apply(struct mesh *mesh, bool is_held);
/**
 * Let frames go in packets that every network carries, for some seconds. libknet did not find the MTU of the paths to a
 * peer, without which it sends nothing there. The peer's paths begin again. After that time libknet looks again.
 * Each further time soon after the last takes twice as long.
 */
void mesh_mtu_hold(struct mesh *mesh, struct mesh_peer *peer);
/** End the time of small packets when it is over. Call it now and then. */
void mesh_mtu_release(struct mesh *mesh);
/** Return a number of the map, of any width, or `otherwise` if there is none. */
uint64_t mesh_map_number(const struct mesh *mesh, const char *key, uint64_t otherwise);
/** Return a text of the map, borrowed until the key changes, or `otherwise` if there is none. */
const char *mesh_map_text(const struct mesh *mesh, const char *key, const char *otherwise);

/* --- data.c: frames --- */

int mesh_data_open(struct mesh *mesh);
/** After libknet gave the socket up: make another. */
void mesh_data_repair(struct mesh *mesh);
/** Send the waiting frames if possible, then send and receive nothing any more. */
void mesh_data_close(struct mesh *mesh);
int mesh_multicast(void *self, struct coterie_frame *const *frames, uint32_t count);
int mesh_token(void *self, uint32_t nodeid, struct coterie_frame *frame);

/* --- links.c: peers and links --- */

int mesh_link_up(void *self, uint32_t link, const struct sockaddr *local);
void mesh_link_down(void *self, uint32_t link);
int mesh_peer_add(void *self, uint32_t link, uint32_t nodeid, const struct sockaddr *address);
void mesh_peer_del(void *self, uint32_t link, uint32_t nodeid);
/** Timers and priority of every link, as the map has them now. @return 0, or the first error */
int mesh_links_apply(struct mesh *mesh);
void mesh_links_close(struct mesh *mesh);
/**
 * Ping a path on the grid, or at the configured interval of its link. The map always has the latter.
 */
void mesh_path_pace(struct mesh *mesh, struct mesh_peer *peer, uint32_t link, bool is_quick);

/* --- crypto.c: keys --- */

/** @return 0; -EINVAL: libknet refuses them; -ENOTSUP: no keys to be had from this executive */
int mesh_crypto_open(struct mesh *mesh);
/** @return 0; COTERIE_RELOAD_REKEY; a negative errno: all stays as it was */
int mesh_crypto_reload(struct mesh *mesh);
int mesh_rekey(void *self, uint32_t phase);
/** Forget the keys. */
void mesh_crypto_close(struct mesh *mesh);

/* --- watch.c: the state of paths and links --- */

/** Before the first host is added. */
int mesh_watch_open(struct mesh *mesh);
void mesh_watch_close(struct mesh *mesh);
/** A link was opened: report it. */
void mesh_watch_link(struct mesh *mesh, uint32_t link);
int mesh_node_status(void *self, uint32_t nodeid, struct coterie_node_status *status);
/**
 * Return whether a path has been without a pong for longer than its timeout, by this node's own measure. libknet itself
 * waits longer for a path that came up recently. With a silence budget it also waits longer for the only path.
 */
bool mesh_path_is_overdue(const struct mesh *mesh, const struct mesh_peer *peer, uint32_t link);

/* --- signs.c: whose daemon has ended --- */

#define MESH_OPTION_COUNT 1
/** Options of the transport, with COTERIE_OPTIONS(). */
extern const struct coterie_option mesh_options[MESH_OPTION_COUNT];

/** In place, before anything that may fail. Nothing is opened. */
void mesh_signs_init(struct mesh *mesh);
/** Say goodbye to peers and close all sockets. */
void mesh_signs_close(struct mesh *mesh);
/** Read the options again. @return 0; errors of host->option_u64 */
int mesh_signs_reload(struct mesh *mesh);
/** Links, peers or interfaces have changed: move the tripwire to the lowest open link, with that link's peers. */
void mesh_signs_update(struct mesh *mesh);
/** Close the socket for pokes of a link, which is going to be closed or is closed. */
void mesh_signs_link_down(struct mesh *mesh, uint32_t link);
void mesh_watch(void *self, uint32_t nodeid);
uint32_t mesh_witness(void *self, uint32_t nodeid, uint32_t is_first);
int mesh_poke(void *self, uint32_t nodeid, struct coterie_frame *frame);

/* --- stats.c: keys of the statistics --- */

/** Offer the statistics of one link to one node. Without memory they are missing. */
void mesh_stats_add(struct mesh *mesh, struct mesh_peer *peer, uint32_t link);
void mesh_stats_del(struct mesh *mesh, struct mesh_peer *peer, uint32_t link);
void mesh_stats_open(struct mesh *mesh);
void mesh_stats_close(struct mesh *mesh);

/* --- log.c: what libknet says --- */

int mesh_log_open(struct mesh *mesh);
/** Set libknet's levels: as the configuration wants them now. */
void mesh_log_levels(struct mesh *mesh);
/** Read or ignore libknet's lines about packets: read them while a node is silent that may have another key. */
void mesh_log_listen(struct mesh *mesh, bool is_listening);
/**
 * Read waiting lines. The handle may be closed. Code that calls libknet for many peers calls this as
 * often. If the pipe is full, each line makes libknet's thread wait with the lock that the next call
 * needs.
 */
void mesh_log_read(struct mesh *mesh);
void mesh_log_close(struct mesh *mesh);
/** Return whether a version of libknet, as "1.25", has known vulnerabilities (SECURITY.md). */
bool mesh_version_is_old(const char *version);
/** Warn of the libknet that the plugin was built with, if it is old. */
void mesh_log_version(struct mesh *mesh);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the test kit. Its public header is <coterie/testkit.h>.
 *
 * A node of the kit is a whole executive (exec/) with some files replaced. Here loop.c replaces the loop's
 * clock and descriptors, qb.c the server half of IPC, and log.c the log. The node's transport is transport.c. All other code is the daemon's object code. The network and the queue of events are the
 * simulator's (tests/sim).
 *
 * A node has these steps. 1 node_start makes an executive with its config and plugins. 2 It handles
 * events, each between kit_enter and kit_leave. 3 It may crash while it handles one. From then on it
 * has no effects any more (kit_effect), and kit_leave takes it down. 4 node_start starts it again, with
 * the next life's number.
 */
#ifndef TESTKIT_KIT_H
#define TESTKIT_KIT_H

#include <stdbool.h>
#include <stdio.h>

#include <ltdl.h>

#include <coterie/testkit.h>

#include "exec/executive.h"
#include "tests/sim/net.h"

#define KIT_INBOX 4096u
#define KIT_LOG_LINES 4096u

struct loop;

/** The clock of a node. It showed then_ns when the kit's clock was at set_ns. */
struct kit_clock {
	uint64_t set_ns, then_ns;
	int32_t drift_ppm; /* its rate is too high by this */
};

/** A plugin that a node loads. */
struct kit_plugin {
	struct kit_plugin *next;
	const struct coterie_plugin *linked; /* NULL: a file */
	char *name;
	char *path, *folder;   /* path and folder of the file, or NULL if the plugin is linked */
	char **options;        /* "KEY=VALUE", NULL at the end */
	char *symbol, *module; /* for libltdl's table */
	lt_dlsymlist table[4];
};

/** Calls of the host table that fail at random, for plugins of one name. */
struct kit_refusals {
	struct kit_refusals *next;
	char *plugin;                /* NULL: all services */
	uint32_t no_room, no_memory; /* failures in 10,000 calls */
};

struct kit_node {
	struct testkit *kit;
	uint32_t index, id; /* id: its number in calls, index + 1 */
	uint32_t nodeid;    /* node id in the ring, at first the same as id */
	uint32_t life;      /* number of the node's starts */
	char *state_dir;
	struct kit_plugin *plugins;
	struct kit_plugin *past_plugins; /* unloaded or replaced */
	struct executive executive;      /* its loop is NULL while the node is down */
	struct plugin *transport;
	struct qbs_server *services; /* open IPC names */
	bool is_up;
	bool is_dying; /* the node crashes: its code has no effects any more */
	bool is_off_by_chaos;
	uint64_t effects, crash_at; /* crash_at: 0, or a number of effects and 1 */
	uint64_t resume_ns;         /* paused until then */
	uint64_t disk_ns;           /* minimum time of storing a file: testkit_disk */
	int disk_rc;                /* result of storing, or 0 */
	struct kit_refusals *refusals;
	struct loop_timer *room_timer; /* time at which refused services may send again, or NULL */
	struct kit_clock clock;
	uint64_t features_missing;    /* bits WIRE_FEATURE_* that an older version does not have */
	uint32_t store_ms;            /* a slow disk: the node stops so long after storing a file */
	uint64_t stores, store_place; /* number of stored files when its folder was last checked, and the ring at
					      * that time */
	struct packet *inbox[KIT_INBOX];
	uint32_t inbox_count, inbox_bytes;
	bool is_woken;       /* a SIM_WAKE is queued */
	unsigned int inside; /* depth of calls into its code */
};

struct kit_line {
	uint32_t node;
	char *text;
};

struct testkit {
	uint64_t seed;
	struct clock clock;
	struct sim_random random, test_random;
	struct net net;
	char *folder;
	uint64_t ring_seq;        /* stored for nodes at their first start */
	uint32_t inbox_bytes_max; /* limit of packets that wait in a node. 0: KIT_INBOX
					      * packets */
	uint32_t frame_seq;       /* number of a ring's first frame minus 1, which is 0 except in
					      * tests of wrapping */
	char *config;             /* lines that the test adds */
	struct kit_node *nodes;
	uint32_t node_count;
	struct testkit_client *clients;
	uint64_t origin_ns; /* of testkit_now_ns */
	bool is_running;    /* inside of a call that makes time pass */
	bool is_in_order;   /* clients see records of channels before events that were sent behind them */
	bool has_foreign;   /* nodes have the service of foreign.c */
	bool has_posts;     /* atomic: a thread has posted a call */
	uint32_t real_fds;  /* number of descriptors of plugins */
	uint64_t polled_ns;
	struct kit_plugin *transport; /* transport under test, in real time, or NULL for the simulated network */
	uint64_t started_ns;          /* real time at the origin of the kit's clock */

	uint32_t chaos, chaos_mean_ms, chaos_turn;

	struct kit_line lines[KIT_LOG_LINES];
	uint64_t line_count;
	void (*heard)(void *arg, struct kit_node *node, const char *text); /* called with each line of the log, or
									    * NULL */
	void *heard_arg;
	FILE *log;
	int log_prio;
	char **complaints;
	uint32_t complaint_count;
	uint64_t digest;
	char error[640];
};

/* --- kit.c --- */

void *kit_alloc(size_t size); /* zeroed. Ends the process if there is no memory */
char *kit_strdup(const char *text);
struct kit_node *kit_node(const struct testkit *kit, uint32_t id); /* NULL: there is none */
/** Find a node by its id in the ring, or return NULL. */
struct kit_node *kit_node_of(const struct testkit *kit, uint32_t nodeid);
/** Start to run code of a node, until kit_leave. @return argument for kit_leave */
struct kit_node *kit_enter(struct kit_node *node);
void kit_leave(struct kit_node *node, struct kit_node *outer);
/**
 * Count an effect of the node, such as a packet. false: the node has crashed, so the effect does
 * not happen.
 */
bool kit_effect(struct kit_node *node);
/** Let the node have a turn soon, since it has work. */
void kit_wake(struct kit_node *node);
void kit_digest(struct testkit *kit, uint64_t value, const void *bytes, size_t size);
/** Handle one event that is due before end_ns. false: there is none, and the time is now end_ns. */
bool kit_step(struct testkit *kit, uint64_t end_ns);

/* --- node.c --- */

int node_start(struct kit_node *node);
void node_down(struct kit_node *node);               /* not while the node's code runs */
void node_remove_files(const struct kit_node *node); /* remove the files of the node and their folder */
/** Stop a node with a slow disk after its turn. */
void node_wait_for_disk(struct kit_node *node);
void node_packet(struct kit_node *node, struct packet *packet); /* takes the reference */
void node_refused(struct kit_node *node, struct packet *packet, uint32_t by);
void node_closed(struct kit_node *node, uint32_t by);
void node_turn(struct kit_node *node);                           /* run a turn of the node, which has work to do */
int node_reload(struct kit_node *node, const char *name);        /* read the options of this plugin again */
int node_load(struct kit_node *node, struct kit_plugin *wanted); /* while the node runs; 0, -EINVAL */

/* --- plugins.c --- */

void kit_plugins_free(struct kit_node *node);
void kit_plugin_free(struct kit_plugin *plugin);          /* NULL is ignored */
void kit_plugin_prepare(const struct kit_plugin *plugin); /* for libltdl */

/* --- faults.c --- */

void chaos_strike(struct testkit *kit, uint32_t turn);
void chaos_restart(struct kit_node *node);

/* --- host.c: the host table with refusals --- */

struct plugin_host;
const struct plugin_host *kit_host(void);
struct kit_node *kit_node_of_plugin(const struct plugin *plugin);
void kit_refusals_free(struct kit_node *node);

/* --- foreign.c --- */

/** Load the service that plays messages of nodes of the other byte order. 0; -EINVAL: testkit_error has the reason */
int foreign_load(struct kit_node *node);

/* --- loop.c: beside exec/loop/loop.h --- */

struct loop *kit_loop_create(struct kit_node *node);
struct kit_node *kit_loop_node(const struct loop *loop);
/** Return the time of a node's clock. */
uint64_t kit_loop_now_ns(const struct kit_node *node);
/** Set a node's clock ahead, and change its rate. */
void kit_loop_clock(struct kit_node *node, uint64_t jump_ns, int32_t drift_ppm);
/**
 * Handle the event of a timer. @return its node, if it is due: then call kit_loop_timer or kit_loop_timer_again
 */
struct kit_node *kit_loop_timer_take(void *what);
void kit_loop_timer(void *what);
/** The node is paused until then. */
void kit_loop_timer_again(void *what, uint64_t at_ns);
/** Drop the event of a timer that was cancelled. */
void kit_loop_timer_end(void *what);
void kit_loop_begin(struct loop *loop);
/** End of the outermost callback: run the deferred calls. */
void kit_loop_end(struct loop *loop);
void kit_loop_posts(struct loop *loop);
bool kit_loop_has_posts(struct loop *loop);
bool kit_loop_is_stopped(const struct loop *loop);
/**
 * Descriptors that need no kernel object. They have numbers in a separate range, and become ready
 * by a call.
 */
int kit_loop_fd_number(struct loop *loop);
void kit_loop_fd_ready(struct loop *loop, int fd, uint32_t revents);
/** Call the callback of each ready descriptor once. */
void kit_loop_serve(struct loop *loop);
bool kit_loop_is_ready(const struct loop *loop);
void kit_loop_poll(struct loop *loop); /* check the real descriptors */
/** Write the real descriptors. entries has room for all. @return their number */
struct pollfd;
uint32_t kit_loop_real_fds(const struct loop *loop, struct pollfd *entries);

/* --- transport.c --- */

extern const struct coterie_plugin testnet_LTX_coterie_plugin;
void transport_arrive(struct kit_node *node, struct packet *const *packets, uint32_t count);
void transport_refused(struct kit_node *node, const struct packet *packet, uint32_t by);
void transport_closed(struct kit_node *node, uint32_t by);

/* --- qb.c, client.c --- */

/** A connection of the server half of IPC, as the client sees it. */
struct qbs_connection;
int kit_connect(struct kit_node *node, const char *name, struct testkit_client *client);
void kit_connection_request(struct qbs_connection *connection, const void *msg, uint32_t size);
void kit_connection_hang_up(struct qbs_connection *connection);
/** Return whether events wait in the node for the client to read. */
bool kit_connection_is_behind(const struct qbs_connection *connection);
/** Deliver an answer or an event of the service to the client. */
void client_take(struct testkit_client *client, bool is_event, const struct iovec *iov, size_t count);
bool client_is_full(const struct testkit_client *client); /* of events */
void client_accepted(struct testkit_client *client, struct qbs_connection *connection);
void client_ended(struct testkit_client *client);    /* ended by the service or the node */
void client_was_read(struct testkit_client *client); /* a request without an answer was read */
void clients_free(struct testkit *kit);

/* --- log.c --- */

struct kit_node *kit_log_node(struct kit_node *node); /* lines belong to this node from now on. Returns the node
						       * before */
void kit_log_fini(struct testkit *kit);

#endif

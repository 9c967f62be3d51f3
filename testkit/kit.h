/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the test kit. Its public header is <coterie/testkit.h>.
 *
 * A node of the kit is a whole executive (exec/) in which some files are replaced. The file loop.c has the loop's
 * clock and descriptors, qb.c the server half of IPC, and log.c the log. The node's transport is transport.c. All
 * other code is the daemon's object code. The network and the queue of events are those of the simulator (tests/sim).
 *
 * Life of a node: 1 node_start makes an executive with its config and plugins. 2 The node handles events, each between
 * kit_enter and kit_leave. 3 The node may crash while it handles an event. From then on it has no effects any more
 * (kit_effect), and kit_leave takes it down. 4 node_start starts it again, with the next number of a life.
 */
#ifndef TESTKIT_KIT_H
#define TESTKIT_KIT_H

#include <stdbool.h>
#include <stdio.h>

#include <ltdl.h>

#include <coterie/testkit.h>

#include "exec/executive.h"
#include "exec/life/plugin_life.h"
#include "tests/sim/host_clock.h"
#include "tests/sim/net.h"

#define KIT_INBOX 4096u
#define KIT_LOG_LINES 4096u

struct loop;

/** A plugin that a node loads. */
struct kit_plugin {
	struct kit_plugin *next;
	const struct coterie_plugin *linked; /* descriptor of a linked plugin, or NULL: the plugin is a file */
	char *name;
	char *path, *folder;   /* path and folder of the file, or NULL: the plugin is linked */
	char **options;        /* "KEY=VALUE", NULL at the end */
	char *symbol, *module; /* entries of libltdl's table of preloaded symbols */
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
	uint32_t life;      /* how often the node was started */
	char *state_dir;
	struct kit_plugin *plugins;
	struct kit_plugin *past_plugins; /* plugins that were unloaded or replaced */
	struct executive executive;      /* its loop is NULL while the node is down */
	struct plugin *transport;
	struct qbs_server *services; /* open IPC names */
	bool is_up;
	bool is_dying; /* the node crashes: its code has no effects any more */
	bool is_off_by_chaos;
	uint64_t effects, crash_at; /* crash_at: the number of effects with which the node crashes; 0: never */
	uint64_t resume_ns;         /* the node is paused until this time */
	uint64_t disk_ns;           /* least time for which storing a file takes: testkit_disk */
	int disk_rc;                /* result of storing a file: 0, or -errno */
	uint32_t failed_stores;     /* how often storing a file has failed */
	struct kit_refusals *refusals;
	struct loop_timer *room_timer; /* when refused services may send again, or NULL: no service waits */
	struct host_clock clock;
	uint64_t features_missing;    /* as in struct executive */
	uint32_t deliver_frames;      /* as in struct executive, or 0: not changed */
	uint32_t store_ms;            /* a slow disk: the node stops for this time after storing the ring seq */
	uint64_t stores, store_place; /* digest of the stored ring seq, and the ring, when it was last checked */
	struct packet *inbox[KIT_INBOX];
	uint32_t inbox_count, inbox_bytes;
	struct ring_id ring;   /* settle.c: ring of the last turn */
	uint64_t unsteady_ns;  /* settle.c: when the node last had a new ring, formed one, synchronised or stopped */
	uint64_t token_ns;     /* settle.c: when the node last accepted a token */
	uint64_t token_own_ns; /* settle.c: the same by the node's own clock */
	bool is_woken;         /* a SIM_WAKE is queued for the node */
	unsigned int inside;   /* depth of calls into its code */
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
	uint64_t ring_seq; /* ring seq that is stored for a node before its first start. 0: none, so it is random */
	/* Limit of the bytes of packets that wait in a node. 0: only KIT_INBOX, the limit of their number, applies. */
	uint32_t inbox_bytes_max;
	uint64_t overflows; /* packets that were lost by this limit */
	uint32_t frame_seq; /* number of a ring's first frame minus 1: 0, except in tests of numbers that wrap */
	char *config;       /* lines that the test adds */
	struct kit_node *nodes;
	uint32_t node_count;
	struct testkit_client *clients;
	uint64_t origin_ns; /* time at which testkit_now_ns is 0 */
	bool is_running;    /* a call is on the stack in which time passes */
	bool is_in_order;   /* clients get records of channels before events that were sent after those records */
	bool has_foreign;   /* nodes have the service of foreign.c */
	bool has_posts;     /* atomic: a thread has posted a call */
	uint32_t real_fds;  /* number of descriptors of plugins */
	uint64_t polled_ns;
	uint64_t disturbed_ns; /* time of the last fault, or of its end */
	/* Transport that is tested, in real time. NULL: the simulated network is used. */
	struct kit_plugin *transport;
	uint64_t started_ns; /* real time when the kit's clock was at its origin */

	uint32_t chaos, chaos_mean_ms, chaos_turn;

	struct kit_line lines[KIT_LOG_LINES];
	uint64_t line_count;
	/* Called with each line of the log; NULL: none. */
	void (*heard)(void *arg, struct kit_node *node, const char *text);
	void *heard_arg;
	FILE *log;
	int log_prio;
	char **complaints;
	uint32_t complaint_count;
	uint64_t digest;
	char error[640];
};

/* --- kit.c --- */

void *kit_alloc(size_t size); /* returns zeroed memory. Ends the process if there is none */
char *kit_strdup(const char *text);
struct kit_node *kit_node(const struct testkit *kit, uint32_t id); /* NULL: there is no such node */
/** Find a node by its id in the ring, or return NULL. */
struct kit_node *kit_node_of(const struct testkit *kit, uint32_t nodeid);
/** Begin to run code of a node, until kit_leave. @return argument for kit_leave */
struct kit_node *kit_enter(struct kit_node *node);
void kit_leave(struct kit_node *node, struct kit_node *outer);
/** Return whether a node keeps another one out of its ring for a while, since a member did not hear it (backoff.c). */
bool kit_keeps_out(const struct testkit *kit);
/** Count an effect of the node, such as a packet. @return false: the node has crashed, so the effect must not happen */
bool kit_effect(struct kit_node *node);
/** Let the node have a turn soon, since it has something to do. */
void kit_wake(struct kit_node *node);
void kit_digest(struct testkit *kit, uint64_t value, const void *bytes, size_t size);
/** Handle one event that is due before end_ns. @return false: there is no such event, and the time is now end_ns */
bool kit_step(struct testkit *kit, uint64_t end_ns);

/* --- settle.c --- */

/** Note a fault, or its end. Rings that have settled before have to prove it again. */
void kit_disturb(struct testkit *kit);
/** Note the state of the node's ring. Call this after each turn of the node. */
void settle_note(struct kit_node *node);

/* --- node.c --- */

int node_start(struct kit_node *node);
void node_down(struct kit_node *node);               /* must not be called while code of the node runs */
void node_remove_files(const struct kit_node *node); /* remove the files of the node and their folder */
/** Let no time of the node pass after its turn until its slow disk has stored the files. */
void node_wait_for_disk(struct kit_node *node);
void node_packet(struct kit_node *node, struct packet *packet); /* takes over the reference */
void node_refused(struct kit_node *node, struct packet *packet, uint32_t by);
void node_closed(struct kit_node *node, uint32_t by);
void node_turn(struct kit_node *node);                    /* run a turn of the node */
int node_reload(struct kit_node *node, const char *name); /* read the options of this plugin again */
/**
 * Load a plugin while the node runs. On later turns it synchronises with the same service of other nodes, and its IPC
 * name opens. Then done is called, unless it is NULL. arg: its argument, and the owner for plugin_life_forget
 * @return 0; -EINVAL, -ENOMEM: refused
 */
int node_load(struct kit_node *node, const struct kit_plugin *wanted, plugin_life_done done, void *arg);

/* --- plugins.c --- */

void kit_plugins_free(struct kit_node *node);
/** As testkit_load for one node that runs, but no time passes: the service synchronises on later turns. */
int kit_load(struct kit_node *node, const struct coterie_plugin *linked, const char *const *options);
/** Return whether a service that the running node has loaded has not synchronised yet. */
bool kit_is_joining(const struct kit_node *node, const char *name);
void kit_plugin_free(struct kit_plugin *plugin);          /* NULL is ignored */
void kit_plugin_prepare(const struct kit_plugin *plugin); /* prepares libltdl's table for this plugin */

/* --- faults.c --- */

void chaos_strike(struct testkit *kit, uint32_t turn);
void chaos_restart(struct kit_node *node);

/* --- host.c: the host table with refusals --- */

struct plugin_host;
const struct plugin_host *kit_host(void);
struct kit_node *kit_node_of_plugin(const struct plugin *plugin);
void kit_refusals_free(struct kit_node *node);

/* --- foreign.c --- */

/**
 * Load the service that plays messages of nodes of the other byte order. @return 0; -EINVAL: testkit_error has the
 * reason
 */
int foreign_load(struct kit_node *node);

/* --- loop.c: functions in addition to those of exec/loop/loop.h --- */

struct loop *kit_loop_create(struct kit_node *node);
struct kit_node *kit_loop_node(const struct loop *loop);
/** Return the time of a node's clock. */
uint64_t kit_loop_now_ns(const struct kit_node *node);
/** Let a node's clock jump ahead, and change its rate. */
void kit_loop_clock(struct kit_node *node, uint64_t jump_ns, int32_t drift_ppm);
bool kit_loop_is_suspended(const struct kit_node *node);
/**
 * Handle the event of a timer. @return the timer's node, if the timer is due: then call kit_loop_timer or
 * kit_loop_timer_again
 */
struct kit_node *kit_loop_timer_take(void *what);
void kit_loop_timer(void *what);
/** Queue the timer again, since its node is paused until at_ns. */
void kit_loop_timer_again(void *what, uint64_t at_ns);
/** Drop the event of a timer that was cancelled. */
void kit_loop_timer_end(void *what);
void kit_loop_begin(struct loop *loop);
/** Run the deferred calls, at the end of the outermost callback. */
void kit_loop_end(struct loop *loop);
void kit_loop_posts(struct loop *loop);
bool kit_loop_has_posts(struct loop *loop);
bool kit_loop_is_stopped(const struct loop *loop);
/**
 * Make a descriptor without a kernel object. Such descriptors have numbers in a separate range. kit_loop_fd_ready makes
 * one ready.
 */
int kit_loop_fd_number(struct loop *loop);
void kit_loop_fd_ready(struct loop *loop, int fd, uint32_t revents);
/** Call the callback of each ready descriptor once. */
void kit_loop_serve(struct loop *loop);
bool kit_loop_is_ready(const struct loop *loop);
void kit_loop_poll(struct loop *loop); /* check the real descriptors */
/** Write the real descriptors to entries, which has room for all. @return their number */
struct pollfd;
uint32_t kit_loop_real_fds(const struct loop *loop, struct pollfd *entries);

/* --- transport.c --- */

extern const struct coterie_plugin testnet_LTX_coterie_plugin;
void transport_arrive(struct kit_node *node, struct packet *const *packets, uint32_t count);
void transport_refused(struct kit_node *node, const struct packet *packet, uint32_t by);
void transport_closed(struct kit_node *node, uint32_t by);

/* --- qb.c, client.c --- */

/** A connection of the server half of IPC. The client uses it by these functions. */
struct qbs_connection;
int kit_connect(struct kit_node *node, const char *name, struct testkit_client *client);
void kit_connection_request(struct qbs_connection *connection, const void *msg, uint32_t size);
void kit_connection_hang_up(struct qbs_connection *connection);
/** Return whether events wait in the node for the client to read. */
bool kit_connection_is_behind(const struct qbs_connection *connection);
/** Deliver an answer or an event of the service to the client. */
void client_take(struct testkit_client *client, bool is_event, const struct iovec *iov, size_t count);
bool client_is_full(const struct testkit_client *client); /* return whether HELD_MAX bytes of events wait */
void client_accepted(struct testkit_client *client, struct qbs_connection *connection);
void client_ended(struct testkit_client *client);    /* call when the service or the node has ended the connection */
void client_was_read(struct testkit_client *client); /* call when the service has read a request without an answer */
void clients_free(struct testkit *kit);

/* --- log.c --- */

/** Lines belong to this node from now on. @return the node of the lines before. */
struct kit_node *kit_log_node(struct kit_node *node);
void kit_log_fini(struct testkit *kit);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the tests of the reload: a real loop, a real map and real files. The ring, the log and the
 * plugins are stubs that record their calls. The daemon is node 1.
 */
#ifndef TESTS_UNIT_RELOAD_CASE_H
#define TESTS_UNIT_RELOAD_CASE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "config/model.h"
#include "exec/log/log.h"
#include "exec/map/map.h"
#include "exec/plugin/plugin.h"

#define SECOND UINT64_C(1000000000)

struct reload_seen {
	char log[65536];     /* "SUBSYSTEM PRIO text\n" */
	char changes[65536]; /* changes of the map: "KEY=VALUE " or "-KEY " */
	char peers[1024];    /* calls of the transport: "+3 -4 ", "+3/1 " on link 1, "up0 down0 " */
	char followed[256];  /* the two lists of services that the reload compares: old and new, as "5-6 " */
	char ids[256];       /* node ids that the engine has: "1 2 3 " */
	uint64_t token_ns;   /* token timeout of the engine */
	uint32_t members[16], member_count;
	uint32_t reconfigured;
	int check_rc, reconfigure_rc, peer_add_rc, log_rc;
	int link_up_rc, reload_rc; /* result of link_up() for links above 1, and of the transport's reload */
	bool is_inside;            /* a call of the engine is under way */
	bool tells_reload;         /* record calls of the transport's reload as "reload " */
	uint32_t logs_configured;
	bool has_provider;
	int look_exit; /* exit status of the look-up of a plugin; 0: it exists */
	uint64_t look_offers;
	uint32_t tally_reloads, transport_reloads;
	int tally_rc; /* result of the plugin's reload */
};

extern struct reload_seen seen;
/** The node's objects that the tests use. */
struct reload_node {
	struct config *config;
	struct loop *loop;
	struct map *map;
	struct stats *stats;
	struct rekey *rekey;
	struct reload *reload;
	struct rotate *rotate; /* of test_rotate.c */
};

extern struct reload_node node;
extern struct plugin transport, tally;
extern struct map_tracker *tracker;
extern char folder[32], path[64];

/** Set up three nodes on udpu, all of which are members. */
void set_up(void);
/** Set up as set_up() does, but with the file that is in the folder. A stub replaces the transport of that name. */
void set_up_with(const char *transport_name);
void make_folder(void);
void tear_down(void);
/**
 * Write a file with these lines in section totem, these nodes ("1 2 3", this node has the address 127.0.0.1), and more
 * lines at its end.
 */
void write_file(const char *totem, const char *nodes, const char *more);
/**
 * Replace the file by a pipe, so that its reader waits until the test closes the returned stream. The reader then gets
 * an empty file.
 */
FILE *write_endless_file(void);

struct result {
	int rc;
	uint32_t count;
	char text[4096];
};

/** Callback for reload_request(): stores the result in a struct result and stops the loop. */
void on_done(void *arg, int rc, const char *text);
void run_loop(void);
/** Run the deferred calls of the loop once. */
void turn(void);
/**
 * Run the deferred calls as turn() does, shortly after keys have been applied: keys that are set now are applied only
 * after a pause.
 */
void pause_and_turn(void);
/** Run one reload to its end. */
struct result reload(void);
/** Run the first step of a reload in two steps. */
struct result prepare(void);

bool has_logged(const char *text);
const char *string_of(const char *key); /* Return the string of a key. "(none)": it has none. */
uint32_t number_of(const char *key);    /* Return the u32 value of a key. UINT32_MAX: there is none of this type. */
uint64_t reloads(const char *name);     /* Return the statistic stats.coterie.reload.NAME. */
uint64_t option_of(const char *name);   /* Return the number that an option of the plugin tally has. */

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One round of synchronisation: a set of services, which may be one, and the members that it waits for. Its owner sends
 * and receives the messages (sync.c). Life of a round:
 *
 * 1. round_begin: this node sends that it has begun, and waits until all members have sent that.
 * 2. The services follow one another, by ascending id. After each pass of the token sync_step of the present one is
 *    called, until it has sent all its state. Then this node sends that it is done.
 * 3. When all members are done, sync_done is called, at the same place of the order everywhere.
 * 4. After the last service the round is complete.
 *
 * A service that is not loaded here counts, too: this node only sends that it is done. Likewise a service that is_deaf,
 * whose own round comes later. Without memory a member is not counted: the round then stands still, until its patience
 * ends.
 */
#ifndef EXEC_ROUND_H
#define EXEC_ROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/node_set.h"

struct coterie_configuration;
struct loop;
struct loop_timer;
struct plugin;
struct plugin_registry;

enum round_phase {
	ROUND_IDLE,   /* no round is under way */
	ROUND_BEGINS, /* until all members have begun */
	ROUND_STEPS,  /* the present service sends its state */
	ROUND_WAITS,  /* until all members are done with it */
};

/** How the messages of a round look, and what follows from them. arg is of struct round. */
struct round_kind {
	uint64_t begin_ns, service_ns; /* patience in ROUND_BEGINS, and with each service */
	/** Send that this node has begun, or is done with the present service. 0; -EAGAIN: again after the next token */
	int (*send_begun)(void *arg);
	int (*send_done)(void *arg);
	/** All members have begun. NULL: nothing is to be done */
	void (*begun)(void *arg);
	/** The patience has ended. nodeids: of the missing members, with a blank before each. @return whether to wait on */
	bool (*late)(void *arg, const char *nodeids);
	/** The round is over. It may begin the next one. */
	void (*complete)(void *arg);
};

struct round {
	struct loop *loop; /* borrowed, as is the next one */
	const struct plugin_registry *plugins;
	uint32_t nodeid; /* of this node */
	void *arg;
	const struct round_kind *kind;
	enum round_phase phase;
	struct node_set members;    /* those that it waits for */
	struct node_set heard;      /* of these: they have sent what this phase waits for */
	uint64_t services;          /* by bit: the present one, the lowest, and those that follow */
	uint64_t completed;         /* by bit */
	bool owes_begun, owes_done; /* there was no room */
	bool is_stepping;           /* sync_step of a service runs */
	struct loop_timer *timer;   /* end of the patience */
};

/** Return whether a plugin is a service with state to synchronise. NULL: false */
bool round_has(const struct plugin *plugin);
/** Return the service of this ring id, or NULL: it is not loaded here, or has no state. */
struct plugin *round_find(const struct plugin_registry *plugins, uint32_t ring_id);

/**
 * Call sync_start. A service that is_deaf learns of the configuration first, and is deaf no longer.
 * @param together  members that have had the same state since the last round
 */
void round_start(struct plugin *plugin, const struct node_set *together, const struct coterie_configuration *regular);

/**
 * Begin a round. No other one is under way.
 *
 * @param kind      kept
 * @param members   copied
 * @param services  by bit. Until all members have begun, the owner may add some to round->services.
 * @return 0; -ENOMEM: no round has begun
 */
int round_begin(struct round *round, const struct round_kind *kind, const struct node_set *members, uint64_t services);
/** Return whether this node is one of the members. */
bool round_takes_part(const struct round *round);
/** Note that a member has begun, or is done with the present service. Ignored if the round does not wait for that. */
void round_hear(struct round *round, uint32_t nodeid, bool is_done);
/** Do not wait for this member any more. round_go_on follows. */
void round_forget(struct round *round, uint32_t nodeid);
/** Continue, if all members have sent what the phase waits for. */
void round_go_on(struct round *round);
void round_passed(struct round *round); /* the token has been passed on */
/** End the round where it stands: sync_abort of the present service, if it has one. @return the completed services, by bit */
uint64_t round_abort(struct round *round);
void round_fini(struct round *round);

#endif

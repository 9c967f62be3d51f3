/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A round of synchronisation: a set of services, which may be a single one, and the members that the round waits for.
 * Its owner (sync.c) sends and receives the messages. Steps of a round:
 *
 * 1. round_begin: this node sends that it has begun, and waits until all members have sent that.
 * 2. The services have their turns by ascending id. The services in `joint` have one turn, a joint one, that of the lowest. After
 *    each pass of the token, sync_step of the first service of the turn is called, until the service has sent all its
 *    state. The next service of the turn follows at once. After the last one this node sends that it is done.
 * 3. When all members are done with the turn, sync_done of its services is called, by ascending id. This is at the same
 *    place of the order everywhere.
 * 4. After the last turn the round is complete.
 *
 * A service that is not loaded here sends nothing. The same holds for a service that is_deaf, whose own round comes
 * later. If memory for a member's message is missing, the member is not counted. Then the round waits until its
 * patience ends.
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
	ROUND_BEGINS, /* waits until all members have begun */
	ROUND_STEPS,  /* the services of the turn send their state */
	ROUND_WAITS,  /* waits until all members are done with the turn */
};

/** How the messages of a round are sent, and what the owner does at its events. arg: that of struct round. */
struct round_kind {
	uint64_t begin_ns, turn_ns; /* patience in ROUND_BEGINS, and with each turn, nanoseconds */
	/**
	 * Send that this node has begun, or is done with the present turn. 0; -EAGAIN: call again after the next token
	 */
	int (*send_begun)(void *arg);
	int (*send_done)(void *arg);
	/** All members have begun. NULL: nothing is to be done then */
	void (*begun)(void *arg);
	/**
	 * The patience has ended. nodeids: of the missing members, with a blank before each. @return whether the round
	 * goes on waiting
	 */
	bool (*late)(void *arg, const char *nodeids);
	/** The round is over. This function may begin the next round. */
	void (*complete)(void *arg);
};

struct round {
	struct loop *loop; /* borrowed, as is plugins */
	const struct plugin_registry *plugins;
	uint32_t nodeid; /* of this node */
	void *arg;
	const struct round_kind *kind;
	enum round_phase phase;
	struct node_set members;    /* the members that the round waits for */
	struct node_set heard;      /* members that have sent what this phase waits for */
	uint64_t services;          /* services of the present turn and those that follow, by bit */
	uint64_t joint;             /* services that have one turn, by bit */
	uint64_t unsent;            /* ROUND_STEPS: services of the turn that have not sent all their state, by bit */
	uint64_t completed;         /* services whose turn is complete, by bit */
	bool owes_begun, owes_done; /* the message found no room and is sent later */
	bool is_stepping;           /* sync_step of a service runs */
	struct loop_timer *timer;   /* timer of the patience */
};

/** Return whether a plugin is a service with state to synchronise. NULL: false */
bool round_has(const struct plugin *plugin);
/** Return the service of this ring id, or NULL: it is not loaded here, or has no state. */
struct plugin *round_find(const struct plugin_registry *plugins, uint32_t ring_id);

/**
 * Call sync_start. A service that is_deaf is first informed of the configuration, and is_deaf becomes false.
 * @param together  members that have had the same state since the last round
 */
void round_start(struct plugin *plugin, const struct node_set *together, const struct coterie_configuration *regular);

/**
 * Begin a round, while no other one is under way.
 *
 * @param kind      kept
 * @param members   copied
 * @param services  by bit. Until all members have begun, the owner may add some to round->services.
 * @param joint     services that have one turn, by bit. The owner may change round->joint until then, too.
 * @return 0; -ENOMEM: no round has begun
 */
int round_begin(struct round *round, const struct round_kind *kind, const struct node_set *members, uint64_t services,
	uint64_t joint);
/** Return the services of the present turn, by bit. 0: no round is under way. */
uint64_t round_turn(const struct round *round);
/** Return whether this node is one of the members. */
bool round_takes_part(const struct round *round);
/** Note that a member has begun, or is done with the present turn. Ignored unless the round waits for that. */
void round_hear(struct round *round, uint32_t nodeid, bool is_done);
/** Do not wait for this member any more. The caller calls round_go_on afterwards. */
void round_forget(struct round *round, uint32_t nodeid);
/** Continue, if all members have sent what the phase waits for. */
void round_go_on(struct round *round);
/* call sync_step, and send messages that found no room: the token has been passed on */
void round_passed(struct round *round);
/**
 * End the round before it is complete: sync_abort is called for the services of the present turn that have one.
 * @return the completed services, by bit
 */
uint64_t round_abort(struct round *round);
void round_fini(struct round *round);

#endif

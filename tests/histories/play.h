/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A history: whole nodes with services and clients, played from a script on the test kit, and the events of the
 * clients.
 *
 * Each service has a part: its clients (client_X.c) and its checker (check_X.c). play.c goes through the script. It
 * gives each step to the parts, ends all faults, and lets the parts check.
 */
#ifndef HISTORIES_PLAY_H
#define HISTORIES_PLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <coterie/testkit.h>

#include "tests/histories/script.h"

/**
 * A ring. A representative that has lost its files may use a ring sequence again. So the number of its losses until
 * then tells rings apart.
 */
struct play_ring {
	uint32_t representative, losses;
	uint64_t seq;
};

static inline bool play_ring_equal(struct play_ring a, struct play_ring b)
{
	return a.seq == b.seq && a.representative == b.representative && a.losses == b.losses;
}

/** A stay: a regular configuration in which a node was. */
struct play_stay {
	struct play_ring ring;
	bool has_come; /* a transitional configuration led to it, so that `with` is known */
	uint64_t with; /* nodes that came along from the stay before, bits by number from 0 */
};

/**
 * A node's configuration, as the EVS client on it sees it. Messages of any service that arrive now belong to this
 * configuration.
 */
struct play_view {
	bool is_known; /* an EVS client is connected */
	bool is_transitional;
	bool is_safe_kept;     /* the configuration promises something about safe messages */
	bool has_come;         /* the last configuration was a transitional one */
	struct play_ring ring; /* ring of the regular configuration, which stays during the transitional one */
	uint32_t member_count;
	uint32_t members[HISTORY_NODES_MAX]; /* node ids of the regular or the transitional configuration */
	uint64_t mask;                       /* `members` as bits by number from 0 */
	uint64_t heard_ns[HISTORY_NODES_MAX +
			  1]; /* by number: when the first message of the node came in this ring. 0: none */
	uint32_t parted[HISTORY_NODES_MAX +
			1];      /* by number: the last stay that the node did not come along to. 0: none */
	struct play_stay *stays; /* stay_count; owned */
	uint32_t stay_count, stay_capacity;
};

/** A client's message, and what is known about it in the whole play. */
struct play_note {
	uint32_t node;         /* number of the sender's node */
	struct play_ring sent; /* ring of that node when the client sent the message. seq 0: unknown */
	struct play_ring ring; /* ring in which it was delivered. seq 0: only clients that are late have received it */
	/*
	 * on some node, this message was the first one from the sender's node in that node's ring, or arrived together
	 * with the first one
	 */
	bool is_first;
};

/** Notes of one client, indexed by the message's number. */
struct play_notes {
	struct play_note *list; /* count; owned */
	uint32_t count, capacity;
};

/** A change of a key in kv's table. op: KV_OP_*; 0: not known */
struct play_change {
	uint32_t op, key;
	uint64_t value;
};

/** Changes by revision. */
struct play_changes {
	struct play_change *list; /* capacity; owned */
	uint64_t capacity;
};

struct kit_node;

struct play_counts {
	uint64_t simulated_ms, steps, rings, changes, messages, safe, safe_kept, compared, kv_answered, kv_undecided,
		watched;
	uint64_t verdicts, excused, left_out, reloads_compared, failed_stores, overflows, replaced;
};

struct play {
	const struct script *script;
	struct testkit *kit;
	FILE *log;                                     /* NULL: nothing is traced */
	struct play_view views[HISTORY_NODES_MAX + 1]; /* indexed by the node's number */
	bool is_stopping[HISTORY_NODES_MAX + 1];       /* by node: it was told to stop */
	uint32_t nodeids[HISTORY_NODES_MAX + 1];       /* indexed by the node's number */
	uint32_t unloads[HISTORY_NODES_MAX + 1];       /* by node: how often it has unloaded a service */
	uint32_t unloaded[HISTORY_NODES_MAX + 1];      /* by node: services that it has unloaded, bits */
	uint32_t copies[HISTORY_NODES_MAX + 1];        /* by node: services that were replaced last by a copy, bits */
	uint32_t loads;                                /* how often a node that ran has loaded a service */
	uint32_t losses;                               /* how often any node has lost its files */
	uint32_t lost[HISTORY_NODES_MAX + 1];          /* by node: how often it has lost its files. Index 0: unused */
	uint32_t tables_lost;                          /* how often a table of kv may have been lost */
	struct play_changes changes;                   /* of kv's table */
	bool is_quiet;                                 /* no further fault happens */
	char broken[768];                              /* the first violation; empty: none */
	struct play_counts counts;
	void *parts[8];
};

/** Make the copies of plugins that play_replace needs. They are removed when the program ends. @return 0 or -errno */
int play_replace_begin(void);
/** Replace a service of a node, by its number in replace.c. Does nothing if the node does not run it. */
void play_replace(struct play *play, uint32_t node, uint32_t which);

/** The part of a service: its clients and its checker. Each function may be NULL. */
struct play_part {
	const char *name;
	void *(*create)(struct play *play);
	/** Connect clients and repeat refused requests. Called before each step and while the network is quiet. */
	void (*tick)(void *self);
	void (*act)(void *self, const struct step *step);
	/**
	 * Return whether no request is under way and all running clients are served. Called while the network is quiet.
	 */
	bool (*is_settled)(void *self);
	/** A node has logged a line. */
	void (*hear)(void *self, struct kit_node *node, const char *text);
	/** Check the events of the clients. Call play_break for a violation. The network is quiet. */
	void (*check)(void *self);
	void (*destroy)(void *self);
};

extern const struct play_part play_evs, play_cpg, play_quorum, play_kv, play_watch, play_cfg;

/** Store a violation, if it is the first one. */
void play_break(struct play *play, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Return the ring whose id is reported to a client now. */
struct play_ring play_ring_of(const struct play *play, uint32_t representative, uint64_t seq);
/** Write a line to the trace, if there is one. */
void play_trace(const struct play *play, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Return the id of a node by its number, 1 .. nodes. */
uint32_t play_nodeid(const struct play *play, uint32_t node);
/** Return the number of a node by its id. 0: no such node. */
uint32_t play_node(const struct play *play, uint32_t nodeid);

/** Return the features that a node lacks, bits of enum mix. */
uint32_t play_mix(const struct play *play, uint32_t node);
/** Return whether a node of the play is like Corosync's, and has none of the features. */
bool play_has_plain(const struct play *play);
/** Return the node of a client of cpg or kv: they are spread over all nodes. */
uint32_t play_client_node(const struct play *play, uint32_t client);

/**
 * Play a script from its beginning to its end.
 *
 * @param play  out: counts and broken
 * @param log   receives a trace of the steps and the nodes' log lines; NULL: no trace
 * @return 0; 1: a property is broken, play->broken says which
 */
int play_script(struct play *play, const struct script *script, FILE *log);

/**
 * Shrink a script that fails: drop nodes, steps and settings while it still fails.
 * @param script  in and out
 * @param tries   limit of the number of plays
 */
void play_shrink(struct script *script, uint32_t tries);

/* --- sequence.c: the events of two clients, compared --- */

/**
 * The events of a client, in order. A message is sender << 32 | number, where the sender is not 0. Other events have 0
 * in the upper half.
 */
struct play_sequence {
	uint64_t *list;
	uint32_t count, capacity;
	uint32_t node; /* number of the client's node */
	bool is_late;  /* the client may have joined late, and missed events before its first one */
	/** Return whether the node may lack a message, as play_may_lack(). */
	bool (*may_lack)(void *arg, uint32_t node, uint64_t what);
	void *arg;
};

void play_sequence_add(struct play_sequence *sequence, uint64_t what);
/**
 * Compare two sequences. A message may be missing in one of them if its may_lack() says so. If one is late, events of
 * the other before the first one that both have are ignored.
 *
 * @param may_end_a  a may end early; may_end_b likewise
 * @param at         out: index of the first event in a that does not fit
 */
bool play_sequence_fits(
	const struct play_sequence *a, const struct play_sequence *b, bool may_end_a, bool may_end_b, uint32_t *at);

/* --- view.c: configurations of nodes and of messages --- */

/** Record a configuration that an EVS client has received. members: node ids, borrowed */
void play_view_configure(struct play *play, uint32_t node, bool is_transitional, bool is_safe_kept,
	struct play_ring ring, const uint32_t *members, uint32_t count);
/** Record that the node has ended. */
void play_view_forget(struct play_view *view);
void play_view_free(struct play_view *view);
/** Return the number of the node's stay in a ring, counted from 1. 0: it was not there. */
uint32_t play_view_stay(const struct play_view *view, struct play_ring ring);

/** Record that a client on the node sends its message of this number. */
void play_note_send(struct play *play, struct play_notes *notes, uint32_t node, uint32_t number);
/**
 * Record that a client on the node has received a message. The client must not be late (is_late): all older events have
 * been read. @return false: another client received the message in another configuration
 */
bool play_note_see(struct play *play, struct play_notes *notes, uint32_t number, uint32_t node);
/**
 * Return whether a node may never get a message, since its first part may have been sent in the ring before
 * (packing.md, "Reassembly"). Four things must hold. A node of the play is like Corosync's. The message is the first one
 * of its node in its ring. Its client sent it in an earlier ring. The node has not always been with the sender since
 * then. Each such case is counted.
 */
bool play_may_lack(struct play *play, const struct play_notes *notes, uint32_t number, uint32_t node);

#endif

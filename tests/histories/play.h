/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A history: whole nodes with services and clients, played from a script on the test kit, and the events of the clients.
 *
 * Each service has a part: its clients (client_X.c) and its checker (check_X.c). play.c walks the script. It gives each
 * step to the parts, ends all faults, and lets the parts check.
 */
#ifndef HISTORIES_PLAY_H
#define HISTORIES_PLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <coterie/testkit.h>

#include "tests/histories/script.h"

/** A ring. A node that has lost its files may use a ring sequence again, so the number of such losses belongs to it. */
struct play_ring {
	uint32_t representative, losses;
	uint64_t seq;
};

static inline bool play_ring_equal(struct play_ring a, struct play_ring b)
{
	return a.seq == b.seq && a.representative == b.representative && a.losses == b.losses;
}

/** A regular configuration of a node. */
struct play_stay {
	struct play_ring ring;
	bool has_come; /* a transitional configuration led to it, so that `with` is known */
	uint64_t with; /* nodes that came along to it, as bits from 0 */
};

/** A node as the EVS client on it sees it: messages of any service that arrive now belong to this configuration. */
struct play_view {
	bool is_known; /* an EVS client is connected */
	bool is_transitional;
	bool is_safe_kept;     /* its configuration promises something about safe messages */
	bool has_come;         /* the last configuration was a transitional one */
	struct play_ring ring; /* the regular configuration's ring, also while it ends */
	uint32_t member_count;
	uint32_t members[HISTORY_NODES_MAX]; /* ids: of the regular configuration, or of the transitional one */
	uint64_t mask;                       /* the same, bits by number of the node, from 0 */
	uint64_t heard_ns[HISTORY_NODES_MAX +
			  1]; /* by number: when the first message of the node came in this ring. 0: none */
	uint32_t parted[HISTORY_NODES_MAX +
			1];      /* by number: the last stay that the node did not come along to. 0: none */
	struct play_stay *stays; /* stay_count; owned */
	uint32_t stay_count, stay_capacity;
};

/** A message of a client, for the whole play. */
struct play_note {
	uint32_t node;         /* number of the sender's node */
	struct play_ring sent; /* ring of its node when the client sent it. seq 0: unknown */
	struct play_ring ring; /* the one in which it was delivered. seq 0: no client on time has seen it */
	/* for some node it is the first message of its sender's node in that ring, or arrived with the first one */
	bool is_first;
};

/** By number of the message. */
struct play_notes {
	struct play_note *list; /* count; owned */
	uint32_t count, capacity;
};

struct play_counts {
	uint64_t simulated_ms, steps, rings, changes, messages, safe, safe_kept, compared, kv_answered, kv_undecided;
	uint64_t verdicts, excused, reloads_compared;
};

struct play {
	const struct script *script;
	struct testkit *kit;
	FILE *log;                                     /* NULL: nothing is traced */
	struct play_view views[HISTORY_NODES_MAX + 1]; /* by number of the node */
	bool is_stopping[HISTORY_NODES_MAX + 1];       /* by number: it was told to stop */
	uint32_t nodeids[HISTORY_NODES_MAX + 1];       /* by number */
	uint32_t unloads[HISTORY_NODES_MAX + 1];       /* by number: how often it has lost a service */
	uint32_t unloaded[HISTORY_NODES_MAX + 1];      /* by number: services that it lacks, bits */
	uint32_t losses;                               /* how often a node has lost its files */
	bool is_quiet;                                 /* no further fault happens */
	char broken[768];                              /* the first violation; empty: none */
	struct play_counts counts;
	void *parts[8];
};

/** The part of a service: its clients and its checker. Functions may be NULL. */
struct play_part {
	const char *name;
	void *(*create)(struct play *play);
	/** Connect clients and repeat refused requests. Called before each step and while the network is quiet. */
	void (*tick)(void *self);
	void (*act)(void *self, const struct step *step);
	/** Return whether nothing is under way and all clients that live are served. Called while the network is quiet. */
	bool (*is_settled)(void *self);
	/** Check the events of the clients. Call play_break for a violation. The network is quiet. */
	void (*check)(void *self);
	void (*destroy)(void *self);
};

extern const struct play_part play_evs, play_cpg, play_quorum, play_kv, play_cfg;

/** Note a violation. The first one counts. */
void play_break(struct play *play, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Return the ring of an id that a client is told now. */
struct play_ring play_ring_of(const struct play *play, uint32_t representative, uint64_t seq);
/** Write a line to the trace, if there is one. */
void play_trace(const struct play *play, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Return the id of a node by its number, 1 .. nodes. */
uint32_t play_nodeid(const struct play *play, uint32_t node);
/** Return the number of a node by its id. 0: no such node. */
uint32_t play_node(const struct play *play, uint32_t nodeid);

/** Return what a node lacks, enum mix. */
uint32_t play_mix(const struct play *play, uint32_t node);
/** Return the node of a client of cpg or kv: they are spread over all nodes. */
uint32_t play_client_node(const struct play *play, uint32_t client);

/**
 * Play a script from its beginning to its end.
 *
 * @param play  out: counts and broken
 * @param log      trace of steps and log lines of nodes go there; NULL: nowhere
 * @return 0; 1: a property is broken, play->broken says which
 */
int play_script(struct play *play, const struct script *script, FILE *log);

/**
 * Shrink a script that fails: drop nodes, steps and settings as long as it still fails.
 * @param script  in and out
 * @param tries   number of plays, at most
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
	bool is_late;  /* the client may have come in the middle, and missed events before its first one */
	/** Return whether the node may lack a message: play_may_lack. */
	bool (*may_lack)(void *arg, uint32_t node, uint64_t what);
	void *arg;
};

void play_sequence_add(struct play_sequence *sequence, uint64_t what);
/**
 * Compare two sequences. A message may be missing in one of them if its may_lack says so. If one is late, events of the other
 * before the first one that both have are ignored.
 *
 * @param may_end_a  a may end early
 * @param at         out: the first place in a that does not fit
 */
bool play_sequence_fits(
	const struct play_sequence *a, const struct play_sequence *b, bool may_end_a, bool may_end_b, uint32_t *at);

/* --- view.c: configurations of nodes and of messages --- */

/** Note a configuration that an EVS client has got. members: ids, borrowed */
void play_view_configure(struct play *play, uint32_t node, bool is_transitional, bool is_safe_kept,
	struct play_ring ring, const uint32_t *members, uint32_t count);
/** The node has ended. */
void play_view_forget(struct play_view *view);
void play_view_free(struct play_view *view);
/** Return the number of its stay in a ring, from 1. 0: it was not there. */
uint32_t play_view_stay(const struct play_view *view, struct play_ring ring);

/** Note that a client on the node sends its message of this number. */
void play_note_send(struct play *play, struct play_notes *notes, uint32_t node, uint32_t number);
/**
 * Note that a client on the node gets a message. The client must not be late (is_late): all older events have been read.
 * @return false: another client got the message in another configuration
 */
bool play_note_see(struct play *play, struct play_notes *notes, uint32_t number, uint32_t node);
/**
 * Return whether a node may never get a message: its beginning may have been sent in the ring before (packing.md,
 * "Reassembly"). So it is the first of its node in its ring. Its client sent it in an earlier ring. The node that lacks it has not been
 * with the sender since then. Each such excuse is counted.
 */
bool play_may_lack(struct play *play, const struct play_notes *notes, uint32_t number, uint32_t node);

#endif

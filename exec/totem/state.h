/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of the engine. Private to exec/totem. Members have the names of book ring, "States".
 *
 * The header of each file declares the functions that other files call, and the part of the state that the file owns.
 * Any file may read that part. To change it, other files call a function. engine.c creates and destroys all parts, and
 * mutants may change anything. There are four more exceptions, where one subject has two files so that calls form no
 * circle:
 *
 * - token.c and hold.c write `token` of `pass`
 * - sign.c changes `suspicion`
 * - extension.c changes the trailer of `commit`
 * - late.c exchanges `commit` while it installs a ring
 *
 * A record in `peers` belongs to the files that its comments name. tests/unit/tree/check_owners.sh finds other changes.
 *
 * Life of a membership:
 *
 * 1. OPERATIONAL: the ring is `ring`, its frames are in `store`.
 * 2. GATHER: collect `proc` and `failed`, until all nodes of proc without failed have sent equal joins.
 * 3. COMMIT: the commit token collects what each member has of its old ring. `ring` becomes the new id.
 * 4. RECOVERY: a token runs on the new ring. Its frames are in `rstore` and carry frames of old rings.
 * 5. The configuration is installed. `rstore` becomes `store`.
 *
 * An error in 2 to 4 leads back to 2. `installed` and `store` keep their content then.
 */
#ifndef TOTEM_STATE_H
#define TOTEM_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/announce.h"
#include "exec/totem/aru.h"
#include "exec/totem/backoff.h"
#include "exec/totem/belief.h"
#include "exec/totem/claim.h"
#include "exec/totem/commit.h"
#include "exec/totem/conclude.h"
#include "exec/totem/configure.h"
#include "exec/totem/core.h"
#include "exec/totem/deliver.h"
#include "exec/totem/early.h"
#include "exec/totem/engine.h"
#include "exec/totem/evict.h"
#include "exec/totem/expiry.h"
#include "exec/totem/extension.h"
#include "exec/totem/flow.h"
#include "exec/totem/gather.h"
#include "exec/totem/hold.h"
#include "exec/totem/hooks.h"
#include "exec/totem/join.h"
#include "exec/totem/late.h"
#include "exec/totem/late_path.h"
#include "exec/totem/lease.h"
#include "exec/totem/linger.h"
#include "exec/totem/lists.h"
#include "exec/totem/merge.h"
#include "exec/totem/multicast.h"
#include "exec/totem/node_set.h"
#include "exec/totem/owed.h"
#include "exec/totem/pack.h"
#include "exec/totem/pass.h"
#include "exec/totem/peer.h"
#include "exec/totem/place.h"
#include "exec/totem/probe.h"
#include "exec/totem/queues.h"
#include "exec/totem/receive.h"
#include "exec/totem/recovery.h"
#include "exec/totem/retransmit.h"
#include "exec/totem/set.h"
#include "exec/totem/sign.h"
#include "exec/totem/silence.h"
#include "exec/totem/store.h"
#include "exec/totem/suspect.h"
#include "exec/totem/timers.h"
#include "exec/totem/token.h"
#include "exec/totem/unpack.h"
#include "exec/totem/vote.h"
#include "exec/totem/window.h"
#include "exec/totem/wire.h"

struct totem_engine {
	struct frame_pool *pool; /* borrowed, outlives the engine */
	struct totem_callbacks callbacks;
	void *arg;
	struct totem_options options; /* member nodes is not valid: see `known` */
	struct node_set known;        /* configured ids, or empty: any node may join */
	struct totem_counters counters;

	/* State that belongs to no single file. Each comment names where it is written. */
	uint64_t now_ns;        /* time of the last entry: engine.c */
	uint32_t depth;         /* how many entry points are on the stack: engine.c */
	uint64_t random;        /* state of the generator: core_random() */
	bool is_started;        /* a link was up at least once: gather.c */
	bool has_left;          /* engine.c */
	bool is_cut;            /* no link is up: gather.c */
	bool is_heartbeat_used; /* T-heartbeat is used: engine.c, once */
	uint64_t heard_ns;      /* when the last packet of any other node arrived: engine.c */
	enum totem_state state; /* core_set_state() */
	enum token_place
		place; /* where each of its events happens: the table in book ring, "Hold and retransmission" */
	uint64_t timer_at_ns[TOTEM_TIMER_COUNT]; /* timers.c, and engine.c when one expires */
	struct ring_id ring;                     /* ring that this node committed to last: commit.c */
	struct store store;                      /* frames of the installed ring: functions of store.c */
	struct store rstore;                     /* frames of the ring that is being formed: functions of store.c */

	/* Membership. */
	struct membership installed;
	struct gather gather;
	struct belief belief;
	struct lists lists;
	struct joins joins;
	struct announce announce;
	struct late_path late_path;
	struct claim claim;
	struct peers peers;

	/* A new ring. */
	struct commit commit;
	struct recovery recovery;
	struct late late;
	struct owed owed;

	/* The token and its timers. */
	struct arrivals arrivals;
	struct pass pass;
	struct aru aru;
	struct linger linger;
	struct rotation rotation;
	struct repeat repeat;
	struct pause pause;

	/* Frames. */
	struct flow flow;
	struct queues queues;
	struct outbox outbox;
	struct delivery delivery;

	/* Signs of failure. */
	struct suspicion suspicion;
	struct silence silence;
	struct lease lease;

#ifdef TOTEM_HOOKS
	enum totem_mutant_id mutant;
	uint32_t quirks;
#endif
};

#endif

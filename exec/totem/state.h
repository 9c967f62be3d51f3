/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of the engine. The header of each file declares the functions that other files call. Private to exec/totem. The
 * members of struct totem_engine have the names of book ring, "States".
 *
 * Life of a membership:
 *
 * 1. OPERATIONAL: the ring is `ring`, its frames are in `store`.
 * 2. GATHER: collect `proc` and `failed`, until all nodes of proc - failed have sent equal joins.
 * 3. COMMIT: the commit token collects what each member holds of its old ring. `ring` becomes the new id.
 * 4. RECOVERY: a token runs on the new ring. Its frames are in `rstore` and carry frames of old rings.
 * 5. The configuration is installed. `rstore` becomes `store`.
 *
 * An error in 2 to 4 leads back to 2. `old_ring` and `store` keep their content then.
 */
#ifndef TOTEM_STATE_H
#define TOTEM_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/announce.h"
#include "exec/totem/aru.h"
#include "exec/totem/backoff.h"
#include "exec/totem/claim.h"
#include "exec/totem/commit.h"
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
	struct totem_options options; /* .nodes is not valid: see known */
	struct node_set known;        /* configured ids, or empty: any node may join */
	struct totem_counters counters;

	uint64_t now_ns;
	uint32_t depth;  /* entry points on the stack */
	uint64_t random; /* state of the generator */
	bool is_started; /* a link was up once */
	bool has_left;
	bool is_cut;     /* no link is up */
	enum totem_state state;
	uint64_t timer_at_ns[TOTEM_TIMER_COUNT];

	/* Rings and sets. */
	struct ring_id ring;     /* committed to last */
	struct claim claim;
	struct announce announce;
	struct late_path late_path;
	struct joins joins;
	struct arrivals arrivals;
	struct rotation rotation;
	struct repeat repeat;
	struct pause pause;
	struct outbox outbox;
	struct linger linger;
	struct delivery delivery;
	struct lease lease;
	struct silence silence;
	struct suspicion suspicion;
	struct aru aru;
	struct pass pass;
	struct owed owed;
	struct queues queues;
	struct flow flow;
	struct lists lists;
	struct recovery recovery;
	struct membership installed;
	struct gather gather;
	struct peers peers;

	/* Frames. */
	struct store store, rstore;

	/* The token. */
	enum token_place place;


	/* Recovery. */
	struct commit commit;

	/* Membership. */
	uint64_t heard_ns;      /* last packet of any other node */



	bool is_heartbeat_used;

#ifdef TOTEM_HOOKS
	enum totem_mutant_id mutant;
	uint32_t quirks;
#endif
};

#endif

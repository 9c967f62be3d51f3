/*
 * The state of the engine, and the functions that its files call of each other. Private to exec/totem. The
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

#include "exec/totem/engine.h"
#include "exec/totem/hooks.h"
#include "exec/totem/node_set.h"
#include "exec/totem/pack.h"
#include "exec/totem/unpack.h"
#include "exec/totem/window.h"
#include "exec/totem/wire.h"

#define STORE_WINDOW 16384u /* consecutive seqs in a store, a power of two */
/* The limit for a node alone. A ring that was attacked must stay open for nodes with no history. */
#define RING_SEQ_LONE_MAX (TOTEM_RING_SEQ_JUMP_MAX + (UINT64_C(1) << 62))
/* The most that one join may add to the ring seq beyond TOTEM_RING_SEQ_JUMP_MAX. */
#define RING_SEQ_STEP_MAX (UINT64_C(1) << 20)
/* The same for a commit token. Its sender may be a step ahead of this node, and may have believed a join. */
#define RING_SEQ_COMMIT_MAX (3 * RING_SEQ_STEP_MAX)
#define ROTATION_SAMPLES 32u
#define MILLISECOND_NS UINT64_C(1000000)

/* Why GATHER is entered: book membership, "Gather". */
enum gather_cause {
	GATHER_CONSENSUS_TIMEOUT = 0,
	GATHER_TOKEN_LOST_OPERATIONAL = 2,
	GATHER_CONSENSUS_EXPIRED = 3,
	GATHER_TOKEN_LOST_COMMIT = 4,
	GATHER_TOKEN_LOST_RECOVERY = 5,
	GATHER_FAILED_TO_RECEIVE = 6,
	GATHER_FOREIGN_OPERATIONAL = 7,
	GATHER_FOREIGN_GATHER = 8,
	GATHER_MERGE_OPERATIONAL = 9,
	GATHER_MERGE_GATHER = 10,
	GATHER_MERGE_JOIN = 11,
	GATHER_JOIN_OPERATIONAL = 12,
	GATHER_JOIN_COMMIT = 13,
	GATHER_JOIN_RECOVERY = 14,
	GATHER_INTERFACE = 15,
};

/* One place in the order. */
struct store_slot {
	struct coterie_frame *frame; /* referenced; NULL: missing */
	uint32_t source;             /* node id of the originator */
	uint8_t miss;                /* visits at which it was missing */
	bool is_swapped : 1;
	bool is_safe : 1;
	bool is_encapsulated : 1;
	bool is_owed : 1; /* this node must still send it in the recovery */
};

/* Frames of one ring by seq. released <= aru <= high_seq <= released + STORE_WINDOW. */
struct store {
	struct store_slot *slots; /* STORE_WINDOW of them, the index is seq modulo that */
	uint32_t released;        /* highest seq freed */
	uint32_t aru;             /* every frame up to here is, or was, present */
	uint32_t high_seq;        /* highest seq present so far */
	uint32_t touched;         /* highest seq whose slot may be dirty */
	uint32_t count;           /* frames present */
};

#define ASKED_MAX 8u
#define VOTES_MAX 8u

struct question {
	uint64_t number; /* 0: none, or answered, or refused */
	uint64_t at_ns;
};

/* A vote: its sender has not heard node `id` for its whole budget. */
struct vote {
	uint32_t id;
	uint64_t at_ns; /* 0: none */
};

/* How a connection to a member's daemon ended. */
enum connection_end {
	CONNECTION_OVER,   /* in a way that shows nothing about the daemon */
	CONNECTION_RESET,  /* by its kernel, or by a host in between */
	CONNECTION_CLOSED, /* in order, by its kernel, without a goodbye of the daemon */
};

/* All that this node remembers about another node. Times are 0 if it never happened. */
struct peer {
	uint32_t id;
	uint32_t stale_count;    /* joins in a row that were older than join_seq */
	uint64_t stale_since_ns; /* time of the first of these */
	uint64_t join_seq;       /* highest ring seq that it was seen to have committed to */
	uint64_t features;       /* of its last join */
	uint64_t heard_ns;       /* time of its last join, or of its last packet of another ring */
	uint64_t heard_episode;  /* last gather episode in which it sent a join */
	/* Signs of its death: suspect.c. */
	uint64_t sign_ns;      /* the first sign since its last packet */
	uint64_t hint_ns;      /* the last sign that proved nothing */
	uint64_t asked_ns;     /* last question to it */
	struct question asked[ASKED_MAX]; /* the last questions to it */
	uint32_t asked_count;
	uint32_t rounds;       /* questions since the first sign */
	uint32_t refused;      /* datagrams of this node that its kernel has certainly refused since then */
	uint32_t connections;  /* to its daemon, that are up */
	bool is_ended;         /* the other side ended the last connection, and it has not answered since */
	bool is_closed;        /* the same, and its kernel closed that connection in order */
	uint64_t round_trip_ns; /* measured last; 0: not measured */
	/* Contact, silence, and the record of its end: lease.c, silence.c, evict.c. */
	uint64_t alive_ns;     /* its last packet. Frames do not count: other members send them again */
	uint64_t contact_ns;   /* when the last question was sent that it answered in the ring of this node */
	uint64_t lease_ns;     /* that it announced for this ring; 0: none */
	struct vote votes[VOTES_MAX]; /* its votes about other members */
	uint64_t voted_ns;     /* last vote of this node to remove it */
	uint64_t unanswered_ns; /* when a question was last found without an answer */
	uint64_t witnessed_ns; /* when the kernel of its host last showed `witness` */
	enum totem_witness witness;
	enum totem_evidence evidence;
	uint64_t evidence_episode; /* gather episode that `evidence` belongs to */
	uint64_t budget_ns;    /* silence budget that applied to it then */
	uint64_t failed_us_episode; /* last gather episode in which its join named this node as failed */
	struct coterie_frame *farewell; /* its leave, kept until it has answered; referenced, or NULL */
	uint64_t farewell_ns;   /* arrival of that leave */
	uint64_t left_episode;  /* last gather episode in which it sent a leave */
	uint64_t backoff_ns;    /* length of its next back-off */
	uint64_t backoff_until_ns; /* end of its back-off */
	uint64_t lift_ns;       /* before then neither an answer nor a join of it ends the back-off */
	uint64_t ask_until_ns;  /* end of the questions whether it hears this node, which has accused it */
	uint64_t accuser_episode;  /* last gather episode in which a join named it as failed */
	uint32_t accuser;          /* the first node that named it as failed in that episode */
	uint32_t backoff_accuser;  /* the node whose verdict caused the back-off, maybe this node's own timer */
	uint64_t given_up_episode; /* last gather episode in which the consensus timer of this node failed it */
	uint64_t conflict_ns;      /* last ring that was formed without it though this node heard it */
	uint64_t conflict_members; /* hash of the members of that ring */
	bool is_unheard;           /* backoff_accuser does not hear it, as far as this node knows */
	bool is_pardoned;          /* backoff_accuser hears it, and keeps it out for the sake of a third node */
	uint32_t pardons;          /* pardons that this node has sent in this back-off */
	uint32_t conflicts;        /* rings of these members that were formed without it though this node heard it */
};

/* The commit token that passed here last. Its member list is new_memb. */
struct commit {
	struct ring_id ring;
	uint32_t token_seq;
	uint32_t memb_index;
	bool has_features;
	struct wire_commit_entry entries[WIRE_NODES_MAX];
	uint64_t features[WIRE_NODES_MAX];
};

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
	struct ring_id old_ring; /* installed last */
	uint64_t low_claim;      /* claim.c: the highest ring seq heard that was far below that of `ring` */
	uint32_t low_claimer;    /* the node that named it last */
	bool has_low_claim;      /* since the last installation */
	bool has_fallen;         /* a ring with a new, lower seq was begun since then */
	struct node_set memb; /* of the installed ring */
	struct node_set proc, failed, consensus;
	struct node_set new_memb, trans, deliver;
	struct node_set live; /* proc - failed, when computed last */
	struct node_set left, joined, join_proc, join_failed; /* scratch */
	struct peer *peers; /* ascending by id, peer_count of WIRE_NODES_MAX */
	uint32_t peer_count;
	uint64_t features;     /* agreed on for the installed ring; 0: none */
	uint64_t new_features; /* for the ring that is being formed */

	/* Frames. */
	struct store store, rstore;
	uint32_t high_delivered;
	struct pack_queue *q_new, *q_sync;
	bool is_new_open, is_sync_open; /* the last frame sent from this queue ended inside a message */
	struct unpack *unpack;
	bool is_sync_wait;   /* q_sync is used */
	bool is_unpack_sync; /* messages that are delivered belong to the synchronisation */
	bool wants_room;
	uint32_t this_seqno;
	struct coterie_frame **outbox; /* frames of this visit, borrowed from the store */
	uint32_t outbox_count;          /* at most WINDOW_MAX */

	/* The token. */
	struct wire_token pending; /* newest valid token of the batch */
	bool has_pending;
	bool is_store_dirty;         /* frames arrived since aru was computed */
	struct wire_token token;     /* as this node sent it, or will send it when it lets it go */
	struct coterie_frame *saved; /* last token or commit token, for retransmission */
	uint32_t saved_target;
	uint32_t tseq;
	uint32_t a_prev, a_last; /* aru fields of the last two accepted tokens, as received */
	uint32_t a_known;        /* how many of these two are valid on this ring */
	uint32_t seen_seq, unchanged;
	uint64_t changed_ns; /* last change of seen_seq */
	uint64_t merge_at_ns; /* from then on the next token brings a merge detect; 0: T-merge decides */
	uint64_t merged_seq;  /* seq of the ring that has sent a merge detect */
	uint32_t trc, pbl;
	struct window window; /* of the ring whose token runs */
	uint32_t visit_sent; /* new and repeated frames of the current visit */
	uint32_t visit_new;  /* of these the new ones in the outbox */
	uint32_t aru_count;
	uint64_t aru_since_ns;
	bool is_held;     /* the token is, or is about to be, held */
	bool is_holding;  /* by this node: it is the representative and has the token, or it is_lingering */
	bool is_visiting; /* the token is here and frames can still be sent */
	bool is_originated;

	/* A lone sender keeps the token: linger.c. */
	bool is_lingering;         /* this node keeps it */
	bool has_more;             /* the user has more messages than this visit took */
	bool has_lingered;         /* some member kept it in the rotation before the last token */
	bool is_last_ours;         /* in the last rotation with frames this node was the only sender */
	uint64_t linger_until_ns;
	uint64_t gather_until_ns;  /* the frames in the outbox leave then */
	uint32_t turns;            /* runs of frames of one member, delivered since the window was steered */
	uint32_t turn_source;      /* the member of the last run */
	uint32_t lone;             /* rotations in a row without another sender and without loss */
	uint32_t silent;           /* visits in a row at which this node sent nothing */
	uint32_t lingers_seen;     /* in the last token */
	bool has_failed_to_receive;

	/* Retransmission of the token: book ring, "Timers". */
	uint64_t rotations_ns[ROTATION_SAMPLES];
	uint32_t rotation_count;
	uint64_t rotation_ns;      /* length of the rotation that this visit ended; 0: not usable */
	uint64_t rotation_quartile_ns;
	uint64_t accepted_ns;      /* last token, or 0: none yet on this ring */
	uint32_t retransmit_count; /* since then */
	bool is_progress_seen;     /* the successor has the token */

	/* Recovery. */
	struct commit commit;
	bool received_flg;
	bool is_promised;       /* it has promised the nodes of `deliver` to deliver what it received */
	struct ring_id promise; /* the old ring that this node names in later attempts */
	uint32_t high_ring_delivered;
	uint32_t owed_next, owed_end, owed_count; /* q_rec: old seqs that are marked is_owed */
	uint32_t flg_count, rotations, install_seq;
	bool is_flg_mine;

	/* Membership. */
	uint64_t episode; /* counts departures from OPERATIONAL */
	uint64_t episode_ns; /* when it began */
	uint32_t join_rounds;
	uint64_t joined_ns; /* when this node sent its last join */
	uint64_t installed_ns; /* when the ring was installed */
	uint64_t returned_ns; /* when a member was last heard again after an outage; 0: never */
	uint64_t agree_by_ns; /* end of a wait for late paths: late_path.c */
	bool is_conclusion_due; /* the margin of a majority has passed: gather.c */
	bool is_pausing;       /* shortly after a pause: stale packets are dropped */
	bool is_token_overdue; /* T-token expired during the pause */
	uint64_t last_entry_ns, entry_gap_ns; /* when this node ran last, and the time for which it had not run then */
	uint64_t heard_ns;      /* last packet of any other node */

	/* Questions to peers. */
	bool has_suspects;
	bool has_farewells;
	bool is_farewell_over; /* the leave that is being handled has waited for an answer */

	/* Contact and silence. */
	bool is_lease_held;      /* as the user of the engine was told */
	uint64_t announced_ns;   /* the lease that the other members wait for; 0: not announced */
	uint64_t contact_ns;     /* with all members, by a token */
	uint64_t doubt_ns;       /* older contact proves nothing */
	uint64_t unproved_ns;    /* a token proves contact only if this node has passed one on since then */
	uint64_t all_alive_ns;   /* when a token was accepted that every member had passed on */
	bool was_held;           /* the ring was idle then: its holder keeps the token for a while */
	uint64_t awake_ns;       /* when this node ran again after it had not run */
	uint64_t late_ns;        /* how late its timers were recently */
	uint64_t late_until_ns;  /* until then that gives other members more time */

	uint64_t token_sent_ns; /* to the successor */
	bool is_heartbeat_used;

#ifdef TOTEM_HOOKS
	enum totem_mutant_id mutant;
	uint32_t quirks;
#endif
};

/* --- engine.c --- */
/** Count and trace a packet that is dropped. why: enum wire_refusal or TOTEM_REFUSED_*. */
void engine_refuse(struct totem_engine *engine, uint32_t why, uint32_t node);
void engine_trace(struct totem_engine *engine, const struct totem_trace *trace);
void engine_trace_frame(struct totem_engine *engine, enum totem_trace_kind kind,
	const struct ring_id *ring, uint32_t seq, uint32_t node);
void engine_set_state(struct totem_engine *engine, enum totem_state state, uint32_t cause);
/** Send one frame to all nodes. The frame is taken. NULL is ignored. */
void engine_multicast(struct totem_engine *engine, struct coterie_frame *frame);
bool engine_knows(const struct totem_engine *engine, uint32_t id);
bool engine_is_rep(const struct totem_engine *engine); /* of `ring` */
/** Return the store of the ring whose token runs: rstore in RECOVERY. */
struct store *engine_store(struct totem_engine *engine);
const struct node_set *engine_members(const struct totem_engine *engine); /* of `ring` */
uint32_t engine_successor(const struct totem_engine *engine);
uint32_t engine_predecessor(const struct totem_engine *engine);
uint64_t engine_random(struct totem_engine *engine);
/* Sets have room for WIRE_NODES_MAX from the start, so these need no memory. Further ids are left out. */
void set_add(struct node_set *set, uint32_t id);
void set_unite(struct node_set *to, const struct node_set *from);
void set_copy(struct node_set *to, const struct node_set *from);

/* --- receive.c --- */
void receive_frame(struct totem_engine *engine, struct coterie_frame *frame);
void receive_token(struct totem_engine *engine, struct coterie_frame *frame);
/** Finish a batch: compute the aru, deliver, then handle the newest token. */
void receive_settle(struct totem_engine *engine);

/* --- store.c --- */
int store_init(struct store *store, uint32_t base); /* -ENOMEM */
void store_fini(struct store *store);
/** Drop all frames. The next one is base + 1. */
void store_reset(struct store *store, uint32_t base);
/** Return whether seq is in the window: neither freed nor too far ahead. */
bool store_fits(const struct store *store, uint32_t seq);
/** Return the slot of seq, which must fit. */
struct store_slot *store_slot(const struct store *store, uint32_t seq);
/** Return the slot of a frame that is there, otherwise NULL. Any seq. */
struct store_slot *store_find(const struct store *store, uint32_t seq);
/** Keep a frame (referenced). false: no room for its seq, or it is there already. */
bool store_put(struct store *store, const struct wire_mcast *mcast, struct coterie_frame *frame);
void store_advance(struct store *store); /* recompute aru */
/** Drop all frames after seq, which has not been freed. */
void store_truncate(struct store *store, uint32_t seq);
/** Free all frames up to seq, which is high_seq or less. */
void store_release(struct totem_engine *engine, uint32_t seq);

/* --- deliver.c --- */
void deliver_ready(struct totem_engine *engine);         /* book ring, "Delivery" */
/* At an installation, before and after the transitional configuration: book membership, "Installation". */
void deliver_regular(struct totem_engine *engine);
void deliver_transitional(struct totem_engine *engine);
bool deliver_is_safe(const struct totem_engine *engine); /* the installed ring honours SAFE */

/* --- token.c --- */
void token_visit(struct totem_engine *engine, const struct wire_token *token);
/** Send what waits, then send on a token that the representative holds. */
void token_let_go(struct totem_engine *engine);
/** Send what was queued since the visit, as a part of it. The token is still here. */
void token_send_late(struct totem_engine *engine);
/** End a visit, or such a part: deliver, free frames, tell the user. */
void token_finish(struct totem_engine *engine, bool was_refused);
void token_originate(struct totem_engine *engine); /* the first token of a ring */
void token_wake(struct totem_engine *engine);      /* a message waits to be sent */
void token_hold_cancel(struct totem_engine *engine, struct coterie_frame *frame);
/** Keep frame (referenced) for retransmission and send it to target. */
void token_send_saved(struct totem_engine *engine, struct coterie_frame *frame, uint32_t target);
void token_note_seq(struct totem_engine *engine, uint32_t seq); /* count visits without a new frame */

/* --- linger.c --- */
void linger_reset(struct totem_engine *engine); /* a ring begins */
void linger_note(struct totem_engine *engine, const struct wire_token *token); /* it was accepted */
/** Return whether to keep the token at the end of a visit. */
bool linger_is_due(const struct totem_engine *engine);
void linger_begin(struct totem_engine *engine, struct wire_token *token);
/** After the end of a visit that keeps the token: let it go if a frame could not be delivered. */
void linger_settle(struct totem_engine *engine);
/** Return whether the next turn follows at once, so that the frames in the outbox leave with its frames. */
bool linger_is_gathering(const struct totem_engine *engine);
void linger_turn(struct totem_engine *engine); /* messages wait, or the time is over */
/** Return whether another member may be keeping the token. */
bool linger_is_likely(const struct totem_engine *engine);

/* --- early.c --- */
/** Return whether to send the token first, at the end of a visit whose frames are in the outbox. */
bool early_is_due(const struct totem_engine *engine);
/** Return how many rotations' frames may wait in a receive buffer of the new ring together: 1 or 2. */
uint32_t early_rotations(const struct totem_engine *engine);

/* --- flow.c --- */
/** Return how many frames are worth keeping in a queue of `total`: see totem_queue. */
uint32_t flow_wanted(const struct totem_engine *engine, uint32_t total);
/** Return how many frames all members together may send in a rotation. */
uint32_t flow_window_size(const struct totem_engine *engine, const struct wire_token *token);
/** Choose the window of the next rotation, at the representative. */
void flow_steer(struct totem_engine *engine, struct wire_token *token);
/** Return how many frames this visit may send by window and max_messages. */
uint32_t flow_window(const struct totem_engine *engine, const struct wire_token *token);
/** Return the same, also limited by the share of the backlog: book ring, "Flow control". */
uint32_t flow_allowed(
	const struct totem_engine *engine, const struct wire_token *token, uint32_t waiting);
/** Remove from fcc and backlog of an idle ring's token the rests that no member has added. */
void flow_heal(const struct totem_engine *engine, struct wire_token *token);
void flow_account(struct totem_engine *engine, struct wire_token *token, uint32_t waiting);
uint32_t flow_waiting(const struct totem_engine *engine); /* cbl */
void flow_flush(struct totem_engine *engine);
/** Give seqs to up to `allowed` waiting frames and put them in the outbox. Return how many. */
uint32_t flow_send(struct totem_engine *engine, struct wire_token *token, uint32_t allowed);
void flow_outbox_add(struct totem_engine *engine, struct coterie_frame *frame);
void flow_outbox_flush(struct totem_engine *engine);

/* --- retransmit.c --- */
/** Answer the token's requests. Return how many frames were put in the outbox. */
uint32_t retransmit_answer(struct totem_engine *engine, struct wire_token *token, uint32_t allowed);
void retransmit_request(struct totem_engine *engine, struct wire_token *token);

/* --- claim.c --- */
/**
 * Return whether a ring seq of a packet leaves room for many more. Any seq up to TOTEM_RING_SEQ_JUMP_MAX does,
 * for a node alone up to RING_SEQ_LONE_MAX. Above that it may be step_max higher than the ring that this node last
 * committed to. So the packets between two rings cannot add up. An absolute bound would not be enough. One forged
 * packet could take all rings there, and then no node would accept the next one.
 */
bool claim_is_believed(const struct totem_engine *engine, uint64_t ring_seq, uint64_t step_max);
/** Node id has named this ring seq, which is believed. */
void claim_heard(struct totem_engine *engine, uint32_t id, uint64_t ring_seq);
/** Return whether a ring with this seq may follow `ring`. It is higher, unless other nodes may refuse the seq of `ring`. */
bool claim_is_followed(const struct totem_engine *engine, uint64_t ring_seq);
/**
 * Return the seq that the next ring of the nodes in `live` must exceed: the highest of theirs. If it keeps another node
 * out, it is a new number, and a trace says so.
 */
uint64_t claim_next(struct totem_engine *engine);

/* --- gather.c --- */
void gather_enter(struct totem_engine *engine, enum gather_cause cause);
void gather_join(struct totem_engine *engine, struct coterie_frame *frame);
void gather_consensus_expired(struct totem_engine *engine);
void gather_token_expired(struct totem_engine *engine);
void gather_link_up(struct totem_engine *engine);
void gather_link_down(struct totem_engine *engine); /* the last one */
/** Form a ring without id, for this evidence. */
void gather_fail(struct totem_engine *engine, uint32_t id, enum totem_evidence evidence);

/* --- join.c --- */
/** Send a join now, if this node is in GATHER. */
void join_send(struct totem_engine *engine);
/**
 * Send a join, maybe after a delay. In a crowd a node waits for more changes before it sends the join that packets of
 * other nodes made necessary (is_prompted).
 */
void join_schedule(struct totem_engine *engine, bool is_prompted);
/** Return whether there are so many candidates or configured nodes that joins and strangers wait for each other. */
bool join_is_crowd(const struct totem_engine *engine);
void join_hurry(struct totem_engine *engine); /* the join that waits for more changes leaves now */
void join_expired(struct totem_engine *engine); /* T-join */
void join_leave(struct totem_engine *engine);

/* --- late_path.c --- */
void late_path_gather(struct totem_engine *engine); /* GATHER was entered */
/** Note that a join of peer arrived. Its record does not have it yet. */
void late_path_note(struct totem_engine *engine, const struct peer *peer);
/** Return whether nodes of `live` may not hear each other yet, so that a commit token would be lost. */
bool late_path_is_likely(const struct totem_engine *engine);

/* --- commit.c --- */
void commit_create(struct totem_engine *engine); /* candidates are in `live` */
void commit_arrived(struct totem_engine *engine, struct coterie_frame *frame);

/* --- recovery.c --- */
void recovery_enter(struct totem_engine *engine);
void recovery_leave(struct totem_engine *engine); /* the attempt failed */
/** Take the old frame out of a frame of the recovery that is not stored yet. false: no memory, drop it. */
bool recovery_frame(
	struct totem_engine *engine, const struct wire_mcast *outer, struct coterie_frame *frame);
/** Put a frame of the old ring into a new frame. The caller writes the outer header. NULL: no memory. */
struct coterie_frame *recovery_wrap(struct totem_engine *engine, const struct coterie_frame *inner);
/** Return whether the flag or a seq was forged: no member lacks a frame, but the recovery does not end for long. */
bool recovery_is_stuck(const struct totem_engine *engine, const struct wire_token *token);
void recovery_step(struct totem_engine *engine, struct wire_token *token); /* may install */

/* --- configure.c --- */
void configure_install(struct totem_engine *engine);

/* --- merge.c --- */
/** Handle a frame or a merge detect of another ring. */
void merge_foreign(
	struct totem_engine *engine, uint32_t node, const struct ring_id *ring, bool is_frame);
void merge_detect(struct totem_engine *engine, struct coterie_frame *frame);
/**
 * Return whether the packet of a stranger comes too soon after the installation of a large ring: each change of the ring
 * costs all its members. The ring announces itself when it takes strangers in.
 */
bool merge_is_early(struct totem_engine *engine, uint32_t node);
void merge_expired(struct totem_engine *engine);
/** Announce an idle ring to other rings from time to time. */
void merge_idle(struct totem_engine *engine);
void merge_busy(struct totem_engine *engine);

/* --- peer.c --- */
/** Return the node's record, or create it. NULL: not configured, or no room. */
struct peer *peer_get(struct totem_engine *engine, uint32_t id);
struct peer *peer_find(const struct totem_engine *engine, uint32_t id);
/** Return whether a join is older than one seen before. After some joins a node that lost its storage is believed. */
bool peer_is_stale(struct totem_engine *engine, struct peer *peer, uint64_t ring_seq);
/** A join or leave arrived: maybe end the back-off of its sender or of a node that it names. */
void peer_reconsider(struct totem_engine *engine, struct peer *peer, bool is_leave);
/** Return whether the peer answers probes, and this node does too. */
bool peer_has_probes(const struct totem_engine *engine, const struct peer *peer);
/** The peer has answered a question, so both reach each other. Withdraw an accusation of this node against it. */
void peer_answered(struct totem_engine *engine, struct peer *peer);
/** The peer has answered that it hears this node, but that its ring ignores this node for another member's sake. */
void peer_kept_apart(struct totem_engine *engine, struct peer *peer);
/** A member says that it hears a node, and keeps it out for the sake of a third one. */
void peer_pardoned(struct totem_engine *engine, uint32_t accuser, uint32_t accused);
/** A member withdraws its accusation against a node. */
void peer_retracted(struct totem_engine *engine, uint32_t accuser, uint32_t accused);
/** Return whether the peer is in back-off because it and another member do not hear each other. */
bool peer_is_unwanted(const struct totem_engine *engine, const struct peer *peer);
/** Return whether to drop what the node sends: it is in back-off, or this ring is not yet installed at all members,
 * or this node has no link. */
bool peer_is_ignored(const struct totem_engine *engine, uint32_t id);
/**
 * Return whether this node must send no multicast until its back-off ends. It is alone, because a plain node
 * prefers a node that does not hear this one. Each packet of this node would make their ring gather.
 */
bool peer_is_quiet(const struct totem_engine *engine);
/** Return whether other nodes shall conclude first, so that their ring stays: this node was left out recently. */
bool peer_yields(const struct totem_engine *engine);
void peer_given_up(struct totem_engine *engine, uint32_t id); /* by our own consensus timer */
/** Note the nodes that the sender of a join (lists in join_proc, join_failed) has given up. */
void peer_accuse(struct totem_engine *engine, uint32_t accuser);
void peer_installed(struct totem_engine *engine); /* a configuration came into force */
void peer_backoff_expired(struct totem_engine *engine);

/* --- suspect.c --- */
void suspect_refused(struct totem_engine *engine, uint32_t id, const uint8_t *bytes, size_t size);
void suspect_told(struct totem_engine *engine, uint32_t id); /* a sign that proves nothing */
/** Note that a packet of the peer arrived: it lives, unless its kernel has closed its connection. */
void suspect_heard(struct totem_engine *engine, struct peer *peer);
void suspect_heard_all(struct totem_engine *engine); /* the token came */
/** Answer a probe. false: the frame is a plain merge detect. */
bool suspect_probe(struct totem_engine *engine, const struct coterie_frame *frame);
/** Ask a node whether it runs and hears this node, unless it was asked less than gap_ns ago. */
void suspect_ask(struct totem_engine *engine, struct peer *peer, uint64_t gap_ns);
/** Send WIRE_PROBE_RETRACT, PARDON or SILENT about the node id to all members that answer probes. */
void suspect_tell_members(struct totem_engine *engine, enum wire_probe_kind kind, uint32_t id);
void suspect_start(struct totem_engine *engine); /* a state in which questions are asked was entered */
void suspect_installed(struct totem_engine *engine); /* the same, and the neighbour may be another */
void suspect_connected(struct totem_engine *engine, uint32_t id);
void suspect_disconnected(struct totem_engine *engine, uint32_t id, enum connection_end end);
void suspect_expired(struct totem_engine *engine);
/** Give suspects more time if this process did not run, since an answer may wait in a socket. Called at each entry. */
void suspect_check_stall(struct totem_engine *engine);

/** Ask the sender of a leave whether it still runs. false: it cannot be asked, or was asked already. */
bool suspect_farewell(struct totem_engine *engine, struct peer *peer, struct coterie_frame *frame);

/* --- lease.c --- */
uint64_t lease_configured(const struct totem_engine *engine); /* for the next ring */
uint64_t lease_to_budget(uint64_t lease_ns); /* the least patience with a member that has announced it */
void lease_installed(struct totem_engine *engine); /* a configuration came into force */
void lease_gather(struct totem_engine *engine); /* GATHER was entered */
void lease_token(struct totem_engine *engine); /* it was accepted */
void lease_check_stall(struct totem_engine *engine); /* at each entry */
/** Note that the member, in the ring of this node, answered the question of at_ns. */
void lease_contact(struct totem_engine *engine, struct peer *peer, uint64_t at_ns);
/** Demand new proof of contact: the other members may be about to form a ring without this node. */
void lease_doubt(struct totem_engine *engine);
void lease_link_changed(struct totem_engine *engine);
void lease_expired(struct totem_engine *engine);

/* --- silence.c --- */
/** Return how long the member may be silent before it is removed. */
uint64_t silence_budget(const struct totem_engine *engine, const struct peer *peer);
/** Return how long the member has been silent. */
uint64_t silence_of(const struct totem_engine *engine, const struct peer *peer);
/** Return what the host of a silent member showed last: UNKNOWN if the member was heard since. */
enum totem_witness silence_witness(const struct totem_engine *engine, const struct peer *peer, uint64_t now_ns);
/** Ask callback `witness` for that, unless the member has answered the last question. */
void silence_ask_witness(struct totem_engine *engine, struct peer *peer);
/** Note that a timer of this node ran late_ns after its time. */
void silence_late(struct totem_engine *engine, uint64_t late_ns);
/** Note the vote of a member that has not heard the suspect for its budget. */
void silence_voted(struct totem_engine *engine, struct peer *voter, uint32_t suspect);
/** Return whether a vote of this node to remove the member may still count at another node. */
bool silence_is_voted(const struct totem_engine *engine, const struct peer *peer);
/** Return when the next budget of a member ends, or TOTEM_NEVER. */
uint64_t silence_next(const struct totem_engine *engine);
/** Vote on members that are silent beyond the budget. The engine may leave its state. */
void silence_check(struct totem_engine *engine);

/* --- evict.c --- */
/** Note the evidence for the removal of id in the present episode. */
void evict_note(struct totem_engine *engine, uint32_t id, enum totem_evidence evidence);
void evict_installed(struct totem_engine *engine); /* trace a record of each member in `left` */

/* --- timers.c --- */
void timer_set(struct totem_engine *engine, enum totem_timer timer, uint64_t delay_ns);
void timer_cancel(struct totem_engine *engine, enum totem_timer timer);
bool timer_is_set(const struct totem_engine *engine, enum totem_timer timer);
void timer_start_pause(struct totem_engine *engine);
void timer_start_token(struct totem_engine *engine); /* T-token and T-warning */
void timer_cancel_token(struct totem_engine *engine);
/** Start T-retransmit after the token was sent, or sent again. Its length: book ring, "Timers". */
void timer_start_retransmit(struct totem_engine *engine);
void timer_token_accepted(struct totem_engine *engine); /* sample the rotation */
/** Return the length of the shortest of the last few rotations, 0 if it is not known yet. */
uint64_t timer_shortest_rotation(const struct totem_engine *engine);
void timer_expired(struct totem_engine *engine, enum totem_timer timer);
/** Notice that this process did not run for a while: book failure, "Pauses". */
void timer_check_pause(struct totem_engine *engine);

/* --- extension.c --- */
uint64_t extension_own(const struct totem_engine *engine); /* the trailer of this node; 0: none */
/** A commit token's trailer: begin a new one, take over that of a received one, write the entry of this node. */
void extension_begin(struct totem_engine *engine);
void extension_copy(struct totem_engine *engine, const struct wire_commit_token *commit);
void extension_fill(struct totem_engine *engine, uint32_t index);
/** Return the lease that member number `index` of the new ring announced, nanoseconds, or 0. */
uint64_t extension_lease(const struct totem_engine *engine, uint32_t index);
uint64_t extension_agreed(const struct totem_engine *engine); /* AND of a complete trailer, or 0 */
/** Return how many frames the smallest receive buffer of the new ring holds, 0 if a member did not announce it. */
uint32_t extension_capacity(const struct totem_engine *engine);

#endif

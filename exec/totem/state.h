/*
 * The engine's state and what its files call of each other. Private to exec/totem. The members
 * of struct totem_engine have the names of book ring, "States".
 *
 * Life of a membership: 1 OPERATIONAL on `ring`, frames in `store`; 2 GATHER collects `proc` and
 * `failed` until all of proc - failed sent equal joins; 3 COMMIT: the commit token collects what
 * each member holds of its old ring, `ring` becomes the new id; 4 RECOVERY: a token runs on the new
 * ring, whose frames, in `rstore`, carry frames of old rings; 5 the configuration is installed,
 * `rstore` becomes `store`. From 2 to 4 any trouble leads back to 2; `old_ring` and `store` stay as
 * they are.
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

#define STORE_WINDOW 16384u /* consecutive seq that a store has room for; a power of two */
/* A node alone believes more: a ring that was attacked has to remain open for nodes with no history. */
#define RING_SEQ_LONE_MAX (TOTEM_RING_SEQ_JUMP_MAX + (UINT64_C(1) << 62))
/* What one join may add to the ring seq beyond TOTEM_RING_SEQ_JUMP_MAX. */
#define RING_SEQ_STEP_MAX (UINT64_C(1) << 20)
/* A commit token's: its representative may be a step ahead of this node, and has believed a join itself. */
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
	bool is_owed : 1; /* we still have to send it in recovery */
};

/* Frames of one ring by seq. released <= aru <= high_seq <= released + STORE_WINDOW. */
struct store {
	struct store_slot *slots; /* STORE_WINDOW, indexed by seq modulo */
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

/* That a member has not heard a node for its whole budget. */
struct vote {
	uint32_t id;
	uint64_t at_ns; /* 0: none */
};

/* How a connection to a member's daemon ended. */
enum connection_end {
	CONNECTION_OVER,   /* in a way that says nothing of the daemon */
	CONNECTION_RESET,  /* by its kernel, or by something in between */
	CONNECTION_CLOSED, /* in order, by its kernel, without a goodbye of the daemon */
};

/* What we remember about a node. */
struct peer {
	uint32_t id;
	uint32_t stale_count; /* joins in a row that were older than join_seq */
	uint64_t stale_since_ns;
	uint64_t join_seq;      /* highest ring seq it was seen to have committed to */
	uint64_t features;      /* of its last join */
	uint64_t heard_ns;      /* when it sent a join, or was heard on another ring */
	uint64_t heard_episode; /* last gather episode in which it sent a join */
	/* Signs of its death: suspect.c. */
	uint64_t sign_ns;      /* the first one since it was last heard; 0: none */
	uint64_t hint_ns;      /* the last one that proved nothing */
	uint64_t asked_ns;     /* when it was asked last */
	struct question asked[ASKED_MAX]; /* the last ones */
	uint32_t asked_count;
	uint32_t rounds;       /* questions since the first sign */
	uint32_t refused;      /* of our datagrams since then, for certain */
	uint32_t connections;  /* to its daemon, that are up */
	bool is_ended;         /* others have ended the last one; it has not answered since */
	bool is_closed;        /* … its kernel has, in order */
	uint64_t round_trip_ns; /* of late; 0: not measured */
	/* Contact, silence, and the record of its end: lease.c, silence.c, evict.c. */
	uint64_t alive_ns;     /* when its last packet came, but for frames, which others send again */
	uint64_t contact_ns;   /* when the last question was sent that it answered in our ring */
	uint64_t lease_ns;     /* that it announced for this ring; 0: none */
	struct vote votes[VOTES_MAX];
	uint64_t voted_ns;     /* when this node last voted to remove it; 0: never */
	uint64_t unanswered_ns; /* when a question was last found without an answer; 0: never */
	uint64_t witnessed_ns; /* when its host's kernel last showed what `witness` says; 0: never */
	enum totem_witness witness;
	enum totem_evidence evidence;
	uint64_t evidence_episode;
	uint64_t budget_ns;    /* that applied to it */
	uint64_t failed_us_episode; /* last gather episode in which its join said that we failed */
	struct coterie_frame *farewell; /* its leave, which waits for its answer; referenced, or NULL */
	uint64_t farewell_ns;   /* when that came */
	uint64_t left_episode;  /* last gather episode in which it said that it goes */
	uint64_t backoff_ns;    /* how long it is not listened to next time */
	uint64_t backoff_until_ns;
	uint64_t lift_ns;       /* not to be ended before then */
	uint64_t ask_until_ns;  /* so long we ask it whether it hears us, having accused it; 0: we did not */
	uint64_t accuser_episode;
	uint32_t accuser;          /* who gave it up in that episode */
	uint32_t backoff_accuser;  /* whose verdict the back-off follows; us: our own timer's */
	uint64_t given_up_episode; /* in which our own consensus timer failed it */
	uint64_t conflict_ns;
	uint64_t conflict_members; /* a hash of them */
	bool is_unheard;           /* by backoff_accuser; as far as we know it still is so */
	bool is_pardoned;          /* no: it is kept out for another one's sake */
	uint32_t pardons;          /* that we have sent, kept out as it is for another one's sake */
	uint32_t conflicts;        /* rings of these members formed without it though we heard it */
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
	struct frame_pool *pool; /* borrowed, outlives us */
	struct totem_callbacks callbacks;
	void *arg;
	struct totem_options options; /* .nodes is not valid: see known */
	struct node_set known;        /* configured ids; empty: anyone */
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
	uint64_t ring_seq_high;
	struct node_set memb; /* of the installed ring */
	struct node_set proc, failed, consensus;
	struct node_set new_memb, trans, deliver;
	struct node_set live; /* proc - failed, when computed last */
	struct node_set left, joined, join_proc, join_failed; /* scratch */
	struct peer *peers; /* ascending by id, peer_count of WIRE_NODES_MAX */
	uint32_t peer_count;
	uint64_t features;     /* agreed on for the installed ring; 0: none */
	uint64_t new_features; /* for the one being formed */

	/* Frames. */
	struct store store, rstore;
	uint32_t high_delivered;
	struct pack_queue *q_new, *q_sync;
	bool is_new_open, is_sync_open; /* the last frame sent from it ended inside a message */
	struct unpack *unpack;
	bool is_sync_wait;   /* q_sync is used */
	bool is_unpack_sync; /* what is delivered belongs to the synchronisation */
	bool wants_room;
	uint32_t this_seqno;
	struct coterie_frame **outbox; /* frames of this visit; borrowed from the store */
	uint32_t outbox_count;          /* at most WINDOW_MAX */

	/* The token. */
	struct wire_token pending; /* newest valid one of the batch */
	bool has_pending;
	bool is_store_dirty;         /* frames came in since aru was computed */
	struct wire_token token;     /* as we sent it, or will when it is let go */
	struct coterie_frame *saved; /* last token or commit token, for retransmission */
	uint32_t saved_target;
	uint32_t tseq;
	uint32_t a_prev, a_last; /* aru fields of the last two accepted tokens, as received */
	uint32_t a_known;        /* how many of these two are valid on this ring */
	uint32_t seen_seq, unchanged;
	uint64_t changed_ns; /* when seen_seq last did */
	uint64_t merge_at_ns; /* the next merge detect is due with the token from then on; 0: T-merge's */
	uint64_t merged_seq;  /* of the ring that has sent one */
	uint32_t trc, pbl;
	struct window window; /* of the ring whose token runs */
	uint32_t visit_sent; /* new and re-sent frames of the current visit */
	uint32_t visit_new;  /* of these the new ones in the outbox */
	uint32_t aru_count;
	uint64_t aru_since_ns;
	bool is_held;     /* the token is, or is about to be, held */
	bool is_holding;  /* by us: we are the representative and have it, or it is_lingering */
	bool is_visiting; /* it is here and frames can still be sent */
	bool is_originated;

	/* A lone sender keeps the token: linger.c. */
	bool is_lingering;         /* we do */
	bool has_more;             /* the outside has, beyond what this visit took */
	bool has_lingered;         /* some member has, in the rotation before the last token */
	bool is_last_ours;         /* in the last rotation in which anybody sent we alone did */
	uint64_t linger_until_ns;
	uint64_t gather_until_ns;  /* then what the outbox has goes out */
	uint32_t turns;            /* delivered since the window was steered: runs of frames of one member */
	uint32_t turn_source;      /* whose the last one is */
	uint32_t lone;             /* rotations in a row in which nobody else sent and nothing was lost */
	uint32_t silent;           /* visits in a row in which we sent nothing */
	uint32_t lingers_seen;     /* in the last token */
	bool has_failed_to_receive;

	/* Retransmission of the token: book ring, "Timers". */
	uint64_t rotations_ns[ROTATION_SAMPLES];
	uint32_t rotation_count;
	uint64_t rotation_ns;      /* of the rotation that this visit ended; 0: it tells nothing */
	uint64_t rotation_quartile_ns;
	uint64_t accepted_ns;      /* when the last token was; 0: not on this ring */
	uint32_t retransmit_count; /* since then */
	bool is_progress_seen;     /* our successor got the token */

	/* Recovery. */
	struct commit commit;
	bool received_flg;
	bool is_promised;       /* we owe `deliver` what we received */
	struct ring_id promise; /* stands for our past in later attempts */
	uint32_t high_ring_delivered;
	uint32_t owed_next, owed_end, owed_count; /* q_rec: old seqs that are marked is_owed */
	uint32_t flg_count, rotations, install_seq;
	bool is_flg_mine;

	/* Membership. */
	uint64_t episode; /* counts departures from OPERATIONAL */
	uint64_t episode_ns; /* when it began */
	uint32_t join_rounds;
	uint64_t returned_ns; /* when a member with an outage was heard again last; 0: never */
	uint64_t agree_by_ns; /* a wait for late paths ends then: late_path.c */
	bool is_conclusion_due; /* the margin of a majority has passed: gather.c */
	bool is_pausing;       /* shortly after a pause: stale packets are dropped */
	bool is_token_overdue; /* T-token ran out during the pause */
	uint64_t last_entry_ns, entry_gap_ns; /* when this node ran last, and for how long it had not then */
	uint64_t heard_ns;      /* when anybody else's packet came last */

	/* Questions to peers. */
	bool has_suspects;
	bool has_farewells;
	bool is_farewell_over; /* the leave that is being handled has waited */

	/* Contact and silence. */
	bool is_lease_held;      /* as the outside was told */
	uint64_t announced_ns;   /* the lease that the other members wait for; 0: none was announced */
	uint64_t contact_ns;     /* with all members, by a token */
	uint64_t doubt_ns;       /* contact from before proves nothing */
	uint64_t unproved_ns;    /* a token proves contact only if this node has passed one on since then */
	uint64_t all_alive_ns;   /* when a token was accepted that every member had passed on */
	bool was_held;           /* the ring was idle then: its holder keeps the token for a while */
	uint64_t awake_ns;       /* this node did not run right before that */
	uint64_t late_ns;        /* how late it ran of late */
	uint64_t late_until_ns;  /* until then that gives others more time */

	uint64_t token_sent_ns; /* to our successor */
	bool is_heartbeat_used;

#ifdef TOTEM_HOOKS
	enum totem_mutant_id mutant;
	uint32_t quirks;
#endif
};

/* --- engine.c --- */
/** A packet is dropped. why: enum wire_refusal or TOTEM_REFUSED_*. */
void engine_refuse(struct totem_engine *engine, uint32_t why, uint32_t node);
void engine_trace(struct totem_engine *engine, const struct totem_trace *trace);
void engine_trace_frame(struct totem_engine *engine, enum totem_trace_kind kind,
	const struct ring_id *ring, uint32_t seq, uint32_t node);
void engine_set_state(struct totem_engine *engine, enum totem_state state, uint32_t cause);
/** One frame to all; taken. NULL is ignored. */
void engine_multicast(struct totem_engine *engine, struct coterie_frame *frame);
/**
 * Return whether a ring seq from outside leaves room for many more. Beyond TOTEM_RING_SEQ_JUMP_MAX, for a node
 * alone beyond RING_SEQ_LONE_MAX, it may be step_max above the ring that this node last committed to: what packets claim between two rings does not add up. An absolute
 * bound would not do: one forged packet could take all rings there, and then no node would accept the next one.
 */
bool engine_believes(const struct totem_engine *engine, uint64_t ring_seq, uint64_t step_max);
bool engine_knows(const struct totem_engine *engine, uint32_t id);
bool engine_is_rep(const struct totem_engine *engine); /* of `ring` */
/** Of the ring whose token runs: rstore in RECOVERY. */
struct store *engine_store(struct totem_engine *engine);
const struct node_set *engine_members(const struct totem_engine *engine); /* of `ring` */
uint32_t engine_successor(const struct totem_engine *engine);
uint32_t engine_predecessor(const struct totem_engine *engine);
uint64_t engine_random(struct totem_engine *engine);
/*
 * Sets have room for WIRE_NODES_MAX from the start, so that these need no memory; what would not
 * fit is left out.
 */
void set_add(struct node_set *set, uint32_t id);
void set_unite(struct node_set *to, const struct node_set *from);
void set_copy(struct node_set *to, const struct node_set *from);

/* --- receive.c --- */
void receive_frame(struct totem_engine *engine, struct coterie_frame *frame);
void receive_token(struct totem_engine *engine, struct coterie_frame *frame);
/** Account for what the batch brought so far: aru, delivery, then the newest token. */
void receive_settle(struct totem_engine *engine);

/* --- store.c --- */
int store_init(struct store *store, uint32_t base); /* -ENOMEM */
void store_fini(struct store *store);
/** Drop everything; the next frame is base + 1. */
void store_reset(struct store *store, uint32_t base);
/** seq is in the window: neither freed nor too far ahead. */
bool store_fits(const struct store *store, uint32_t seq);
/** The slot of seq, which must fit. */
struct store_slot *store_slot(const struct store *store, uint32_t seq);
/** The slot when the frame is there, else NULL. Any seq. */
struct store_slot *store_find(const struct store *store, uint32_t seq);
/** Keep a frame (referenced). false: no room for its seq, or it is there already. */
bool store_put(struct store *store, const struct wire_mcast *mcast, struct coterie_frame *frame);
void store_advance(struct store *store); /* recompute aru */
/** Drop what is behind seq, which has not been freed. */
void store_truncate(struct store *store, uint32_t seq);
/** Free everything up to seq, which must not be behind high_seq. */
void store_release(struct totem_engine *engine, uint32_t seq);

/* --- deliver.c --- */
void deliver_ready(struct totem_engine *engine);         /* book ring, "Delivery" */
/* At an installation, before and after the transitional configuration: book membership, "Installation". */
void deliver_regular(struct totem_engine *engine);
void deliver_transitional(struct totem_engine *engine);
bool deliver_is_safe(const struct totem_engine *engine); /* the installed ring honours SAFE */

/* --- token.c --- */
void token_visit(struct totem_engine *engine, const struct wire_token *token);
/** The representative lets a held token go, after sending what waits. */
void token_let_go(struct totem_engine *engine);
/** With the token here: send what was queued since the visit, as a part of it. */
void token_send_late(struct totem_engine *engine);
/** The end of a visit, or of such a part: deliver, free, tell. */
void token_finish(struct totem_engine *engine, bool was_refused);
void token_originate(struct totem_engine *engine); /* first one of a ring */
void token_wake(struct totem_engine *engine);      /* something waits to be sent */
void token_hold_cancel(struct totem_engine *engine, struct coterie_frame *frame);
/** Keep frame (referenced) for retransmission and send it to target. */
void token_send_saved(struct totem_engine *engine, struct coterie_frame *frame, uint32_t target);
void token_note_seq(struct totem_engine *engine, uint32_t seq); /* count visits without a new frame */

/* --- linger.c --- */
void linger_reset(struct totem_engine *engine); /* a ring begins */
void linger_note(struct totem_engine *engine, const struct wire_token *token); /* it was accepted */
/** At the end of a visit: keep the token? */
bool linger_is_due(const struct totem_engine *engine);
void linger_begin(struct totem_engine *engine, struct wire_token *token);
/** The visit is over, but the token is still here: is that right, by what was delivered? */
void linger_settle(struct totem_engine *engine);
/** The next turn follows at once: what the outbox has goes out with what that one sends. */
bool linger_is_gathering(const struct totem_engine *engine);
void linger_turn(struct totem_engine *engine); /* something waits, or it is enough */
/** Another member may be keeping the token from us. */
bool linger_is_likely(const struct totem_engine *engine);

/* --- early.c --- */
/** At the end of a visit whose frames are in the outbox: is the token to go first? */
bool early_is_due(const struct totem_engine *engine);
/** Of the new ring: rotations whose frames may wait in a receive buffer together, 1 or 2. */
uint32_t early_rotations(const struct totem_engine *engine);

/* --- flow.c --- */
/** Frames that are worth keeping in a queue of `total`; see totem_queue. */
uint32_t flow_wanted(const struct totem_engine *engine, uint32_t total);
/** Frames that all together may send in a rotation. */
uint32_t flow_window_size(const struct totem_engine *engine, const struct wire_token *token);
/** The representative decides on the next rotation's window. */
void flow_steer(struct totem_engine *engine, struct wire_token *token);
/** Frames this visit may send by window and max_messages. */
uint32_t flow_window(const struct totem_engine *engine, const struct wire_token *token);
/** … and by the share of the backlog: book ring, "Flow control". */
uint32_t flow_allowed(
	const struct totem_engine *engine, const struct wire_token *token, uint32_t waiting);
/** Of an idle ring's token: take out of fcc and backlog what nobody has added. */
void flow_heal(const struct totem_engine *engine, struct wire_token *token);
void flow_account(struct totem_engine *engine, struct wire_token *token, uint32_t waiting);
uint32_t flow_waiting(const struct totem_engine *engine); /* cbl */
void flow_flush(struct totem_engine *engine);
/** Give seqs to up to `allowed` waiting frames and put them in the outbox. Returns how many. */
uint32_t flow_send(struct totem_engine *engine, struct wire_token *token, uint32_t allowed);
void flow_outbox_add(struct totem_engine *engine, struct coterie_frame *frame);
void flow_outbox_flush(struct totem_engine *engine);

/* --- retransmit.c --- */
/** Answer the token's requests; returns how many frames were put in the outbox. */
uint32_t retransmit_answer(struct totem_engine *engine, struct wire_token *token, uint32_t allowed);
void retransmit_request(struct totem_engine *engine, struct wire_token *token);

/* --- gather.c --- */
void gather_enter(struct totem_engine *engine, enum gather_cause cause);
void gather_join(struct totem_engine *engine, struct coterie_frame *frame);
void gather_send_join(struct totem_engine *engine);
void gather_leave(struct totem_engine *engine);
void gather_join_expired(struct totem_engine *engine);
void gather_consensus_expired(struct totem_engine *engine);
void gather_token_expired(struct totem_engine *engine);
void gather_link_up(struct totem_engine *engine);
void gather_link_down(struct totem_engine *engine); /* the last one */
/** Form a ring without id, for that evidence. */
void gather_fail(struct totem_engine *engine, uint32_t id, enum totem_evidence evidence);

/* --- late_path.c --- */
void late_path_gather(struct totem_engine *engine); /* GATHER was entered */
/** A join of peer came, which is not in its record yet. */
void late_path_note(struct totem_engine *engine, const struct peer *peer);
/** Return whether nodes of `live` may not hear each other yet, so that a commit token would be lost. */
bool late_path_is_likely(const struct totem_engine *engine);

/* --- commit.c --- */
void commit_create(struct totem_engine *engine); /* candidates are in `live` */
void commit_arrived(struct totem_engine *engine, struct coterie_frame *frame);

/* --- recovery.c --- */
void recovery_enter(struct totem_engine *engine);
void recovery_leave(struct totem_engine *engine); /* the attempt failed */
/** What is inside a frame of the recovery, before that is stored. false: no memory, drop it. */
bool recovery_frame(
	struct totem_engine *engine, const struct wire_mcast *outer, struct coterie_frame *frame);
/** A new frame with an old-ring one inside it; the outer header is still to be written. NULL: no
 * memory. */
struct coterie_frame *recovery_wrap(struct totem_engine *engine, const struct coterie_frame *inner);
/** Everybody has everything, but it does not end for long: the flag, or a seq, was forged. */
bool recovery_is_stuck(const struct totem_engine *engine, const struct wire_token *token);
void recovery_step(struct totem_engine *engine, struct wire_token *token); /* may install */

/* --- configure.c --- */
void configure_install(struct totem_engine *engine);

/* --- merge.c --- */
/** A frame or a merge detect of another ring. */
void merge_foreign(
	struct totem_engine *engine, uint32_t node, const struct ring_id *ring, bool is_frame);
void merge_detect(struct totem_engine *engine, struct coterie_frame *frame);
void merge_expired(struct totem_engine *engine);
/** The ring is idle: other rings hear of it now and then. */
void merge_idle(struct totem_engine *engine);
void merge_busy(struct totem_engine *engine);

/* --- peer.c --- */
/** The node's record, made when there is none; NULL: not known, or no room. */
struct peer *peer_get(struct totem_engine *engine, uint32_t id);
struct peer *peer_find(const struct totem_engine *engine, uint32_t id);
/** The join is older than one seen; a node that lost its storage is believed after a while. */
bool peer_is_stale(struct totem_engine *engine, struct peer *peer, uint64_t ring_seq);
/** A join or leave came: maybe its sender, or somebody it names, is to be listened to again. */
void peer_reconsider(struct totem_engine *engine, struct peer *peer, bool is_leave);
/** It answers questions, and so do we. */
bool peer_has_probes(const struct totem_engine *engine, const struct peer *peer);
/** It has answered a question: we reach each other. If we had accused it, we take that back. */
void peer_answered(struct totem_engine *engine, struct peer *peer);
/** It has answered that it hears us, but that its ring does not want us for another member's sake. */
void peer_kept_apart(struct totem_engine *engine, struct peer *peer);
/** A member says that it is not for its own sake that a node is kept out. */
void peer_pardoned(struct totem_engine *engine, uint32_t accuser, uint32_t accused);
/** A member takes back what it said about a node. */
void peer_retracted(struct totem_engine *engine, uint32_t accuser, uint32_t accused);
/** In back-off because another member does not hear it, or is not heard by it. */
bool peer_is_unwanted(const struct totem_engine *engine, const struct peer *peer);
/** Not listened to for now: in back-off, because our own ring is not yet installed everywhere, or
 * because nothing that we say gets out. */
bool peer_is_ignored(const struct totem_engine *engine, uint32_t id);
/**
 * Alone, because a plain node sided with somebody who does not hear us. It gathers whenever it hears us, and
 * its ring with it: until the back-off ends nothing is multicast.
 */
bool peer_is_quiet(const struct totem_engine *engine);
/** Left out by a node that we hear, not long ago: the others shall conclude first, so that their ring stays. */
bool peer_yields(const struct totem_engine *engine);
/** Note whom the sender of a join (lists in join_proc, join_failed) has given up. */
void peer_given_up(struct totem_engine *engine, uint32_t id); /* by our own consensus timer */
void peer_accuse(struct totem_engine *engine, uint32_t accuser);
void peer_installed(struct totem_engine *engine); /* a configuration came into force */
void peer_backoff_expired(struct totem_engine *engine);

/* --- suspect.c --- */
void suspect_refused(struct totem_engine *engine, uint32_t id, const uint8_t *bytes, size_t size);
void suspect_told(struct totem_engine *engine, uint32_t id); /* a sign that proves nothing */
/** A packet of it came: it lives, unless its kernel has closed its connection. */
void suspect_heard(struct totem_engine *engine, struct peer *peer);
void suspect_heard_all(struct totem_engine *engine); /* the token came */
/** A merge detect that is a probe is answered, and is no merge detect. */
bool suspect_probe(struct totem_engine *engine, const struct coterie_frame *frame);
/** Ask a node whether it runs and hears this node, if that was asked gap_ns ago or more. */
void suspect_ask(struct totem_engine *engine, struct peer *peer, uint64_t gap_ns);
/** Send all members that answer questions a word about the node id: WIRE_PROBE_RETRACT, PARDON or SILENT. */
void suspect_tell_members(struct totem_engine *engine, enum wire_probe_kind kind, uint32_t id);
void suspect_start(struct totem_engine *engine); /* a state in which questions are asked was entered */
void suspect_installed(struct totem_engine *engine); /* the same, and the neighbour may be another */
void suspect_connected(struct totem_engine *engine, uint32_t id);
void suspect_disconnected(struct totem_engine *engine, uint32_t id, enum connection_end end);
void suspect_expired(struct totem_engine *engine);
/** At each entry. After a while in which this process did not run, the answer may wait in a socket. */
void suspect_check_stall(struct totem_engine *engine);

/** A leave of a member came: it is asked whether it runs. false: it cannot be, or it has been. */
bool suspect_farewell(struct totem_engine *engine, struct peer *peer, struct coterie_frame *frame);

/* --- lease.c --- */
uint64_t lease_configured(const struct totem_engine *engine); /* for the next ring */
uint64_t lease_to_budget(uint64_t lease_ns); /* the least patience with a member that has announced it */
void lease_installed(struct totem_engine *engine); /* a configuration came into force */
void lease_gather(struct totem_engine *engine); /* GATHER was entered */
void lease_token(struct totem_engine *engine); /* it was accepted */
void lease_check_stall(struct totem_engine *engine); /* at each entry */
/** The member answered, in our ring, what was asked at at_ns. */
void lease_contact(struct totem_engine *engine, struct peer *peer, uint64_t at_ns);
/** The others may be about to go on without this node: contact has to be proved anew. */
void lease_doubt(struct totem_engine *engine);
void lease_link_changed(struct totem_engine *engine);
void lease_expired(struct totem_engine *engine);

/* --- silence.c --- */
/** How long the member may be silent before it is removed. */
uint64_t silence_budget(const struct totem_engine *engine, const struct peer *peer);
/** For how long it has been. */
uint64_t silence_of(const struct totem_engine *engine, const struct peer *peer);
/** What the host of a silent member showed last; nothing is known of one that was heard since. */
enum totem_witness silence_witness(const struct totem_engine *engine, const struct peer *peer, uint64_t now_ns);
/** Ask the outside for it, unless the member has answered the last question. */
void silence_ask_witness(struct totem_engine *engine, struct peer *peer);
/** A timer of this node ran late_ns after its time. */
void silence_late(struct totem_engine *engine, uint64_t late_ns);
/** A member says that it has not heard suspect for its budget. */
void silence_voted(struct totem_engine *engine, struct peer *voter, uint32_t suspect);
/** Whether this node's vote to remove the member may still count somewhere. */
bool silence_is_voted(const struct totem_engine *engine, const struct peer *peer);
/** When the next member's budget ends; TOTEM_NEVER: there is none. */
uint64_t silence_next(const struct totem_engine *engine);
/** Vote on members that are silent beyond the budget. The engine may leave its state. */
void silence_check(struct totem_engine *engine);

/* --- evict.c --- */
/** This is why id is removed, in the present episode. */
void evict_note(struct totem_engine *engine, uint32_t id, enum totem_evidence evidence);
void evict_installed(struct totem_engine *engine); /* trace a record of each member in `left` */

/* --- timers.c --- */
void timer_set(struct totem_engine *engine, enum totem_timer timer, uint64_t delay_ns);
void timer_cancel(struct totem_engine *engine, enum totem_timer timer);
bool timer_is_set(const struct totem_engine *engine, enum totem_timer timer);
void timer_start_pause(struct totem_engine *engine);
void timer_start_token(struct totem_engine *engine); /* T-token and T-warning */
void timer_cancel_token(struct totem_engine *engine);
/** T-retransmit after sending, or sending again. Its length: book ring, "Timers". */
void timer_start_retransmit(struct totem_engine *engine);
void timer_token_accepted(struct totem_engine *engine); /* sample the rotation */
/** The shortest of the last few rotations; 0: not known yet. */
uint64_t timer_shortest_rotation(const struct totem_engine *engine);
void timer_expired(struct totem_engine *engine, enum totem_timer timer);
/** Notice that we did not run for a while: book failure, "Pauses". */
void timer_check_pause(struct totem_engine *engine);

/* --- extension.c --- */
uint64_t extension_own(const struct totem_engine *engine); /* what we announce; 0: nothing */
/** Take over a commit token's trailer and add our entry at `index`. */
void extension_begin(struct totem_engine *engine);
void extension_copy(struct totem_engine *engine, const struct wire_commit_token *commit);
void extension_fill(struct totem_engine *engine, uint32_t index);
/** The lease that member number `index` of the new ring announced, nanoseconds; 0: none. */
uint64_t extension_lease(const struct totem_engine *engine, uint32_t index);
uint64_t extension_agreed(const struct totem_engine *engine); /* AND of a complete trailer, or 0 */
/** Frames that the smallest receive buffer of the new ring holds; 0: not all members have told. */
uint32_t extension_capacity(const struct totem_engine *engine);

#endif

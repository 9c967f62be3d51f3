/*
 * The ordered-delivery engine: Totem single ring with extended virtual synchrony (Amir, Moser,
 * Melliar-Smith, Agarwal, Ciarfella 1995; the rules: docs/protocol/). A pure state machine: no
 * sockets, no clock, no globals; time is an argument, everything else a callback. Many engines live in
 * one process. The same object code runs in the daemon and in the simulator.
 */
#ifndef TOTEM_ENGINE_H
#define TOTEM_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "exec/totem/frame.h"
#include "exec/totem/ring_id.h"

struct totem_engine;

enum totem_state {
	TOTEM_OPERATIONAL,
	TOTEM_GATHER,
	TOTEM_COMMIT,
	TOTEM_RECOVERY,
};

enum totem_guarantee {
	TOTEM_AGREED = 0,
	TOTEM_SAFE = 1,
};

/** Timers of book ring, "Timers". Each is one-shot; setting a running one replaces it. */
enum totem_timer {
	TOTEM_TIMER_TOKEN,
	TOTEM_TIMER_RETRANSMIT,
	TOTEM_TIMER_HOLD,
	TOTEM_TIMER_JOIN,
	TOTEM_TIMER_CONSENSUS,
	TOTEM_TIMER_MERGE,
	TOTEM_TIMER_HEARTBEAT,
	TOTEM_TIMER_PAUSE,
	TOTEM_TIMER_WARNING,
	TOTEM_TIMER_SEND_JOIN, /* the random delay before a join, as a timer */
	TOTEM_TIMER_BACKOFF,   /* an asymmetric peer may be listened to again */
	TOTEM_TIMER_PROBE,     /* the next question to a suspect */
	TOTEM_TIMER_LEASE,     /* the token is late: members are asked, and voted on */
	TOTEM_TIMER_COUNT,
};
#define TOTEM_NEVER UINT64_MAX

/** A configuration. Lists are ascending, borrowed for the call. */
struct totem_configuration {
	bool is_regular;
	struct ring_id ring;     /* of the new ring, in both kinds */
	const uint32_t *members;
	uint32_t member_count;
	const uint32_t *left;    /* transitional: members of the old configuration that do not come along */
	uint32_t left_count;
	const uint32_t *joined;  /* regular: members that come from elsewhere */
	uint32_t joined_count;
	bool is_safe_honoured;   /* every member implements safe delivery */
};

/** A delivered message. All borrowed for the call. */
struct totem_message {
	uint32_t source;         /* node id */
	bool is_swapped;         /* numbers inside are in the other byte order */
	const struct iovec *iov; /* parts in order: group prefix, then the user's bytes */
	size_t count;
	size_t size;             /* of all parts */
	uint32_t seq;            /* of the frame in which it ends, in the ring in which it was sent; wraps */
	uint32_t place;          /* among the messages that end in that frame, from 0 */
};

/** Events for logs, counters of the map and the simulator's checkers. */
enum totem_trace_kind {
	TOTEM_TRACE_ORDERED,   /* we gave a frame seq on ring; node: us */
	TOTEM_TRACE_RECEIVED,  /* frame seq of ring entered the store for the first time; node: originator */
	TOTEM_TRACE_FREED,     /* frame seq of ring freed */
	TOTEM_TRACE_TOKEN,     /* token accepted: seq = token_seq, value = its aru, node: forwarder */
	TOTEM_TRACE_STATE,     /* state entered: value = enum totem_state, cause = gather cause */
	TOTEM_TRACE_STORED,    /* ring id stored */
	TOTEM_TRACE_INSTALLED, /* regular configuration in force; value = install_seq */
	TOTEM_TRACE_REFUSED,   /* a packet was dropped: value = enum wire_refusal or a TOTEM_REFUSED_*; node: claimed sender */
	TOTEM_TRACE_FAILED_TO_RECEIVE,
	TOTEM_TRACE_TOKEN_LOST,
	TOTEM_TRACE_TOKEN_LATE,     /* T-warning; value = ms since the last */
	TOTEM_TRACE_CANNOT_GATHER,  /* more than 3 expiries; value = expiries in a row */
	TOTEM_TRACE_PAUSED,         /* we did not run for value ms */
	TOTEM_TRACE_BACKOFF,        /* node is not listened to for value ms */
	TOTEM_TRACE_RETRANSMITTED,  /* frame seq sent again for a retransmit list */
	TOTEM_TRACE_REQUESTED,      /* frame seq put on the retransmit list */
	TOTEM_TRACE_SUSPECTED,      /* a sign that node's daemon is gone; it is asked */
	TOTEM_TRACE_CLEARED,        /* node was suspected for value us, and lives */
	TOTEM_TRACE_CONVICTED,      /* node was suspected for value us, and its end is certain: it is removed */
	TOTEM_TRACE_ALONE,          /* a ring of one is installed, not by others' wish; value = enum totem_alone */
	TOTEM_TRACE_UNHEARD,        /* node and the member in seq do not hear each other */
	TOTEM_TRACE_EVICTED,        /* node is not in the configuration that is being installed: `eviction` says why */
	TOTEM_TRACE_RING_SEQ_END,   /* no ring can be formed: the next one would have the seq TOTEM_RING_SEQ_END */
	TOTEM_TRACE_LEASE,          /* the lease ended (value 0) or began again (value 1) */
	TOTEM_TRACE_WITNESSED,      /* node is silent for value ms; cause = enum totem_witness, which has changed */
};

/** Why a node goes on alone. */
enum totem_alone {
	TOTEM_ALONE_CUT,        /* it has no link */
	TOTEM_ALONE_DEAF,       /* nobody has been heard since before the token was missed */
	TOTEM_ALONE_UNANSWERED, /* others are, or were, heard, but do not agree */
};

/** Why a member of the last configuration is not in the next one. */
enum totem_evidence {
	TOTEM_EVIDENCE_LEFT,      /* it sent a leave */
	TOTEM_EVIDENCE_CLOSED,    /* its kernel closed its connection, refused our datagrams, and it was silent since */
	TOTEM_EVIDENCE_VOTED,     /* a majority of the ring had not heard it for the silence budget */
	TOTEM_EVIDENCE_SILENT,    /* not heard for the token timeout and the consensus timeout */
	TOTEM_EVIDENCE_DISAGREED, /* heard, but it did not agree to a membership within the consensus timeout */
	TOTEM_EVIDENCE_NAMED,     /* a join of `accuser` named it failed, and this node knows no more */
};

/** What the kernel of a silent member's host shows. The numbers are those of COTERIE_WITNESS_*. */
enum totem_witness {
	TOTEM_WITNESS_UNKNOWN, /* there is no connection to it, or it is too early to tell */
	TOTEM_WITNESS_ANSWERS, /* the host answers: the daemon is stopped or starves */
	TOTEM_WITNESS_SILENT,  /* the host does not answer either: it is gone, or its link or path */
};

/** The record of one eviction. Lists are borrowed for the call of `trace`. */
struct totem_eviction {
	uint32_t nodeid;
	enum totem_evidence evidence;
	uint32_t accuser;       /* TOTEM_EVIDENCE_NAMED: the member; otherwise this node */
	const uint32_t *agreed; /* members that agreed to it, ascending, this node included */
	uint32_t agreed_count;
	uint64_t silent_ns;     /* since this node last received a packet from it */
	uint64_t budget_ns;     /* the patience that applied; 0: the evidence was certain, none did */
	enum totem_witness witness; /* as known last during its silence; names the cause, decides nothing */
};

/**
 * Reasons beyond enum wire_refusal: sensible bytes that do not fit the state
 * (book compatibility, "Hostile packets").
 */
enum totem_refusal {
	TOTEM_REFUSED_TOKEN = 100,  /* seq, aru or list out of any window */
	TOTEM_REFUSED_FRAME,        /* seq far ahead; originator not a member; inner frame malformed */
	TOTEM_REFUSED_JOIN,         /* unknown node, or more candidates than allowed */
	TOTEM_REFUSED_COMMIT,       /* we are not where the index says, or not what was committed to */
	TOTEM_REFUSED_PACKET,       /* group-layer packet malformed */
	TOTEM_REFUSED_STALE,        /* join older than one seen */
	TOTEM_REFUSED_SEQ,          /* join with a ring seq far beyond that of this node */
};

struct totem_trace {
	enum totem_trace_kind kind;
	enum totem_state state;
	uint32_t node;
	uint32_t seq;
	uint64_t value;
	uint32_t cause;
	struct ring_id ring;
	const struct coterie_frame *frame; /* TOTEM_TRACE_ORDERED: the frame, borrowed; else NULL */
	const struct totem_eviction *eviction; /* TOTEM_TRACE_EVICTED: the record, borrowed; else NULL */
};

/**
 * What the engine asks of the outside. Called from inside the entry points below and from nowhere else.
 * A callback must not enter the engine again, except for totem_engine_send, totem_engine_synchronized and
 * the getters, which may be called from every callback.
 */
struct totem_callbacks {
	/**
	 * Send frames to all nodes, this one included: the outside feeds them back into
	 * totem_engine_receive on a later turn (frames that carry messages need not be: the engine has
	 * them already). Borrowed; reference what is kept.
	 */
	void (*multicast)(void *arg, struct coterie_frame *const *frames, size_t count);
	/** Send one frame to one node (maybe this one). */
	void (*token)(void *arg, uint32_t nodeid, struct coterie_frame *frame);
	/** TOTEM_NEVER cancels. Times are of the `now_ns` arguments' clock. */
	void (*timer)(void *arg, enum totem_timer timer, uint64_t at_ns);
	void (*deliver)(void *arg, const struct totem_message *message);
	void (*configure)(void *arg, const struct totem_configuration *configuration);
	/** Make it durable before it returns 0. Negative errno: the engine does not use the ring id. */
	int (*store_ring_id)(void *arg, const struct ring_id *id);
	/**
	 * Report the end of this member's daemon (TOTEM_EVENT_WATCH_CLOSED), and no longer that of another member;
	 * 0: of none. Called at each ring. An idle ring sends nothing to find out whether its members live. May be
	 * NULL.
	 */
	void (*watch)(void *arg, uint32_t nodeid);
	/**
	 * Send this frame to the port of nodeid's daemon so that its kernel refuses it when no daemon runs there,
	 * and report the refusal with totem_engine_refused. NULL: `token` sends such datagrams.
	 */
	void (*poke)(void *arg, uint32_t nodeid, struct coterie_frame *frame);
	/**
	 * Return whether the host of this member has answered since the first call of this silence, as far as is
	 * known. Called again and again while the member leaves questions without an answer. Decides nothing. May be
	 * NULL.
	 */
	enum totem_witness (*witness)(void *arg, uint32_t nodeid, bool is_first);
	/**
	 * The lease ended (false) or began again (true): see totem_engine_has_lease. Requests that need quorum
	 * wait while there is none. May be NULL.
	 */
	void (*lease)(void *arg, bool is_held);
	/**
	 * The token is here and usable. What is given to totem_engine_send now goes out now. May be NULL.
	 *
	 * @return more waits outside, which there was no room for: the token is not kept then
	 */
	bool (*visit)(void *arg);
	/**
	 * The token stays here though `visit` has nothing more: what is given to totem_engine_send from now
	 * on goes out on the next turn, so that it had better be given at once. May be NULL.
	 */
	void (*lingering)(void *arg);
	/**
	 * The token has been passed on and a step of the synchronisation may run
	 * (book sync, "A round"). May be NULL.
	 */
	void (*passed)(void *arg);
	/** totem_engine_send has room again after it returned -EAGAIN. May be NULL. */
	void (*room)(void *arg);
	/** May be NULL. */
	void (*trace)(void *arg, const struct totem_trace *trace);
};

/**
 * Ring seqs up to here are believed at once, whoever sends them: a node that is new, or was away, has a small one. No
 * cluster gets here by forming rings. Beyond, a packet can raise the seq by 2^20 to 3 * 2^20 for each ring that is formed.
 */
#define TOTEM_RING_SEQ_JUMP_MAX (UINT64_C(1) << 63)
/** No ring has this seq or a higher one, so that no sum wraps. */
#define TOTEM_RING_SEQ_END (UINT64_MAX - (UINT64_C(1) << 22))

/** Durations in nanoseconds, already computed (book configuration, "Timers"). */
struct totem_options {
	uint32_t nodeid;             /* own, not 0 */
	uint64_t ring_seq;           /* last stored ring sequence; 0: none; below TOTEM_RING_SEQ_END */
	const uint32_t *nodes;       /* configured node ids, own included; copied. Others' joins are ignored */
	uint32_t node_count;         /* 0: anyone may join, up to WIRE_NODES_MAX */
	uint32_t payload_max;        /* M: bytes behind the 45-byte header of a frame */
	uint64_t token_ns, token_retransmit_ns, hold_ns, join_ns, send_join_ns, consensus_ns, merge_ns;
	uint64_t max_network_delay_ns;
	uint32_t heartbeat_failures_allowed;
	uint32_t token_warning_percent; /* 0: off */
	uint32_t fail_recv_const;
	uint32_t seqno_unchanged_const;
	uint32_t window_size, max_messages, miss_count_const;
	bool cancel_token_hold_on_retransmit;
	uint64_t features;           /* WIRE_FEATURE_* announced to peers; 0: behave as a plain node */
	uint32_t capacity;           /* frames that the receive buffer holds, at most 65,535; 0: not known. Where
	                                all members tell, it bounds the window, and that adapts to the load;
	                                window_size is then where it begins, max_messages is not used */
	uint64_t rotation_target_ns; /* with one sender; the window grows no further when a rotation takes longer */
	uint64_t linger_ns;          /* a member that alone sends keeps the token for so long at a time, where
	                                all members announce WIRE_FEATURE_LINGER; 0: never */
	uint64_t gather_ns;          /* while it does, frames may wait for so long for others to go out with them */
	uint32_t early_frames;       /* a visit that sends so many frames or more passes the token on before them,
	                                where all members announce WIRE_FEATURE_EARLY and a capacity; 0: never */
	uint64_t random_seed;        /* for the send_join delay */
	uint64_t silence_ns;         /* a member that is silent for so long may be voted out where all members
	                                announce WIRE_FEATURE_SILENCE; 0: token_ns + consensus_ns decide alone */
	uint64_t path_lag_ns;        /* after an outage two reference-like nodes may hear each other up to this much
	                                later than this node hears both; 0: not later */
	bool swap;                   /* send everything in the other byte order (simulator) */
	uint32_t first_seq;          /* seq of a ring's first frame minus 1; 0 but in tests of wrapping */
};

/** A good value for linger_ns: far below any timeout, and a hundred rotations of an idle ring. */
#define TOTEM_LINGER_NS UINT64_C(10000000)

/** A good value for gather_ns: a few round trips of a busy client. */
#define TOTEM_GATHER_NS UINT64_C(100000)

/** A good value for early_frames: with fewer the successor gains nothing. */
#define TOTEM_EARLY_FRAMES 4u

/**
 * Fill in the defaults for a ring of node_count configured nodes (book configuration, "Timers").
 */
void totem_options_defaults(struct totem_options *options, uint32_t nodeid, uint32_t node_count);
/** 0; -EINVAL, and *which names the member (static text). */
int totem_options_check(const struct totem_options *options, const char **which);

/**
 * A good value for rotation_target_ns on a local network: three nodes on two cores carry up to a quarter more
 * with it than with 0.3 ms, and hardly more with 1 ms.
 */
#define TOTEM_ROTATION_NS(node_count) (UINT64_C(450000) + UINT64_C(25000) * (node_count))

/** Something the transport noticed. */
enum totem_event {
	TOTEM_EVENT_LINK_UP,   /* the first one starts the protocol */
	TOTEM_EVENT_LINK_DOWN, /* no packet leaves or arrives: the lease ends at once; the membership waits as ever */
	TOTEM_EVENT_PEER_DEAD, /* a sign that nodeid's daemon has ended: it is asked, no more */
	/* Connections to nodeid's daemon, whichever side made them. Each ON is followed by one of the others. */
	TOTEM_EVENT_WATCH_ON,     /* one is up: nodeid's kernel will close it when the daemon ends */
	TOTEM_EVENT_WATCH_OFF,    /* one is over, in a way that says nothing of the daemon */
	TOTEM_EVENT_WATCH_BROKEN, /* one was reset: by nodeid's kernel, or by something in between */
	TOTEM_EVENT_WATCH_CLOSED, /* nodeid's kernel closed one in order, without a goodbye of the daemon */
	TOTEM_EVENT_STOPPED,   /* this node did not run for a while that now_ns does not show (suspend): the lease ends */
	TOTEM_EVENT_FORCE_GATHER,
};

/**
 * @param pool       frames are taken from it; outlives the engine
 * @param callbacks  copied
 * @param arg        for the callbacks
 * @return caller destroys; NULL: out of memory or options that totem_options_check refuses
 */
struct totem_engine *totem_engine_create(struct frame_pool *pool, const struct totem_options *options,
	const struct totem_callbacks *callbacks, void *arg, uint64_t now_ns);
void totem_engine_destroy(struct totem_engine *engine); /* sends nothing; NULL is ignored */

/**
 * A batch of packets arrived (borrowed), in the order of arrival. Frames are stored first, then delivered,
 * then tokens are handled, whatever their places in the batch (book ring, "Frames that arrive"). Anything
 * malformed is counted, traced and dropped: no caller could do better.
 */
void totem_engine_receive(struct totem_engine *engine, uint64_t now_ns,
	struct coterie_frame *const *frames, size_t count);
void totem_engine_timeout(struct totem_engine *engine, uint64_t now_ns, enum totem_timer timer);
void totem_engine_transport(struct totem_engine *engine, uint64_t now_ns, enum totem_event event,
	uint32_t nodeid);
/**
 * The network says that nobody listens where a datagram for nodeid went. bytes (borrowed) are what it
 * quotes of that datagram, which shows whether we sent it. A sign: nodeid is asked. It is removed only if its
 * kernel has closed its connection as well, and nothing has come from it since.
 */
void totem_engine_refused(struct totem_engine *engine, uint64_t now_ns, uint32_t nodeid,
	const void *bytes, size_t size);
/**
 * Multicast a leave (book membership, "Leave"). Afterwards only totem_engine_destroy may be called.
 */
void totem_engine_leave(struct totem_engine *engine, uint64_t now_ns);
/** Another receive buffer (see struct totem_options); from the next membership on. */
void totem_engine_set_capacity(struct totem_engine *engine, uint32_t frames);
/** Another size of frames (see struct totem_options, which has its limits); from the next frame on. */
void totem_engine_set_payload_max(struct totem_engine *engine, uint32_t payload_max);
/** New options take effect (reload); nodeid, ring_seq, swap and first_seq stay. -EINVAL, -ENOMEM. */
int totem_engine_reconfigure(struct totem_engine *engine, uint64_t now_ns,
	const struct totem_options *options);

/**
 * Queue one message for ordered multicast. iov (group prefix first) is borrowed and copied. Messages queued
 * between a transitional configuration and totem_engine_synchronized go out before those that were queued
 * earlier (book sync, "Queues").
 *
 * @param guarantee  TOTEM_SAFE where not every member can: delivered as agreed
 * @return 0; -EAGAIN: queue full, `room` will be called; -EMSGSIZE: never possible; -ENOMEM
 */
int totem_engine_send(struct totem_engine *engine, uint64_t now_ns, enum totem_guarantee guarantee,
	const struct iovec *iov, size_t count);
/** The services have synchronised: the last barrier has just been delivered. */
void totem_engine_synchronized(struct totem_engine *engine, uint64_t now_ns);

/** State of the send queue, in frames (book packing, "Queue levels"). */
struct totem_queue {
	uint32_t used, total;
	uint32_t wanted; /* more need not wait here yet: what others leave us of a rotation, at least half of one, so that who
	                    has as much to send as they have earns as much; while nobody else sends, an eighth of the queue:
	                    what comes then waits for nobody */
	uint32_t message_size_max; /* largest message the ring ever takes, group prefix included, bytes */
};

/** Counters since creation (book ring, "Counters"). */
struct totem_counters {
	uint64_t token_tx, token_rx, mcast_tx, mcast_retx, mcast_rx, merge_detect_tx, merge_detect_rx;
	uint64_t join_tx, join_rx, commit_token_tx, commit_token_rx, hold_cancel_tx, hold_cancel_rx;
	uint64_t operational_entered, operational_token_lost, gather_entered, gather_token_lost;
	uint64_t commit_entered, commit_token_lost, recovery_entered, recovery_token_lost;
	uint64_t consensus_timeouts, rx_msg_dropped, continuous_gather;
	uint64_t malformed; /* refused by wire.c, or of enum totem_refusal */
	uint64_t messages_tx, messages_rx; /* user messages queued and delivered */
	uint64_t token_last_ns; /* when the last one was accepted */
	uint64_t token_retx, token_late; /* sent again; missed for long enough to warn */
	uint64_t probe_tx, probe_rx; /* questions and answers */
	uint64_t refused; /* datagrams of ours, quoted by the network */
	uint64_t suspected, cleared, convicted; /* members, by signs of their death */
	uint64_t lingers, linger_tx; /* times that this node, a lone sender, has kept the token; frames sent then */
	uint64_t early_tokens; /* passed on before the frames of their visit */
};

/**
 * Whether this node had contact with a majority of its ring within the lease, so that no other majority can
 * have gone on without it. An accepted token is contact with all members, an answered question with one; for
 * members that answer none (Corosync) any packet counts. The lease is 60 % of the silence budget or of
 * the token timeout, whichever is less, and no more than the other members were told when the ring was formed;
 * a ring of one holds it always. It may be false before `lease` says so: a process that was
 * stopped asks this first.
 */
bool totem_engine_has_lease(const struct totem_engine *engine, uint64_t now_ns);
/** The length of the lease, nanoseconds. */
uint64_t totem_engine_lease(const struct totem_engine *engine);
/** A member that this node waits for: token missed, and no packet from it. */
struct totem_silence {
	uint32_t nodeid;
	uint64_t silent_ns; /* since its last packet */
	uint64_t budget_ns; /* when that many have passed, it is evicted, if others agree */
	enum totem_witness witness; /* of late */
};
/** The i-th silent member, i from 0. false: there are no more. */
bool totem_engine_silent(
	const struct totem_engine *engine, uint64_t now_ns, uint32_t i, struct totem_silence *silence);

enum totem_state totem_engine_state(const struct totem_engine *engine);
const struct ring_id *totem_engine_ring(const struct totem_engine *engine);
/** Members of the last installed configuration, ascending; *members is borrowed until the next one. */
uint32_t totem_engine_members(const struct totem_engine *engine, const uint32_t **members);
bool totem_engine_is_safe_honoured(const struct totem_engine *engine);
void totem_engine_queue(const struct totem_engine *engine, struct totem_queue *queue);
const struct totem_counters *totem_engine_counters(const struct totem_engine *engine);
/** Values the simulator checks invariants on (book invariants, "Ring"). */
struct totem_probe {
	uint32_t aru, high_seq, high_delivered, released;
	uint32_t store_count, recovery_store_count, install_seq;
	uint32_t trc, pbl, queued, recovery_queued;
	uint32_t window; /* frames that all members together may send in a rotation */
	bool is_held, is_synchronizing;
	uint64_t ring_seq_high;
	struct ring_id old_ring;
};
void totem_engine_probe(const struct totem_engine *engine, struct totem_probe *probe);
/**
 * Who is kept out of the ring because it and a member do not hear each other, as far as this node can
 * tell: the i-th such pair, i from 0. false: there are no more.
 */
bool totem_engine_unheard(const struct totem_engine *engine, uint32_t i, uint32_t *member, uint32_t *node);

#ifdef TOTEM_HOOKS
/*
 * Only in the test build (tests/sim): deliberate bugs, one at a time, and the reference's rules that we
 * have repaired (book compatibility, "Repaired rules"). The daemon's objects are compiled without.
 */
struct totem_mutant {
	const char *name;
	const char *what;  /* one line */
	uint32_t seeds_max; /* the suite catches it within this many seeds */
};
const struct totem_mutant *totem_mutants(size_t *count);
int totem_engine_set_mutant(struct totem_engine *engine, const char *name); /* -ENOENT */
#define TOTEM_QUIRK_EARLY_FREE 1u      /* frees by the aru of any token */
#define TOTEM_QUIRK_IDLE_COUNT 2u      /* counts any token as an idle visit */
#define TOTEM_QUIRK_JOIN_BEFORE_LEAVE_STATE 4u /* a join in COMMIT */
#define TOTEM_QUIRK_RECEIVED_FLAG 8u   /* clears received_flg of others */
#define TOTEM_QUIRK_RESEND_ALL 16u     /* in a recovery all send all */
#define TOTEM_QUIRK_HOLD_CANCEL_ORDER 32u /* not swapped */
#define TOTEM_QUIRK_LISTENS_ALWAYS 64u   /* no back-off */
#define TOTEM_QUIRK_ALL 127u
void totem_engine_set_quirks(struct totem_engine *engine, uint32_t quirks);
#endif

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ordered-delivery engine: Totem single ring with extended virtual synchrony (Amir, Moser,
 * Melliar-Smith, Agarwal, Ciarfella 1995). The rules are in docs/protocol/.
 *
 * The engine is a pure state machine without sockets, clock and globals. Time is an argument. All other
 * access to the world is by callbacks. "The user" is the code that calls the engine. A process can have
 * many engines. The same object code runs in the daemon and in the simulator.
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

/** Timers (book ring, "Timers"). Each one expires once. A timer that is set again gets the new time. */
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
	TOTEM_TIMER_SEND_JOIN, /* the random delay before a join */
	TOTEM_TIMER_BACKOFF,   /* a back-off ends, or its next question is due */
	TOTEM_TIMER_PROBE,     /* the next question to a suspect */
	TOTEM_TIMER_LEASE,     /* the token is late: ask members, and vote on them */
	TOTEM_TIMER_DELIVER,   /* the rest of a backlog, or after a yield, is delivered in the next turn of the loop */
	TOTEM_TIMER_COUNT,
};
#define TOTEM_NEVER UINT64_MAX

/** A configuration. Lists are ascending, borrowed for the call. */
struct totem_configuration {
	bool is_regular;
	struct ring_id ring; /* of the new ring, in both kinds of configuration */
	const uint32_t *members;
	uint32_t member_count;
	const uint32_t *left; /* transitional: members of the old configuration that are not in the new one */
	uint32_t left_count;
	const uint32_t *joined; /* regular: members that were not in the old configuration */
	uint32_t joined_count;
	bool is_safe_honoured; /* every member implements safe delivery */
};

/** A delivered message. All pointers are borrowed for the call. */
struct totem_message {
	uint32_t source;         /* node id */
	bool is_swapped;         /* numbers inside are in the other byte order */
	const struct iovec *iov; /* parts in order: group prefix, then the user's bytes */
	size_t count;
	size_t size;    /* of all parts */
	uint32_t seq;   /* of the frame in which it ends, in the ring in which it was sent; wraps */
	uint32_t place; /* number of the message among those that end in that frame, from 0 */
};

/** Events for the log, for counters in the map and for the checks of the simulator. */
enum totem_trace_kind {
	TOTEM_TRACE_ORDERED,   /* this node gave a frame the number seq on ring; node: this node */
	TOTEM_TRACE_RECEIVED,  /* frame seq of ring entered the store for the first time; node: originator */
	TOTEM_TRACE_FREED,     /* frame seq of ring was freed */
	TOTEM_TRACE_TOKEN,     /* a token was accepted: seq = token_seq, value = its aru, node: its sender */
	TOTEM_TRACE_STATE,     /* a state was entered: value = enum totem_state, cause = gather cause */
	TOTEM_TRACE_STORED,    /* ring id stored */
	TOTEM_TRACE_INSTALLED, /* a regular configuration has come into force; value = install_seq */
	TOTEM_TRACE_REFUSED, /* a packet was dropped: value = enum wire_refusal or a TOTEM_REFUSED_*; node: claimed sender */
	TOTEM_TRACE_FAILED_TO_RECEIVE,
	TOTEM_TRACE_TOKEN_LOST,
	TOTEM_TRACE_TOKEN_LATE,    /* T-warning expired; value = ms since the last token */
	TOTEM_TRACE_CANNOT_GATHER, /* the consensus timer has expired more than 3 times in a row; value = how often */
	TOTEM_TRACE_PAUSED,        /* this process did not run for value ms */
	TOTEM_TRACE_BACKOFF,       /* packets of node are ignored for value ms */
	TOTEM_TRACE_RETRANSMITTED, /* frame seq sent again for a retransmit list */
	TOTEM_TRACE_REQUESTED,     /* frame seq put on the retransmit list */
	TOTEM_TRACE_SUSPECTED,     /* there is a sign that node's daemon has ended, so this node asks it */
	TOTEM_TRACE_CLEARED,       /* node was suspected for value us, and runs */
	TOTEM_TRACE_CONVICTED,     /* node was suspected for value us, and its end is certain: it is removed */
	/* A ring of one is installed, and not all others have sent a leave; value = enum totem_alone. */
	TOTEM_TRACE_ALONE,
	TOTEM_TRACE_UNHEARD, /* node and the member in seq do not hear each other */
	TOTEM_TRACE_EVICTED, /* the configuration being installed is without node: `eviction` has the reason */
	/* Other nodes refuse the seq of ring: the next ring has a new seq, just above theirs. */
	TOTEM_TRACE_RING_SEQ_LOWERED,
	TOTEM_TRACE_RING_SEQ_END, /* no ring can be formed: the next one would need the seq TOTEM_RING_SEQ_END */
	TOTEM_TRACE_LEASE,        /* the lease ended (value 0) or began again (value 1) */
	TOTEM_TRACE_WITNESSED, /* the witness of node, silent for value ms, has changed; cause = enum totem_witness */
};

/** Why a node goes on alone. */
enum totem_alone {
	TOTEM_ALONE_CUT,        /* no link is up */
	TOTEM_ALONE_DEAF,       /* no packet of another node has arrived since before the token was missed */
	TOTEM_ALONE_UNANSWERED, /* packets of other nodes arrived, but these nodes have not agreed */
};

/** Why a member of the last configuration is not in the next one. */
enum totem_evidence {
	TOTEM_EVIDENCE_LEFT, /* it sent a leave */
	/* Its kernel closed its connection and refused datagrams, and no packet of it has arrived since. */
	TOTEM_EVIDENCE_CLOSED,
	TOTEM_EVIDENCE_VOTED,  /* a majority of the ring has not heard it for the silence budget */
	TOTEM_EVIDENCE_SILENT, /* this node has not heard it for the token timeout and the consensus timeout */
	/* This node has heard it, but it did not agree to a membership within the consensus timeout. */
	TOTEM_EVIDENCE_DISAGREED,
	/* A join of `accuser` had it among the failed nodes, and this node has no other evidence. */
	TOTEM_EVIDENCE_NAMED,
};

/** State of a silent member's host, as its kernel shows it. The numbers are those of COTERIE_WITNESS_*. */
enum totem_witness {
	TOTEM_WITNESS_UNKNOWN, /* there is no connection to the host, or too little time has passed */
	TOTEM_WITNESS_ANSWERS, /* the host answers: the daemon is stopped or gets no processor time */
	TOTEM_WITNESS_SILENT,  /* the host does not answer either: the host, its link or the path has failed */
};

/** The record of one eviction. Lists are borrowed for the call of `trace`. */
struct totem_eviction {
	uint32_t nodeid;
	enum totem_evidence evidence;
	uint32_t accuser;       /* TOTEM_EVIDENCE_NAMED: the member that sent the join; otherwise this node */
	const uint32_t *agreed; /* members that agreed to the eviction, ascending, this node included */
	uint32_t agreed_count;
	uint64_t silent_ns; /* time since its last packet, when it was removed or when the new ring was installed */
	uint64_t budget_ns; /* silence budget that applied, or 0: the evidence was certain */
	/* State of its host, as shown last during the silence: a hint at the cause, without effect. */
	enum totem_witness witness;
};

/**
 * Reasons beyond enum wire_refusal: a packet that is well formed and does not fit the state
 * (book compatibility, "Hostile packets").
 */
enum totem_refusal {
	TOTEM_REFUSED_TOKEN = 100, /* seq, aru or list out of bounds */
	TOTEM_REFUSED_FRAME,       /* seq far ahead; originator not a member; inner frame malformed */
	TOTEM_REFUSED_JOIN,        /* unknown node, or more candidates than allowed */
	/* The index is not that of this node, or the members are not those that this node committed to. */
	TOTEM_REFUSED_COMMIT,
	TOTEM_REFUSED_PACKET, /* group-layer packet malformed */
	TOTEM_REFUSED_STALE,  /* join older than one seen */
	TOTEM_REFUSED_SEQ,    /* ring seq of a join far above that of this node */
};

struct totem_trace {
	enum totem_trace_kind kind;
	enum totem_state state;
	uint32_t node;
	uint32_t seq;
	uint64_t value;
	uint32_t cause;
	struct ring_id ring;
	const struct coterie_frame *frame;     /* TOTEM_TRACE_ORDERED: the frame, borrowed; otherwise NULL */
	const struct totem_eviction *eviction; /* TOTEM_TRACE_EVICTED: the record, borrowed; otherwise NULL */
};

/**
 * Functions of the user that the engine calls. It calls them only during the calls that are declared below. A callback
 * may call totem_engine_send, totem_engine_synchronized and the getters, and no other function of the engine.
 */
struct totem_callbacks {
	/**
	 * Send frames to all nodes. This includes this node: the user gives them to totem_engine_receive on a
	 * later turn. Frames that carry messages need not come back, since the engine has them already. The
	 * frames are borrowed: take a reference to each frame that is kept.
	 */
	void (*multicast)(void *arg, struct coterie_frame *const *frames, size_t count);
	/** Send one frame to one node, which may be this one. */
	void (*token)(void *arg, uint32_t nodeid, struct coterie_frame *frame);
	/**
	 * Call totem_engine_timeout at the time at_ns of the clock that `now_ns` comes from. TOTEM_NEVER: cancel the
	 * timer.
	 */
	void (*timer)(void *arg, enum totem_timer timer, uint64_t at_ns);
	void (*deliver)(void *arg, const struct totem_message *message);
	void (*configure)(void *arg, const struct totem_configuration *configuration);
	/** Store the ring id so that it survives a crash. @return 0; -errno: the engine does not use the ring id. */
	int (*store_ring_id)(void *arg, const struct ring_id *id);
	/**
	 * All candidates agree on the next ring, and another node is its representative. Its seq will be this one, or a
	 * lower one, if no other node joins. Store a number ahead now, while all members wait: in store_ring_id they
	 * wait for one disk after the other. The seq comes from packets, which may be forged. May be NULL.
	 */
	void (*expect_ring_seq)(void *arg, uint64_t seq);
	/**
	 * Watch the daemon of this member, and no longer that of another one: report its end with
	 * TOTEM_EVENT_WATCH_CLOSED. 0: watch none. The engine calls this for each ring, since an idle ring sends no
	 * packets that show whether its members run. May be NULL.
	 */
	void (*watch)(void *arg, uint32_t nodeid);
	/**
	 * Send this frame to the port of nodeid's daemon. If no daemon runs there, the kernel of that node refuses the
	 * frame: report the refusal with totem_engine_refused. NULL: frames of `token` have this effect already.
	 */
	void (*poke)(void *arg, uint32_t nodeid, struct coterie_frame *frame);
	/**
	 * Return whether the host of this member has answered since the silence began, as far as is known. is_first:
	 * the first call of this silence. The engine calls this repeatedly while the member does not answer questions.
	 * The result is for the log and for records only. May be NULL.
	 */
	enum totem_witness (*witness)(void *arg, uint32_t nodeid, bool is_first);
	/**
	 * The lease has ended (false) or begun again (true): see totem_engine_has_lease. Without a lease requests that
	 * need quorum wait. May be NULL.
	 */
	void (*lease)(void *arg, bool is_held);
	/**
	 * The token is here and may be used. Messages that are given to totem_engine_send now are sent during this
	 * visit. May be NULL.
	 *
	 * @return whether the user has more messages, for which there was no room: then this node does not keep the
	 *     token
	 */
	bool (*visit)(void *arg);
	/**
	 * This node keeps the token, though `visit` had no more messages. Messages that are given to totem_engine_send
	 * from now on are sent on the next turn, so the user should give them without delay. May be NULL.
	 */
	void (*lingering)(void *arg);
	/** This node has sent the token on: do a step of the synchronisation (book sync, "A round"). May be NULL. */
	void (*passed)(void *arg);
	/** totem_engine_send has room again after it returned -EAGAIN. May be NULL. */
	void (*room)(void *arg);
	/** Called for each event of enum totem_trace_kind. May be NULL. */
	void (*trace)(void *arg, const struct totem_trace *trace);
};

/**
 * Ring seqs up to this one are always accepted, since a node that is new, or was away, has a small one itself. No
 * cluster reaches it by forming rings. Above it packets can raise the seq by 2^20 to 3 * 2^20 for each ring that is
 * formed.
 */
#define TOTEM_RING_SEQ_JUMP_MAX (UINT64_C(1) << 63)
/** All rings have a lower seq than this, so that no sum of seqs wraps. */
#define TOTEM_RING_SEQ_END (UINT64_MAX - (UINT64_C(1) << 22))

/** Options of an engine. Durations are in nanoseconds, already computed (book configuration, "Timers"). */
struct totem_options {
	uint32_t nodeid;       /* own, not 0 */
	uint64_t ring_seq;     /* last stored ring sequence; 0: none; below TOTEM_RING_SEQ_END */
	const uint32_t *nodes; /* configured node ids, own included; copied. Joins of other nodes are ignored */
	uint32_t node_count;   /* 0: any node may join, up to WIRE_NODES_MAX */
	uint32_t payload_max;  /* most bytes behind the 45-byte header of a frame (M) */
	uint64_t token_ns, token_retransmit_ns, hold_ns, join_ns, send_join_ns, consensus_ns, merge_ns;
	uint64_t max_network_delay_ns;
	uint32_t heartbeat_failures_allowed;
	uint32_t token_warning_percent; /* 0: off */
	uint32_t fail_recv_const;
	uint32_t seqno_unchanged_const;
	uint32_t window_size, max_messages, miss_count_const;
	/* Without effect: a token that a member needs is never held. For display only. */
	bool cancel_token_hold_on_retransmit;
	uint64_t features; /* WIRE_FEATURE_* announced to peers, or 0: behave as a plain node */
	/*
	 * Frames that the receive buffer holds, at most 65,535; 0: not known. If all members announce it, the smallest
	 * one limits the window. The window then begins with window_size and adapts to the load, and max_messages is
	 * not used
	 */
	uint32_t capacity;
	/* With one sender: the window no longer grows when a rotation takes longer than this. */
	uint64_t rotation_target_ns;
	/*
	 * Longest time for which a lone sender keeps the token, if all members announce WIRE_FEATURE_LINGER; 0: never
	 */
	uint64_t linger_ns;
	/* Longest time that frames of such a sender wait, to be sent together with later ones. */
	uint64_t gather_ns;
	/*
	 * At this many frames or more a visit sends the token before them, if all members announce WIRE_FEATURE_EARLY
	 * and a capacity; 0: never
	 */
	uint32_t early_frames;
	/*
	 * Frames of a backlog that one event delivers, besides as many as have arrived since the last one. A frame that
	 * fills a gap, or a token, may allow the delivery of thousands of frames. A frame above 1,500 bytes counts as
	 * several. 0: one event delivers all
	 */
	uint32_t deliver_frames;
	uint64_t random_seed; /* for all random numbers of the engine */
	/*
	 * With more candidates or configured nodes than this a join waits for further changes for a short time, unless
	 * send_join_ns is set
	 */
	uint32_t join_crowd;
	/*
	 * Silence after which members may vote to remove a member, if all members announce WIRE_FEATURE_SILENCE.
	 * 0: no votes, token_ns + consensus_ns decide
	 */
	uint64_t silence_ns;
	/*
	 * After an outage two Corosync nodes may hear each other by up to this time later than this node hears both; 0:
	 * not later
	 */
	uint64_t path_lag_ns;
	bool swap;          /* send all packets in the other byte order (simulator) */
	uint32_t first_seq; /* seq of a ring's first frame minus 1: 0, except in tests of numbers that wrap */
};

/** A good value for linger_ns: far below any timeout, and as long as a hundred rotations of an idle ring. */
#define TOTEM_LINGER_NS UINT64_C(10000000)

/** A good value for gather_ns: a few round trips between a busy client and the daemon. */
#define TOTEM_GATHER_NS UINT64_C(100000)

/** A good value for join_crowd: fewer candidates send few joins, all together. */
#define TOTEM_JOIN_CROWD 16u
/** The longest time that a join waits in a crowd, nanoseconds for each candidate. */
#define TOTEM_JOIN_WAIT_NS UINT64_C(125000)
/** Time after its installation for which a new ring accepts no strangers in a crowd, nanoseconds for each member. */
#define TOTEM_STRANGER_WAIT_NS UINT64_C(10000000)
/** The longest such time, whatever the number of members. */
#define TOTEM_STRANGER_WAIT_MAX_NS UINT64_C(1000000000)

/** A good value for early_frames. With fewer frames the successor hardly gains time by an early token. */
#define TOTEM_EARLY_FRAMES 4u

/** A good value for deliver_frames: a millisecond with frames of many small messages. */
#define TOTEM_DELIVER_FRAMES 64u

/**
 * Fill in the defaults for a ring of node_count configured nodes (book configuration, "Timers").
 */
void totem_options_defaults(struct totem_options *options, uint32_t nodeid, uint32_t node_count);
/** Check options. @return 0; -EINVAL: *which is the name of the wrong member (static text) */
int totem_options_check(const struct totem_options *options, const char **which);

/**
 * A good value for rotation_target_ns on a local network. With it three nodes on two cores carry up to a quarter more
 * than with 0.3 ms, and hardly less than with 1 ms.
 */
#define TOTEM_ROTATION_NS(node_count) (UINT64_C(450000) + UINT64_C(25000) * (node_count))

/** An event that the transport reports. */
enum totem_event {
	TOTEM_EVENT_LINK_UP, /* a link is up. The first such event starts the protocol */
	/* No link is up: the lease ends at once. The membership changes only after its timeouts. */
	TOTEM_EVENT_LINK_DOWN,
	/* A sign that nodeid's daemon has ended: the engine asks the node, and does nothing else. */
	TOTEM_EVENT_PEER_DEAD,
	/* Connections to nodeid's daemon, made by either side. After each ON comes one of the other three. */
	TOTEM_EVENT_WATCH_ON,     /* a connection is up: nodeid's kernel will close it when nodeid's daemon ends */
	TOTEM_EVENT_WATCH_OFF,    /* a connection ended in a way that shows nothing about the daemon */
	TOTEM_EVENT_WATCH_BROKEN, /* a connection was reset, by nodeid's kernel or by a host in between */
	TOTEM_EVENT_WATCH_CLOSED, /* nodeid's kernel closed a connection with a FIN, without a goodbye */
	TOTEM_EVENT_STOPPED, /* this node did not run (suspend), and now_ns does not show that time: the lease ends */
	TOTEM_EVENT_FORCE_GATHER,
};

/**
 * Create an engine. It sends no packet before the first TOTEM_EVENT_LINK_UP.
 *
 * @param pool       the engine takes frames from it; outlives the engine
 * @param callbacks  copied
 * @param arg        first argument of the callbacks
 * @return caller destroys; NULL: out of memory, or totem_options_check refuses the options
 */
struct totem_engine *totem_engine_create(struct frame_pool *pool, const struct totem_options *options,
	const struct totem_callbacks *callbacks, void *arg, uint64_t now_ns);
void totem_engine_destroy(struct totem_engine *engine); /* sends nothing; NULL is ignored */

/**
 * Handle a batch of packets (borrowed), in the order of arrival. First all frames are stored and delivered,
 * then the newest token is handled, wherever it was in the batch (book ring, "Frames that arrive"). Malformed
 * packets are counted, traced and dropped.
 *
 * @return how many packets were handled: all, unless a delivery yields and a later packet has to do with a new ring. Give the
 *         others to a later call, when totem_engine_has_yielded is false
 */
size_t totem_engine_receive(
	struct totem_engine *engine, uint64_t now_ns, struct coterie_frame *const *frames, size_t count);
/**
 * Answer a packet in which a member asks whether this node runs, note that the member runs, and do nothing else. A node answers in this way while
 * packets are held back (totem_engine_yield): otherwise the others could take it for a node that has failed.
 *
 * @return false: the packet (borrowed) is something else, and waits for totem_engine_receive
 */
bool totem_engine_question(struct totem_engine *engine, uint64_t now_ns, const struct coterie_frame *frame);
void totem_engine_timeout(struct totem_engine *engine, uint64_t now_ns, enum totem_timer timer);
void totem_engine_transport(struct totem_engine *engine, uint64_t now_ns, enum totem_event event, uint32_t nodeid);
/**
 * Report that the network says: no process listens at the address of a datagram for nodeid. bytes (borrowed) are the
 * part of that datagram that the network quotes. They show whether this node sent the datagram. The report is only a
 * sign: the engine asks nodeid. It removes nodeid only if nodeid's kernel has closed its connection as well, and no
 * packet of nodeid has arrived since.
 */
void totem_engine_refused(
	struct totem_engine *engine, uint64_t now_ns, uint32_t nodeid, const void *bytes, size_t size);
/**
 * Multicast a leave (book membership, "Leave"). Afterwards only totem_engine_destroy may be called.
 */
void totem_engine_leave(struct totem_engine *engine, uint64_t now_ns);
/** Set another capacity of the receive buffer (see struct totem_options), from the next membership on. */
void totem_engine_set_capacity(struct totem_engine *engine, uint32_t frames);
/**
 * Set the votes that totem_engine_has_lease adds up. Nothing is called, so callbacks may call this.
 * @param ring    the installed ring that the votes are about. The votes of another ring are ignored.
 * @param votes   of each member of the ring, in ascending order of the node ids; copied. NULL: not known
 * @param count   number of votes
 * @param needed  number of votes that two parts of the cluster without a common node never have both: more than half of
 *                all votes of the cluster, not of the ring. 0: not known
 */
void totem_engine_set_votes(struct totem_engine *engine, const struct ring_id *ring, const uint32_t *votes,
	uint32_t count, uint32_t needed);
/** Set another size of frames from the next frame on. struct totem_options has its limits. */
void totem_engine_set_payload_max(struct totem_engine *engine, uint32_t payload_max);
/** Replace the options (reload), except for nodeid, ring_seq, swap and first_seq. -EINVAL, -ENOMEM. */
int totem_engine_reconfigure(struct totem_engine *engine, uint64_t now_ns, const struct totem_options *options);

/**
 * Queue one message for ordered multicast. iov is borrowed and copied. It begins with the group prefix. Messages that
 * are queued between a transitional configuration and totem_engine_synchronized are sent before those that were queued
 * earlier (book sync, "Queues").
 *
 * @param guarantee  TOTEM_SAFE: if a member does not implement it, the message is delivered as agreed
 * @return 0; -EAGAIN: queue full, `room` will be called; -EMSGSIZE: longer than the ring ever takes; -ENOMEM
 */
int totem_engine_send(struct totem_engine *engine, uint64_t now_ns, enum totem_guarantee guarantee,
	const struct iovec *iov, size_t count);
/**
 * Queue one message as totem_engine_send does, but behind all messages that were queued earlier. So between a
 * transitional configuration and totem_engine_synchronized the message waits.
 */
int totem_engine_send_in_order(struct totem_engine *engine, uint64_t now_ns, enum totem_guarantee guarantee,
	const struct iovec *iov, size_t count);
/**
 * Stop the delivery behind the present message, so that the loop can serve others. Call this in `deliver` only.
 * TOTEM_TIMER_DELIVER expires at once and goes on. Until totem_engine_has_yielded is false hold back packets and the
 * other timers, in their order: before the engine handles one of them, it delivers all that is left. Only the timers
 * PROBE, BACKOFF and PAUSE may run in between. They expire later if a ring is being installed. The reports of
 * totem_engine_transport need not wait. A node that leaves delivers what is left without a yield.
 */
void totem_engine_yield(struct totem_engine *engine);
/** Return whether a delivery has yielded, and is not finished. */
bool totem_engine_has_yielded(const struct totem_engine *engine);
/** End the synchronisation of the services. Call this in the delivery of its last barrier. */
void totem_engine_synchronized(struct totem_engine *engine, uint64_t now_ns);

/** State of the send queue, in frames (book packing, "Queue levels"). */
struct totem_queue {
	uint32_t used, total;
	uint32_t
		/*
		 * Frames that are worth queueing now: the part of a rotation that the other members do not use, at
		 * least half a rotation. So a node with as much to send as the others gets as much. While no other
		 * member sends, it is at least an eighth of the queue, since no other node waits for its turn
		 */
		wanted;
	uint32_t message_size_max; /* largest message the ring ever takes, group prefix included, bytes */
};

/** Counters since creation (book ring, "Counters"). */
struct totem_counters {
	uint64_t token_tx, token_rx, mcast_tx, mcast_retx, mcast_rx, merge_detect_tx, merge_detect_rx;
	uint64_t join_tx, join_rx, commit_token_tx, commit_token_rx, hold_cancel_tx, hold_cancel_rx;
	uint64_t operational_entered, operational_token_lost, gather_entered, gather_token_lost;
	uint64_t commit_entered, commit_token_lost, recovery_entered, recovery_token_lost;
	uint64_t consensus_timeouts, rx_msg_dropped, continuous_gather;
	/* Packets that wire.c refused, or that were dropped for enum totem_refusal. */
	uint64_t malformed;
	uint64_t messages_tx, messages_rx; /* user messages queued and delivered */
	uint64_t token_last_ns;            /* when the last token was accepted */
	uint64_t token_retx, token_late;   /* tokens sent again, and times that T-warning expired */
	uint64_t probe_tx, probe_rx;       /* questions and answers */
	/* Datagrams of this node that were refused, by a report that quotes them. */
	uint64_t refused;
	uint64_t suspected, cleared, convicted; /* members, by signs that their daemons have ended */
	/* How often this node has kept the token as a lone sender, and the frames that it sent meanwhile. */
	uint64_t lingers, linger_tx;
	uint64_t early_tokens; /* tokens sent before the frames of their visit */
};

/**
 * Return whether this node had contact within the lease with members that have a majority of the cluster's votes
 * (totem_engine_set_votes), this node included. In that time no other majority can have formed a ring without this
 * node: it would need one of these members. A majority of the ring is not enough, since the ring may be a bare majority
 * of the cluster. If the votes are not known, contact with all members of the ring is needed. Contact is:
 *
 * - an accepted token, with all members
 * - an answered question, with one member
 * - any packet of a member that answers no questions (Corosync), with that member
 *
 * The lease is 60 % of the silence budget or of the token timeout, whichever is less. It is at most the lease that this
 * node announced when the ring was formed. A ring of one always has it. The result can be false before the callback
 * `lease` was called. So a process that was stopped must call this function before it serves a request.
 */
bool totem_engine_has_lease(const struct totem_engine *engine, uint64_t now_ns);
/** Return the length of the lease, nanoseconds. */
uint64_t totem_engine_lease(const struct totem_engine *engine);
/** A silent member: the token is late, and no packet of the member has arrived since. */
struct totem_silence {
	uint32_t nodeid;
	uint64_t silent_ns;         /* time since its last packet */
	uint64_t budget_ns;         /* after a longer silence it is evicted, if other members agree */
	enum totem_witness witness; /* last state of its host */
};
/** Find the i-th silent member, i from 0. false: there are no more. */
bool totem_engine_silent(const struct totem_engine *engine, uint64_t now_ns, uint32_t i, struct totem_silence *silence);

enum totem_state totem_engine_state(const struct totem_engine *engine);
const struct ring_id *totem_engine_ring(const struct totem_engine *engine);
/** Get the members of the last installed configuration, ascending. *members is borrowed until the next one. */
uint32_t totem_engine_members(const struct totem_engine *engine, const uint32_t **members);
bool totem_engine_is_safe_honoured(const struct totem_engine *engine);
void totem_engine_queue(const struct totem_engine *engine, struct totem_queue *queue);
const struct totem_counters *totem_engine_counters(const struct totem_engine *engine);
/** Internal values for the checks of the simulator (book invariants, "Ring"). */
struct totem_probe {
	uint32_t aru, high_seq, high_delivered, released;
	uint32_t store_count, recovery_store_count, install_seq;
	uint32_t trc, pbl, queued, recovery_queued;
	uint32_t window; /* frames that all members together may send in a rotation */
	bool is_held, is_synchronizing;
	struct ring_id old_ring;
};
void totem_engine_probe(const struct totem_engine *engine, struct totem_probe *probe);
/**
 * Find the i-th node, i from 0, that is kept out of the ring because it and a member do not hear each other. The result
 * is what this node knows. @return false: there are no more
 */
bool totem_engine_unheard(const struct totem_engine *engine, uint32_t i, uint32_t *member, uint32_t *node);

#ifdef TOTEM_HOOKS
/*
 * The rest of this header is only in the test build (tests/sim). Mutants are deliberate bugs, one at a time. Quirks are
 * faulty rules of Corosync, which Coterie has repaired (book compatibility, "Repaired rules").
 */
struct totem_mutant {
	const char *name;
	const char *what;   /* the effect, one line */
	uint32_t seeds_max; /* the simulator finds the bug within this many seeds */
};
const struct totem_mutant *totem_mutants(size_t *count);
int totem_engine_set_mutant(struct totem_engine *engine, const char *name); /* -ENOENT */
/* Frames are freed by the aru of a token before it is checked. */
#define TOTEM_QUIRK_EARLY_FREE 1u
/* A token counts as an idle visit before it is checked. */
#define TOTEM_QUIRK_IDLE_COUNT 2u
/* In COMMIT and RECOVERY a join is handled before the attempt is left. */
#define TOTEM_QUIRK_JOIN_BEFORE_LEAVE_STATE 4u
/* The received_flg of other members is cleared. */
#define TOTEM_QUIRK_RECEIVED_FLAG 8u
/* In a recovery all members send all frames. */
#define TOTEM_QUIRK_RESEND_ALL 16u
/* A hold cancel in the other byte order is ignored. */
#define TOTEM_QUIRK_HOLD_CANCEL_ORDER 32u
#define TOTEM_QUIRK_LISTENS_ALWAYS 64u /* there is no back-off */
/** The counts of RECOVERY go on after an attempt that has failed, so a ring may be installed without all old frames. */
#define TOTEM_QUIRK_COUNTS_KEPT 128u
/* In COMMIT a commit token of a later attempt is ignored. */
#define TOTEM_QUIRK_ONE_ATTEMPT 256u
/* A ring that others have installed in a recovery that this node has left is not installed late. */
#define TOTEM_QUIRK_NEVER_LATE 512u
/* A node that lacks frames leaves after so many visits, however short they are. */
#define TOTEM_QUIRK_FAILS_EARLY 1024u
#define TOTEM_QUIRK_ALL 2047u
void totem_engine_set_quirks(struct totem_engine *engine, uint32_t quirks);
#endif

#endif

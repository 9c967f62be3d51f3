/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the CPG service: the members of the groups, the state of this node's clients, and the state of
 * a synchronisation.
 *
 * A membership has these steps:
 * 1. A client requests to join. Its connection becomes JOIN_STARTED, and PROCJOIN is sent.
 * 2. PROCJOIN is delivered. Every node lists the process, the connection becomes JOINED, and members are notified.
 * 3. The client leaves (LEAVE_STARTED), or its connection ends. PROCLEAVE is sent.
 * 4. PROCLEAVE is delivered. Every node removes the process, and members are notified. If the connection still exists,
 *    it becomes UNJOINED and may join again.
 */
#ifndef CPG_CPG_H
#define CPG_CPG_H

#include <stdbool.h>

#include <coterie/service.h>

#include "services/cpg/messages.h"

struct coterie_state_reader;
struct coterie_state_writer;
struct cpg_group;
struct cpg_iteration;
struct cpg_zero_copy;

/** Default and limits of the option message-max, in bytes. Zero-copy buffers send up to 1 MiB. */
#define CPG_MESSAGE_MAX_TEXT "67108864"
#define CPG_MESSAGE_MAX (UINT64_C(64) << 20)
#define CPG_MESSAGE_MAX_LOW (UINT64_C(1) << 20)
#define CPG_MESSAGE_MAX_HIGH (UINT64_C(512) << 20) /* ASSEMBLY_ROOM_MAX of the client library */

/** The message that a process sends in fragments (fragments.c). */
struct cpg_sending {
	uint32_t size; /* bytes of the message, announced with the first fragment */
	uint32_t left; /* bytes that have not come yet */
	bool is_open;  /* a first fragment has come, and no last one */
	/*
	 * A version of this service that did not count has handled the first fragments. So it is not known whether a
	 * message is open, and how many of its bytes have come.
	 */
	bool is_resumed;
};

/** State of a connection's membership. */
enum cpg_state {
	CPG_UNJOINED,
	CPG_JOIN_STARTED, /* PROCJOIN is sent, not delivered yet. The client may already send, since its messages are
			   * ordered behind PROCJOIN */
	CPG_JOINED,
	CPG_LEAVE_STARTED, /* PROCLEAVE is sent, not delivered yet. The client still receives messages that are ordered
			    * before PROCLEAVE */
};

/** The handle of a process of this node for compact messages. */
struct cpg_handle {
	uint64_t period; /* period in which the handle is valid, or 0: no handle */
	uint32_t number;
};

/**
 * A leave of a process of this node that is not delivered yet. Until its delivery the process must not join the same
 * group again, since this leave would remove the new membership.
 */
struct cpg_leaving {
	struct cpg_leaving *next;
	struct cpg_wire_name name;
	uint32_t pid;
	bool is_sent; /* false: the ring had no room yet */
	struct cpg_handle handle;
};

/** One client. The executive owns the memory (client_data). */
struct cpg_connection {
	struct coterie_client *client;
	struct cpg_connection *next, *previous;             /* all connections, newest first */
	struct cpg_connection *group_next, *group_previous; /* of one group, newest first */
	struct cpg_group *group;                            /* NULL: UNJOINED */
	struct cpg_leaving *leaving; /* allocated at the join, so that the leave needs no memory */
	enum cpg_state state;
	uint32_t pid; /* pid that the library has sent with the join */
	struct cpg_handle handle;
	bool is_finalized;         /* it receives no more events */
	bool wants_totem;          /* it requested the ring's configuration after its first change */
	bool had_totem;            /* it received the ring's configuration, which is sent at most once per connection */
	uint64_t changes;          /* configuration changes sent to it */
	uint64_t changes_at_first; /* value of `changes` when the first fragment of a message arrived */
	struct cpg_sending sending; /* fragments that it has sent on the ring */
	struct cpg_iteration *iterations;
	struct cpg_snapshot_build *build; /* snapshot for the iteration that the client waits for, or NULL */
	struct cpg_zero_copy *zero_copies;
	uint32_t zero_copy_count;
	uint64_t zero_copy_size; /* bytes of all its zero-copy buffers */
};

/** One process in one group, anywhere in the cluster. */
struct cpg_process {
	uint32_t nodeid;
	uint32_t pid;
	uint64_t seq;               /* order in which entries were added to the list */
	uint64_t round;             /* last synchronisation in which the process's node listed it */
	struct cpg_sending sending; /* fragments that were delivered */
};

/** A group that has members or local connections, or that a synchronisation names. */
struct cpg_group {
	struct cpg_process *members; /* `count` elements, ascending by node id, then pid. At first it points to
				      * `single` */
	uint32_t count, capacity;
	uint32_t pins; /* number of loops that walk over its connections. Until it is 0 the group must not be freed */
	uint32_t hash; /* hash of the name, from index.c */
	struct cpg_group *index_next;
	uint32_t at; /* index in cpg->groups */
	/*
	 * From a synchronisation until the group is settled: the number of stored JOINLIST entries for this group, and
	 * 1 + the index of the newest one, or 0.
	 */
	uint32_t received_count, newest;
	uint32_t local_count; /* members on this node */
	uint64_t settled;     /* last synchronisation whose result the members show (settle.c) */
	struct cpg_connection *connections;
	struct cpg_group *near_next, *near_previous; /* the groups with connections or members of this node */
	struct cpg_process single;                   /* replaces the array for one member: most groups have no more */
	struct cpg_wire_name name;                   /* zeros behind its length */
};

/** A process that a JOINLIST named, and that was not a member then. */
struct cpg_received {
	struct cpg_group *group;
	uint32_t nodeid;
	uint32_t pid;
	uint32_t older; /* 1 + the index of the previous entry of this group; 0: none */
	bool is_new;    /* the process becomes a member at the end */
};

/** A process that left while nodes exchange their lists of processes. A list may still name it. */
struct cpg_gone {
	uint32_t pid;
	uint32_t hash; /* hash of the name */
	struct cpg_wire_name name;
};

/** A hash table. Its functions compare the objects. */
struct cpg_table {
	uint32_t *places;     /* 1 + an index in an array of objects; 0: free */
	uint32_t place_count; /* a power of two, or 0 before the first object */
	uint32_t count;       /* used places, at most half of them */
};

/** The set of a node's processes that left during the exchange (struct cpg_gone). */
struct cpg_gone_set {
	struct cpg_gone *list;
	uint32_t count, capacity;
	struct cpg_table table; /* of `list` */
};

/** The groups by name. */
#define CPG_INDEX_WORDS (CPG_GROUP_NAME_MAX / 4)
struct cpg_index {
	struct cpg_group **buckets;
	uint32_t count, capacity; /* elements of buckets. count is 0 before the first group */
	uint32_t half;            /* the largest power of two that is not above count */
	uint64_t key[CPG_INDEX_WORDS + 1];
};

/** Entries and leaves of one ring member in a synchronisation. Each member has a limit of its own. */
struct cpg_share {
	uint32_t received, gone; /* entries of its lists, and leaves */
	uint32_t new_count;      /* entries in resync.received with is_new */
	struct cpg_table table;  /* of its entries in resync.received. An entry for the same process replaces another */
	struct cpg_gone_set gone_set;
};

/** The number of group memberships of a node's processes. */
struct cpg_tally {
	uint32_t nodeid, count;
	uint32_t named; /* during a synchronisation: members that it has named, or that have joined during it */
};

/** One synchronisation. */
struct cpg_resync {
	uint64_t round;
	bool is_active;
	bool has_sent_downlist;
	struct coterie_ring_id ring;
	uint32_t *members;        /* of the new configuration */
	struct cpg_share *shares; /* one per element of members */
	uint32_t member_count;
	uint32_t *left; /* members of the last synchronised ring that did not move to this one together with this
			 * node */
	uint32_t left_count;
	struct cpg_ring_joinlist_entry *local; /* processes of this node, in the order in which they are announced */
	uint32_t local_count, local_sent;
	bool has_local;
	bool is_same; /* this ring was synchronised before. It is synchronised again since another node has loaded the
		       * service */
	struct cpg_received *received; /* in the order of arrival */
	uint32_t received_count, received_capacity;
};

/** The result of the last synchronisation, while some groups do not show it yet (settle.c). */
struct cpg_settle {
	bool is_on;
	bool has_lists; /* false: drop the entries, since the synchronisation was aborted or memory ran out */
	bool has_ended; /* false: the synchronisation was aborted, so no member is removed */
	uint64_t round;
	uint64_t seq;         /* seq of the newest entry. The seq of each older one is higher by 1 */
	uint32_t group_count; /* groups that are not passed yet: the first ones in cpg->groups */
	struct cpg_received *received;
	uint32_t received_count;
	uint32_t *left; /* ascending */
	uint32_t left_count;
	struct cpg_share *shares; /* to be freed, from the last one on */
	uint32_t share_count;
	struct coterie_timer *timer;
};

/** The group and process of a handle. */
struct cpg_alias {
	struct cpg_wire_name name;
	uint32_t pid;
	bool is_defined;
};

struct cpg_aliases {
	struct cpg_alias *list; /* indexed by handle */
	uint32_t count, capacity;
};

/** A member of the ring, and its handles. */
struct cpg_speaker {
	uint32_t nodeid;
	bool has_announced;
	struct cpg_aliases aliases;
};

/** A message to send again as a plain message: size bytes behind the header. */
struct cpg_again {
	struct cpg_again *next;
	uint32_t function, guarantee, size;
	uint8_t bytes[];
};

/**
 * Compact messages (compact.c). A period lasts from one sync_start to the next. The members speakers, announced and
 * is_on depend only on messages that were delivered in the present period. So they are the same on all nodes at the
 * same message.
 */
struct cpg_compact {
	bool is_allowed; /* by the configuration */
	bool is_on;
	uint64_t period;
	struct cpg_speaker *speakers; /* speaker_count, ascending by node id */
	uint32_t speaker_count, announced;
	uint64_t refused;    /* compact messages that were dropped, since the start */
	struct iovec *parts; /* scratch for received messages: a message without the number at its front */
	uint32_t part_capacity;
	/* The members below are only for sending. */
	struct cpg_aliases own; /* handles of this node, of the period in which they were last assigned */
	uint64_t outstanding;   /* messages that are sent, and not yet delivered on this node */
	uint64_t stale;         /* outstanding messages from before this period */
	uint64_t progress_ns;   /* time at which `stale` last decreased */
	struct cpg_again *again, *again_last;
	struct coterie_timer *again_retry;
};

struct cpg {
	const struct coterie_host *host; /* borrowed, and outlives this struct */
	struct coterie_ctx *ctx;
	struct cpg_group **groups; /* group_count, in no order */
	uint32_t group_count, group_capacity;
	struct cpg_index index;
	struct cpg_group *near;    /* the groups with connections or members of this node, newest first */
	bool is_walking;           /* a loop walks over `near`, so no group may be freed */
	struct cpg_tally *tallies; /* tally_count elements, ascending by node id. Elements with count 0 are removed */
	uint32_t tally_count, tally_capacity;
	struct cpg_connection *connections; /* newest first */
	struct cpg_leaving *leaving;        /* oldest first */
	struct coterie_timer *leave_retry;
	bool has_unsent;        /* while a saved state is read: whether a leave in it has to be sent */
	uint32_t state_version; /* while a saved state is read: the state's version */
	uint64_t message_max;   /* longest message that is sent or delivered, in bytes */
	uint64_t process_seq;
	uint64_t list_version;             /* has another value after each change of the groups or their members */
	struct cpg_snapshot_build *builds; /* snapshots that are not complete yet, in the order in which they get turns
					    * of the loop */
	struct coterie_timer *build_timer;
	uint32_t snapshot_work;      /* steps of a snapshot in the longest turn so far */
	uint64_t next_token;         /* next token of an iteration or a zero-copy buffer */
	struct closer *closer;       /* closes the files of clients, or NULL: there were none yet */
	struct coterie_ring_id ring; /* the ring of the last finished synchronisation */
	uint32_t *members;
	uint32_t member_count;
	struct cpg_resync resync;
	struct cpg_settle settle;
	struct cpg_compact compact;
	struct cpg_wire_address *addresses; /* scratch: the members of one change */
	uint32_t address_capacity;
	struct iovec *parts; /* scratch: one event */
	uint32_t part_capacity;
};

/* --- cpg.c --- */

/** Copy bytes that another process may be changing. The caller must then use only the copy. */
void cpg_snapshot(void *to, const void *from, size_t size);

/**
 * Grow an array so that it holds `count` elements.
 *
 * @param array  in and out: malloc'd or NULL
 * @return 0; -ENOMEM: as it was
 */
int cpg_reserve(void **array, uint32_t *capacity, uint32_t count, size_t element_size);

/* --- statistics.c --- */

/** Add the keys of this service to the statistics map. */
void cpg_statistics_offer(struct cpg *cpg);

/* --- groups.c --- */

/** Copy a name and fill the bytes behind its length with zeros. @return 0; -EOVERFLOW: its length is above 128 */
int cpg_name_clean(const struct cpg_wire_name *name, struct cpg_wire_name *clean);
bool cpg_name_equal(const struct cpg_wire_name *a, const struct cpg_wire_name *b);

/** Find a group by its name, and settle it. @return borrowed; NULL: no such group */
struct cpg_group *cpg_group_find(struct cpg *cpg, const struct cpg_wire_name *name);
/** Find a group by its name and the hash of the name (cpg_index_hash), and settle it. @return as cpg_group_find */
struct cpg_group *cpg_group_find_hashed(struct cpg *cpg, const struct cpg_wire_name *name, uint32_t hash);
/** Create a group that does not exist. @return borrowed; NULL: out of memory */
struct cpg_group *cpg_group_create(struct cpg *cpg, const struct cpg_wire_name *name, uint32_t hash);
/** Find or create a group. @return borrowed; NULL: out of memory. The caller then calls cpg_group_release. */
struct cpg_group *cpg_group_get(struct cpg *cpg, const struct cpg_wire_name *name);
/**
 * Return whether the group has members, connections or entries of a synchronisation, or a loop walks over its
 * connections.
 */
bool cpg_group_is_used(const struct cpg_group *group);
/** Free the group if it is not used, and cpg->is_walking is not set. */
void cpg_group_release(struct cpg *cpg, struct cpg_group *group);
/** Make room for count members. @return 0; -ENOMEM: as it was */
int cpg_members_reserve(struct cpg_group *group, uint32_t count);
/** Insert a process that is not a member yet. There must be room. @return the new element, which the caller fills */
struct cpg_process *cpg_members_insert(struct cpg_group *group, uint32_t nodeid, uint32_t pid);

/** Find a member. @return borrowed until the members change; NULL: not a member */
struct cpg_process *cpg_process_find(struct cpg_group *group, uint32_t nodeid, uint32_t pid);
/** Return whether any process of the node is a member. */
bool cpg_group_has_node(const struct cpg_group *group, uint32_t nodeid);
/** Return the index of a member, or the index at which it would be inserted. */
uint32_t cpg_process_position(const struct cpg_group *group, uint32_t nodeid, uint32_t pid);
/** Add a process. @return 0; -EEXIST: it is a member; -EDQUOT: its node has CPG_PROCESSES_MAX memberships; -ENOMEM */
int cpg_process_add(struct cpg *cpg, struct cpg_group *group, uint32_t nodeid, uint32_t pid);
void cpg_process_del(struct cpg *cpg, struct cpg_group *group, struct cpg_process *process);

/**
 * Limit of the memberships of all processes of one node. A node runs out of file descriptors before it has so many
 * clients.
 */
#define CPG_PROCESSES_MAX 16384u

/** Count a new membership of a node. @return 0; -EDQUOT: the node has CPG_PROCESSES_MAX; -ENOMEM: it is not counted */
int cpg_tally_add(struct cpg *cpg, uint32_t nodeid);
void cpg_tally_del(struct cpg *cpg, uint32_t nodeid);
/** Return the element of a node. NULL: it has no memberships */
struct cpg_tally *cpg_tally_find(const struct cpg *cpg, uint32_t nodeid);
/** Find or insert the element of a node. It must be counted, or removed by cpg_tally_prune. @return NULL: no memory */
struct cpg_tally *cpg_tally_get(struct cpg *cpg, uint32_t nodeid);
/** Remove the elements of nodes without memberships. */
void cpg_tally_prune(struct cpg *cpg);
/** While a group is settled: return whether the process is on another node, which has not named it. */
bool cpg_process_is_unnamed(const struct cpg *cpg, const struct cpg_process *process, uint32_t local_nodeid);
uint32_t cpg_tally_of(const struct cpg *cpg, uint32_t nodeid);

/** Add a connection to a group's list, or remove it. */
void cpg_connection_attach(struct cpg *cpg, struct cpg_connection *connection, struct cpg_group *group);
void cpg_connection_detach(struct cpg *cpg, struct cpg_connection *connection);

/* --- index.c --- */

void cpg_index_init(struct cpg *cpg);
void cpg_index_fini(struct cpg *cpg);
/** Return the hash of a name that cpg_name_clean() has written. It depends on a random key of this struct cpg. */
uint32_t cpg_index_hash(const struct cpg *cpg, const struct cpg_wire_name *name);
/** Find a group by its name and the hash of the name. @return borrowed; NULL: there is no such group */
struct cpg_group *cpg_index_find(const struct cpg *cpg, const struct cpg_wire_name *name, uint32_t hash);
/** Add a group that is not in cpg->groups yet. @return 0; -ENOMEM */
int cpg_index_add(struct cpg *cpg, struct cpg_group *group);
void cpg_index_del(struct cpg *cpg, const struct cpg_group *group);

/* --- fragments.c --- */

/**
 * Count the next fragment of a process towards its message. After an error no message is open: all fragments up to the
 * next FIRST give -ENOENT.
 *
 * @param size_max longest message that is allowed, in bytes
 * @param type     enum cpg_fragment_type
 * @param msglen   bytes of the whole message, as the fragment says
 * @param size     bytes of the fragment
 * @return 0; -EMSGSIZE: the message is too long; -ENOENT: no message is open; -EPROTO: the fragment does not fit what
 *     the first one announced
 */
int cpg_fragment_count(
	struct cpg_sending *sending, uint64_t size_max, enum cpg_fragment_type type, uint32_t msglen, uint32_t size);

/* --- deliver.c --- */

/**
 * Notify the group's local members of a change. The group already has its new members. This call may free the group.
 */
void cpg_confchg(struct cpg *cpg, struct cpg_group *group, const struct cpg_wire_address *left, uint32_t left_count,
	const struct cpg_wire_address *joined, uint32_t joined_count);
/** Send the ring's configuration to one client. */
void cpg_totem_confchg(struct cpg *cpg, struct cpg_connection *connection);

void cpg_deliver_procjoin(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cpg_deliver_procleave(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cpg_deliver_downlist(void *self, uint32_t nodeid, void *msg, uint32_t size);
/** Handle the leave of a process, as for a PROCLEAVE. */
void cpg_process_left(
	struct cpg *cpg, uint32_t nodeid, const struct cpg_wire_name *name, uint32_t pid, uint32_t reason);
/** Deliver a message to the group's members on this node: size bytes in parts. */
void cpg_message_in(struct cpg *cpg, uint32_t nodeid, const struct cpg_wire_name *name, uint32_t pid,
	const struct iovec *parts, uint32_t count, uint32_t size);
/**
 * Deliver a fragment of a message of msglen bytes. Drop it if its sender is not in the group, or if it does not fit the
 * sender's fragments before it.
 */
void cpg_fragment_in(struct cpg *cpg, uint32_t nodeid, const struct cpg_wire_name *name, uint32_t pid, uint32_t type,
	uint32_t msglen, const struct iovec *parts, uint32_t count, uint32_t size);
void cpg_deliver_mcast(
	void *self, uint32_t nodeid, const void *head, const struct iovec *parts, uint32_t count, uint32_t size);
void cpg_deliver_partial_mcast(
	void *self, uint32_t nodeid, const void *head, const struct iovec *parts, uint32_t count, uint32_t size);
void cpg_swap_process(void *msg, uint32_t size);
void cpg_swap_joinlist(void *msg, uint32_t size);
void cpg_swap_mcast(void *msg, uint32_t size);
void cpg_swap_partial_mcast(void *msg, uint32_t size);

/* --- resync.c --- */

void cpg_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular);
int cpg_sync_step(void *self);
void cpg_sync_done(void *self);
void cpg_sync_abort(void *self);
void cpg_deliver_joinlist(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cpg_resync_fini(struct cpg *cpg);
/** A process has become a member while nodes exchange their lists. */
void cpg_resync_joined(struct cpg *cpg, uint32_t nodeid, uint32_t pid, const struct cpg_group *group);
/** A member is removed while nodes exchange their lists. */
void cpg_resync_removed(struct cpg *cpg, const struct cpg_process *process);
/** Record that a process has left, so that an older JOINLIST does not add it again. */
void cpg_resync_left(struct cpg *cpg, uint32_t nodeid, uint32_t pid, const struct cpg_wire_name *name);

/* --- received.c --- */

/**
 * Take an entry of a JOINLIST. If its process is a member, the member is marked as named. Otherwise the entry is
 * recorded, except if the process has left.
 * @return 0; -ENOMEM: it is not taken
 */
int cpg_received_add(
	struct cpg *cpg, struct cpg_share *share, uint32_t nodeid, uint32_t pid, const struct cpg_wire_name *name);
/** The process has become a member, or has left: its entry does not make it a member. */
void cpg_received_cancel(struct cpg *cpg, struct cpg_share *share, uint32_t pid, const struct cpg_group *group);
/** Drop the oldest entries of a node that make `surplus` processes members. */
void cpg_received_cut(struct cpg *cpg, struct cpg_share *share, uint32_t nodeid, uint32_t surplus);
/** Record that a process has left, so that no JOINLIST adds it again. @return 0; -ENOMEM: it is not recorded */
int cpg_gone_add(struct cpg *cpg, struct cpg_share *share, uint32_t pid, const struct cpg_wire_name *name);
/** Free what is stored for a member. */
void cpg_share_fini(struct cpg_share *share);

/* --- settle.c: apply the result of a synchronisation to the groups --- */

/** Return whether a member of the last ring has not come to the ring of this synchronisation together with this node. */
bool cpg_has_left(const uint32_t *left, uint32_t left_count, uint32_t nodeid);
/**
 * Begin to apply the entries of resync.received, and the leaves of nodes in resync.left. Both are taken. Groups with
 * clients of this node are settled at once, and the clients are notified.
 * @param has_ended  false: the synchronisation was aborted. The entries are dropped, and no client is notified
 * @param has_lists  false: the entries are dropped
 */
void cpg_settle_begin(struct cpg *cpg, bool has_ended, bool has_lists);
/** Settle some groups. @return true: all groups are settled */
bool cpg_settle_step(struct cpg *cpg);
/** Settle all groups now. */
void cpg_settle_all(struct cpg *cpg);
/** Settle a group, if it is not settled. It may be unused then. */
void cpg_settle_group(struct cpg *cpg, struct cpg_group *group);
/** Free what groups still wait for. */
void cpg_settle_fini(struct cpg *cpg);

/* --- compact.c --- */

void cpg_compact_init(struct cpg *cpg);
void cpg_compact_fini(struct cpg *cpg);
/** Begin a period. No member has announced compact messages yet. */
void cpg_compact_start(struct cpg *cpg, const uint32_t *members, uint32_t count);
/** Send dropped messages again, after a synchronisation. */
void cpg_compact_done(struct cpg *cpg);
/**
 * Announce the features of this node at the end of its DOWNLIST, if the whole ring can support them.
 */
void cpg_compact_announce(struct cpg *cpg, struct cpg_ring_downlist *list);
/** Handle a DOWNLIST of size bytes from a node. */
void cpg_compact_heard(struct cpg *cpg, uint32_t nodeid, const void *list, uint32_t size);
void cpg_deliver_compact(
	void *self, uint32_t nodeid, const void *head, const struct iovec *parts, uint32_t count, uint32_t size);
/** Return whether this node still has to send earlier messages again. No new message may overtake these. */
bool cpg_compact_waits(struct cpg *cpg);
/** Return whether messages of the process are sent compact. Assign a handle if the process has none. */
bool cpg_compact_has(struct cpg *cpg, struct cpg_handle *handle, const struct cpg_wire_name *name, uint32_t pid);
/** Send a compact message of a process that has a handle. CPG_COMPACT_MESSAGE ignores `number`. @return as ring_send */
int cpg_compact_send(struct cpg *cpg, const struct cpg_handle *handle, enum cpg_compact_kind kind, uint32_t number,
	uint32_t guarantee, const void *bytes, uint32_t size);
void cpg_compact_save(const struct cpg *cpg, struct coterie_state_writer *writer);
int cpg_compact_load(struct cpg *cpg, struct coterie_state_reader *reader);

/* --- requests.c --- */

/** Send the leaves for which the ring had no room. If there is still no room, a timer tries again. */
void cpg_leavings_send(struct cpg *cpg);
/** Do that now if the timer runs. The caller knows that what they had to wait for is sent. */
void cpg_leavings_resume(struct cpg *cpg);
/** End a connection's membership because the connection ends. */
void cpg_connection_drop(struct cpg *cpg, struct cpg_connection *connection);
/** Return whether a client may send a message. A client with many unread events may not. */
bool cpg_may_send(const struct cpg *cpg, struct coterie_client *client);
/**
 * Send a client's bytes to the group of its connection.
 *
 * @param guarantee cpg_guarantee_t of the client; only SAFE (3) differs from AGREED
 * @return 0; -ENOENT: not in a group; -EMSGSIZE; -EAGAIN: no room
 */
int cpg_send(struct cpg *cpg, struct cpg_connection *connection, uint32_t guarantee, const void *bytes, uint32_t size);

/** Send a message that a client has written into its channel. */
int cpg_channel_message(void *self, struct coterie_client *client, uint32_t guarantee, const void *msg, uint32_t size);

/** The request table. */
#define CPG_REQUESTS 13
extern const struct coterie_request cpg_requests[CPG_REQUESTS];

/* --- iterate.c --- */

int cpg_handle_iteration_initialize(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cpg_handle_iteration_next(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cpg_handle_iteration_finalize(void *self, struct coterie_client *client, const void *msg, uint32_t size);
void cpg_iterations_free(struct cpg_connection *connection);
void cpg_iterations_save(const struct cpg_connection *connection, struct coterie_state_writer *writer);
int cpg_iterations_load(struct cpg_connection *connection, struct coterie_state_reader *reader);

/* --- snapshot.c --- */

/** Most steps of a snapshot in one turn of the loop. A step checks one group or copies one entry. */
#define CPG_SNAPSHOT_WORK_MAX 4096u
/** Cancel the snapshot that the client waits for, without an answer. */
void cpg_snapshot_drop(struct cpg_connection *connection);

/* --- zero_copy.c --- */

int cpg_handle_zc_alloc(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cpg_handle_zc_free(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cpg_handle_zc_execute(void *self, struct coterie_client *client, const void *msg, uint32_t size);
/** Give up the connection's buffers. */
void cpg_zero_copies_free(struct cpg *cpg, struct cpg_connection *connection);
void cpg_zero_copies_save(const struct cpg_connection *connection, struct coterie_state_writer *writer);
int cpg_zero_copies_load(struct cpg *cpg, struct cpg_connection *connection, struct coterie_state_reader *reader);

/* --- state.c: a new version takes over --- */

int cpg_state_save(void *self, void **blob, uint32_t *size);
int cpg_state_load(void *self, const void *blob, uint32_t size);

#endif

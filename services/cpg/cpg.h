/*
 * What the files of the CPG service share: who is in which group, what the clients of this node are
 * doing, and where a synchronisation stands.
 *
 * Life of a membership. 1 A client asks to join: its connection becomes JOIN_STARTED and PROCJOIN
 * goes to the ring. 2 PROCJOIN is delivered: every node lists the process, the connection is
 * JOINED, members are told. 3 The client leaves (LEAVE_STARTED) or its connection ends: PROCLEAVE
 * goes to the ring. 4 PROCLEAVE is delivered: every node strikes the process out, members are told,
 * and a connection that is still there is UNJOINED and may join again.
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

/** Where a connection stands with its group. */
enum cpg_state {
	CPG_UNJOINED,
	CPG_JOIN_STARTED, /* PROCJOIN is on its way; sending is allowed, it comes behind */
	CPG_JOINED,
	CPG_LEAVE_STARTED, /* PROCLEAVE is on its way; still hears what comes before it */
};

/** What a process of this node has instead of its group's name and its pid, in compact messages. */
struct cpg_handle {
	uint64_t period; /* of which it is; 0: none */
	uint32_t number;
};

/**
 * A leave of this node that is not delivered yet. Until then the same process must not join the
 * same group again, or the old leave would strike the new membership out.
 */
struct cpg_leaving {
	struct cpg_leaving *next;
	struct cpg_wire_name name;
	uint32_t pid;
	bool is_sent; /* false: the ring had no room yet */
	struct cpg_handle handle;
};

/** One client. The memory is the executive's (client_data). */
struct cpg_connection {
	struct coterie_client *client;
	struct cpg_connection *next, *previous;             /* all, newest first */
	struct cpg_connection *group_next, *group_previous; /* of one group, newest first */
	struct cpg_group *group;                            /* NULL: UNJOINED */
	struct cpg_leaving *leaving; /* made at the join, so that the leave needs no memory */
	enum cpg_state state;
	uint32_t pid;              /* what the library said at the join */
	struct cpg_handle handle;
	bool is_finalized;         /* wants no events any more */
	bool wants_totem;          /* asked for the ring's configuration behind its first change */
	bool had_totem;            /* and got it: once per connection */
	uint64_t changes;          /* configuration changes sent to it */
	uint64_t changes_at_first; /* the same when the first fragment of a message came */
	struct cpg_iteration *iterations;
	struct cpg_snapshot_build *build; /* the client waits for an iteration; NULL: it does not */
	struct cpg_zero_copy *zero_copies;
	uint32_t zero_copy_count;
	uint64_t zero_copy_size; /* bytes of them together */
};

/** One process in one group, anywhere in the cluster. */
struct cpg_process {
	uint32_t nodeid;
	uint32_t pid;
	uint64_t seq;   /* order of arrival in our list */
	uint64_t round; /* of the last synchronisation in which its node named it */
};

/** A group that has members or local connections, or that a synchronisation names. */
struct cpg_group {
	struct cpg_process *members; /* count, ascending by node id, then pid; at first `single` */
	uint32_t count, capacity;
	uint32_t pins; /* somebody is walking the connections: do not free */
	uint32_t hash; /* of the name: index.c */
	struct cpg_group *index_next;
	uint32_t at; /* in cpg->groups */
	/* During a synchronisation: how many entries of JOINLISTs are for it, and 1 + the place of the newest. 0: none */
	uint32_t received_count, newest;
	uint32_t joined_count, joined_capacity;
	struct cpg_connection *connections;
	struct cpg_wire_address *joined; /* during sync_done */
	struct cpg_process single;       /* most groups have one member of a node, and need no array */
	struct cpg_wire_name name;       /* zeros behind its length */
};

/** A process that a JOINLIST named. */
struct cpg_received {
	struct cpg_group *group;
	uint32_t nodeid;
	uint32_t pid;
	uint32_t older; /* 1 + the place of the entry of this group that came before; 0: none */
	bool is_new;    /* merge.c */
	uint64_t seq;   /* merge.c: its place in our list */
};

/** A process that left while nodes tell each other their processes: a list may name it still. */
struct cpg_gone {
	uint32_t nodeid;
	uint32_t pid;
	uint32_t hash; /* of the name */
	struct cpg_wire_name name;
};

/** All of them. */
struct cpg_gone_set {
	struct cpg_gone *list;
	uint32_t count, capacity;
	uint32_t *places; /* a hash table: 1 + the place in list; 0: free */
	uint32_t place_count; /* a power of two, or none */
};

/** The groups by name. */
#define CPG_INDEX_WORDS (CPG_GROUP_NAME_MAX / 4)
struct cpg_index {
	struct cpg_group **buckets; /* count, a power of two, or none */
	uint32_t count;
	uint64_t key[CPG_INDEX_WORDS + 1];
};

/** What a member has used of a synchronisation: each has its own share. */
struct cpg_share {
	uint32_t received, gone;
};

/** How many memberships a node has. */
struct cpg_tally {
	uint32_t nodeid, count;
	uint32_t unnamed; /* of these, at the end of a synchronisation: they are about to be removed */
};

/** One synchronisation. */
struct cpg_resync {
	uint64_t round;
	bool is_active;
	bool has_sent_downlist;
	struct coterie_ring_id ring;
	uint32_t *members; /* of the new configuration */
	struct cpg_share *shares; /* as members */
	uint32_t member_count;
	uint32_t *left; /* were members at the last sync_done and did not come here with us */
	uint32_t left_count;
	struct cpg_ring_joinlist_entry *local; /* our processes, as they are announced */
	uint32_t local_count, local_sent;
	bool has_local;
	bool is_same; /* the ring was synchronised already: the service was loaded on another node */
	struct cpg_gone_set gone;
	struct cpg_received *received; /* in the order of arrival */
	uint32_t received_count, received_capacity;
};

/** What a handle stands for. */
struct cpg_alias {
	struct cpg_wire_name name;
	uint32_t pid;
	bool is_defined;
};

struct cpg_aliases {
	struct cpg_alias *list; /* by handle */
	uint32_t count, capacity;
};

/** A member of the ring, and what its handles stand for. */
struct cpg_speaker {
	uint32_t nodeid;
	bool has_announced;
	struct cpg_aliases aliases;
};

/** A message to be sent as plain nodes know it: size bytes behind the header. */
struct cpg_again {
	struct cpg_again *next;
	uint32_t function, guarantee, size;
	uint8_t bytes[];
};

/**
 * Compact messages (compact.c). A period lasts from one sync_start to the next. speakers, announced and is_on
 * follow from what was delivered in it and nothing else, so they are the same on all nodes at the same message.
 */
struct cpg_compact {
	bool is_allowed; /* by the operator */
	bool is_on;
	uint64_t period;
	struct cpg_speaker *speakers; /* speaker_count, ascending by node id */
	uint32_t speaker_count, announced;
	uint64_t refused; /* since the start */
	/* As a sender: */
	struct cpg_aliases own;  /* of the period in which they were last given out */
	uint64_t outstanding;    /* sent and not delivered here */
	uint64_t stale;          /* of these, from before this period */
	uint64_t progress_ns;    /* when it was last less */
	struct cpg_again *again, *again_last;
	struct coterie_timer *again_retry;
	struct iovec *parts; /* scratch: data behind a number */
	uint32_t part_capacity;
};

/** What is complained about at a limited rate. */
enum cpg_complaint {
	CPG_BAD_NAME,
	CPG_BAD_SIZE,
	CPG_UNKNOWN_SENDER,
	CPG_TOO_MANY,
	CPG_NO_MEMORY,
	CPG_NOT_JOINED,
	CPG_BAD_COMPACT,
	CPG_COMPLAINTS, /* how many there are */
};

struct cpg {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;
	struct cpg_group **groups; /* group_count, in no order */
	uint32_t group_count, group_capacity;
	struct cpg_index index;
	bool is_walking; /* no group is freed */
	struct cpg_tally *tallies; /* tally_count, ascending by node id; none is 0 */
	uint32_t tally_count, tally_capacity;
	struct cpg_connection *connections; /* newest first */
	struct cpg_leaving *leaving;        /* oldest first */
	struct coterie_timer *leave_retry;
	bool has_unsent; /* while a state is read: one of them is still to be sent */
	uint32_t state_version; /* while it is read */
	uint64_t process_seq;
	uint64_t list_version; /* differs after each change of the lists */
	struct cpg_snapshot_build *builds; /* snapshots that take several turns, the next in turn first */
	struct coterie_timer *build_timer;
	uint32_t snapshot_work; /* steps of the longest turn so far */
	uint64_t next_token;         /* of iterations and zero-copy buffers */
	struct coterie_ring_id ring; /* of the last finished synchronisation */
	uint32_t *members;
	uint32_t member_count;
	struct cpg_resync resync;
	struct cpg_compact compact;
	struct cpg_wire_address *addresses; /* scratch: the members of one change */
	uint32_t address_capacity;
	struct iovec *parts; /* scratch: one event */
	uint32_t part_capacity;
	struct {
		uint64_t next_ns;
		uint64_t hidden;
	} complaints[CPG_COMPLAINTS];
};

/* --- cpg.c --- */

/** Log a warning unless one for the same cause was logged a short time ago. nodeid 0: none. */
void cpg_complain(struct cpg *cpg, enum cpg_complaint cause, uint32_t nodeid, const char *text);

/** Copy bytes that somebody else may be changing; afterwards only the copy is looked at. */
void cpg_snapshot(void *to, const void *from, size_t size);

/**
 * Grow an array so that it holds `count` elements.
 *
 * @param array  in and out: malloc'd or NULL
 * @return 0; -ENOMEM: as it was
 */
int cpg_reserve(void **array, uint32_t *capacity, uint32_t count, size_t element_size);

/* --- statistics.c --- */

/** Offer the number of groups and of their members. */
void cpg_statistics_offer(struct cpg *cpg);

/* --- groups.c --- */

/** @return 0; -EOVERFLOW: longer than 128. The copy has zeros behind its length. */
int cpg_name_clean(const struct cpg_wire_name *name, struct cpg_wire_name *clean);
bool cpg_name_equal(const struct cpg_wire_name *a, const struct cpg_wire_name *b);

/** @return borrowed; NULL: nobody is in it */
struct cpg_group *cpg_group_find(struct cpg *cpg, const struct cpg_wire_name *name);
/** @return borrowed, made when needed; NULL: out of memory. End with cpg_group_release. */
struct cpg_group *cpg_group_get(struct cpg *cpg, const struct cpg_wire_name *name);
/** It has members, connections or entries of a synchronisation, or its connections are walked. */
bool cpg_group_is_used(const struct cpg_group *group);
/** Free the group if it is not used, and cpg->is_walking is not set. */
void cpg_group_release(struct cpg *cpg, struct cpg_group *group);
/** Make room for count members. @return 0; -ENOMEM: as it was */
int cpg_members_reserve(struct cpg_group *group, uint32_t count);
/** Make a gap for a process that is no member yet. There is room. @return its place, to be filled in */
struct cpg_process *cpg_members_insert(struct cpg_group *group, uint32_t nodeid, uint32_t pid);

/** @return borrowed until the members change; NULL: not a member */
struct cpg_process *cpg_process_find(struct cpg_group *group, uint32_t nodeid, uint32_t pid);
/** True when any process of the node is a member. */
bool cpg_group_has_node(const struct cpg_group *group, uint32_t nodeid);
/** @return 0; -EEXIST; -EDQUOT: its node has CPG_PROCESSES_MAX memberships; -ENOMEM */
int cpg_process_add(struct cpg *cpg, struct cpg_group *group, uint32_t nodeid, uint32_t pid);
void cpg_process_del(struct cpg *cpg, struct cpg_group *group, struct cpg_process *process);

/** Memberships of all processes of one node. A node runs out of file descriptors for its clients before. */
#define CPG_PROCESSES_MAX 16384u

/** Count one membership more of a node. @return 0; -EDQUOT; -ENOMEM: it is not counted */
int cpg_tally_add(struct cpg *cpg, uint32_t nodeid);
void cpg_tally_del(struct cpg *cpg, uint32_t nodeid);
/** Leave the members that this synchronisation did not name out of what cpg_tally_add compares. */
void cpg_tally_excuse(struct cpg *cpg);
/** End cpg_tally_excuse. */
void cpg_tally_excuse_end(struct cpg *cpg);
/** Return whether the process is of another node, which has not named it in this synchronisation. */
bool cpg_process_is_unnamed(const struct cpg *cpg, const struct cpg_process *process, uint32_t local_nodeid);
uint32_t cpg_tally_of(const struct cpg *cpg, uint32_t nodeid);

/** Put a connection into a group's list and take it out again. */
void cpg_connection_attach(struct cpg_connection *connection, struct cpg_group *group);
void cpg_connection_detach(struct cpg *cpg, struct cpg_connection *connection);

/* --- index.c --- */

void cpg_index_init(struct cpg *cpg);
void cpg_index_fini(struct cpg *cpg);
/** Return the hash of a name, which is clean. It differs from one start to the next. */
uint32_t cpg_index_hash(const struct cpg *cpg, const struct cpg_wire_name *name);
/** @return borrowed; NULL: there is none */
struct cpg_group *cpg_index_find(const struct cpg *cpg, const struct cpg_wire_name *name, uint32_t hash);
/** Add a group that is not in cpg->groups yet. @return 0; -ENOMEM */
int cpg_index_add(struct cpg *cpg, struct cpg_group *group);
void cpg_index_del(struct cpg *cpg, const struct cpg_group *group);

/* --- deliver.c --- */

/**
 * Tell the group's local members of a change. The members are already those after it. The group may
 * be gone afterwards.
 */
void cpg_confchg(struct cpg *cpg, struct cpg_group *group, const struct cpg_wire_address *left,
	uint32_t left_count, const struct cpg_wire_address *joined, uint32_t joined_count);
/** Tell one client the ring's configuration. */
void cpg_totem_confchg(struct cpg *cpg, struct cpg_connection *connection);

void cpg_deliver_procjoin(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cpg_deliver_procleave(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cpg_deliver_downlist(void *self, uint32_t nodeid, void *msg, uint32_t size);
/** A process of a node has left: what a PROCLEAVE says. */
void cpg_process_left(struct cpg *cpg, uint32_t nodeid, const struct cpg_wire_name *name, uint32_t pid,
	uint32_t reason);
/** A message for the group's members here: size bytes in parts. */
void cpg_message_in(struct cpg *cpg, uint32_t nodeid, const struct cpg_wire_name *name, uint32_t pid,
	const struct iovec *parts, uint32_t count, uint32_t size);
/** A fragment of one of msglen bytes. */
void cpg_fragment_in(struct cpg *cpg, uint32_t nodeid, const struct cpg_wire_name *name, uint32_t pid,
	uint32_t type, uint32_t msglen, const struct iovec *parts, uint32_t count, uint32_t size);
void cpg_deliver_mcast(void *self, uint32_t nodeid, const void *head, const struct iovec *parts,
	uint32_t count, uint32_t size);
void cpg_deliver_partial_mcast(void *self, uint32_t nodeid, const void *head,
	const struct iovec *parts, uint32_t count, uint32_t size);
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
/** A process has left: what a list says of it from before does not bring it back. */
void cpg_resync_left(struct cpg *cpg, uint32_t nodeid, uint32_t pid, const struct cpg_wire_name *name);

/* --- merge.c --- */

/** Note a process that a JOINLIST names. @return 0; -ENOMEM: it is not noted */
int cpg_received_add(struct cpg *cpg, uint32_t nodeid, uint32_t pid, const struct cpg_wire_name *name);
/** Forget all that cpg_received_add noted. */
void cpg_received_forget(struct cpg *cpg);
/** Note that a process has left: no list brings it back. @return 0; -ENOMEM: it is not noted */
int cpg_gone_add(struct cpg *cpg, uint32_t nodeid, uint32_t pid, const struct cpg_wire_name *name);
/** Forget all that cpg_gone_add noted. */
void cpg_gone_forget(struct cpg *cpg);
/**
 * List what was received and is not listed, but for what has gone, and note it as `joined` of its group, if clients of
 * this node are in it. The same as one after the other from the last one on.
 * @return 0; -ENOMEM: some or all of them are not listed
 */
int cpg_merge_received(struct cpg *cpg);

/* --- compact.c --- */

void cpg_compact_init(struct cpg *cpg);
void cpg_compact_fini(struct cpg *cpg);
/** A period begins: what was agreed is so no more. */
void cpg_compact_start(struct cpg *cpg, const uint32_t *members, uint32_t count);
/** The services agree: what was sent in vain goes out again. */
void cpg_compact_done(struct cpg *cpg);
/** Put what this node can do at the end of its DOWNLIST, if everybody in the ring may understand it. */
void cpg_compact_announce(struct cpg *cpg, struct cpg_ring_downlist *list);
/** A DOWNLIST of size bytes from a node was delivered. */
void cpg_compact_heard(struct cpg *cpg, uint32_t nodeid, const void *list, uint32_t size);
void cpg_deliver_compact(void *self, uint32_t nodeid, const void *head, const struct iovec *parts,
	uint32_t count, uint32_t size);
/** True while what processes of this node sent before has yet to be sent again: nothing may overtake it. */
bool cpg_compact_waits(struct cpg *cpg);
/** True when messages of the process go out compact. It gets a handle when it has none. */
bool cpg_compact_has(struct cpg *cpg, struct cpg_handle *handle, const struct cpg_wire_name *name, uint32_t pid);
/** Send for a process that has a handle. number is not looked at for CPG_COMPACT_MESSAGE. @return as ring_send */
int cpg_compact_send(struct cpg *cpg, const struct cpg_handle *handle, enum cpg_compact_kind kind, uint32_t number,
	uint32_t guarantee, const void *bytes, uint32_t size);
void cpg_compact_save(const struct cpg *cpg, struct coterie_state_writer *writer);
int cpg_compact_load(struct cpg *cpg, struct coterie_state_reader *reader);

/* --- requests.c --- */

/** Send the leaves that the ring had no room for, again and again. */
void cpg_leavings_send(struct cpg *cpg);
/** End a connection's membership because the connection ends. */
void cpg_connection_drop(struct cpg *cpg, struct cpg_connection *connection);
/** Return whether a client may begin a message: not while many of its own events wait for it. */
bool cpg_may_send(const struct cpg *cpg, struct coterie_client *client);
/**
 * Send user bytes to the group of a connection.
 *
 * @param guarantee  cpg_guarantee_t of the client; only SAFE (3) differs from AGREED
 * @return 0; -ENOENT: not in a group; -EMSGSIZE; -EAGAIN: no room
 */
int cpg_send(struct cpg *cpg, struct cpg_connection *connection, uint32_t guarantee,
	const void *bytes, uint32_t size);

/** A message that a client has written into its channel. */
int cpg_channel_message(void *self, struct coterie_client *client, uint32_t guarantee, const void *msg,
	uint32_t size);

/** The request table. */
#define CPG_REQUESTS 13
extern const struct coterie_request cpg_requests[CPG_REQUESTS];

/* --- iterate.c --- */

int cpg_handle_iteration_initialize(
	void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cpg_handle_iteration_next(
	void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cpg_handle_iteration_finalize(
	void *self, struct coterie_client *client, const void *msg, uint32_t size);
void cpg_iterations_free(struct cpg_connection *connection);
void cpg_iterations_save(const struct cpg_connection *connection, struct coterie_state_writer *writer);
int cpg_iterations_load(struct cpg_connection *connection, struct coterie_state_reader *reader);

/* --- snapshot.c --- */

/** Steps of a turn of the loop: looks at a group, or copies of an entry. */
#define CPG_SNAPSHOT_WORK_MAX 4096u
/** End what the client waits for, without an answer. */
void cpg_snapshot_drop(struct cpg_connection *connection);

/* --- zero_copy.c --- */

int cpg_handle_zc_alloc(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cpg_handle_zc_free(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cpg_handle_zc_execute(
	void *self, struct coterie_client *client, const void *msg, uint32_t size);
void cpg_zero_copies_free(struct cpg_connection *connection);
void cpg_zero_copies_save(const struct cpg_connection *connection, struct coterie_state_writer *writer);
int cpg_zero_copies_load(struct cpg_connection *connection, struct coterie_state_reader *reader);

/* --- state.c: a new version takes over --- */

int cpg_state_save(void *self, void **blob, uint32_t *size);
int cpg_state_load(void *self, const void *blob, uint32_t size);

#endif

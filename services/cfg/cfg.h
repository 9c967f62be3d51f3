/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the configuration service: the clients that track shutdowns, the running vote, and the reloads
 * that clients wait for.
 *
 * A vote about a shutdown has these steps:
 * 1. A client requests a shutdown while other clients track shutdowns. This client becomes the asker, a timer starts,
 *    and every other tracker is sent an event.
 * 2. Answers arrive. New trackers get the event as well. A tracker that disconnects does not object.
 * 3. All trackers have answered, or the time is over. The asker gets its answer. If all trackers agree, SHUTDOWN is
 *    sent on the ring. If the asker disconnects first, the vote is void.
 *
 * A reload in a ring with Corosync nodes has these steps:
 * 1. A client requests a reload. The reload is listed under a number, and RELOAD_CONFIG with this number is sent.
 * 2. RELOAD_CONFIG is delivered. The executive of every node reads its own file, once for all waiting reloads. Before
 *    that, an earlier reload must have ended, with the change of keys that it caused.
 * 3. The executive has finished. The clients of the delivered numbers get their answers.
 *
 * The file agree.c describes a reload that either all nodes apply or none. The file rekey.c describes a change of keys.
 */
#ifndef CFG_CFG_H
#define CFG_CFG_H

#include <stdbool.h>

#include <coterie/service.h>

#include "services/cfg/agree.h"
#include "services/cfg/messages.h"

enum cfg_answer {
	CFG_NOT_ANSWERED,
	CFG_ANSWERED_NO,
	CFG_ANSWERED_YES,
};

/** One client. The executive owns the memory (client_data). */
struct cfg_connection {
	struct coterie_client *client;
	struct cfg_connection *next, *previous; /* list of all connections, newest first */
	bool is_tracking;
	bool is_asked;          /* the current vote has asked it */
	enum cfg_answer answer; /* its answer in the current vote */
};

/** A reload that is not finished. */
struct cfg_reload {
	struct cfg *cfg;
	struct cfg_reload *next;
	struct coterie_client *client; /* the client that waits for the answer, or NULL */
	uint64_t cookie;               /* number in its message, until the message is delivered */
	bool is_delivered;             /* the message was delivered. The reload waits for its turn, or is_read is set */
	bool is_read;                  /* the executive reads the file for this reload */
	bool wants_report;             /* the client wants a report of the result */
};

enum cfg_rekey_state {
	CFG_REKEY_IDLE,
	CFG_REKEY_LOADED, /* the transport has new keys beside the keys in use */
	CFG_REKEY_ACTIVE, /* the transport sends with the new keys, and still accepts the old ones */
};

/** A member of the ring, and its last messages about changes of keys. */
struct cfg_rekey_member {
	uint32_t nodeid;
	uint32_t phase, tag;           /* its last valid message; 0: none */
	uint32_t next_phase, next_tag; /* its message about the next change, if it has begun the next change already */
	bool is_bound;                 /* this node waits for its messages: it was a member when this node began to send
				        * with the new keys, or has sent a message since then */
};

struct cfg_rekey {
	enum cfg_rekey_state state;
	struct cfg_rekey_member *members; /* members of the current configuration */
	uint32_t member_count;
	bool is_blind;       /* out of memory: `members` may lack members of the current configuration */
	uint32_t tag;        /* tag of the loaded keys */
	uint32_t used_tag;   /* tag of the last keys that all members used */
	uint32_t owed;       /* enum cfg_phase that has to be sent; 0: none */
	uint64_t since_ns;   /* time at which this state began */
	uint64_t settled_ns; /* the change does not end before this time */
	bool is_withdrawing; /* a withdrawal was sent, and the reload for which it was sent has not ended */
	bool is_withdrawn;   /* that withdrawal was delivered to this node */
	bool has_warned;     /* a warning was logged: this node has waited too long for a member */
	bool has_failed;     /* an error of the transport was logged */
	struct coterie_timer *timer;
};

/** Node ids of the node list, ascending: the first CFG_RING_STATUS_SIZE of them in the order of the map. */
struct cfg_nodelist {
	uint32_t nodeids[CFG_RING_STATUS_SIZE];
	uint32_t count;
	bool is_current; /* no key of the node list has changed since nodeids was read */
	struct coterie_map_tracker *tracker;
};

struct cfg_vote {
	struct cfg_connection *asker; /* NULL: no vote is running */
	uint32_t flags;               /* enum cfg_shutdown_flags */
	struct coterie_timer *timer;
};

struct cfg {
	const struct coterie_host *host; /* borrowed, and outlives this struct */
	struct coterie_ctx *ctx;
	struct cfg_connection *connections; /* newest first */
	struct cfg_vote vote;
	struct coterie_timer *shutdown_retry;
	struct cfg_reload *reloads; /* oldest first */
	uint64_t next_cookie;
	bool is_reading; /* the executive reads the file for some of `reloads` */
	struct cfg_rekey rekey;
	struct cfg_agreement agreement;
	struct cfg_nodelist nodelist;
};

/* --- cfg.c --- */

struct cfg_connection *cfg_connection_of(struct cfg *cfg, struct coterie_client *client);
/** Copy bytes that another process may be changing. The caller must then use only the copy. */
void cfg_snapshot(void *to, const void *from, size_t size);

/* --- shutdown.c --- */

/** Remove a tracker that has stopped tracking or disconnected. */
void cfg_tracker_leave(struct cfg *cfg, struct cfg_connection *connection);
/** Cancel the vote if the ending connection is the asker's. */
void cfg_asker_leave(struct cfg *cfg, const struct cfg_connection *connection);

int cfg_handle_try_shutdown(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_reply_to_shutdown(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_trackstart(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_trackstop(void *self, struct coterie_client *client, const void *msg, uint32_t size);
void cfg_deliver_shutdown(void *self, uint32_t nodeid, void *msg, uint32_t size);

/* --- status.c --- */

int cfg_status_init(struct cfg *cfg); /* -ENOMEM */
void cfg_status_fini(struct cfg *cfg);

int cfg_handle_ring_status_get(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_node_status_get(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_get_node_addrs(void *self, struct coterie_client *client, const void *msg, uint32_t size);

/* --- reload.c --- */

/**
 * Return the error of this node's last reload, or NULL. The executive deletes it when it begins to apply a file. So after a
 * file was applied, the error is about a part of it that has no effect.
 */
const char *cfg_reload_error(struct cfg *cfg);
/** Send RELOAD_CONFIG: each node reloads on its own. `client` gets the answer. @return 0; -ENOMEM; -EAGAIN */
int cfg_reload_send(struct cfg *cfg, struct coterie_client *client, bool wants_report);
/** Forget a client whose connection ends. Its reloads continue. */
void cfg_reloads_forget(struct cfg *cfg, const struct coterie_client *client);
/** Free all reloads. The executive calls no callback for them any more. */
void cfg_reloads_free(struct cfg *cfg);

int cfg_handle_reload_config(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_reload_report(void *self, struct coterie_client *client, const void *msg, uint32_t size);
void cfg_deliver_reload_config(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_swap_reload_config(void *msg, uint32_t size);
/** Read the file for the waiting reloads, if it is their turn. */
void cfg_reload_next(struct cfg *cfg);
/**
 * Start a reload with host->reload_with(). Executives before ABI 1.8 do not have this function, and cannot force a
 * reload.
 * @param done called with cfg
 */
int cfg_reload_start(struct cfg *cfg, uint32_t flags, void (*done)(void *arg, int rc, const char *text));

/* --- state.c: a new version takes over --- */

int cfg_state_save(void *self, void **blob, uint32_t *size);
int cfg_state_load(void *self, const void *blob, uint32_t size);

/* --- rekey_words.c --- */

/**
 * Compute a tag of the configured keys. Its 24 bits show whether nodes have the same keys, and do not reveal the keys.
 */
uint32_t cfg_words_tag(struct cfg *cfg);
struct cfg_rekey_member *cfg_words_member(struct cfg_rekey *rekey, uint32_t nodeid); /* or NULL */
bool cfg_words_are_tagged(const struct cfg_rekey_member *member);                    /* false: the member is a Corosync
										      * node */
/** Return the last phase (enum cfg_phase) that a member sent about the keys that this node has loaded; 0: none. */
uint32_t cfg_words_phase(const struct cfg_rekey *rekey, const struct cfg_rekey_member *member);
/** Return whether all members have sent the message that the present state of the change waits for. */
bool cfg_words_are_complete(const struct cfg_rekey *rekey);
/**
 * Return whether all members have sent a message since the last change, and some of these are for other keys than this
 * node's.
 */
bool cfg_words_are_hopeless(const struct cfg_rekey *rekey);
bool cfg_words_has_anybody_gone_over(const struct cfg_rekey *rekey);
/**
 * Write the ids of members that this node waits for: " 3 4".
 * @param has_others true: members with other keys than this node; false: members that have sent no message
 * @return false: there are no such members
 */
bool cfg_words_name_missing(const struct cfg_rekey *rekey, bool has_others, char *text, size_t size);

/* --- rekey.c --- */

int cfg_rekey_init(struct cfg *cfg);
void cfg_rekey_fini(struct cfg *cfg);
/**
 * Return whether the file may be read now. While keys change, it may be read only if a member makes the change wait too
 * long. In that case this node first withdraws its message about the keys, and calls cfg_reload_next when the file may
 * be read.
 */
bool cfg_rekey_allows_reload(struct cfg *cfg);
/** Handle the delivery of a request for a reload. cfg_rekey_reload_ends handles the end of the reload. */
void cfg_rekey_reload_asked(struct cfg *cfg);
void cfg_rekey_reload_ends(struct cfg *cfg);
/**
 * Before the service is unloaded: the other members wait for the messages of this node.
 * @return 0; -EAGAIN: a change of keys goes on
 */
int cfg_rekey_drain(const struct cfg *cfg);
const char *cfg_rekey_text(const struct cfg *cfg); /* a text for the dump of the state */

void cfg_deliver_crypto_reconfig(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_swap_crypto_reconfig(void *msg, uint32_t size);
void cfg_configuration(void *self, const struct coterie_configuration *configuration);

#endif

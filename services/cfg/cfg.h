/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the configuration service: the clients that track shutdowns, the running vote, and the reloads
 * that clients wait for.
 *
 * A vote has these steps.
 * 1 A client requests a shutdown while others track shutdowns. It becomes the asker, a timer starts, and every other
 * tracker is asked.
 * 2 Answers arrive. New trackers are asked as well. A tracker that disconnects does not object.
 * 3 All have answered, or the time is over. The asker gets its answer. If the shutdown goes ahead, the other nodes are
 * informed. If the asker disconnects first, the vote is void.
 *
 * A reload in a ring with Corosync nodes has these steps.
 * 1 A client requests it. It is put into the list under a number, and RELOAD_CONFIG with this number is sent.
 * 2 RELOAD_CONFIG is delivered. Every node has its executive read its own file, once for all waiting reloads. It waits
 * until an earlier reload has ended, with the change of keys that it caused.
 * 3 The executive has finished. The clients of the delivered numbers get their answers.
 *
 * agree.c describes a reload that all nodes apply or none, and rekey.c a change of keys.
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

/** One client. The memory is the executive's (client_data). */
struct cfg_connection {
	struct coterie_client *client;
	struct cfg_connection *next, *previous; /* list of all, newest first */
	bool is_tracking;
	bool is_asked;          /* in the current vote */
	enum cfg_answer answer; /* in the current vote */
};

/** A reload that is not finished. */
struct cfg_reload {
	struct cfg *cfg;
	struct cfg_reload *next;
	struct coterie_client *client; /* the one that waits for the answer, or NULL */
	uint64_t cookie;               /* number on the ring, until the message was delivered */
	bool is_delivered;             /* the message was delivered: it waits for its turn, or */
	bool is_read;                  /* the executive reads the file for it */
	bool wants_report;             /* the client wants a report of the result */
};

enum cfg_rekey_state {
	CFG_REKEY_IDLE,
	CFG_REKEY_LOADED, /* the transport has new keys beside the keys in use */
	CFG_REKEY_ACTIVE, /* it sends with them, and still accepts the old ones */
};

/** The messages of a member of the ring about the change. */
struct cfg_rekey_member {
	uint32_t nodeid;
	uint32_t phase, tag;           /* its last valid message; 0: none */
	uint32_t next_phase, next_tag; /* of the next change, if it has begun that already */
	bool is_bound;                 /* it is waited for: it was a member when this node changed over,
				        * or has sent a message since */
};

struct cfg_rekey {
	enum cfg_rekey_state state;
	struct cfg_rekey_member *members; /* of the current configuration */
	uint32_t member_count;
	uint32_t tag;          /* of the loaded keys */
	uint32_t used_tag;     /* of the keys that all had in use last */
	uint32_t owed;         /* enum cfg_phase that has to be sent; 0: none */
	uint64_t since_ns;     /* start of the state */
	uint64_t settled_ns;   /* the change does not end before */
	bool is_withdrawing;   /* a withdrawal was sent */
	bool is_withdrawn;     /* and delivered before a member changed over */
	bool has_warned;       /* a warning was logged: a member makes this node wait too long */
	bool has_failed;       /* the transport has failed, and that was logged */
	uint64_t ignored;      /* senseless messages */
	uint64_t complaint_ns; /* time of the next complaint in the log */
	struct coterie_timer *timer;
};

struct cfg_vote {
	struct cfg_connection *asker; /* NULL: no vote is running */
	uint32_t flags;               /* enum cfg_shutdown_flags */
	struct coterie_timer *timer;
};

struct cfg {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;
	struct cfg_connection *connections; /* newest first */
	struct cfg_vote vote;
	struct coterie_timer *shutdown_retry;
	struct cfg_reload *reloads; /* oldest first */
	uint64_t next_cookie;
	bool is_reading; /* the executive reads the file for some of these reloads */
	struct cfg_rekey rekey;
	struct cfg_agreement agreement;
};

/* --- cfg.c --- */

struct cfg_connection *cfg_connection_of(struct cfg *cfg, struct coterie_client *client);
/** Copy bytes that another process may be changing. Afterwards only the copy is used. */
void cfg_snapshot(void *to, const void *from, size_t size);

/* --- shutdown.c --- */

/** Remove a tracker that has stopped tracking or disconnected. */
void cfg_tracker_leave(struct cfg *cfg, struct cfg_connection *connection);
/** Make the vote void if the connection that ends is the asker's. */
void cfg_asker_leave(struct cfg *cfg, const struct cfg_connection *connection);

int cfg_handle_try_shutdown(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_reply_to_shutdown(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_trackstart(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_trackstop(void *self, struct coterie_client *client, const void *msg, uint32_t size);
void cfg_deliver_shutdown(void *self, uint32_t nodeid, void *msg, uint32_t size);

/* --- status.c --- */

int cfg_handle_ring_status_get(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_node_status_get(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_get_node_addrs(void *self, struct coterie_client *client, const void *msg, uint32_t size);

/* --- reload.c --- */

/** Send RELOAD_CONFIG: each node reloads on its own. client: gets the answer. 0; -ENOMEM; -EAGAIN */
int cfg_reload_send(struct cfg *cfg, struct coterie_client *client, bool wants_report);
/** A connection ends: its reloads continue without it. */
void cfg_reloads_forget(struct cfg *cfg, const struct coterie_client *client);
/** Free all. The executive will not call back any more. */
void cfg_reloads_free(struct cfg *cfg);

int cfg_handle_reload_config(void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_reload_report(void *self, struct coterie_client *client, const void *msg, uint32_t size);
void cfg_deliver_reload_config(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_swap_reload_config(void *msg, uint32_t size);
/** Read the file for the waiting reloads, if it is their turn. */
void cfg_reload_next(struct cfg *cfg);
/**
 * Reload as host->reload_with does. An executive before 1.8 cannot force a reload.
 * @param done  called with cfg
 */
int cfg_reload_start(struct cfg *cfg, uint32_t flags, void (*done)(void *arg, int rc, const char *text));

/* --- state.c: a new version takes over --- */

int cfg_state_save(void *self, void **blob, uint32_t *size);
int cfg_state_load(void *self, const void *blob, uint32_t size);

/* --- rekey_words.c --- */

/**
 * Compute a tag of the configured keys. Its 24 bits show whether nodes have the same keys, and reveal
 * nothing about them.
 */
uint32_t cfg_words_tag(struct cfg *cfg);
struct cfg_rekey_member *cfg_words_member(struct cfg_rekey *rekey, uint32_t nodeid); /* or NULL */
bool cfg_words_are_tagged(const struct cfg_rekey_member *member);                    /* false: it is from a Corosync
								   * node */
/**
 * Return the last phase that a member sent about the keys that are loaded here, enum cfg_phase; 0:
 * none.
 */
uint32_t cfg_words_phase(const struct cfg_rekey *rekey, const struct cfg_rekey_member *member);
/** Return whether all members that the change waits for in its state have sent their message. */
bool cfg_words_are_complete(const struct cfg_rekey *rekey);
/** Return whether all have sent it, but some for other keys. */
bool cfg_words_are_hopeless(const struct cfg_rekey *rekey);
bool cfg_words_has_anybody_gone_over(const struct cfg_rekey *rekey);
/**
 * Write the ids of the members that are waited for and have other keys, or none: " 3 4". @return
 * false: there are none
 */
bool cfg_words_name_missing(const struct cfg_rekey *rekey, bool has_others, char *text, size_t size);

/* --- rekey.c --- */

int cfg_rekey_init(struct cfg *cfg);
void cfg_rekey_fini(struct cfg *cfg);
/**
 * Return whether the file may be read now. It may not while keys change, unless the change got stuck. In
 * that case this node first withdraws its messages about the keys, and calls cfg_reload_next when the
 * file may be read.
 */
bool cfg_rekey_allows_reload(struct cfg *cfg);
/**
 * A reload was requested, at this place of the order. The other function: its reading has ended.
 */
void cfg_rekey_reload_asked(struct cfg *cfg);
void cfg_rekey_reload_ends(struct cfg *cfg);
const char *cfg_rekey_text(const struct cfg *cfg); /* for the dump of the state */

void cfg_deliver_crypto_reconfig(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_swap_crypto_reconfig(void *msg, uint32_t size);
void cfg_configuration(void *self, const struct coterie_configuration *configuration);

#endif

/*
 * What the files of the configuration service share: who tracks shutdowns, the vote that is
 * running, and the reloads that clients wait for.
 *
 * Life of a vote. 1 A client asks for a shutdown while others track: it becomes the asker, a timer
 * starts, every other tracker is asked. 2 Answers come, trackers come (they are asked too) and go
 * (one that is gone does not object). 3 All have answered, or time is up: the asker gets its
 * answer, and the nodes are told of the shutdown if it goes ahead. If the asker goes first, the
 * vote is void.
 *
 * Life of a reload in a ring with nodes of Corosync's. 1 A client asks: it is put into the list under a number, RELOAD_CONFIG with the
 * number goes to the ring. 2 RELOAD_CONFIG is delivered: every node has its executive read its own
 * file, once for all that wait, and not before an earlier reload has come to its end, with the change
 * of keys that it brought. 3 The executive is done: the clients that the senders' numbers stand for get
 * their answers.
 *
 * Life of a reload that all nodes make or none: agree.c. Life of a change of keys: rekey.c.
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
	struct cfg_connection *next, *previous; /* all, newest first */
	bool is_tracking;
	bool is_asked;          /* in the present vote */
	enum cfg_answer answer; /* in the present vote */
};

/** A reload that is not over yet. */
struct cfg_reload {
	struct cfg *cfg;
	struct cfg_reload *next;
	struct coterie_client *client; /* waits for the answer; NULL: nobody does (any more) */
	uint64_t cookie;               /* on the ring, until the message has come back */
	bool is_delivered;             /* it waits for its turn, or */
	bool is_read;                  /* the executive is at it */
	bool wants_report;             /* the client: of what became of it */
};

enum cfg_rekey_state {
	CFG_REKEY_IDLE,
	CFG_REKEY_LOADED, /* the transport has new keys beside those in use */
	CFG_REKEY_ACTIVE, /* it sends with them, and still takes the old ones */
};

/** What a member of the ring has said of the change. */
struct cfg_rekey_member {
	uint32_t nodeid;
	uint32_t phase, tag;           /* the last word that holds; 0: none */
	uint32_t next_phase, next_tag; /* of the next change, already */
	bool is_bound;                 /* was there when we went over, or has spoken since: waited for */
};

struct cfg_rekey {
	enum cfg_rekey_state state;
	struct cfg_rekey_member *members; /* of the present configuration */
	uint32_t member_count;
	uint32_t tag;          /* of the keys that are loaded */
	uint32_t used_tag;     /* of those that all had in use last */
	uint32_t owed;         /* enum cfg_phase, still to be sent; 0: nothing */
	uint64_t since_ns;     /* begin of the state */
	uint64_t settled_ns;   /* not to be ended before */
	bool is_withdrawing;   /* it was sent */
	bool is_withdrawn;     /* and has come back before anybody went over */
	bool has_warned;       /* somebody has kept us waiting too long */
	bool has_failed;       /* the transport has, and it was logged */
	uint64_t ignored;      /* senseless messages */
	uint64_t complaint_ns; /* when the next one may be logged */
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
	bool is_reading; /* the executive reads the file for some of them */
	struct cfg_rekey rekey;
	struct cfg_agreement agreement;
};

/* --- cfg.c --- */

struct cfg_connection *cfg_connection_of(struct cfg *cfg, struct coterie_client *client);
/** Copy bytes that somebody else may be changing; afterwards only the copy is looked at. */
void cfg_snapshot(void *to, const void *from, size_t size);

/* --- shutdown.c --- */

/** A tracker is no longer one, because it says so or because its connection ends. */
void cfg_tracker_leave(struct cfg *cfg, struct cfg_connection *connection);
/** A connection ends: if it is the asker, the vote is void. */
void cfg_asker_leave(struct cfg *cfg, const struct cfg_connection *connection);

int cfg_handle_try_shutdown(
	void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_reply_to_shutdown(
	void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_trackstart(
	void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_trackstop(void *self, struct coterie_client *client, const void *msg, uint32_t size);
void cfg_deliver_shutdown(void *self, uint32_t nodeid, void *msg, uint32_t size);

/* --- status.c --- */

int cfg_handle_ring_status_get(
	void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_node_status_get(
	void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_get_node_addrs(
	void *self, struct coterie_client *client, const void *msg, uint32_t size);

/* --- reload.c --- */

/** Have RELOAD_CONFIG sent: each node on its own. client: who gets the answer. 0; -ENOMEM; -EAGAIN */
int cfg_reload_send(struct cfg *cfg, struct coterie_client *client, bool wants_report);
/** A connection ends: nobody waits for its reloads any more. */
void cfg_reloads_forget(struct cfg *cfg, const struct coterie_client *client);
/** Free all; the executive does not call back any more. */
void cfg_reloads_free(struct cfg *cfg);

int cfg_handle_reload_config(
	void *self, struct coterie_client *client, const void *msg, uint32_t size);
int cfg_handle_reload_report(
	void *self, struct coterie_client *client, const void *msg, uint32_t size);
void cfg_deliver_reload_config(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_swap_reload_config(void *msg, uint32_t size);
/** Have those read that wait, if it is their turn. */
void cfg_reload_next(struct cfg *cfg);
/**
 * Reload as host->reload_with does. An executive before 1.8 cannot be told to force.
 * @param done  called with cfg
 */
int cfg_reload_start(struct cfg *cfg, uint32_t flags, void (*done)(void *arg, int rc, const char *text));

/* --- state.c: a new version takes over --- */

int cfg_state_save(void *self, void **blob, uint32_t *size);
int cfg_state_load(void *self, const void *blob, uint32_t size);

/* --- rekey_words.c --- */

/** Of the keys that are configured: 24 bits tell apart what was meant to be the same, and tell nobody what
    it is. */
uint32_t cfg_words_tag(struct cfg *cfg);
struct cfg_rekey_member *cfg_words_member(struct cfg_rekey *rekey, uint32_t nodeid); /* or NULL */
bool cfg_words_are_tagged(const struct cfg_rekey_member *member); /* not by a node of Corosync's */
/** What a member said of the keys that are loaded here, enum cfg_phase; 0: nothing. */
uint32_t cfg_words_phase(const struct cfg_rekey *rekey, const struct cfg_rekey_member *member);
/** All that the change waits for in its state have spoken. */
bool cfg_words_are_complete(const struct cfg_rekey *rekey);
/** All have spoken, but some of other keys. */
bool cfg_words_are_hopeless(const struct cfg_rekey *rekey);
bool cfg_words_has_anybody_gone_over(const struct cfg_rekey *rekey);
/** " 3 4": those who are waited for and have other keys, or none. @return false: nobody */
bool cfg_words_name_missing(const struct cfg_rekey *rekey, bool has_others, char *text, size_t size);

/* --- rekey.c --- */

int cfg_rekey_init(struct cfg *cfg);
void cfg_rekey_fini(struct cfg *cfg);
/**
 * May the file be read now? Not while keys change, unless that got stuck: then this node first takes back
 * what it said of them, and calls cfg_reload_next when it may.
 */
bool cfg_rekey_allows_reload(struct cfg *cfg);
/** A reload was asked for, at this place of the order; its reading has ended. */
void cfg_rekey_reload_asked(struct cfg *cfg);
void cfg_rekey_reload_ends(struct cfg *cfg);
const char *cfg_rekey_text(const struct cfg *cfg); /* for the dump */

void cfg_deliver_crypto_reconfig(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_swap_crypto_reconfig(void *msg, uint32_t size);
void cfg_configuration(void *self, const struct coterie_configuration *configuration);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Declarations for a reload that either all nodes apply or none. agree.c describes its steps. cfg.h includes this file.
 */
#ifndef CFG_AGREE_H
#define CFG_AGREE_H

#include <stdbool.h>

#include <coterie/service.h>

#include "services/cfg/messages.h"

struct cfg;

#define CFG_TEXT_MAX 60000u /* most bytes of a member's text. A longer one is cut */

/** A member of the ring in a round, and the last stage that it has sent. */
struct cfg_member {
	uint32_t nodeid;
	uint32_t stage; /* enum cfg_stage, or 0: no message yet */
	bool is_out;    /* the round goes on without it: it did not answer in time, or has left the ring */
	bool has_left;
	bool has_failed_partly; /* its file is applied, but a part of it has no effect */
	char *text; /* the text of its last message, cut if no client of this node needs it, or NULL: none */
};

/**
 * One reload or key rotation, from the delivery of its request to the decision. On the node of the client it exists
 * until all members have reported.
 */
struct cfg_round {
	struct cfg_round *next;
	uint32_t asker;
	uint64_t number;
	bool is_check;                     /* a check: no node applies its file */
	bool is_forced;                    /* files are accepted even if running nodes are missing in them */
	bool is_alone;                     /* a check of this node alone, without messages on the ring */
	struct cfg_sealed_key *key;        /* a new key of the ring (rotate.c), or NULL: the round is a reload */
	uint8_t key_tag[CFG_KEY_TAG_SIZE]; /* if key is set: tag of the key in use when the round began. It is zero if
					    * keys were changing then */
	bool is_begun;                     /* this node reads its file, or has read it */
	bool is_ordered;                   /* a WITHOUT order is sent and not delivered yet */
	bool is_ended;                     /* this node has sent DROP or EXPIRE, or has refused since it unloads */
	uint32_t warnings;                 /* number of delivered WITHOUT orders. After the third one the round goes on
					    * without silent members */
	uint64_t since_ns;                 /* start of the round's present wait */
	uint64_t silence_ns;               /* start of the wait for members that have sent nothing */
	struct cfg_member *members;        /* members of the ring in which the round began, ascending */
	uint32_t member_count;
};

/** A client's request for a round. */
struct cfg_ask {
	struct cfg_ask *next;
	struct coterie_client *client; /* NULL: the client has disconnected. The round continues */
	uint32_t response;             /* enum cfg_response_id */
	uint32_t flags;                /* enum cfg_reload_flags */
	uint64_t number;               /* number of the round */
	uint32_t tries;
	bool is_owed; /* the ring has changed since the request, so it has to be sent again */
};

/** A message that waits for room in the ring. */
struct cfg_letter {
	struct cfg_letter *next;
	uint32_t function, size;
	uint8_t bytes[];
};

struct cfg_agreement {
	struct cfg_round *rounds;  /* in the order of their messages. The first round is active */
	struct cfg_round *decided; /* decided rounds of this node's clients, until all members have reported their
				    * result */
	struct cfg_ask *asks;
	struct cfg_letter *letters, **last_letter;
	uint32_t letter_count;
	struct coterie_timer *timer;
	uint64_t next_number;
	bool is_reading;  /* the executive reads a file or key for the first round, or for a round that has been dropped
			   * since */
	bool is_kept;     /* the executive keeps a checked file or key */
	bool is_key;      /* a key, and not a file, is being read, kept or applied */
	bool is_rotating; /* this node has applied the new key of a round, and the ring changes to this key.
			   * rotation_asker and rotation_number identify the round */
	uint32_t rotation_asker;
	uint64_t rotation_number;
	char rotation_flaw[512]; /* error of this node in this change of the key; "": none */
	bool is_commit_due;      /* the kept file or key has to be applied. commit_asker and commit_number identify its
				  * round */
	uint32_t commit_asker;
	uint64_t commit_number;
	bool is_voided; /* rounds have become void, and the work that this causes is not done yet */
};

/* --- agree.c: answers of members, and decisions --- */

/** Return whether the executive reads or keeps a file or key for a round. */
bool cfg_agreement_is_busy(const struct cfg *cfg);
/** Start to read the file for the first round, if this is possible now. */
void cfg_agreement_next(struct cfg *cfg);
/** After a change of the ring: end the rounds that began in the old ring. */
void cfg_agreement_void(struct cfg *cfg);
/** Return the round that the ring's members work on, or NULL. A check of this node alone may be before it. */
struct cfg_round *cfg_agreement_active(const struct cfg *cfg);
/** Answer clients of this node for whose rounds all members have reported. */
void cfg_agreement_report(struct cfg *cfg);
/** Begin a check of this node alone. @return 0; -ENOMEM */
int cfg_agreement_check_alone(struct cfg *cfg, uint64_t number, uint32_t flags);
/** Apply the kept file or key. Do not call it inside the ring's engine. */
void cfg_agreement_commit(struct cfg *cfg);

void cfg_deliver_reload_ask(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_deliver_reload_word(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_deliver_reload_order(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_deliver_reload_expire(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_swap_reload_ask(void *msg, uint32_t size);
void cfg_swap_reload_word(void *msg, uint32_t size);
void cfg_swap_reload_order(void *msg, uint32_t size);
void cfg_swap_reload_expire(void *msg, uint32_t size);

/**
 * Handle the result of the executive. rc 0: the file or key was read, is valid and is kept. Otherwise text has the
 * reason.
 */
void cfg_agreement_prepared(void *self, int rc, const char *text);
/**
 * Add a new round at the end, and confirm that this node takes part. If there is no room or memory, the client is
 * answered "try again".
 */
void cfg_agreement_begin_round(
	struct cfg *cfg, uint32_t asker, uint64_t number, uint32_t flags, const struct cfg_sealed_key *key);

/* --- rotate.c: rounds for a new key of the ring --- */

int cfg_handle_key_rotate(void *self, struct coterie_client *client, const void *msg, uint32_t size);
void cfg_deliver_key_rotate(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_swap_key_rotate(void *msg, uint32_t size);
/**
 * Return whether a new key may be stored now. An earlier change of keys must have ended, or a warning about it was
 * logged.
 */
bool cfg_rotate_is_time(const struct cfg *cfg);
/**
 * Make the executive store the key of a round beside the key in use. The result is passed to cfg_agreement_prepared,
 * possibly before this function returns.
 */
void cfg_rotate_prepare(struct cfg *cfg, const struct cfg_round *round);
/** Make the transport load the kept key. */
void cfg_rotate_commit(struct cfg *cfg);
/** Report the end of the change of keys on this node. reason: NULL, or why the change cannot be completed. */
void cfg_rotate_ends(struct cfg *cfg, const char *reason);
/** Answer the client of a round that has ended since the ring has changed. */
void cfg_rotate_void(struct cfg *cfg, struct cfg_ask *ask, struct cfg_round *round);
/** List the nodes of the node list that are not in the ring, at most max. @return their number */
uint32_t cfg_rotate_absent(struct cfg *cfg, uint32_t *list, uint32_t max);

/* --- wrap.c --- */

/**
 * Encrypt a key for the nodes that use the ring's present key. @return 0; -ENODATA: the ring has no key; -EIO:
 * libcrypto failed
 */
int cfg_wrap_seal(struct cfg *cfg, const uint8_t key[CFG_KEY_SIZE], struct cfg_sealed_key *sealed);
/**
 * Decrypt a key.
 * @param sender node id
 * @return 0; -ENODATA: the ring has no key; -EBADMSG: encrypted with another key, or altered, and `key` is zero
 */
int cfg_wrap_open(struct cfg *cfg, uint32_t sender, const struct cfg_sealed_key *sealed, uint8_t key[CFG_KEY_SIZE]);

/**
 * Compute a tag of the ring's key. This node compares tags to find out whether the key has changed. If the ring has no
 * key, or libcrypto fails, the tag is zero.
 */
void cfg_wrap_tag(struct cfg *cfg, uint8_t tag[CFG_KEY_TAG_SIZE]);

/* --- agree_ask.c: requests of clients, and time limits for members --- */

void cfg_agreement_init(struct cfg *cfg);
void cfg_agreement_fini(struct cfg *cfg);
/**
 * Before the service is unloaded: make all nodes drop the undecided rounds of this node, and refuse the other rounds
 * for which this node has not promised anything.
 *
 * @return 0; -EAGAIN: call again. A file has to be applied, or its round is not decided, or a message has to be sent
 */
int cfg_agreement_drain(struct cfg *cfg);
/** Request a reload from all nodes, for a client. @return 0; -EAGAIN; -ENOMEM; -ENOTSUP */
int cfg_agreement_ask(struct cfg *cfg, struct coterie_client *client, enum cfg_response_id response, uint32_t flags);
/** Store a client's request for the round with this number. NULL: out of memory */
struct cfg_ask *cfg_ask_create(
	struct cfg *cfg, struct coterie_client *client, enum cfg_response_id response, uint32_t flags, uint64_t number);
void cfg_ask_destroy(struct cfg *cfg, struct cfg_ask *ask); /* sends no answer */
/** Forget a client whose connection ends. Its rounds continue. */
void cfg_agreement_forget(struct cfg *cfg, const struct coterie_client *client);
/** Handle a regular configuration: end the rounds of the configuration before, and send the requests for them again. */
void cfg_agreement_configuration(struct cfg *cfg, const struct coterie_configuration *configuration);
uint32_t cfg_agreement_count(const struct cfg *cfg);   /* requests of this node that are not answered
						      * yet */
bool cfg_agreement_is_possible(const struct cfg *cfg); /* whether all present members of the ring are Coterie nodes */
/** Start the timer that does the remaining work in a later turn of the loop. */
void cfg_agreement_arm(struct cfg *cfg);
struct cfg_ask *cfg_ask_find(const struct cfg *cfg, uint64_t number);     /* or NULL */
void cfg_ask_answer(struct cfg *cfg, struct cfg_ask *ask, int32_t error); /* and frees the request */
void cfg_ask_report(struct cfg *cfg, struct cfg_ask *ask, const struct cfg_round *round, enum cfg_outcome outcome);
/** Handle a request in a ring with Corosync nodes: each node reloads on its own. */
void cfg_ask_otherwise(struct cfg *cfg, struct cfg_ask *ask);

/* --- agree_send.c: messages, which may wait for room in the ring --- */

/**
 * Send a message in a round. A text that is too long is cut. If too many messages wait, this one is not sent, and the node
 * counts as silent.
 */
void cfg_say(struct cfg *cfg, uint32_t asker, uint64_t number, enum cfg_stage stage, const char *text);
/** Send FAILED for a file that is applied, but a part of which has no effect. */
void cfg_say_partly(struct cfg *cfg, uint32_t asker, uint64_t number, const char *text);
/** Send an order about a round of this node. @return false: it is not sent: no memory, or too many messages wait */
bool cfg_order(struct cfg *cfg, const struct cfg_round *round, enum cfg_order order, uint32_t flags);
/** Send EXPIRE for a round of another node. @return as cfg_order */
bool cfg_expire(struct cfg *cfg, const struct cfg_round *round);
void cfg_letters_send(struct cfg *cfg);
void cfg_letters_free(struct cfg *cfg);

/* --- agree_round.c --- */

/**
 * Create a round with the members of the present configuration, or with this node alone. @return NULL: out of memory
 */
struct cfg_round *cfg_round_create(struct cfg *cfg, uint32_t asker, uint64_t number, bool is_alone);
void cfg_round_destroy(struct cfg_round *round);                                           /* NULL is ignored */
struct cfg_round *cfg_round_find(struct cfg_round *list, uint32_t asker, uint64_t number); /* or NULL */
struct cfg_member *cfg_round_member(const struct cfg_round *round, uint32_t nodeid);       /* or NULL */
/**
 * Store a message of a member. The text has text_size bytes. It is copied, without control characters.
 * @return false: this stage cannot follow the member's present stage
 */
bool cfg_round_take(struct cfg_member *member, uint32_t stage, const char *text, uint32_t text_size);
/** Return whether all members without is_out have reached a stage: CFG_STAGE_HEARD, _READY or _APPLIED. */
bool cfg_round_has_all(const struct cfg_round *round, enum cfg_stage stage);
/** Return the first member in this stage, or NULL. */
const struct cfg_member *cfg_round_first(const struct cfg_round *round, enum cfg_stage stage);
/** Write the ids of the members that have not reached the stage: " 3 4". */
void cfg_round_name_missing(const struct cfg_round *round, enum cfg_stage stage, char *text, size_t size);
/** Answer the client with the result of a round, in the form of the response that belongs to its request. */
void cfg_round_report(struct cfg *cfg, const struct cfg_round *round, struct coterie_client *client,
	enum cfg_response_id response, enum cfg_outcome outcome);

#endif

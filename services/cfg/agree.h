/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of a reload that all nodes apply or none. agree.c describes its phases. cfg.h includes
 * this.
 */
#ifndef CFG_AGREE_H
#define CFG_AGREE_H

#include <stdbool.h>

#include <coterie/service.h>

#include "services/cfg/messages.h"

struct cfg;

/** The messages of a member of the ring in a round. */
struct cfg_member {
	uint32_t nodeid;
	uint32_t stage; /* enum cfg_stage; 0: nothing */
	bool is_out;    /* it is left out: it was silent too long, or has left the ring */
	bool has_left;
	char *text; /* NULL: none, or no client of this node needs it */
};

/**
 * One reload, from its place in the order to the decision. On the node of the client it exists until all have
 * applied it.
 */
struct cfg_round {
	struct cfg_round *next;
	uint32_t asker;
	uint64_t number;
	bool is_check;                     /* only a check: no node applies anything */
	bool is_forced;                    /* running nodes may be missing in the files */
	bool is_alone;                     /* a check of this node alone, which has no place in the order */
	struct cfg_sealed_key *key;        /* a new key of the ring (rotate.c); NULL: a reload */
	uint8_t key_tag[CFG_KEY_TAG_SIZE]; /* with key: tag of the key in use at the begin. Zero: that key was being
					    * changed */
	bool is_begun;                     /* this node reads its file, or has read it */
	bool is_ordered;                   /* the order to continue without silent members is being sent */
	bool is_ended;                     /* the order to drop the round is being sent */
	uint32_t warnings;                 /* number of WITHOUT orders so far: the third one has the effect */
	uint64_t since_ns;                 /* start of the current wait */
	uint64_t silence_ns;               /* start of the wait for silent members */
	struct cfg_member *members;        /* members of the configuration in which it was requested,
				     * ascending */
	uint32_t member_count;
};

/** A client's request for a round. */
struct cfg_ask {
	struct cfg_ask *next;
	struct coterie_client *client; /* NULL: it has disconnected. The round continues */
	uint32_t response;             /* enum cfg_response_id */
	uint32_t flags;                /* enum cfg_reload_flags */
	uint64_t number;               /* of the round */
	uint32_t tries;
	bool is_owed; /* the ring has changed meanwhile: the request has to be sent again */
};

/** A message that waits for room in the ring. */
struct cfg_letter {
	struct cfg_letter *next;
	uint32_t function, size;
	uint8_t bytes[];
};

struct cfg_agreement {
	struct cfg_round *rounds;  /* in the order of the ring. The first one is active */
	struct cfg_round *decided; /* requested here and decided: kept until all members have
				    * reported the result */
	struct cfg_ask *asks;
	struct cfg_letter *letters, **last_letter;
	struct coterie_timer *timer;
	uint64_t next_number;
	bool is_reading;  /* the executive reads for the first round, or for one that was dropped
			     * meanwhile */
	bool is_kept;     /* the executive has a file or a key ready */
	bool is_key;      /* the object that is read, kept or to be applied is a key */
	bool is_rotating; /* the key was applied here, and the ring changes to it, for this round: */
	uint32_t rotation_asker;
	uint64_t rotation_number;
	char rotation_flaw[512]; /* a failure of this node in that; "": none */
	bool is_commit_due;      /* the kept file or key has to be applied, for this round: */
	uint32_t commit_asker;
	uint64_t commit_number;
	bool is_voided;   /* rounds have become void, and the work that follows has to be done */
	uint64_t ignored; /* senseless messages */
};

/* --- agree.c: verdicts and decisions --- */

/** Return whether the executive is busy with a file for a round. */
bool cfg_agreement_is_busy(const struct cfg *cfg);
/** Have the file read for the first round, if it is time. */
void cfg_agreement_next(struct cfg *cfg);
/** End the rounds that are in the order of the old ring, after a change of the ring. */
void cfg_agreement_void(struct cfg *cfg);
/** Answer clients of this node for whose rounds all members have reported. */
void cfg_agreement_report(struct cfg *cfg);
/** Begin a check of this node alone. -ENOMEM */
int cfg_agreement_check_alone(struct cfg *cfg, uint64_t number, uint32_t flags);
/** Apply the kept file or key. Do not call it inside the ring's engine. */
void cfg_agreement_commit(struct cfg *cfg);

void cfg_deliver_reload_ask(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_deliver_reload_word(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_deliver_reload_order(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_swap_reload_ask(void *msg, uint32_t size);
void cfg_swap_reload_word(void *msg, uint32_t size);
void cfg_swap_reload_order(void *msg, uint32_t size);

/**
 * Called by the executive: the file or key was read, is good and is kept (rc 0), or it is not, and
 * text has the reason.
 */
void cfg_agreement_prepared(void *self, int rc, const char *text);
/**
 * Add a new round at the end, and confirm that this node takes part. If there is no room or memory,
 * its client has to try again.
 */
void cfg_agreement_begin_round(
	struct cfg *cfg, uint32_t asker, uint64_t number, uint32_t flags, const struct cfg_sealed_key *key);

/* --- rotate.c: rounds for a new key of the ring --- */

int cfg_handle_key_rotate(void *self, struct coterie_client *client, const void *msg, uint32_t size);
void cfg_deliver_key_rotate(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_swap_key_rotate(void *msg, uint32_t size);
/**
 * Return whether the key may be checked now: not before an earlier change of keys has ended or got
 * stuck.
 */
bool cfg_rotate_is_time(const struct cfg *cfg);
/**
 * Have the key of a round stored beside the one in use. cfg_agreement_prepared is called, maybe before this returns.
 */
void cfg_rotate_prepare(struct cfg *cfg, const struct cfg_round *round);
/** Make the transport load the kept key. */
void cfg_rotate_commit(struct cfg *cfg);
/** Called when the change of keys has ended on this node, or (with a reason) got stuck. */
void cfg_rotate_ends(struct cfg *cfg, const char *reason);
/** Answer the client of a round, whose ring has changed. */
void cfg_rotate_void(struct cfg *cfg, struct cfg_ask *ask, struct cfg_round *round);
/** List the nodes of the node list that are not in the ring: room for max. @return their number */
uint32_t cfg_rotate_absent(struct cfg *cfg, uint32_t *list, uint32_t max);

/* --- wrap.c --- */

/** Encrypt a key for the nodes that have the ring's key in use. 0; -ENODATA: the ring has no key; -EIO: libcrypto */
int cfg_wrap_seal(struct cfg *cfg, const uint8_t key[CFG_KEY_SIZE], struct cfg_sealed_key *sealed);
/**
 * Decrypt a key. @param sender  node id. 0; -ENODATA; -EBADMSG: encrypted with another key, or altered. key is zero then
 */
int cfg_wrap_open(struct cfg *cfg, uint32_t sender, const struct cfg_sealed_key *sealed, uint8_t key[CFG_KEY_SIZE]);

/**
 * Compute a tag of the key in use, to compare it with a later tag on this node. If the ring has no key, or libcrypto
 * fails, the tag is zero.
 */
void cfg_wrap_tag(struct cfg *cfg, uint8_t tag[CFG_KEY_TAG_SIZE]);

/* --- agree_ask.c: who asks, and those who keep all waiting --- */

void cfg_agreement_init(struct cfg *cfg);
void cfg_agreement_fini(struct cfg *cfg);
/** Ask the nodes for a reload, for a client. 0; -EAGAIN; -ENOMEM; -ENOTSUP */
int cfg_agreement_ask(struct cfg *cfg, struct coterie_client *client, enum cfg_response_id response, uint32_t flags);
/** Store a client's request for the round with this number. NULL: out of memory */
struct cfg_ask *cfg_ask_create(
	struct cfg *cfg, struct coterie_client *client, enum cfg_response_id response, uint32_t flags, uint64_t number);
void cfg_ask_destroy(struct cfg *cfg, struct cfg_ask *ask); /* without an answer */
/** Called when a connection ends. */
void cfg_agreement_forget(struct cfg *cfg, const struct coterie_client *client);
/**
 * Called with a regular configuration: ends the rounds of the configuration before, and sends their
 * requests again.
 */
void cfg_agreement_configuration(struct cfg *cfg, const struct coterie_configuration *configuration);
uint32_t cfg_agreement_count(const struct cfg *cfg);   /* requests of this node that are not answered
						      * yet */
bool cfg_agreement_is_possible(const struct cfg *cfg); /* whether the present members of the ring
						        * can agree */
/** Schedule the rest of the work for a later turn of the loop. */
void cfg_agreement_arm(struct cfg *cfg);
struct cfg_ask *cfg_ask_find(const struct cfg *cfg, uint64_t number);     /* or NULL */
void cfg_ask_answer(struct cfg *cfg, struct cfg_ask *ask, int32_t error); /* and free it */
void cfg_ask_report(struct cfg *cfg, struct cfg_ask *ask, const struct cfg_round *round, enum cfg_outcome outcome);
/** Handle a request when the ring cannot agree: each node reloads on its own. */
void cfg_ask_otherwise(struct cfg *cfg, struct cfg_ask *ask);

/* --- agree_send.c: what waits for room in the ring --- */

/** Send a message in a round. A text that is too long is cut. */
void cfg_say(struct cfg *cfg, uint32_t asker, uint64_t number, enum cfg_stage stage, const char *text);
void cfg_order(struct cfg *cfg, const struct cfg_round *round, enum cfg_order order);
void cfg_letters_send(struct cfg *cfg);
void cfg_letters_free(struct cfg *cfg);

/* --- agree_round.c --- */

/**
 * Make a round with the members of the present configuration, or with this node alone. NULL: out of
 * memory
 */
struct cfg_round *cfg_round_create(struct cfg *cfg, uint32_t asker, uint64_t number, bool is_alone);
void cfg_round_destroy(struct cfg_round *round);                                           /* NULL is ignored */
struct cfg_round *cfg_round_find(struct cfg_round *list, uint32_t asker, uint64_t number); /* or NULL */
struct cfg_member *cfg_round_member(const struct cfg_round *round, uint32_t nodeid);       /* or NULL */
/**
 * Store a message of a member: text_size bytes, copied, made printable.
 * @return false: it cannot follow the earlier messages of this member
 */
bool cfg_round_take(struct cfg_member *member, uint32_t stage, const char *text, uint32_t text_size);
/**
 * Return whether all members that are not left out have reached a stage: CFG_STAGE_HEARD, _READY or
 * _APPLIED.
 */
bool cfg_round_has_all(const struct cfg_round *round, enum cfg_stage stage);
/** Return the first member in this stage, or NULL. */
const struct cfg_member *cfg_round_first(const struct cfg_round *round, enum cfg_stage stage);
/** Write the ids of the members that have not reached the stage: " 3 4". */
void cfg_round_name_missing(const struct cfg_round *round, enum cfg_stage stage, char *text, size_t size);
/** Answer the client with the result of a round, in the form that it requested. */
void cfg_round_report(struct cfg *cfg, const struct cfg_round *round, struct coterie_client *client,
	enum cfg_response_id response, enum cfg_outcome outcome);

#endif

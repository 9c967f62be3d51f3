/*
 * What the files of a reload that all nodes make or none share: agree.c tells its life; cfg.h includes this.
 */
#ifndef CFG_AGREE_H
#define CFG_AGREE_H

#include <stdbool.h>

#include <coterie/service.h>

#include "services/cfg/messages.h"

struct cfg;

/** What a member of the ring has said in a round. */
struct cfg_member {
	uint32_t nodeid;
	uint32_t stage; /* enum cfg_stage; 0: nothing */
	bool is_out;    /* it is not waited for: it was silent too long, or has left the ring */
	bool has_left;
	char *text;     /* NULL: none, or nobody here wants to know */
};

/** One reload, from its place in the order to the decision; where it was asked for, until all have applied it. */
struct cfg_round {
	struct cfg_round *next;
	uint32_t asker;
	uint64_t number;
	bool is_check;  /* nothing is to change, whatever the files say */
	bool is_forced; /* running nodes may be missing in the files */
	bool is_alone;  /* a check of this node alone: it is in no order */
	struct cfg_sealed_key *key; /* a new key of the ring: rotate.c; NULL: a reload */
	uint8_t key_tag[CFG_KEY_TAG_SIZE]; /* with key: of the key in use at the begin; zero: that one was changing */
	bool is_begun;  /* this node reads its file, or has */
	bool is_ordered;   /* the order to go on without the silent is on its way */
	bool is_ended;     /* so is the one to drop it */
	uint32_t warnings; /* such orders so far: the last of them has the effect */
	uint64_t since_ns;   /* begin of what is waited for now */
	uint64_t silence_ns; /* the same for the silent */
	struct cfg_member *members; /* of the configuration it was asked in, ascending */
	uint32_t member_count;
};

/** A client's wish for such a reload. */
struct cfg_ask {
	struct cfg_ask *next;
	struct coterie_client *client; /* NULL: it has gone; all else goes on */
	uint32_t response;             /* enum cfg_response_id */
	uint32_t flags;                /* enum cfg_reload_flags */
	uint64_t number;               /* of the round */
	uint32_t tries;
	bool is_owed; /* the ring has changed under it: it has to be asked anew */
};

/** A message that waits for room. */
struct cfg_letter {
	struct cfg_letter *next;
	uint32_t function, size;
	uint8_t bytes[];
};

struct cfg_agreement {
	struct cfg_round *rounds;  /* in the order of the ring; the first is the one at work */
	struct cfg_round *decided; /* asked for here, until all have told what became of it */
	struct cfg_ask *asks;
	struct cfg_letter *letters, **last_letter;
	struct coterie_timer *timer;
	uint64_t next_number;
	bool is_reading;    /* the executive, for the first of the rounds, or one that was dropped since */
	bool is_kept;       /* the executive has a file ready, or a key */
	bool is_key;        /* what is read, kept or to be applied is a key */
	bool is_rotating;   /* the key has been applied here, and the ring goes over to it, for this round: */
	uint32_t rotation_asker;
	uint64_t rotation_number;
	char rotation_flaw[512]; /* what this node could not do for it; "": nothing */
	bool is_commit_due; /* it is to be applied, for this round: */
	uint32_t commit_asker;
	uint64_t commit_number;
	bool is_voided;     /* rounds have ended without effect, and what has to be done then is due */
	uint64_t ignored;   /* senseless messages */
};

/* --- agree.c: verdicts and decisions --- */

/** Is the executive busy with a file for a round? */
bool cfg_agreement_is_busy(const struct cfg *cfg);
/** Have the file read for the first of the rounds, if it is time. */
void cfg_agreement_next(struct cfg *cfg);
/** The ring has changed: those rounds that are in its order are void. */
void cfg_agreement_void(struct cfg *cfg);
/** Tell those asked here whose rounds all have applied. */
void cfg_agreement_report(struct cfg *cfg);
/** Begin a check of this node alone. -ENOMEM */
int cfg_agreement_check_alone(struct cfg *cfg, uint64_t number, uint32_t flags);
/** Apply what is kept: not inside the ring's engine. */
void cfg_agreement_commit(struct cfg *cfg);

void cfg_deliver_reload_ask(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_deliver_reload_word(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_deliver_reload_order(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_swap_reload_ask(void *msg, uint32_t size);
void cfg_swap_reload_word(void *msg, uint32_t size);
void cfg_swap_reload_order(void *msg, uint32_t size);

/** What has been read is good, and is kept (rc 0), or is not, and text says why. */
void cfg_agreement_prepared(void *self, int rc, const char *text);
/** Put a new round at the end, and take part. Without room or memory its client has to try again. */
void cfg_agreement_begin_round(struct cfg *cfg, uint32_t asker, uint64_t number, uint32_t flags,
	const struct cfg_sealed_key *key);

/* --- rotate.c: rounds for a new key of the ring --- */

int cfg_handle_key_rotate(void *self, struct coterie_client *client, const void *msg, uint32_t size);
void cfg_deliver_key_rotate(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_swap_key_rotate(void *msg, uint32_t size);
/** May the key be looked at now? Not before an earlier change of keys has ended or got stuck. */
bool cfg_rotate_is_time(const struct cfg *cfg);
/** Have the key of a round stored beside the one in use. cfg_agreement_prepared is called, maybe before the return. */
void cfg_rotate_prepare(struct cfg *cfg, const struct cfg_round *round);
/** Let the transport load the key that is kept. */
void cfg_rotate_commit(struct cfg *cfg);
/** The change of keys has ended on this node, or (with a reason) got stuck. */
void cfg_rotate_ends(struct cfg *cfg, const char *reason);
/** The ring has changed under a round of this node's client: answer the client. */
void cfg_rotate_void(struct cfg *cfg, struct cfg_ask *ask, struct cfg_round *round);
/** Nodes of the node list that are not in the ring: room for max. @return how many there are */
uint32_t cfg_rotate_absent(struct cfg *cfg, uint32_t *list, uint32_t max);

/* --- wrap.c --- */

/** Encrypt a key for the nodes that have the ring's key in use. 0; -ENODATA: the ring has no key; -EIO: libcrypto */
int cfg_wrap_seal(struct cfg *cfg, const uint8_t key[CFG_KEY_SIZE], struct cfg_sealed_key *sealed);
/** The other way. @param sender  node id. 0; -ENODATA; -EBADMSG: under another key, or altered. key is zero then */
int cfg_wrap_open(
	struct cfg *cfg, uint32_t sender, const struct cfg_sealed_key *sealed, uint8_t key[CFG_KEY_SIZE]);

/**
 * Compute a tag of the key in use, to compare it with that of another moment on this node. tag is zero if the ring has
 * no key, or libcrypto fails.
 */
void cfg_wrap_tag(struct cfg *cfg, uint8_t tag[CFG_KEY_TAG_SIZE]);

/* --- agree_ask.c: who asks, and those who keep all waiting --- */

void cfg_agreement_init(struct cfg *cfg);
void cfg_agreement_fini(struct cfg *cfg);
/** Tell the nodes of a reload that a client wants. 0; -EAGAIN; -ENOMEM; -ENOTSUP */
int cfg_agreement_ask(
	struct cfg *cfg, struct coterie_client *client, enum cfg_response_id response, uint32_t flags);
/** Keep a client's wish for the round of this number. NULL: out of memory */
struct cfg_ask *cfg_ask_create(struct cfg *cfg, struct coterie_client *client,
	enum cfg_response_id response, uint32_t flags, uint64_t number);
void cfg_ask_destroy(struct cfg *cfg, struct cfg_ask *ask); /* without an answer */
/** A connection ends. */
void cfg_agreement_forget(struct cfg *cfg, const struct coterie_client *client);
/** A regular configuration: what was under way in the one before is void, and asked anew. */
void cfg_agreement_configuration(struct cfg *cfg, const struct coterie_configuration *configuration);
uint32_t cfg_agreement_count(const struct cfg *cfg); /* asked for here and not yet answered */
bool cfg_agreement_is_possible(const struct cfg *cfg); /* with these members of the ring */
/** See to it that the rest is done on a later turn of the loop. */
void cfg_agreement_arm(struct cfg *cfg);
struct cfg_ask *cfg_ask_find(const struct cfg *cfg, uint64_t number); /* or NULL */
void cfg_ask_answer(struct cfg *cfg, struct cfg_ask *ask, int32_t error); /* and forget it */
void cfg_ask_report(
	struct cfg *cfg, struct cfg_ask *ask, const struct cfg_round *round, enum cfg_outcome outcome);
/** The ring cannot agree: have it done in another way. */
void cfg_ask_otherwise(struct cfg *cfg, struct cfg_ask *ask);

/* --- agree_send.c: what waits for room in the ring --- */

/** text is cut where it is too long. */
void cfg_say(struct cfg *cfg, uint32_t asker, uint64_t number, enum cfg_stage stage, const char *text);
void cfg_order(struct cfg *cfg, const struct cfg_round *round, enum cfg_order order);
void cfg_letters_send(struct cfg *cfg);
void cfg_letters_free(struct cfg *cfg);

/* --- agree_round.c --- */

/** With the members of the present configuration, or this node alone. NULL: out of memory */
struct cfg_round *cfg_round_create(struct cfg *cfg, uint32_t asker, uint64_t number, bool is_alone);
void cfg_round_destroy(struct cfg_round *round); /* NULL is ignored */
struct cfg_round *cfg_round_find(struct cfg_round *list, uint32_t asker, uint64_t number); /* or NULL */
struct cfg_member *cfg_round_member(const struct cfg_round *round, uint32_t nodeid);       /* or NULL */
/**
 * A member says something: text_size bytes, copied, made printable.
 * @return false: it makes no sense after what it said before
 */
bool cfg_round_take(struct cfg_member *member, uint32_t stage, const char *text, uint32_t text_size);
/** All who are waited for have come as far as that: CFG_STAGE_HEARD, _READY or _APPLIED. */
bool cfg_round_has_all(const struct cfg_round *round, enum cfg_stage stage);
/** The first who said this, or NULL. */
const struct cfg_member *cfg_round_first(const struct cfg_round *round, enum cfg_stage stage);
/** " 3 4": those who keep all waiting for it. */
void cfg_round_name_missing(const struct cfg_round *round, enum cfg_stage stage, char *text, size_t size);
/** Answer the client with what became of a round, in the form it wants. */
void cfg_round_report(struct cfg *cfg, const struct cfg_round *round, struct coterie_client *client,
	enum cfg_response_id response, enum cfg_outcome outcome);

#endif

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
	bool is_alone;  /* a check of this node alone: it is in no order */
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
	bool is_kept;       /* the executive has a file ready */
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
int cfg_agreement_check_alone(struct cfg *cfg, uint64_t number);
/** Apply what is kept: not inside the ring's engine. */
void cfg_agreement_commit(struct cfg *cfg);

void cfg_deliver_reload_ask(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_deliver_reload_word(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_deliver_reload_order(void *self, uint32_t nodeid, void *msg, uint32_t size);
void cfg_swap_reload_ask(void *msg, uint32_t size);
void cfg_swap_reload_word(void *msg, uint32_t size);
void cfg_swap_reload_order(void *msg, uint32_t size);

/* --- agree_ask.c: who asks, and those who keep all waiting --- */

void cfg_agreement_init(struct cfg *cfg);
void cfg_agreement_fini(struct cfg *cfg);
/** Tell the nodes of a reload that a client wants. 0; -EAGAIN; -ENOMEM; -ENOTSUP */
int cfg_agreement_ask(
	struct cfg *cfg, struct coterie_client *client, enum cfg_response_id response, uint32_t flags);
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

/*
 * What the ring does on this node, for the statistics: how long its token takes, why and in what time it forms
 * anew, and how long messages of this node are on their way. Of these one at a time is timed: the others cost a
 * counter each.
 */
#ifndef EXEC_RING_ACCOUNT_H
#define EXEC_RING_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/histogram.h"
#include "exec/totem/engine.h"

/** Why there is a new ring, as this node saw it. The first that holds, from the last to the first. */
enum ring_change {
	RING_CHANGE_LEAVE,      /* somebody left, or was found dead before the token was missed */
	RING_CHANGE_JOIN,       /* somebody came */
	RING_CHANGE_MERGE,      /* a ring of others was heard */
	RING_CHANGE_TOKEN_LOST, /* here, or, when nobody came or went, elsewhere */
	RING_CHANGE_START,      /* the first one */
	RING_CHANGES,
};

/** Zeroed: nothing happened yet. */
struct ring_account {
	struct histogram token_rotation; /* from one token to the next */
	struct histogram token_hold;     /* how long this node kept one */
	struct histogram formation;      /* from the end of a ring to the next one */
	struct histogram delivery[2];    /* by enum totem_guarantee: from sending to our own delivery */
	uint64_t changes[RING_CHANGES];

	uint64_t lease_lapses; /* times the lease ended */
	uint64_t lapsed_ns;    /* when the present lapse began; 0: there is none */

	uint64_t token_ns; /* when the token came that was noted last */

	/* Of the ring that is being formed. */
	uint64_t ended_ns; /* 0: none is */
	bool has_run;      /* there was one before */
	bool has_lost_token, has_met_others, has_left;

	/* Of our own messages, which come back in the order of sending. */
	uint64_t sent, delivered;
	uint64_t awaited; /* the one that is timed, by its number; 0: none is */
	uint64_t awaited_ns;
	enum totem_guarantee awaited_guarantee;
	bool is_settled; /* synchronised: no message overtakes another */
};

struct stats;

/** A token is passed on. The same again, a retransmission, does not count. */
void ring_account_token(struct ring_account *account, uint64_t received_ns, uint64_t now_ns);
/** An event of the engine; those of a single message need not come here. */
void ring_account_trace(struct ring_account *account, uint64_t now_ns, const struct totem_trace *trace);
void ring_account_configuration(struct ring_account *account, uint64_t now_ns,
	const struct totem_configuration *configuration);
void ring_account_synchronized(struct ring_account *account);

/** The engine has taken a message of ours. */
void ring_account_sent(struct ring_account *account, uint64_t now_ns, enum totem_guarantee guarantee);
/** A message of ours is delivered. @return it is the one that is timed: tell the time */
static inline bool ring_account_delivered(struct ring_account *account)
{
	/* More than we sent: forged in our name. */
	return account->delivered < account->sent && ++account->delivered == account->awaited;
}
void ring_account_arrived(struct ring_account *account, uint64_t now_ns);

/** Offer stats.coterie.times.*, stats.coterie.ring.changes.* and stats.coterie.lease.lapses. account is kept until the map ends. 0; -ENOMEM */
int ring_account_offer(struct ring_account *account, struct stats *stats);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Statistics of the ring at this node: the times of its token, reasons and duration of each change, and the delivery
 * times of the own messages. Only one message at a time is measured. The others cost a counter each.
 */
#ifndef EXEC_RING_ACCOUNT_H
#define EXEC_RING_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/stats/histogram.h"
#include "exec/totem/engine.h"

/** The reason for a new ring, as this node saw it. If several apply, the last one in this list counts. */
enum ring_change {
	RING_CHANGE_LEAVE,      /* a member left, or was found dead before the token was missed */
	RING_CHANGE_JOIN,       /* a node joined */
	RING_CHANGE_MERGE,      /* packets of another ring arrived */
	RING_CHANGE_TOKEN_LOST, /* at this node, or at another one if no node came or left */
	RING_CHANGE_START,      /* the first ring */
	RING_CHANGES,
};

/** All zero is the start. */
struct ring_account {
	struct histogram token_rotation; /* from one token to the next */
	struct histogram token_hold;     /* time for which this node kept a token */
	struct histogram formation;      /* from the end of a ring to the next one */
	struct histogram delivery[2];    /* by enum totem_guarantee: from sending to delivery at this node */
	uint64_t changes[RING_CHANGES];

	uint64_t lease_lapses; /* times that the lease ended */
	uint64_t lapsed_ns;    /* when the lease ended, or 0: it is valid */

	uint64_t token_ns; /* arrival of the token that was noted last */

	/* The ring that is being formed. */
	uint64_t ended_ns; /* end of the ring before, or 0: no ring is being formed */
	bool has_run;      /* there was a ring before */
	bool has_lost_token, has_met_others, has_left;

	/* The own messages, which return in the order of sending. */
	uint64_t sent, delivered;
	uint64_t awaited; /* number of the message that is measured, or 0: none */
	uint64_t awaited_ns;
	enum totem_guarantee awaited_guarantee;
	bool is_settled; /* synchronised: no message overtakes another */
};

struct stats;

/** Note that a token is sent on. A retransmission of it does not count. */
void ring_account_token(struct ring_account *account, uint64_t received_ns, uint64_t now_ns);
/** Note an event of the engine. Events of single messages need not come here. */
void ring_account_trace(struct ring_account *account, uint64_t now_ns, const struct totem_trace *trace);
void ring_account_configuration(
	struct ring_account *account, uint64_t now_ns, const struct totem_configuration *configuration);
void ring_account_synchronized(struct ring_account *account);

/** Note that the engine has accepted a message of this node. */
void ring_account_sent(struct ring_account *account, uint64_t now_ns, enum totem_guarantee guarantee);
/**
 * Note the delivery of a message of this node. @return whether it is the one that is measured: call
 * ring_account_arrived
 */
static inline bool ring_account_delivered(struct ring_account *account)
{
	/* More messages than this node sent: some are forged. */
	return account->delivered < account->sent && ++account->delivered == account->awaited;
}
void ring_account_arrived(struct ring_account *account, uint64_t now_ns);

/** Offer stats.coterie.times.*, stats.coterie.ring.changes.* and stats.coterie.lease.lapses. account must live as long as
    the map. 0; -ENOMEM */
int ring_account_offer(struct ring_account *account, struct stats *stats);

#endif

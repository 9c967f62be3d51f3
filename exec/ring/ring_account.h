/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Statistics of the ring at this node: times of the token, reasons and duration of each change, and delivery times of
 * this node's messages. Only one message at a time is measured. The other messages cost a counter each.
 */
#ifndef EXEC_RING_ACCOUNT_H
#define EXEC_RING_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/stats/histogram.h"
#include "exec/totem/engine.h"

/** The reason for a new ring, as this node saw it. If several apply, the last one in this list counts. */
enum ring_change {
	RING_CHANGE_LEAVE,      /* a member left, or was removed by a sign before the token was missed */
	RING_CHANGE_JOIN,       /* a node joined */
	RING_CHANGE_MERGE,      /* packets of another ring arrived */
	RING_CHANGE_TOKEN_LOST, /* the token was lost, at this node, or at another one if no node joined or left */
	RING_CHANGE_START,      /* the first ring */
	RING_CHANGES,
};

/** All members zero: the initial state. */
struct ring_account {
	struct histogram token_rotation; /* time from one token to the next */
	struct histogram token_hold;     /* time for which this node kept a token */
	struct histogram formation;      /* time from the end of a ring to the beginning of the next one */
	struct histogram delivery[2];    /* by enum totem_guarantee: from sending to delivery at this node */
	uint64_t changes[RING_CHANGES];

	uint64_t lease_lapses; /* number of times that the lease ended */
	uint64_t lapsed_ns;    /* when the lease ended, or 0: it is valid */

	uint64_t token_ns; /* arrival of the token that was noted last */

	/* The ring that is being formed: */
	uint64_t ended_ns; /* time at which the last ring ended, or 0: no ring is being formed */
	bool has_run;      /* this node was in a ring before */
	bool has_lost_token, has_met_others, has_left;

	/* This node's messages, which are delivered in the order of sending: */
	uint64_t sent, delivered;
	uint64_t awaited; /* number of the message that is measured, or 0: no message is */
	uint64_t awaited_ns;
	enum totem_guarantee awaited_guarantee;
	bool is_settled; /* a synchronisation is complete: messages are sent in the order of queueing */
};

struct stats;

/** Note that this node sends the token on. A retransmission does not count. */
void ring_account_token(struct ring_account *account, uint64_t received_ns, uint64_t now_ns);
/** Note an event of the engine. Events of single messages need not come here. */
void ring_account_trace(struct ring_account *account, uint64_t now_ns, const struct totem_trace *trace);
void ring_account_configuration(
	struct ring_account *account, uint64_t now_ns, const struct totem_configuration *configuration);
void ring_account_synchronized(struct ring_account *account);

/** Note that the engine has accepted a message of this node. */
void ring_account_sent(struct ring_account *account, uint64_t now_ns, enum totem_guarantee guarantee);
/**
 * Note the delivery of a message of this node. @return whether this message is measured: then call ring_account_arrived
 */
static inline bool ring_account_delivered(struct ring_account *account)
{
	/* If more messages are delivered than this node sent, some are forged. */
	return account->delivered < account->sent && ++account->delivered == account->awaited;
}
void ring_account_arrived(struct ring_account *account, uint64_t now_ns);

/** Offer stats.coterie.times.*, stats.coterie.ring.changes.* and stats.coterie.lease.lapses. account must live as long as
    the map. 0; -ENOMEM */
int ring_account_offer(struct ring_account *account, struct stats *stats);

#endif

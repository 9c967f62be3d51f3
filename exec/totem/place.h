/* SPDX-License-Identifier: BSD-3-Clause */
/* The place of the token, as this node knows it. The table of its states is in book ring, "Hold and retransmission". */
#ifndef TOTEM_PLACE_H
#define TOTEM_PLACE_H

#include <stdbool.h>

enum token_place {
	TOKEN_NONE,      /* there is no token of this ring yet, or in RECOVERY this node has not sent the first one */
	TOKEN_AWAY,      /* another node has it */
	TOKEN_AWAY_IDLE, /* the ring is idle: the representative holds the token, or is about to */
	TOKEN_VISITING,  /* it is here, and frames can still be sent in this visit */
	TOKEN_HELD,      /* this node holds it as the representative of an idle ring */
	/* This node holds it, but has frames to send, and sends them and the token on the next turn. */
	TOKEN_WAKING,
	TOKEN_LINGERING, /* this node keeps it as a lone sender: linger.c */
	TOKEN_PACED,     /* this node keeps it for the rest of a rotation: aru_pace_ns */
};

/** Return whether this node keeps the token after its visit. */
static inline bool place_is_kept(enum token_place place) { return place >= TOKEN_HELD; }

/** Return whether the ring is idle: the representative holds the token, or is about to. */
static inline bool place_is_idle(enum token_place place) { return place == TOKEN_AWAY_IDLE || place == TOKEN_HELD; }

/** Return the place of the token after this node has sent it on. */
static inline enum token_place place_sent(enum token_place place)
{
	if (!place_is_kept(place))
		return place;
	return place == TOKEN_HELD ? TOKEN_AWAY_IDLE : TOKEN_AWAY;
}

/** Return the place of the token after a member has got something to send. */
static inline enum token_place place_woken(enum token_place place)
{
	if (place == TOKEN_AWAY_IDLE)
		return TOKEN_AWAY;
	return place == TOKEN_HELD ? TOKEN_WAKING : place;
}

#endif

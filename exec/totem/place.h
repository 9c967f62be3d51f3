/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the token is, as this node knows: one state, whose table is in book ring, "Hold and retransmission". */
#ifndef TOTEM_PLACE_H
#define TOTEM_PLACE_H

#include <stdbool.h>

enum token_place {
	TOKEN_NONE,      /* of this ring there is none yet, or in RECOVERY this node has not originated it */
	TOKEN_AWAY,      /* it goes round */
	TOKEN_AWAY_IDLE, /* the ring is idle: the representative holds it, or is about to */
	TOKEN_VISITING,  /* it is here, and frames can still be sent in this visit */
	TOKEN_HELD,      /* this node holds it: it is the representative of an idle ring */
	TOKEN_WAKING,    /* this node holds it, but has frames for it, and lets it go on the next turn */
	TOKEN_LINGERING, /* this node keeps it as a lone sender: linger.c */
};

/** Return whether this node keeps the token after its visit. */
static inline bool place_is_kept(enum token_place place) { return place >= TOKEN_HELD; }

/** Return whether the token is, or is about to be, held since the ring is idle. */
static inline bool place_is_idle(enum token_place place) { return place == TOKEN_AWAY_IDLE || place == TOKEN_HELD; }

/** Return the place after this node has sent the token on. */
static inline enum token_place place_sent(enum token_place place)
{
	if (!place_is_kept(place))
		return place;
	return place == TOKEN_HELD ? TOKEN_AWAY_IDLE : TOKEN_AWAY;
}

/** Return the place after a member has something to send. */
static inline enum token_place place_woken(enum token_place place)
{
	if (place == TOKEN_AWAY_IDLE)
		return TOKEN_AWAY;
	return place == TOKEN_HELD ? TOKEN_WAKING : place;
}

#endif

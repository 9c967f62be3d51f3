/* SPDX-License-Identifier: BSD-3-Clause */
/* The clients of EVS: client_evs.c records their events, and check_evs.c checks these. */
#ifndef HISTORIES_CLIENT_EVS_H
#define HISTORIES_CLIENT_EVS_H

#include "services/evs/messages.h"
#include "tests/histories/play.h"

/** One event of a client: a message, or a configuration. */
struct evs_seen {
	bool is_configuration, is_transitional, is_safe_kept;
	bool is_safe;
	uint32_t sender, number; /* life of the sender, and the message's number in that life */
	uint32_t member_count;
	struct play_ring ring;
	uint32_t members[HISTORY_NODES_MAX]; /* node ids */
};

/** One connection. */
struct evs_life {
	struct evs_clients *clients;
	struct testkit_client *connection; /* NULL: ended */
	uint32_t number, node;
	bool is_joined, is_over, is_asking, is_safe;
	bool is_guest; /* it comes and goes */
	bool is_late; /* it pauses reading, or older events still wait: the node may have another configuration by now */
	uint32_t joined_at;      /* number of events before it joined its group, UINT32_MAX until then */
	uint32_t left, size;     /* messages that are still to be sent, and their size */
	uint32_t sent, own;      /* messages that the node has accepted, and how many of them the client has received */
	struct play_notes notes; /* the messages of this client */
	struct evs_seen *seen;   /* seen_count */
	uint32_t seen_count, seen_capacity;
};

struct evs_clients {
	struct play *play;
	struct evs_life *current[HISTORY_NODES_MAX + 1]; /* observers, indexed by the node's number */
	struct evs_life *guests[HISTORY_CLIENTS];        /* NULL: none */
	struct evs_life **lives;                         /* array of life_count; lives[0] is NULL */
	uint32_t life_count, life_capacity;
};

/** Send the next message of a burst, unless another request is under way. */
void evs_send_next(struct evs_life *life);

/** Check a configuration when it arrives, against the earlier ones. */
void evs_check_configuration(
	struct evs_clients *clients, const struct evs_life *life, const struct evs_event_confchg *event);
/** Compare the events of all clients, at the end. */
void evs_check_end(struct evs_clients *clients);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The messages of synchronisation on the wire (book sync, "Messages" and "One service alone"). No other file knows
 * their bytes. The first two are Corosync's, in the group "sync". The others have service number 63, which Corosync
 * drops.
 */
#ifndef EXEC_ROUND_MESSAGE_H
#define EXEC_ROUND_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exec/totem/ring_id.h"

struct ring;

/** Service number of the executive's own messages. delivery.h has one more of them. */
#define ROUND_SERVICE_ID 63u
/** Service ids on the ring are below this: a larger one overruns Corosync's tables. */
#define ROUND_SERVICES_MAX 64u

enum round_word {
	ROUND_BUILD,   /* the services of the sender */
	ROUND_BARRIER, /* the sender is done with the present turn of services */
	ROUND_JOIN,    /* the sender has loaded a service */
	ROUND_READY,   /* the sender has begun the round of one service */
	ROUND_DONE,    /* the sender is done with the round of one service */
	ROUND_PART,    /* the sender has unloaded a service */
};

/** A message. Members that its kind does not use are 0. */
struct round_message {
	enum round_word word;
	struct ring_id ring;
	uint64_t services;  /* BUILD: by bit */
	bool is_able;       /* BUILD: the sender knows JOIN and the kinds after it */
	bool is_announcing; /* BUILD: the sender announces its verdict about quorum, see delivery.h */
	bool is_joint;      /* BUILD: the sender knows joint turns, see round.h */
	uint32_t service;   /* JOIN and kinds after it: service number, below ROUND_SERVICE_ID */
	uint32_t joiner;    /* READY, DONE: the member whose round it is */
};

/** Send a message to the ring. 0; -EAGAIN: no room */
int round_message_send(struct ring *ring, const struct round_message *message);

/**
 * Read a message of the group "sync", or of service 63 from its header on.
 *
 * @return 0; -ENOMSG: a kind of message that this version does not know, to be ignored; -EBADMSG: malformed, and for
 *         service 63: too short; -ERANGE: no such service can exist
 */
int round_message_read(struct round_message *message, const uint8_t *bytes, uint32_t size, bool is_swapped);
int round_message_read_service(struct round_message *message, const uint8_t *bytes, size_t size, bool is_swapped);

#endif

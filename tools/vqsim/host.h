/*
 * The host table for one instance of votequorum without an executive: a map, timers, the messages that votequorum
 * sends, and its last verdict.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_VQSIM_HOST_H
#define TOOLS_VQSIM_HOST_H

#include <stdbool.h>
#include <stdio.h>

#include <coterie/service.h>

#include "tools/vqsim/settings.h"

struct host_entry;
struct coterie_timer;

/** A message of the ring, with room for its header. */
struct host_message {
	struct host_message *next;
	uint32_t function;
	uint32_t size; /* size of `bytes` */
	uint8_t bytes[];
};

/** The only client: it acts as the quorum device. */
struct coterie_client {
	void *data;
	int32_t error; /* error of the last answer; 0: no answer */
};

struct coterie_ctx {
	struct coterie_host table;
	uint32_t node_id;
	FILE *log; /* NULL: no log */
	struct host_entry *entries;
	struct coterie_timer *timers;
	struct host_message *sent, **sent_end;
	bool has_verdict, is_quorate;
	struct coterie_ring_id ring;
	uint32_t *members;
	uint32_t member_count;
};

/**
 * Create the host of a node.
 * @param settings the settings of the whole cluster, copied
 * @return the caller frees it with host_destroy; NULL: out of memory
 */
struct coterie_ctx *host_create(uint32_t node_id, const struct settings *settings, FILE *log);
void host_destroy(struct coterie_ctx *host);

/** Remove the first message that was sent from the queue. The caller frees it. NULL: there is none. */
struct host_message *host_take_message(struct coterie_ctx *host);

/** Run the due timers. */
void host_run_timers(struct coterie_ctx *host);

/** Return the milliseconds until the next timer is due. -1: no timer runs. */
int host_next_timer_ms(const struct coterie_ctx *host);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests of clients of kv's table with their answers and times. The check is whether a single table with one change
 * at a time could have given these answers.
 *
 * The revisions define the order: a write is at its own revision, a read directly after the revision in its answer.
 * Every answer must fit the order. The order must fit the times: a request that was sent after another one was answered
 * comes after it.
 */
#ifndef UNIT_KV_HISTORY_H
#define UNIT_KV_HISTORY_H

#include <stdint.h>
#include <stdio.h>

enum kv_history_kind {
	KV_HISTORY_PUT,
	KV_HISTORY_DELETE,
	KV_HISTORY_READ,
};

/* The values of cs_error_t that the checks distinguish. */
enum {
	KV_HISTORY_UNKNOWN = 0, /* no answer arrived */
	KV_HISTORY_OK = 1,
	KV_HISTORY_TRY_AGAIN = 6,
	KV_HISTORY_NOT_EXIST = 12,
	KV_HISTORY_INTERRUPT = 16,
};

struct kv_operation {
	enum kv_history_kind kind;
	uint32_t key;
	uint64_t start_ns, end_ns;
	int32_t error;
	int is_conditional;
	uint64_t expected; /* of a conditional write: the revision that the key must have */
	uint64_t value;    /* value that is written or was read; no two writes have the same; 0: none */
	uint64_t revision; /* place of the operation in the order */
	uint64_t modified; /* of a read: revision of the key's last change */
};

struct kv_history {
	struct kv_operation *list;
	uint32_t count, capacity;
};

/** Record that an operation was sent. @return its number. The caller may change the operation until it has ended */
uint32_t kv_history_begin(struct kv_history *history, const struct kv_operation *operation);
void kv_history_free(struct kv_history *history);

/** Check the history. out: errors are written there. @return number of errors */
uint32_t kv_history_check(const struct kv_history *history, FILE *out);

#endif

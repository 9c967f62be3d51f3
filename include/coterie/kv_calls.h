/*
 * Requests of the service kv for plugins that call it (call_open of <coterie/host.h>, with the name "kv"). Programs have a
 * library, <coterie/kv.h>, which says what the calls do.
 *
 * All integers are in host byte order. Fields named pad are 0. The error of an answer is one of cs_error_t: 1 is CS_OK.
 * After "try again" (6) nothing has happened: send the request again a little later. After "interrupt" (16) it is not
 * known whether a write happened.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COTERIE_KV_CALLS_H
#define COTERIE_KV_CALLS_H

#include <coterie/service.h>

#define COTERIE_KV_CALL_NAME "kv"

/** Numbers of requests, and of their answers. */
#define COTERIE_KV_CALL_PUT 0    /* coterie_kv_call_write; answer: coterie_kv_call_written */
#define COTERIE_KV_CALL_DELETE 1 /* coterie_kv_call_write with value_size 0; answer: coterie_kv_call_written */
/* coterie_kv_call_get; answer: coterie_kv_call_got. Reads the state of this node. */
#define COTERIE_KV_CALL_GET 2
#define COTERIE_KV_CALL_GET_ORDERED 4 /* as GET, but the state includes all writes before the call. Needs quorum */

#define COTERIE_KV_CALL_CONDITIONAL 1u /* flag of a write: only if the last change has revision `expected` */

/* Arrays without a length are an extension in C++, which gcc and clang have. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"

/** A write. */
struct coterie_kv_call_write {
	struct coterie_request_header header;
	uint64_t expected; /* with COTERIE_KV_CALL_CONDITIONAL: revision of the key's last change, or 0: no such key */
	uint32_t flags;
	uint32_t key_size, value_size; /* 1 .. 255, 0 .. 1044480 */
	uint32_t pad;
	uint8_t bytes[]; /* key, value */
};

struct coterie_kv_call_written {
	struct coterie_response_header header;
	/* Revision of this write. With the errors "exist" (14) and "failed" (21): of the key's last change. */
	uint64_t revision;
};

struct coterie_kv_call_get {
	struct coterie_request_header header;
	uint32_t key_size;
	uint32_t pad;
	uint8_t bytes[];
};

/** The answer of a read, if its error is CS_OK. */
struct coterie_kv_call_got {
	struct coterie_response_header header;
	uint64_t revision;          /* of the table */
	uint64_t created, modified; /* revisions of the key */
	uint32_t value_size;
	uint32_t pad;
	uint8_t bytes[];
};

#pragma GCC diagnostic pop

static_assert(sizeof(struct coterie_kv_call_write) == 40, "layout of a write");
static_assert(sizeof(struct coterie_kv_call_written) == 32, "layout of a write's answer");
static_assert(sizeof(struct coterie_kv_call_get) == 24, "layout of a read");
static_assert(sizeof(struct coterie_kv_call_got) == 56, "layout of a read's answer");

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A ring of three nodes with the service kv on mock hosts, and a client of node 1.
 */
#ifndef UNIT_KV_CASE_H
#define UNIT_KV_CASE_H

#include "plugins/kv/kv.h"
#include "tests/unit/service_ring.h"

extern struct service_ring kv_ring;
extern struct service_user kv_user;
extern const struct mock_file *kv_kept; /* state files for nodes that start; or NULL */

/** Room for a request of any kind. */
struct kv_case_request {
	union {
		struct coterie_request_header header;
		struct kv_req_write write;
		struct kv_req_get get;
		struct kv_req_list list;
		struct kv_req_watch watch;
	};
	uint8_t room[4096];
};

void kv_case_set_up(void);
void kv_case_tear_down(void);
/** Kill the daemon of a node and start it again, alone. */
void kv_case_restart(uint32_t nodeid);

struct kv *kv_at(uint32_t nodeid);

/** Run timers and deliver messages until nothing is left to do. A donor sends its whole table meanwhile. */
void kv_case_run(void);

/** Send a request and run until it is answered. @return the error of the answer; 0: there was no answer */
int32_t kv_case_ask(struct service_user *who, int32_t id, struct kv_case_request *request, uint32_t size);

/** Send KV_REQ_PUT or KV_REQ_DELETE. expected below 0: without a condition. */
int32_t kv_case_write(struct service_user *who, int32_t id, const char *key, const char *value, int64_t expected);
int32_t kv_case_put(const char *key, const char *value);
/** Send KV_REQ_GET or KV_REQ_GET_ORDERED. */
int32_t kv_case_get(struct service_user *who, int32_t id, const char *key);
/** Return the revision in the answer to the last write. */
uint64_t kv_case_revision(void);

/** Check the value of a key on a node. NULL: the node does not have the key. */
void kv_case_check(uint32_t nodeid, const char *key, const char *value);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* A cluster of the test kit whose nodes have the service kit_naughty, for several test programs. */
#ifndef TESTS_UNIT_TESTKIT_KIT_CASE_H
#define TESTS_UNIT_TESTKIT_KIT_CASE_H

#include <coterie/testkit.h>

#include "tests/unit/sample-plugins/kit_naughty.h"

#define OK 1
#define TRY_AGAIN 6

/** The cluster of the running test. */
extern struct testkit *kit;

/** The answer to NAUGHTY_COUNT. */
struct kit_counts {
	uint64_t delivered, bytes, posted, configurations, disorders;
};

/** Create a cluster of nodes whose service has this habit (kit_naughty.h), and let it settle. */
void kit_case_start(uint32_t nodes, const char *habit, uint64_t seed);
/** Connect to the service of a node. @return ends with the kit, or with testkit_disconnect */
struct testkit_client *kit_case_connect(uint32_t node);
/** Make a request of `size` bytes in all. @return static memory, valid until the next call */
void *kit_case_request(uint32_t id, uint32_t size);
/** Make such a request, and wait for the answer. @return its error; 0: there is no answer */
int32_t kit_case_call(struct testkit_client *client, uint32_t id, uint32_t size);
/** Get the counts of the service of a node. */
struct kit_counts kit_case_count(uint32_t node);
/** Get the ring of a node, which is up. */
struct coterie_ring_id kit_case_ring(uint32_t node);

#endif

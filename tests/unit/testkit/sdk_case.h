/* SPDX-License-Identifier: BSD-3-Clause */
/* A cluster of the test kit with the services patient, caller and dropper, for several test programs. */
#ifndef TESTS_UNIT_TESTKIT_SDK_CASE_H
#define TESTS_UNIT_TESTKIT_SDK_CASE_H

#include <coterie/testkit.h>

#include "tests/unit/sample-plugins/caller.h"
#include "tests/unit/sample-plugins/patient.h"

#define OK 1
#define TIMEOUT 5
#define TRY_AGAIN 6
#define BUSY 10
#define NOT_EXIST 12

/** The cluster of the running test. */
extern struct testkit *kit;

struct words_request {
	struct coterie_request_header header;
	uint32_t words[2];
};

/** Create a cluster that has the services. No node runs yet. */
void sdk_case_begin(uint32_t nodes, uint64_t seed);
/** Create a cluster, start it, and let it settle. */
void sdk_case_start(uint32_t nodes, uint64_t seed);
/** Connect to a service of a node. @return ends with the kit, or with testkit_disconnect */
struct testkit_client *sdk_case_connect(uint32_t node, const char *name);
/** Make a request with two words. */
struct words_request sdk_case_ask(int32_t id, uint32_t first, uint32_t second);
/** Make such a request, and wait for the answer. @return its error; 0: there is no answer */
int32_t sdk_case_call(struct testkit_client *client, int32_t id, uint32_t first, uint32_t second);
/** Send such a request. */
void sdk_case_send(struct testkit_client *client, int32_t id, uint32_t first, uint32_t second);
/** Get the counts of the service patient of a node. */
struct patient_counts sdk_case_counts(uint32_t node);
/** Get the total of the service dropper of a node. */
uint64_t sdk_case_total(uint32_t node);

#endif

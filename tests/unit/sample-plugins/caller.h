/* SPDX-License-Identifier: BSD-3-Clause */
/* Two services for tests of ABI 1.8 and of the test kit: caller calls other services, and dropper loses messages. */
#ifndef UNIT_PLUGINS_CALLER_H
#define UNIT_PLUGINS_CALLER_H

#include <coterie/service.h>

enum {
	CALLER_OPEN, /* body: a NUL-terminated name. Connects to the service of that name. The answer has the result */
	/*
	 * Body: a request for the other service with its header. The answer is that service's answer with its header.
	 */
	CALLER_PASS,
	CALLER_CLOSE,
	CALLER_COUNT, /* answered with struct caller_counts */
	/*
	 * Body: two requests of equal size for the other service, sent at once. Their errors are in
	 * caller_counts.errors.
	 */
	CALLER_BOTH,
};

struct caller_counts {
	uint64_t events, ends, open_rc; /* -rc of the last call_open */
	uint64_t errors; /* errors of the answers for CALLER_BOTH, as decimal digits: 15 is 1 and then 5 */
};

enum {
	DROPPER_ADD,           /* adds 1 on all nodes, and is answered in any case */
	DROPPER_ADD_BY_THREAD, /* as DROPPER_ADD, but answered by a thread after 200 ms of real time */
	DROPPER_TOTAL,         /* answered with a u64 */
};

extern const struct coterie_plugin caller_LTX_coterie_plugin;
extern const struct coterie_plugin dropper_LTX_coterie_plugin;

#endif

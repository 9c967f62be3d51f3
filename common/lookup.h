/*
 * Look-ups of host names that end, although the resolver does not.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COMMON_LOOKUP_H
#define COMMON_LOOKUP_H

#include <netdb.h>
#include <stdint.h>

enum {
	/* milliseconds for all names of a config file together, if the file is only checked */
	LOOKUP_LIMIT_MS = 10000,
};

/**
 * Look up a host name as getaddrinfo does, but wait at most limit_ms.
 *
 * A thread waits for the resolver. After the limit it is left alone, and ends with its look-up or with the process.
 *
 * @param name      copied
 * @param hints     copied; only flags, family and type of socket count
 * @param limit_ms  milliseconds; 0 or less: the resolver is not asked
 * @param found     returned on success, caller frees with freeaddrinfo
 * @return 0; EAI_INPROGRESS: no answer within the limit; EAI_MEMORY: also if no thread can be started; errors of
 *         getaddrinfo
 */
int lookup_name(const char *name, const struct addrinfo *hints, int64_t limit_ms, struct addrinfo **found);

/** Return the time of the monotonic clock, in milliseconds. Use it to measure how much of a time limit is left. */
int64_t lookup_now_ms(void);

#endif

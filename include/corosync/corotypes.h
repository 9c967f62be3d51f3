/*
 * Types, error codes and small helpers that every client library shares.
 *
 * Names, numbers and layouts are those of Corosync 3.1, so that a program can be built against
 * either project and run with either.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COROTYPES_H_DEFINED
#define COROTYPES_H_DEFINED

#include <errno.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Nanoseconds. */
typedef int64_t cs_time_t;

#define CS_TIME_END ((cs_time_t)0x7FFFFFFFFFFFFFFFULL)

#define CS_TIME_MS_IN_SEC 1000ULL
#define CS_TIME_US_IN_SEC 1000000ULL
#define CS_TIME_NS_IN_SEC 1000000000ULL
#define CS_TIME_US_IN_MSEC 1000ULL
#define CS_TIME_NS_IN_MSEC 1000000ULL
#define CS_TIME_NS_IN_USEC 1000ULL

#define CS_FALSE 0
#define CS_TRUE !CS_FALSE

/** The greater of two values. Arguments are evaluated twice. */
#define CS_MAX(x, y) (((x) > (y)) ? (x) : (y))

/* Formats for printf. The program must include <inttypes.h>. */
#define CS_PRI_NODE_ID "%" PRIu32
#define CS_PRI_NODE_ID_PADDED "%10" PRIu32
#define CS_PRI_RING_ID_SEQ "%" PRIx64
#define CS_PRI_RING_ID "%" PRIx32 ".%" PRIx64

#define CS_MAX_NAME_LENGTH 256

/** A name of length bytes, without a NUL. */
typedef struct {
	uint16_t length;
	uint8_t value[CS_MAX_NAME_LENGTH];
} cs_name_t;

typedef struct {
	char releaseCode;
	unsigned char majorVersion;
	unsigned char minorVersion;
} cs_version_t;

/** Modes of a *_dispatch call. */
typedef enum {
	CS_DISPATCH_ONE = 1,            /* wait for one event, handle it, return */
	CS_DISPATCH_ALL = 2,            /* handle all events that wait, return */
	CS_DISPATCH_BLOCKING = 3,       /* handle events until an error or finalize */
	CS_DISPATCH_ONE_NONBLOCKING = 4 /* handle one event, return; CS_ERR_TRY_AGAIN: no event waits */
} cs_dispatch_flags_t;

/* Flags of the *_trackstart calls. */
#define CS_TRACK_CURRENT 0x01
#define CS_TRACK_CHANGES 0x02
#define CS_TRACK_CHANGES_ONLY 0x04

/** Results of calls. */
typedef enum {
	CS_OK = 1,
	CS_ERR_LIBRARY = 2, /* there is no daemon, or the connection to it is broken */
	CS_ERR_VERSION = 3,
	CS_ERR_INIT = 4,
	CS_ERR_TIMEOUT = 5,
	CS_ERR_TRY_AGAIN = 6, /* the call had no effect: repeat it a little later */
	CS_ERR_INVALID_PARAM = 7,
	CS_ERR_NO_MEMORY = 8,
	CS_ERR_BAD_HANDLE = 9,
	CS_ERR_BUSY = 10,
	CS_ERR_ACCESS = 11,
	CS_ERR_NOT_EXIST = 12,
	CS_ERR_NAME_TOO_LONG = 13,
	CS_ERR_EXIST = 14,
	CS_ERR_NO_SPACE = 15,
	CS_ERR_INTERRUPT = 16,
	CS_ERR_NAME_NOT_FOUND = 17,
	CS_ERR_NO_RESOURCES = 18,
	CS_ERR_NOT_SUPPORTED = 19,
	CS_ERR_BAD_OPERATION = 20,
	CS_ERR_FAILED_OPERATION = 21,
	CS_ERR_MESSAGE_ERROR = 22,
	CS_ERR_QUEUE_FULL = 23,
	CS_ERR_QUEUE_NOT_AVAILABLE = 24,
	CS_ERR_BAD_FLAGS = 25,
	CS_ERR_TOO_BIG = 26,
	CS_ERR_NO_SECTIONS = 27, /* an iteration has come to its end */
	CS_ERR_CONTEXT_NOT_FOUND = 28,
	CS_ERR_TOO_MANY_GROUPS = 30,
	CS_ERR_SECURITY = 100
} cs_error_t;

/** Time limit of a request to the daemon: there is none. */
#define CS_IPC_TIMEOUT_MS -1

/**
 * Read a clock to measure durations.
 *
 * @return nanoseconds, of a monotonic clock if the C library has one, otherwise since the Epoch
 */
static inline uint64_t cs_timestamp_get(void)
{
#ifdef CLOCK_MONOTONIC
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * CS_TIME_NS_IN_SEC + (uint64_t)now.tv_nsec;
#else
	struct timeval now;

	gettimeofday(&now, NULL);
	return (uint64_t)now.tv_sec * CS_TIME_NS_IN_SEC + (uint64_t)now.tv_usec * CS_TIME_NS_IN_USEC;
#endif
}

/* libcorosync_common */

/**
 * Translate a result of libqb.
 *
 * @param result 0 or more for success, or a negative errno
 * @return CS_OK, or the code for the errno; CS_ERR_LIBRARY for an errno without one
 */
cs_error_t qb_to_cs_error(int result);

/**
 * Return the text of an error code.
 *
 * @return static text, never NULL; "unknown error" for a number that is no code
 */
const char *cs_strerror(cs_error_t err);

/**
 * Translate a result of a handle table (<corosync/hdb.h>).
 *
 * @param res 0, or a negative errno
 * @return CS_OK, CS_ERR_BAD_HANDLE, CS_ERR_NO_MEMORY, CS_ERR_NO_RESOURCES, CS_ERR_ACCESS;
 * CS_ERR_LIBRARY for all others
 */
cs_error_t hdb_error_to_cs(int res);

/* Older spellings, for programs written for the 1.x series. */

#define CPG_DISPATCH_ONE CS_DISPATCH_ONE
#define CPG_DISPATCH_ALL CS_DISPATCH_ALL
#define CPG_DISPATCH_BLOCKING CS_DISPATCH_BLOCKING
#define CPG_OK CS_OK
#define CPG_ERR_LIBRARY CS_ERR_LIBRARY
#define CPG_ERR_TIMEOUT CS_ERR_TIMEOUT
#define CPG_ERR_TRY_AGAIN CS_ERR_TRY_AGAIN
#define CPG_ERR_INVALID_PARAM CS_ERR_INVALID_PARAM
#define CPG_ERR_NO_MEMORY CS_ERR_NO_MEMORY
#define CPG_ERR_BAD_HANDLE CS_ERR_BAD_HANDLE
#define CPG_ERR_BUSY CS_ERR_BUSY
#define CPG_ERR_ACCESS CS_ERR_ACCESS
#define CPG_ERR_NOT_EXIST CS_ERR_NOT_EXIST
#define CPG_ERR_EXIST CS_ERR_EXIST
#define CPG_ERR_NOT_SUPPORTED CS_ERR_NOT_SUPPORTED
#define CPG_ERR_SECURITY CS_ERR_SECURITY
#define CPG_ERR_TOO_MANY_GROUPS CS_ERR_TOO_MANY_GROUPS
#define cpg_error_t cs_error_t

#define EVS_DISPATCH_ONE CS_DISPATCH_ONE
#define EVS_DISPATCH_ALL CS_DISPATCH_ALL
#define EVS_DISPATCH_BLOCKING CS_DISPATCH_BLOCKING
#define EVS_OK CS_OK
#define EVS_ERR_LIBRARY CS_ERR_LIBRARY
#define EVS_ERR_TIMEOUT CS_ERR_TIMEOUT
#define EVS_ERR_TRY_AGAIN CS_ERR_TRY_AGAIN
#define EVS_ERR_INVALID_PARAM CS_ERR_INVALID_PARAM
#define EVS_ERR_NO_MEMORY CS_ERR_NO_MEMORY
#define EVS_ERR_BAD_HANDLE CS_ERR_BAD_HANDLE
#define EVS_ERR_ACCESS CS_ERR_ACCESS
#define EVS_ERR_NOT_EXIST CS_ERR_NOT_EXIST
#define EVS_ERR_EXIST CS_ERR_EXIST
#define EVS_ERR_NOT_SUPPORTED CS_ERR_NOT_SUPPORTED
#define EVS_ERR_SECURITY CS_ERR_SECURITY
#define EVS_ERR_TOO_MANY_GROUPS CS_ERR_TOO_MANY_GROUPS
#define evs_error_t cs_error_t

#define CONFDB_DISPATCH_ONE CS_DISPATCH_ONE
#define CONFDB_DISPATCH_ALL CS_DISPATCH_ALL
#define CONFDB_DISPATCH_BLOCKING CS_DISPATCH_BLOCKING
#define CONFDB_OK CS_OK
#define CONFDB_ERR_LIBRARY CS_ERR_LIBRARY
#define CONFDB_ERR_TIMEOUT CS_ERR_TIMEOUT
#define CONFDB_ERR_TRY_AGAIN CS_ERR_TRY_AGAIN
#define CONFDB_ERR_INVALID_PARAM CS_ERR_INVALID_PARAM
#define CONFDB_ERR_NO_MEMORY CS_ERR_NO_MEMORY
#define CONFDB_ERR_BAD_HANDLE CS_ERR_BAD_HANDLE
#define CONFDB_ERR_ACCESS CS_ERR_ACCESS
#define CONFDB_ERR_NOT_EXIST CS_ERR_NOT_EXIST
#define CONFDB_ERR_EXIST CS_ERR_EXIST
#define CONFDB_ERR_NOT_SUPPORTED CS_ERR_NOT_SUPPORTED
#define CONFDB_ERR_SECURITY CS_ERR_SECURITY
#define confdb_error_t cs_error_t

#define QUORUM_DISPATCH_ONE CS_DISPATCH_ONE
#define QUORUM_DISPATCH_ALL CS_DISPATCH_ALL
#define QUORUM_DISPATCH_BLOCKING CS_DISPATCH_BLOCKING
#define QUORUM_OK CS_OK
#define QUORUM_ERR_LIBRARY CS_ERR_LIBRARY
#define QUORUM_ERR_TIMEOUT CS_ERR_TIMEOUT
#define QUORUM_ERR_TRY_AGAIN CS_ERR_TRY_AGAIN
#define QUORUM_ERR_INVALID_PARAM CS_ERR_INVALID_PARAM
#define QUORUM_ERR_NO_MEMORY CS_ERR_NO_MEMORY
#define QUORUM_ERR_BAD_HANDLE CS_ERR_BAD_HANDLE
#define QUORUM_ERR_ACCESS CS_ERR_ACCESS
#define QUORUM_ERR_NOT_EXIST CS_ERR_NOT_EXIST
#define QUORUM_ERR_EXIST CS_ERR_EXIST
#define QUORUM_ERR_NOT_SUPPORTED CS_ERR_NOT_SUPPORTED
#define QUORUM_ERR_SECURITY CS_ERR_SECURITY
#define quorum_error_t cs_error_t

#ifdef __cplusplus
}
#endif

#endif

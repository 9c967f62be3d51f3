/* SPDX-License-Identifier: BSD-3-Clause */
/* The requests of the service of patient.c, which does nothing at once: for tests of ABI 1.8. */
#ifndef UNIT_PLUGINS_PATIENT_H
#define UNIT_PLUGINS_PATIENT_H

#include <coterie/service.h>

enum {
	PATIENT_PUSH,  /* u32 count, u32 size: multicasts so many messages of so many bytes, and goes on in writable */
	PATIENT_WAIT,  /* u32 timeout_ms, u32 of PATIENT_HOW: answered with the token when a message has been delivered */
	PATIENT_COUNT, /* answered with struct patient_counts */
	PATIENT_READER, /* asks client_may_send: "try again", or u32 count events of u32 size */
	PATIENT_STORE, /* u32 count, u32 size: stores so many files "patient" with so many bytes, the last one counts */
	PATIENT_WORDS, /* answered with the words of the option words, each with a NUL */
	PATIENT_SILENT, /* no answer: tries to take a token */
	PATIENT_EVENT = 100,
};

enum patient_how {
	PATIENT_ONCE,
	PATIENT_TWICE,   /* a second answer */
	PATIENT_NEVER,   /* waits for its time or its client */
	PATIENT_AT_ONCE, /* in the handler */
	PATIENT_DECLINED, /* a token, and "busy" as the result of the handler */
};

struct patient_counts {
	uint64_t delivered, left;         /* messages, and those that are still to be sent */
	uint64_t refused, writable;       /* -EAGAIN of ring_send, calls of writable without a client */
	uint64_t may_not, readers;        /* -EAGAIN of client_may_send, calls of writable with a client */
	uint64_t timeouts, leavers;       /* tokens that are gone */
	uint64_t second_rc;               /* -rc of the last second answer */
	uint64_t stored, store_errors, store_refused, store_rc; /* of state_file_store. store_rc: -rc of the last error */
};

extern const struct coterie_plugin patient_LTX_coterie_plugin;

#endif

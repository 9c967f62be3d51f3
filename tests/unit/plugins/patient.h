/* SPDX-License-Identifier: BSD-3-Clause */
/* The requests of the service of patient.c, which does nothing at once: for tests of ABI 1.8. */
#ifndef UNIT_PLUGINS_PATIENT_H
#define UNIT_PLUGINS_PATIENT_H

#include <coterie/service.h>

enum {
	/* body: u32 count, u32 size. Multicasts `count` messages of `size` bytes, and continues in writable */
	PATIENT_PUSH,
	PATIENT_WAIT,  /* body: u32 timeout_ms, u32 how. Answered by a token when a message has been delivered */
	PATIENT_COUNT, /* answered with struct patient_counts */
	/* body: u32 count, u32 size. Calls client_may_send: "try again", or `count` events of `size` bytes */
	PATIENT_READER,
	PATIENT_STORE,  /* body: u32 count, u32 size. Stores the file "patient" `count` times with `size` bytes */
	PATIENT_WORDS,  /* answered with the words of the option words, each with a NUL */
	PATIENT_SILENT, /* no answer: tries to take a token */
	PATIENT_EVENT = 100,
};

enum patient_how {
	PATIENT_ONCE,
	PATIENT_TWICE,    /* a second answer to the same token */
	PATIENT_NEVER,    /* no answer: waits for the timeout or for the client's end */
	PATIENT_AT_ONCE,  /* answers inside the handler */
	PATIENT_DECLINED, /* takes a token, and returns "busy" from the handler */
};

struct patient_counts {
	uint64_t delivered, left;   /* messages, and those that are still to be sent */
	uint64_t refused, writable; /* -EAGAIN of ring_send, calls of writable without a client */
	uint64_t may_not, readers;  /* -EAGAIN of client_may_send, calls of writable with a client */
	uint64_t timeouts, leavers; /* tokens that ended by timeout, and by the client's end */
	uint64_t second_rc;         /* -rc of the last second answer */
	/* calls of state_file_store, by result. store_rc: -rc of the last error */
	uint64_t stored, store_errors, store_refused, store_rc;
};

extern const struct coterie_plugin patient_LTX_coterie_plugin;

#endif

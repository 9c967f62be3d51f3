/* SPDX-License-Identifier: BSD-3-Clause */
/* The requests of the service of patient.c, for tests of ABI 1.8. It answers none of them at once. */
#ifndef UNIT_PLUGINS_PATIENT_H
#define UNIT_PLUGINS_PATIENT_H

#include <coterie/service.h>

enum {
	/* Body: u32 count, u32 size. Multicasts `count` messages of `size` bytes, and continues in writable(). */
	PATIENT_PUSH,
	PATIENT_WAIT,  /* body: u32 timeout_ms, u32 how. Answered with a reply token when a message is delivered */
	PATIENT_COUNT, /* answered with struct patient_counts */
	/*
	 * Body: u32 count, u32 size. If client_may_send() allows it, sends `count` events of `size` bytes, otherwise
	 * answers "try again".
	 */
	PATIENT_READER,
	PATIENT_STORE,  /* body: u32 count, u32 size. Stores the file "patient" `count` times with `size` bytes */
	PATIENT_WORDS,  /* answered with the words of the option words, each with a NUL */
	PATIENT_SILENT, /* no answer: requests a reply token in vain */
	PATIENT_EVENT = 100,
};

enum patient_how {
	PATIENT_ONCE,
	PATIENT_TWICE,    /* sends a second answer with the same token */
	PATIENT_NEVER,    /* no answer: waits for the timeout or for the client's end */
	PATIENT_AT_ONCE,  /* answers with the token inside the handler */
	PATIENT_DECLINED, /* requests a token, but returns "busy" from the handler */
};

struct patient_counts {
	uint64_t delivered, left;   /* messages delivered, and messages still to be sent */
	uint64_t refused, writable; /* results -EAGAIN of ring_send(), calls of writable() without a client */
	uint64_t may_not, readers;  /* results -EAGAIN of client_may_send(), calls of writable() with a client */
	uint64_t timeouts, leavers; /* tokens that ended by their timeout, and by the client's end */
	uint64_t second_rc;         /* -rc of the last attempt to answer a second time */
	/* calls of state_file_store, by result. store_rc: -rc of the last error */
	uint64_t stored, store_errors, store_refused, store_rc;
};

extern const struct coterie_plugin patient_LTX_coterie_plugin;

#endif

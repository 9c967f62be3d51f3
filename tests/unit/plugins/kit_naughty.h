/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests for the service of kit_naughty.c, and its possible errors. */
#ifndef UNIT_PLUGINS_KIT_NAUGHTY_H
#define UNIT_PLUGINS_KIT_NAUGHTY_H

#include <coterie/service.h>

enum {
	NAUGHTY_SEND,   /* multicasts the bytes behind the header. Answered when the message is
			 * queued */
	NAUGHTY_SILENT, /* the same, never answered */
	NAUGHTY_LATER,  /* the same, answered when it is delivered */
	/*
	 * Answered with five u64: messages delivered, their bytes, posts that ran, regular configurations, disorders. A
	 * disorder: parts of the executive learned of a configuration in a wrong order.
	 */
	NAUGHTY_COUNT,
	NAUGHTY_EVENTS,  /* body: two u32, number of events and their size */
	NAUGHTY_STORE,   /* writes the state file "naughty" */
	NAUGHTY_QUORATE, /* as NAUGHTY_COUNT, but needs quorum */
	NAUGHTY_EVENT = 100,
};

/* Values of the option habit. */
enum {
	NAUGHTY_NOT,
	NAUGHTY_LEAKS_TIMER,
	NAUGHTY_LEAKS_FRAME,
	NAUGHTY_SENDS_EARLY,
	NAUGHTY_ANSWERS_TWICE,
	NAUGHTY_RUNS_THREAD, /* allowed by the ABI */
	NAUGHTY_FAILS,       /* its init */
	/* allowed: sends a number each millisecond. Disorders: own numbers that were delivered out of order */
	NAUGHTY_NUMBERS,
};

extern const struct coterie_plugin naughty_LTX_coterie_plugin;

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests for the service of kit_naughty.c, and the errors that its option can select. */
#ifndef UNIT_PLUGINS_KIT_NAUGHTY_H
#define UNIT_PLUGINS_KIT_NAUGHTY_H

#include <coterie/service.h>

enum {
	NAUGHTY_SEND,   /* multicasts the bytes behind the header. Answered when the message is
			 * queued */
	NAUGHTY_SILENT, /* as NAUGHTY_SEND, never answered */
	NAUGHTY_LATER,  /* as NAUGHTY_SEND, answered when the message is delivered */
	/*
	 * Answered with five u64: messages delivered, their bytes, posts that ran, regular configurations, disorders. A
	 * disorder: the map or the synchronisation had another configuration than the service.
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
	NAUGHTY_RUNS_THREAD, /* no error, the ABI allows it */
	NAUGHTY_FAILS,       /* its init fails */
	/* No error: sends a number each millisecond. Disorders are own numbers that were delivered out of order. */
	NAUGHTY_NUMBERS,
};

extern const struct coterie_plugin naughty_LTX_coterie_plugin;

#endif

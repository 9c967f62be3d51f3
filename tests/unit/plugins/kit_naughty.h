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
	 * Answered with five u64: messages delivered, their bytes, posts that ran, regular configurations, and signs that
	 * parts of the executive learned of one in a wrong order.
	 */
	NAUGHTY_COUNT,
	NAUGHTY_EVENTS, /* two u32: so many events, of so many bytes */
	NAUGHTY_STORE,  /* writes the state file "naughty" */
	NAUGHTY_QUORATE, /* as COUNT, with quorum only */
	NAUGHTY_EVENT = 100,
};

/* Values of the option habit. */
enum {
	NAUGHTY_NOT,
	NAUGHTY_LEAKS_TIMER,
	NAUGHTY_LEAKS_FRAME,
	NAUGHTY_SENDS_EARLY,
	NAUGHTY_ANSWERS_TWICE,
	NAUGHTY_RUNS_THREAD, /* nothing wrong with that */
	NAUGHTY_FAILS,       /* its init */
	NAUGHTY_NUMBERS,     /* nothing wrong: sends a number each millisecond. Disorders: those of its own out of order */
};

extern const struct coterie_plugin naughty_LTX_coterie_plugin;

#endif

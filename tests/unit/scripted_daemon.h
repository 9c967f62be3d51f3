/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fake daemon that plays a script. Before each call of the library the test sets the events and
 * the response for the next request. Afterwards it reads the request.
 */
#ifndef UNIT_SCRIPTED_DAEMON_H
#define UNIT_SCRIPTED_DAEMON_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	SCRIPT_MESSAGE_SIZE_MAX = 16384,
	SCRIPT_EVENTS_MAX = 4,
};

struct script_message {
	size_t size;
	_Alignas(8) uint8_t bytes[SCRIPT_MESSAGE_SIZE_MAX];
};

/** Shared with the daemon's process, which looks at it when a request comes. */
struct script {
	struct script_message request; /* the last that came */
	unsigned int request_count;
	/* Result of the request. A response of size 0 is only a header with CS_OK. */
	struct script_message response;
	struct script_message events[SCRIPT_EVENTS_MAX]; /* sent before the response */
	unsigned int event_count;                        /* set to 0 by whom it has sent them */
};

/**
 * Start it; as fake_daemon_start.
 *
 * @param script set: for the test, all zero
 */
pid_t scripted_daemon_start(const char *service, struct script **script);

/** Kill it and free the script. */
void scripted_daemon_stop(pid_t daemon);

/** The next response, size bytes of it; copied. */
void script_response(struct script *script, const void *response, size_t size);

/** One more event with the next response; copied. */
void script_event(struct script *script, const void *event, size_t size);

#endif

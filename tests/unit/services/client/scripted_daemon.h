/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fake daemon that plays a script. Before each call of the library the test sets the events and the response for the
 * next request. After the call it reads the request.
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

/** Shared memory. The daemon's process reads it when a request arrives. */
struct script {
	struct script_message request; /* the last request that arrived */
	unsigned int request_count;
	/* The response to the next request. Size 0: only a header with CS_OK. */
	struct script_message response;
	struct script_message events[SCRIPT_EVENTS_MAX]; /* sent before the response */
	unsigned int event_count;                        /* the daemon sets it to 0 after it has sent them */
	unsigned int pause_ms;                           /* the daemon waits for so long before the next response */
};

/**
 * Start the daemon as fake_daemon_start() does.
 *
 * @param script out: the shared script, all zero
 */
pid_t scripted_daemon_start(const char *service, struct script **script);

/** Kill the daemon and free the script. */
void scripted_daemon_stop(pid_t daemon);

/** Set the next response to a copy of these bytes. */
void script_response(struct script *script, const void *response, size_t size);

/** Add a copy of an event, which is sent before the next response. */
void script_event(struct script *script, const void *event, size_t size);

#endif

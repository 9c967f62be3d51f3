/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The latest events. Each is stored as a piece of text/event-stream whose data is a document of the schema
 * coterie-events-1. All functions run on the loop. State that cannot be followed is checked once a second, a few nodes
 * at a time.
 */
#ifndef PLUGINS_METRICS_EVENTS_H
#define PLUGINS_METRICS_EVENTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <coterie/service.h>

#define EVENTS_KEPT 64u

struct events;

/**
 * Begin to record events.
 * @param tell  called after a new event
 * @return 0; -ENOMEM, or an error of the host
 */
int events_create(const struct coterie_host *host, struct coterie_ctx *ctx, void (*tell)(void *arg), void *arg,
	struct events **events);
void events_destroy(struct events *events); /* NULL is ignored */
/** Add events for a configuration. Call it from the service's operation of the same name. */
void events_configuration(struct events *events, const struct coterie_configuration *configuration);

/** The position of a reader. Before the first read, zero it and set `next`. */
struct events_reader {
	uint64_t next;    /* number of the reader's next event */
	size_t sent;      /* bytes of that event that were sent already */
	uint64_t beat_ns; /* time at which bytes were sent last */
};

/** Return the number of the oldest stored event, or of the next event if none is stored. */
uint64_t events_first(const struct events *events);
/**
 * Return the number after the one that a client reports as its last. If the client's number is not possible, return the
 * number of the oldest event.
 */
uint64_t events_after(const struct events *events, const char *number);
/**
 * Copy the next bytes for this reader, at most size_max. After EVENTS_BEAT_NS without an event, copy a heartbeat.
 * @return bytes; 0: none at present; -1: the reader was too slow: an event was dropped of which it has read a part
 */
ssize_t events_read(
	const struct events *events, struct events_reader *reader, uint64_t now_ns, char *bytes, size_t size_max);

#define EVENTS_BEAT_NS UINT64_C(15000000000)

#endif

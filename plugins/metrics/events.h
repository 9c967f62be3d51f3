/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The latest events, each as a piece of text/event-stream whose data is a document of the schema coterie-events-1. All
 * of it runs on the loop. State that cannot be tracked is checked once a second, a few nodes at a time.
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
 * @param tell  called after a new event
 * @return 0; -ENOMEM, or an error of the host
 */
int events_create(const struct coterie_host *host, struct coterie_ctx *ctx, void (*tell)(void *arg), void *arg,
	struct events **events);
void events_destroy(struct events *events); /* NULL is ignored */
/** Call it from the service's operation of the same name. */
void events_configuration(struct events *events, const struct coterie_configuration *configuration);

/** The position of a reader. Before the first read it must be zeroed, and next must be set. */
struct events_reader {
	uint64_t next;    /* number of its next event */
	size_t sent;      /* bytes of that event which were sent */
	uint64_t beat_ns; /* time of the last bytes */
};

/** Return the number of the oldest stored event, or of the next one if there is none. */
uint64_t events_first(const struct events *events);
/**
 * Return the number after the one that a client reports as its last. If that is not a possible
 * number, return the oldest.
 */
uint64_t events_after(const struct events *events, const char *number);
/**
 * Copy the next bytes for this reader, up to size. After EVENTS_BEAT_NS without an event, copy a heartbeat.
 * @return bytes; 0: none at present; -1: the reader is so slow that half of its event has been dropped
 */
ssize_t events_read(
	const struct events *events, struct events_reader *reader, uint64_t now_ns, char *bytes, size_t size_max);

#define EVENTS_BEAT_NS UINT64_C(15000000000)

#endif

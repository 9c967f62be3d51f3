/*
 * What happens, as it happens: the last events, each as a piece of text/event-stream whose data is a document of the
 * schema coterie-events-1. Everything runs on the loop; what cannot be followed is looked at once a second, a few nodes
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
 * @param tell  called when there is a new one
 * @return 0; -ENOMEM, or what the host says
 */
int events_create(const struct coterie_host *host, struct coterie_ctx *ctx, void (*tell)(void *arg), void *arg,
	struct events **events);
void events_destroy(struct events *events); /* NULL is ignored */
/** What the service's operation of this name was told. */
void events_configuration(struct events *events, const struct coterie_configuration *configuration);

/** Where a reader is. Zeroed, next set, before it reads. */
struct events_reader {
	uint64_t next;    /* number of the event it gets next */
	size_t sent;      /* bytes of that one which it has got */
	uint64_t beat_ns; /* when it last got anything */
};

/** Number of the oldest that is kept, or of the next one that there will be. */
uint64_t events_first(const struct events *events);
/** The one behind that number, which a client says it had; the oldest when it cannot have had it. */
uint64_t events_after(const struct events *events, const char *number);
/**
 * What comes next for this reader, as much as there is room for; a heartbeat when it got nothing for EVENTS_BEAT_NS.
 * @return bytes; 0: nothing at present; -1: it is so slow that half of its event is kept no more
 */
ssize_t events_read(
	const struct events *events, struct events_reader *reader, uint64_t now_ns, char *bytes, size_t size_max);

#define EVENTS_BEAT_NS UINT64_C(15000000000)

#endif

/*
 * The plugin metrics: the statistics of this node over HTTP, for collectors.
 *
 * 1 A client asks. libmicrohttpd, which has no thread here, tells us so on the loop (server.c).
 * 2 Is the document that it wants young enough, it gets it (page.c). Else it waits, and what the host knows is copied,
 *   a slice per turn of the loop (collect.c, snapshot.c).
 * 3 The documents that were asked for are made of that copy on a thread of its own, which has not the priority of the
 *   ring and touches nothing else (document.c).
 * 4 The library sends it as the client reads, a piece per turn of the loop. Whoever has not read it all when its
 *   time is up is cut off.
 *
 * Nothing that a client does makes the loop wait, and memory is bounded: by the number of connections, the size of
 * a document and of all that are still being sent.
 */
#ifndef PLUGINS_METRICS_METRICS_H
#define PLUGINS_METRICS_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <coterie/service.h>

#include "plugins/common/metrics/metrics.h"
#include "plugins/metrics/document.h"
#include "plugins/metrics/events.h"
#include "plugins/metrics/snapshot.h"

struct collect;
struct job;
struct server;

/** An address with the number of its bits that count. */
struct allowed {
	uint8_t bytes[16]; /* IPv4 as IPv6 does it: ::ffff:a.b.c.d */
	uint32_t bits;
};

/** Who may ask; count 0: everybody. */
struct allow {
	struct allowed *list;
	uint32_t count;
};

/** A document and what it is sent with; shared by all who are still reading it. */
struct page {
	struct MHD_Response *response; /* referenced; NULL: none yet */
	unsigned int status;           /* of HTTP */
	uint64_t at_ns;                /* when the copy that it is made of was whole */
	uint64_t failed_ns;            /* when there was none to be had; 0: never */
};

struct metrics {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;

	struct sockaddr_storage address;
	uint32_t connections_max;
	struct allow allow;
	char *names; /* malloc'd: further names of this host, between blanks and commas */
	uint64_t timeout_ns, interval_ns;
	struct metrics_options text_options; /* but for the format */

	struct events *events;
	struct server *server;        /* NULL: not listening */
	struct coterie_timer *retry;  /* until it is */
	bool has_complained;          /* that it cannot listen */

	struct page pages[DOCUMENTS];
	size_t held;                /* bytes of all documents, old ones that are still being sent included */
	uint32_t wanted;            /* documents that somebody waits for, by bit */
	struct collect *collect;    /* a copy is being made; NULL: none */
	struct snapshot *snapshot;  /* the last copy; the job's while there is one */
	struct job *job;            /* documents are being made; NULL: none */
};

/* --- address.c --- */

/**
 * Numeric: "ADDRESS", "ADDRESS:PORT", "[ADDRESS]:PORT".
 * @param port  when the text has none
 * @return 0; -EINVAL
 */
int address_parse(const char *text, uint32_t port, struct sockaddr_storage *address);
/** "ADDRESS:PORT" for people; IPv6 in brackets. */
void address_text(const struct sockaddr_storage *address, char text[64]);

/**
 * Addresses and networks (ADDRESS/BITS) between blanks and commas.
 * @param allow  out; freed with allow_fini
 * @return 0; -EINVAL; -ENOMEM
 */
int allow_parse(const char *text, struct allow *allow);
void allow_fini(struct allow *allow);
bool allow_has(const struct allow *allow, const struct sockaddr *address);

/* --- names.c --- */

/**
 * Return whether a request's header Host leads here: an address in digits, localhost, the name of this host, or one of
 * names. A port behind it does not matter.
 * @param names  between blanks and commas
 */
bool names_have(const char *names, const char *host);

/* --- collect.c --- */

/**
 * Begin to copy what the host knows; there is no other copy under way.
 * @param done  called on the loop, once, not from in here: the snapshot is taken; NULL: rc says why
 * @return 0; -ENOMEM
 */
int collect_begin(struct metrics *metrics, void (*done)(struct metrics *metrics, struct snapshot *snapshot, int rc));
void collect_cancel(struct metrics *metrics);

/* --- page.c --- */

/**
 * A document of now, or of a short time ago.
 * @param since_ns    since when the client waits: what was copied later is good enough, however long it took; 0: not yet
 * @param is_last     it has waited long enough
 * @param is_refused  out: there will be none for this client
 * @return borrowed until the next call; NULL: refused, or not yet: server_wake is called when that has changed
 */
struct MHD_Response *page_get(struct metrics *metrics, enum document document, uint64_t since_ns, bool is_last,
	unsigned int *status, bool *is_refused);
/** 200 when this node works in the ring and is quorate, or nobody counts; else 503. Caller destroys. */
struct MHD_Response *page_health(const struct metrics *metrics, unsigned int *status);
/** The page for people. Caller destroys; NULL: out of memory. */
struct MHD_Response *page_dashboard(void);
/** A short text of a kind of its own. Caller destroys; NULL: out of memory. */
struct MHD_Response *page_note(const char *text);
/** Headers that all answers have. @return false: out of memory */
bool page_add_headers(struct MHD_Response *response, const char *type);
void page_forget(struct metrics *metrics); /* the next documents are made anew */
void page_fini(struct metrics *metrics);

/* --- server.c --- */

/**
 * Listen and serve, on the host's loop.
 * @return 0; -errno of the socket, -EADDRINUSE and -EADDRNOTAVAIL among them
 */
int server_open(struct metrics *metrics, struct server **server);
void server_close(struct server *server); /* NULL is ignored */
/** Whoever waits for a document looks again. NULL is ignored. */
void server_wake(struct server *server);
/** There is a new event. NULL is ignored. */
void server_tell(struct server *server);
uint32_t server_streams(const struct server *server); /* how many follow the events */

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plugin metrics: the statistics of this node over HTTP, for collectors.
 *
 * 1 A client sends a request. libmicrohttpd, which has no thread here, calls the plugin on the loop (server.c).
 * 2 If the requested document is recent enough, it is sent (page.c). Otherwise the client waits, and the host's data
 *   is copied, a slice in each turn of the loop (collect.c, snapshot.c).
 * 3 The requested documents are made from that copy on a separate thread. The thread does not have the ring's
 *   priority, and uses no other data (document.c).
 * 4 The library sends the document as the client reads, a piece in each turn of the loop. A client that has not read
 *   all of it in time is disconnected.
 *
 * No client can make the loop wait. Memory is bounded by three limits: the number of connections, the size of a
 * document, and the size of all documents that are still being sent.
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

#define TIMEOUT_MAX_MS 60000u /* largest value of the option timeout */

struct collect;
struct job;
struct server;

/** An address with the number of its valid bits. */
struct allowed {
	uint8_t bytes[16]; /* an IPv4 address is stored as ::ffff:a.b.c.d */
	uint32_t bits;
};

/** The addresses from which clients may send requests. count 0: all addresses. */
struct allow {
	struct allowed *list;
	uint32_t count;
};

/** A document and its response, shared by all clients that are reading it. */
struct page {
	struct MHD_Response *response; /* one reference is held here. NULL: no response yet */
	unsigned int status;           /* HTTP status */
	uint64_t at_ns;                /* time at which the copy of the host's data was complete */
	uint64_t failed_ns;            /* time of the last failure to make the document; 0: never */
};

struct metrics {
	const struct coterie_host *host; /* borrowed, lives longer than this struct */
	struct coterie_ctx *ctx;

	struct sockaddr_storage address;
	uint32_t connections_max;
	struct allow allow;
	char *names; /* further names of this host, separated by blanks and commas (malloc'd) */
	uint64_t timeout_ns, interval_ns;
	struct metrics_options text_options; /* options of all texts. The format is set for each text */

	struct events *events;
	struct server *server;       /* NULL: the plugin does not listen */
	struct coterie_timer *retry; /* runs until the plugin listens */
	bool has_tried;              /* the first try to listen has failed */
	bool has_complained;         /* the failure to listen was logged already */

	struct page pages[DOCUMENTS];
	size_t held;               /* bytes of all documents, including older ones that are still being sent */
	uint32_t wanted;           /* documents that clients wait for, as bits */
	struct collect *collect;   /* NULL: no copy is being made */
	struct snapshot *snapshot; /* the last copy. While a job runs, the job uses it */
	struct job *job;           /* NULL: no documents are being made */
};

/* --- address.c --- */

/**
 * Parse "ADDRESS", "ADDRESS:PORT" or "[ADDRESS]:PORT", with numeric addresses.
 * @param port  used if the text has none
 * @return 0; -EINVAL
 */
int address_parse(const char *text, uint32_t port, struct sockaddr_storage *address);
/** Write "ADDRESS:PORT" for people. An IPv6 address is put into brackets. */
void address_text(const struct sockaddr_storage *address, char text[64]);

/**
 * Parse addresses and networks (ADDRESS/BITS), separated by blanks and commas.
 * @param allow  out; freed with allow_fini
 * @return 0; -EINVAL; -ENOMEM
 */
int allow_parse(const char *text, struct allow *allow);
void allow_fini(struct allow *allow);
bool allow_has(const struct allow *allow, const struct sockaddr *address);

/* --- names.c --- */

/**
 * Return whether a request's header Host names this host. It may be a numeric address, localhost, the name of this
 * host, or one of `names`. A port behind it is ignored.
 * @param names  separated by blanks and commas
 */
bool names_have(const char *names, const char *host);

/* --- collect.c --- */

/**
 * Begin to copy the host's data. No other copy may be running.
 * @param done  called once on the loop, not from inside this call: with the snapshot, which the callee then owns, or
 *   with NULL and the error rc
 * @return 0; -ENOMEM
 */
int collect_begin(struct metrics *metrics, void (*done)(struct metrics *metrics, struct snapshot *snapshot, int rc));
void collect_cancel(struct metrics *metrics);
/**
 * Return whether this node is quorate: 1 or 0; METRICS_QUORATE_NO_PROVIDER; METRICS_QUORATE_NOT_KNOWN: the last verdict
 * is "quorate", but it is about another ring, or the lease has lapsed. The executive lets requests that need quorum
 * wait then.
 */
int collect_quorate(const struct metrics *metrics);

/* --- page.c --- */

/**
 * Get a current document.
 * @param since_ns    time at which the client began to wait: any copy completed later is recent enough; 0: it has not
 *   waited
 * @param is_last     the client has waited long enough
 * @param is_refused  out: this client gets no document
 * @return borrowed until the next call. NULL: refused, or not ready: then server_wake is called later
 */
struct MHD_Response *page_get(struct metrics *metrics, enum document document, uint64_t since_ns, bool is_last,
	unsigned int *status, bool *is_refused);
/**
 * Make the answer about the health of this node: status 200 if the node is in the ring, and is quorate or has no quorum
 * provider. Otherwise the status is 503, also if it is not known whether the node is quorate. The caller destroys the
 * response.
 */
struct MHD_Response *page_health(const struct metrics *metrics, unsigned int *status);
/** Make the dashboard. The caller destroys the response. NULL: out of memory. */
struct MHD_Response *page_dashboard(void);
/** Make a response with a short text. The caller destroys it. NULL: out of memory. */
struct MHD_Response *page_note(const char *text);
/** Add the headers that all responses have. @return false: out of memory */
bool page_add_headers(struct MHD_Response *response, const char *type);
void page_forget(struct metrics *metrics); /* drop all documents, so that they are made again */
void page_fini(struct metrics *metrics);

/* --- server.c --- */

/**
 * Listen and answer requests on the host's loop.
 * @return 0; -errno of the socket, for example -EADDRINUSE and -EADDRNOTAVAIL
 */
int server_open(struct metrics *metrics, struct server **server);
void server_close(struct server *server); /* NULL is ignored */
/** Handle again the requests of clients that wait for a document. NULL is ignored. */
void server_wake(struct server *server);
/** Continue the streams of events after a new event. NULL is ignored. */
void server_tell(struct server *server);
/** End the connections of clients that the list of allowed addresses does not have. NULL is ignored. */
void server_sift(struct server *server);
uint32_t server_streams(const struct server *server); /* number of clients that read events */

#endif

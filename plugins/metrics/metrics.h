/*
 * The plugin metrics: the statistics of this node over HTTP, for collectors.
 *
 * 1 A client asks. libmicrohttpd, which has no thread here, tells us so on the loop (server.c).
 * 2 The text is rendered, unless the last one is young enough (page.c), from what the host knows (source.c).
 * 3 The library sends it as the client reads, a piece per turn of the loop. Whoever has not read it all when its
 *   time is up is cut off.
 *
 * Nothing that a client does makes the loop wait, and memory is bounded: by the number of connections, of
 * texts that are still being sent, and the size of a text.
 */
#ifndef PLUGINS_METRICS_METRICS_H
#define PLUGINS_METRICS_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <coterie/service.h>

#include "plugins/common/metrics/metrics.h"

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

/** A text and what it is sent with; shared by all who are still reading it. */
struct page {
	struct MHD_Response *response; /* referenced; NULL: none yet */
	uint64_t at_ns;
};

struct metrics {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;

	struct sockaddr_storage address;
	uint32_t connections_max;
	struct allow allow;
	uint64_t timeout_ns, interval_ns;
	struct metrics_options text_options; /* but for the format */

	struct server *server;        /* NULL: not listening */
	struct coterie_timer *retry;  /* until it is */
	bool has_complained;          /* that it cannot listen */
	struct page pages[2];         /* by enum metrics_format */
	uint32_t texts;               /* that exist, old ones that are still being sent included */
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

/* --- source.c --- */

/** What the host knows. Borrows metrics for as long as the source is used. */
struct metrics_source source_of_host(struct metrics *metrics);

/* --- page.c --- */

/**
 * The text of now, or of a short time ago.
 * @return borrowed until the next call; NULL: there is none, the reason was logged
 */
struct MHD_Response *page_get(struct metrics *metrics, enum metrics_format format);
/** 200 when this node works in the ring and is quorate, or nobody counts; else 503. Caller destroys. */
struct MHD_Response *page_health(const struct metrics *metrics, unsigned int *status);
/** A short text of a kind of its own. Caller destroys; NULL: out of memory. */
struct MHD_Response *page_note(const char *text);
void page_fini(struct metrics *metrics);

/* --- server.c --- */

/**
 * Listen and serve, on the host's loop.
 * @return 0; -errno of the socket, -EADDRINUSE and -EADDRNOTAVAIL among them
 */
int server_open(struct metrics *metrics, struct server **server);
void server_close(struct server *server); /* NULL is ignored */

#endif

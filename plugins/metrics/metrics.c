/* SPDX-License-Identifier: BSD-3-Clause */
/* Options, start and end of the plugin. */
#include "plugins/metrics/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define RETRY_NS UINT64_C(2000000000)
#define NS_PER_MS UINT64_C(1000000)

/* --- options --- */

static bool option_bool(const struct metrics *metrics, const char *name)
{
	uint64_t value = 0;

	return metrics->host->option_u64(metrics->ctx, name, &value) == 0 && value != 0;
}

static int read_where(struct metrics *metrics)
{
	const struct coterie_host *host = metrics->host;
	const char *listen;
	uint64_t port, connections;
	int rc = host->option_string(metrics->ctx, "listen", &listen);

	if (rc == 0)
		rc = host->option_u64(metrics->ctx, "port", &port);
	if (rc == 0)
		rc = host->option_u64(metrics->ctx, "connections", &connections);
	if (rc < 0)
		return rc;
	metrics->connections_max = (uint32_t)connections;
	rc = address_parse(listen, (uint32_t)port, &metrics->address);
	if (rc < 0)
		host->log(metrics->ctx, LOG_ERR,
			"listen: '%s' is no address: write ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT, in digits", listen);
	return rc;
}

/* Read an optional option. If it is not set, *text is empty. */
static int read_list(struct metrics *metrics, const char *name, const char **text)
{
	int rc = metrics->host->option_string(metrics->ctx, name, text);

	if (rc != -ENODATA)
		return rc;
	*text = "";
	return 0;
}

/* Read the options that may change while the server runs. */
static int read_how(struct metrics *metrics)
{
	const struct coterie_host *host = metrics->host;
	const char *text, *names;
	uint64_t timeout_ms, interval_ms;
	struct allow allow;
	int rc = read_list(metrics, "allow", &text);

	if (rc == 0)
		rc = read_list(metrics, "names", &names);
	if (rc == 0)
		rc = host->option_u64(metrics->ctx, "timeout", &timeout_ms);
	if (rc == 0)
		rc = host->option_u64(metrics->ctx, "interval", &interval_ms);
	if (rc < 0)
		return rc;
	rc = allow_parse(text, &allow);
	if (rc < 0) {
		host->log(metrics->ctx, LOG_ERR,
			"allow: '%s' is no list of addresses: write ADDRESS or ADDRESS/BITS, in digits", text);
		return rc;
	}
	char *copy = strdup(names);
	if (copy == NULL) {
		allow_fini(&allow);
		return -ENOMEM;
	}
	free(metrics->names);
	metrics->names = copy;
	allow_fini(&metrics->allow);
	metrics->allow = allow;
	metrics->timeout_ns = timeout_ms * NS_PER_MS;
	metrics->interval_ns = interval_ms * NS_PER_MS;
	metrics->text_options.is_per_client = option_bool(metrics, "per_client");
	metrics->text_options.has_legacy_names = option_bool(metrics, "legacy_names");
	return 0;
}

/* --- life --- */

/*
 * Open the server. If the port is in use, the node joins its ring all the same: opening is repeated, and the failure is
 * logged once.
 */
static void open_server(void *arg)
{
	struct metrics *metrics = arg;
	const struct coterie_host *host = metrics->host;
	uint64_t wait_ns = RETRY_NS;
	char address[64];
	int rc = server_open(metrics, &metrics->server);

	metrics->retry = NULL;
	if (rc == 0)
		return;
	if (rc == -EADDRINUSE && !metrics->has_tried) {
		wait_ns = 0; /* a version that this one replaces has the port until the end of the turn */
	} else if (!metrics->has_complained) {
		address_text(&metrics->address, address);
		host->log(metrics->ctx, LOG_ERR, "cannot listen on %s: %s; it is tried again until it works", address,
			strerror(-rc));
		metrics->has_complained = true;
	}
	metrics->has_tried = true;
	if (host->timer_add(metrics->ctx, host->now_ns(metrics->ctx) + wait_ns, open_server, metrics, &metrics->retry) <
		0)
		host->log(metrics->ctx, LOG_ERR, "out of memory: metrics are not served");
}

static void on_event(void *arg)
{
	struct metrics *metrics = arg;

	server_tell(metrics->server);
}

static void fini(void *self)
{
	struct metrics *metrics = self;

	metrics->host->timer_del(metrics->ctx, metrics->retry);
	server_close(metrics->server);
	events_destroy(metrics->events);
	page_fini(metrics);
	allow_fini(&metrics->allow);
	free(metrics->names);
	free(metrics);
}

static int init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));
	int rc;

	if (metrics == NULL)
		return -ENOMEM;
	metrics->host = host;
	metrics->ctx = ctx;
	rc = read_where(metrics);
	if (rc == 0)
		rc = read_how(metrics);
	if (rc == 0)
		rc = events_create(host, ctx, on_event, metrics, &metrics->events);
	if (rc < 0) {
		fini(metrics);
		return rc;
	}
	open_server(metrics);
	*self = metrics;
	return 0;
}

/* Read the options again. If a value is invalid, no option changes. */
static int reload(void *self)
{
	struct metrics *metrics = self;
	int rc = read_how(metrics);

	if (rc == 0) {
		page_forget(metrics);
		server_sift(metrics->server);
	}
	return rc;
}

static void configuration(void *self, const struct coterie_configuration *configuration)
{
	struct metrics *metrics = self;

	events_configuration(metrics->events, configuration);
}

static const struct coterie_option options[] = {
	{.name = "listen",
		.type = COTERIE_OPT_ADDRESS,
		.initial = "127.0.0.1",
		.help = "where to listen: ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT, in digits"},
	{.name = "port",
		.type = COTERIE_OPT_U32,
		.initial = "9890",
		.min = 1,
		.max = 65535,
		.help = "TCP port, when listen names none"},
	{.name = "allow",
		.type = COTERIE_OPT_LIST,
		.flags = COTERIE_OPT_RELOAD,
		.help = "addresses and networks that may ask; nobody named: all that reach the address"},
	{.name = "names",
		.type = COTERIE_OPT_LIST,
		.flags = COTERIE_OPT_RELOAD,
		.help = "further names of this host, under which browsers and collectors may ask"},
	{.name = "connections",
		.type = COTERIE_OPT_U32,
		.initial = "16",
		.min = 1,
		.max = 1000,
		.help = "connections at a time; three quarters of them from one address, half of them for events"},
	{.name = "timeout",
		.type = COTERIE_OPT_MS,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "5000",
		.min = 100,
		.max = TIMEOUT_MAX_MS,
		.help = "time for a request and its answer as a whole"},
	{.name = "interval",
		.type = COTERIE_OPT_MS,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "1000",
		.min = 100,
		.max = 3600000,
		.help = "a document younger than this is sent again instead of a new one"},
	{.name = "per_client",
		.type = COTERIE_OPT_BOOL,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "no",
		.help = "figures of every client, with labels pid and program"},
	{.name = "legacy_names",
		.type = COTERIE_OPT_BOOL,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "no",
		.help = "also the names ha_cluster_corosync_*"},
};

static const struct coterie_service ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 36, /* the plugin sends no ring messages, but needs a number that is not used */
	.title = "statistics over HTTP",
	.init = init,
	.fini = fini,
	.configuration = configuration,
	.reload = reload,
};

COTERIE_PLUGIN(metrics, .kind = COTERIE_KIND_SERVICE, .version = "1.0",
	.description = "statistics of this node over HTTP, as OpenMetrics",
	.needs = COTERIE_CAP_MAP | COTERIE_CAP_STATS | COTERIE_CAP_QUORUM | COTERIE_CAP_ADMIN,
	.offers = COTERIE_CAN_UNPRIVILEGED | COTERIE_CAN_RELOAD | COTERIE_CAN_HAND_OVER, COTERIE_OPTIONS(options),
	.ops = &ops);

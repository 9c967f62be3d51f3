/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A load test of the ring. Each node sends its own load, on request.
 *
 * 1. A client sets the key pload.start. pload.count and pload.size are the number of messages and their
 *    bytes. Values out of bounds are rejected.
 * 2. A window of messages is sent. Each delivered message makes room for another one. So the load never uses
 *    more of the ring's queue than its window, and requests of clients are handled meanwhile.
 * 3. When the last message was delivered, or the time is over, the rate is logged and written to pload.result.
 *
 * A load does not end a daemon. Corosync 3.1 has a service of this name, whose daemons exit after a load. This service
 * has another number, so neither of them receives the messages of the other. This service begins no load while a
 * Corosync node is in the ring.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "plugins/common/keys.h"
#include "plugins/pload/messages.h"

#define START_KEY "pload.start"
#define COUNT_KEY "pload.count"
#define SIZE_KEY "pload.size"
#define RESULT_KEY "pload.result"

#define COUNT_INITIAL UINT64_C(100000)
#define SIZE_INITIAL UINT64_C(300)
#define WINDOW_BYTES 262144u
#define WINDOW_COUNT 64u
#define RETRY_NS UINT64_C(2000000) /* pause before the next try when the queue is full */
#define NS_PER_S UINT64_C(1000000000)

struct pload {
	const struct coterie_host *host; /* borrowed, lives longer than this struct */
	struct coterie_ctx *ctx;
	struct coterie_map_tracker *tracker;
	uint64_t count_max, size_max, seconds_max;

	/* The current load. Valid if is_running is set. */
	bool is_running;
	uint32_t run;
	uint64_t count, size; /* number of messages, and bytes of each, header included */
	uint64_t sent, back;
	uint64_t started_ns;
	uint8_t *filling;            /* bytes of each message behind the header */
	struct coterie_timer *retry; /* runs while the queue is full */
	struct coterie_timer *deadline;
};

static void end(struct pload *pload, const char *why)
{
	const struct coterie_host *host = pload->host;
	uint64_t now_ns = host->now_ns(pload->ctx);
	double seconds = (double)(now_ns - pload->started_ns) / (double)NS_PER_S;
	char text[160];

	if (seconds <= 0)
		seconds = 1e-9;
	snprintf(text, sizeof(text), "%ju messages of %ju bytes in %.3f s: %.0f messages/s, %.3f MB/s%s%s",
		(uintmax_t)pload->back, (uintmax_t)pload->size, seconds, (double)pload->back / seconds,
		(double)pload->back * (double)pload->size / seconds / 1e6, *why == '\0' ? "" : "; ", why);
	host->log(pload->ctx, LOG_NOTICE, "%s", text);
	host->timer_del(pload->ctx, pload->retry);
	host->timer_del(pload->ctx, pload->deadline);
	pload->retry = pload->deadline = NULL;
	free(pload->filling);
	pload->filling = NULL;
	pload->is_running = false;
	keys_set_text(host, pload->ctx, RESULT_KEY, text);
	keys_set_text(host, pload->ctx, START_KEY, "no");
}

static void send_on(struct pload *pload);

static void retry(void *arg)
{
	struct pload *pload = arg;

	pload->retry = NULL;
	send_on(pload);
}

static void time_is_up(void *arg)
{
	struct pload *pload = arg;

	pload->deadline = NULL;
	end(pload, "stopped: it took too long");
}

static int send_one(struct pload *pload)
{
	struct pload_ring_load load = {.version = PLOAD_VERSION, .run = pload->run};
	/* The executive writes the header, so the bytes begin behind the header. */
	struct iovec iov[] = {
		{.iov_base = &load.version, .iov_len = sizeof(load) - sizeof(load.header)},
		{.iov_base = pload->filling, .iov_len = (size_t)pload->size - sizeof(load)},
	};

	return pload->host->ring_send(pload->ctx, PLOAD_RING_LOAD, COTERIE_AGREED, iov, 2);
}

static void send_on(struct pload *pload)
{
	const struct coterie_host *host = pload->host;
	uint64_t window = WINDOW_BYTES / pload->size;

	if (window > WINDOW_COUNT)
		window = WINDOW_COUNT;
	if (window == 0)
		window = 1;
	while (pload->sent < pload->count && pload->sent - pload->back < window) {
		int rc = send_one(pload);

		if (rc == -EAGAIN && pload->retry == NULL)
			rc = host->timer_add(
				pload->ctx, host->now_ns(pload->ctx) + RETRY_NS, retry, pload, &pload->retry);
		else if (rc == 0) {
			pload->sent++;
			continue;
		}
		if (rc < 0 && rc != -EAGAIN)
			end(pload, "stopped: the ring does not take it");
		return;
	}
}

/* --- requests of clients --- */

/* Read a number from the map, and check its bounds. */
static bool number(struct pload *pload, const char *key, uint64_t initial, uint64_t min, uint64_t max, uint64_t *value)
{
	int rc = keys_whole(pload->host, pload->ctx, key, value);

	if (rc == -ENOENT) {
		*value = initial < max ? initial : max;
		return true;
	}
	if (rc == 0 && *value >= min && *value <= max)
		return true;
	pload->host->log(pload->ctx, LOG_ERR, "no load: %s must be a number from %ju to %ju", key, (uintmax_t)min,
		(uintmax_t)max);
	return false;
}

static void start(struct pload *pload)
{
	const struct coterie_host *host = pload->host;
	uint64_t now_ns = host->now_ns(pload->ctx);

	if (!host->is_safe_kept(pload->ctx)) {
		host->log(pload->ctx, LOG_ERR, "no load: a node of the ring is not of this project");
		return;
	}
	if (!number(pload, COUNT_KEY, COUNT_INITIAL, 1, pload->count_max, &pload->count) ||
		!number(pload, SIZE_KEY, SIZE_INITIAL, sizeof(struct pload_ring_load), pload->size_max, &pload->size))
		return;
	pload->filling = calloc(1, (size_t)pload->size);
	if (pload->filling == NULL || host->timer_add(pload->ctx, now_ns + pload->seconds_max * NS_PER_S, time_is_up,
					      pload, &pload->deadline) < 0) {
		host->log(pload->ctx, LOG_ERR, "no load: out of memory");
		free(pload->filling);
		pload->filling = NULL;
		return;
	}
	pload->is_running = true;
	pload->run++;
	pload->sent = pload->back = 0;
	pload->started_ns = now_ns;
	host->log(pload->ctx, LOG_NOTICE, "load: %ju messages of %ju bytes, for at most %ju s", (uintmax_t)pload->count,
		(uintmax_t)pload->size, (uintmax_t)pload->seconds_max);
	send_on(pload);
}

static void start_key_changed(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	struct pload *pload = arg;
	const char *text;

	(void)key, (void)now, (void)before;
	if (event == COTERIE_MAP_DELETED)
		return;
	text = keys_text(pload->host, pload->ctx, START_KEY);
	if (text == NULL || *text == '\0')
		return;
	if (strcmp(text, "no") != 0 && !pload->is_running)
		start(pload);
	else if (strcmp(text, "no") == 0 && pload->is_running)
		end(pload, "stopped");
	/* Reset the key, so that a client can request a load again after a rejection. */
	if (!pload->is_running)
		keys_set_text(pload->host, pload->ctx, START_KEY, "no");
}

/* --- the ring --- */

static void swap_load(void *msg, uint32_t size)
{
	struct pload_ring_load *load = msg;

	(void)size;
	load->version = __builtin_bswap32(load->version);
	load->run = __builtin_bswap32(load->run);
}

static void deliver_load(
	void *self, uint32_t nodeid, const void *head, const struct iovec *parts, uint32_t count, uint32_t size)
{
	struct pload *pload = self;
	const struct pload_ring_load *load = head;

	(void)parts, (void)count, (void)size;
	if (!pload->is_running || nodeid != pload->host->local_nodeid(pload->ctx) || load->version != PLOAD_VERSION ||
		load->run != pload->run || pload->back == pload->sent)
		return;
	pload->back++;
	if (pload->back == pload->count)
		end(pload, "");
	else if (pload->retry == NULL)
		send_on(pload);
}

static void configuration(void *self, const struct coterie_configuration *configuration)
{
	struct pload *pload = self;

	if (pload->is_running && configuration->is_regular && configuration->joined_count > 0)
		end(pload, "stopped: a node has joined");
}

/* --- begin and end --- */

static int read_options(struct pload *pload)
{
	int rc = pload->host->option_u64(pload->ctx, "count_max", &pload->count_max);

	if (rc == 0)
		rc = pload->host->option_u64(pload->ctx, "size_max", &pload->size_max);
	if (rc == 0)
		rc = pload->host->option_u64(pload->ctx, "seconds_max", &pload->seconds_max);
	return rc;
}

static int pload_reload(void *self) { return read_options(self); }

static int pload_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct pload *pload = calloc(1, sizeof(*pload));
	int rc;

	if (pload == NULL)
		return -ENOMEM;
	pload->host = host;
	pload->ctx = ctx;
	rc = read_options(pload);
	/* A request for a load in the configuration file has no effect, since there is no ring yet. */
	if (rc == 0)
		rc = keys_set_text(host, ctx, START_KEY, "no");
	if (rc == 0)
		rc = host->map_track(ctx, COTERIE_MAP_CONFIG, START_KEY, COTERIE_MAP_ADDED | COTERIE_MAP_MODIFIED,
			start_key_changed, pload, &pload->tracker);
	if (rc < 0) {
		free(pload);
		return rc;
	}
	*self = pload;
	return 0;
}

static void pload_fini(void *self)
{
	struct pload *pload = self;

	pload->host->timer_del(pload->ctx, pload->retry);
	pload->host->timer_del(pload->ctx, pload->deadline);
	pload->host->map_untrack(pload->ctx, pload->tracker);
	free(pload->filling);
	free(pload);
}

/*
 * A load cannot be handed over: while a load runs, the new version of the plugin has to wait. The plugin has no other
 * state.
 */
static int pload_state_save(void *self, void **blob, uint32_t *size)
{
	const struct pload *pload = self;

	*blob = NULL;
	*size = 0;
	return pload->is_running ? -EBUSY : 0;
}

static int pload_state_load(void *self, const void *blob, uint32_t size)
{
	(void)self, (void)blob;
	return size == 0 ? 0 : -ENOTSUP;
}

static const struct coterie_option pload_options[] = {
	{.name = "count_max",
		.type = COTERIE_OPT_U32,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "10000000",
		.min = 1,
		.max = 1000000000,
		.help = "most messages that one load may have"},
	{.name = "size_max",
		.type = COTERIE_OPT_U32,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "1048576",
		.min = sizeof(struct pload_ring_load),
		.max = 1048576,
		.help = "bytes of the largest message that a load may have"},
	{.name = "seconds_max",
		.type = COTERIE_OPT_U32,
		.flags = COTERIE_OPT_RELOAD,
		.initial = "60",
		.min = 1,
		.max = 3600,
		.help = "seconds after which a load is stopped"},
};

static const struct coterie_ring_msg pload_ring_msgs[] = {
	{.function = PLOAD_RING_LOAD,
		.size_min = sizeof(struct pload_ring_load),
		.swap = swap_load,
		.deliver_parts = deliver_load},
};

static const struct coterie_service pload_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = PLOAD_SERVICE_ID,
	.title = "corosync profile loading service",
	.priority = 1,
	.init = pload_init,
	.fini = pload_fini,
	.configuration = configuration,
	.reload = pload_reload,
	.state_save = pload_state_save,
	.state_load = pload_state_load,
	COTERIE_RING_MSGS(pload_ring_msgs),
};

COTERIE_PLUGIN(pload, .kind = COTERIE_KIND_SERVICE, .version = "1.0",
	.description = "a bounded load on the ring, on demand",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_MAP | COTERIE_CAP_STATS | COTERIE_CAP_ADMIN,
	.offers = COTERIE_CAN_RELOAD | COTERIE_CAN_UNPRIVILEGED | COTERIE_CAN_HAND_OVER, COTERIE_OPTIONS(pload_options),
	.ops = &pload_ops);

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A service that does one thing wrong, which a macro selects. tests/unit/exec/plugin/bad_plugins.sh builds it many
 * times, with the installed headers alone. AT_LOAD, AT_INIT, AT_FINI, AT_TIMER, AT_THREAD, AT_REQUEST, AT_DELIVER and
 * AT_CONFIGURATION are statements that run there.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <coterie/service.h>

#ifndef RING_ID
#define RING_ID 45
#endif
#ifndef IPC_NAME
#define IPC_NAME "bad"
#endif
#ifndef OPTION
#define OPTION "second"
#endif
#ifndef AT_LOAD
#define AT_LOAD
#endif
#ifndef AT_INIT
#define AT_INIT
#endif
#ifndef AT_FINI
#define AT_FINI
#endif
#ifndef AT_REQUEST
#define AT_REQUEST
#endif
#ifndef AT_DELIVER
#define AT_DELIVER
#endif
#ifndef AT_CONFIGURATION
#define AT_CONFIGURATION
#endif

static const struct coterie_host *host;
static struct coterie_ctx *own;

static void on_timer(void *arg)
{
	(void)arg;
#ifdef AT_TIMER
	AT_TIMER;
#endif
}

#ifdef AT_THREAD
static void *on_thread(void *arg)
{
	AT_THREAD;
	return arg;
}

static int start_thread(void)
{
	pthread_t thread;

	return -pthread_create(&thread, NULL, on_thread, NULL);
}
#endif

__attribute__((constructor)) static void on_load(void) { AT_LOAD; }

static int bad_init(const struct coterie_host *given, struct coterie_ctx *ctx, void **self)
{
	host = given;
	own = ctx;
	*self = ctx;
	AT_INIT;
#ifdef AT_THREAD
	return start_thread();
#elif defined(AT_TIMER)
	return host->timer_add(ctx, host->now_ns(ctx) + UINT64_C(300000000), on_timer, NULL, NULL);
#endif
	return 0;
}

static void bad_fini(void *self)
{
	(void)self;
	AT_FINI;
}

static const struct coterie_option options[] = {
	{.name = "first", .type = COTERIE_OPT_BOOL},
	{.name = OPTION, .type = COTERIE_OPT_BOOL},
};

/* Handle request 0: multicast message 0. */
static int handle(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	(void)self, (void)client, (void)msg, (void)size, (void)on_timer;
	AT_REQUEST;
	return host->ring_send(own, 0, COTERIE_AGREED, NULL, 0);
}

static void deliver(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	(void)self, (void)nodeid, (void)msg, (void)size;
	AT_DELIVER;
}

static void configuration(void *self, const struct coterie_configuration *now)
{
	(void)self, (void)now;
	AT_CONFIGURATION;
}

static const struct coterie_request requests[] = {
	{0, sizeof(struct coterie_request_header), 0, 0, handle},
};

static const struct coterie_ring_msg ring_msgs[] = {
	{0, sizeof(struct coterie_ring_header), NULL, deliver, NULL},
};

static const struct coterie_service ops = {
	.size = sizeof(ops),
	.ring_id = RING_ID,
	.ipc_name = IPC_NAME,
	.title = "does something wrong",
	.init = bad_init,
	.fini = bad_fini,
	.configuration = configuration,
	COTERIE_REQUESTS(requests),
	COTERIE_RING_MSGS(ring_msgs),
};

COTERIE_PLUGIN(bad, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "does something wrong",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC, COTERIE_OPTIONS(options), .ops = &ops);

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small service that is built many times. ID is the plugin's name. Each other macro changes the one thing that its
 * test is about.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <coterie/service.h>

#ifndef RING_ID
#define RING_ID 40
#endif
#ifndef INIT_RC
#define INIT_RC 0
#endif
#ifndef MAGIC
#define MAGIC COTERIE_PLUGIN_MAGIC
#endif
#ifndef MAJOR
#define MAJOR COTERIE_ABI_MAJOR
#endif
#ifndef NAME
#define NAME ID
#endif

/* State that the test reads through the plugin's `self`. */
struct variant {
	const struct coterie_host *host;
	struct coterie_ctx *ctx;
	uint64_t period_ms;
	const char *color;
	unsigned int ticks, posts;
	int fds[2];
};

#ifdef UNDEFINED
int nobody_defines_this(void);
#endif

#ifdef ABORTS
__attribute__((constructor)) static void abort_on_load(void) { abort(); }
#endif

#ifdef LEAKS
static void tick(void *arg) { ((struct variant *)arg)->ticks++; }

static void on_fd(void *arg, int fd, uint32_t revents) { (void)arg, (void)fd, (void)revents; }

static int leak(struct variant *variant)
{
	const struct coterie_host *host = variant->host;

	if (pipe(variant->fds) < 0)
		return -errno;
	int rc = host->timer_add(variant->ctx, host->now_ns(variant->ctx) + UINT64_C(5000000000), tick, variant, NULL);
	if (rc == 0)
		rc = host->fd_add(variant->ctx, variant->fds[0], COTERIE_FD_IN, 0, on_fd, variant);
	if (rc == 0)
		rc = host->post(variant->ctx, tick, variant);
	return rc;
}
#endif

static int variant_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct variant *variant = calloc(1, sizeof(*variant));

	if (variant == NULL)
		return -ENOMEM;
	variant->host = host;
	variant->ctx = ctx;
#ifdef UNDEFINED
	nobody_defines_this();
#endif
	if (INIT_RC < 0) {
		host->log(ctx, 3, "cannot start");
		free(variant);
		return INIT_RC;
	}
	int rc = host->option_u64(ctx, "period", &variant->period_ms);
	if (rc == 0)
		rc = host->option_string(ctx, "color", &variant->color);
#ifdef LEAKS
	if (rc == 0)
		rc = leak(variant);
#endif
	*self = variant;
	return rc;
}

static void variant_fini(void *self)
{
	struct variant *variant = self;

#ifdef LEAKS
	if (variant->host->post(variant->ctx, tick, variant) != -ESHUTDOWN)
		abort();
#endif
	free(variant);
}

static int handle(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	(void)self, (void)client, (void)msg, (void)size;
	return 0;
}

static void deliver(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	(void)self, (void)nodeid, (void)msg, (void)size;
}

/* Structs of a later minor version: each has more members at its end. */
#ifdef GROWN
struct request {
	struct coterie_request known;
	uint64_t more[2];
};
struct ring_msg {
	struct coterie_ring_msg known;
	uint64_t more;
};
struct option {
	struct coterie_option known;
	const char *more;
};
struct ops {
	struct coterie_service known;
	void (*more)(void);
};
struct descriptor {
	struct coterie_plugin known;
	uint64_t more[4];
};
#else
struct request {
	struct coterie_request known;
};
struct ring_msg {
	struct coterie_ring_msg known;
};
struct option {
	struct coterie_option known;
};
struct ops {
	struct coterie_service known;
};
struct descriptor {
	struct coterie_plugin known;
};
#endif

static const struct request requests[] = {
	{.known = {0, 16, 0, 0, handle}},
	{.known = {1, 24, COTERIE_NEEDS_FLOW, 1, handle}},
	{.known = {5, 32, 0, 5, handle}},
};

static const struct ring_msg ring_msgs[] = {
	{.known = {0, 16, NULL, deliver, NULL}},
	{.known = {1, 24, NULL, deliver, NULL}},
};

#ifndef NO_SYMBOL
static const struct option options[] = {
	{.known = {.name = "period", .type = COTERIE_OPT_MS, .initial = "2s", .min = 10, .max = 60000}},
	{.known = {.name = "color", .type = COTERIE_OPT_ENUM, .initial = "red", .choices = "red green"}},
};
#endif

static const struct ops ops = {.known = {
#ifdef SHORT_TABLE
				       .size = offsetof(struct coterie_service, ring_msgs),
#else
				       .size = sizeof(struct ops),
#endif
				       .ring_id = RING_ID,
				       .init = variant_init,
				       .fini = variant_fini,
				       .requests = &requests[0].known,
				       .request_count = sizeof(requests) / sizeof(requests[0]),
				       .request_size = sizeof(requests[0]),
				       .ring_msgs = &ring_msgs[0].known,
				       .ring_msg_count = sizeof(ring_msgs) / sizeof(ring_msgs[0]),
				       .ring_msg_size = sizeof(ring_msgs[0]),
			       }};

#define STRING_(text) #text
#define STRING(text) STRING_(text)
#define SYMBOL_(id) id##_LTX_coterie_plugin
#define SYMBOL(id) SYMBOL_(id)

#ifdef NO_SYMBOL
extern const struct coterie_service *some_other_symbol(void);
__attribute__((visibility("default"))) const struct coterie_service *some_other_symbol(void) { return &ops.known; }
#else
extern const struct descriptor SYMBOL(ID);
__attribute__((visibility("default")))
const struct descriptor SYMBOL(ID) = {.known = {
					      .magic = MAGIC,
					      .abi_major = MAJOR,
#ifdef GROWN
					      .abi_minor = COTERIE_ABI_MINOR + 7,
#else
					      .abi_minor = COTERIE_ABI_MINOR,
#endif
					      .size = sizeof(struct descriptor),
					      .kind = COTERIE_KIND_SERVICE,
					      .name = STRING(NAME),
					      .version = "1.0",
					      .description = "a plugin for tests",
					      .options = &options[0].known,
					      .option_count = sizeof(options) / sizeof(options[0]),
					      .option_size = sizeof(options[0]),
					      .ops = &ops,
				      }};
#endif

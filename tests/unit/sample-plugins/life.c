/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A service that tests load, unload and replace. The word behind "LIFE:" in its file selects an error. Tests copy the
 * plugin's file and overwrite that word.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <coterie/service.h>
#include <coterie/state.h>

/* Volatile, since tests change these bytes in the file. */
static const volatile char mode_text[] = "LIFE:good....";

static bool is_mode(const char *mode)
{
	for (size_t i = 0; mode[i] != '\0'; i++)
		if (mode_text[5 + i] != mode[i])
			return false;
	return true;
}

/* State that the test reads through the plugin's `self`. */
struct life {
	const struct coterie_host *host;
	struct coterie_ctx *ctx;
	uint64_t step;  /* value of the option `step` */
	uint64_t count; /* number of ticks, handed over to the next instance */
	uint32_t drains;
	int fds[2];
	struct coterie_client *guest; /* the last client that has connected. NULL: it has gone, or there was none */
	uint64_t *guest_data;         /* its client_data, which begins with GUEST */
	struct coterie_map_tracker *tracker;
};

#define GUEST UINT64_C(0x7473657567)

static void welcome(struct life *life, struct coterie_client *client)
{
	life->guest = client;
	life->guest_data = client != NULL ? life->host->client_data(client) : NULL;
	if (client != NULL)
		*life->guest_data = GUEST;
}

static int client_join(void *self, struct coterie_client *client)
{
	welcome(self, client);
	return 0;
}

static void client_leave(void *self, struct coterie_client *client)
{
	if (((struct life *)self)->guest == client)
		welcome(self, NULL);
}

static void tick(void *arg) { ((struct life *)arg)->count++; }

static void on_fd(void *arg, int fd, uint32_t revents) { (void)arg, (void)fd, (void)revents; }

/* Wait longer than a quarter of the test's token timeout, and longer than a step of the coarse clock. */
static void hold_up(void) { nanosleep(&(struct timespec){.tv_nsec = 60000000}, NULL); }

static void slow(void *arg)
{
	hold_up();
	tick(arg);
}

static int leak(struct life *life)
{
	const struct coterie_host *host = life->host;
	uint64_t at_ns = host->now_ns(life->ctx) + UINT64_C(5000000000);

	if (pipe(life->fds) < 0)
		return -errno;
	int rc = host->timer_add(life->ctx, at_ns, tick, life, NULL);
	return rc < 0 ? rc : host->fd_add(life->ctx, life->fds[0], COTERIE_FD_IN, 0, on_fd, life);
}

static int send_one(const struct life *life) { return life->host->ring_send(life->ctx, 0, COTERIE_AGREED, NULL, 0); }

static uint32_t read_count(void *arg, void *value)
{
	memcpy(value, &((struct life *)arg)->count, sizeof(uint64_t));
	return sizeof(uint64_t);
}

/* Write the count of which the plugin is notified into the map. The test looks there, since the plugin may have ended. */
static void on_count(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	const struct life *life = arg;

	(void)event, (void)key, (void)before;
	life->host->map_set(life->ctx, "life.told", COTERIE_MAP_U64, now->bytes, now->size);
}

static int init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct life *life = calloc(1, sizeof(*life));
	const uint32_t one = 1;
	int rc = life == NULL ? -ENOMEM : 0;

	if (is_mode("crashes"))
		abort();
	while (is_mode("hangs"))
		pause();
	if (is_mode("drags") || is_mode("sleeps"))
		usleep(is_mode("drags") ? 1500000 : 3000000);
	if (rc == 0 && is_mode("fails"))
		rc = -ENXIO;
	if (rc < 0) {
		free(life);
		return rc;
	}
	life->host = host;
	life->ctx = ctx;
	rc = host->option_u64(ctx, "step", &life->step);
	if (rc == 0)
		rc = host->stat_add(ctx, "stats.life.count", COTERIE_MAP_U64, read_count, life);
	if (rc == 0)
		rc = host->map_set(
			ctx, is_mode("good") ? "life.good" : "life.other", COTERIE_MAP_U32, &one, sizeof(one));
	if (rc == 0)
		rc = host->map_track(ctx, COTERIE_MAP_STATS, "stats.life.count", COTERIE_MAP_MODIFIED, on_count, life,
			&life->tracker);
	if (rc == 0 && is_mode("leaks"))
		rc = leak(life);
	if (rc == 0 && is_mode("slow"))
		rc = host->timer_add(ctx, host->now_ns(ctx), slow, life, NULL);
	if (is_mode("slow"))
		hold_up();
	if (is_mode("eager") && send_one(life) != -EAGAIN)
		abort();
	*self = life;
	return rc;
}

static void fini(void *self)
{
	struct life *life = self;

	if (is_mode("lastword") && send_one(life) != -EAGAIN)
		abort();
	if (life->guest != NULL && *life->guest_data != GUEST)
		abort(); /* another version has its client, but the data that this one had put there must still be there */
	if (is_mode("leaks")) {
		close(life->fds[1]);
		/* The other descriptor is the leak: it is still watched. */
	}
	life->host->map_untrack(life->ctx, life->tracker);
	free(life);
}

static int drain(void *self)
{
	struct life *life = self;

	/* The fifth call is that of plugin_unload(), when other nodes know that the service has left. */
	if (is_mode("lastword") && life->drains == 4 && send_one(life) != -EAGAIN)
		abort();
	return life->drains++ < 3 || is_mode("endless") ? -EAGAIN : 0;
}

static int state_save(void *self, void **blob, uint32_t *size)
{
	const struct life *life = self;
	struct coterie_state_writer writer = {.bytes = NULL};

	if (is_mode("nosave"))
		return -EAGAIN;
	coterie_state_put_u64(&writer, life->count);
	if (life->guest != NULL)
		coterie_state_put_u64(&writer, life->host->client_id(life->guest));
	return coterie_state_end(&writer, blob, size);
}

static int state_load(void *self, const void *blob, uint32_t size)
{
	struct life *life = self;
	struct coterie_state_reader reader = {.at = blob, .left = size};

	life->count = coterie_state_take_u64(&reader);
	if (reader.left > 0)
		welcome(life, life->host->client_find(life->ctx, coterie_state_take_u64(&reader)));
	if (is_mode("sends") || is_mode("regrets"))
		send_one(life);
	/* The instance before may have the same key, as with the statistics of nodes that a state names. */
	int rc = life->host->stat_add(life->ctx, "stats.life.loaded", COTERIE_MAP_U64, read_count, life);
	if (rc < 0)
		return rc;
	return is_mode("refuses") || is_mode("regrets") || !coterie_state_is_whole(&reader) ? -ENOTSUP : 0;
}

static int handle(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	const struct life *life = self;
	const uint64_t *data = life->host->client_data(client);

	(void)msg, (void)size;
	return *data == GUEST ? 0 : -ENOENT;
}

static void deliver(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	(void)self, (void)nodeid, (void)msg, (void)size;
}

static const struct coterie_request requests[] = {{0, 16, 0, 0, handle}};

static const struct coterie_ring_msg ring_msgs[] = {{0, sizeof(struct coterie_ring_header), NULL, deliver, NULL}};

static const struct coterie_option options[] = {
	{.name = "step", .type = COTERIE_OPT_U32, .initial = "1", .min = 1, .max = 10, .help = "a number"}};

static const struct coterie_service ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 44,
	.ipc_name = "life",
	.title = "a life",
	.client_size = sizeof(uint64_t),
	.init = init,
	.fini = fini,
	.client_join = client_join,
	.client_leave = client_leave,
	.drain = drain,
	.state_save = state_save,
	.state_load = state_load,
	COTERIE_REQUESTS(requests),
	COTERIE_RING_MSGS(ring_msgs),
};

COTERIE_PLUGIN(life, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "a life",
	.needs = COTERIE_CAP_IPC | COTERIE_CAP_RING | COTERIE_CAP_LIFE, .offers = COTERIE_CAN_HAND_OVER,
	COTERIE_OPTIONS(options), .ops = &ops);

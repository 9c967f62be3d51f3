/* SPDX-License-Identifier: BSD-3-Clause */
/* How the ring starts, takes new options at a reload, and ends. */
#include "exec/ring/ring_private.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "config/model.h"
#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/ring/ring_packet.h"

#define EXIT_FATAL 15
#define EXIT_RING_ID 21
/* Members of the reference store up to STORE_WINDOW frames of 22,000 bytes, 344 MiB: half of this. */
#define POOL_BYTES_MAX ((size_t)768 << 20)
#define IPV6_HEADER_EXTRA 20u

/* Return a number that cannot be guessed. If the system has no randomness, it at least differs from the last one. */
static uint64_t draw_seed(const struct ring *ring)
{
	uint64_t seed = loop_now_ns(ring->parts.loop) ^ ((uint64_t)ring->options.nodeid << 32);

	(void)!getrandom(&seed, sizeof(seed), GRND_NONBLOCK);
	return ring->parts.random_seed != 0 ? ring->parts.random_seed : seed;
}

static bool load_ring_seq(struct ring *ring)
{
	const char *dir = ring->parts.state_dir;
	uint32_t nodeid = ring->options.nodeid;
	int rc = ring_seq_load(&ring->seq, dir, nodeid, ring->options.random_seed);

	ring->options.ring_seq = ring->seq.used;
	/*
	 * If the stored number is lost, a ring id could be used twice, and recovery would mix the messages of two
	 * rings.
	 */
	if (rc == -EPERM)
		log_line("TOTEM", LOG_ERR,
			"The stored ring id '%s/ringid_%u' may be of another user, who can write to this folder: remove it, and "
			"set 'system.state_dir' to a folder that only the daemon's user can write",
			dir, nodeid);
	else if (rc == -EBADMSG)
		log_line("TOTEM", LOG_ERR,
			"Cannot read the stored ring id '%s/ringid_%u' (it does not have 8 bytes): repair the file with 'coterie "
			"--repair-ring-seq', or remove it if this node was never in a ring",
			dir, nodeid);
	else if (rc < 0)
		log_line("TOTEM", LOG_ERR, "Cannot read the stored ring id '%s/ringid_%u' (%s): %s", dir, nodeid,
			strerror(-rc),
			rc == -EMFILE || rc == -ENFILE ? "raise the limit of open files"
						       : "check the folder and its file system");
	else if (ring->options.ring_seq >= TOTEM_RING_SEQ_END)
		log_line("TOTEM", LOG_ERR,
			"The stored ring id '%s/ringid_%u' is used up (%" PRIx64
			"): forged packets have raised it; stop "
			"all nodes, run 'coterie --repair-ring-seq' on each, and start them again",
			dir, nodeid, ring->options.ring_seq);
	return rc == 0 && ring->options.ring_seq < TOTEM_RING_SEQ_END;
}

struct ring *ring_create(const struct ring_parts *parts, const struct ring_listener *listener,
	const struct config *config, int *exit_code)
{
	struct ring *ring = calloc(1, sizeof(*ring));
	size_t common = config->netmtu > 2048 && config->netmtu <= RING_PACKET_SIZE_MAX ? config->netmtu : 2048;

	*exit_code = EXIT_FATAL;
	if (ring == NULL)
		goto no_memory;
	ring->parts = *parts;
	ring->listener = *listener;
	ring->options = config->totem;
	ring->options.random_seed = draw_seed(ring);
	ring->timer_at_ns = TOTEM_NEVER;
	ring->log.options = &ring->options;
	for (int i = 0; i < TOTEM_TIMER_COUNT; i++)
		ring->deadlines[i] = TOTEM_NEVER;
	ring->pool = frame_pool_create(common, POOL_BYTES_MAX);
	ring->waiting = calloc(RING_WAITING_MAX, sizeof(*ring->waiting));
	if (ring->pool == NULL || ring->waiting == NULL || ring_sources_init(&ring->sources, parts->stats) < 0)
		goto no_memory;
	if (!load_ring_seq(ring)) {
		*exit_code = EXIT_RING_ID;
		ring_destroy(ring);
		return NULL;
	}
	return ring;
no_memory:
	log_line("TOTEM", LOG_ERR, "out of memory");
	ring_destroy(ring);
	return NULL;
}

static bool has_link(const struct config_node *node, uint32_t link)
{
	return link < node->link_count && node->addresses[link].ss_family != AF_UNSPEC;
}

/*
 * Return the largest payload of a frame without encryption: M of book transports, "Sizes". Unless the operator chose a
 * netmtu, recovery frames stay below the link's MTU.
 */
static uint32_t payload_clear(const struct config *config, const struct coterie_transport *transport)
{
	const struct config_node *local = &config->nodes[config->local];
	uint32_t headers = transport->header_size;
	bool is_ipv6 = false;

	if (config->netmtu != 0)
		return config->netmtu - RING_PACKET_RECOVERY_HEADERS;
	for (uint32_t link = 0; link < local->link_count; link++)
		is_ipv6 = is_ipv6 || local->addresses[link].ss_family == AF_INET6;
	if (headers != 0 && is_ipv6)
		headers += IPV6_HEADER_EXTRA;
	return transport->netmtu - RING_PACKET_RECOVERY_HEADERS - headers;
}

/*
 * Return the largest payload of a frame. It depends on the transport's overhead, which changes while the ring changes
 * between clear and encrypted.
 */
static uint32_t payload_max(const struct ring *ring)
{
	const struct plugin *transport = ring->transport;
	uint32_t overhead = transport->transport.overhead != NULL ? transport->transport.overhead(transport->self) : 0;

	return ring->payload_clear - overhead;
}

static int add_peers(struct ring *ring, const struct config *config)
{
	const struct coterie_transport *transport = &ring->transport->transport;

	for (uint32_t i = 0; i < config->node_count; i++) {
		const struct config_node *node = &config->nodes[i];

		for (uint32_t link = 0; link < node->link_count; link++) {
			if (!has_link(node, link))
				continue;
			int rc = -ENOTSUP;

			if (link < transport->links_max)
				PLUGIN_MARKED(ring->transport, "peer_add",
					rc = transport->peer_add(ring->transport->self, link, node->nodeid,
						(const struct sockaddr *)&node->addresses[link]));
			if (rc < 0) {
				log_line("TOTEM", LOG_ERR, "transport %s does not take node %u (%s) on link %u: %s",
					ring->transport->name, node->nodeid, node->texts[link], link, strerror(-rc));
				return rc;
			}
		}
	}
	return 0;
}

int ring_start(struct ring *ring, const struct config *config, struct plugin *transport)
{
	const struct config_node *local = &config->nodes[config->local];

	ring->transport = transport;
	ring_lease_init(ring);
	ring_store_start(ring);
	ring->payload_clear = payload_clear(config, &transport->transport);
	ring->options.payload_max = payload_max(ring);
	ring->options.features = ring_packet_features() & ~ring->parts.features_missing;
	ring->options.linger_ns = TOTEM_LINGER_NS;
	ring->options.gather_ns = TOTEM_GATHER_NS;
	ring->options.first_seq = ring->parts.first_seq;
	ring->options.early_frames = TOTEM_EARLY_FRAMES;
	ring->options.deliver_frames = ring->parts.deliver_frames;
	ring->engine = totem_engine_create(
		ring->pool, &ring->options, &ring_callbacks, ring, loop_now_ns(ring->parts.loop));
	if (ring->engine == NULL) {
		log_line("TOTEM", LOG_ERR, "out of memory");
		return -ENOMEM;
	}
	int rc = add_peers(ring, config);
	for (uint32_t link = 0; rc == 0 && link < local->link_count; link++) {
		if (!has_link(local, link))
			continue;
		PLUGIN_MARKED(transport, "link_up",
			rc = transport->transport.link_up(
				transport->self, link, (const struct sockaddr *)&local->addresses[link]));
		if (rc < 0)
			log_line("TOTEM", LOG_ERR, "cannot use address %s for link %u: %s", local->texts[link], link,
				strerror(-rc));
	}
	return rc;
}

/* Return the options of a reload, completed with values that a reload does not know or may not change. */
static struct totem_options completed(const struct ring *ring, const struct totem_options *wanted)
{
	struct totem_options options = *wanted;

	options.nodeid = ring->options.nodeid;
	options.ring_seq = ring->options.ring_seq;
	options.payload_max = payload_max(ring);
	options.features = ring->options.features;
	options.capacity = ring->options.capacity;
	options.linger_ns = ring->options.linger_ns;
	options.gather_ns = ring->options.gather_ns;
	options.early_frames = ring->options.early_frames;
	options.deliver_frames = ring->options.deliver_frames;
	options.random_seed = ring->options.random_seed;
	return options;
}

void ring_resize_frames(struct ring *ring)
{
	if (ring == NULL || ring->engine == NULL)
		return;
	ring->options.payload_max = payload_max(ring);
	totem_engine_set_payload_max(ring->engine, ring->options.payload_max);
}

int ring_check_options(const struct ring *ring, const struct totem_options *options, const char **which)
{
	*which = "ring";
	if (ring->engine == NULL)
		return -EINVAL;

	const struct totem_options all = completed(ring, options);

	return totem_options_check(&all, which);
}

int ring_reconfigure(struct ring *ring, const struct totem_options *options)
{
	assert(ring->inside == 0);
	if (ring->engine == NULL)
		return -EINVAL;

	struct totem_options all = completed(ring, options);

	ring->inside++;
	int rc = totem_engine_reconfigure(ring->engine, loop_now_ns(ring->parts.loop), &all);
	ring->inside--;
	if (rc == 0) {
		all.nodes = NULL; /* the engine has its own copy */
		ring->options = all;
	}
	return rc;
}

void ring_stop(struct ring *ring)
{
	if (ring == NULL || ring->engine == NULL)
		return;
	assert(ring->inside == 0);
	ring->inside++;
	totem_engine_leave(ring->engine, loop_now_ns(ring->parts.loop));
	ring->inside--;
	ring->has_left = true;
	loop_timer_del(ring->parts.loop, ring->timer);
	ring->timer = NULL;
	ring->timer_at_ns = 0; /* no timer is set */
	ring_store_stop(ring);
	totem_engine_destroy(ring->engine);
	ring->engine = NULL;
}

/* Report frames that are still in use, after all plugins have ended. */
static void report_frames(const struct frame_pool *pool)
{
	struct frame_pool_usage usage = {0};

	if (pool != NULL)
		frame_pool_usage(pool, &usage);
	if (usage.frames != 0)
		log_line("TOTEM", LOG_WARNING, "Leak: %zu frames with %zu bytes were never given back", usage.frames,
			usage.bytes);
}

void ring_destroy(struct ring *ring)
{
	if (ring == NULL)
		return;
	for (; ring->waiting_count > 0; ring->waiting_count--) {
		frame_unref(ring->waiting[ring->waiting_first].frame);
		ring->waiting_first = (ring->waiting_first + 1) % RING_WAITING_MAX;
	}
	for (size_t i = 0; i < ring->echo_count; i++)
		frame_unref(ring->echoes[i]);
	free(ring->echoes);
	free(ring->batch);
	free(ring->waiting);
	totem_engine_destroy(ring->engine);
	report_frames(ring->pool);
	frame_pool_destroy(ring->pool);
	ring_log_fini(&ring->log);
	ring_sources_fini(&ring->sources);
	free(ring);
}

/* Figures from inside the daemon, for the text. */
#include "plugins/metrics/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Votes are no key of either map; the plugin that counts them has statistics of its own. */
#define VOTES "stats.plugins.votequorum."

static bool source_read(void *arg, uint32_t map, const char *key, uint32_t *type, void *bytes)
{
	const struct metrics *metrics = arg;
	struct coterie_map_value value;

	if (metrics->host->map_read(metrics->ctx, map, key, &value) < 0 || value.size > METRICS_VALUE_MAX)
		return false;
	memcpy(bytes, value.bytes, value.size);
	*type = value.type;
	return true;
}

static void source_each(void *arg, uint32_t map, const char *prefix, bool (*see)(void *see_arg, const char *key),
	void *see_arg)
{
	const struct metrics *metrics = arg;
	const struct coterie_host *host = metrics->host;
	struct coterie_map_iterator *iterator;
	const char *key;

	if (host->map_iterate(metrics->ctx, map, prefix, &iterator) < 0)
		return;
	do
		key = host->map_iterate_next(iterator, NULL);
	while (key != NULL && see(see_arg, key));
	host->map_iterate_end(iterator);
}

static bool source_ring(void *arg, struct coterie_ring_id *ring)
{
	const struct metrics *metrics = arg;
	const uint32_t *members;
	uint32_t count;

	metrics->host->membership(metrics->ctx, ring, &members, &count);
	return count > 0;
}

static int source_quorate(void *arg)
{
	const struct metrics *metrics = arg;
	struct coterie_quorum quorum = {.size = sizeof(quorum)};

	metrics->host->quorum_get(metrics->ctx, &quorum);
	return quorum.provider == NULL ? -1 : quorum.is_quorate != 0;
}

/* One of votequorum's statistics; nodeid 0: of none. */
static bool vote_number(struct metrics *metrics, uint32_t nodeid, const char *name, uint32_t *number)
{
	char key[COTERIE_MAP_NAME_MAX + 1], bytes[METRICS_VALUE_MAX];
	uint32_t type;

	if (nodeid == 0)
		snprintf(key, sizeof(key), VOTES "%s", name);
	else
		snprintf(key, sizeof(key), VOTES "node.%" PRIu32 ".%s", nodeid, name);
	if (!source_read(metrics, COTERIE_MAP_STATS, key, &type, bytes) || type != COTERIE_MAP_U32)
		return false;
	memcpy(number, bytes, sizeof(*number));
	return true;
}

static bool source_votes(void *arg, uint32_t nodeid, struct metrics_votes *votes)
{
	struct metrics *metrics = arg;
	char bytes[METRICS_VALUE_MAX];
	uint32_t type;

	*votes = (struct metrics_votes){.votes = 0};
	if (nodeid == 0)
		nodeid = metrics->host->local_nodeid(metrics->ctx);
	if (source_read(metrics, COTERIE_MAP_STATS, VOTES "device", &type, bytes) && type == COTERIE_MAP_STRING) {
		bytes[sizeof(bytes) - 1] = '\0';
		snprintf(votes->device, sizeof(votes->device), "%s", bytes);
	}
	return vote_number(metrics, nodeid, "votes", &votes->votes) &&
	       vote_number(metrics, nodeid, "expected_votes", &votes->expected) &&
	       vote_number(metrics, nodeid, "flags", &votes->flags) &&
	       vote_number(metrics, 0, "highest_expected", &votes->highest_expected) &&
	       vote_number(metrics, 0, "total_votes", &votes->total) &&
	       vote_number(metrics, 0, "quorum", &votes->quorum) &&
	       vote_number(metrics, 0, "device_votes", &votes->device_votes);
}

static bool source_links(void *arg, uint32_t nodeid, struct coterie_node_status *status)
{
	const struct metrics *metrics = arg;

	return metrics->host->node_status(metrics->ctx, nodeid, status) == 0;
}

struct metrics_source source_of_host(struct metrics *metrics)
{
	return (struct metrics_source){.arg = metrics,
		.read = source_read,
		.each = source_each,
		.ring = source_ring,
		.quorate = source_quorate,
		.votes = source_votes,
		.links = source_links};
}

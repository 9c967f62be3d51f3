/*
 * `metrics`: the statistics of a daemon as OpenMetrics text, for a collector that reads files. What the
 * plugin metrics serves: plugins/common/metrics has the text, this finds the figures.
 */
#include "tools/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugins/common/metrics/metrics.h"

static enum ctl_service service_of(uint32_t map) { return map == COTERIE_MAP_STATS ? CTL_STATS : CTL_CONFIG; }

/* Types have the same numbers on both sides of the connection. */
static bool source_read(void *arg, uint32_t map, const char *key, uint32_t *type, void *bytes)
{
	struct ctl *ctl = arg;
	size_t size = METRICS_VALUE_MAX;
	cmap_value_types_t value_type;

	if (!ctl_try(ctl, service_of(map)) ||
		cmap_get(map == COTERIE_MAP_STATS ? ctl->stats : ctl->config, key, bytes, &size, &value_type) != CS_OK)
		return false;
	*type = value_type;
	return true;
}

static void source_each(void *arg, uint32_t map, const char *prefix, bool (*see)(void *see_arg, const char *key),
	void *see_arg)
{
	fact_each(arg, service_of(map), prefix, see, see_arg);
}

static bool source_ring(void *arg, struct coterie_ring_id *ring)
{
	struct json_object *answer = fact_ring();

	(void)arg;
	if (answer == NULL)
		return false;
	*ring = (struct coterie_ring_id){.representative = (uint32_t)get_number(answer, "rep"),
		.seq = (uint64_t)get_number(answer, "seq")};
	json_object_put(answer);
	return true;
}

static int source_quorate(void *arg) { return fact_quorate(arg); }

static bool source_votes(void *arg, uint32_t nodeid, struct metrics_votes *votes)
{
	struct ctl *ctl = arg;
	struct votequorum_info info;

	if (!ctl_try(ctl, CTL_VOTES) || votequorum_getinfo(ctl->votes, nodeid, &info) != CS_OK)
		return false;
	*votes = (struct metrics_votes){.votes = info.node_votes,
		.expected = info.node_expected_votes,
		.highest_expected = info.highest_expected,
		.total = info.total_votes,
		.quorum = info.quorum,
		.flags = info.flags,
		.device_votes = info.qdevice_votes};
	memcpy(votes->device, info.qdevice_name, strnlen(info.qdevice_name, sizeof(votes->device) - 1));
	return true;
}

static bool source_links(void *arg, uint32_t nodeid, struct coterie_node_status *status)
{
	struct ctl *ctl = arg;
	struct corosync_cfg_node_status_v1 seen;

	memset(&seen, 0, sizeof(seen));
	if (!ctl_try(ctl, CTL_CFG) ||
		corosync_cfg_node_status_get(ctl->cfg, nodeid, CFG_NODE_STATUS_V1, &seen) != CS_OK)
		return false;
	for (uint32_t i = 0; i < CFG_MAX_LINKS && i < COTERIE_LINKS_MAX; i++) {
		const struct corosync_knet_link_status_v1 *from = &seen.link_status[i];
		struct coterie_link_status *to = &status->links[i];

		to->is_enabled = from->enabled;
		to->is_connected = from->connected;
		to->mtu = from->mtu;
		snprintf(to->source, sizeof(to->source), "%s", from->src_ipaddr);
		snprintf(to->destination, sizeof(to->destination), "%s", from->dst_ipaddr);
	}
	return true;
}

int metrics_run(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv)
{
	const struct metrics_source source = {.arg = ctl,
		.read = source_read,
		.each = source_each,
		.ring = source_ring,
		.quorate = source_quorate,
		.votes = source_votes,
		.links = source_links};
	const struct metrics_options options = {.format = METRICS_OPENMETRICS};
	struct metrics_text text = {.bytes = NULL};
	int code = argc > 0 ? ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "metrics takes no '%s'", argv[0]) : 0;

	answer_limit(ctl, command);
	if (code == 0)
		code = ctl_open(ctl, CTL_CONFIG);

	if (code == 0)
		code = ctl_open(ctl, CTL_STATS);
	if (code == 0) {
		int rc = metrics_render(&source, &options, &text);

		/* Only whole: a collector would take the rest for all there is. */
		if (rc < 0)
			code = ctl_fail(ctl, CTL_FAILED, "", "no text: %s", strerror(-rc));
		else
			fputs(text.bytes, stdout);
		metrics_text_fini(&text);
	}
	alarm(0);
	return code;
}

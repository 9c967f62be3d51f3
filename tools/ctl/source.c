/* SPDX-License-Identifier: BSD-3-Clause */
/* A source for the answers and texts of plugins/common, which reads its data through the client libraries. */
#include "tools/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "tools/ctl/remote.h"

static enum ctl_service service_of(uint32_t map) { return map == COTERIE_MAP_STATS ? CTL_STATS : CTL_CONFIG; }

/* --- keys: the numbers of their types are the same in both APIs --- */

/*
 * Store a decimal number. A narrower type takes the low bytes of the number, which are first in the byte order of this
 * machine.
 */
static void put_decimal(cmap_value_types_t type, const char *text, void *bytes)
{
	const uint64_t whole = *text == '-' ? (uint64_t)strtoll(text, NULL, 10) : strtoull(text, NULL, 10);
	const float single = strtof(text, NULL);
	const double number = strtod(text, NULL);

	switch (type) {
	case CMAP_VALUETYPE_INT8:
	case CMAP_VALUETYPE_UINT8:
		memcpy(bytes, &(uint8_t){(uint8_t)whole}, sizeof(uint8_t));
		break;
	case CMAP_VALUETYPE_INT16:
	case CMAP_VALUETYPE_UINT16:
		memcpy(bytes, &(uint16_t){(uint16_t)whole}, sizeof(uint16_t));
		break;
	case CMAP_VALUETYPE_INT32:
	case CMAP_VALUETYPE_UINT32:
		memcpy(bytes, &(uint32_t){(uint32_t)whole}, sizeof(uint32_t));
		break;
	case CMAP_VALUETYPE_INT64:
	case CMAP_VALUETYPE_UINT64:
		memcpy(bytes, &whole, sizeof(whole));
		break;
	case CMAP_VALUETYPE_FLOAT:
		memcpy(bytes, &single, sizeof(single));
		break;
	case CMAP_VALUETYPE_DOUBLE:
		memcpy(bytes, &number, sizeof(number));
		break;
	case CMAP_VALUETYPE_STRING:
	case CMAP_VALUETYPE_BINARY:
		break;
	}
}

/* Read a key of another node, whose values are received as texts. */
static bool read_there(struct ctl *ctl, uint32_t map, const char *name, uint32_t *type, void *bytes)
{
	const struct remote_key *key = remote_find(
		ctl, map == COTERIE_MAP_STATS ? CONTROL_MAP_STATS : CONTROL_MAP_CONFIG, name);

	if (key == NULL || strlen(key->value) >= METRICS_VALUE_MAX)
		return false;
	*type = fact_type(key->type);
	if (*type == CMAP_VALUETYPE_STRING)
		memcpy(bytes, key->value, strlen(key->value) + 1);
	else
		put_decimal(*type, key->value, bytes);
	return *type != CMAP_VALUETYPE_BINARY;
}

static bool source_read(void *arg, uint32_t map, const char *key, uint32_t *type, void *bytes)
{
	struct ctl *ctl = arg;
	size_t size = METRICS_VALUE_MAX;
	cmap_value_types_t value_type;

	if (ctl->remote != NULL)
		return read_there(ctl, map, key, type, bytes);
	if (!ctl_try(ctl, service_of(map)) ||
		cmap_get(map == COTERIE_MAP_STATS ? ctl->stats : ctl->config, key, bytes, &size, &value_type) != CS_OK)
		return false;
	*type = value_type;
	return true;
}

static void source_each(
	void *arg, uint32_t map, const char *prefix, bool (*see)(void *see_arg, const char *key), void *see_arg)
{
	fact_each(arg, service_of(map), prefix, see, see_arg);
}

/* --- ring, votes, links --- */

struct ring_answer {
	bool is_known;
	struct quorum_ring_id ring;
};

static void see_nodes(quorum_handle_t handle, struct quorum_ring_id ring, uint32_t count, const uint32_t *members,
	uint32_t joined_count, const uint32_t *joined, uint32_t left_count, const uint32_t *left)
{
	const void *context = NULL;

	(void)count, (void)members, (void)joined_count, (void)joined, (void)left_count, (void)left;
	if (quorum_context_get(handle, &context) == CS_OK && context != NULL) {
		struct ring_answer *answer = (struct ring_answer *)(uintptr_t)context;

		answer->is_known = true;
		answer->ring = ring;
	}
}

/* Get the id of the ring. The callback for the node list has it, with and without a quorum provider. */
static bool source_ring(void *arg, struct coterie_ring_id *ring)
{
	quorum_model_v1_data_t model = {
		.model = QUORUM_MODEL_V1, .quorum_notify_fn = NULL, .nodelist_notify_fn = see_nodes};
	struct ring_answer answer = {.is_known = false};
	quorum_handle_t handle;
	uint32_t type;

	(void)arg;
	if (quorum_model_initialize(&handle, QUORUM_MODEL_V1, (quorum_model_data_t *)&model, &type, &answer) != CS_OK)
		return false;
	if (quorum_trackstart(handle, CS_TRACK_CURRENT) == CS_OK)
		quorum_dispatch(handle, CS_DISPATCH_ALL);
	quorum_finalize(handle);
	*ring = (struct coterie_ring_id){.representative = answer.ring.nodeid, .seq = answer.ring.seq};
	return answer.is_known;
}

static int source_quorate(void *arg) { return fact_quorate(arg); }

static bool source_votes(void *arg, uint32_t nodeid, struct metrics_votes *votes)
{
	struct ctl *ctl = arg;
	struct votequorum_info info;

	/* The maps of another node do not have the votes, and only this node's votequorum can be queried. */
	if (ctl->remote != NULL || !ctl_try(ctl, CTL_VOTES) || votequorum_getinfo(ctl->votes, nodeid, &info) != CS_OK)
		return false;
	*votes = (struct metrics_votes){.votes = info.node_votes,
		.expected = info.node_expected_votes,
		.state = info.node_state >= VOTEQUORUM_NODESTATE_MEMBER &&
					 info.node_state <= VOTEQUORUM_NODESTATE_LEAVING
				 ? (enum metrics_voter)info.node_state
				 : METRICS_VOTER_DEAD,
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

	if (!fact_status(ctl, nodeid, &seen))
		return false;
	status->nodeid = seen.nodeid;
	status->is_reachable = seen.reachable;
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

static uint32_t source_local(void *arg) { return fact_local(arg); }

struct metrics_source ctl_source(struct ctl *ctl)
{
	return (struct metrics_source){.arg = ctl,
		.read = source_read,
		.each = source_each,
		.ring = source_ring,
		.quorate = source_quorate,
		.votes = source_votes,
		.links = source_links,
		.local = source_local};
}

struct json_object *fact_nodes(struct ctl *ctl)
{
	const struct metrics_source source = ctl_source(ctl);

	return answers_nodes(&source);
}

struct json_object *fact_members(struct ctl *ctl)
{
	const struct metrics_source source = ctl_source(ctl);

	return answers_members_list(&source);
}

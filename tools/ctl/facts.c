/* What several commands tell: keys, nodes, the ring, the verdict, and what is wrong. */
#include "tools/ctl/ctl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/ctl/remote.h"

void fact_time(char buffer[48])
{
	struct timespec now;
	struct tm utc;
	char seconds[24];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(buffer, 48, "%s.%03ldZ", seconds, now.tv_nsec / 1000000);
}

/* --- keys --- */

static enum control_map remote_map(enum ctl_service map)
{
	return map == CTL_STATS ? CONTROL_MAP_STATS : CONTROL_MAP_CONFIG;
}

static cmap_handle_t handle_of(struct ctl *ctl, enum ctl_service map)
{
	return map == CTL_STATS ? ctl->stats : ctl->config;
}

const char *fact_type_name(cmap_value_types_t type)
{
	static const char *const names[] = {[CMAP_VALUETYPE_INT8] = "i8", [CMAP_VALUETYPE_UINT8] = "u8",
		[CMAP_VALUETYPE_INT16] = "i16", [CMAP_VALUETYPE_UINT16] = "u16", [CMAP_VALUETYPE_INT32] = "i32",
		[CMAP_VALUETYPE_UINT32] = "u32", [CMAP_VALUETYPE_INT64] = "i64", [CMAP_VALUETYPE_UINT64] = "u64",
		[CMAP_VALUETYPE_FLOAT] = "flt", [CMAP_VALUETYPE_DOUBLE] = "dbl", [CMAP_VALUETYPE_STRING] = "str",
		[CMAP_VALUETYPE_BINARY] = "bin"};

	return (size_t)type < sizeof(names) / sizeof(names[0]) && names[type] != NULL ? names[type] : "bin";
}

static cmap_value_types_t type_of_name(const char *name)
{
	for (cmap_value_types_t type = CMAP_VALUETYPE_INT8; type < CMAP_VALUETYPE_BINARY; type++)
		if (strcmp(fact_type_name(type), name) == 0)
			return type;
	return CMAP_VALUETYPE_BINARY;
}

static struct json_object *hex_value(const uint8_t *bytes, size_t size)
{
	char *text = malloc(2 * size + 1);

	if (text == NULL)
		return NULL;
	text[0] = '\0';
	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	struct json_object *value = json_object_new_string(text);
	free(text);
	return value;
}

/* What is no number has zeros behind its bytes, so that a text ends. */
static struct json_object *value_object(cmap_value_types_t type, const void *bytes, size_t size)
{
	union {
		int8_t i8;
		uint8_t u8;
		int16_t i16;
		uint16_t u16;
		int32_t i32;
		uint32_t u32;
		int64_t i64;
		uint64_t u64;
		float f;
		double d;
	} number = {0};

	memcpy(&number, bytes, size < sizeof(number) ? size : sizeof(number));
	switch (type) {
	case CMAP_VALUETYPE_INT8:
		return json_object_new_int64(number.i8);
	case CMAP_VALUETYPE_UINT8:
		return json_object_new_int64(number.u8);
	case CMAP_VALUETYPE_INT16:
		return json_object_new_int64(number.i16);
	case CMAP_VALUETYPE_UINT16:
		return json_object_new_int64(number.u16);
	case CMAP_VALUETYPE_INT32:
		return json_object_new_int64(number.i32);
	case CMAP_VALUETYPE_UINT32:
		return json_object_new_int64(number.u32);
	case CMAP_VALUETYPE_INT64:
		return json_object_new_int64(number.i64);
	case CMAP_VALUETYPE_UINT64:
		return json_object_new_uint64(number.u64);
	case CMAP_VALUETYPE_FLOAT:
		return json_object_new_double((double)number.f);
	case CMAP_VALUETYPE_DOUBLE:
		return json_object_new_double(number.d);
	case CMAP_VALUETYPE_STRING:
		return text_value(bytes);
	case CMAP_VALUETYPE_BINARY:
		break;
	}
	return hex_value(bytes, size);
}

/* The same of another node. */
static struct json_object *value_there(struct ctl *ctl, enum ctl_service map, const char *name,
	cmap_value_types_t *type)
{
	const struct remote_key *key = remote_find(ctl, remote_map(map), name);

	if (key != NULL && type != NULL)
		*type = type_of_name(key->type);
	return key != NULL ? remote_value(key) : NULL;
}

struct json_object *fact_value(struct ctl *ctl, enum ctl_service map, const char *key,
	cmap_value_types_t *type_out)
{
	cmap_value_types_t type;
	size_t size = 0;

	if (ctl->remote != NULL)
		return value_there(ctl, map, key, type_out);
	if (!ctl_try(ctl, map) || cmap_get(handle_of(ctl, map), key, NULL, &size, &type) != CS_OK)
		return NULL;
	/* It may grow before we ask again; then this answer is as good as none. */
	size_t room = size + 64;
	char *bytes = calloc(1, room + 1);
	struct json_object *value = NULL;
	if (bytes != NULL && cmap_get(handle_of(ctl, map), key, bytes, &room, &type) == CS_OK)
		value = value_object(type, bytes, room);
	free(bytes);
	if (type_out != NULL)
		*type_out = type;
	return value;
}

char *fact_text(struct ctl *ctl, enum ctl_service map, const char *key)
{
	char *text = NULL;

	if (ctl->remote != NULL) {
		const struct remote_key *found = remote_find(ctl, remote_map(map), key);

		return found != NULL && strcmp(found->type, "str") == 0 ? strdup(found->value) : NULL;
	}
	if (!ctl_try(ctl, map) || cmap_get_string(handle_of(ctl, map), key, &text) != CS_OK)
		return NULL;
	return text;
}

int64_t fact_number(struct ctl *ctl, enum ctl_service map, const char *key, int64_t otherwise)
{
	struct json_object *value = fact_value(ctl, map, key, NULL);
	int64_t number = value != NULL ? json_object_get_int64(value) : otherwise;

	json_object_put(value);
	return number;
}

void fact_each(struct ctl *ctl, enum ctl_service map, const char *prefix,
	bool (*each)(void *arg, const char *key), void *arg)
{
	char key[CMAP_KEYNAME_MAXLEN + 1];
	cmap_iter_handle_t iterator;

	if (ctl->remote != NULL) {
		remote_each(ctl, remote_map(map), prefix != NULL ? prefix : "", each, arg);
		return;
	}
	if (!ctl_try(ctl, map) || cmap_iter_init(handle_of(ctl, map), prefix, &iterator) != CS_OK)
		return;
	while (cmap_iter_next(handle_of(ctl, map), iterator, key, NULL, NULL) == CS_OK)
		if (!each(arg, key))
			break;
	cmap_iter_finalize(handle_of(ctl, map), iterator);
}

/* --- nodes --- */

struct node_walk {
	struct ctl *ctl;
	struct json_object *nodes;
	uint32_t local;
	int position; /* the last one seen, or -1 */
};

static void add_node(struct node_walk *walk, int position)
{
	struct json_object *node = json_object_new_object();
	struct json_object *addresses = json_object_new_array();
	char key[CMAP_KEYNAME_MAXLEN + 1];

	snprintf(key, sizeof(key), "nodelist.node.%d.nodeid", position);
	int64_t id = fact_number(walk->ctl, CTL_CONFIG, key, 0);
	for (int link = 0; link < CFG_MAX_LINKS; link++) {
		snprintf(key, sizeof(key), "nodelist.node.%d.ring%d_addr", position, link);
		char *address = fact_text(walk->ctl, CTL_CONFIG, key);

		if (address != NULL)
			json_object_array_add(addresses, json_object_new_string(address));
		free(address);
	}
	snprintf(key, sizeof(key), "nodelist.node.%d.name", position);
	char *name = fact_text(walk->ctl, CTL_CONFIG, key);
	put_number(node, "id", id);
	if (name != NULL)
		put_text(node, "name", name);
	else if (json_object_array_length(addresses) > 0)
		put_text(node, "name", json_object_get_string(json_object_array_get_idx(addresses, 0)));
	else
		put_text(node, "name", "");
	put_bool(node, "local", id == walk->local);
	json_object_object_add(node, "addresses", addresses);
	json_object_array_add(walk->nodes, node);
	free(name);
}

static bool see_node_key(void *arg, const char *key)
{
	struct node_walk *walk = arg;
	int position;

	if (sscanf(key, "nodelist.node.%d.", &position) == 1 && position != walk->position) {
		walk->position = position;
		add_node(walk, position);
	}
	return true;
}

static int compare_nodes(const void *a, const void *b)
{
	int64_t x = get_number(*(struct json_object *const *)a, "id");
	int64_t y = get_number(*(struct json_object *const *)b, "id");

	return x < y ? -1 : x > y;
}

struct json_object *fact_nodes(struct ctl *ctl)
{
	struct node_walk walk = {.ctl = ctl, .nodes = json_object_new_array(), .local = fact_local(ctl),
		.position = -1};

	fact_each(ctl, CTL_CONFIG, "nodelist.node.", see_node_key, &walk);
	json_object_array_sort(walk.nodes, compare_nodes);
	return walk.nodes;
}

const char *fact_node_name(struct json_object *nodes, uint32_t nodeid, char buffer[12])
{
	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i);

		if (get_number(node, "id") == nodeid && *get_text(node, "name") != '\0')
			return get_text(node, "name");
	}
	snprintf(buffer, 12, "%" PRIu32, nodeid);
	return buffer;
}

/* A number, or a name of the node list; names first, as one may be a number. */
uint32_t fact_find_node(struct json_object *nodes, const char *word)
{
	char *end;

	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i);

		if (strcmp(get_text(node, "name"), word) == 0)
			return (uint32_t)get_number(node, "id");
	}
	errno = 0;
	unsigned long long id = strtoull(word, &end, 10);
	return errno == 0 && *word >= '0' && *word <= '9' && *end == '\0' && id <= UINT32_MAX ? (uint32_t)id : 0;
}

uint32_t fact_local(struct ctl *ctl)
{
	unsigned int nodeid = 0;

	if (ctl->remote != NULL)
		return remote_nodeid(ctl->remote);
	if (ctl_try(ctl, CTL_CFG) && corosync_cfg_local_get(ctl->cfg, &nodeid) == CS_OK)
		return nodeid;
	if (ctl_try(ctl, CTL_CPG) && cpg_local_get(ctl->cpg, &nodeid) == CS_OK)
		return nodeid;
	return (uint32_t)fact_number(ctl, CTL_CONFIG, "runtime.votequorum.this_node_id", 0);
}

/* --- ring and verdict --- */

struct ring_answer {
	bool is_known;
	struct quorum_ring_id ring;
};

static void see_quorum(quorum_handle_t handle, uint32_t quorate, struct quorum_ring_id ring, uint32_t count,
	const uint32_t *members)
{
	const void *context = NULL;

	(void)quorate, (void)count, (void)members;
	if (quorum_context_get(handle, &context) == CS_OK && context != NULL) {
		struct ring_answer *answer = (struct ring_answer *)(uintptr_t)context;

		answer->is_known = true;
		answer->ring = ring;
	}
}

static void see_nodes(quorum_handle_t handle, struct quorum_ring_id ring, uint32_t count,
	const uint32_t *members, uint32_t joined_count, const uint32_t *joined, uint32_t left_count,
	const uint32_t *left)
{
	(void)joined_count, (void)joined, (void)left_count, (void)left;
	see_quorum(handle, 0, ring, count, members);
}

/* The node list is the ring's own, whether or not there is a provider. */
struct json_object *fact_ring(void)
{
	quorum_model_v1_data_t model = {
		.model = QUORUM_MODEL_V1, .quorum_notify_fn = NULL, .nodelist_notify_fn = see_nodes};
	struct ring_answer answer = {0};
	quorum_handle_t handle;
	uint32_t type;
	char text[64];

	if (quorum_model_initialize(&handle, QUORUM_MODEL_V1, (quorum_model_data_t *)&model, &type, &answer) !=
		CS_OK)
		return NULL;
	if (quorum_trackstart(handle, CS_TRACK_CURRENT) == CS_OK)
		quorum_dispatch(handle, CS_DISPATCH_ALL);
	quorum_finalize(handle);
	if (!answer.is_known)
		return NULL;
	struct json_object *ring = json_object_new_object();
	put_number(ring, "rep", answer.ring.nodeid);
	put_number(ring, "seq", (int64_t)answer.ring.seq);
	snprintf(text, sizeof(text), "%" PRIu32 ".%" PRIx64, answer.ring.nodeid, answer.ring.seq);
	put_text(ring, "text", text);
	return ring;
}

int fact_quorate(struct ctl *ctl)
{
	int quorate = 0;
	char *provider = fact_text(ctl, CTL_CONFIG, "quorum.provider");
	bool has_provider = provider != NULL;

	free(provider);
	if (has_provider && ctl->remote != NULL)
		return remote_is_quorate(ctl->remote);
	if (!has_provider || !ctl_try(ctl, CTL_QUORUM) || quorum_getquorate(ctl->quorum, &quorate) != CS_OK)
		return -1;
	return quorate != 0;
}

/* --- links --- */

bool fact_status(struct ctl *ctl, uint32_t nodeid, struct corosync_cfg_node_status_v1 *status)
{
	memset(status, 0, sizeof(*status));
	if (ctl->remote != NULL)
		return remote_status(ctl, nodeid, status);
	return ctl_try(ctl, CTL_CFG) &&
	       corosync_cfg_node_status_get(ctl->cfg, nodeid, CFG_NODE_STATUS_V1, status) == CS_OK;
}

/* --- what is wrong --- */

static struct json_object *new_issue(struct json_object *issues, const char *id, const char *level,
	const char *text, const char *hint)
{
	struct json_object *issue = json_object_new_object();

	put_text(issue, "id", id);
	put_text(issue, "level", level);
	put_text(issue, "text", text);
	if (hint != NULL)
		put_text(issue, "hint", hint);
	json_object_array_add(issues, issue);
	return issue;
}

static void look_at_members(struct ctl *ctl, struct json_object *nodes, struct json_object *issues)
{
	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i);
		int64_t id = get_number(node, "id");
		char key[64], text[256];

		snprintf(key, sizeof(key), "runtime.members.%" PRIi64 ".status", id);
		char *status = fact_text(ctl, CTL_CONFIG, key);
		if (status == NULL || strcmp(status, "joined") != 0) {
			snprintf(text, sizeof(text), "node %" PRIi64 " (%.100s) %s", id, get_text(node, "name"),
				status == NULL ? "has not been seen" : "has left");
			struct json_object *issue = new_issue(issues, "member.missing", "warning", text,
				"start its daemon, or look at the network between the nodes");
			put_number(issue, "peer", id);
		}
		free(status);
	}
}

static void look_at_links(struct ctl *ctl, struct json_object *nodes, struct json_object *issues)
{
	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i);
		uint32_t id = (uint32_t)get_number(node, "id");
		struct corosync_cfg_node_status_v1 status;
		char text[256];

		if (get_bool(node, "local") || !fact_status(ctl, id, &status) || !status.reachable)
			continue;
		for (int link = 0; link < CFG_MAX_LINKS; link++) {
			if (!status.link_status[link].enabled || status.link_status[link].connected)
				continue;
			snprintf(text, sizeof(text), "link %d to node %" PRIu32 " is down", link, id);
			struct json_object *issue = new_issue(issues, "link.down", "warning", text,
				"check the interface and the path to the node's address on this link");
			put_number(issue, "peer", id);
			put_number(issue, "link", link);
		}
	}
}

/* "1-3 2-3" in the statistics: whom this node knows not to hear each other. */
static void look_at_unheard(struct ctl *ctl, struct json_object *issues)
{
	char *pairs = fact_text(ctl, CTL_STATS, "stats.coterie.unheard");
	uint32_t member, node;
	int length;

	for (const char *at = pairs; at != NULL && sscanf(at, "%" SCNu32 "-%" SCNu32 "%n", &member, &node, &length) == 2;
		at += length) {
		char text[96];

		snprintf(text, sizeof(text), "nodes %u and %u do not hear each other", member, node);

		struct json_object *issue = new_issue(issues, "net.unheard", "error", text,
			"look at the firewalls and the path between these two");

		put_number(issue, "node", member);
		put_number(issue, "peer", node);
	}
	free(pairs);
}

struct json_object *fact_issues(struct ctl *ctl, struct json_object *nodes)
{
	struct json_object *issues = json_object_new_array();
	bool is_waiting = fact_number(ctl, CTL_CONFIG, "runtime.votequorum.wait_for_all_status", 0) != 0;

	if (fact_quorate(ctl) == 0)
		new_issue(issues, "quorum.lost", "error", "this partition is not quorate",
			is_waiting ? "it waits for all nodes to be there once; coterie-ctl quorum unblock overrules"
				   : "bring nodes back, or coterie-ctl quorum set-expected");
	else if (is_waiting)
		new_issue(issues, "quorum.waiting", "warning", "waiting for all nodes to be there once",
			"start the missing nodes; coterie-ctl quorum unblock overrules");
	look_at_members(ctl, nodes, issues);
	look_at_links(ctl, nodes, issues);
	look_at_unheard(ctl, issues);
	if (fact_number(ctl, CTL_STATS, "stats.srp.firewall_enabled_or_nic_failure", 0) != 0)
		new_issue(issues, "net.blocked", "error", "nothing gets through to the other nodes",
			"look at the firewall and the interface of this node");
	return issues;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "plugins/metrics/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugins/common/answers/answers.h"

#define LOOK_NS UINT64_C(1000000000) /* interval between two checks of all nodes and plugins */
#define STEP_NS UINT64_C(20000000)   /* pause between two steps of a check */
#define NODES_IN_STEP 8u
#define PLUGINS_MAX 64u
#define PREFIX_PLUGINS "stats.plugins."
#define PREFIX_MEMBERS "runtime.members."
#define PREFIX_EVICTIONS "stats.coterie.eviction."

struct event {
	char *text;
	size_t size;
};

/* A node whose links are watched. */
struct seen_node {
	uint32_t id;
	bool is_known;               /* the members below are valid */
	uint32_t enabled, connected; /* links as bit masks */
};

enum fate {
	FATE_LOADED,
	FATE_UNLOADED,
	FATE_REPLACED,
	FATE_FAILED,
	FATES,
};

struct seen_plugin {
	char name[64];
	uint64_t counts[FATES];
};

struct events {
	const struct coterie_host *host; /* borrowed */
	struct coterie_ctx *ctx;
	void (*tell)(void *arg);
	void *arg;

	struct event kept[EVENTS_KEPT]; /* the event of number N is at N % EVENTS_KEPT */
	uint64_t first, next;           /* number of the oldest event, and of the next one to come. They are equal if
					 * there are no events */

	struct coterie_map_tracker *trackers[4];
	struct coterie_timer *timer;
	struct seen_node *nodes;
	uint32_t node_count, node; /* number of nodes. Index of the node that is checked next */
	struct seen_plugin plugins[PLUGINS_MAX];
	uint32_t plugin_count;
	bool has_looked;      /* the plugins were listed at least once */
	bool has_new_plugins; /* the names of the plugins have to be listed again */

	bool has_quorum; /* the members below are valid */
	bool is_quorate;
	struct coterie_ring_id quorum_ring;
	struct json_object *left; /* nodes that left by the last transitional configuration. NULL: none */
};

/* --- storing events --- */

/* Add an event, which takes ownership of data. Without memory the event is lost. */
static void add(struct events *events, const char *name, struct json_object *data)
{
	struct json_object *document = json_object_new_object();
	struct event *event = &events->kept[events->next % EVENTS_KEPT];
	char now[48], *text;

	answers_time(now);
	put_text(document, "time", now);
	put_text(document, "event", name);
	json_object_object_add(document, "data", data);
	int size = asprintf(&text, "id: %" PRIu64 "\ndata: %s\n\n", events->next,
		json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(document);
	if (size < 0)
		return;
	if (events->next - events->first == EVENTS_KEPT)
		events->first++;
	free(event->text);
	*event = (struct event){.text = text, .size = (size_t)size};
	events->next++;
	events->tell(events->arg);
}

uint64_t events_first(const struct events *events) { return events->first; }

uint64_t events_after(const struct events *events, const char *number)
{
	char *end;
	unsigned long long had;

	if (*number < '0' || *number > '9')
		return events->first;
	errno = 0;
	had = strtoull(number, &end, 10);
	return errno != 0 || *end != '\0' || had < events->first || had >= events->next ? events->first : had + 1;
}

static ssize_t read_beat(struct events_reader *reader, uint64_t now_ns, char *bytes, size_t size_max)
{
	char now[48], text[128];

	answers_time(now);
	int size = snprintf(text, sizeof(text), "data: {\"time\":\"%s\",\"event\":\"heartbeat\",\"data\":{}}\n\n", now);
	if ((size_t)size > size_max)
		return 0;
	memcpy(bytes, text, (size_t)size);
	reader->beat_ns = now_ns;
	return size;
}

ssize_t events_read(
	const struct events *events, struct events_reader *reader, uint64_t now_ns, char *bytes, size_t size_max)
{
	size_t size = 0;

	if (reader->next < events->first) {
		if (reader->sent > 0)
			return -1;
		reader->next = events->first; /* the client sees from the numbers how many events it has missed */
	}
	while (size < size_max && reader->next < events->next) {
		const struct event *event = &events->kept[reader->next % EVENTS_KEPT];
		size_t left = event->size - reader->sent, take = left < size_max - size ? left : size_max - size;

		memcpy(bytes + size, event->text + reader->sent, take);
		size += take;
		reader->sent += take;
		if (reader->sent < event->size)
			break;
		reader->sent = 0;
		reader->next++;
	}
	if (size == 0 && now_ns - reader->beat_ns >= EVENTS_BEAT_NS)
		return read_beat(reader, now_ns, bytes, size_max);
	if (size > 0)
		reader->beat_ns = now_ns;
	return (ssize_t)size;
}

/* --- members, reloads, plugins: followed by watches of the map --- */

static void know_node(struct events *events, uint32_t id)
{
	for (uint32_t i = 0; i < events->node_count; i++)
		if (events->nodes[i].id == id)
			return;
	struct seen_node *nodes = reallocarray(events->nodes, events->node_count + 1, sizeof(*nodes));
	if (nodes == NULL)
		return; /* without memory the links of this node are not watched */
	events->nodes = nodes;
	nodes[events->node_count++] = (struct seen_node){.id = id};
}

/* Stop watching the links of a node. The daemon deletes the keys of nodes that left long ago. */
static void forget_node(struct events *events, uint32_t id)
{
	uint32_t i = 0;

	while (i < events->node_count && events->nodes[i].id != id)
		i++;
	if (i == events->node_count)
		return;
	events->node_count--;
	memmove(&events->nodes[i], &events->nodes[i + 1], (events->node_count - i) * sizeof(*events->nodes));
	if (events->node > i)
		events->node--; /* so that the check that is under way leaves out no node */
}

/* Return the node id of a key. 0: the key is not of a member. */
static uint32_t member_of(const char *key)
{
	uint32_t id;
	int end = 0;

	return sscanf(key, PREFIX_MEMBERS "%" SCNu32 ".status%n", &id, &end) == 1 && end > 0 && key[end] == '\0' ? id
														 : 0;
}

static void see_member(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	struct events *events = arg;
	uint32_t id = member_of(key);

	(void)before;
	if (event == COTERIE_MAP_DELETED && id != 0)
		forget_node(events, id);
	if (event == COTERIE_MAP_DELETED || id == 0 || now->type != COTERIE_MAP_STRING || now->size == 0)
		return;
	struct json_object *data = json_object_new_object();
	put_number(data, "id", id);
	put_text(data, "state", now->bytes);
	add(events, "membership", data);
	know_node(events, id);
}

static void see_reload(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	static const int32_t good = 1; /* the value of CS_OK */
	struct events *events = arg;
	struct coterie_map_value status;

	(void)event, (void)key, (void)before;
	if (now->type != COTERIE_MAP_U8 || now->size != 1 || *(const uint8_t *)now->bytes != 0)
		return;
	bool is_good = events->host->map_read(events->ctx, COTERIE_MAP_CONFIG, "config.reload_status", &status) < 0 ||
		       (status.size == sizeof(good) && memcmp(status.bytes, &good, sizeof(good)) == 0);
	struct json_object *data = json_object_new_object();
	put_text(data, "result", is_good ? "applied" : "refused");
	add(events, "reload", data);
}

/* Add an eviction. The daemon adds the key of the text before that of the record, so the text exists here. */
static void see_eviction(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	struct events *events = arg;
	char text_key[COTERIE_MAP_NAME_MAX + 1], text[METRICS_VALUE_MAX + 1] = "";
	struct coterie_map_value value;

	(void)before;
	if (event != COTERIE_MAP_ADDED || now->type != COTERIE_MAP_STRING || now->size == 0 ||
		((const char *)now->bytes)[now->size - 1] != '\0' || !answers_is_eviction(key, text_key))
		return;
	struct json_object *data = answers_eviction(now->bytes, NULL);
	if (data == NULL)
		return;
	if (events->host->map_read(events->ctx, COTERIE_MAP_STATS, text_key, &value) == 0 &&
		value.type == COTERIE_MAP_STRING)
		snprintf(text, sizeof(text), "%.*s", (int)value.size, (const char *)value.bytes);
	put_text(data, "text", text);
	add(events, "eviction", data);
}

/* Have the plugins listed in the next check. A single key does not show whether a plugin was replaced. */
static void see_plugin_key(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	struct events *events = arg;

	(void)event, (void)key, (void)now, (void)before;
	events->has_new_plugins = true;
}

/* --- ring and quorum: the host calls --- */

static struct json_object *list_of(const uint32_t *nodes, uint32_t count)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < count; i++)
		json_object_array_add(list, json_object_new_int64(nodes[i]));
	return list;
}

/*
 * Add a change of the members. The nodes that left are found from the transitional configuration, and all else from the
 * regular one that follows.
 */
void events_configuration(struct events *events, const struct coterie_configuration *configuration)
{
	if (!configuration->is_regular) {
		json_object_put(events->left);
		events->left = list_of(configuration->left, configuration->left_count);
		return;
	}
	struct json_object *data = json_object_new_object();
	json_object_object_add(
		data, "ring", answers_ring_object(configuration->ring.representative, configuration->ring.seq));
	json_object_object_add(data, "members", list_of(configuration->members, configuration->member_count));
	json_object_object_add(data, "joined", list_of(configuration->joined, configuration->joined_count));
	json_object_object_add(data, "left", events->left != NULL ? events->left : json_object_new_array());
	events->left = NULL;
	add(events, "ring-state", data);
}

static void see_quorum(void *arg, const struct coterie_quorum *quorum)
{
	struct events *events = arg;
	bool is_quorate = quorum->is_quorate != 0;

	if (events->has_quorum && events->is_quorate == is_quorate &&
		events->quorum_ring.representative == quorum->ring.representative &&
		events->quorum_ring.seq == quorum->ring.seq)
		return;
	events->has_quorum = true;
	events->is_quorate = is_quorate;
	events->quorum_ring = quorum->ring;
	struct json_object *data = json_object_new_object();
	put_bool(data, "quorate", is_quorate);
	json_object_object_add(data, "ring", answers_ring_object(quorum->ring.representative, quorum->ring.seq));
	add(events, "quorum", data);
}

/* --- links: checked periodically --- */

static void tell_link(struct events *events, uint32_t id, uint32_t link, bool is_enabled, bool is_up)
{
	struct json_object *data = json_object_new_object();

	put_number(data, "id", id);
	put_number(data, "link", link);
	put_text(data, "state", !is_enabled ? "gone" : is_up ? "up" : "down");
	add(events, "link", data);
}

static void look_at_node(struct events *events, struct seen_node *node)
{
	struct coterie_node_status status;
	uint32_t enabled = 0, connected = 0;

	memset(&status, 0, sizeof(status));
	status.size = sizeof(status);
	if (node->id == events->host->local_nodeid(events->ctx) ||
		events->host->node_status(events->ctx, node->id, &status) < 0)
		return;
	for (uint32_t link = 0; link < COTERIE_LINKS_MAX; link++) {
		enabled |= (status.links[link].is_enabled != 0 ? UINT32_C(1) : 0) << link;
		connected |= (status.links[link].is_connected != 0 ? UINT32_C(1) : 0) << link;
	}
	connected &= enabled;
	uint32_t changed = node->is_known ? (enabled ^ node->enabled) | (connected ^ node->connected) : 0;
	uint32_t id = node->id;
	node->enabled = enabled;
	node->connected = connected;
	node->is_known = true;
	for (uint32_t link = 0; link < COTERIE_LINKS_MAX; link++)
		if ((changed >> link & 1) != 0)
			tell_link(events, id, link, (enabled >> link & 1) != 0, (connected >> link & 1) != 0);
}

/* --- plugins: checked periodically --- */

static uint64_t count_of(const struct events *events, const char *plugin, enum fate fate)
{
	static const char *const names[FATES] = {[FATE_LOADED] = "loads",
		[FATE_UNLOADED] = "unloads",
		[FATE_REPLACED] = "replaces",
		[FATE_FAILED] = "fails"};
	char key[COTERIE_MAP_NAME_MAX + 1];
	struct coterie_map_value value;
	uint64_t count = 0;

	snprintf(key, sizeof(key), PREFIX_PLUGINS "%s.%s", plugin, names[fate]);
	if (events->host->map_read(events->ctx, COTERIE_MAP_STATS, key, &value) == 0 && value.type == COTERIE_MAP_U64)
		memcpy(&count, value.bytes, sizeof(count));
	return count;
}

static void list_plugins(struct events *events)
{
	struct coterie_map_iterator *iterator;
	const char *key;

	if (events->host->map_iterate(events->ctx, COTERIE_MAP_STATS, PREFIX_PLUGINS, &iterator) < 0)
		return; /* try again in the next check */
	events->has_new_plugins = false;
	while ((key = events->host->map_iterate_next(iterator, NULL)) != NULL) {
		char name[64];
		int end = 0;
		uint32_t i = 0;

		if (sscanf(key, PREFIX_PLUGINS "%63[^.].loads%n", name, &end) != 1 || end == 0 || key[end] != '\0')
			continue;
		while (i < events->plugin_count && strcmp(events->plugins[i].name, name) != 0)
			i++;
		if (i < events->plugin_count || i == PLUGINS_MAX)
			continue;
		snprintf(events->plugins[events->plugin_count++].name, sizeof(name), "%s", name);
	}
	events->host->map_iterate_end(iterator);
}

static void look_at_plugin(struct events *events, struct seen_plugin *plugin)
{
	static const char *const states[FATES] = {[FATE_LOADED] = "loaded",
		[FATE_UNLOADED] = "unloaded",
		[FATE_REPLACED] = "replaced",
		[FATE_FAILED] = "failed"};

	for (uint32_t fate = 0; fate < FATES; fate++) {
		uint64_t count = count_of(events, plugin->name, (enum fate)fate);
		bool is_new = count > plugin->counts[fate] && events->has_looked;

		plugin->counts[fate] = count;
		if (!is_new)
			continue;
		struct json_object *data = json_object_new_object();
		put_text(data, "name", plugin->name);
		put_text(data, "state", states[fate]);
		add(events, "plugin", data);
	}
}

/* Add events of plugins. There is none for plugins that were loaded before the first check. */
static void look_at_plugins(struct events *events)
{
	if (events->has_new_plugins)
		list_plugins(events);
	for (uint32_t i = 0; i < events->plugin_count; i++)
		look_at_plugin(events, &events->plugins[i]);
	events->has_looked = true;
}

static void look(void *arg)
{
	struct events *events = arg;
	uint64_t pause_ns = STEP_NS;

	events->timer = NULL;
	if (events->node == 0)
		look_at_plugins(events);
	for (uint32_t i = 0; i < NODES_IN_STEP && events->node < events->node_count; i++)
		look_at_node(events, &events->nodes[events->node++]);
	if (events->node == events->node_count) {
		events->node = 0;
		pause_ns = LOOK_NS;
	}
	/* If the timer cannot be started, the checks of links and plugins end, and other events continue. */
	events->host->timer_add(
		events->ctx, events->host->now_ns(events->ctx) + pause_ns, look, events, &events->timer);
}

/* --- life --- */

static void know_members(struct events *events)
{
	struct coterie_map_iterator *iterator;
	const char *key;

	if (events->host->map_iterate(events->ctx, COTERIE_MAP_CONFIG, PREFIX_MEMBERS, &iterator) < 0)
		return;
	while ((key = events->host->map_iterate_next(iterator, NULL)) != NULL)
		if (member_of(key) != 0)
			know_node(events, member_of(key));
	events->host->map_iterate_end(iterator);
}

static int follow(struct events *events)
{
	const struct coterie_host *host = events->host;
	const uint32_t changes = COTERIE_MAP_ADDED | COTERIE_MAP_MODIFIED;
	int rc = host->map_track(events->ctx, COTERIE_MAP_CONFIG, PREFIX_MEMBERS,
		changes | COTERIE_MAP_DELETED | COTERIE_MAP_PREFIX, see_member, events, &events->trackers[0]);

	if (rc == 0)
		rc = host->map_track(events->ctx, COTERIE_MAP_CONFIG, "config.totemconfig_reload_in_progress", changes,
			see_reload, events, &events->trackers[1]);
	if (rc == 0)
		rc = host->map_track(events->ctx, COTERIE_MAP_STATS, PREFIX_PLUGINS,
			COTERIE_MAP_ADDED | COTERIE_MAP_DELETED | COTERIE_MAP_PREFIX, see_plugin_key, events,
			&events->trackers[2]);
	if (rc == 0)
		rc = host->map_track(events->ctx, COTERIE_MAP_STATS, PREFIX_EVICTIONS,
			COTERIE_MAP_ADDED | COTERIE_MAP_DELETED | COTERIE_MAP_PREFIX, see_eviction, events,
			&events->trackers[3]);
	if (rc == 0)
		rc = host->quorum_watch(events->ctx, see_quorum, events);
	if (rc == 0)
		rc = host->timer_add(events->ctx, host->now_ns(events->ctx) + LOOK_NS, look, events, &events->timer);
	return rc;
}

int events_create(const struct coterie_host *host, struct coterie_ctx *ctx, void (*tell)(void *arg), void *arg,
	struct events **out)
{
	struct events *events = calloc(1, sizeof(*events));

	if (events == NULL)
		return -ENOMEM;
	*events = (struct events){.host = host, .ctx = ctx, .tell = tell, .arg = arg, .has_new_plugins = true};
	/* Start above all numbers that an earlier daemon can have used. */
	events->first = events->next = (uint64_t)time(NULL) * 1000;
	know_members(events);
	int rc = follow(events);
	if (rc < 0) {
		events_destroy(events);
		return rc;
	}
	*out = events;
	return 0;
}

void events_destroy(struct events *events)
{
	if (events == NULL)
		return;
	for (size_t i = 0; i < sizeof(events->trackers) / sizeof(events->trackers[0]); i++)
		events->host->map_untrack(events->ctx, events->trackers[i]);
	events->host->timer_del(events->ctx, events->timer);
	for (uint32_t i = 0; i < EVENTS_KEPT; i++)
		free(events->kept[i].text);
	json_object_put(events->left);
	free(events->nodes);
	free(events);
}

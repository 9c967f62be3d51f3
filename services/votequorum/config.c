/* SPDX-License-Identifier: BSD-3-Clause */
#include "services/votequorum/votequorum.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define DEVICE_TIMEOUT_MS 10000u
#define DEVICE_SYNC_TIMEOUT_MS 30000u
#define WINDOW_MS 10000u
#define BARRIER_FILE "ev_tracking"
#define STORE_PAUSE_NS UINT64_C(1000000000)
#define STORE_COMPLAINT_NS UINT64_C(10000000000)

/* The votes in the configured node list. */
struct nodelist {
	bool is_there;
	uint32_t count;
	uint32_t votes; /* votes of all nodes */
	uint32_t own_votes;
	struct vote_list ids; /* ascending */
};

/* The values that were read from the keys, before they take effect. */
struct reading {
	bool is_start;
	uint32_t expected; /* quorum.expected_votes; 0: not set */
	struct nodelist nodes;
	bool has_device_votes;
	uint32_t device_votes;
	struct vote_options options;
	struct votequorum_config config;
};

/* ---- Keys ---------------------------------------------------------------- */

static int key_of_type(const struct votequorum *vq, const char *key, uint32_t type, struct coterie_map_value *value)
{
	int rc = vq->host->map_read(vq->ctx, COTERIE_MAP_CONFIG, key, value);

	return rc < 0 || value->type != type ? -ENOENT : 0;
}

int votequorum_key_u32(const struct votequorum *vq, const char *key, uint32_t *value)
{
	struct coterie_map_value found;

	if (key_of_type(vq, key, COTERIE_MAP_U32, &found) < 0 || found.size != sizeof(*value))
		return -ENOENT;
	memcpy(value, found.bytes, sizeof(*value));
	return 0;
}

int votequorum_key_u8(const struct votequorum *vq, const char *key, uint8_t *value)
{
	struct coterie_map_value found;

	if (key_of_type(vq, key, COTERIE_MAP_U8, &found) < 0 || found.size != sizeof(*value))
		return -ENOENT;
	memcpy(value, found.bytes, sizeof(*value));
	return 0;
}

static uint32_t key_or(const struct votequorum *vq, const char *key, uint32_t otherwise)
{
	uint32_t value;

	return votequorum_key_u32(vq, key, &value) == 0 ? value : otherwise;
}

static bool key_is_on(const struct votequorum *vq, const char *key)
{
	uint8_t value;

	return votequorum_key_u8(vq, key, &value) == 0 && value != 0;
}

/* Return the text of a key, borrowed until the key changes. NULL: no such key */
static const char *key_string(const struct votequorum *vq, const char *key)
{
	struct coterie_map_value found;

	return key_of_type(vq, key, COTERIE_MAP_STRING, &found) == 0 ? found.bytes : NULL;
}

static uint32_t add(uint32_t a, uint32_t b) { return b > UINT32_MAX - a ? UINT32_MAX : a + b; }

static int compare_ids(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

/* Note the id of a node. Its key may be missing. @return 0; -ENOMEM */
static int add_id(const struct votequorum *vq, struct nodelist *nodes, unsigned int position)
{
	struct vote_list *ids = &nodes->ids;
	char key[64];
	uint32_t nodeid;

	snprintf(key, sizeof(key), "nodelist.node.%u.nodeid", position);
	if (votequorum_key_u32(vq, key, &nodeid) < 0)
		return 0;
	if ((ids->count & (ids->count - 1)) == 0) { /* a power of two: there is no room left */
		uint32_t *grown = reallocarray(ids->nodeids, ids->count == 0 ? 1 : 2 * ids->count, sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		ids->nodeids = grown;
	}
	ids->nodeids[ids->count++] = nodeid;
	return 0;
}

static void forget_ids(struct nodelist *nodes)
{
	free(nodes->ids.nodeids);
	nodes->ids = (struct vote_list){.count = 0};
}

/* Read the nodes and votes of the node list. The keys of one node follow each other in the iteration. */
static int read_nodelist(const struct votequorum *vq, struct nodelist *nodes)
{
	static const char prefix[] = "nodelist.node.";
	struct coterie_map_iterator *iterator;
	uint32_t local, last = UINT32_MAX;
	const char *key;
	int rc = 0;

	*nodes = (struct nodelist){.is_there = false};
	if (votequorum_key_u32(vq, "nodelist.local_node_pos", &local) < 0)
		return 0;
	if (vq->host->map_iterate(vq->ctx, COTERIE_MAP_CONFIG, prefix, &iterator) < 0)
		return -ENOMEM;
	while (rc == 0 && (key = vq->host->map_iterate_next(iterator, NULL)) != NULL) {
		unsigned int position;
		char votes_key[64];

		if (sscanf(key + sizeof(prefix) - 1, "%u.", &position) != 1 || position == last)
			continue;
		last = position;
		snprintf(votes_key, sizeof(votes_key), "%s%u.quorum_votes", prefix, position);

		uint32_t votes = key_or(vq, votes_key, 1);

		nodes->count++;
		nodes->votes = add(nodes->votes, votes);
		if (position == local)
			nodes->own_votes = votes;
		rc = add_id(vq, nodes, position);
	}
	vq->host->map_iterate_end(iterator);
	nodes->is_there = nodes->count > 0;
	if (rc == 0 && nodes->ids.count > 1)
		qsort(nodes->ids.nodeids, nodes->ids.count, sizeof(*nodes->ids.nodeids), compare_ids);
	return rc;
}

static void read_device(const struct votequorum *vq, struct reading *reading)
{
	const char *model = key_string(vq, "quorum.device.model");
	struct votequorum_config *config = &reading->config;

	config->has_device = model != NULL && *model != '\0';
	config->is_device_usable = true;
	config->device_timeout_ms = key_or(vq, "quorum.device.timeout", DEVICE_TIMEOUT_MS);
	config->device_sync_timeout_ms = key_or(vq, "quorum.device.sync_timeout", DEVICE_SYNC_TIMEOUT_MS);
	reading->has_device_votes = votequorum_key_u32(vq, "quorum.device.votes", &reading->device_votes) == 0;
}

/* Read the tie-breaker: "lowest", "highest", or node ids. @return 0; -ENOMEM */
static int read_tie_breaker(const struct votequorum *vq, struct votequorum_config *config)
{
	const char *text = key_string(vq, "quorum.auto_tie_breaker_node");
	uint32_t *nodeids;
	uint32_t count = 0;

	config->tie_breaker = VOTE_TIE_NONE;
	config->is_tie_breaker_set = key_is_on(vq, "quorum.auto_tie_breaker");
	if (!config->is_tie_breaker_set)
		return 0;
	config->tie_breaker = VOTE_TIE_LOWEST;
	if (text == NULL || strcmp(text, "lowest") == 0)
		return 0;
	config->tie_breaker = VOTE_TIE_HIGHEST;
	if (strcmp(text, "highest") == 0)
		return 0;
	nodeids = malloc((strlen(text) + 1) * sizeof(*nodeids));
	if (nodeids == NULL)
		return -ENOMEM;
	for (char *end; *text != '\0'; text = end) {
		unsigned long long nodeid = strtoull(text, &end, 10);

		if (end == text || nodeid == 0 || nodeid > UINT32_MAX)
			break;
		nodeids[count++] = (uint32_t)nodeid;
	}
	if (count == 0) {
		vq->host->log(vq->ctx, LOG_WARNING,
			"quorum.auto_tie_breaker_node is neither lowest nor highest nor a list of "
			"node ids: auto_tie_breaker is off");
		config->tie_breaker = VOTE_TIE_NONE;
		free(nodeids);
		return 0;
	}
	config->tie_breaker = VOTE_TIE_LIST;
	config->tie_list = (struct vote_list){.nodeids = nodeids, .count = count};
	return 0;
}

/* Read the options that can be set only at the start. @return 0; -ENOMEM */
static int read_start(const struct votequorum *vq, struct reading *reading)
{
	struct vote_options *options = &reading->options;
	uint8_t value;

	reading->config.is_wait_for_all_set = votequorum_key_u8(vq, "quorum.wait_for_all", &value) == 0;
	options->has_wait_for_all = key_is_on(vq, "quorum.wait_for_all");
	options->has_last_man_standing = key_is_on(vq, "quorum.last_man_standing");
	reading->config.window_ms = key_or(vq, "quorum.last_man_standing_window", WINDOW_MS);
	options->has_downscale = key_is_on(vq, "quorum.allow_downscale");
	options->has_tracking = options->has_downscale || key_is_on(vq, "quorum.expected_votes_tracking");
	return read_tie_breaker(vq, &reading->config);
}

/* ---- Contradictions ------------------------------------------------------ */

/* Log an error. It ends a start, but not a running daemon. */
static int refuse(const struct votequorum *vq, const struct reading *reading, const char *text)
{
	vq->host->log(vq->ctx, LOG_CRIT, "configuration error: %s", text);
	return reading->is_start ? -EINVAL : 0;
}

static int refuse_device(const struct votequorum *vq, struct reading *reading, const char *text)
{
	int rc = refuse(vq, reading, text);

	if (rc == 0)
		vq->host->log(vq->ctx, LOG_CRIT, "quorum device operations are disabled");
	reading->config.is_device_usable = false;
	return rc;
}

static int check_two_node(const struct votequorum *vq, struct reading *reading)
{
	if (!reading->options.has_two_node || !reading->config.has_device)
		return 0;

	int rc = refuse(vq, reading, "two_node and quorum device cannot be configured at the same time!");

	if (rc < 0)
		return rc;
	if (votequorum_is_registered(vq)) {
		vq->host->log(vq->ctx, LOG_CRIT, "quorum device is registered: two_node is off");
		reading->options.has_two_node = false;
	} else {
		vq->host->log(
			vq->ctx, LOG_CRIT, "quorum device is not registered: two_node is on, the device is disabled");
		reading->config.is_device_usable = false;
	}
	return 0;
}

/*
 * Check the tie-breaker. @return 0; -EINVAL, also while the daemon runs: the caller then uses no value of this reading
 */
static int check_tie_breaker(const struct votequorum *vq, struct reading *reading)
{
	struct vote_options *options = &reading->options;

	if (options->has_two_node && options->tie_breaker != VOTE_TIE_NONE) {
		vq->host->log(vq->ctx, LOG_CRIT, "two_node and auto_tie_breaker exclude each other: two_node is off");
		options->has_two_node = false;
	}
	if (options->tie_breaker == VOTE_TIE_NONE || reading->nodes.votes % 2 == 0 || options->has_wait_for_all)
		return 0;
	if (options->has_last_man_standing) {
		refuse(vq, reading, "auto_tie_breaker & last_man_standing not available in odd sized cluster");
		return -EINVAL;
	}
	vq->host->log(vq->ctx, LOG_CRIT, "auto_tie_breaker needs an even number of votes or wait_for_all: it is off");
	options->tie_breaker = VOTE_TIE_NONE;
	return 0;
}

static int check_device(const struct votequorum *vq, struct reading *reading)
{
	const struct vote_options *options = &reading->options;
	const struct nodelist *nodes = &reading->nodes;
	uint32_t votes = reading->device_votes;

	if (!reading->config.has_device)
		return 0;
	if (options->has_last_man_standing)
		return refuse_device(vq, reading, "quorum.device is not compatible with last_man_standing");
	if (options->tie_breaker != VOTE_TIE_NONE)
		return refuse_device(vq, reading, "quorum.device is not compatible with auto_tie_breaker");
	if (options->has_downscale)
		return refuse_device(vq, reading, "quorum.device is not compatible with allow_downscale");
	if (reading->expected != 0 && !reading->has_device_votes)
		return refuse_device(
			vq, reading, "quorum.device.votes must be specified when quorum.expected_votes is set");
	if (!reading->has_device_votes && nodes->count != nodes->votes)
		return refuse_device(vq, reading, "quorum.device.votes must be specified when not all nodes votes 1");
	if (reading->has_device_votes && votes > 0 && reading->expected != 0 &&
		(reading->expected < votes || reading->expected - votes < 2))
		return refuse_device(vq, reading, "quorum.device.votes is too high or expected_votes is too low");
	return 0;
}

/* ---- Applying the values ------------------------------------------------- */

static void put_in_force(struct votequorum *vq, struct reading *reading)
{
	struct vote_calc *calc = &vq->calc;
	struct vote_node *local = vote_local(calc);
	const struct nodelist *nodes = &reading->nodes;
	uint32_t expected = reading->expected;
	uint32_t device_votes = reading->device_votes;
	uint32_t sum = nodes->votes;

	if (reading->config.has_device && !reading->has_device_votes && expected == 0 && nodes->count == nodes->votes) {
		device_votes = nodes->count > 0 ? nodes->count - 1 : 0;
		sum = add(sum, device_votes);
		reading->has_device_votes = true;
	}
	/* As in Corosync, the barrier replaces quorum.expected_votes. With a node list, even a barrier of 0 does so. */
	if (reading->options.has_tracking && (nodes->is_there || calc->tracking_barrier != 0))
		expected = calc->tracking_barrier;
	if (nodes->is_there) {
		local->votes = nodes->own_votes;
		local->expected_votes = sum;
	} else {
		local->votes = key_or(vq, "quorum.votes", 1);
	}
	if (expected != 0)
		local->expected_votes = expected;
	if (!reading->config.has_device)
		calc->device_votes = 0;
	else if (reading->has_device_votes)
		calc->device_votes = device_votes;
	calc->ev_barrier = local->expected_votes;
	calc->options = reading->options;
	calc->options.tie_list = reading->config.tie_list;
	vq->config = reading->config;
	free(calc->configured.nodeids);
	calc->configured = nodes->ids;
	if (reading->is_start && reading->options.has_wait_for_all)
		vote_set_waiting(calc, true);
	if (!reading->is_start && !reading->options.has_wait_for_all)
		vote_set_waiting(calc, false);
}

/* Read and check all keys. @return 0; -EINVAL: the error was logged, and nothing changed; -ENOMEM */
static int read_all(struct votequorum *vq, struct reading *reading)
{
	int rc = read_nodelist(vq, &reading->nodes);

	if (rc < 0)
		return rc;
	reading->expected = key_or(vq, "quorum.expected_votes", 0);
	read_device(vq, reading);
	if (!reading->nodes.is_there && reading->expected == 0) {
		refuse(vq, reading, "nodelist or quorum.expected_votes must be configured!");
		if (!reading->is_start)
			vq->host->log(vq->ctx, LOG_CRIT, "will continue with current runtime data");
		return -EINVAL;
	}
	reading->options.has_two_node = key_is_on(vq, "quorum.two_node");
	rc = check_two_node(vq, reading);
	if (rc == 0 && reading->is_start)
		rc = read_start(vq, reading);
	if (rc < 0)
		return rc;
	if (!reading->config.is_wait_for_all_set)
		reading->options.has_wait_for_all = reading->options.has_two_node;
	reading->options.tie_breaker = reading->config.tie_breaker;
	rc = check_tie_breaker(vq, reading);
	return rc < 0 ? rc : check_device(vq, reading);
}

/* Read the barrier from the state file. If there is no file, store 0, to check that the file can be written. */
static int load_barrier(struct votequorum *vq)
{
	uint32_t barrier = 0;
	int size = vq->host->state_file_read(vq->ctx, BARRIER_FILE, &barrier, sizeof(barrier));

	if (size != (int)sizeof(barrier)) {
		if (size >= 0)
			vq->host->log(vq->ctx, LOG_WARNING,
				"state file " BARRIER_FILE " has %d bytes, not 4: its value is not used", size);
		barrier = 0;
		if ((size < 0 && size != -ENOENT) ||
			vq->host->state_file_write(vq->ctx, BARRIER_FILE, &barrier, sizeof(barrier)) < 0) {
			vq->host->log(vq->ctx, LOG_CRIT, "Unable to load ev_tracking file!");
			return -EIO;
		}
	}
	vq->calc.tracking_barrier = vq->stored_barrier = barrier;
	return 0;
}

static bool is_unstored(const struct votequorum *vq)
{
	return vq->calc.options.has_tracking && vq->calc.tracking_barrier != vq->stored_barrier;
}

/*
 * This node tries to store the barrier each second while its disk fails. The executive's limit of log lines is for floods,
 * and would let each of these lines pass.
 */
static void complain_of_store(struct votequorum *vq)
{
	uint64_t now_ns = vq->host->now_ns(vq->ctx);

	if (now_ns < vq->next_store_complaint_ns)
		return;
	vq->next_store_complaint_ns = now_ns + STORE_COMPLAINT_NS;
	vq->host->log(vq->ctx, LOG_WARNING,
		"the most expected votes seen cannot be stored: a restart of this node forgets them");
}

static void on_stored(void *arg, int rc)
{
	struct votequorum *vq = arg;

	vq->is_storing = false;
	if (rc == 0)
		vq->stored_barrier = vq->storing_barrier;
	else
		complain_of_store(vq);
	votequorum_config_store(vq);
}

/*
 * Store the barrier on a thread of the executive. A crash before the thread is done loses it, as a crash before the timer
 * runs does. The node has sent and shown the value by then, and waits for no file: the other nodes send it again.
 */
static void on_store(void *arg)
{
	struct votequorum *vq = arg;
	uint32_t barrier = vq->calc.tracking_barrier;

	vq->store = NULL;
	if (!is_unstored(vq))
		return;
	if (!COTERIE_HAS(vq->host, state_file_store)) {
		votequorum_config_flush(vq);
		return;
	}
	if (vq->host->state_file_store(vq->ctx, BARRIER_FILE, &barrier, sizeof(barrier), on_stored, vq) == 0) {
		vq->is_storing = true;
		vq->storing_barrier = barrier;
		return;
	}
	complain_of_store(vq);
	votequorum_config_store(vq);
}

/* Store the barrier at most once a second: a member can change it with each message. */
void votequorum_config_store(struct votequorum *vq)
{
	if (!is_unstored(vq) || vq->store != NULL || vq->is_storing)
		return;
	if (vq->host->timer_add(vq->ctx, vq->host->now_ns(vq->ctx) + STORE_PAUSE_NS, on_store, vq, &vq->store) < 0)
		complain_of_store(vq);
}

void votequorum_config_flush(struct votequorum *vq)
{
	uint32_t barrier = vq->calc.tracking_barrier;

	if (!is_unstored(vq) || vq->is_storing)
		return;
	if (vq->host->state_file_write(vq->ctx, BARRIER_FILE, &barrier, sizeof(barrier)) == 0) {
		vq->stored_barrier = barrier;
		return;
	}
	complain_of_store(vq);
	votequorum_config_store(vq);
}

int votequorum_config_start(struct votequorum *vq)
{
	struct reading reading = {.is_start = true};
	int rc = read_all(vq, &reading);

	if (rc == 0 && reading.options.has_tracking)
		rc = load_barrier(vq);
	if (rc < 0) {
		forget_ids(&reading.nodes);
		votequorum_config_fini(&reading.config);
		return rc;
	}
	put_in_force(vq, &reading);
	return 0;
}

int votequorum_config_reread(struct votequorum *vq)
{
	struct reading reading = {.options = vq->calc.options, .config = vq->config};
	int rc = read_all(vq, &reading);

	if (rc == 0)
		put_in_force(vq, &reading);
	else
		forget_ids(&reading.nodes);
	return rc;
}

void votequorum_config_fini(struct votequorum_config *config)
{
	free(config->tie_list.nodeids);
	config->tie_list = (struct vote_list){.count = 0};
}

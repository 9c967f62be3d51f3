/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calculates the numbers of the totem section: the formulas of book configuration, "Timers", the
 * minima, and the runtime.config.totem keys.
 */
#include "config/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/plugin.h>

#include "config/compat.h"

#define TIMEOUT_MIN_MS 30
#define SILENCE_KEY "coterie.totem.silence"
#define SILENCE_MIN_MS 200
#define SILENCE_MAX_MS 3600000
#define SILENCE_QUICK_MS 500
#define SILENCE_CLOUD_MS 30000
/*
 * If the silence budget is below token and consensus, these timers are limited to this percentage of it. Then even an
 * idle ring shows in time that its members are alive. The silence of a member may begin at any time of a hold, and
 * counts from its end. With a budget of 500 ms the ring goes round 7.4 times in a second.
 */
#define SILENCE_HOLD_PERCENT 27
#define SILENCE_RETRANSMIT_PERCENT 20
#define HOLD_MIN_MS 14
#define WINDOW_MAX 4096u /* the engine's limit, far above any useful value */
#define PONG_COUNT 2
#define PATH_LAG_JOINS 4
#define NETMTU_MIN 300
#define NETMTU_MAX 65536

static uint64_t ms_to_ns(uint64_t ms) { return ms * 1000000; }

/* Return a number of the totem section, or `otherwise` if it is absent or 0. */
static uint64_t totem_number(const struct tree *tree, const char *name, uint64_t otherwise)
{
	char key[64];

	snprintf(key, sizeof(key), "totem.%s", name);
	uint64_t number = tree_number(tree, key, 0);

	return number != 0 ? number : otherwise;
}

/* Return a number of the totem section, or `otherwise` if it is absent. 0 is a valid value. */
static uint64_t totem_number_or_0(const struct tree *tree, const char *name, uint64_t otherwise)
{
	char key[64];

	snprintf(key, sizeof(key), "totem.%s", name);
	return tree_number(tree, key, otherwise);
}

static void runtime_set(struct tree *tree, const char *name, uint64_t number)
{
	char key[128];

	/* Sums and products of 32-bit values may be too large. Use the largest value then. */
	if (number > UINT32_MAX)
		number = UINT32_MAX;
	snprintf(key, sizeof(key), "runtime.config.totem.%s", name);
	tree_set_number(tree, key, COTERIE_MAP_U32, number, (struct place){.file = tree->file});
}

struct timers {
	uint64_t token, token_retransmit, hold, join, send_join, consensus, merge, downcheck;
	uint64_t max_network_delay, retransmits, warning;
	uint64_t silence; /* configured silence budget, or 0: not set */
	uint64_t budget;  /* silence budget, if it is shorter than token and consensus together, otherwise 0 */
};

/* --- how long a member may be silent --- */

/* Return the configured budget, or 0 if it is not set, or wrong and reported. */
static uint64_t read_silence(struct tree *tree)
{
	const char *text = tree_text(tree, SILENCE_KEY);
	uint64_t ms;

	if (text == NULL)
		return 0;
	if (strcmp(text, "quick") == 0)
		return SILENCE_QUICK_MS;
	if (strcmp(text, "cloud") == 0)
		return SILENCE_CLOUD_MS;
	if (config_parse_unsigned(text, &ms) < 0) {
		tree_error(tree, tree_place(tree, SILENCE_KEY),
			"'silence' is '%s': give milliseconds, or a word of: quick cloud", text);
		return 0;
	}
	if (ms >= SILENCE_MIN_MS && ms <= SILENCE_MAX_MS)
		return ms;
	tree_error(tree, tree_place(tree, SILENCE_KEY), "'silence' is %" PRIu64 " ms: must be from %d to %d ms", ms,
		SILENCE_MIN_MS, SILENCE_MAX_MS);
	return 0;
}

/*
 * Raise token and consensus to fit a silence budget that is longer than both together, unless the operator has set
 * them.
 */
static void stretch(struct tree *tree, struct timers *timers)
{
	static const char *const keys[] = {"totem.token", "totem.token_coefficient", "totem.consensus"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct tree_item *item = tree_find(tree, keys[i]);

		/*
		 * A coefficient of 0 means no coefficient. For the other keys 0 means the default.
		 */
		if (item == NULL || (item->number == 0 && strcmp(keys[i], "totem.token_coefficient") != 0))
			continue;
		tree_error(tree, tree_place(tree, SILENCE_KEY),
			"'silence' is %" PRIu64 " ms, but '%s' is set, and token and consensus together are %" PRIu64
			" ms: remove '%s', which then follows from 'silence', or lower 'silence'",
			timers->silence, keys[i], timers->token + timers->consensus, keys[i]);
		return;
	}
	timers->token = (timers->silence * 10 + 11) / 22;
	timers->consensus = timers->silence - timers->token;
}

/* Limit a timer to this percentage of the budget. A larger value that the operator has set is an error. */
static uint64_t bounded(struct tree *tree, const struct timers *timers, const char *name, uint64_t ms, uint64_t percent)
{
	uint64_t most = timers->budget * percent / 100;

	if (timers->budget == 0 || ms <= most)
		return ms;
	if (totem_number(tree, name, 0) != 0)
		tree_error(tree, tree_place(tree, SILENCE_KEY),
			"'silence' is %" PRIu64 " ms, but '%s' is %" PRIu64 " ms: remove '%s', or lower it to %" PRIu64
			" ms",
			timers->budget, name, ms, name, most);
	return most;
}

static void apply_silence(struct tree *tree, struct timers *timers)
{
	const char *text = tree_text(tree, SILENCE_KEY);
	uint64_t patience = timers->token + timers->consensus;

	timers->silence = read_silence(tree);
	if (timers->silence > patience)
		stretch(tree, timers);
	else if (timers->silence < patience && (text == NULL || strcmp(text, "cloud") != 0))
		timers->budget = timers->silence; /* `cloud` never shortens the patience */
}

static void compute(struct tree *tree, const struct config *config, struct timers *timers)
{
	uint32_t count = 0;

	*timers = (struct timers){0};

	for (uint32_t i = 0; i < config->node_count; i++)
		count += config->nodes[i].texts[0] != NULL;
	timers->token = totem_number(tree, "token", 3000);
	if (count > 2)
		timers->token += (count - 2) * totem_number_or_0(tree, "token_coefficient", 650);
	if (timers->token > UINT32_MAX)
		timers->token = UINT32_MAX;
	timers->consensus = totem_number(tree, "consensus", (uint64_t)(float)(1.2 * (double)timers->token));
	if (timers->consensus > UINT32_MAX)
		timers->consensus = UINT32_MAX;
	apply_silence(tree, timers);
	timers->retransmits = totem_number(tree, "token_retransmits_before_loss_const", 4);
	timers->token_retransmit = totem_number(
		tree, "token_retransmit", (uint64_t)((double)timers->token / ((double)timers->retransmits + 0.2)));
	double hold = (double)timers->token_retransmit * 0.8 - 10;

	timers->hold = totem_number(tree, "hold", hold < 0 ? 0 : (uint64_t)hold);
	timers->hold = bounded(tree, timers, "hold", timers->hold, SILENCE_HOLD_PERCENT);
	timers->token_retransmit = bounded(
		tree, timers, "token_retransmit", timers->token_retransmit, SILENCE_RETRANSMIT_PERCENT);
	timers->join = totem_number(tree, "join", 50);
	timers->send_join = totem_number_or_0(tree, "send_join", 0);
	timers->merge = totem_number(tree, "merge", 200);
	timers->downcheck = totem_number(tree, "downcheck", 1000);
	timers->max_network_delay = totem_number(tree, "max_network_delay", 50);
	timers->warning = totem_number_or_0(tree, "token_warning", 75);
}

static void check_min(struct tree *tree, const char *name, uint64_t ms, uint64_t min)
{
	char key[64];

	snprintf(key, sizeof(key), "totem.%s", name);
	if (ms >= min)
		return;
	if (totem_number(tree, name, 0) != 0)
		tree_error(tree, tree_place(tree, key), "'%s' is %" PRIu64 " ms: must be at least %" PRIu64 " ms", name,
			ms, min);
	else
		tree_error(tree, tree_place(tree, "totem.token"),
			"'%s' comes out as %" PRIu64 " ms, below %" PRIu64 " ms: raise 'token', lower "
			"'token_retransmits_before_loss_const' or set '%s'",
			name, ms, min, name);
}

static void check(struct tree *tree, const struct timers *timers)
{
	check_min(tree, "token", timers->token, TIMEOUT_MIN_MS);
	if (timers->token >= TIMEOUT_MIN_MS) /* below the minimum, one error is enough */
		check_min(tree, "token_retransmit", timers->token_retransmit, TIMEOUT_MIN_MS);
	if (timers->token_retransmit >= TIMEOUT_MIN_MS)
		check_min(tree, "hold", timers->hold, HOLD_MIN_MS);
	check_min(tree, "join", timers->join, TIMEOUT_MIN_MS);
	if (timers->token >= TIMEOUT_MIN_MS)
		check_min(tree, "consensus", timers->consensus, TIMEOUT_MIN_MS);
	if (timers->consensus >= TIMEOUT_MIN_MS && timers->consensus < timers->join)
		tree_error(tree, tree_place(tree, "totem.consensus"),
			"'consensus' is %" PRIu64 " ms, 'join' is %" PRIu64 " ms: consensus may not be less than "
			"join",
			timers->consensus, timers->join);
	check_min(tree, "merge", timers->merge, TIMEOUT_MIN_MS);
	check_min(tree, "downcheck", timers->downcheck, TIMEOUT_MIN_MS);
	check_min(tree, "max_network_delay", timers->max_network_delay, TIMEOUT_MIN_MS);
	if (timers->warning > 100)
		tree_error(tree, tree_place(tree, "totem.token_warning"),
			"'token_warning' is %" PRIu64 " percent: must be from 0 (off) to 100", timers->warning);
}

/* Read yes or no. Any other value means the default, as in the reference, but with a warning. */
static bool read_yes(struct tree *tree, const char *key, bool otherwise)
{
	const char *text = tree_text(tree, key);

	if (text == NULL)
		return otherwise;
	if (strcmp(text, "yes") == 0)
		return true;
	if (strcmp(text, "no") == 0)
		return false;
	tree_warning(tree, tree_place(tree, key), "'%s' is neither yes nor no: '%s' is taken", text,
		otherwise ? "yes" : "no");
	tree_set_text(tree, key, otherwise ? "yes" : "no");
	return otherwise;
}

static uint32_t read_bounded(struct tree *tree, const char *name, uint32_t otherwise)
{
	uint64_t number = totem_number(tree, name, otherwise);
	char key[64];

	snprintf(key, sizeof(key), "totem.%s", name);
	if (number <= WINDOW_MAX)
		return (uint32_t)number;
	tree_warning(tree, tree_place(tree, key), "'%s' is %" PRIu64 ": %u is taken, the largest that works", name,
		number, WINDOW_MAX);
	return WINDOW_MAX;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Set the ids of all nodes, unless other nodes may join as well. */
static int set_nodes(struct tree *tree, struct config *config, bool is_blocking)
{
	struct totem_options *totem = &config->totem;
	uint32_t *nodes;

	if (!is_blocking || config->node_count == 0)
		return 0;
	nodes = arena_take(tree->arena, config->node_count * sizeof(*nodes));
	if (nodes == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < config->node_count; i++)
		nodes[i] = config->nodes[i].nodeid;
	qsort(nodes, config->node_count, sizeof(*nodes), compare_ids);
	totem->nodes = nodes;
	totem->node_count = config->node_count;
	return 0;
}

static uint64_t ping_step(const struct config *config)
{
	const struct compat_transport *transport = compat_transport(config->transport);

	return transport == NULL ? 0 : transport->ping_step_ms;
}

/* Return the number of answers after which a link counts as up. */
static uint64_t pong_count(const struct tree *tree, uint32_t link)
{
	char key[96];

	snprintf(key, sizeof(key), "totem.interface.%u." COMPAT_LINK_PONG_COUNT, link);
	uint64_t pongs = tree_number(tree, key, 0);

	return pongs != 0 ? pongs : PONG_COUNT;
}

/* Return the time between two pings of a link, in milliseconds. */
static uint64_t ping_interval(const struct tree *tree, uint32_t link, uint64_t token)
{
	char key[96];

	snprintf(key, sizeof(key), "totem.interface.%u." COMPAT_LINK_PING_INTERVAL, link);
	uint64_t interval = tree_number(tree, key, 0);

	return interval != 0 ? interval : token / (2 * pong_count(tree, link));
}

static bool has_link(const struct config *config, uint32_t link)
{
	return config->node_count != 0 && config->nodes[config->local].texts[link] != NULL;
}

/*
 * Return how much later than this node two other nodes may find their link up, in milliseconds. Each node counts the
 * answers to its own pings, which the transport sends in steps. The joins that follow take a few rounds.
 */
static uint64_t path_lag(const struct tree *tree, const struct config *config, const struct timers *timers)
{
	uint64_t interval = 0;

	uint64_t step = ping_step(config);

	if (step == 0)
		return 0;
	for (uint32_t link = 0; link < config->link_count; link++) {
		if (has_link(config, link) && ping_interval(tree, link, timers->token) > interval)
			interval = ping_interval(tree, link, timers->token);
	}
	return (interval + step - 1) / step * step + PATH_LAG_JOINS * timers->join;
}

/*
 * Return the time without an answer after which a link counts as down, in milliseconds. The default depends on the
 * token timeout, and is raised if that is short.
 */
static uint64_t ping_timeout(const struct tree *tree, const struct config *config, uint32_t link, uint64_t token)
{
	char key[96];

	snprintf(key, sizeof(key), "totem.interface.%u." COMPAT_LINK_PING_TIMEOUT, link);
	uint64_t timeout = tree_number(tree, key, 0);

	if (timeout != 0)
		return timeout;
	timeout = token / pong_count(tree, link);
	return timeout < ping_step(config) ? ping_step(config) : timeout;
}

static void publish_links(struct tree *tree, const struct config *config, uint64_t token)
{
	for (uint32_t link = 0; link < config->link_count; link++) {
		char name[96];

		if (!has_link(config, link))
			continue;
		snprintf(name, sizeof(name), "interface.%u." COMPAT_LINK_PING_TIMEOUT, link);
		runtime_set(tree, name, ping_timeout(tree, config, link, token));
		snprintf(name, sizeof(name), "interface.%u." COMPAT_LINK_PING_INTERVAL, link);
		runtime_set(tree, name, ping_interval(tree, link, token));
	}
}

/* Publish values that the map shows with every transport. */
static void publish_defaults(struct tree *tree)
{
	const struct compat_default *one;

	for (uint32_t i = 0; (one = compat_default_at(i)) != NULL; i++) {
		char key[96], runtime[128];

		snprintf(key, sizeof(key), "totem.%s", one->name);
		snprintf(runtime, sizeof(runtime), "runtime.config.%s", key);
		const char *text = tree_text(tree, key);
		const struct place nowhere = {.file = tree->file};

		if (one->type == COTERIE_MAP_STRING)
			tree_set_string(tree, runtime, text == NULL ? one->text : text, nowhere);
		else if (one->type == COTERIE_MAP_U32)
			runtime_set(tree, one->name, totem_number(tree, one->name, one->number));
		else
			tree_set_number(tree, runtime, one->type, tree_number(tree, key, one->number), nowhere);
	}
}

static void publish(struct tree *tree, const struct config *config, const struct timers *timers, bool is_blocking)
{
	const struct totem_options *totem = &config->totem;

	runtime_set(tree, "token", timers->token);
	runtime_set(tree, "token_retransmit", timers->token_retransmit);
	runtime_set(tree, "token_retransmits_before_loss_const", timers->retransmits);
	runtime_set(tree, "token_warning", timers->warning);
	runtime_set(tree, "hold", timers->hold);
	runtime_set(tree, "join", timers->join);
	runtime_set(tree, "send_join", timers->send_join);
	runtime_set(tree, "consensus", timers->consensus);
	if (timers->silence != 0)
		runtime_set(tree, "silence", timers->silence);
	runtime_set(tree, "merge", timers->merge);
	runtime_set(tree, "downcheck", timers->downcheck);
	runtime_set(tree, "max_network_delay", timers->max_network_delay);
	runtime_set(tree, "fail_recv_const", totem->fail_recv_const);
	runtime_set(tree, "seqno_unchanged_const", totem->seqno_unchanged_const);
	runtime_set(tree, "heartbeat_failures_allowed", totem->heartbeat_failures_allowed);
	runtime_set(tree, "window_size", totem->window_size);
	runtime_set(tree, "max_messages", totem->max_messages);
	runtime_set(tree, "miss_count_const", totem->miss_count_const);
	runtime_set(tree, "block_unlisted_ips", is_blocking);
	runtime_set(tree, "cancel_token_hold_on_retransmit", totem->cancel_token_hold_on_retransmit);
	publish_defaults(tree);
	publish_links(tree, config, timers->token);
}

/*
 * payload_max follows from netmtu if the file sets it, otherwise from the transport (book
 * transports, "Sizes").
 */
static void read_netmtu(struct tree *tree, struct config *config)
{
	uint64_t netmtu = totem_number(tree, "netmtu", 0);

	if (netmtu == 0)
		return;
	if (netmtu < NETMTU_MIN || netmtu > NETMTU_MAX) {
		tree_error(tree, tree_place(tree, "totem.netmtu"), "'netmtu' is %" PRIu64 ": must be from %d to %d",
			netmtu, NETMTU_MIN, NETMTU_MAX);
		return;
	}
	config->netmtu = (uint32_t)netmtu;
	config->totem.payload_max = config->netmtu - 2 * 45;
	config->has_payload_max = true;
}

int timers_build(struct tree *tree, struct config *config)
{
	struct totem_options *totem = &config->totem;
	struct timers timers;
	bool is_blocking = read_yes(tree, "totem.block_unlisted_ips", true);

	compute(tree, config, &timers);
	check(tree, &timers);
	read_netmtu(tree, config);
	totem->nodeid = config->node_count == 0 ? 0 : config->nodes[config->local].nodeid;
	totem->token_ns = ms_to_ns(timers.token);
	totem->token_retransmit_ns = ms_to_ns(timers.token_retransmit);
	totem->hold_ns = ms_to_ns(timers.hold);
	totem->join_ns = ms_to_ns(timers.join);
	totem->send_join_ns = ms_to_ns(timers.send_join);
	totem->consensus_ns = ms_to_ns(timers.consensus);
	totem->silence_ns = ms_to_ns(timers.budget);
	totem->merge_ns = ms_to_ns(timers.merge);
	totem->path_lag_ns = ms_to_ns(path_lag(tree, config, &timers));
	totem->max_network_delay_ns = ms_to_ns(timers.max_network_delay);
	totem->token_warning_percent = (uint32_t)timers.warning;
	totem->heartbeat_failures_allowed = (uint32_t)totem_number_or_0(tree, "heartbeat_failures_allowed", 0);
	totem->fail_recv_const = (uint32_t)totem_number(tree, "fail_recv_const", 2500);
	totem->seqno_unchanged_const = (uint32_t)totem_number(tree, "seqno_unchanged_const", 30);
	totem->window_size = read_bounded(tree, "window_size", 50);
	totem->max_messages = read_bounded(tree, "max_messages", 17);
	totem->rotation_target_ns = TOTEM_ROTATION_NS(config->node_count);
	totem->miss_count_const = (uint32_t)totem_number(tree, "miss_count_const", 5);
	totem->cancel_token_hold_on_retransmit = read_yes(tree, "totem.cancel_token_hold_on_retransmit", false);
	int rc = set_nodes(tree, config, is_blocking);

	if (rc < 0)
		return rc;
	publish(tree, config, &timers, is_blocking);
	return tree->is_out_of_memory ? -ENOMEM : 0;
}

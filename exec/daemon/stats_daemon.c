/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/daemon/stats_daemon.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "config/model.h"
#include "exec/host/host.h"
#include "exec/life/map_options.h"
#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/map/map.h"
#include "exec/plugin/plugin_load.h"
#include "exec/ring/eviction.h"
#include "exec/ring/ring.h"
#include "exec/ring/ring_account.h"
#include "exec/stats/histogram.h"
#include "exec/stats/stats.h"

#define TEXT_MAX 256 /* room for a value, NUL included */

struct stats_daemon {
	struct stats_daemon_parts parts;
	uint64_t started_ns;
	uint64_t started_ms; /* milliseconds since the epoch */
	struct stats_process process;
	const char *newer_key; /* path, or NULL */
	uint64_t newer_key_until_ns;
};

static const struct config *config_of(const struct stats_daemon *daemon) { return *daemon->parts.config; }

/* Copy a text to a value. NULL: the plugin has no description or version, so the value is empty. */
static uint32_t put_text(void *value, const char *text)
{
	size_t length = text == NULL ? 0 : strlen(text);

	if (length > TEXT_MAX - 1)
		length = TEXT_MAX - 1;
	if (length > 0)
		memcpy(value, text, length);
	((char *)value)[length] = '\0';
	return (uint32_t)length + 1;
}

static uint32_t put_u32(void *value, uint32_t number)
{
	memcpy(value, &number, sizeof(number));
	return sizeof(number);
}

/* --- the daemon --- */

static uint32_t read_version(void *arg, void *value)
{
	(void)arg;
	return put_text(value, PACKAGE_VERSION);
}

/*
 * Read the features of this build beyond Corosync that other nodes or clients must support as well, and options of the
 * build.
 */
static uint32_t read_features(void *arg, void *value)
{
	static const char features[] = "channels early linger probe safe"
#ifdef STATIC_BINARY
				       " static"
#endif
		;

	(void)arg;
	return put_text(value, features);
}

static uint32_t read_pid(void *arg, void *value)
{
	(void)arg;
	return put_u32(value, (uint32_t)getpid());
}

static uint32_t read_uptime(void *arg, void *value)
{
	const struct stats_daemon *daemon = arg;
	uint64_t uptime_ms = (loop_now_ns(daemon->parts.loop) - daemon->started_ns) / 1000000;

	return stats_put_u64(value, uptime_ms);
}

/*
 * Read the time of the start, in milliseconds since the epoch. It was computed once, so it does not change when the
 * clock is set.
 */
static uint32_t read_start(void *arg, void *value)
{
	return stats_put_u64(value, ((const struct stats_daemon *)arg)->started_ms);
}

static uint32_t read_instance(void *arg, void *value)
{
	return put_text(value, ((const struct stats_daemon *)arg)->parts.instance);
}

static uint32_t read_node_id(void *arg, void *value)
{
	return put_u32(value, ((const struct stats_daemon *)arg)->parts.nodeid);
}

static uint32_t read_file(void *arg, void *value) { return put_text(value, config_of(arg)->file); }

static uint32_t read_key_file(void *arg, void *value) { return put_text(value, config_of(arg)->key_path); }

/* Search for a newer key file again and again, since an administrator may copy one while the daemon runs. */
static uint32_t read_newer_key(void *arg, void *value)
{
	struct stats_daemon *daemon = arg;
	uint64_t now_ns = loop_now_ns(daemon->parts.loop);

	if (now_ns >= daemon->newer_key_until_ns) {
		daemon->newer_key = config_newer_key(config_of(daemon));
		daemon->newer_key_until_ns = now_ns + STATS_KEEP_NS;
	}
	return put_text(value, daemon->newer_key);
}

static uint32_t read_state(void *arg, void *value)
{
	static const char *const names[] = {
		[TOTEM_OPERATIONAL] = "operational",
		[TOTEM_GATHER] = "gather",
		[TOTEM_COMMIT] = "commit",
		[TOTEM_RECOVERY] = "recovery",
	};
	const struct stats_daemon *daemon = arg;

	const char *phase = daemon->parts.phase(daemon->parts.arg);

	return put_text(value, phase != NULL ? phase : names[totem_engine_state(ring_engine(daemon->parts.ring))]);
}

/* Return the engine. NULL: the ring has not started, or has ended. */
static const struct totem_engine *engine_of(const struct stats_daemon *daemon)
{
	return ring_engine(daemon->parts.ring);
}

/* Read pairs like "1-3 2-3": a member, and a node that is kept out because the two do not hear each other. */
static uint32_t read_unheard(void *arg, void *value)
{
	const struct stats_daemon *daemon = arg;
	char text[TEXT_MAX];
	size_t length = 0;
	uint32_t member, node;

	text[0] = '\0';
	for (uint32_t i = 0; engine_of(daemon) != NULL && length + 24 < sizeof(text) &&
			     totem_engine_unheard(engine_of(daemon), i, &member, &node);
		i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%" PRIu32 "-%" PRIu32,
			i == 0 ? "" : " ", member, node);
	return put_text(value, text);
}

/*
 * Read texts like "2-1300-8030": member 2 is silent for 1300 ms, and is evicted after 8030 ms. The end "-answers" or
 * "-silent" says whether its host answers, if that is known.
 */
static uint32_t read_silent(void *arg, void *value)
{
	const struct stats_daemon *daemon = arg;
	struct totem_silence silence;
	char text[TEXT_MAX];
	size_t length = 0;

	text[0] = '\0';
	for (uint32_t i = 0; engine_of(daemon) != NULL && length + 64 < sizeof(text) &&
			     totem_engine_silent(engine_of(daemon), loop_now_ns(daemon->parts.loop), i, &silence);
		i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length,
			"%s%" PRIu32 "-%" PRIu64 "-%" PRIu64 "%s%s", i == 0 ? "" : " ", silence.nodeid,
			silence.silent_ns / 1000000, silence.budget_ns / 1000000,
			silence.witness == TOTEM_WITNESS_UNKNOWN ? "" : "-", eviction_witness_name(silence.witness));
	return put_text(value, text);
}

/* --- the lease --- */

static uint32_t read_is_held(void *arg, void *value)
{
	const struct stats_daemon *daemon = arg;

	*(uint8_t *)value = engine_of(daemon) == NULL ||
			    totem_engine_has_lease(engine_of(daemon), loop_now_ns(daemon->parts.loop));
	return sizeof(uint8_t);
}

static uint32_t read_lease(void *arg, void *value)
{
	const struct stats_daemon *daemon = arg;

	return stats_put_u64(value, engine_of(daemon) == NULL ? 0 : totem_engine_lease(engine_of(daemon)) / 1000000);
}

static uint32_t read_lapse(void *arg, void *value)
{
	const struct stats_daemon *daemon = arg;
	uint64_t lapsed_ns = daemon->parts.account->lapsed_ns;

	return stats_put_u64(value, lapsed_ns == 0 ? 0 : (loop_now_ns(daemon->parts.loop) - lapsed_ns) / 1000000);
}

/* --- the log --- */

static const struct level {
	const char *name;
	int first, last;
} levels[] = {
	{"error", LOG_EMERG, LOG_ERR},
	{"warning", LOG_WARNING, LOG_WARNING},
	{"notice", LOG_NOTICE, LOG_NOTICE},
	{"info", LOG_INFO, LOG_INFO},
	{"debug", LOG_DEBUG, LOG_DEBUG},
	{"trace", LOG_TRACE, LOG_TRACE},
};

static uint32_t read_lines(void *arg, void *value)
{
	const struct level *level = arg;
	uint64_t lines = 0;

	for (int prio = level->first; prio <= level->last; prio++)
		lines += log_count(prio);
	return stats_put_u64(value, lines);
}

static int add_levels(struct stats *stats)
{
	char key[64];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(levels) / sizeof(levels[0]); i++) {
		snprintf(key, sizeof(key), "stats.coterie.log.%s", levels[i].name);
		rc = stats_add(stats, NULL, key, COTERIE_MAP_U64, read_lines, (void *)(uintptr_t)&levels[i]);
	}
	return rc;
}

static int add_all(struct stats_daemon *daemon)
{
	static const struct {
		const char *key;
		uint32_t type;
		coterie_stat_read read;
	} values[] = {
		{"stats.coterie.config_file", COTERIE_MAP_STRING, read_file},
		{"stats.coterie.features", COTERIE_MAP_STRING, read_features},
		{"stats.coterie.instance", COTERIE_MAP_STRING, read_instance},
		{"stats.coterie.key_file", COTERIE_MAP_STRING, read_key_file},
		{"stats.coterie.key_file_newer", COTERIE_MAP_STRING, read_newer_key},
		{"stats.coterie.lease.held", COTERIE_MAP_U8, read_is_held},
		{"stats.coterie.lease.lapsed_ms", COTERIE_MAP_U64, read_lapse},
		{"stats.coterie.lease.length_ms", COTERIE_MAP_U64, read_lease},
		{"stats.coterie.node_id", COTERIE_MAP_U32, read_node_id},
		{"stats.coterie.pid", COTERIE_MAP_U32, read_pid},
		{"stats.coterie.silent", COTERIE_MAP_STRING, read_silent},
		{"stats.coterie.start_time_ms", COTERIE_MAP_U64, read_start},
		{"stats.coterie.state", COTERIE_MAP_STRING, read_state},
		{"stats.coterie.unheard", COTERIE_MAP_STRING, read_unheard},
		{"stats.coterie.uptime_ms", COTERIE_MAP_U64, read_uptime},
		{"stats.coterie.version", COTERIE_MAP_STRING, read_version},
	};
	const struct stats_daemon_parts *parts = &daemon->parts;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(values) / sizeof(values[0]); i++)
		rc = stats_add(parts->stats, NULL, values[i].key, values[i].type, values[i].read, daemon);
	if (rc == 0)
		rc = ring_account_offer(parts->account, parts->stats);
	if (rc == 0)
		rc = histogram_offer(parts->stats, NULL, "timers_late", parts->timers_late);
	if (rc == 0)
		rc = add_levels(parts->stats);
	return rc < 0 ? rc : stats_process_add(parts->stats, &daemon->process);
}

struct stats_daemon *stats_daemon_create(const struct stats_daemon_parts *parts)
{
	struct stats_daemon *daemon = calloc(1, sizeof(*daemon));
	struct timespec now;

	if (daemon == NULL)
		return NULL;
	clock_gettime(CLOCK_REALTIME, &now);
	daemon->parts = *parts;
	daemon->process = (struct stats_process){.loop = parts->loop, .ring = parts->ring};
	daemon->started_ns = loop_now_ns(parts->loop);
	daemon->started_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	if (add_all(daemon) == 0)
		return daemon;
	stats_forget(parts->stats, NULL); /* remove the keys: they would be read from freed memory */
	free(daemon);
	return NULL;
}

void stats_daemon_destroy(struct stats_daemon *daemon) { free(daemon); }

/* --- plugins --- */

static uint32_t read_kind(void *arg, void *value)
{
	const struct plugin *plugin = arg;

	return put_text(value, plugin->descriptor->kind == COTERIE_KIND_TRANSPORT ? "transport"
			       : plugin->descriptor->kind == COTERIE_KIND_SERVICE ? "service"
										  : "extension");
}

static uint32_t read_plugin_version(void *arg, void *value)
{
	return put_text(value, ((const struct plugin *)arg)->descriptor->version);
}

static uint32_t read_description(void *arg, void *value)
{
	return put_text(value, ((const struct plugin *)arg)->descriptor->description);
}

static uint32_t read_abi(void *arg, void *value)
{
	const struct plugin *plugin = arg;
	char text[16];

	snprintf(text, sizeof(text), "%u.%u", plugin->descriptor->abi_major, plugin->descriptor->abi_minor);
	return put_text(value, text);
}

static uint32_t read_path(void *arg, void *value) { return put_text(value, ((const struct plugin *)arg)->path); }

static uint32_t read_given(void *arg, void *value)
{
	char names[TEXT_MAX];

	map_option_names(arg, names, sizeof(names));
	return put_text(value, names);
}

static uint32_t read_plugin_state(void *arg, void *value)
{
	const struct plugin *plugin = arg;

	return put_text(value, plugin->state == PLUGIN_DRAINING  ? "draining"
			       : plugin->state == PLUGIN_STOPPED ? "unloaded"
								 : "active");
}

static uint32_t read_service_id(void *arg, void *value)
{
	return put_u32(value, ((const struct plugin *)arg)->service.ring_id);
}

static uint32_t read_timers(void *arg, void *value)
{
	uint32_t timers, descriptors;

	host_resources_count(arg, &timers, &descriptors);
	return put_u32(value, timers);
}

static uint32_t read_descriptors(void *arg, void *value)
{
	uint32_t timers, descriptors;

	host_resources_count(arg, &timers, &descriptors);
	return put_u32(value, descriptors);
}

void stats_plugin_add(struct stats *stats, struct plugin *plugin)
{
	static const struct {
		const char *name;
		uint32_t type;
		coterie_stat_read read;
	} values[] = {
		{"abi", COTERIE_MAP_STRING, read_abi}, {"description", COTERIE_MAP_STRING, read_description},
		{"descriptors", COTERIE_MAP_U32, read_descriptors}, {"file", COTERIE_MAP_STRING, read_path},
		{"kind", COTERIE_MAP_STRING, read_kind}, {"state", COTERIE_MAP_STRING, read_plugin_state},
		{"timers", COTERIE_MAP_U32, read_timers}, {"version", COTERIE_MAP_STRING, read_plugin_version},
		{"service_id", COTERIE_MAP_U32, read_service_id}, /* only services have this key */
	};
	size_t count = sizeof(values) / sizeof(values[0]);
	char key[MAP_KEY_LENGTH_MAX + 1];

	if (plugin->descriptor->kind != COTERIE_KIND_SERVICE)
		count--;
	for (size_t i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "stats.plugins.%s.%s", plugin->name, values[i].name);
		stats_add(stats, plugin->descriptor, key, values[i].type, values[i].read, plugin);
	}
	if (plugin->overrides == NULL || plugin->overrides->count == 0)
		return;
	snprintf(key, sizeof(key), "stats.plugins.%s.given", plugin->name);
	stats_add(stats, plugin->descriptor, key, COTERIE_MAP_STRING, read_given, plugin);
}

/*
 * Remove the keys that the executive added for a plugin. Their owner is the descriptor. Keys that the plugin itself
 * offered have another owner.
 */
void stats_plugin_del(struct stats *stats, struct plugin *plugin) { stats_forget(stats, plugin->descriptor); }

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The keys of corosync.conf: types, names for "did you mean", and foreign keys that tools and other daemons have in
 * this file (book configuration, "Legacy syntax"). Keys that are not in these tables are kept as strings.
 */
#include "config/tree.h"

#include <string.h>

#include <coterie/plugin.h>

#include "config/words.h"

struct row {
	const char *section;
	uint32_t type;
	int64_t max;       /* largest value, or 0: that of the type */
	const char *names; /* separated by single spaces */
};

/* Names of keys for a target of the log. */
#define LOG_TARGET \
	"to_stderr to_syslog to_logfile to_file logfile logfile_priority syslog_priority " \
	"syslog_level syslog_facility debug tags"

static const struct row rows[] = {
	{"totem", COTERIE_MAP_U32, 0,
		"version nodeid threads token token_coefficient token_retransmit token_warning "
		"hold "
		"token_retransmits_before_loss_const join send_join consensus merge downcheck "
		"fail_recv_const seqno_unchanged_const rrp_token_expired_timeout "
		"rrp_problem_count_timeout rrp_problem_count_threshold "
		"rrp_problem_count_mcast_threshold rrp_autorecovery_check_timeout "
		"heartbeat_failures_allowed max_network_delay window_size max_messages "
		"miss_count_const "
		"knet_pmtud_interval knet_mtu knet_compression_threshold netmtu"},
	{"totem", COTERIE_MAP_I32, 0, "knet_compression_level"},
	{"totem", COTERIE_MAP_U64, 0, "config_version"},
	{"totem", COTERIE_MAP_STRING, 0,
		"transport cluster_name cluster_uuid clear_node_high_bit ip_version ip_dscp "
		"link_mode "
		"crypto_model crypto_cipher crypto_hash crypto_type encryption secauth keyfile key "
		"block_unlisted_ips cancel_token_hold_on_retransmit knet_compression_model "
		"rrp_mode "
		"vsftype"},
	{"totem.interface", COTERIE_MAP_U8, 0, "linknumber ttl knet_link_priority"},
	{"totem.interface", COTERIE_MAP_U16, 0, "mcastport"},
	/* The reference stores these in a signed int and drops larger values without a message. */
	{"totem.interface", COTERIE_MAP_U32, INT32_MAX,
		"knet_ping_interval knet_ping_timeout knet_ping_precision knet_pong_count"},
	{"totem.interface", COTERIE_MAP_STRING, 0, "ringnumber bindnetaddr mcastaddr broadcast knet_transport"},
	{"totem.interface.member", COTERIE_MAP_STRING, 0, "memberaddr"},
	{"nodelist.node", COTERIE_MAP_U32, 0, "nodeid quorum_votes"},
	{"nodelist.node", COTERIE_MAP_STRING, 0,
		"name ring0_addr ring1_addr ring2_addr ring3_addr ring4_addr ring5_addr ring6_addr "
		"ring7_addr datacenterid"},
	{"quorum", COTERIE_MAP_U32, 0, "expected_votes votes last_man_standing_window leaving_timeout"},
	{"quorum", COTERIE_MAP_U8, 0,
		"two_node expected_votes_tracking allow_downscale wait_for_all auto_tie_breaker "
		"last_man_standing"},
	{"quorum", COTERIE_MAP_STRING, 0, "provider auto_tie_breaker_node"},
	{"quorum.device", COTERIE_MAP_U32, 0, "timeout sync_timeout votes"},
	{"quorum.device", COTERIE_MAP_U8, 0, "master_wins"},
	{"quorum.device", COTERIE_MAP_STRING, 0, "model"},
	{"logging", COTERIE_MAP_STRING, 0, LOG_TARGET " timestamp fileline function_name blackbox"},
	{"logging.logger_subsys", COTERIE_MAP_STRING, 0, "subsys " LOG_TARGET},
	{"logging.logging_daemon", COTERIE_MAP_STRING, 0, "name subsys " LOG_TARGET},
	{"system", COTERIE_MAP_STRING, 0,
		"qb_ipc_type sched_rr priority move_to_root_cgroup allow_knet_handle_fallback "
		"state_dir"},
	{"resources", COTERIE_MAP_U32, 0, "watchdog_timeout"},
	{"resources", COTERIE_MAP_STRING, 0, "watchdog_device"},
	{"resources.system", COTERIE_MAP_U64, 0, "poll_period"},
	{"resources.system.memory_used", COTERIE_MAP_U64, 0, "poll_period"},
	{"resources.system.load_15min", COTERIE_MAP_U64, 0, "poll_period"},
	{"resources.process", COTERIE_MAP_U64, 0, "poll_period"},
	{"resources.process.memory_used", COTERIE_MAP_U64, 0, "poll_period"},
	{"uidgid", COTERIE_MAP_STRING, 0, "uid gid"},
};

/* Sections in which an unknown key is probably a typing error. */
static const char *const closed_sections[] = {
	"totem",
	"totem.interface",
	"nodelist.node",
	"quorum",
	"logging",
	"logging.logger_subsys",
	"system",
};

static const char *const sections[] = {
	"totem",
	"totem.interface",
	"totem.interface.member",
	"nodelist",
	"nodelist.node",
	"quorum",
	"quorum.device",
	"logging",
	"logging.logger_subsys",
	"logging.logging_daemon",
	"system",
	"resources",
	"resources.system",
	"resources.process",
	"uidgid",
	"service",
	"transport",
	"nozzle",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Return the length of the part before the last dot, or 0 without a dot. */
static size_t section_length(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot == NULL ? 0 : (size_t)(dot - path);
}

static bool is_section_of(const char *section, const char *path, size_t length)
{
	return strlen(section) == length && memcmp(section, path, length) == 0;
}

static void set_range(struct schema_key *key, const struct row *row)
{
	key->type = row->type;
	key->min = 0;
	switch (row->type) {
	case COTERIE_MAP_U8:
		key->max = UINT8_MAX;
		break;
	case COTERIE_MAP_U16:
		key->max = UINT16_MAX;
		break;
	case COTERIE_MAP_I32:
		key->min = INT32_MIN;
		key->max = INT32_MAX;
		break;
	default:
		key->max = UINT32_MAX;
	}
	if (row->max != 0)
		key->max = row->max;
}

bool schema_find(const char *path, struct schema_key *key)
{
	size_t length = section_length(path);

	*key = (struct schema_key){.type = COTERIE_MAP_STRING};
	if (length == 0)
		return false;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (is_section_of(rows[i].section, path, length) && config_has_word(rows[i].names, path + length + 1)) {
			set_range(key, &rows[i]);
			return true;
		}
	}
	return false;
}

void schema_each(const char *section, void (*run)(void *arg, const char *name), void *arg)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (strcmp(rows[i].section, section) != 0)
			continue;
		for (const char *at = rows[i].names; *at != '\0';) {
			size_t size = strcspn(at, " ");
			char word[64] = "";

			memcpy(word, at, size); /* every name in the table is shorter than word */
			run(arg, word);
			at += size + (at[size] == ' ');
		}
	}
}

const char *schema_suggest(struct tree *tree, const char *path)
{
	size_t length = section_length(path);
	const char *name = path + length + 1;
	uint32_t best = config_tolerance(name) + 1;
	const char *nearest = NULL;
	size_t nearest_size = 0;

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (!is_section_of(rows[i].section, path, length))
			continue;
		for (const char *at = rows[i].names; *at != '\0';) {
			size_t size = strcspn(at, " ");
			char word[64] = "";

			memcpy(word, at, size); /* every name in the table is shorter than word */
			uint32_t distance = config_distance(name, word, best);

			if (distance < best) {
				best = distance;
				nearest = at;
				nearest_size = size;
			}
			at += size + (at[size] == ' ');
		}
	}
	return nearest == NULL ? NULL : arena_copy(tree->arena, nearest, nearest_size);
}

bool schema_has_section(const char *section)
{
	for (size_t i = 0; i < COUNT(closed_sections); i++)
		if (strcmp(closed_sections[i], section) == 0)
			return true;
	return false;
}

const char *schema_suggest_section(const char *section)
{
	const char *nearest = NULL;
	uint32_t best = 3;

	for (size_t i = 0; i < COUNT(sections); i++) {
		uint32_t distance = config_distance(section, sections[i], 2);

		if (distance == 0)
			return NULL;
		if (distance < best) {
			best = distance;
			nearest = sections[i];
		}
	}
	return nearest;
}

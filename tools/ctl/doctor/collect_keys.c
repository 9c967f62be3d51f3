/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Collect keys: of the running daemon through the client libraries, of a file through the daemon's own parser, and of
 * other nodes.
 */
#include "tools/ctl/doctor/collect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/ctl/daemon.h"
#include "tools/ctl/remote.h"

static const char *const config_sections[] = {"totem.", "nodelist.", "quorum.", "system.", "logging.", "uidgid.",
	"resources.", "service.", "runtime.config.", "runtime.members.", "runtime.votequorum.", "coterie."};
static const char *const stats_sections[] = {
	"stats.coterie.", "stats.srp.", "stats.schedmiss.", "stats.plugins.", "stats.knet.node"};

struct walk {
	struct ctl *ctl;
	enum ctl_service map;
	struct doctor_keys *keys;
};

static bool see(void *arg, const char *key)
{
	struct walk *walk = arg;
	struct json_object *value = fact_value(walk->ctl, walk->map, key, NULL);

	if (value != NULL)
		doctor_keys_add(walk->keys, key, json_object_get_string(value));
	json_object_put(value);
	return true;
}

static void read_sections(
	struct ctl *ctl, enum ctl_service map, const char *const *sections, size_t count, struct doctor_keys *keys)
{
	struct walk walk = {.ctl = ctl, .map = map, .keys = keys};

	for (size_t i = 0; i < count; i++)
		fact_each(ctl, map, sections[i], see, &walk);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void collect_stats(struct ctl *ctl, struct doctor_keys *stats)
{
	int quorate = fact_quorate(ctl);
	char text[8];

	doctor_keys_fini(stats);
	read_sections(ctl, CTL_STATS, stats_sections, COUNT(stats_sections), stats);
	snprintf(text, sizeof(text), "%d", quorate);
	if (quorate >= 0)
		doctor_keys_add(stats, "stats.quorate", text);
}

/* --- the file --- */

static void read_file(struct ctl *ctl, const char *file, struct doctor_keys *keys, struct doctor_facts *facts)
{
	struct json_object *findings = json_object_new_array();
	struct daemon_keys found = {0};

	if (daemon_check(ctl, file, findings) == CTL_INVALID) {
		size_t count = json_object_array_length(findings), last = count > 0 ? count - 1 : 0;
		struct json_object *finding = json_object_array_get_idx(findings, last);
		int64_t line = get_number(finding, "line");

		if (line > 0)
			snprintf(facts->file_problem, sizeof(facts->file_problem), "%.200s:%" PRIi64 ": %.280s",
				file != NULL ? file : "line", line, get_text(finding, "text"));
		else
			snprintf(facts->file_problem, sizeof(facts->file_problem), "%.500s",
				*get_text(finding, "text") != '\0' ? get_text(finding, "text")
								   : "the daemon gives no reason");
	}
	json_object_put(findings);
	if (daemon_read_keys(ctl, file, &found) == 0) {
		facts->is_file_read = true;
		for (size_t i = 0; i < found.count; i++)
			doctor_keys_add(keys, found.list[i].key, found.list[i].value);
	}
	daemon_keys_fini(&found);
	memset(&ctl->error, 0, sizeof(ctl->error)); /* the error has become a finding, or the facts stay unknown */
}

void collect_file(struct ctl *ctl, const char *file, struct doctor_facts *facts)
{
	facts->file_name = file != NULL ? strdup(file) : NULL;
	read_file(ctl, file, &facts->config, facts);
}

int collect_daemon(struct ctl *ctl, struct doctor_facts *facts)
{
	int code = ctl_open(ctl, CTL_CONFIG);

	if (code != 0)
		return code;
	facts->self = fact_local(ctl);
	read_sections(ctl, CTL_CONFIG, config_sections, COUNT(config_sections), &facts->config);
	facts->file_name = daemon_config_file(ctl);
	if (facts->file_name != NULL && access(facts->file_name, R_OK) == 0)
		read_file(ctl, facts->file_name, &facts->file, facts);
	return 0;
}

/* --- other nodes --- */

void collect_joined(struct ctl *ctl, struct doctor_facts *facts)
{
	for (size_t i = 0; i < facts->member_count; i++) {
		struct doctor_member *member = &facts->members[i];
		char key[80];

		snprintf(key, sizeof(key), "runtime.members.%" PRIu32 ".status", member->id);
		char *status = fact_text(ctl, CTL_CONFIG, key);
		member->is_joined = status != NULL && strcmp(status, "joined") == 0;
		free(status);
	}
}

static void ask_node(struct ctl *ctl, struct doctor_node *node)
{
	int code = remote_open(ctl, node->id);

	if (code == 0) {
		read_sections(ctl, CTL_CONFIG, config_sections, COUNT(config_sections), &node->config);
		read_sections(ctl, CTL_STATS, stats_sections, COUNT(stats_sections), &node->stats);
		code = remote_error(ctl);
	}
	node->is_asked = code == 0;
	if (code != 0)
		snprintf(node->why, sizeof(node->why), "%.150s", ctl->error.text);
	remote_close(ctl);
	memset(&ctl->error, 0, sizeof(ctl->error));
}

void collect_nodes(struct ctl *ctl, struct doctor_facts *facts)
{
	struct json_object *nodes = fact_nodes(ctl);

	facts->nodes = calloc(facts->member_count + 1, sizeof(*facts->nodes));
	for (size_t i = 0; facts->nodes != NULL && i < facts->member_count; i++) {
		const struct doctor_member *member = &facts->members[i];

		if (member->is_local || !nodes_has(ctl, nodes, member->id))
			continue;
		struct doctor_node *node = &facts->nodes[facts->node_count++];
		node->id = member->id;
		if (member->is_joined)
			ask_node(ctl, node);
		else
			snprintf(node->why, sizeof(node->why), "it is not in the ring; run doctor there");
	}
	json_object_put(nodes);
}

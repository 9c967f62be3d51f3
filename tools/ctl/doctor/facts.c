/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/ctl/doctor/facts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT 5405 /* see book transports, "udpu" */

/* --- keys --- */

int doctor_keys_add(struct doctor_keys *keys, const char *name, const char *value)
{
	if (keys->count == keys->room) {
		size_t room = keys->room == 0 ? 64 : keys->room * 2;
		struct doctor_key *more = realloc(keys->list, room * sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		keys->list = more;
		keys->room = room;
	}
	struct doctor_key *key = &keys->list[keys->count];

	*key = (struct doctor_key){strdup(name), strdup(value)};
	if (key->name != NULL && key->value != NULL) {
		keys->count++;
		return 0;
	}
	free(key->name);
	free(key->value);
	return -ENOMEM;
}

void doctor_keys_fini(struct doctor_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		free(keys->list[i].name);
		free(keys->list[i].value);
	}
	free(keys->list);
	*keys = (struct doctor_keys){0};
}

const char *doctor_text(const struct doctor_keys *keys, const char *name)
{
	for (size_t i = 0; i < keys->count; i++)
		if (strcmp(keys->list[i].name, name) == 0)
			return keys->list[i].value;
	return NULL;
}

int64_t doctor_number(const struct doctor_keys *keys, const char *name, int64_t otherwise)
{
	const char *text = doctor_text(keys, name);
	char *end;

	if (text == NULL || *text == '\0')
		return otherwise;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	return errno == 0 && (*end == '\0' || *end == '.') ? number : otherwise;
}

bool doctor_is_on(const struct doctor_keys *keys, const char *name, bool otherwise)
{
	const char *text = doctor_text(keys, name);

	if (text == NULL || *text == '\0')
		return otherwise;
	return strcmp(text, "yes") == 0 || strcmp(text, "on") == 0 || doctor_number(keys, name, 0) != 0;
}

/* --- all facts --- */

void doctor_host_init(struct doctor_host *host)
{
	*host = (struct doctor_host){
		.pid = DOCTOR_UNKNOWN,
		.policy = DOCTOR_UNKNOWN,
		.rt_runtime_us = DOCTOR_UNKNOWN,
		.rt_period_us = DOCTOR_UNKNOWN,
		.locked = DOCTOR_UNKNOWN,
		.fds_open = DOCTOR_UNKNOWN,
		.fds_max = DOCTOR_UNKNOWN,
		.receive_buffer = DOCTOR_UNKNOWN,
		.drops = DOCTOR_UNKNOWN,
		.datagrams_in = DOCTOR_UNKNOWN,
		.rmem_max = DOCTOR_UNKNOWN,
		.state_free = DOCTOR_UNKNOWN,
		.state_files_free = DOCTOR_UNKNOWN,
		.shm_free = DOCTOR_UNKNOWN,
		.key_mode = DOCTOR_UNKNOWN,
		.key_size = DOCTOR_UNKNOWN,
		.wait_ms = DOCTOR_UNKNOWN,
		.throttled_ms = DOCTOR_UNKNOWN,
		.steal_percent = DOCTOR_UNKNOWN,
		.cpu_pressure = DOCTOR_UNKNOWN,
		.faults = DOCTOR_UNKNOWN,
		.corosync_pid = DOCTOR_UNKNOWN,
		.other_pid = DOCTOR_UNKNOWN,
	};
}

void doctor_facts_init(struct doctor_facts *facts)
{
	*facts = (struct doctor_facts){.mode = DOCTOR_OF_DAEMON};
	doctor_host_init(&facts->host);
}

void doctor_facts_fini(struct doctor_facts *facts)
{
	doctor_keys_fini(&facts->config);
	doctor_keys_fini(&facts->stats);
	doctor_keys_fini(&facts->stats_before);
	doctor_keys_fini(&facts->file);
	for (size_t i = 0; i < facts->node_count; i++) {
		doctor_keys_fini(&facts->nodes[i].config);
		doctor_keys_fini(&facts->nodes[i].stats);
	}
	free(facts->file_name);
	free(facts->nodes);
	free(facts->members);
	free(facts->paths);
}

/* --- members --- */

static void read_member(const struct doctor_facts *facts, int position, struct doctor_member *member)
{
	char key[80];

	*member = (struct doctor_member){.is_local = false};
	snprintf(key, sizeof(key), "nodelist.node.%d.nodeid", position);
	member->id = (uint32_t)doctor_number(&facts->config, key, 0);
	snprintf(key, sizeof(key), "nodelist.node.%d.quorum_votes", position);
	member->votes = doctor_number(&facts->config, key, 1);
	for (int link = 0; link < DOCTOR_LINKS_MAX; link++) {
		snprintf(key, sizeof(key), "nodelist.node.%d.ring%d_addr", position, link);
		const char *address = doctor_text(&facts->config, key);

		snprintf(
			member->addresses[link], sizeof(member->addresses[link]), "%s", address != NULL ? address : "");
		member->resolve_ms[link] = DOCTOR_UNKNOWN;
	}
	snprintf(key, sizeof(key), "nodelist.node.%d.name", position);
	const char *name = doctor_text(&facts->config, key);
	snprintf(member->name, sizeof(member->name), "%s", name != NULL ? name : member->addresses[0]);
	snprintf(key, sizeof(key), "runtime.members.%" PRIu32 ".status", member->id);
	const char *status = doctor_text(&facts->config, key);
	member->is_joined = status != NULL && strcmp(status, "joined") == 0;
	member->was_joined = member->is_joined;
	member->is_local = doctor_number(&facts->config, "nodelist.local_node_pos", -1) == position ||
			   (facts->self != 0 && member->id == facts->self);
}

int doctor_facts_members(struct doctor_facts *facts)
{
	int last = -1, position;

	free(facts->members);
	facts->members = NULL;
	facts->member_count = 0;
	for (size_t i = 0; i < facts->config.count; i++) {
		if (sscanf(facts->config.list[i].name, "nodelist.node.%d.", &position) != 1 || position == last)
			continue;
		struct doctor_member *more = realloc(facts->members, (facts->member_count + 1) * sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		facts->members = more;
		last = position;
		read_member(facts, position, &more[facts->member_count]);
		if (more[facts->member_count].is_local && facts->self == 0)
			facts->self = more[facts->member_count].id;
		facts->member_count++;
	}
	return 0;
}

struct doctor_member *doctor_member(const struct doctor_facts *facts, uint32_t id)
{
	for (size_t i = 0; i < facts->member_count; i++)
		if (facts->members[i].id == id)
			return &facts->members[i];
	return NULL;
}

/* --- facts from keys --- */

const char *doctor_transport(const struct doctor_facts *facts)
{
	const char *transport = doctor_text(&facts->config, "totem.transport");

	return transport != NULL ? transport : "knet";
}

uint16_t doctor_port(const struct doctor_facts *facts, uint32_t number)
{
	char key[80];

	snprintf(key, sizeof(key), "runtime.config.totem.interface.%" PRIu32 ".mcastport", number);
	int64_t port = doctor_number(&facts->config, key, 0);
	snprintf(key, sizeof(key), "totem.interface.%" PRIu32 ".mcastport", number);
	if (port == 0)
		port = doctor_number(&facts->config, key, 0);
	return port > 0 && port < 65536 ? (uint16_t)port : (uint16_t)(PORT + number);
}

int64_t doctor_growth(const struct doctor_facts *facts, const char *key)
{
	int64_t before = doctor_number(&facts->stats_before, key, DOCTOR_UNKNOWN);
	int64_t after = doctor_number(&facts->stats, key, DOCTOR_UNKNOWN);

	return before < 0 || after < before ? DOCTOR_UNKNOWN : after - before;
}

bool doctor_word_of(const char *list, uint32_t nodeid, char word[16])
{
	uint32_t id;
	int length;

	for (const char *at = list; at != NULL && sscanf(at, "%" SCNu32 "-%15[a-z0-9]%n", &id, word, &length) == 2;
		at += length)
		if (id == nodeid)
			return true;
	return false;
}

int64_t doctor_heard_ms(const struct doctor_keys *stats, uint32_t nodeid)
{
	char word[16];

	return doctor_word_of(doctor_text(stats, "stats.coterie.heard"), nodeid, word) ? strtoll(word, NULL, 10)
										       : DOCTOR_UNKNOWN;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Problems of the node, with advice. */
#include "plugins/common/answers/answers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct json_object *new_issue(
	struct json_object *issues, const char *id, const char *level, const char *text, const char *hint)
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

static bool is_joined(const struct metrics_source *source, int64_t id)
{
	char key[64];

	snprintf(key, sizeof(key), "runtime.members.%" PRIi64 ".status", id);

	char *status = answers_key_text(source, COTERIE_MAP_CONFIG, key);
	bool is_so = status != NULL && strcmp(status, "joined") == 0;

	free(status);
	return is_so;
}

static void look_at_members(const struct metrics_source *source, struct json_object *nodes, struct json_object *issues)
{
	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i);
		int64_t id = get_number(node, "id");
		char key[64], text[256];

		snprintf(key, sizeof(key), "runtime.members.%" PRIi64 ".status", id);
		char *status = answers_key_text(source, COTERIE_MAP_CONFIG, key);
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

/*
 * Add a problem if the lease has lapsed and the last verdict is "quorate". Without quorum, requests are rejected and do
 * not wait for the lease.
 */
static void look_at_lease(const struct metrics_source *source, struct json_object *issues)
{
	struct json_object *lease = answers_lease(source);
	int quorate = source->quorate(source->arg);
	char text[96];

	if (lease != NULL && !get_bool(lease, "held") && (quorate == 1 || quorate == METRICS_QUORATE_NOT_KNOWN)) {
		snprintf(text, sizeof(text), "gates closed: no contact with a majority for %.1f s",
			(double)get_number(lease, "lapsed_ms") / 1000);
		new_issue(issues, "lease.lapsed", "error", text,
			"requests that need quorum wait; look at this node's links and load");
	}
	json_object_put(lease);
}

static void look_at_silent(const struct metrics_source *source, struct json_object *issues)
{
	struct json_object *silent = answers_silent(source);

	for (size_t i = 0; i < json_object_array_length(silent); i++) {
		struct json_object *node = json_object_array_get_idx(silent, i);
		int64_t id = get_number(node, "id");
		const char *host = get_text(node, "host");
		const char *hint = "its host, its daemon or its links may be down or overloaded";
		char text[160];

		snprintf(text, sizeof(text), "node %" PRIi64 " silent for %.1f s, evicted after %.1f s", id,
			(double)get_number(node, "silent_ms") / 1000,
			(double)get_number(node, "evicted_after_ms") / 1000);
		if (strcmp(host, "answers") == 0) {
			strcat(text, "; its host answers");
			hint = "its daemon is stopped or gets no processor time: look at the load of its host";
		} else if (strcmp(host, "silent") == 0) {
			strcat(text, "; its host does not answer either");
			hint = "its host, its link or the path to it is down";
		}
		struct json_object *issue = new_issue(issues, "member.silent", "warning", text, hint);
		put_number(issue, "peer", id);
	}
	json_object_put(silent);
}

static void look_at_links(const struct metrics_source *source, struct json_object *nodes, struct json_object *issues)
{
	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i);
		uint32_t id = (uint32_t)get_number(node, "id");
		struct coterie_node_status status;
		char text[256];

		if (get_bool(node, "local") || !answers_links(source, id, &status) || !status.is_reachable)
			continue;
		for (int link = 0; link < (int)COTERIE_LINKS_MAX; link++) {
			if (!status.links[link].is_enabled || status.links[link].is_connected)
				continue;
			snprintf(text, sizeof(text), "link %d to node %" PRIu32 " is down", link, id);
			struct json_object *issue = new_issue(issues, "link.down", "warning", text,
				"check the interface and the path to the node's address on this link");
			put_number(issue, "peer", id);
			put_number(issue, "link", link);
		}
	}
}

/*
 * Add a problem for pairs of nodes that do not hear each other, as far as this node knows. In the statistics they are
 * text such as "1-3 2-3".
 */
static void look_at_unheard(const struct metrics_source *source, struct json_object *issues)
{
	char *pairs = answers_key_text(source, COTERIE_MAP_STATS, "stats.coterie.unheard");
	uint32_t member, node;
	int length;

	for (const char *at = pairs;
		at != NULL && sscanf(at, "%" SCNu32 "-%" SCNu32 "%n", &member, &node, &length) == 2; at += length) {
		char text[96];

		snprintf(text, sizeof(text), "nodes %u and %u do not hear each other", member, node);

		struct json_object *issue = new_issue(
			issues, "net.unheard", "error", text, "look at the firewalls and the path between these two");

		put_number(issue, "node", member);
		put_number(issue, "peer", node);
	}
	free(pairs);
}

/*
 * Add a problem for nodes whose datagrams are rejected, since the keys differ. In the statistics they are text such as
 * "3-key 4-clear".
 */
static void look_at_strangers(const struct metrics_source *source, struct json_object *issues)
{
	static const struct {
		const char *word, *text, *hint;
	} kinds[] = {
		{"key", "its datagrams do not authenticate: its key or cipher differs",
			"copy the key file of this node to it, and compare encryption; or its address is forged"},
		{"clear", "its datagrams are not encrypted", "give it the key and the encryption of this node"},
		{"sealed", "its datagrams are encrypted, and this node has no key",
			"give this node the key and the encryption of that node"},
	};
	static const char forged_text[] = "other datagrams than its own come from its address, and are refused";
	static const char forged_hint[] = "another host forges its address: look at the network between the nodes";
	char *strangers = answers_key_text(source, COTERIE_MAP_STATS, "stats.coterie.strangers");
	uint32_t node;
	char word[8];
	int length;

	for (const char *at = strangers; at != NULL && sscanf(at, "%" SCNu32 "-%7[a-z]%n", &node, word, &length) == 2;
		at += length) {
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			/* A member of an encrypted ring has its key and cipher. */
			const bool is_forged = strcmp(word, "sealed") != 0 && is_joined(source, node);
			char text[96];

			if (strcmp(word, kinds[i].word) != 0)
				continue;
			snprintf(text, sizeof(text), "node %u: %s", node, is_forged ? forged_text : kinds[i].text);
			put_number(new_issue(issues, "member.key", "warning", text,
					   is_forged ? forged_hint : kinds[i].hint),
				"peer", node);
		}
	}
	free(strangers);
}

/* Add a hint if the ring is not protected. It is no error: such a ring works, and Corosync has the same default. */
static void look_at_protection(const struct metrics_source *source, struct json_object *issues)
{
	const enum metrics_protection protection = metrics_protection(source);
	char *transport = answers_key_text(source, COTERIE_MAP_CONFIG, "totem.transport");
	const bool is_udp = transport != NULL && strncmp(transport, "udp", 3) == 0;

	if (protection == METRICS_PROTECTION_NONE || protection == METRICS_PROTECTION_AUTHENTICATED)
		new_issue(issues, "ring.plain", "info",
			protection == METRICS_PROTECTION_NONE
				? "the ring is not encrypted: others on its network can read and forge its packets"
				: "the ring is not encrypted: others on its network can read its packets",
			is_udp ? "give all nodes one key file (coterie-ctl key create), and set encryption = aes256-gcm (coterie.conf(5))"
			       : "give all nodes one key file (coterie-ctl key create), and set cipher and hash (coterie.conf(5))");
	free(transport);
}

struct json_object *answers_issues(const struct metrics_source *source, struct json_object *nodes)
{
	struct json_object *issues = json_object_new_array();
	bool is_waiting = answers_key_number(source, COTERIE_MAP_CONFIG, "runtime.votequorum.wait_for_all_status", 0) !=
			  0;

	if (source->quorate(source->arg) == 0)
		new_issue(issues, "quorum.lost", "error", "this partition is not quorate",
			is_waiting ? "it waits for all nodes to be there once; coterie-ctl quorum unblock overrules"
				   : "bring nodes back, or coterie-ctl quorum set-expected");
	else if (is_waiting)
		new_issue(issues, "quorum.waiting", "warning", "waiting for all nodes to be there once",
			"start the missing nodes; coterie-ctl quorum unblock overrules");
	look_at_lease(source, issues);
	look_at_silent(source, issues);
	look_at_members(source, nodes, issues);
	look_at_links(source, nodes, issues);
	look_at_unheard(source, issues);
	look_at_strangers(source, issues);
	if (answers_key_number(source, COTERIE_MAP_STATS, "stats.srp.firewall_enabled_or_nic_failure", 0) != 0)
		new_issue(issues, "net.blocked", "error", "nothing gets through to the other nodes",
			"look at the firewall and the interface of this node");
	look_at_protection(source, issues);
	return issues;
}

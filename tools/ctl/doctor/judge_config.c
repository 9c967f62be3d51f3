/* SPDX-License-Identifier: BSD-3-Clause */
/* Judge the configuration: the file, the keys of the running daemon, and the keys of other nodes. */
#include "tools/ctl/doctor/judge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEY_SIZE_LEAST 128 /* bytes */
#define SLOW_NAME_MS 1000

void judge_file(const struct doctor_facts *facts, struct doctor_report *report)
{
	if (facts->file_problem[0] == '\0') {
		if (!facts->is_file_read)
			doctor_unchecked(report, "the config file of the daemon cannot be read here");
		return;
	}
	struct doctor_finding *finding = doctor_find(report, DOCTOR_ERROR, "the config file is refused");

	doctor_evidence(finding, "%.300s", facts->file_problem);
	doctor_remedy(finding, "mend the line; coterie -t -c FILE checks the file");
}

/* Find the keys whose values in the file differ from those of the running daemon. @return their number */
static size_t find_changes(const struct doctor_facts *facts, const struct doctor_key **first)
{
	size_t count = 0;

	for (size_t i = 0; i < facts->file.count; i++) {
		const struct doctor_key *key = &facts->file.list[i];
		const char *now = doctor_text(&facts->config, key->name);

		/* Computed keys follow from other keys, and a transport may round them. */
		if ((now != NULL && strcmp(now, key->value) == 0) || strncmp(key->name, "runtime.", 8) == 0)
			continue;
		if (count++ == 0)
			*first = key;
	}
	return count;
}

void judge_reload(const struct doctor_facts *facts, struct doctor_report *report)
{
	const struct doctor_key *first = NULL;

	if (facts->mode != DOCTOR_OF_DAEMON)
		return;
	if (!facts->is_file_read) {
		if (facts->file_problem[0] == '\0')
			doctor_unchecked(report, "the config file of the daemon cannot be read here");
		return;
	}
	size_t count = find_changes(facts, &first);
	if (count == 0)
		return;
	const char *now = doctor_text(&facts->config, first->name);
	struct doctor_finding *finding = doctor_find(
		report, DOCTOR_WARNING, "the config file says what the daemon does not run with");

	doctor_evidence(finding, "%zu key%s differ%s; %.80s is %.60s in the file and %.60s in the daemon", count,
		count == 1 ? "" : "s", count == 1 ? "s" : "", first->name, first->value, now != NULL ? now : "absent");
	doctor_remedy(finding,
		"coterie-ctl config diff shows them; coterie-ctl reload applies them, or says what needs a restart");
}

/* --- other nodes --- */

/* Return whether a key must be the same on all nodes, or causes trouble if it differs. */
static bool is_common(const char *name)
{
	static const char *const sections[] = {"totem.", "nodelist.node.", "quorum."};
	static const char *const own[] = {"totem.interface.", "totem.keyfile", "totem.config_version",
		"totem.cluster_name", "totem.nodeid", "quorum.device.", "totem.crypto_model"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strncmp(name, own[i], strlen(own[i])) == 0)
			return false;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (strncmp(name, sections[i], strlen(sections[i])) == 0)
			return true;
	return false;
}

static size_t count_differences(const struct doctor_keys *one, const struct doctor_keys *other, bool counts_values,
	const struct doctor_key **first)
{
	size_t count = 0;

	for (size_t i = 0; i < one->count; i++) {
		const char *theirs = is_common(one->list[i].name) ? doctor_text(other, one->list[i].name)
								  : one->list[i].value;

		if (theirs != NULL && (!counts_values || strcmp(theirs, one->list[i].value) == 0))
			continue;
		if (count++ == 0 && *first == NULL)
			*first = &one->list[i];
	}
	return count;
}

static void judge_versions(const struct doctor_facts *facts, struct doctor_report *report)
{
	const int64_t own = doctor_number(&facts->config, "totem.config_version", 0);

	for (size_t i = 0; i < facts->member_count && own > 0; i++) {
		const struct doctor_member *member = &facts->members[i];
		char key[80];

		snprintf(key, sizeof(key), "runtime.members.%" PRIu32 ".config_version", member->id);
		const int64_t theirs = doctor_number(&facts->config, key, 0);
		if (!member->is_joined || member->is_local || theirs == 0 || theirs == own)
			continue;
		struct doctor_finding *finding = doctor_find(report, DOCTOR_WARNING,
			"node %" PRIu32 " runs another version of the configuration", member->id);

		finding->peer = member->id;
		doctor_evidence(finding, "its config-version is %" PRIi64 ", that of this node %" PRIi64, theirs, own);
		doctor_remedy(finding, "copy the newer file to all nodes, then coterie-ctl reload");
	}
}

void judge_same(const struct doctor_facts *facts, struct doctor_report *report)
{
	judge_versions(facts, report);
	for (size_t i = 0; i < facts->node_count; i++) {
		const struct doctor_node *node = &facts->nodes[i];
		const struct doctor_key *first = NULL;

		if (!node->is_asked) {
			doctor_unchecked(report, "node %" PRIu32 ": %s", node->id, node->why);
			continue;
		}
		size_t count = count_differences(&facts->config, &node->config, true, &first) +
			       count_differences(&node->config, &facts->config, false, &first);
		if (count == 0)
			continue;
		const char *ours = doctor_text(&facts->config, first->name),
			   *theirs = doctor_text(&node->config, first->name);
		struct doctor_finding *finding = doctor_find(
			report, DOCTOR_WARNING, "node %" PRIu32 " runs with other settings", node->id);

		finding->peer = node->id;
		doctor_evidence(finding, "%zu key%s differ%s; %.80s is %.50s there and %.50s here", count,
			count == 1 ? "" : "s", count == 1 ? "s" : "", first->name, theirs != NULL ? theirs : "absent",
			ours != NULL ? ours : "absent");
		doctor_remedy(finding, "copy one config file to all nodes, then coterie-ctl reload");
	}
}

void judge_cluster_name(const struct doctor_facts *facts, struct doctor_report *report)
{
	const char *own = doctor_text(&facts->config, "totem.cluster_name");

	for (size_t i = 0; i < facts->node_count; i++) {
		const struct doctor_node *node = &facts->nodes[i];
		const char *theirs = node->is_asked ? doctor_text(&node->config, "totem.cluster_name") : own;

		if (own == NULL || theirs == NULL || strcmp(own, theirs) == 0)
			continue;
		struct doctor_finding *finding = doctor_find(
			report, DOCTOR_ERROR, "node %" PRIu32 " has another cluster name", node->id);

		finding->peer = node->id;
		doctor_evidence(finding, "its name is '%.60s', that of this node '%.60s'", theirs, own);
		doctor_remedy(finding, "give all nodes one name (block cluster), and restart those that had another");
	}
	for (uint32_t i = 0; i < facts->link_count; i++) {
		const struct doctor_link *link = &facts->links[i];

		if (link->foreign_group[0] == '\0')
			continue;
		struct doctor_finding *finding = doctor_find(report, DOCTOR_ERROR,
			"node %" PRIu32 " sends to another multicast group, as with another cluster name",
			link->foreign_node);

		finding->peer = link->foreign_node;
		finding->link = (int)link->number;
		doctor_evidence(finding, "it sends to %s, this node listens to %s", link->foreign_group, link->group);
		doctor_remedy(finding, "give all nodes one cluster name (block cluster) or one multicast address");
	}
}

/* --- the node list --- */

void judge_node_ids(const struct doctor_facts *facts, struct doctor_report *report)
{
	for (size_t i = 0; i < facts->member_count; i++) {
		for (size_t j = i + 1; j < facts->member_count; j++) {
			const struct doctor_member *one = &facts->members[i], *other = &facts->members[j];
			const bool has_one_id = one->id == other->id && one->id != 0;

			if (!has_one_id && strcmp(one->name, other->name) != 0)
				continue;
			struct doctor_finding *finding = doctor_find(report, DOCTOR_ERROR,
				"two nodes of the node list have one %s", has_one_id ? "id" : "name");

			doctor_evidence(finding, "nodes '%s' (%" PRIu32 ") and '%s' (%" PRIu32 ")", one->name, one->id,
				other->name, other->id);
			doctor_remedy(finding, "give each node an id and a name of its own, on all nodes");
		}
	}
}

void judge_addresses(const struct doctor_facts *facts, struct doctor_report *report)
{
	const struct doctor_member *self = facts->self != 0 ? doctor_member(facts, facts->self) : NULL;

	for (size_t i = 0; i < facts->member_count; i++) {
		for (size_t j = i + 1; j < facts->member_count; j++) {
			for (int link = 0; link < DOCTOR_LINKS_MAX; link++) {
				const struct doctor_member *one = &facts->members[i], *other = &facts->members[j];

				if (one->resolved[link][0] == '\0' ||
					strcmp(one->resolved[link], other->resolved[link]) != 0)
					continue;
				struct doctor_finding *finding = doctor_find(
					report, DOCTOR_ERROR, "two nodes have one address on link %d", link);

				finding->link = link;
				doctor_evidence(finding, "nodes '%s' (%" PRIu32 ") and '%s' (%" PRIu32 ") have %s",
					one->name, one->id, other->name, other->id, one->resolved[link]);
				doctor_remedy(finding, "give each node an address of its own, on all nodes");
			}
		}
	}
	if (self == NULL && facts->member_count > 0) {
		struct doctor_finding *finding = doctor_find(
			report, DOCTOR_ERROR, "no node of the node list has an address of this host");

		doctor_evidence(finding, "%zu nodes", facts->member_count);
		doctor_remedy(finding, "correct the address of this node in the config file, or give --node NAME");
	}
}

static bool is_loopback(const char *address) { return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0; }

/* Return whether all addresses are of the loopback, so all nodes are on this host. */
static bool is_one_host(const struct doctor_facts *facts)
{
	for (size_t i = 0; i < facts->member_count; i++)
		for (int link = 0; link < DOCTOR_LINKS_MAX; link++)
			if (facts->members[i].resolved[link][0] != '\0' &&
				!is_loopback(facts->members[i].resolved[link]))
				return false;
	return true;
}

static void judge_name(
	const struct doctor_facts *facts, const struct doctor_member *member, int link, struct doctor_report *report)
{
	const char *name = member->addresses[link], *address = member->resolved[link];
	struct doctor_finding *finding;

	if (name[0] == '\0')
		return;
	if (member->is_not_looked_up[link]) {
		doctor_unchecked(report, "the resolver is too slow to look up all names");
		return;
	}
	if (address[0] == '\0') {
		finding = doctor_find(
			report, DOCTOR_ERROR, "the name '%s' of node %" PRIu32 " does not resolve", name, member->id);
		doctor_evidence(finding, "no address found in %" PRIi64 " ms", member->resolve_ms[link]);
		doctor_remedy(finding, "write the address into the config file, or the name into /etc/hosts");
	} else if (is_loopback(address) && !is_one_host(facts)) {
		finding = doctor_find(report, DOCTOR_ERROR,
			"node %" PRIu32 " has an address of the loopback, which no other host reaches", member->id);
		doctor_evidence(finding, "'%s' is %s", name, address);
		doctor_remedy(
			finding, "write the address on the network of the ring, or correct the name in /etc/hosts");
	} else if (member->resolve_ms[link] >= SLOW_NAME_MS) {
		finding = doctor_find(
			report, DOCTOR_WARNING, "the name '%s' of node %" PRIu32 " resolves slowly", name, member->id);
		doctor_evidence(finding, "it took %" PRIi64 " ms", member->resolve_ms[link]);
		doctor_remedy(finding, "write the address into the config file, or the name into /etc/hosts");
	} else {
		return;
	}
	finding->peer = member->id;
	finding->link = link;
}

void judge_names(const struct doctor_facts *facts, struct doctor_report *report)
{
	for (size_t i = 0; i < facts->member_count; i++)
		for (int link = 0; link < DOCTOR_LINKS_MAX; link++)
			judge_name(facts, &facts->members[i], link, report);
}

/* --- encryption --- */

static bool is_not(const struct doctor_keys *config, const char *key, const char *otherwise, const char *word)
{
	const char *text = doctor_text(config, key);

	return strcmp(text != NULL ? text : otherwise, word) != 0;
}

void judge_plain(const struct doctor_facts *facts, struct doctor_report *report)
{
	const char *running = doctor_text(&facts->stats, "stats.coterie.encryption"),
		   *transport = doctor_transport(facts);
	const bool is_secure = doctor_is_on(&facts->config, "totem.secauth", false);

	if (facts->member_count == 0 || is_one_host(facts) ||
		(strcmp(transport, "knet") != 0 && strncmp(transport, "udp", 3) != 0))
		return;
	if (running != NULL ? strncmp(running, "none", 4) != 0
			    : is_not(&facts->config, "totem.crypto_cipher", is_secure ? "aes256" : "none", "none") ||
				      is_not(&facts->config, "totem.encryption", "none", "none"))
		return;
	struct doctor_finding *finding = doctor_find(report, DOCTOR_WARNING,
		is_not(&facts->config, "totem.crypto_hash", is_secure ? "sha256" : "none", "none")
			? "the ring is not encrypted: others on its network can read its packets"
			: "the ring is not encrypted: others on its network can read and forge its packets");

	doctor_evidence(finding, "no cipher over %s", transport);
	doctor_remedy(finding, "give all nodes one key file (coterie-ctl key create), and set %s",
		strcmp(transport, "knet") == 0 ? "cipher and hash" : "encryption = aes256-gcm");
}

void judge_key_file(const struct doctor_facts *facts, struct doctor_report *report)
{
	const char *newer = doctor_text(&facts->stats, "stats.coterie.key_file_newer");
	const struct doctor_host *host = &facts->host;
	struct doctor_finding *finding;

	if (newer != NULL && *newer != '\0') {
		finding = doctor_find(report, DOCTOR_WARNING, "a newer key file has no effect");
		doctor_evidence(finding, "'%.120s' hides '%.120s'",
			host->key_file != NULL ? host->key_file : "the state folder", newer);
		doctor_remedy(finding, "remove one of the two on all nodes, then coterie-ctl reload");
	}
	if (host->key_file == NULL || host->key_errno == EACCES)
		return;
	if (host->key_errno != 0) {
		finding = doctor_find(report, DOCTOR_ERROR, "the key file cannot be read");
		doctor_evidence(finding, "'%.200s': %s", host->key_file, strerror(host->key_errno));
		doctor_remedy(finding, "copy the key file of another node to this place");
	} else if (host->key_size >= 0 && host->key_size < KEY_SIZE_LEAST) {
		finding = doctor_find(report, DOCTOR_ERROR, "the key file is too short");
		doctor_evidence(finding, "'%.200s' has %" PRIi64 " bytes", host->key_file, host->key_size);
		doctor_remedy(finding, "coterie-ctl key create --force, then copy the file to all nodes");
	} else if (host->key_mode >= 0 && (host->key_mode & 077) != 0) {
		finding = doctor_find(report, DOCTOR_ERROR, "others on this host can read or change the key file");
		doctor_evidence(finding, "'%.200s' has mode %04" PRIo64, host->key_file, (uint64_t)host->key_mode);
		doctor_remedy(finding, "chmod 0400 %.200s; if others may have read it, coterie-ctl key rotate",
			host->key_file);
	}
}

/* `status` and `members`. */
#include "tools/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- members --- */

static struct json_object *find_member(struct json_object *members, int64_t id)
{
	for (size_t i = 0; i < json_object_array_length(members); i++) {
		struct json_object *member = json_object_array_get_idx(members, i);

		if (get_number(member, "id") == id)
			return member;
	}
	return NULL;
}

struct member_walk {
	struct ctl *ctl;
	struct json_object *members;
};

static bool see_member_key(void *arg, const char *key)
{
	struct member_walk *walk = arg;
	uint32_t id;
	int end = 0;
	char sibling[CMAP_KEYNAME_MAXLEN + 1];

	if (sscanf(key, "runtime.members.%" SCNu32 ".status%n", &id, &end) != 1 || end == 0 || key[end] != '\0')
		return true;
	struct json_object *member = find_member(walk->members, id);
	if (member == NULL) { /* not in the node list: it came by multicast, or was removed since */
		member = json_object_new_object();
		put_number(member, "id", id);
		put_text(member, "name", "");
		json_object_array_add(walk->members, member);
	}
	char *status = fact_text(walk->ctl, CTL_CONFIG, key);
	put_text(member, "state", status != NULL ? status : "left");
	free(status);
	snprintf(sibling, sizeof(sibling), "runtime.members.%" PRIu32 ".join_count", id);
	put_number(member, "joins", fact_number(walk->ctl, CTL_CONFIG, sibling, 0));
	return true;
}

struct json_object *members_all(struct ctl *ctl)
{
	struct member_walk walk = {.ctl = ctl, .members = fact_nodes(ctl)};

	for (size_t i = 0; i < json_object_array_length(walk.members); i++)
		put_text(json_object_array_get_idx(walk.members, i), "state", "never");
	fact_each(ctl, CTL_CONFIG, "runtime.members.", see_member_key, &walk);
	return walk.members;
}

static void add_votes(struct ctl *ctl, struct json_object *members)
{
	if (ctl->remote != NULL || !ctl_try(ctl, CTL_VOTES))
		return;
	for (size_t i = 0; i < json_object_array_length(members); i++) {
		struct json_object *member = json_object_array_get_idx(members, i);
		struct votequorum_info info;

		if (votequorum_getinfo(ctl->votes, (unsigned int)get_number(member, "id"), &info) == CS_OK)
			put_number(member, "votes", info.node_votes);
	}
}

int members_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	bool has_matrix = argc == 1 && strcmp(argv[0], "--matrix") == 0;

	if (argc > (has_matrix ? 1 : 0))
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "members takes no '%s'", argv[argc - 1]);
	if (has_matrix && ctl->nodes != NULL)
		return ctl_fail(ctl, CTL_USAGE, "leave one of the two out", "members --matrix asks all nodes by itself");
	int code = ctl_open(ctl, CTL_CONFIG);
	if (code != 0)
		return code;
	struct json_object *ring = fact_ring();
	struct json_object *members = members_all(ctl);
	if (ring == NULL) { /* the schema wants one; without the quorum service nobody tells it */
		json_object_put(members);
		return ctl_open(ctl, CTL_QUORUM) != 0
			? ctl->error.code
			: ctl_fail(ctl, CTL_FAILED, "try again", "the ring is just changing");
	}
	add_votes(ctl, members);
	if (has_matrix)
		matrix_put(ctl, members);
	json_object_object_add(data, "ring", ring);
	json_object_object_add(data, "members", members);
	return CTL_GOOD;
}

void members_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *members = get(data, "members");

	fprintf(ctl->out, "Ring %s\n\n%10s  %-16s %-7s %5s %5s  %s\n", get_text(get(data, "ring"), "text"), "Node",
		"Name", "State", "Joins", "Votes", "Addresses");
	for (size_t i = 0; i < json_object_array_length(members); i++) {
		struct json_object *member = json_object_array_get_idx(members, i);
		struct json_object *addresses = get(member, "addresses");
		char votes[24] = "-";

		if (get(member, "votes") != NULL)
			snprintf(votes, sizeof(votes), "%" PRIi64, get_number(member, "votes"));
		fprintf(ctl->out, "%10" PRIi64 "  %-16s %-7s %5" PRIi64 " %5s  ", get_number(member, "id"),
			get_text(member, "name"), get_text(member, "state"), get_number(member, "joins"), votes);
		for (size_t j = 0; addresses != NULL && j < json_object_array_length(addresses); j++)
			fprintf(ctl->out, "%s ", json_object_get_string(json_object_array_get_idx(addresses, j)));
		fprintf(ctl->out, "%s\n", get_bool(member, "local") ? "(local)" : "");
	}
	matrix_print(ctl, members);
}

/* --- status --- */

static uint32_t count_joined(struct ctl *ctl)
{
	struct json_object *members = members_all(ctl);
	uint32_t count = 0;

	for (size_t i = 0; i < json_object_array_length(members); i++)
		count += strcmp(get_text(json_object_array_get_idx(members, i), "state"), "joined") == 0;
	json_object_put(members);
	return count;
}

static void put_key(struct ctl *ctl, struct json_object *data, const char *name, enum ctl_service map,
	const char *key, const char *otherwise)
{
	char *text = fact_text(ctl, map, key);

	put_text(data, name, text != NULL ? text : otherwise);
	free(text);
}

/* A Corosync daemon says nothing of itself: then only what the ring shows is told. */
static void put_daemon(struct ctl *ctl, struct json_object *data)
{
	int64_t pid = fact_number(ctl, CTL_STATS, "stats.coterie.pid", 0);
	char *cipher = fact_text(ctl, CTL_CONFIG, "totem.crypto_cipher");
	char *secauth = fact_text(ctl, CTL_CONFIG, "totem.secauth");

	put_key(ctl, data, "version", CTL_STATS, "stats.coterie.version", "unknown");
	put_text(data, "compat", pid != 0 ? "coterie" : "corosync");
	put_bool(data, "encrypted",
		(cipher != NULL && strcmp(cipher, "none") != 0) || (secauth != NULL && strcmp(secauth, "on") == 0));
	if (pid != 0)
		put_number(data, "pid", pid);
	json_object_object_add(data, "uptime_s",
		json_object_new_double((double)fact_number(ctl, CTL_STATS, "stats.coterie.uptime_ms", 0) / 1000));
	free(cipher);
	free(secauth);
}

int status_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	char buffer[12];

	if (argc > 0)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "status takes no '%s'", argv[0]);
	int code = ctl_open(ctl, CTL_CONFIG);
	if (code != 0)
		return code;
	struct json_object *nodes = fact_nodes(ctl), *node = json_object_new_object(), *ring = fact_ring();
	uint32_t local = fact_local(ctl), members = count_joined(ctl);
	int quorate = fact_quorate(ctl);
	put_daemon(ctl, data);
	put_key(ctl, data, "instance", CTL_STATS, "stats.coterie.instance", ctl->instance != NULL ? ctl->instance : "");
	put_key(ctl, data, "cluster", CTL_CONFIG, "totem.cluster_name", "");
	put_number(node, "id", local);
	put_text(node, "name", fact_node_name(nodes, local, buffer));
	put_bool(node, "local", true);
	json_object_object_add(data, "node", node);
	put_key(ctl, data, "transport", CTL_CONFIG, "totem.transport", "knet");
	put_key(ctl, data, "state", CTL_STATS, "stats.coterie.state", "operational");
	json_object_object_add(data, "ring", ring);
	put_number(data, "members", members);
	put_number(data, "expected_members",
		json_object_array_length(nodes) > 0 ? (int64_t)json_object_array_length(nodes) : members);
	json_object_object_add(data, "quorate", quorate < 0 ? NULL : json_object_new_boolean(quorate));
	put_number(data, "config_version", fact_number(ctl, CTL_CONFIG, "totem.config_version", 0));
	json_object_object_add(data, "issues", fact_issues(ctl, nodes));
	json_object_put(nodes);
	return quorate == 0 ? CTL_NOT_QUORATE : CTL_GOOD;
}

static const char *colored(const struct ctl *ctl, const char *text, int color, char buffer[64])
{
	if (!ctl->has_color)
		return text;
	snprintf(buffer, 64, "\033[%dm%s\033[0m", color, text);
	return buffer;
}

static void print_uptime(FILE *out, int64_t seconds)
{
	if (seconds >= 86400)
		fprintf(out, "%" PRIi64 " d %" PRIi64 " h", seconds / 86400, seconds / 3600 % 24);
	else if (seconds >= 3600)
		fprintf(out, "%" PRIi64 " h %" PRIi64 " min", seconds / 3600, seconds / 60 % 60);
	else
		fprintf(out, "%" PRIi64 " min %" PRIi64 " s", seconds / 60, seconds % 60);
}

void status_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *node = get(data, "node"), *issues = get(data, "issues"), *quorate = get(data, "quorate");
	const char *last = "all is well";
	char buffer[64];

	fprintf(ctl->out, "Cluster   %s%s%s\n", get_text(data, "cluster"),
		*get_text(data, "instance") != '\0' ? ", instance " : "", get_text(data, "instance"));
	fprintf(ctl->out, "Node      %s (%" PRIi64 "), %s %s", get_text(node, "name"), get_number(node, "id"),
		get_text(data, "compat"), get_text(data, "version"));
	if (get(data, "pid") != NULL) {
		fprintf(ctl->out, ", pid %" PRIi64 ", up ", get_number(data, "pid"));
		print_uptime(ctl->out, get_number(data, "uptime_s"));
	}
	fprintf(ctl->out, "\nRing      %s, %s over %s%s\n",
		get(data, "ring") != NULL ? get_text(get(data, "ring"), "text") : "unknown", get_text(data, "state"),
		get_text(data, "transport"), get_bool(data, "encrypted") ? ", encrypted" : "");
	fprintf(ctl->out, "Members   %" PRIi64 " of %" PRIi64 "\n", get_number(data, "members"),
		get_number(data, "expected_members"));
	fprintf(ctl->out, "Quorum    %s\n",
		quorate == NULL ? "no provider configured"
				: json_object_get_boolean(quorate) ? colored(ctl, "quorate", 32, buffer)
								   : colored(ctl, "NOT quorate", 31, buffer));
	for (size_t i = 0; i < json_object_array_length(issues); i++) {
		struct json_object *issue = json_object_array_get_idx(issues, i);
		const char *level = get_text(issue, "level");

		fprintf(ctl->out, "%s%-9s %s\n", i == 0 ? "\n" : "",
			colored(ctl, level, strcmp(level, "error") == 0 ? 31 : 33, buffer), get_text(issue, "text"));
		if (i == 0 && *get_text(issue, "hint") != '\0')
			last = get_text(issue, "hint");
	}
	fprintf(ctl->out, "\n%s\n", last);
}

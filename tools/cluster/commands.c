/*
 * Make a change from the words of the command line.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/cluster/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/lookup.h"
#include "tools/cluster/by_hand.h"
#include "tools/cluster/change.h"
#include "tools/ctl/progress.h"

/* --- options --- */

struct words {
	const char *list[WORDS_NODES_MAX + 1]; /* words that are no options */
	size_t count;
	const char *transport;
	bool is_plain; /* --no-encryption */
};

/* Parse an option with a value: --ssh COMMAND or --ssh=COMMAND. @return whether argv[*i] is this option */
static bool take_value(const char *option, int *i, int argc, char **argv, const char **value)
{
	size_t length = strlen(option);

	if (strncmp(argv[*i], option, length) != 0)
		return false;
	if (argv[*i][length] == '=')
		*value = argv[*i] + length + 1;
	else if (argv[*i][length] == '\0' && *i + 1 < argc)
		*value = argv[++*i];
	else
		return false;
	return true;
}

/* Parse the words of a command. usage: its usage text, which has its options */
static int read_words(struct change *change, const char *usage, int argc, char **argv, struct words *words)
{
	static const char shell_option[] = "--ssh", transport_option[] = "--transport";
	struct {
		const char *name;
		bool *is_given;
	} flags[] = {
		{"--dry-run", &change->is_dry},
		{"--print", &change->is_printed},
		{"--force", &change->request.is_forced},
		{"--start", &change->request.is_started},
		{"--no-encryption", &words->is_plain},
	};

	*words = (struct words){.transport = "knet"};
	change->shell = getenv("COTERIE_SSH");
	for (int i = 0; i < argc; i++) {
		size_t flag = 0, length = strcspn(argv[i], "=");
		char option[32];

		/* Only options that are in the usage text of the command are accepted. */
		snprintf(option, sizeof(option), "%.*s", (int)(length < 31 ? length : 31), argv[i]);
		if (argv[i][0] == '-' && strstr(usage, option) == NULL)
			return ctl_fail(change->ctl, CTL_USAGE, "coterie-ctl --help", "%s", usage);
		if (take_value(shell_option, &i, argc, argv, &change->shell) ||
			take_value(transport_option, &i, argc, argv, &words->transport))
			continue;
		while (flag < sizeof(flags) / sizeof(flags[0]) && strcmp(argv[i], flags[flag].name) != 0)
			flag++;
		if (flag < sizeof(flags) / sizeof(flags[0]))
			*flags[flag].is_given = true;
		else if (argv[i][0] == '-' || words->count > WORDS_NODES_MAX)
			return ctl_fail(change->ctl, CTL_USAGE, "coterie-ctl --help", "%s", usage);
		else
			words->list[words->count++] = argv[i];
	}
	if (change->shell == NULL || change->shell[0] == '\0')
		change->shell = PEER_SHELL;
	return 0;
}

static int usage_error(struct change *change, const char *why)
{
	return ctl_fail(change->ctl, CTL_USAGE, "coterie-ctl(8)", "%s", why);
}

static int no_memory(struct change *change) { return ctl_fail(change->ctl, CTL_FAILED, NULL, "out of memory"); }

/* --- last step of all commands --- */

static int finish(struct change *change, const char *done, struct json_object *data)
{
	int code;

	if (change->is_printed) {
		change->outcome = CHANGE_PRINTED;
		code = by_hand(change, data);
	} else {
		code = change_run(change);
	}
	if (change->ctl->error.code == 0) {
		change_show(change, data);
		if (change->outcome == CHANGE_DONE)
			put_text(data, "text", done);
	}
	return code;
}

/* Give ids to nodes without one, and check names, ids and addresses. @return 0; a usage error */
static int number_nodes(struct change *change)
{
	struct words_node *nodes = calloc(change->count, sizeof(*nodes));
	char why[PLAN_TEXT_MAX];

	if (nodes == NULL)
		return no_memory(change);
	for (size_t i = 0; i < change->count; i++)
		nodes[i] = change->nodes[i].node;
	int rc = words_number(nodes, change->count, change->highest_id, why, sizeof(why));

	for (size_t i = 0; i < change->count && rc == 0; i++)
		change->nodes[i].node = nodes[i];
	free(nodes);
	return rc < 0 ? usage_error(change, why) : 0;
}

/* Add the nodes of these words as new nodes. */
static int add_new_nodes(struct change *change, const struct words *words, size_t first)
{
	int64_t left_ms = LOOKUP_LIMIT_MS;
	char why[PLAN_TEXT_MAX];

	for (size_t i = first; i < words->count; i++) {
		struct words_node node;

		if (words_read_node(words->list[i], &node, why, sizeof(why)) < 0 ||
			words_resolve(&node, &left_ms, why, sizeof(why)) < 0)
			return usage_error(change, why);
		if (change_add_node(change, &node, ROLE_JOINS, 1) < 0)
			return usage_error(change, "too many nodes");
	}
	return 0;
}

static int read_nodes(struct change *change, const struct words *words, size_t first)
{
	/* The time limit of the command is meant for the daemon. Resolving names has its own limit. */
	unsigned int left_s = alarm(0);
	struct progress *progress = progress_begin(change->ctl, "the resolver");
	int code = add_new_nodes(change, words, first);

	progress_end(progress);
	alarm(left_s);
	return code == 0 ? number_nodes(change) : code;
}

/* --- cluster create --- */

static const char create_usage[] =
	"cluster create NAME NODE... [--transport NAME] [--no-encryption] [--start] [--ssh COMMAND] [--dry-run] [--print] "
	"[--force]";

static int plan_create(struct change *change, const struct words *words)
{
	struct words_node *nodes;

	if (words->count < 2)
		return usage_error(change, create_usage);
	if (!words_is_name(words->list[0]) || !words_is_name(words->transport) ||
		strlen(words->transport) >= sizeof(change->transport))
		return usage_error(change,
			"the name of a cluster or transport has 1 to 63 letters, digits, '.', '_' and '-', with a letter among them");
	snprintf(change->cluster, sizeof(change->cluster), "%s", words->list[0]);
	snprintf(change->transport, sizeof(change->transport), "%s", words->transport);
	change->request.is_encrypted = !words->is_plain;
	int code = read_nodes(change, words, 1);

	nodes = code == 0 ? calloc(change->count, sizeof(*nodes)) : NULL;
	if (nodes == NULL)
		return code != 0 ? code : no_memory(change);
	for (size_t i = 0; i < change->count; i++)
		nodes[i] = change->nodes[i].node;
	const struct conf_wanted wanted = {.cluster = change->cluster,
		.transport = change->transport,
		.is_encrypted = change->request.is_encrypted,
		.nodes = nodes,
		.node_count = change->count};

	change->new_text = conf_make(&wanted);
	free(nodes);
	return change->new_text == NULL ? no_memory(change) : 0;
}

/* Run any of the commands: parse the options, make the new config, run the change, and make the answer. */
static int run(struct ctl *ctl, enum plan_change kind, const char *usage,
	int (*make)(struct change *change, const struct words *words), const char *done, int argc, char **argv,
	struct json_object *data)
{
	struct change *change = calloc(1, sizeof(*change));
	struct words *words = calloc(1, sizeof(*words));

	if (change == NULL || words == NULL) {
		free(change);
		free(words);
		return ctl_fail(ctl, CTL_FAILED, NULL, "out of memory");
	}
	change->ctl = ctl;
	change->request = (struct plan_request){
		.change = kind, .cluster = change->cluster, .transport = change->transport};
	int code = read_words(change, usage, argc, argv, words);

	if (code == 0)
		code = make(change, words);
	if (code == 0)
		code = finish(change, done, data);
	change_fini(change);
	free(change);
	free(words);
	return code;
}

int cluster_create(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	return run(ctl, PLAN_CREATE, create_usage, plan_create,
		"All nodes have their config and key. Where the daemon does not run yet: systemctl enable --now coterie",
		argc, argv, data);
}

/* --- changes of an existing cluster --- */

/* Read the config of this node. All nodes must have the same config. */
static int read_own_config(struct change *change, struct conf *conf)
{
	struct json_object *answer = json_object_new_object();
	struct agent agent = {.ctl = change->ctl, .lock = -1};
	struct node_facts facts;
	char why[PLAN_TEXT_MAX];
	int code = 0;

	*conf = (struct conf){.version = 0};
	agent_facts(&agent, false, answer);
	peer_facts(answer, &facts);
	json_object_put(answer);
	if (facts.config == NULL)
		code = ctl_fail(change->ctl, CTL_FAILED,
			"run this on a node of the cluster; 'cluster create' makes one",
			"this host has no config that can be read: '%s'", facts.file);
	else if (conf_read(facts.config, conf, why, sizeof(why)) < 0)
		code = ctl_fail(change->ctl, CTL_INVALID,
			strstr(facts.file, "corosync.conf") != NULL
				? "coterie --print-config turns a corosync.conf into a coterie.conf"
				: "coterie-ctl config check",
			"'%s': %.300s", facts.file, why);
	if (code != 0) {
		free(facts.config);
		return code;
	}
	change->old_text = facts.config;
	change->request.old_text = change->old_text;
	snprintf(change->cluster, sizeof(change->cluster), "%s", conf->cluster);
	snprintf(change->transport, sizeof(change->transport), "%s", conf->transport);
	conf_key_places(facts.config, change->ctl->instance, change->key_file, change->state_dir);
	snprintf(change->key_file, sizeof(change->key_file), "%s", conf->key_file);
	change->highest_id = conf->highest_id;
	change->request.is_encrypted = conf->is_encrypted;
	change->request.is_two_node = conf->is_two_node;
	change->request.has_device = conf->has_device || conf->has_tie_breaker;
	change->request.has_expected_votes = conf->has_expected_votes;
	for (size_t i = 0; i < conf->node_count; i++)
		if (change_add_node(change, &conf->nodes[i].node, ROLE_STAYS, conf->nodes[i].votes) < 0)
			return no_memory(change);
	return 0;
}

/* Replace the text of the new config by the result of an edit. */
static int take(struct change *change, char *result, const char *why, int rc)
{
	if (rc < 0) {
		free(result);
		return ctl_fail(change->ctl, CTL_INVALID, "change the file by hand", "coterie.conf: %s", why);
	}
	free(change->new_text);
	change->new_text = result;
	return 0;
}

/*
 * Raise the config-version. Each change has its own one, so a node can find out whether its daemon runs with the
 * change.
 */
static int raise_version(struct change *change, const struct conf *conf)
{
	char number[24], why[PLAN_TEXT_MAX] = "", *result = NULL;

	change->new_version = conf->version + 1;
	snprintf(number, sizeof(number), "%llu", (unsigned long long)change->new_version);
	int rc = conf_set(change->new_text, "cluster", NULL, "config-version", number, &result, why, sizeof(why));

	return take(change, result, why, rc);
}

static int begin(struct change *change, struct conf *conf)
{
	int code = read_own_config(change, conf);

	if (code != 0)
		return code;
	change->new_text = strdup(change->old_text);
	return change->new_text == NULL ? no_memory(change) : raise_version(change, conf);
}

/* --- node add --- */

static const char add_usage[] = "node add NODE... [--start] [--ssh COMMAND] [--dry-run] [--print] [--force]";

static int plan_add(struct change *change, const struct words *words)
{
	char why[PLAN_TEXT_MAX] = "", *result = NULL;
	struct conf conf;
	int code = words->count < 1 ? usage_error(change, add_usage) : begin(change, &conf);

	if (words->count < 1)
		return code;
	size_t first = change->count;

	if (code == 0)
		code = read_nodes(change, words, 0);
	for (size_t i = first; i < change->count && code == 0; i++) {
		result = NULL;
		int rc = conf_add_node(change->new_text, &change->nodes[i].node, &result, why, sizeof(why));

		code = take(change, result, why, rc);
	}
	if (code == 0 && conf.is_two_node) {
		result = NULL;
		int rc = conf_set(change->new_text, "quorum", NULL, "two-node", "no", &result, why, sizeof(why));

		code = take(change, result, why, rc);
	}
	conf_fini(&conf);
	return code;
}

int node_add(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	return run(ctl, PLAN_NODE_ADD, add_usage, plan_add,
		"All nodes have the new config, and the new ones the key. Where the daemon does not run yet: "
		"systemctl enable --now coterie",
		argc, argv, data);
}

/* --- node remove --- */

static const char remove_usage[] = "node remove NODE [--ssh COMMAND] [--dry-run] [--print] [--force]";

/* Find a node by its name or id. */
static struct plan_node *find_node(struct change *change, const char *word)
{
	for (size_t i = 0; i < change->count; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%u", change->nodes[i].node.id);
		if (strcmp(change->nodes[i].node.name, word) == 0 || strcmp(id, word) == 0)
			return &change->nodes[i];
	}
	return NULL;
}

static int plan_remove(struct change *change, const struct words *words)
{
	char why[PLAN_TEXT_MAX] = "", *result = NULL;
	struct conf conf;
	int code = words->count != 1 ? usage_error(change, remove_usage) : begin(change, &conf);

	if (words->count != 1)
		return code;
	struct plan_node *node = code == 0 ? find_node(change, words->list[0]) : NULL;

	if (code == 0 && node == NULL)
		code = ctl_fail(change->ctl, CTL_FAILED, "coterie-ctl members lists the nodes",
			"the config has no node '%s'", words->list[0]);
	if (code == 0) {
		node->role = ROLE_LEAVES;
		int rc = conf_remove_node(change->new_text, node->node.name, &result, why, sizeof(why));

		code = take(change, result, why, rc);
	}
	/*
	 * Only the highest id has to be stored. Lower ids are not used again while a node with a higher id is in the
	 * config.
	 */
	if (code == 0 && node->node.id == conf.highest_id) {
		result = NULL;
		int rc = conf_note_id(change->new_text, conf.highest_id, &result, why, sizeof(why));

		code = take(change, result, why, rc);
	}
	if (code == 0 && conf.is_two_node) {
		result = NULL;
		int rc = conf_set(change->new_text, "quorum", NULL, "two-node", "no", &result, why, sizeof(why));

		code = take(change, result, why, rc);
	}
	conf_fini(&conf);
	return code;
}

int node_remove(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	return run(ctl, PLAN_NODE_REMOVE, remove_usage, plan_remove,
		"The node is out of the cluster. It knew the key: 'coterie-ctl key create' and a copy to all nodes shuts it out",
		argc, argv, data);
}

/* --- link add --- */

static const char link_usage[] = "link add NODE=ADDRESS... [--ssh COMMAND] [--dry-run] [--print] [--force]";

static int add_address(struct change *change, const char *word)
{
	struct words_node wanted;
	char why[PLAN_TEXT_MAX] = "", *result = NULL;

	if (words_read_node(word, &wanted, why, sizeof(why)) < 0)
		return usage_error(change, why);
	struct plan_node *node = find_node(change, wanted.name);

	if (node == NULL)
		return ctl_fail(change->ctl, CTL_FAILED, "coterie-ctl members lists the nodes",
			"the config has no node '%s'", wanted.name);
	if (wanted.address_count != 1 || node->node.address_count == WORDS_LINKS_MAX)
		return usage_error(change, "link add wants one address for each node, and a node has 8 at most");
	memcpy(node->node.addresses[node->node.address_count++], wanted.addresses[0], sizeof(wanted.addresses[0]));
	int rc = conf_add_address(change->new_text, node->node.name, wanted.addresses[0], &result, why, sizeof(why));

	return take(change, result, why, rc);
}

static int plan_link(struct change *change, const struct words *words)
{
	struct conf conf;
	int code = words->count < 1 ? usage_error(change, link_usage) : begin(change, &conf);

	if (words->count < 1)
		return code;
	for (size_t i = 0; i < words->count && code == 0; i++)
		code = add_address(change, words->list[i]);
	if (code == 0)
		code = number_nodes(change);
	conf_fini(&conf);
	return code;
}

int link_add(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	return run(ctl, PLAN_LINK_ADD, link_usage, plan_link, "The ring has one more link: coterie-ctl rings shows it",
		argc, argv, data);
}

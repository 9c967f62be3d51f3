/*
 * Checks the section quorum for contradictions under the provider votequorum, and reports them with their
 * lines (book configuration, "Quorum"). The service checks the same rules, but it sees keys without lines,
 * and only when it starts, so `coterie -t` would miss them. A corosync.conf that breaks a rule ends the
 * start in the service, with the exit status of the reference. A coterie.conf is refused here.
 */
#include "config/tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct votes {
	struct tree *tree;
	uint64_t sum; /* of the votes of all nodes */
	uint32_t node_count;
	uint64_t expected; /* 0: use the sum */
	bool is_two_node, has_device, has_tie_breaker, has_last_man, has_downscale, has_wait_for_all;
	const struct tree_item *device_votes; /* NULL: not set */
};

static bool is_on(const struct tree *tree, const char *key) { return tree_number(tree, key, 0) != 0; }

static void collect(struct votes *votes, struct tree *tree, const struct config *config)
{
	const char *model = tree_text(tree, "quorum.device.model");
	char key[64];

	*votes = (struct votes){.tree = tree,
		.node_count = config->node_count,
		.expected = tree_number(tree, "quorum.expected_votes", 0),
		.is_two_node = is_on(tree, "quorum.two_node"),
		.has_device = model != NULL && *model != '\0',
		.has_tie_breaker = is_on(tree, "quorum.auto_tie_breaker"),
		.has_last_man = is_on(tree, "quorum.last_man_standing"),
		.has_downscale = is_on(tree, "quorum.allow_downscale"),
		.has_wait_for_all = is_on(tree, "quorum.wait_for_all"),
		.device_votes = tree_find(tree, "quorum.device.votes")};
	for (uint32_t i = 0; i < config->node_count; i++) {
		snprintf(key, sizeof(key), "nodelist.node.%u.quorum_votes", config->nodes[i].position);
		votes->sum += tree_number(tree, key, 1);
	}
}

/* Return the name of a key in the words of the file's syntax. */
static const char *name_of(const struct tree *tree, const char *native, const char *legacy)
{
	return tree->is_native ? native : legacy;
}

static void refuse_pair(const struct votes *votes, const char *key, const char *native, const char *legacy)
{
	tree_error(votes->tree, tree_place(votes->tree, key),
		"'%s' and a quorum device exclude each other: remove one",
		name_of(votes->tree, native, legacy));
}

static void check_device(const struct votes *votes)
{
	struct tree *tree = votes->tree;
	const struct place place = tree_place(tree, "quorum.device.model");
	const struct place set = tree_place(tree, "quorum.expected_votes");
	const char *expected = name_of(tree, "expected-votes", "expected_votes");
	const char *add = name_of(tree, "votes = N", "votes: N");

	if (votes->is_two_node)
		refuse_pair(votes, "quorum.two_node", "two-node", "two_node");
	if (votes->has_last_man)
		refuse_pair(votes, "quorum.last_man_standing", "last-man-standing", "last_man_standing");
	if (votes->has_tie_breaker)
		refuse_pair(votes, "quorum.auto_tie_breaker", "auto-tie-breaker", "auto_tie_breaker");
	if (votes->has_downscale)
		refuse_pair(votes, "quorum.allow_downscale", "allow-downscale", "allow_downscale");
	if (votes->device_votes == NULL && votes->expected != 0)
		tree_error(tree, place,
			"quorum device has no votes but '%s' is set (%s:%u): add '%s' to the device", expected,
			set.file, set.line, add);
	else if (votes->device_votes == NULL && votes->sum != votes->node_count)
		tree_error(tree, place,
			"quorum device has no votes but not every node has one vote: add '%s' to the device",
			add);
	else if (votes->device_votes != NULL && votes->device_votes->number > 0 && votes->expected != 0 &&
		 votes->expected < votes->device_votes->number + 2)
		tree_error(tree, votes->device_votes->place,
			"the quorum device has %" PRIu64 " of %" PRIu64
			" votes, which leaves the nodes fewer than 2: lower its votes or raise '%s'",
			votes->device_votes->number, votes->expected, expected);
}

static void check_nodes(const struct votes *votes)
{
	struct tree *tree = votes->tree;
	uint64_t all = votes->expected != 0 ? votes->expected : votes->sum;

	if (votes->is_two_node && !votes->has_device && all != 2)
		tree_warning(tree, tree_place(tree, "quorum.two_node"),
			"'%s' has no effect with %" PRIu64 " vote%s: remove it",
			name_of(tree, "two-node", "two_node"), all, all == 1 ? "" : "s");
	if (votes->is_two_node && votes->has_tie_breaker)
		tree_warning(tree, tree_place(tree, "quorum.two_node"),
			"'%s' has no effect with '%s': remove one", name_of(tree, "two-node", "two_node"),
			name_of(tree, "auto-tie-breaker", "auto_tie_breaker"));
	if (!votes->has_tie_breaker || votes->sum % 2 == 0 || votes->has_wait_for_all)
		return;
	if (votes->has_last_man)
		tree_error(tree, tree_place(tree, "quorum.auto_tie_breaker"),
			"'%s' and '%s' cannot be used together with an odd number of votes: add '%s' or drop one",
			name_of(tree, "auto-tie-breaker", "auto_tie_breaker"),
			name_of(tree, "last-man-standing", "last_man_standing"),
			name_of(tree, "wait-for-all = yes", "wait_for_all: 1"));
	else
		tree_warning(tree, tree_place(tree, "quorum.auto_tie_breaker"),
			"'%s' has no effect with an odd number of votes: add '%s' or remove it",
			name_of(tree, "auto-tie-breaker", "auto_tie_breaker"),
			name_of(tree, "wait-for-all = yes", "wait_for_all: 1"));
}

void votes_check(
	struct tree *tree, const struct config *config, const struct config_environment *environment)
{
	struct votes votes;

	if ((!tree->is_native && !environment->is_test) || config->quorum_provider == NULL ||
		strcmp(config->quorum_provider, "votequorum") != 0 || config->node_count == 0)
		return;
	collect(&votes, tree, config);
	if (votes.has_device)
		check_device(&votes);
	check_nodes(&votes);
}

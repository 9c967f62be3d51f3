/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Check of the section quorum for contradictions (book configuration, "Quorum"). Errors are reported with their lines.
 * The same rules are in config.c, which has no line numbers and runs only at the start of the service. So `coterie -t`
 * needs this check. A coterie.conf that breaks a rule is refused here. For a corosync.conf, config.c ends the start
 * with Corosync's exit status.
 */
#include "services/votequorum/check.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct votes {
	const struct coterie_config_view *view;
	const struct coterie_config_report *report;
	uint64_t sum;      /* sum of the votes of all nodes */
	uint64_t expected; /* expected votes, or 0: use the sum */
	bool is_two_node, has_device, has_tie_breaker, has_last_man, has_downscale, has_wait_for_all;
	const struct coterie_config_key *device_votes; /* NULL: not set */
};

static uint64_t number_of(const struct coterie_config_view *view, const char *key, uint64_t otherwise)
{
	const struct coterie_config_key *found = view->find(view, key);

	return found == NULL || found->type == COTERIE_MAP_STRING ? otherwise : found->number;
}

static bool is_on(const struct coterie_config_view *view, const char *key) { return number_of(view, key, 0) != 0; }

static bool is_native(const struct votes *votes) { return votes->view->syntax == COTERIE_SYNTAX_COTERIE; }

static void collect(struct votes *votes)
{
	const struct coterie_config_view *view = votes->view;
	const struct coterie_config_key *model = view->find(view, "quorum.device.model");
	char key[64];

	votes->expected = number_of(view, "quorum.expected_votes", 0);
	votes->is_two_node = is_on(view, "quorum.two_node");
	votes->has_device = model != NULL && *model->text != '\0';
	votes->has_tie_breaker = is_on(view, "quorum.auto_tie_breaker");
	votes->has_last_man = is_on(view, "quorum.last_man_standing");
	votes->has_downscale = is_on(view, "quorum.allow_downscale");
	votes->has_wait_for_all = is_on(view, "quorum.wait_for_all");
	votes->device_votes = view->find(view, "quorum.device.votes");
	for (uint32_t i = 0; i < view->node_count; i++) {
		const struct coterie_config_node *node = (const void *)((const char *)view->nodes +
									(size_t)view->node_size * i);

		snprintf(key, sizeof(key), "nodelist.node.%u.quorum_votes", node->position);
		votes->sum += number_of(view, key, 1);
	}
}

/* Return the name that a key has in the file. */
static const char *name_of(const struct votes *votes, const char *key)
{
	return is_native(votes) ? votes->view->name(votes->view, key) : strrchr(key, '.') + 1;
}

static void refuse_pair(const struct votes *votes, const char *key)
{
	votes->report->error(votes->report, votes->view->find(votes->view, key),
		"'%s' and a quorum device exclude each other: remove one", name_of(votes, key));
}

static void check_device(const struct votes *votes)
{
	const struct coterie_config_report *report = votes->report;
	const struct coterie_config_key *model = votes->view->find(votes->view, "quorum.device.model");
	const struct coterie_config_key *set = votes->view->find(votes->view, "quorum.expected_votes");
	const struct coterie_config_key *device = votes->device_votes;
	const char *add = is_native(votes) ? "votes = N" : "votes: N";

	if (votes->is_two_node)
		refuse_pair(votes, "quorum.two_node");
	if (votes->has_last_man)
		refuse_pair(votes, "quorum.last_man_standing");
	if (votes->has_tie_breaker)
		refuse_pair(votes, "quorum.auto_tie_breaker");
	if (votes->has_downscale)
		refuse_pair(votes, "quorum.allow_downscale");
	if (device == NULL && votes->expected != 0)
		report->error(report, model,
			"quorum device has no votes but '%s' is set (%s:%u): add '%s' to the "
			"device",
			name_of(votes, "quorum.expected_votes"), set->file, set->line, add);
	else if (device == NULL && votes->sum != votes->view->node_count)
		report->error(report, model,
			"quorum device has no votes but not every node has one vote: add '%s' to "
			"the device",
			add);
	else if (device != NULL && device->number > 0 && votes->expected != 0 && votes->expected < device->number + 2)
		report->error(report, device,
			"the quorum device has %" PRIu64 " of %" PRIu64
			" votes, which leaves the nodes fewer than 2: lower its votes or raise "
			"'%s'",
			device->number, votes->expected, name_of(votes, "quorum.expected_votes"));
}

static void check_two_node(const struct votes *votes)
{
	const struct coterie_config_report *report = votes->report;
	const struct coterie_config_key *at = votes->view->find(votes->view, "quorum.two_node");
	uint64_t all = votes->expected != 0 ? votes->expected : votes->sum;
	const char *two_node = name_of(votes, "quorum.two_node");

	if (!votes->is_two_node)
		return;
	if (!votes->has_device && all > 2)
		report->warning(report, at,
			"'%s' makes each part of one or two nodes quorate, although there are %" PRIu64
			" votes: remove it",
			two_node, all);
	else if (!votes->has_device && all < 2)
		report->warning(report, at, "'%s' has no effect with one vote: remove it", two_node);
	if (votes->has_tie_breaker)
		report->warning(report, at, "'%s' has no effect with '%s': remove one", two_node,
			is_native(votes) ? "auto-tie-breaker" : "auto_tie_breaker");
}

static void check_tie_breaker(const struct votes *votes)
{
	const struct coterie_config_report *report = votes->report;
	const struct coterie_config_key *at = votes->view->find(votes->view, "quorum.auto_tie_breaker");
	const char *tie_breaker = is_native(votes) ? "auto-tie-breaker" : "auto_tie_breaker";
	const char *wait = is_native(votes) ? "wait-for-all = yes" : "wait_for_all: 1";

	if (!votes->has_tie_breaker || votes->sum % 2 == 0 || votes->has_wait_for_all)
		return;
	if (votes->has_last_man)
		report->error(report, at,
			"'%s' and '%s' cannot be used together with an odd number of votes: add "
			"'%s' or drop one",
			tie_breaker, name_of(votes, "quorum.last_man_standing"), wait);
	else
		report->warning(report, at, "'%s' has no effect with an odd number of votes: add '%s' or remove it",
			tie_breaker, wait);
}

/* Return whether the file removes the named service. */
static bool is_removed(const struct coterie_config_key *without, const char *name)
{
	size_t length = strlen(name);

	if (without == NULL)
		return false;
	for (const char *at = without->text; *at != '\0'; at += strspn(at, " ")) {
		size_t size = strcspn(at, " ");

		if (size == length && strncmp(at, name, size) == 0)
			return true;
		at += size;
	}
	return false;
}

/*
 * Report that the service quorum is missing: the file has no standard set, or removes a service from it. Without quorum
 * the verdict of votequorum would reach no client.
 */
static void check_quorum(const struct votes *votes)
{
	const struct coterie_config_view *view = votes->view;
	const struct coterie_config_report *report = votes->report;
	const struct coterie_config_key *without = view->find(view, "coterie.plugins.without");

	if (view->service(view, "quorum") != NULL || view->service(view, "votequorum") == NULL)
		return;
	if (is_removed(without, "quorum"))
		report->error(report, without,
			"service 'votequorum' needs service 'quorum': leave both enabled, or none "
			"of them");
	else if (is_native(votes))
		report->error(report, view->service(view, "votequorum"),
			"service 'votequorum' needs service 'quorum': add 'service quorum {}'");
}

void votequorum_check(const struct coterie_config_view *view, const struct coterie_config_report *report)
{
	struct votes votes = {.view = view, .report = report};

	check_quorum(&votes);
	if ((!is_native(&votes) && view->purpose != COTERIE_CHECK_TEST) || view->provider == NULL ||
		strcmp(view->provider, "votequorum") != 0 || view->node_count == 0)
		return;
	collect(&votes);
	if (votes.has_device)
		check_device(&votes);
	check_two_node(&votes);
	check_tie_breaker(&votes);
}

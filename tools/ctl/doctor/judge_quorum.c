/* SPDX-License-Identifier: BSD-3-Clause */
/* Judge quorum: the present verdict, and settings that cannot work. */
#include "tools/ctl/doctor/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool has_provider(const struct doctor_facts *facts)
{
	const char *provider = doctor_text(&facts->config, "quorum.provider");

	return provider != NULL && strstr(provider, "votequorum") != NULL;
}

static bool has_device(const struct doctor_facts *facts)
{
	const char *model = doctor_text(&facts->config, "quorum.device.model");

	return model != NULL && *model != '\0';
}

static int64_t votes_of_nodes(const struct doctor_facts *facts)
{
	int64_t sum = 0;

	for (size_t i = 0; i < facts->member_count; i++)
		sum += facts->members[i].votes;
	return sum;
}

void judge_quorum(const struct doctor_facts *facts, struct doctor_report *report)
{
	const int64_t is_quorate = doctor_number(&facts->stats, "stats.quorate", DOCTOR_UNKNOWN);
	uint32_t missing = 0;

	if (!has_provider(facts) || facts->mode != DOCTOR_OF_DAEMON)
		return;
	if (is_quorate < 0) {
		doctor_unchecked(report, "the service quorum does not answer");
		return;
	}
	if (is_quorate != 0)
		return;
	for (size_t i = 0; i < facts->member_count; i++)
		missing += !facts->members[i].is_joined;
	const bool is_waiting = doctor_number(&facts->config, "runtime.votequorum.wait_for_all_status", 0) != 0;
	struct doctor_finding *finding = doctor_find(report, DOCTOR_ERROR, "this partition has no quorum");

	doctor_evidence(finding, "%" PRIu32 " of %zu nodes are missing%s", missing, facts->member_count,
		is_waiting ? "; it waits for all nodes to be there once" : "");
	doctor_remedy(finding, is_waiting ? "start the missing nodes; coterie-ctl quorum unblock overrules"
					  : "bring nodes back; the findings about them say how");
}

void judge_expected(const struct doctor_facts *facts, struct doctor_report *report)
{
	const int64_t votes = votes_of_nodes(facts);
	const int64_t expected = doctor_number(&facts->config, "quorum.expected_votes", 0);

	if (!has_provider(facts) || facts->member_count == 0)
		return;
	if (votes == 0) {
		struct doctor_finding *finding = doctor_find(
			report, DOCTOR_ERROR, "no node has a vote, so that quorum is impossible");

		doctor_evidence(finding, "%zu nodes with 0 votes", facts->member_count);
		doctor_remedy(finding, "give nodes votes (votes in block node)");
		return;
	}
	/* With a quorum device, the missing votes may be those of the device. */
	if (expected == 0 || has_device(facts) || expected / 2 + 1 <= votes)
		return;
	struct doctor_finding *finding = doctor_find(
		report, DOCTOR_ERROR, "the nodes cannot have quorum, not even if all of them are there");

	doctor_evidence(finding,
		"expected votes are %" PRIi64 ", quorum is %" PRIi64 ", and all nodes together have %" PRIi64, expected,
		expected / 2 + 1, votes);
	doctor_remedy(finding, "remove expected-votes from block quorum, or set it to %" PRIi64, votes);
}

/* Return whether one node has a majority by itself. */
static bool has_majority_node(const struct doctor_facts *facts)
{
	const int64_t votes = votes_of_nodes(facts);
	const int64_t expected = doctor_number(&facts->config, "quorum.expected_votes", votes);

	for (size_t i = 0; i < facts->member_count; i++)
		if (facts->members[i].votes > (expected > votes ? expected : votes) / 2)
			return true;
	return false;
}

void judge_two_nodes(const struct doctor_facts *facts, struct doctor_report *report)
{
	const bool is_two_node = doctor_is_on(&facts->config, "quorum.two_node", false);
	struct doctor_finding *finding;

	if (!has_provider(facts) || facts->member_count == 0)
		return;
	if (is_two_node && facts->member_count != 2) {
		finding = doctor_find(report, DOCTOR_WARNING, "two-node is set, and the cluster has not two nodes");
		doctor_evidence(finding, "the node list has %zu nodes", facts->member_count);
		doctor_remedy(finding, "remove two-node from block quorum");
		return;
	}
	if (facts->member_count != 2)
		return;
	if (!is_two_node && !has_device(facts) && !has_majority_node(facts) &&
		!doctor_is_on(&facts->config, "quorum.auto_tie_breaker", false)) {
		finding = doctor_find(report, DOCTOR_WARNING, "the cluster loses quorum with either of its two nodes");
		doctor_evidence(finding, "two nodes, without two-node, tie breaker and quorum device");
		doctor_remedy(finding, "set two-node = yes in block quorum, or add a quorum device");
	} else if (is_two_node && !doctor_is_on(&facts->config, "quorum.wait_for_all", true)) {
		finding = doctor_find(report, DOCTOR_WARNING,
			"a node that starts alone has quorum at once, and may serve beside the other one");
		doctor_evidence(finding, "two-node with wait-for-all = no");
		doctor_remedy(finding, "remove wait-for-all = no from block quorum");
	}
}

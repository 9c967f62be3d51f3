/*
 * The planner of a change.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/cluster/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct planner {
	const struct plan_request *request;
	const struct plan_node *nodes;
	size_t count;
	struct plan *plan;
	bool is_out_of_memory;
};

/* --- findings --- */

__attribute__((format(printf, 6, 7))) static void add_finding(struct planner *planner, struct plan_finding **list,
	size_t *count, size_t node, const char *remedy, const char *format, ...)
{
	struct plan_finding *more = realloc(*list, (*count + 1) * sizeof(*more));
	va_list arguments;

	if (more == NULL) {
		planner->is_out_of_memory = true;
		return;
	}
	*list = more;
	struct plan_finding *finding = &more[(*count)++];

	*finding = (struct plan_finding){.node = node};
	va_start(arguments, format);
	vsnprintf(finding->text, sizeof(finding->text), format, arguments);
	va_end(arguments);
	snprintf(finding->remedy, sizeof(finding->remedy), "%s", remedy);
}

#define REFUSE(planner, node, remedy, ...) \
	add_finding(planner, &(planner)->plan->refusals, &(planner)->plan->refusal_count, node, remedy, __VA_ARGS__)
#define NOTE(planner, node, remedy, ...) \
	add_finding(planner, &(planner)->plan->notes, &(planner)->plan->note_count, node, remedy, __VA_ARGS__)

/* --- the ring --- */

/* Return the next node, from `after` on, that stays and whose daemon runs. SIZE_MAX: none. */
static size_t running(const struct planner *planner, size_t after)
{
	for (size_t i = after; i < planner->count; i++)
		if (planner->nodes[i].role == ROLE_STAYS && planner->request->change != PLAN_CREATE &&
			planner->nodes[i].facts.is_reached && planner->nodes[i].facts.is_running)
			return i;
	return SIZE_MAX;
}

/* Return whether the node is in the ring that the first running node reports. */
static bool is_joined(const struct planner *planner, size_t i)
{
	size_t asked = running(planner, 0);

	if (asked == SIZE_MAX)
		return false;
	const struct node_facts *facts = &planner->nodes[asked].facts;

	for (size_t k = 0; k < facts->member_count; k++)
		if (facts->members[k] == planner->nodes[i].node.id)
			return true;
	return false;
}

/* --- facts of one node --- */

static bool is_new(const struct planner *planner, size_t i)
{
	return planner->request->change == PLAN_CREATE || planner->nodes[i].role == ROLE_JOINS;
}

/* Return whether a node need not be reached: a node that is removed may be dead. Then its files are not changed. */
static bool may_be_missing(const struct planner *planner, size_t i) { return planner->nodes[i].role == ROLE_LEAVES; }

static void check_reached(struct planner *planner, size_t i)
{
	const struct node_facts *facts = &planner->nodes[i].facts;

	if (facts->is_reached)
		return;
	if (may_be_missing(planner, i) && is_joined(planner, i) && !planner->request->is_forced)
		REFUSE(planner, i, "see that 'ssh' reaches it, or stop its daemon by hand first",
			"it is in the ring, and its daemon cannot be stopped: %s", facts->error);
	else if (may_be_missing(planner, i))
		NOTE(planner, i, "before it starts again, remove its coterie.conf and authkey; give the ring a new key",
			"it cannot be reached, so its files stay: %s", facts->error);
	else
		REFUSE(planner, i,
			is_new(planner, i)
				? "see that 'ssh' reaches it as root without a question, and that coterie-ctl is installed there"
				: "see that 'ssh' reaches it, or take it out first with 'coterie-ctl node remove'",
			"it cannot be reached: %s", facts->error);
}

static void check_installed(struct planner *planner, size_t i)
{
	const struct node_facts *facts = &planner->nodes[i].facts;

	if (facts->protocol != PLAN_PROTOCOL)
		REFUSE(planner, i, "install the same version on all nodes",
			"its coterie-ctl (version %s) speaks another language than this one", facts->version);
	if (facts->daemon[0] != '\0')
		REFUSE(planner, i, "install the daemon there: on Debian, 'apt install coterie'",
			"the daemon cannot be run: %s", facts->daemon);
	if (facts->write_error[0] != '\0')
		REFUSE(planner, i, "log in there as root: --ssh='ssh -l root'", "its folder '%s' cannot be written: %s",
			facts->folder, facts->write_error);
	if (facts->is_open)
		REFUSE(planner, i, OPEN_REMEDY, "other users can change its folder '%s'", facts->folder);
	if (facts->is_locked)
		REFUSE(planner, i, "wait for its end", "another change of the cluster is under way there");
}

/* Check that a new node has no files of another cluster. */
static void check_new(struct planner *planner, size_t i)
{
	const struct node_facts *facts = &planner->nodes[i].facts;
	bool is_forced = planner->request->is_forced;

	if (facts->is_running)
		REFUSE(planner, i, "stop it first, if that cluster is not needed: systemctl stop coterie corosync",
			"%s of cluster '%s' runs there", facts->is_corosync ? "a Corosync daemon" : "a daemon",
			facts->cluster);
	if (facts->has_config && !is_forced)
		REFUSE(planner, i, "use --force: the old file is then kept as coterie.conf.old",
			"it has a config already: '%s'", facts->file);
	if (facts->has_corosync_config)
		NOTE(planner, i, "", "it also has a corosync.conf, which is not used beside a coterie.conf");
	if (facts->has_key && planner->request->is_encrypted && !is_forced)
		REFUSE(planner, i, "use --force: the old key is then kept as authkey.old", "it has a key already: '%s'",
			facts->key_file);
}

/* Check that a node is a member of the cluster and has the config of the other nodes. */
static void check_member(struct planner *planner, size_t i)
{
	const struct plan_node *node = &planner->nodes[i];
	const struct node_facts *facts = &node->facts;
	bool is_named = planner->request->cluster[0] != '\0' && facts->cluster[0] != '\0';

	if (facts->is_corosync) {
		REFUSE(planner, i, "move the node to Coterie first, or change the cluster by hand",
			"a Corosync daemon runs there");
		return;
	}
	if (facts->is_running && is_named && strcmp(facts->cluster, planner->request->cluster) != 0)
		REFUSE(planner, i, "", "a daemon of cluster '%s' runs there, not of '%s'", facts->cluster,
			planner->request->cluster);
	if (facts->is_running && facts->id != node->node.id)
		REFUSE(planner, i, "make the config files alike, and reload",
			"its daemon runs as node %u, and the file has node %u", facts->id, node->node.id);
	if (node->role == ROLE_LEAVES)
		return;
	if (!facts->has_config || facts->config == NULL)
		REFUSE(planner, i, "copy coterie.conf to it from another node",
			"it has no config that can be read: '%s'", facts->file);
	if (!facts->is_running && planner->request->change != PLAN_NODE_REMOVE)
		NOTE(planner, i, "", "its daemon does not run: it takes the new file when it starts");
}

static void check_nodes(struct planner *planner)
{
	for (size_t i = 0; i < planner->count; i++) {
		check_reached(planner, i);
		if (!planner->nodes[i].facts.is_reached)
			continue;
		check_installed(planner, i);
		if (is_new(planner, i))
			check_new(planner, i);
		else
			check_member(planner, i);
	}
}

/* --- facts of all nodes --- */

static void check_versions(struct planner *planner)
{
	size_t first = SIZE_MAX;

	for (size_t i = 0; i < planner->count; i++) {
		const struct node_facts *facts = &planner->nodes[i].facts;

		if (!facts->is_reached)
			continue;
		if (first == SIZE_MAX)
			first = i;
		else if (strcmp(facts->version, planner->nodes[first].facts.version) != 0)
			NOTE(planner, i, "", "it has version %s, and %s has %s", facts->version,
				planner->nodes[first].node.name, planner->nodes[first].facts.version);
	}
}

/*
 * Check that all nodes that stay have the same text of the configuration, since all of them get the same change. Their
 * locks are held.
 */
static void check_alike(struct planner *planner)
{
	const char *text = planner->request->old_text;
	size_t first = SIZE_MAX;

	for (size_t i = 0; i < planner->count; i++) {
		const struct node_facts *facts = &planner->nodes[i].facts;

		if (!facts->is_reached || facts->config == NULL || planner->nodes[i].role != ROLE_STAYS)
			continue;
		if (first == SIZE_MAX) {
			first = i;
			if (text != NULL && strcmp(facts->config, text) != 0)
				REFUSE(planner, i,
					"run the command once more; if that is refused, too, make the files alike",
					"its '%s' is not the one that this change is made of: it has changed meanwhile, or differs from that of this host",
					facts->file);
		} else if (strcmp(facts->config, planner->nodes[first].facts.config) != 0) {
			REFUSE(planner, i, "make the files alike, then 'coterie-ctl reload'",
				"its '%s' differs from that of %s", facts->file, planner->nodes[first].node.name);
		}
	}
}

/* Check that the addresses of each link are of one family. The daemon checks host names. */
static void check_families(struct planner *planner)
{
	for (size_t link = 0; link < WORDS_LINKS_MAX; link++) {
		size_t first = SIZE_MAX;

		for (size_t i = 0; i < planner->count; i++) {
			const struct words_node *node = &planner->nodes[i].node;
			int family = link < node->address_count ? words_family(node->addresses[link]) : 0;

			if (family == 0 || planner->nodes[i].role == ROLE_LEAVES)
				continue;
			if (first == SIZE_MAX)
				first = i;
			else if (family != words_family(planner->nodes[first].node.addresses[link]))
				REFUSE(planner, i, "give all nodes IPv4, or all IPv6",
					"its address %s is not of the family of %s, link %zu", node->addresses[link],
					planner->nodes[first].node.addresses[link], link);
		}
	}
}

static void check_links(struct planner *planner)
{
	size_t links = 0, least = SIZE_MAX;

	for (size_t i = 0; i < planner->count; i++) {
		size_t count = planner->nodes[i].node.address_count;

		if (planner->nodes[i].role == ROLE_LEAVES)
			continue;
		links = count > links ? count : links;
		least = count < least ? count : least;
	}
	if (links > 1 && strcmp(planner->request->transport, "knet") != 0)
		REFUSE(planner, SIZE_MAX, "use transport knet, or one address for each node",
			"transport %s has one link", planner->request->transport);
	if (least < links)
		REFUSE(planner, SIZE_MAX, "give every node one address for each link",
			"the nodes have from %zu to %zu addresses", least, links);
}

/* --- quorum --- */

static uint32_t votes_of(const struct planner *planner, bool with_leaving)
{
	uint32_t votes = 0;

	for (size_t i = 0; i < planner->count; i++)
		if (planner->nodes[i].role != ROLE_JOINS && (with_leaving || planner->nodes[i].role != ROLE_LEAVES))
			votes += planner->nodes[i].votes;
	return votes;
}

bool plan_keeps_quorum(const struct plan_request *request, const struct plan_node *nodes, size_t count, size_t leaving,
	char *why, size_t size)
{
	struct planner planner = {.request = request, .nodes = nodes, .count = count};
	uint32_t before = votes_of(&planner, true), joined = 0, rest;

	for (size_t i = 0; i < count; i++)
		if (is_joined(&planner, i))
			joined += nodes[i].votes;
	rest = joined - (is_joined(&planner, leaving) ? nodes[leaving].votes : 0);
	uint32_t quorum_before = request->is_two_node ? 1 : before / 2 + 1;
	uint32_t after = before - nodes[leaving].votes, quorum_after = after / 2 + 1;
	/*
	 * The ring applies the new file before the node leaves. So in between the new number of votes is needed, too.
	 */
	bool is_kept = rest >= quorum_after;

	if (!is_kept)
		snprintf(why, size,
			"without it %u of %u votes are in the ring, and quorum would be %u (now it is %u with %u in the ring)",
			rest, after, quorum_after, quorum_before, joined);
	return is_kept;
}

static void check_quorum(struct planner *planner)
{
	const struct plan_request *request = planner->request;
	size_t after = 0, leaving = SIZE_MAX;
	char why[PLAN_TEXT_MAX];

	for (size_t i = 0; i < planner->count; i++) {
		after += planner->nodes[i].role != ROLE_LEAVES;
		leaving = planner->nodes[i].role == ROLE_LEAVES ? i : leaving;
	}
	if (request->has_expected_votes && (request->change == PLAN_NODE_ADD || request->change == PLAN_NODE_REMOVE))
		NOTE(planner, SIZE_MAX, "remove it, so that the votes of the nodes count",
			"'expected-votes' stands in the file, and stays as it is");
	if (request->change == PLAN_NODE_ADD && request->is_two_node)
		NOTE(planner, SIZE_MAX, "", "'two-node' is set to no: the cluster has %zu nodes now", after);
	if (request->change == PLAN_NODE_REMOVE && after == 2 && !request->is_two_node && !request->has_device)
		NOTE(planner, SIZE_MAX,
			"'two-node = yes' in block quorum lets one of them go on alone: see votequorum(5)",
			"two nodes are left, and both are needed for quorum");
	if (request->change == PLAN_CREATE && after == 2)
		NOTE(planner, SIZE_MAX, "",
			"of two nodes one goes on alone ('two-node = yes'); at a start it waits for both");
	if (request->change == PLAN_CREATE && after == 1)
		NOTE(planner, SIZE_MAX, "", "a cluster of one node: 'coterie-ctl node add' adds others");
	if (leaving == SIZE_MAX || running(planner, 0) == SIZE_MAX ||
		plan_keeps_quorum(request, planner->nodes, planner->count, leaving, why, sizeof(why)))
		return;
	if (request->is_forced)
		NOTE(planner, SIZE_MAX, "", "the rest loses quorum: %s", why);
	else
		REFUSE(planner, leaving,
			"start or remove nodes that are not in the ring first; --force removes it all the same",
			"the rest would lose quorum: %s", why);
}

static void check_removal(struct planner *planner)
{
	size_t left = 0;

	for (size_t i = 0; i < planner->count; i++)
		left += planner->nodes[i].role != ROLE_LEAVES;
	if (planner->request->change == PLAN_NODE_REMOVE && left == 0)
		REFUSE(planner, SIZE_MAX, "stop its daemon, and remove its files",
			"it is the only node of the cluster");
}

/* Reject a change if nodes of the cluster are in separate rings: it is not clear which ring to change. */
static void check_ring(struct planner *planner)
{
	size_t first = running(planner, 0);

	for (size_t i = first == SIZE_MAX ? SIZE_MAX : running(planner, first + 1); i != SIZE_MAX;
		i = running(planner, i + 1))
		if (!is_joined(planner, i))
			REFUSE(planner, i, "look at 'coterie-ctl status' on both",
				"its daemon runs, but not in the ring of %s", planner->nodes[first].node.name);
}

/* --- steps --- */

static void add_step(struct planner *planner, enum step_kind kind, size_t node)
{
	struct plan *plan = planner->plan;
	struct plan_step *more = realloc(plan->steps, (plan->step_count + 1) * sizeof(*more));

	if (more == NULL) {
		planner->is_out_of_memory = true;
		return;
	}
	plan->steps = more;
	more[plan->step_count++] = (struct plan_step){kind, node};
}

static void add_steps(struct planner *planner, enum step_kind kind)
{
	for (size_t i = 0; i < planner->count; i++)
		if (planner->nodes[i].role != ROLE_LEAVES)
			add_step(planner, kind, i);
}

static void plan_steps(struct planner *planner)
{
	size_t asked = running(planner, 0);

	for (size_t i = 0; i < planner->count; i++)
		if (is_new(planner, i) && planner->request->is_encrypted)
			add_step(planner, STEP_KEY, i);
	add_steps(planner, STEP_WRITE);
	add_steps(planner, STEP_TEST);
	add_steps(planner, STEP_PLACE);
	if (asked != SIZE_MAX) {
		add_step(planner, STEP_RELOAD_CHECK, asked);
		add_step(planner, STEP_RELOAD, asked);
	}
	for (size_t i = 0; i < planner->count; i++) {
		const struct plan_node *node = &planner->nodes[i];

		if (node->role == ROLE_LEAVES && node->facts.is_reached && node->facts.is_running)
			add_step(planner, STEP_STOP, i);
		if (node->role == ROLE_LEAVES && node->facts.is_reached)
			add_step(planner, STEP_RETIRE, i);
		if (is_new(planner, i) && planner->request->is_started)
			add_step(planner, STEP_START, i);
	}
}

const char *plan_step_name(enum step_kind kind)
{
	static const char *const names[STEP_KINDS] = {
		[STEP_KEY] = "key",
		[STEP_WRITE] = "write",
		[STEP_TEST] = "test",
		[STEP_PLACE] = "place",
		[STEP_RELOAD_CHECK] = "reload-check",
		[STEP_RELOAD] = "reload",
		[STEP_STOP] = "stop",
		[STEP_RETIRE] = "retire",
		[STEP_START] = "start",
	};

	return names[kind];
}

int plan_make(const struct plan_request *request, const struct plan_node *nodes, size_t count, struct plan *plan)
{
	struct planner planner = {.request = request, .nodes = nodes, .count = count, .plan = plan};

	*plan = (struct plan){.step_count = 0};
	check_removal(&planner);
	check_links(&planner);
	check_families(&planner);
	check_nodes(&planner);
	check_versions(&planner);
	if (request->change != PLAN_CREATE) {
		check_alike(&planner);
		check_ring(&planner);
	}
	check_quorum(&planner);
	if (plan->refusal_count == 0)
		plan_steps(&planner);
	return planner.is_out_of_memory ? -ENOMEM : 0;
}

void plan_fini(struct plan *plan)
{
	free(plan->steps);
	free(plan->refusals);
	free(plan->notes);
	*plan = (struct plan){.step_count = 0};
}

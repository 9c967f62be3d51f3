/* SPDX-License-Identifier: BSD-3-Clause */
/* tools/cluster/plan.c: from facts about nodes to steps or refusals. */
#include "tools/cluster/plan.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NODES 4

/* Nodes n1 to n4 of cluster c. The last one may be added or removed. */
struct fixture {
	struct plan_request request;
	struct plan_node nodes[NODES];
	size_t count;
	char config[16];
};

/* Set up valid facts for the change: empty nodes, or a ring of all present nodes. */
static void set_up(struct fixture *fixture, enum plan_change change, size_t count)
{
	*fixture = (struct fixture){.count = count, .config = "same"};
	fixture->request = (struct plan_request){
		.change = change, .cluster = "c", .transport = "knet", .is_encrypted = true};
	fixture->request.old_text = change == PLAN_CREATE ? NULL : "same";
	for (size_t i = 0; i < count; i++) {
		struct plan_node *node = &fixture->nodes[i];
		bool is_last = i + 1 == count;

		snprintf(node->node.name, sizeof(node->node.name), "n%zu", i + 1);
		snprintf(node->node.addresses[0], sizeof(node->node.addresses[0]), "10.0.0.%zu", i + 1);
		node->node.address_count = 1;
		node->node.id = (uint32_t)i + 1;
		node->votes = 1;
		node->role = change == PLAN_CREATE || (change == PLAN_NODE_ADD && is_last) ? ROLE_JOINS
			     : change == PLAN_NODE_REMOVE && is_last                       ? ROLE_LEAVES
											   : ROLE_STAYS;
		struct node_facts *facts = &node->facts;

		*facts = (struct node_facts){.is_reached = true, .protocol = PLAN_PROTOCOL, .version = "1.0"};
		snprintf(facts->file, sizeof(facts->file), "/etc/coterie/coterie.conf");
		snprintf(facts->folder, sizeof(facts->folder), "/etc/coterie");
		if (node->role == ROLE_JOINS)
			continue;
		facts->has_config = facts->has_key = facts->is_running = facts->is_quorate = true;
		facts->config = fixture->config;
		facts->id = node->node.id;
		snprintf(facts->cluster, sizeof(facts->cluster), "c");
		for (size_t k = 0; k < count - (change == PLAN_NODE_ADD); k++)
			facts->members[facts->member_count++] = k + 1;
	}
}

/* Take down the daemon of a node. The others report it as down. */
static void take_down(struct fixture *fixture, size_t node)
{
	fixture->nodes[node].facts.is_running = false;
	for (size_t i = 0; i < fixture->count; i++) {
		struct node_facts *facts = &fixture->nodes[i].facts;
		size_t kept = 0;

		for (size_t k = 0; k < facts->member_count; k++)
			if (facts->members[k] != node + 1)
				facts->members[kept++] = facts->members[k];
		facts->member_count = kept;
	}
}

/* Return the steps as a text: "key n1 n2, write n1 n2". */
static const char *steps_of(const struct fixture *fixture, const struct plan *plan, char text[1024])
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (i == 0 || plan->steps[i - 1].kind != step->kind)
			length += (size_t)snprintf(
				text + length, 1024 - length, "%s%s", i == 0 ? "" : ", ", plan_step_name(step->kind));
		length += (size_t)snprintf(text + length, 1024 - length, " %s", fixture->nodes[step->node].node.name);
	}
	return text;
}

/* --- plans that are possible --- */

static void plain(struct fixture *fixture) { (void)fixture; }
static void in_clear(struct fixture *fixture) { fixture->request.is_encrypted = false; }
static void started(struct fixture *fixture) { fixture->request.is_started = true; }
static void last_is_dead(struct fixture *fixture)
{
	take_down(fixture, fixture->count - 1);
	fixture->nodes[fixture->count - 1].facts.is_reached = false;
}
static void last_is_down(struct fixture *fixture) { take_down(fixture, fixture->count - 1); }
static void first_is_down(struct fixture *fixture) { take_down(fixture, 0); }
static void all_are_down(struct fixture *fixture)
{
	for (size_t i = 0; i < fixture->count; i++)
		take_down(fixture, i);
}
static void forced_over_old_files(struct fixture *fixture)
{
	fixture->request.is_forced = true;
	for (size_t i = 0; i < fixture->count; i++)
		fixture->nodes[i].facts.has_config = fixture->nodes[i].facts.has_key = true;
}

static const struct {
	const char *name;
	enum plan_change change;
	size_t count;
	void (*prepare)(struct fixture *fixture);
	const char *steps;
} good[] = {
	{"three new nodes", PLAN_CREATE, 3, plain, "key n1 n2 n3, write n1 n2 n3, test n1 n2 n3, place n1 n2 n3"},
	{"in clear", PLAN_CREATE, 2, in_clear, "write n1 n2, test n1 n2, place n1 n2"},
	{"with a start", PLAN_CREATE, 2, started, "key n1 n2, write n1 n2, test n1 n2, place n1 n2, start n1 n2"},
	{"by force over old files", PLAN_CREATE, 1, forced_over_old_files, "key n1, write n1, test n1, place n1"},
	{"a node joins", PLAN_NODE_ADD, 3, plain,
		"key n3, write n1 n2 n3, test n1 n2 n3, place n1 n2 n3, reload-check n1, reload n1"},
	{"and is started", PLAN_NODE_ADD, 3, started,
		"key n3, write n1 n2 n3, test n1 n2 n3, place n1 n2 n3, reload-check n1, reload n1, start n3"},
	{"the first daemon is down", PLAN_NODE_ADD, 3, first_is_down,
		"key n3, write n1 n2 n3, test n1 n2 n3, place n1 n2 n3, reload-check n2, reload n2"},
	{"no ring runs", PLAN_NODE_ADD, 3, all_are_down, "key n3, write n1 n2 n3, test n1 n2 n3, place n1 n2 n3"},
	{"a node leaves", PLAN_NODE_REMOVE, 4, plain,
		"write n1 n2 n3, test n1 n2 n3, place n1 n2 n3, reload-check n1, reload n1, stop n4, retire n4"},
	{"a dead node leaves", PLAN_NODE_REMOVE, 4, last_is_dead,
		"write n1 n2 n3, test n1 n2 n3, place n1 n2 n3, reload-check n1, reload n1"},
	{"a node without its daemon leaves", PLAN_NODE_REMOVE, 3, last_is_down,
		"write n1 n2, test n1 n2, place n1 n2, reload-check n1, reload n1, retire n3"},
	{"one of two leaves", PLAN_NODE_REMOVE, 2, plain,
		"write n1, test n1, place n1, reload-check n1, reload n1, stop n2, retire n2"},
	{"a link", PLAN_LINK_ADD, 3, plain,
		"write n1 n2 n3, test n1 n2 n3, place n1 n2 n3, reload-check n1, reload n1"},
};

START_TEST(a_change_has_its_steps_in_order)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		struct fixture fixture;
		struct plan plan;
		char text[1024];

		set_up(&fixture, good[i].change, good[i].count);
		good[i].prepare(&fixture);
		ck_assert_int_eq(plan_make(&fixture.request, fixture.nodes, fixture.count, &plan), 0);
		ck_assert_msg(plan.refusal_count == 0, "%s: %s", good[i].name,
			plan.refusal_count > 0 ? plan.refusals[0].text : "");
		ck_assert_msg(
			strcmp(steps_of(&fixture, &plan, text), good[i].steps) == 0, "%s: %s", good[i].name, text);
		plan_fini(&plan);
	}
}
END_TEST

/* --- refusals --- */

static struct node_facts *second(struct fixture *fixture) { return &fixture->nodes[1].facts; }
static struct node_facts *last(struct fixture *fixture) { return &fixture->nodes[fixture->count - 1].facts; }

static void unreached(struct fixture *fixture)
{
	second(fixture)->is_reached = false;
	snprintf(second(fixture)->error, sizeof(second(fixture)->error), "Connection refused");
}
static void other_protocol(struct fixture *fixture) { second(fixture)->protocol = PLAN_PROTOCOL + 1; }
static void no_daemon(struct fixture *fixture) { snprintf(second(fixture)->daemon, PLAN_TEXT_MAX, "not found"); }
static void read_only(struct fixture *fixture)
{
	snprintf(second(fixture)->write_error, PLAN_TEXT_MAX, "Read-only file system");
}
static void open_folder(struct fixture *fixture)
{
	snprintf(second(fixture)->folder, sizeof(second(fixture)->folder), "/srv/cluster");
	second(fixture)->is_open = true;
}
static void locked(struct fixture *fixture) { second(fixture)->is_locked = true; }
static void runs_other(struct fixture *fixture)
{
	last(fixture)->is_running = true;
	snprintf(last(fixture)->cluster, sizeof(last(fixture)->cluster), "other");
}
static void runs_other_by_force(struct fixture *fixture)
{
	runs_other(fixture);
	fixture->request.is_forced = true;
}
static void runs_corosync(struct fixture *fixture) { last(fixture)->is_running = last(fixture)->is_corosync = true; }
static void has_config(struct fixture *fixture) { last(fixture)->has_config = true; }
static void has_key(struct fixture *fixture) { last(fixture)->has_key = true; }
static void differs(struct fixture *fixture)
{
	static char other[] = "other";

	second(fixture)->config = other;
}
static void changed_meanwhile(struct fixture *fixture) { fixture->request.old_text = "before"; }
static void no_config(struct fixture *fixture)
{
	second(fixture)->has_config = false;
	second(fixture)->config = NULL;
}
static void other_id(struct fixture *fixture) { second(fixture)->id = 9; }
static void other_cluster(struct fixture *fixture)
{
	snprintf(second(fixture)->cluster, sizeof(second(fixture)->cluster), "other");
}
static void two_rings(struct fixture *fixture)
{
	take_down(fixture, 1);
	second(fixture)->is_running = true;
	second(fixture)->members[0] = 2;
	second(fixture)->member_count = 1;
}
static void two_families(struct fixture *fixture) { strcpy(fixture->nodes[1].node.addresses[0], "fd00::2"); }
static void one_address_more(struct fixture *fixture)
{
	strcpy(fixture->nodes[1].node.addresses[fixture->nodes[1].node.address_count++], "10.1.0.2");
}
static void two_links_of_udpu(struct fixture *fixture)
{
	fixture->request.transport = "udpu";
	for (size_t i = 0; i < fixture->count; i++)
		snprintf(fixture->nodes[i].node.addresses[fixture->nodes[i].node.address_count++], WORDS_ADDRESS_MAX,
			"10.1.0.%zu", i + 1);
}
static void others_are_down(struct fixture *fixture)
{
	for (size_t i = 1; i + 1 < fixture->count; i++)
		take_down(fixture, i);
}
static void last_is_unreached(struct fixture *fixture) { last(fixture)->is_reached = false; }
static void heavy(struct fixture *fixture)
{
	fixture->nodes[fixture->count - 1].votes = 5;
	take_down(fixture, 1);
}

static const struct {
	const char *name;
	enum plan_change change;
	size_t count;
	void (*prepare)(struct fixture *fixture);
	const char *node; /* "": the finding is about the cluster */
	const char *text;
} bad[] = {
	{"unreached", PLAN_CREATE, 3, unreached, "n2", "cannot be reached: Connection refused"},
	{"unreached", PLAN_NODE_ADD, 3, unreached, "n2", "cannot be reached"},
	{"unreached", PLAN_NODE_REMOVE, 3, unreached, "n2", "cannot be reached"},
	{"another protocol", PLAN_CREATE, 3, other_protocol, "n2", "another language"},
	{"no daemon", PLAN_CREATE, 3, no_daemon, "n2", "cannot be run: not found"},
	{"a folder that is read-only", PLAN_CREATE, 3, read_only, "n2", "'/etc/coterie' cannot be written: Read-only"},
	{"a folder that others can change", PLAN_CREATE, 3, open_folder, "n2",
		"other users can change its folder '/srv/cluster'"},
	{"another change", PLAN_LINK_ADD, 3, locked, "n2", "another change"},
	{"another cluster", PLAN_CREATE, 3, runs_other, "n3", "of cluster 'other'"},
	{"another cluster, by force", PLAN_CREATE, 3, runs_other_by_force, "n3", "of cluster 'other'"},
	{"another cluster joins", PLAN_NODE_ADD, 3, runs_other, "n3", "of cluster 'other'"},
	{"Corosync", PLAN_CREATE, 3, runs_corosync, "n3", "Corosync"},
	{"Corosync in the ring", PLAN_LINK_ADD, 3, runs_corosync, "n3", "Corosync"},
	{"a config", PLAN_CREATE, 3, has_config, "n3", "has a config already: '/etc/coterie/coterie.conf'"},
	{"a config", PLAN_NODE_ADD, 3, has_config, "n3", "has a config already"},
	{"a key", PLAN_NODE_ADD, 3, has_key, "n3", "has a key already"},
	{"files that differ", PLAN_NODE_ADD, 3, differs, "n2", "differs from that of n1"},
	{"files that have changed since this host's was read", PLAN_NODE_ADD, 3, changed_meanwhile, "n1",
		"changed meanwhile"},
	{"and for another change", PLAN_NODE_REMOVE, 3, changed_meanwhile, "n1", "changed meanwhile"},
	{"no config", PLAN_LINK_ADD, 3, no_config, "n2", "no config that can be read"},
	{"another id", PLAN_LINK_ADD, 3, other_id, "n2", "runs as node 9, and the file has node 2"},
	{"of another cluster", PLAN_LINK_ADD, 3, other_cluster, "n2", "cluster 'other' runs there, not of 'c'"},
	{"two rings", PLAN_LINK_ADD, 3, two_rings, "n2", "not in the ring of n1"},
	{"two families", PLAN_CREATE, 3, two_families, "n2", "not of the family"},
	{"not all have the link", PLAN_LINK_ADD, 3, one_address_more, "", "from 1 to 2 addresses"},
	{"two links of udpu", PLAN_CREATE, 3, two_links_of_udpu, "", "transport udpu has one link"},
	{"quorum would go: 2 of 4 are up, one of them leaves", PLAN_NODE_REMOVE, 4, others_are_down, "n4",
		"without it 1 of 3 votes are in the ring, and quorum would be 2"},
	{"one of two is left alone", PLAN_NODE_REMOVE, 3, others_are_down, "n3", "without it 1 of 2 votes"},
	{"a heavy node", PLAN_NODE_REMOVE, 3, heavy, "n3", "without it 1 of 2 votes"},
	{"in the ring, but not reached", PLAN_NODE_REMOVE, 3, last_is_unreached, "n3",
		"in the ring, and its daemon cannot be stopped"},
	{"the only node", PLAN_NODE_REMOVE, 1, plain, "", "the only node"},
};

START_TEST(a_change_is_refused_with_node_and_remedy)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct fixture fixture;
		struct plan plan;
		bool is_found = false;

		set_up(&fixture, bad[i].change, bad[i].count);
		bad[i].prepare(&fixture);
		ck_assert_int_eq(plan_make(&fixture.request, fixture.nodes, fixture.count, &plan), 0);
		ck_assert_msg(plan.refusal_count > 0, "%s, change %d: not refused", bad[i].name, bad[i].change);
		ck_assert_msg(plan.step_count == 0, "%s: steps", bad[i].name);
		for (size_t k = 0; k < plan.refusal_count; k++) {
			const struct plan_finding *refusal = &plan.refusals[k];
			const char *node = refusal->node < fixture.count ? fixture.nodes[refusal->node].node.name : "";

			is_found = is_found ||
				   (strcmp(node, bad[i].node) == 0 && strstr(refusal->text, bad[i].text) != NULL);
		}
		ck_assert_msg(is_found, "%s: %s", bad[i].name, plan.refusals[0].text);
		plan_fini(&plan);
	}
}
END_TEST

START_TEST(force_removes_a_node_that_quorum_needs)
{
	struct fixture fixture;
	struct plan plan;

	set_up(&fixture, PLAN_NODE_REMOVE, 4);
	others_are_down(&fixture);
	fixture.request.is_forced = true;
	ck_assert_int_eq(plan_make(&fixture.request, fixture.nodes, fixture.count, &plan), 0);
	ck_assert_uint_eq(plan.refusal_count, 0);
	ck_assert_uint_gt(plan.step_count, 0);
	bool is_noted = false;

	for (size_t i = 0; i < plan.note_count; i++)
		is_noted = is_noted || strstr(plan.notes[i].text, "loses quorum") != NULL;
	ck_assert(is_noted);
	plan_fini(&plan);
}
END_TEST

/* The notes about quorum depend on the change and on the number of nodes. */
START_TEST(quorum_of_two_nodes_is_explained)
{
	static const struct {
		enum plan_change change;
		size_t count;
		bool is_two_node, has_device;
		const char *text; /* NULL: no note */
	} rows[] = {
		{PLAN_CREATE, 2, false, false, "one goes on alone"},
		{PLAN_CREATE, 3, false, false, NULL},
		{PLAN_CREATE, 1, false, false, "cluster of one node"},
		{PLAN_NODE_ADD, 3, true, false, "'two-node' is set to no"},
		{PLAN_NODE_ADD, 3, false, false, NULL},
		{PLAN_NODE_REMOVE, 3, false, false, "both are needed"},
		{PLAN_NODE_REMOVE, 3, false, true, NULL},
		{PLAN_NODE_REMOVE, 4, false, false, NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fixture fixture;
		struct plan plan;

		set_up(&fixture, rows[i].change, rows[i].count);
		fixture.request.is_two_node = rows[i].is_two_node;
		fixture.request.has_device = rows[i].has_device;
		ck_assert_int_eq(plan_make(&fixture.request, fixture.nodes, fixture.count, &plan), 0);
		ck_assert_msg(plan.note_count == (rows[i].text != NULL), "row %zu: %zu notes", i, plan.note_count);
		if (rows[i].text != NULL)
			ck_assert_msg(
				strstr(plan.notes[0].text, rows[i].text) != NULL, "row %zu: %s", i, plan.notes[0].text);
		plan_fini(&plan);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tools/cluster/plan");
	TCase *tcase = tcase_create("plan");

	tcase_add_test(tcase, a_change_has_its_steps_in_order);
	tcase_add_test(tcase, a_change_is_refused_with_node_and_remedy);
	tcase_add_test(tcase, force_removes_a_node_that_quorum_needs);
	tcase_add_test(tcase, quorum_of_two_nodes_is_explained);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}

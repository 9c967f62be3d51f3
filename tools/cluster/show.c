/*
 * Print a change: as JSON, and as text for people.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <inttypes.h>
#include <string.h>

#include "tools/cluster/change.h"
#include "tools/cluster/commands.h"

/* --- JSON --- */

static const char *const outcomes[] = {
	[CHANGE_PLANNED] = "planned",
	[CHANGE_PRINTED] = "printed",
	[CHANGE_DONE] = "done",
	[CHANGE_REFUSED] = "refused",
	[CHANGE_UNDONE] = "undone",
	[CHANGE_BROKEN] = "broken",
};

static const char *const roles[] = {[ROLE_STAYS] = "stays", [ROLE_JOINS] = "joins", [ROLE_LEAVES] = "leaves"};

static struct json_object *node_object(const struct plan_node *node)
{
	struct json_object *object = json_object_new_object(), *addresses = json_object_new_array();

	put_text(object, "name", node->node.name);
	put_number(object, "id", node->node.id);
	for (size_t i = 0; i < node->node.address_count; i++)
		json_object_array_add(addresses, json_object_new_string(node->node.addresses[i]));
	json_object_object_add(object, "addresses", addresses);
	put_text(object, "role", roles[node->role]);
	if (node->facts.is_reached) {
		put_text(object, "version", node->facts.version);
		put_bool(object, "running", node->facts.is_running);
	}
	return object;
}

static struct json_object *finding_object(const struct change *change, const struct plan_finding *finding)
{
	struct json_object *object = json_object_new_object();

	if (finding->node < change->count)
		put_text(object, "node", change->nodes[finding->node].node.name);
	put_text(object, "text", finding->text);
	if (finding->remedy[0] != '\0')
		put_text(object, "remedy", finding->remedy);
	return object;
}

static void put_findings(const struct change *change, const char *name, const struct plan_finding *list, size_t count,
	struct json_object *data)
{
	struct json_object *findings = json_object_new_array();

	for (size_t i = 0; i < count; i++)
		json_object_array_add(findings, finding_object(change, &list[i]));
	json_object_object_add(data, name, findings);
}

static void put_steps(const struct change *change, struct json_object *data)
{
	struct json_object *steps = json_object_new_array();

	for (size_t i = 0; i < change->plan.step_count; i++) {
		const struct plan_step *step = &change->plan.steps[i];
		struct json_object *object = json_object_new_object();
		bool is_done = i < change->steps_done,
		     is_back = change->outcome == CHANGE_UNDONE || change->outcome == CHANGE_BROKEN;

		put_text(object, "step", plan_step_name(step->kind));
		put_text(object, "node", change->nodes[step->node].node.name);
		put_text(object, "result",
			is_done                              ? (is_back ? "undone" : "done")
			: is_back && i == change->steps_done ? "failed"
							     : "planned");
		json_object_array_add(steps, object);
	}
	json_object_object_add(data, "steps", steps);
}

void change_show(const struct change *change, struct json_object *data)
{
	struct json_object *nodes = json_object_new_array();

	put_text(data, "cluster", change->cluster);
	put_text(data, "transport", change->transport);
	put_bool(data, "encrypted", change->request.is_encrypted);
	put_text(data, "outcome", outcomes[change->outcome]);
	for (size_t i = 0; i < change->count; i++)
		json_object_array_add(nodes, node_object(&change->nodes[i]));
	json_object_object_add(data, "nodes", nodes);
	put_findings(change, "refusals", change->plan.refusals, change->plan.refusal_count, data);
	put_findings(change, "notes", change->plan.notes, change->plan.note_count, data);
	put_steps(change, data);
	if (change->failure.text[0] != '\0') {
		struct json_object *failure = finding_object(change, &change->failure);

		put_text(failure, "step", plan_step_name(change->failed_step));
		json_object_object_add(data, "failure", failure);
		put_findings(change, "troubles", change->troubles, change->trouble_count, data);
	}
	if (change->new_text == NULL)
		return;
	put_text(data, "config", change->new_text);
	json_object_object_add(
		data, "changes", diff_lines(change->old_text != NULL ? change->old_text : "", change->new_text));
}

/* --- text --- */

static struct json_object *at(struct json_object *list, size_t i) { return json_object_array_get_idx(list, i); }

static size_t length_of(struct json_object *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static void print_findings(FILE *out, const char *title, struct json_object *list)
{
	for (size_t i = 0; i < length_of(list); i++) {
		struct json_object *finding = at(list, i);

		fprintf(out, "%s%s%s%s\n", title, get_text(finding, "node"), get(finding, "node") != NULL ? ": " : "",
			get_text(finding, "text"));
		if (get(finding, "remedy") != NULL)
			fprintf(out, "  -> %s\n", get_text(finding, "remedy"));
	}
}

static void print_nodes(FILE *out, struct json_object *data)
{
	struct json_object *nodes = get(data, "nodes");

	fprintf(out, "Cluster %s: transport %s, %s\n", get_text(data, "cluster"), get_text(data, "transport"),
		get_bool(data, "encrypted") ? "encrypted" : "not encrypted");
	for (size_t i = 0; i < length_of(nodes); i++) {
		struct json_object *node = at(nodes, i), *addresses = get(node, "addresses");

		fprintf(out, "  node %s, id %" PRIi64, get_text(node, "name"), get_number(node, "id"));
		for (size_t k = 0; k < length_of(addresses); k++)
			fprintf(out, "%s%s", k == 0 ? ": " : ", ", json_object_get_string(at(addresses, k)));
		if (strcmp(get_text(node, "role"), "stays") != 0)
			fprintf(out, ", %s", get_text(node, "role"));
		if (get(node, "version") != NULL)
			fprintf(out, " (Coterie %s%s)", get_text(node, "version"),
				get_bool(node, "running") ? ", running" : "");
		fprintf(out, "\n");
	}
}

static const char *words_of(const char *step)
{
	static const struct {
		const char *step, *words;
	} list[] = {
		{"key", "store the key, for the daemon alone"},
		{"write", "write the new config beside the old one, as coterie.conf.new"},
		{"test", "check it with coterie -t"},
		{"place", "put it in its place"},
		{"reload-check", "have the ring check the files of all nodes"},
		{"reload", "reload: all nodes take their files, or none does"},
		{"stop", "stop the daemon"},
		{"retire", "put config and key aside, as coterie.conf.old and authkey.old"},
		{"start", "start the daemon"},
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (strcmp(list[i].step, step) == 0)
			return list[i].words;
	return step;
}

/* Print the steps of one kind on one line, with their nodes. */
static void print_steps(FILE *out, struct json_object *steps)
{
	int number = 0;

	for (size_t i = 0; i < length_of(steps); i++) {
		const char *step = get_text(at(steps, i), "step");
		bool is_first = i == 0 || strcmp(get_text(at(steps, i - 1), "step"), step) != 0;
		bool is_last = i + 1 == length_of(steps) || strcmp(get_text(at(steps, i + 1), "step"), step) != 0;

		if (is_first)
			fprintf(out, "  %d. on", ++number);
		fprintf(out, " %s", get_text(at(steps, i), "node"));
		if (is_last)
			fprintf(out, ": %s\n", words_of(step));
	}
}

static void print_changes(FILE *out, struct json_object *data)
{
	struct json_object *changes = get(data, "changes");

	fprintf(out, "coterie.conf:\n");
	for (size_t i = 0; i < length_of(changes); i++)
		fprintf(out, "  %s\n", json_object_get_string(at(changes, i)));
}

static void print_failure(FILE *out, struct json_object *data)
{
	struct json_object *failure = get(data, "failure"), *alone = json_object_new_array();

	fprintf(out, "Failed at step '%s':\n", get_text(failure, "step"));
	json_object_array_add(alone, json_object_get(failure));
	print_findings(out, "  ", alone);
	json_object_put(alone);
}

void cluster_print(const struct ctl *ctl, struct json_object *data)
{
	const char *outcome = get_text(data, "outcome");
	FILE *out = ctl->out;

	if (strcmp(outcome, "printed") == 0) {
		fputs(get_text(data, "text"), out);
		return;
	}
	print_nodes(out, data);
	if (strcmp(outcome, "planned") == 0) {
		print_changes(out, data);
		fprintf(out, "Steps:\n");
		print_steps(out, get(data, "steps"));
	}
	print_findings(out, "Note: ", get(data, "notes"));
	print_findings(out, "Refused: ", get(data, "refusals"));
	if (get(data, "failure") != NULL)
		print_failure(out, data);
	print_findings(out, "Trouble: ", get(data, "troubles"));
	fprintf(out, "%s\n",
		strcmp(outcome, "planned") == 0   ? "Nothing has been changed: this was a dry run."
		: strcmp(outcome, "refused") == 0 ? "Nothing has been changed on any node."
		: strcmp(outcome, "undone") == 0  ? "All nodes are as they were before."
		: strcmp(outcome, "broken") == 0  ? "The other nodes are as they were before."
						  : get_text(data, "text"));
}

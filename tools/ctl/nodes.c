/* SPDX-License-Identifier: BSD-3-Clause */
/* --nodes: run the command for several nodes, with one document for each of them. */
#include "tools/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctl/remote.h"

/* --- the chosen nodes --- */

static struct json_object *find(struct json_object *members, uint32_t nodeid)
{
	for (size_t i = 0; i < json_object_array_length(members); i++)
		if (get_number(json_object_array_get_idx(members, i), "id") == nodeid)
			return json_object_array_get_idx(members, i);
	return NULL;
}

/*
 * Call each() for every word of a list such as "1,n2", with the node's id, or 0 for an unknown word. Stop if it returns
 * false. @return false: it was stopped
 */
static bool each_word(const char *list, struct json_object *nodes,
	bool (*each)(void *arg, const char *word, uint32_t nodeid), void *arg)
{
	char *copy = strdup(list), *rest = copy, *word;
	bool goes_on = copy != NULL;

	while (goes_on && (word = strsep(&rest, ",")) != NULL)
		goes_on = each(arg, word, fact_find_node(nodes, word));
	free(copy);
	return goes_on;
}

static bool is_other(void *arg, const char *word, uint32_t nodeid)
{
	(void)word;
	return nodeid != *(uint32_t *)arg;
}

bool nodes_has(const struct ctl *ctl, struct json_object *nodes, uint32_t nodeid)
{
	return ctl->nodes == NULL || strcmp(ctl->nodes, "all") == 0 || !each_word(ctl->nodes, nodes, is_other, &nodeid);
}

struct choice {
	struct ctl *ctl;
	struct json_object *members, *chosen; /* ids of the chosen nodes, or NULL: only check the words */
};

static bool choose(void *arg, const char *word, uint32_t nodeid)
{
	struct choice *choice = arg;

	if (nodeid == 0 || find(choice->members, nodeid) == NULL) {
		ctl_fail(choice->ctl, CTL_USAGE, "coterie-ctl members lists the nodes", "--nodes: no node '%s'", word);
		return false;
	}
	if (choice->chosen != NULL)
		json_object_array_add(choice->chosen, json_object_new_int64(nodeid));
	return true;
}

int nodes_check(struct ctl *ctl, struct json_object *members)
{
	struct choice choice = {.ctl = ctl, .members = members};

	if (strcmp(ctl->nodes, "all") != 0)
		each_word(ctl->nodes, members, choose, &choice);
	return ctl->error.code;
}

/*
 * Return the nodes of --nodes. "all" means all nodes of the node list and of the ring. @return [id]; NULL with
 * ctl->error set
 */
static struct json_object *choose_nodes(struct ctl *ctl, struct json_object *members)
{
	struct choice choice = {.ctl = ctl, .members = members, .chosen = json_object_new_array()};
	bool is_all = strcmp(ctl->nodes, "all") == 0;

	for (size_t i = 0; is_all && i < json_object_array_length(members); i++) {
		struct json_object *member = json_object_array_get_idx(members, i);

		if (get(member, "addresses") != NULL || strcmp(get_text(member, "state"), "joined") == 0)
			json_object_array_add(choice.chosen, json_object_new_int64(get_number(member, "id")));
	}
	if (!is_all && !each_word(ctl->nodes, members, choose, &choice)) {
		json_object_put(choice.chosen);
		return NULL;
	}
	return choice.chosen;
}

/* --- the answers of nodes --- */

static int answer_of(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv)
{
	struct json_object *data = json_object_new_object();
	int code = ctl->asked == fact_local(ctl) ? 0 : remote_open(ctl, ctl->asked);

	if (code == 0)
		code = answer_gather(ctl, command, argc, argv, data);
	if (remote_error(ctl) != 0)
		code = ctl->error.code; /* an error must be printed, since missing data would look like missing keys */
	answer_print(ctl, command, data);
	remote_close(ctl);
	return code;
}

/* Print a title with the node's name. Only text needs it. The text of an error already names the node. */
static void print_title(const struct ctl *ctl, struct json_object *members, bool is_first)
{
	char buffer[12];

	if (ctl->format == CTL_TEXT && !ctl->is_quiet)
		fprintf(ctl->out, "%sNode %s (%" PRIu32 "):\n", is_first ? "" : "\n",
			answers_node_name(members, ctl->asked, buffer), ctl->asked);
	fflush(ctl->out);
}

int nodes_answer(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv)
{
	struct json_object *members = NULL, *chosen = NULL;
	int worst;

	memset(&ctl->error, 0, sizeof(ctl->error));
	answer_limit(ctl, command);
	int code = ctl_open(ctl, CTL_CONFIG);
	if (code == 0) {
		members = fact_members(ctl);
		chosen = choose_nodes(ctl, members);
	}
	if (chosen == NULL)
		answer_print(ctl, command, NULL);
	worst = ctl->error.code;
	for (size_t i = 0; chosen != NULL && i < json_object_array_length(chosen); i++) {
		memset(&ctl->error, 0, sizeof(ctl->error));
		ctl->asked = (uint32_t)json_object_get_int64(json_object_array_get_idx(chosen, i));
		answer_limit(ctl, command); /* each node has the whole time limit */
		print_title(ctl, members, i == 0);
		code = answer_of(ctl, command, argc, argv);
		worst = worst == 0 ? code : worst;
	}
	alarm(0);
	ctl->asked = 0;
	json_object_put(chosen);
	json_object_put(members);
	return worst;
}

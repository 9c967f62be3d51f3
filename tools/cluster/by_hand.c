/*
 * The instructions for a change without a remote shell.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/cluster/by_hand.h"

#include <stdlib.h>
#include <string.h>

#define FOLDER SYSCONF_DIR "/coterie"

struct writer {
	FILE *out;
	const struct change *change;
	const char *config, *key;
};

static void print_file(const struct writer *writer)
{
	fprintf(writer->out, "The file %s of all nodes:\n\n", writer->config);
	for (const char *at = writer->change->new_text; *at != '\0';) {
		size_t length = strcspn(at, "\n");

		fprintf(writer->out, length > 0 ? "    %.*s\n" : "%.*s\n", (int)length, at);
		at += length + (at[length] == '\n');
	}
	fprintf(writer->out, "\n");
}

static void print_head(const struct writer *writer, const struct plan_node *node)
{
	fprintf(writer->out, "On node %s (%s), as root:\n\n", node->node.name,
		node->node.address_count > 0 ? node->node.addresses[0] : "no address");
}

/*
 * Return the first node that stays, which has the key. In a new cluster return the first node, where the key is made.
 */
static const struct plan_node *first_of(const struct change *change)
{
	for (size_t i = 0; i < change->count; i++)
		if (change->nodes[i].role == ROLE_STAYS)
			return &change->nodes[i];
	return &change->nodes[0];
}

static void print_key(const struct writer *writer, const struct plan_node *node)
{
	const struct change *change = writer->change;
	const struct plan_node *first = first_of(change);
	bool is_needed = change->request.is_encrypted && node->role == ROLE_JOINS;

	if (!is_needed)
		return;
	if (node == first) {
		fprintf(writer->out, "    coterie-ctl key create %s\n", writer->key);
		return;
	}
	/* scp -p creates the copy with the mode of the key file, so no other user can read it meanwhile. */
	bool is_six = words_family(first->node.addresses[0]) == 6;

	fprintf(writer->out, "    scp -p root@%s%s%s:%s %s\n", is_six ? "[" : "", first->node.addresses[0],
		is_six ? "]" : "", writer->key, writer->key);
	fprintf(writer->out, "    chown coterie: %s\n", writer->key);
}

/* The unit starts the daemon without an instance only. */
static void print_unit(const struct writer *writer, const char *words)
{
	if (writer->change->ctl->instance == NULL)
		fprintf(writer->out, "    systemctl %s coterie\n", words);
	fprintf(writer->out, "\n");
}

static void print_node(const struct writer *writer, const struct plan_node *node)
{
	print_head(writer, node);
	if (node->role == ROLE_LEAVES) {
		fprintf(writer->out, "    coterie-ctl shutdown --yes\n    mv %s %s.old\n", writer->config,
			writer->config);
		/* The common key stays, since other instances on this host may use it. */
		if (writer->change->ctl->instance == NULL || writer->change->key_file[0] != '\0')
			fprintf(writer->out, "    mv %s %s.old\n", writer->key, writer->key);
		print_unit(writer, "disable");
		return;
	}
	if (node->role == ROLE_JOINS)
		fprintf(writer->out, "    mkdir -p " FOLDER "\n");
	print_key(writer, node);
	fprintf(writer->out, "    cat >%s.new          # paste the file, then Ctrl-D\n", writer->config);
	fprintf(writer->out, "    coterie -t -c %s.new\n", writer->config);
	fprintf(writer->out, "    mv %s.new %s\n\n", writer->config, writer->config);
}

static bool is_reloaded(const struct change *change) { return change->request.change != PLAN_CREATE; }

static void print_all(const struct writer *writer)
{
	const struct change *change = writer->change;

	print_file(writer);
	for (size_t i = 0; i < change->count; i++)
		if (change->nodes[i].role != ROLE_LEAVES)
			print_node(writer, &change->nodes[i]);
	if (is_reloaded(change)) {
		print_head(writer, first_of(change));
		fprintf(writer->out, "    coterie-ctl reload --check-only%s && coterie-ctl reload%s\n\n",
			change->request.change == PLAN_NODE_REMOVE ? " --force" : "",
			change->request.change == PLAN_NODE_REMOVE ? " --force" : "");
	}
	for (size_t i = 0; i < change->count; i++) {
		const struct plan_node *node = &change->nodes[i];

		if (node->role == ROLE_LEAVES)
			print_node(writer, node);
		if (node->role != ROLE_JOINS)
			continue;
		print_head(writer, node);
		print_unit(writer, "enable --now");
	}
}

/* Check the plan. There are no facts about the nodes, so assume that all are ready for the change. */
static int check(struct change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		struct node_facts *facts = &change->nodes[i].facts;

		*facts = (struct node_facts){.is_reached = true, .protocol = PLAN_PROTOCOL};
		if (change->nodes[i].role != ROLE_JOINS) {
			facts->has_config = true;
			facts->config = strdup(change->old_text != NULL ? change->old_text : "");
		}
	}
	if (plan_make(&change->request, change->nodes, change->count, &change->plan) < 0)
		return ctl_fail(change->ctl, CTL_FAILED, NULL, "out of memory");
	if (change->plan.refusal_count > 0)
		change->outcome = CHANGE_REFUSED;
	return change->plan.refusal_count > 0 ? CTL_REFUSED : CTL_GOOD;
}

int by_hand(struct change *change, struct json_object *data)
{
	char config[4096], *text = NULL;
	size_t size;
	int code = check(change);

	if (code != 0)
		return code;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return ctl_fail(change->ctl, CTL_FAILED, NULL, "out of memory");
	snprintf(config, sizeof(config), FOLDER "/%s.conf",
		change->ctl->instance != NULL ? change->ctl->instance : "coterie");
	const struct writer writer = {.out = out,
		.change = change,
		.config = config,
		.key = change->key_file[0] != '\0' ? change->key_file : FOLDER "/authkey"};

	print_all(&writer);
	if (fclose(out) != 0 || text == NULL) {
		free(text);
		return ctl_fail(change->ctl, CTL_FAILED, NULL, "out of memory");
	}
	put_text(data, "text", text);
	free(text);
	return CTL_GOOD;
}

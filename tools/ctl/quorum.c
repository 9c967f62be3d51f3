/* SPDX-License-Identifier: BSD-3-Clause */
/* `quorum`: show the votes, and change them. */
#include "tools/ctl/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- show --- */

/* Get this node's verdict about quorum. @return 0; the exit status with ctl->error set */
static int read_verdict(struct ctl *ctl, bool *is_quorate)
{
	int quorate, code;

	if (ctl->remote != NULL) {
		*is_quorate = fact_quorate(ctl) != 0;
		return 0;
	}
	code = ctl_open(ctl, CTL_QUORUM);
	if (code != 0)
		return code;
	cs_error_t error = quorum_getquorate(ctl->quorum, &quorate);
	*is_quorate = quorate != 0;
	return error == CS_OK ? 0 : ctl_fail_cs(ctl, "quorum", error);
}

/*
 * Make the answer. For another node it has only the node's verdict, since the votes are the same for all nodes of a
 * partition.
 */
int quorum_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	const struct metrics_source source = ctl_source(ctl);
	bool is_quorate;

	if (argc > 0)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "quorum takes no '%s'", argv[0]);
	int code = read_verdict(ctl, &is_quorate);
	if (code != 0)
		return code;
	answers_quorum(&source, is_quorate, data);
	return is_quorate ? CTL_GOOD : CTL_NOT_QUORATE;
}

static void print_voters(const struct ctl *ctl, struct json_object *nodes)
{
	fprintf(ctl->out, "\n%10s  %-16s %5s  %s\n", "Node", "Name", "Votes", "State");
	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i), *device = get(node, "qdevice");

		fprintf(ctl->out, "%10" PRIi64 "  %-16s %5" PRIi64 "  %s%s", get_number(node, "id"),
			get_text(node, "name"), get_number(node, "votes"), get_text(node, "state"),
			get_bool(node, "local") ? " (local)" : "");
		if (device != NULL)
			fprintf(ctl->out, ", device %s, %s", get_bool(device, "alive") ? "alive" : "not alive",
				get_bool(device, "cast_vote") ? "votes" : "does not vote");
		fprintf(ctl->out, "\n");
	}
}

static void print_missing(const struct ctl *ctl, struct json_object *missing)
{
	if (missing == NULL || json_object_array_length(missing) == 0)
		return;
	fprintf(ctl->out, "Missing   node");
	for (size_t i = 0; i < json_object_array_length(missing); i++)
		fprintf(ctl->out, " %" PRIi64, json_object_get_int64(json_object_array_get_idx(missing, i)));
	fprintf(ctl->out, "\n");
}

void quorum_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *names = get(data, "flags"), *device = get(data, "qdevice");

	fprintf(ctl->out, "Provider  %s\nQuorum    %s\n",
		get(data, "provider") != NULL ? get_text(data, "provider") : "none configured",
		get_bool(data, "quorate") ? "quorate" : "NOT quorate");
	print_missing(ctl, get(data, "missing"));
	if (names == NULL)
		return;
	fprintf(ctl->out,
		"Votes     %" PRIi64 " of %" PRIi64 " expected; %" PRIi64 " make a quorum; %" PRIi64 " may still go\n",
		get_number(data, "total_votes"), get_number(data, "highest_expected"), get_number(data, "quorum"),
		get_number(data, "can_lose"));
	fprintf(ctl->out, "Flags     ");
	for (size_t i = 0; i < json_object_array_length(names); i++)
		fprintf(ctl->out, "%s ", json_object_get_string(json_object_array_get_idx(names, i)));
	fprintf(ctl->out, "\n%s", get_bool(data, "waiting_for_all") ? "          waiting for all nodes\n" : "");
	if (device != NULL)
		fprintf(ctl->out, "Device    %s, %" PRIi64 " votes, %s\n", get_text(device, "name"),
			get_number(device, "votes"), get_bool(device, "counted") ? "counted" : "not counted");
	print_voters(ctl, get(data, "nodes"));
}

/* --- change --- */

static int parse_u32(struct ctl *ctl, const char *what, const char *word, uint32_t least, uint32_t *number)
{
	char *end;

	errno = 0;
	unsigned long long value = word != NULL ? strtoull(word, &end, 10) : 0;
	if (word == NULL || errno != 0 || *word < '0' || *word > '9' || *end != '\0' || value < least ||
		value > UINT32_MAX)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "%s: '%s' is no number of at least %" PRIu32,
			what, word != NULL ? word : "", least);
	*number = (uint32_t)value;
	return 0;
}

int quorum_set_expected(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	uint32_t votes;
	char text[128];
	int code = parse_u32(ctl, "quorum set-expected", argc == 1 ? argv[0] : NULL, 1, &votes);

	if (code == 0)
		code = ctl_open(ctl, CTL_VOTES);
	if (code != 0)
		return code;
	cs_error_t error = votequorum_setexpected(ctl->votes, votes);
	if (error == CS_ERR_INVALID_PARAM)
		return ctl_fail(ctl, CTL_REFUSED, "coterie-ctl quorum shows the votes that are there",
			"expected votes %" PRIu32 " would be below the votes present, or end this quorum", votes);
	if (error != CS_OK)
		return ctl_fail_cs(ctl, "quorum set-expected", error);
	snprintf(text, sizeof(text), "expected votes are %" PRIu32 " now", votes);
	put_text(data, "text", text);
	return CTL_GOOD;
}

int quorum_set_votes(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	uint32_t votes = 0, node = 0;
	const char *votes_word = NULL, *node_word = NULL;
	char text[128];

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--node") == 0)
			node_word = i + 1 < argc ? argv[++i] : "";
		else if (strncmp(argv[i], "--node=", 7) == 0)
			node_word = argv[i] + 7;
		else if (votes_word == NULL)
			votes_word = argv[i];
		else
			return ctl_fail(
				ctl, CTL_USAGE, "coterie-ctl --help", "quorum set-votes takes no '%s'", argv[i]);
	}
	int code = parse_u32(ctl, "quorum set-votes", votes_word, 0, &votes);
	if (code == 0)
		code = ctl_open(ctl, CTL_VOTES);
	if (code == 0 && node_word != NULL) {
		struct json_object *nodes = fact_nodes(ctl);

		node = fact_find_node(nodes, node_word);
		json_object_put(nodes);
		if (node == 0)
			code = ctl_fail(ctl, CTL_USAGE, "coterie-ctl members lists the nodes",
				"quorum set-votes: no node '%s'", node_word);
	}
	if (code != 0)
		return code;
	if (node == 0)
		node = fact_local(ctl);
	cs_error_t error = votequorum_setvotes(ctl->votes, node, votes);
	if (error == CS_ERR_INVALID_PARAM)
		return ctl_fail(ctl, CTL_REFUSED, "coterie-ctl quorum shows the votes that are there",
			"%" PRIu32 " votes for node %" PRIu32 " would break the quorum", votes, node);
	if (error != CS_OK)
		return ctl_fail_cs(ctl, "quorum set-votes", error);
	snprintf(text, sizeof(text), "node %" PRIu32 " has %" PRIu32 " votes now", node, votes);
	put_text(data, "text", text);
	return CTL_GOOD;
}

int quorum_drop_qdevice(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	struct votequorum_info info;

	(void)argv;
	if (argc > 0)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "quorum drop-qdevice takes no argument");
	int code = ctl_open(ctl, CTL_VOTES);
	if (code != 0)
		return code;
	cs_error_t error = votequorum_getinfo(ctl->votes, 0, &info);
	if (error != CS_OK)
		return ctl_fail_cs(ctl, "quorum drop-qdevice", error);
	if ((info.flags & VOTEQUORUM_INFO_QDEVICE_REGISTERED) == 0) {
		put_text(data, "text", "no quorum device is registered");
		return CTL_GOOD;
	}
	error = votequorum_qdevice_unregister(ctl->votes, info.qdevice_name);
	if (error != CS_OK)
		return ctl_fail_cs(ctl, "quorum drop-qdevice", error);
	put_text(data, "text", "the quorum device is unregistered");
	return CTL_GOOD;
}

int quorum_unblock(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	(void)argv;
	if (argc > 0)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "quorum unblock takes no argument");
	int code = ctl_open(ctl, CTL_VOTES);
	if (code == 0)
		code = ctl_open(ctl, CTL_CONFIG);
	if (code != 0)
		return code;
	if (!ctl->is_confirmed && isatty(STDIN_FILENO)) {
		char word[16];

		fprintf(stderr, "This partition may become quorate while another one is. Are all missing nodes off? "
				"(yes/no) ");
		alarm(0); /* no time limit while a person reads and answers */
		if (fgets(word, sizeof(word), stdin) == NULL || strcmp(word, "yes\n") != 0)
			return ctl_fail(ctl, CTL_REFUSED, NULL, "quorum unblock: not confirmed");
	} else if (!ctl->is_confirmed) {
		return ctl_fail(ctl, CTL_REFUSED, "be sure that all missing nodes are off, and say --yes",
			"quorum unblock: not confirmed");
	}
	cs_error_t error = cmap_set_uint8(ctl->config, "quorum.cancel_wait_for_all", 1);
	if (error != CS_OK)
		return ctl_fail_cs(ctl, "quorum unblock", error);
	put_text(data, "text", "the cluster waits for missing nodes no longer");
	return CTL_GOOD;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* `key rotate`: change the key of the ring on all nodes. */
#include "tools/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/ctl/reload.h"

/* --- the answer --- */

static const struct {
	const char *word, *text; /* NULL: use the text that the node has sent */
} results[] = {
	[CFG_NODE_READY] = {"unchanged", NULL},
	[CFG_NODE_APPLIED] = {"rotated", NULL},
	[CFG_NODE_REFUSED] = {"refused", NULL},
	[CFG_NODE_FAILED] = {"error", NULL},
	[CFG_NODE_NO_ANSWER] = {"no-answer",
		"it does not answer: look into its log, then compare key status of all nodes"},
	[CFG_NODE_LEFT] = {"left",
		"it has left the ring in the meantime: if the others refuse its key, copy the key file to it"},
	[CFG_NODE_ABSENT] = {"absent", NULL},
};

static int put_node(struct json_object *data, const struct cfg_wire_node_report *report, char *text)
{
	bool is_known = report->outcome >= CFG_NODE_READY && report->outcome <= CFG_NODE_ABSENT;
	uint32_t outcome = is_known ? report->outcome : (uint32_t)CFG_NODE_FAILED;
	struct json_object *node = json_object_new_object();

	put_number(node, "id", report->nodeid);
	put_text(node, "result", results[outcome].word);
	if (*text != '\0')
		put_text(node, "text", text);
	else
		put_text(node, "text", results[outcome].text);
	json_object_array_add(get(data, "nodes"), node);
	return outcome == CFG_NODE_REFUSED || outcome == CFG_NODE_ABSENT || outcome == CFG_NODE_READY ||
			       outcome == CFG_NODE_APPLIED
		       ? CTL_GOOD
		       : CTL_FAILED;
}

/* Explain each node's result. The advice depends on the result of the rotation. */
static void explain(struct json_object *data, bool is_rotated)
{
	struct json_object *nodes = get(data, "nodes");

	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i);
		const char *result = get_text(node, "result");

		if (strcmp(result, "absent") == 0)
			put_text(node, "text",
				is_rotated
					? "it is not in the ring: copy the new key file to it before its daemon starts"
					: "it is not in the ring");
		else if (strcmp(result, "no-answer") == 0 && !is_rotated)
			put_text(node, "text",
				"it does not answer, or not in time: look into its log; builds before this one cannot rotate keys");
	}
}

int key_rotate(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	struct cfg_req_key_rotate request = {.header = {.id = CFG_REQ_KEY_ROTATE, .size = sizeof(request)}};
	struct cfg_res_reload_report head;
	uint8_t *bytes;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--force") != 0)
			return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "key rotate takes no '%s'", argv[i]);
		request.flags = CFG_ROTATE_FORCE;
	}
	int code = ctl_open(ctl, CTL_CFG);

	if (code != 0)
		return code;
	if (ctl->timeout_s < RELOAD_LIMIT_S)
		alarm(RELOAD_LIMIT_S); /* the daemon sets the limit, since the nodes may need long */
	ssize_t size = reload_call(ctl, &request, sizeof(request), &bytes);

	if (size < 0) {
		free(bytes);
		if (size == -(ssize_t)CS_ERR_INVALID_PARAM || size == -(ssize_t)CS_ERR_NOT_SUPPORTED)
			return ctl_fail(ctl, CTL_FAILED, "use key create, copy the file to all nodes, then reload",
				"key rotate: the daemon is of a build that cannot rotate keys");
		return ctl_fail_cs(ctl, "key rotate", (cs_error_t)-size);
	}
	json_object_object_add(data, "nodes", json_object_new_array());
	code = reload_walk(ctl, "key rotate", bytes, (size_t)size, put_node, data);
	memcpy(&head, bytes, sizeof(head));
	free(bytes);
	bool is_rotated = head.outcome == CFG_OUTCOME_APPLIED;

	put_text(data, "outcome", is_rotated ? "rotated" : "refused");
	explain(data, is_rotated);
	return ctl->error.code != 0 ? ctl->error.code : !is_rotated ? CTL_REFUSED : code;
}

/* --- text --- */

void key_rotate_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *nodes = get(data, "nodes");

	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i);

		fprintf(ctl->out, "Node %" PRIi64 ": %s%s%s\n", get_number(node, "id"), get_text(node, "result"),
			get(node, "text") != NULL ? ": " : "", get_text(node, "text"));
	}
	if (strcmp(get_text(data, "outcome"), "rotated") == 0)
		fprintf(ctl->out, "The ring has a new key.\n");
	else
		fprintf(ctl->out, "No node has changed its key.\n");
}

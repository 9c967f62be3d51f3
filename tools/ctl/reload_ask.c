/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/ctl/reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "services/cfg/messages.h"
#include "services/client/channel.h"
#include "services/client/error.h"
#include "tools/ctl/control.h"
#include "tools/ctl/progress.h"

#define PAUSE_NS 50000000 /* pause between two attempts while the ring synchronises */

/* --- the request --- */

static ssize_t call(struct ctl *ctl, void *request, size_t request_size, uint8_t **bytes)
{
	struct iovec iov = {request, request_size};
	struct channel channel;
	int rc = channel_open(&channel, "cfg", ctl->instance);

	if (rc < 0)
		return -(ssize_t)client_error(rc);
	*bytes = malloc(CHANNEL_MESSAGE_SIZE_MAX);
	ssize_t size = *bytes == NULL
			       ? -ENOMEM
			       : channel_call(&channel, CHANNEL_GATE_ALL, &iov, 1, *bytes, CHANNEL_MESSAGE_SIZE_MAX);

	channel_close(&channel);
	if (size < 0)
		return -(ssize_t)client_error(size);
	cs_error_t error = client_response_error(*bytes, (size_t)size, sizeof(struct cfg_res_reload_report));

	return error != CS_OK ? -(ssize_t)error : size;
}

ssize_t reload_call(struct ctl *ctl, void *request, size_t request_size, uint8_t **bytes)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	struct progress *progress = progress_begin(ctl, "the nodes of the ring");
	uint32_t left = ctl->timeout_s * 20;
	ssize_t size;

	*bytes = NULL;
	while ((size = call(ctl, request, request_size, bytes)) == -(ssize_t)CS_ERR_TRY_AGAIN && left-- > 0) {
		free(*bytes);
		*bytes = NULL;
		nanosleep(&pause, NULL);
	}
	progress_end(progress);
	return size;
}

/* --- the report --- */

static bool has_text(struct json_object *list, const char *text)
{
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (strcmp(json_object_get_string(json_object_array_get_idx(list, i)), text) == 0)
			return true;
	return false;
}

/* Add the text. If the text does not show all of its bytes, also add them in hexadecimal. */
static void put_readable(struct json_object *object, const char *name, const char *text)
{
	char hex[64];

	answers_put_bytes(object, name, text, strlen(text));
	snprintf(hex, sizeof(hex), "%s_hex", name);
	if (strcmp(get_text(object, name), text) == 0)
		json_object_object_del(object, hex);
}

static void put_value(struct json_object *row, const char *name, const char *value)
{
	if (strcmp(value, "(none)") != 0)
		put_readable(row, name, value);
}

/* Make a row from a line "KEY OLD -> NEW". */
static struct json_object *make_row(char *line)
{
	struct json_object *row = json_object_new_object();
	char *old = strchr(line, ' '), *arrow = old != NULL ? strstr(old, " -> ") : NULL;

	if (arrow != NULL) {
		*arrow = '\0';
		*old++ = '\0';
		put_value(row, "old", old);
		put_value(row, "new", arrow + 4);
	}
	put_readable(row, "key", line);
	return row;
}

/* Parse the lines of a node that is ready. is_applied: the node has applied its changes. */
static void put_lines(struct json_object *node, char *text, struct json_object *data, bool is_applied)
{
	struct json_object *changes = json_object_new_array(), *restarts = json_object_new_array();
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		bool is_restart = strncmp(line, "restart ", 8) == 0;

		if (!is_restart && strncmp(line, "change ", 7) != 0) {
			put_bool(node, "is_cut", true);
			continue;
		}
		struct json_object *row = make_row(line + (is_restart ? 8 : 7));
		const char *key = get_text(row, "key");

		json_object_array_add(is_restart ? restarts : changes, row);
		if (is_restart && !has_text(get(data, "needs_restart"), key)) {
			struct json_object *refused = json_object_new_object();

			put_text(refused, "key", key);
			put_text(refused, "reason", "cannot change while the ring runs");
			json_object_array_add(get(data, "refused"), refused);
			json_object_array_add(get(data, "needs_restart"), json_object_new_string(key));
		} else if (!is_restart && is_applied && !has_text(get(data, "applied"), key)) {
			json_object_array_add(get(data, "applied"), json_object_new_string(key));
		}
	}
	json_object_object_add(node, "changes", changes);
	json_object_object_add(node, "restarts", restarts);
}

/* Add the report of one node. @return enum ctl_exit */
static int put_node(struct json_object *data, const struct cfg_wire_node_report *report, char *text)
{
	static const char *const results[] = {
		[CFG_NODE_READY] = "unchanged",
		[CFG_NODE_APPLIED] = "applied",
		[CFG_NODE_REFUSED] = "refused",
		[CFG_NODE_FAILED] = "error",
		[CFG_NODE_NO_ANSWER] = "no-answer",
		[CFG_NODE_LEFT] = "no-answer",
	};
	struct json_object *node = json_object_new_object();
	bool is_known = report->outcome >= CFG_NODE_READY && report->outcome <= CFG_NODE_LEFT;
	bool is_applied = report->outcome == CFG_NODE_APPLIED;

	put_number(node, "id", report->nodeid);
	if (is_applied || report->outcome == CFG_NODE_READY) {
		put_lines(node, text, data, is_applied);
		is_applied = is_applied && json_object_array_length(get(node, "changes")) > 0;
		put_text(node, "result", is_applied ? "applied" : "unchanged");
	} else {
		put_text(node, "result", is_known ? results[report->outcome] : "error");
		if (*text != '\0')
			put_readable(node, "text", text);
		else if (report->outcome == CFG_NODE_LEFT)
			put_text(node, "text", "it has left the ring");
		else if (report->outcome == CFG_NODE_NO_ANSWER)
			put_text(node, "text", "it does not answer: look into its log, then reload again");
	}
	json_object_array_add(get(data, "nodes"), node);
	return report->outcome == CFG_NODE_REFUSED  ? CTL_INVALID
	       : report->outcome >= CFG_NODE_FAILED ? CTL_FAILED
						    : CTL_GOOD;
}

static void put_empty(struct json_object *data)
{
	static const char *const lists[] = {"nodes", "applied", "refused", "needs_restart"};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		json_object_object_add(data, lists[i], json_object_new_array());
}

int reload_walk(struct ctl *ctl, const char *what, const uint8_t *bytes, size_t size,
	int (*put)(struct json_object *data, const struct cfg_wire_node_report *report, char *text),
	struct json_object *data)
{
	struct cfg_res_reload_report head;
	size_t at = sizeof(head);
	int worst = CTL_GOOD;

	memcpy(&head, bytes, sizeof(head));
	for (uint32_t i = 0; i < head.count; i++) {
		struct cfg_wire_node_report report;

		if (size - at < sizeof(report))
			return ctl_fail(ctl, CTL_FAILED, NULL, "%s: the daemon's report is cut off", what);
		memcpy(&report, bytes + at, sizeof(report));
		at += sizeof(report);
		if (report.text_size > size - at)
			return ctl_fail(ctl, CTL_FAILED, NULL, "%s: the daemon's report is cut off", what);
		char *text = strndup((const char *)bytes + at, report.text_size), none[] = "";
		int code = put(data, &report, text != NULL ? text : none);

		free(text);
		worst = code == CTL_INVALID || worst == CTL_GOOD ? code : worst;
		at += (report.text_size + (size_t)7) / 8 * 8;
		at = at < size ? at : size;
	}
	return worst;
}

int reload_ask(struct ctl *ctl, bool is_check, bool is_forced, struct json_object *data, bool *is_each)
{
	static const char *const outcomes[] = {"error", "applied", "refused", "checked", "each"};
	struct cfg_req_reload_report request = {.header = {.id = CFG_REQ_RELOAD_REPORT, .size = sizeof(request)},
		.flags = (is_check ? (uint32_t)CFG_RELOAD_CHECK : 0) | (is_forced ? (uint32_t)CFG_RELOAD_FORCE : 0)};
	struct cfg_res_reload_report head;
	uint8_t *bytes;
	ssize_t size = reload_call(ctl, &request, sizeof(request), &bytes);

	*is_each = false;
	if (size < 0) {
		free(bytes);
		if (size == -(ssize_t)CS_ERR_INVALID_PARAM || size == -(ssize_t)CS_ERR_NOT_SUPPORTED)
			return RELOAD_UNKNOWN;
		return ctl_fail_cs(ctl, "reload", (cs_error_t)-size);
	}
	put_empty(data);
	int code = reload_walk(ctl, "reload", bytes, (size_t)size, put_node, data);

	memcpy(&head, bytes, sizeof(head));
	free(bytes);
	put_text(data, "outcome", outcomes[head.outcome <= CFG_OUTCOME_EACH ? head.outcome : 0]);
	*is_each = head.outcome == CFG_OUTCOME_EACH;
	return code;
}

int reload_ask_alone(struct ctl *ctl, bool is_check, struct json_object *data)
{
	struct control_reload answer;
	int code = control_ask_reload(ctl, is_check, &answer);

	if (code != 0)
		return code;
	const struct cfg_wire_node_report report = {.nodeid = answer.nodeid,
		.outcome = answer.rc == -EINVAL ? CFG_NODE_REFUSED
			   : answer.rc < 0      ? CFG_NODE_FAILED
			   : is_check           ? CFG_NODE_READY
						: CFG_NODE_APPLIED};

	put_empty(data);
	code = put_node(data, &report, answer.text);
	free(answer.text);
	put_text(data, "outcome", "each");
	put_bool(data, "is_alone", true);
	return code;
}

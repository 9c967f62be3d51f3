/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands `reload` and `shutdown`. */
#include "tools/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/ctl/daemon.h"
#include "tools/ctl/progress.h"
#include "tools/ctl/reload.h"

/* --- reload --- */

struct snapshot {
	struct ctl *ctl;
	struct json_object *values; /* object {key: text} */
};

static bool see_value(void *arg, const char *key)
{
	struct snapshot *snapshot = arg;
	struct json_object *value = fact_value(snapshot->ctl, CTL_CONFIG, key, NULL);

	if (value != NULL)
		put_text(snapshot->values, key, json_object_get_string(value));
	json_object_put(value);
	return true;
}

/* Read the keys of the sections that a reload changes. */
static struct json_object *take_snapshot(struct ctl *ctl)
{
	static const char *const sections[] = {"totem.", "logging.", "nodelist.", "quorum.", "uidgid."};
	struct snapshot snapshot = {.ctl = ctl, .values = json_object_new_object()};

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		fact_each(ctl, CTL_CONFIG, sections[i], see_value, &snapshot);
	return snapshot.values;
}

static void put_changes(struct json_object *before, struct json_object *after, struct json_object *applied)
{
	json_object_object_foreach(after, key, value)
	{
		struct json_object *old = get(before, key);

		if (old == NULL || strcmp(json_object_get_string(old), json_object_get_string(value)) != 0)
			json_object_array_add(applied, json_object_new_string(key));
	}
	json_object_object_foreach(before, gone, ignored)
	{
		(void)ignored;
		if (get(after, gone) == NULL)
			json_object_array_add(applied, json_object_new_string(gone));
	}
}

/* List the values of the file that the daemon has not applied. */
static void put_refused(struct ctl *ctl, struct json_object *data)
{
	struct json_object *refused = json_object_new_array(), *restart = json_object_new_array();
	char *file = daemon_config_file(ctl);
	struct daemon_keys keys = {0};

	/* Corosync's daemon does not report the file's name. Without it no comparison is possible. */
	if (file != NULL && daemon_read_keys(ctl, file, &keys) != 0)
		memset(&ctl->error, 0, sizeof(ctl->error));
	for (size_t i = 0; i < keys.count; i++) {
		struct json_object *now = fact_value(ctl, CTL_CONFIG, keys.list[i].key, NULL);

		if (now != NULL && strcmp(json_object_get_string(now), keys.list[i].value) != 0) {
			struct json_object *row = json_object_new_object();

			put_text(row, "key", keys.list[i].key);
			put_text(row, "reason", "cannot change while the ring runs");
			json_object_array_add(refused, row);
			json_object_array_add(restart, json_object_new_string(keys.list[i].key));
		}
		json_object_put(now);
	}
	daemon_keys_fini(&keys);
	free(file);
	json_object_object_add(data, "refused", refused); /* this replaces an older list */
	json_object_object_add(data, "needs_restart", restart);
}

/* The running daemon is Corosync's: check this node's file with Coterie's daemon program. */
static int check_here(struct ctl *ctl, struct json_object *data)
{
	struct json_object *findings = json_object_new_array(), *nodes = json_object_new_array();
	struct json_object *node = json_object_new_object();
	char *file = daemon_config_file(ctl);
	int code = daemon_check(ctl, file, findings);

	put_number(node, "id", fact_local(ctl));
	put_text(node, "result", code == 0 ? "unchanged" : "refused");
	if (code == CTL_INVALID && json_object_array_length(findings) > 0)
		put_text(node, "text", get_text(json_object_array_get_idx(findings, 0), "text"));
	json_object_array_add(nodes, node);
	json_object_object_add(data, "nodes", nodes);
	json_object_object_add(data, "applied", json_object_new_array());
	if (code == 0)
		put_refused(ctl, data);
	else {
		json_object_object_add(data, "refused", json_object_new_array());
		json_object_object_add(data, "needs_restart", json_object_new_array());
	}
	json_object_put(findings);
	free(file);
	return code;
}

/* Reload a daemon of Corosync, and list the results that are known. */
static int reload_here(struct ctl *ctl, struct json_object *before, struct json_object *data)
{
	struct json_object *nodes = json_object_new_array(), *applied = json_object_new_array();
	struct json_object *node = json_object_new_object();
	cs_error_t error = corosync_cfg_reload_config(ctl->cfg);
	struct json_object *after = take_snapshot(ctl);

	put_changes(before, after, applied);
	json_object_put(after);
	put_number(node, "id", fact_local(ctl));
	put_text(node, "result",
		error == CS_ERR_INVALID_PARAM           ? "refused"
		: error != CS_OK                        ? "error"
		: json_object_array_length(applied) > 0 ? "applied"
							: "unchanged");
	char *text = fact_text(ctl, CTL_CONFIG, "config.reload_error_message");
	if (error != CS_OK)
		put_text(node, "text", text != NULL ? text : cs_strerror(error));
	free(text);
	json_object_array_add(nodes, node);
	json_object_object_add(data, "nodes", nodes);
	json_object_object_add(data, "applied", applied);
	put_refused(ctl, data);
	return error == CS_OK ? CTL_GOOD : error == CS_ERR_INVALID_PARAM ? CTL_INVALID : CTL_FAILED;
}

/*
 * Complete the report of this node if Corosync nodes are in the ring. Then only a comparison of the map shows the
 * changes.
 */
static int complete_each(struct ctl *ctl, struct json_object *before, bool is_check, struct json_object *data)
{
	struct json_object *after = take_snapshot(ctl), *applied = json_object_new_array();
	struct json_object *node = json_object_array_get_idx(get(data, "nodes"), 0);
	bool is_refused = strcmp(get_text(node, "result"), "refused") == 0;
	bool has_failed = strcmp(get_text(node, "result"), "error") == 0; /* its text has the reason */

	put_changes(before, after, applied);
	json_object_put(after);
	if (!is_check && !is_refused) {
		if (!has_failed)
			put_text(node, "result", json_object_array_length(applied) > 0 ? "applied" : "unchanged");
		json_object_object_add(data, "applied", applied);
		put_refused(ctl, data);
	} else {
		json_object_put(applied);
	}
	return is_refused ? CTL_INVALID : has_failed ? CTL_FAILED : CTL_GOOD;
}

int reload_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	bool is_check = false, is_forced = false, is_each;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--check-only") == 0)
			is_check = true;
		else if (strcmp(argv[i], "--force") == 0)
			is_forced = true;
		else
			return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "reload takes no '%s'", argv[i]);
	}
	int code = ctl_open(ctl, CTL_CFG);
	if (code == CTL_NOT_LOADED && !is_forced) {
		memset(&ctl->error, 0, sizeof(ctl->error));
		return reload_ask_alone(ctl, is_check, data);
	}
	if (code != 0)
		return code;
	bool has_map = ctl_try(ctl, CTL_CONFIG); /* needed only for daemons that send no report */
	if (ctl->timeout_s < RELOAD_LIMIT_S)
		alarm(RELOAD_LIMIT_S); /* the daemon sets the limit, since the nodes may need long */
	struct json_object *before = has_map ? take_snapshot(ctl) : NULL;
	code = reload_ask(ctl, is_check, is_forced, data, &is_each);
	if (code == RELOAD_UNKNOWN && !has_map)
		code = ctl_open(ctl, CTL_CONFIG); /* this call fails again, and sets ctl->error with the reason */
	else if (code == RELOAD_UNKNOWN)
		code = is_check ? check_here(ctl, data) : reload_here(ctl, before, data);
	else if (is_each && has_map)
		code = complete_each(ctl, before, is_check, data);
	json_object_put(before);
	return code;
}

/* --- text --- */

static void print_lines(const struct ctl *ctl, const char *title, struct json_object *lines)
{
	for (size_t i = 0; i < json_object_array_length(lines); i++) {
		struct json_object *line = json_object_array_get_idx(lines, i);

		fprintf(ctl->out, "%-14s %s: %s -> %s\n", title, get_text(line, "key"),
			get(line, "old") != NULL ? get_text(line, "old") : "(none)",
			get(line, "new") != NULL ? get_text(line, "new") : "(none)");
	}
}

/* Compare two nodes in everything except their ids. */
static bool is_alike(struct json_object *a, struct json_object *b)
{
	static const char *const members[] = {"result", "text", "changes", "restarts"};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (!json_object_equal(get(a, members[i]), get(b, members[i])))
			return false;
	return true;
}

/* Print the nodes. Nodes with the same result are one line. */
static void print_nodes(const struct ctl *ctl, struct json_object *nodes)
{
	size_t count = json_object_array_length(nodes);

	for (size_t i = 0; i < count; i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i);
		bool is_first = true, is_alone = true;

		for (size_t k = 0; k < count; k++) {
			bool is_same = k != i && is_alike(node, json_object_array_get_idx(nodes, k));

			is_first = is_first && !(is_same && k < i);
			is_alone = is_alone && !is_same;
		}
		if (!is_first)
			continue;
		fprintf(ctl->out, is_alone ? "Node" : "Nodes");
		for (size_t k = i; k < count; k++)
			if (is_alike(node, json_object_array_get_idx(nodes, k)))
				fprintf(ctl->out, " %" PRIi64, get_number(json_object_array_get_idx(nodes, k), "id"));
		fprintf(ctl->out, ": %s%s%s\n", get_text(node, "result"), get(node, "text") != NULL ? ": " : "",
			get_text(node, "text"));
		if (get(node, "changes") != NULL)
			print_lines(ctl, "  change", get(node, "changes"));
		if (get(node, "restarts") != NULL)
			print_lines(ctl, "  needs restart", get(node, "restarts"));
	}
}

void reload_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *nodes = get(data, "nodes"), *applied = get(data, "applied"),
			   *refused = get(data, "refused");
	const char *outcome = get_text(data, "outcome");
	bool has_lists = json_object_array_length(nodes) > 0 &&
			 get(json_object_array_get_idx(nodes, 0), "changes") != NULL;

	print_nodes(ctl, nodes);
	if (strcmp(outcome, "refused") == 0)
		fprintf(ctl->out, "Nothing has changed on any node.\n");
	else if (strcmp(outcome, "checked") == 0)
		fprintf(ctl->out, "All nodes could apply their files; nothing has changed.\n");
	else if (get_bool(data, "is_alone"))
		fprintf(ctl->out, "The service cfg is not loaded: this was about the file of this node alone.\n");
	else if (strcmp(outcome, "each") == 0)
		fprintf(ctl->out, "Nodes of Corosync's are in the ring: each node is on its own; the logs of the "
				  "others say what became of theirs.\n");
	for (size_t i = 0; !has_lists && i < json_object_array_length(applied); i++)
		fprintf(ctl->out, "changed        %s\n", json_object_get_string(json_object_array_get_idx(applied, i)));
	for (size_t i = 0; !has_lists && i < json_object_array_length(refused); i++) {
		struct json_object *row = json_object_array_get_idx(refused, i);

		fprintf(ctl->out, "needs restart  %s: %s\n", get_text(row, "key"), get_text(row, "reason"));
	}
}

/* --- shutdown --- */

int shutdown_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	bool is_forced = argc == 1 && strcmp(argv[0], "--force") == 0;

	if (argc > (is_forced ? 1 : 0))
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "shutdown takes no '%s'", argv[argc - 1]);
	int code = ctl_open(ctl, CTL_CFG);
	if (code != 0)
		return code;
	if (!ctl->is_confirmed && isatty(STDIN_FILENO)) {
		char word[16];

		fprintf(stderr, "Stop the cluster daemon of this node? (yes/no) ");
		alarm(0); /* no time limit while a person reads and answers */
		if (fgets(word, sizeof(word), stdin) == NULL || strcmp(word, "yes\n") != 0)
			return ctl_fail(ctl, CTL_REFUSED, NULL, "shutdown: not confirmed");
	}
	alarm(0); /* the daemon sets the limit, since other programs are asked whether they object */
	struct progress *progress = progress_begin(ctl, "programs that may object");
	cs_error_t error = corosync_cfg_try_shutdown(
		ctl->cfg, is_forced ? COROSYNC_CFG_SHUTDOWN_FLAG_REGARDLESS : COROSYNC_CFG_SHUTDOWN_FLAG_REQUEST);

	progress_end(progress);
	if (error != CS_OK)
		return ctl_fail_cs(ctl, "shutdown", error);
	put_text(data, "text", "the daemon stops");
	return CTL_GOOD;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* `clients` and `cpg list`: programs that use the daemon. */
#include "tools/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- clients --- */

int clients_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	if (argc > 0)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "clients takes no '%s'", argv[0]);
	int code = ctl_open(ctl, CTL_STATS);
	if (code != 0)
		return code;
	const struct metrics_source source = ctl_source(ctl);
	answers_clients(&source, data);
	return CTL_GOOD;
}

void clients_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *clients = get(data, "clients");

	fprintf(ctl->out, "%10s  %-16s %-11s %10s %10s %7s %8s\n", "PID", "Program", "Service", "Requests", "Events",
		"Queued", "Refused");
	for (size_t i = 0; i < json_object_array_length(clients); i++) {
		struct json_object *client = json_object_array_get_idx(clients, i);

		fprintf(ctl->out,
			"%10" PRIi64 "  %-16s %-11s %10" PRIi64 " %10" PRIi64 " %7" PRIi64 " %8" PRIi64 "%s\n",
			get_number(client, "pid"), get_text(client, "program"), get_text(client, "service"),
			get_number(client, "requests"), get_number(client, "events"), get_number(client, "queued"),
			get_number(client, "overload"), get_bool(client, "flow_control") ? "  held back" : "");
	}
}

/* --- process groups --- */

/* Add the name of a program. This is possible only for programs of this node. */
static void put_program(struct json_object *member, uint32_t pid)
{
	char path[64], name[64] = "";

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/comm", pid);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return;
	if (fgets(name, sizeof(name), file) != NULL) {
		name[strcspn(name, "\n")] = '\0';
		answers_put_bytes(member, "program", name, strlen(name));
		json_object_object_del(member, "program_hex");
	}
	fclose(file);
}

static struct json_object *group_of(struct json_object *groups, const struct cpg_name *name)
{
	struct json_object *wanted = json_object_new_object(), *found = NULL;

	answers_put_bytes(
		wanted, "name", name->value, name->length <= CPG_MAX_NAME_LENGTH ? name->length : CPG_MAX_NAME_LENGTH);
	for (size_t i = 0; i < json_object_array_length(groups) && found == NULL; i++) {
		struct json_object *group = json_object_array_get_idx(groups, i);

		if (strcmp(get_text(group, "name_hex"), get_text(wanted, "name_hex")) == 0)
			found = group;
	}
	if (found != NULL) {
		json_object_put(wanted);
		return found;
	}
	json_object_object_add(wanted, "members", json_object_new_array());
	json_object_array_add(groups, wanted);
	return wanted;
}

int cpg_list(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	struct cpg_iteration_description_t seen;
	cpg_iteration_handle_t iterator;
	struct cpg_name only = {0};

	if (argc > 1 || (argc == 1 && strlen(argv[0]) > CPG_MAX_NAME_LENGTH))
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "cpg list takes one group, of at most %d bytes",
			CPG_MAX_NAME_LENGTH);
	int code = ctl_open(ctl, CTL_CPG);
	if (code != 0)
		return code;
	if (argc == 1) {
		only.length = (uint32_t)strlen(argv[0]);
		memcpy(only.value, argv[0], only.length);
	}
	struct json_object *groups = json_object_new_array();
	uint32_t local = fact_local(ctl);
	cs_error_t error = cpg_iteration_initialize(
		ctl->cpg, argc == 1 ? CPG_ITERATION_ONE_GROUP : CPG_ITERATION_ALL, argc == 1 ? &only : NULL, &iterator);
	if (error != CS_OK) {
		json_object_put(groups);
		return ctl_fail_cs(ctl, "cpg list", error);
	}
	while (cpg_iteration_next(iterator, &seen) == CS_OK) {
		struct json_object *member = json_object_new_object();

		put_number(member, "node", seen.nodeid);
		put_number(member, "pid", seen.pid);
		if (seen.nodeid == local)
			put_program(member, seen.pid);
		json_object_array_add(get(group_of(groups, &seen.group), "members"), member);
	}
	cpg_iteration_finalize(iterator);
	json_object_object_add(data, "groups", groups);
	return CTL_GOOD;
}

void cpg_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *groups = get(data, "groups");

	for (size_t i = 0; i < json_object_array_length(groups); i++) {
		struct json_object *group = json_object_array_get_idx(groups, i), *members = get(group, "members");

		fprintf(ctl->out, "%s\n", get_text(group, "name"));
		for (size_t j = 0; j < json_object_array_length(members); j++) {
			struct json_object *member = json_object_array_get_idx(members, j);

			fprintf(ctl->out, "  node %" PRIi64 "  pid %" PRIi64 "  %s\n", get_number(member, "node"),
				get_number(member, "pid"), get_text(member, "program"));
		}
	}
}

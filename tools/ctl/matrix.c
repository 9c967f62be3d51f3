/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The matrix of nodes that hear each other. Every node of the ring that can be queried reports the nodes that its
 * transport reaches. With knet these are known from measurements of the links. With udp and udpu they are the members
 * of the ring. A node that cannot be queried has no list.
 */
#include "tools/ctl/ctl.h"

#include <inttypes.h>
#include <string.h>

#include "tools/ctl/remote.h"

/* --- lists --- */

static bool has_id(struct json_object *list, int64_t id)
{
	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++)
		if (json_object_get_int64(json_object_array_get_idx(list, i)) == id)
			return true;
	return false;
}

/* List the nodes that the current source of facts reaches. */
static struct json_object *heard_here(struct ctl *ctl, struct json_object *members, int64_t self)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(members); i++) {
		int64_t id = get_number(json_object_array_get_idx(members, i), "id");
		struct corosync_cfg_node_status_v1 status;

		if (id == self || (fact_status(ctl, (uint32_t)id, &status) && status.reachable))
			json_object_array_add(list, json_object_new_int64(id));
	}
	return list;
}

static void put_row(struct ctl *ctl, struct json_object *members, struct json_object *member, uint32_t local)
{
	uint32_t id = (uint32_t)get_number(member, "id");

	if (id != local && remote_open(ctl, id) != 0) {
		memset(&ctl->error, 0, sizeof(ctl->error)); /* the node's list is unknown */
		return;
	}
	struct json_object *list = heard_here(ctl, members, id);
	struct ctl_error error = ctl->error;

	if (remote_error(ctl) == 0)
		json_object_object_add(member, "hears", list);
	else
		json_object_put(list);
	ctl->error = error;
	remote_close(ctl);
}

void matrix_put(struct ctl *ctl, struct json_object *members)
{
	uint32_t local = fact_local(ctl);
	size_t count = json_object_array_length(members);

	for (size_t i = 0; i < count; i++) {
		struct json_object *member = json_object_array_get_idx(members, i);

		if (strcmp(get_text(member, "state"), "joined") == 0)
			put_row(ctl, members, member, local);
	}
	for (size_t i = 0; i < count; i++) {
		struct json_object *member = json_object_array_get_idx(members, i), *list = json_object_new_array();
		int64_t id = get_number(member, "id");

		for (size_t k = 0; k < count; k++) {
			struct json_object *other = json_object_array_get_idx(members, k);

			if (has_id(get(other, "hears"), id))
				json_object_array_add(list, json_object_new_int64(get_number(other, "id")));
		}
		json_object_object_add(member, "heard_by", list);
	}
}

/* --- text --- */

static char sign(struct json_object *row, struct json_object *column)
{
	struct json_object *hears = get(row, "hears");

	if (row == column)
		return '.';
	return hears == NULL ? '?' : has_id(hears, get_number(column, "id")) ? '+' : '-';
}

void matrix_print(const struct ctl *ctl, struct json_object *members)
{
	size_t count = json_object_array_length(members);
	int width = 3;

	if (count == 0 || get(json_object_array_get_idx(members, 0), "heard_by") == NULL)
		return;
	for (size_t i = 0; i < count; i++) {
		int length = snprintf(NULL, 0, "%" PRIi64, get_number(json_object_array_get_idx(members, i), "id"));

		width = length + 2 > width ? length + 2 : width;
	}
	fprintf(ctl->out, "\nWho hears whom: + hears, - does not, ? cannot be asked\n\n%10s", "");
	for (size_t i = 0; i < count; i++)
		fprintf(ctl->out, "%*" PRIi64, width, get_number(json_object_array_get_idx(members, i), "id"));
	fprintf(ctl->out, "\n");
	for (size_t i = 0; i < count; i++) {
		struct json_object *row = json_object_array_get_idx(members, i);

		fprintf(ctl->out, "%10" PRIi64, get_number(row, "id"));
		for (size_t k = 0; k < count; k++)
			fprintf(ctl->out, "%*c", width, sign(row, json_object_array_get_idx(members, k)));
		fprintf(ctl->out, "\n");
	}
}

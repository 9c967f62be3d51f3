/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/interop/cpg_matrix.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

bool is_silent;
void (*deliver_hook)(cpg_handle_t handle);

const struct matrix_library matrix_library = {cpg_fd_get, cpg_dispatch, cpg_finalize};

struct cpg_name name_of(const char *text)
{
	struct cpg_name name = {.length = (uint32_t)strlen(text)};

	memcpy(name.value, text, name.length);
	return name;
}

static void print_name(const struct cpg_name *name)
{
	for (uint32_t i = 0; i < name->length && i < sizeof(name->value); i++) {
		unsigned char c = (unsigned char)name->value[i];

		if (c > ' ' && c < 0x7f)
			putchar(c);
		else
			printf("\\%02x", c);
	}
}

static void print_list(const char *title, const struct cpg_address *list, size_t count)
{
	printf(" %s", title);
	if (list == NULL)
		printf("(null)");
	for (size_t i = 0; i < count; i++)
		printf("%s%u/%c:%u", i == 0 ? "" : ",", list[i].nodeid, process_letter(list[i].pid), list[i].reason);
	printf(";");
}

static void print_deliver(
	cpg_handle_t handle, const struct cpg_name *group, uint32_t nodeid, uint32_t pid, void *msg, size_t size)
{
	const uint8_t *bytes = msg;
	uint32_t sum = 2166136261u;

	if (is_silent) {
		events_seen++;
		return;
	}
	for (size_t i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * 16777619u;
	printf("  deliver ");
	print_name(group);
	say(" %u/%c size %zu sum %08x%s%s", nodeid, process_letter(pid), size, sum, msg == NULL ? " NULL" : "",
		(uintptr_t)msg % 8 != 0 ? " unaligned" : "");
	if (size > 0)
		memset(msg, 0xee, size); /* allowed */
	events_seen++;
	if (deliver_hook != NULL)
		deliver_hook(handle);
}

static void print_confchg(cpg_handle_t handle, const struct cpg_name *group, const struct cpg_address *members,
	size_t member_count, const struct cpg_address *left, size_t left_count, const struct cpg_address *joined,
	size_t joined_count)
{
	(void)handle;
	printf("  confchg ");
	print_name(group);
	print_list("members ", members, member_count);
	print_list("left ", left, left_count);
	print_list("joined ", joined, joined_count);
	say("%s", "");
	events_seen++;
}

static void print_totem(cpg_handle_t handle, struct cpg_ring_id ring_id, uint32_t member_count, const uint32_t *members)
{
	(void)handle;
	printf("  totem ring of %u, seq %s; members", ring_id.nodeid, ring_id.seq > 0 ? "set" : "0");
	for (uint32_t i = 0; i < member_count; i++)
		printf(" %u", members[i]);
	say("%s", "");
	events_seen++;
}

cpg_callbacks_t printing = {print_deliver, print_confchg};
cpg_model_v1_data_t printing_v1 = {
	CPG_MODEL_V1, print_deliver, print_confchg, print_totem, CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF};

cpg_handle_t connect_printing(void)
{
	cpg_handle_t handle;

	CONNECT(cpg_initialize(&handle, &printing));
	return handle;
}

cs_error_t join_patiently(cpg_handle_t handle, const struct cpg_name *name)
{
	return PATIENTLY(cpg_join(handle, name));
}

cs_error_t leave_patiently(cpg_handle_t handle, const struct cpg_name *name)
{
	return PATIENTLY(cpg_leave(handle, name));
}

cs_error_t send_patiently(cpg_handle_t handle, const void *message, size_t size)
{
	struct iovec iov = vector_of(message, size);

	return PATIENTLY(cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1));
}

static void part_killed(pid_t daemon) { part_dying(daemon, SIGKILL); }
static void part_stopped(pid_t daemon) { part_dying(daemon, SIGTERM); }

const struct matrix_part matrix_parts[] = {
	{"absent", part_absent},
	{"starting", part_starting},
	{"live", part_live},
	{"messages", part_messages},
	{"defects", part_defects},
	{"ring", part_ring},
	{"paused", part_paused},
	{"killed", part_killed},
	{"stopped", part_stopped},
	{NULL, NULL},
};

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Print when a ring changes: times of CLOCK_MONOTONIC, which all namespaces of a machine share.
 *
 *	ring_times watch          print "MICROSECONDS SEQ MEMBERS..." for the present ring and at each change
 *	ring_times kill SIG PID   print MICROSECONDS, then send the signal
 */
#include <poll.h>
#include <signal.h>

#include "client.h"

static uint64_t now_us(void) { return client_now_ns() / 1000; }

static void totem_confchg(cpg_handle_t handle, struct cpg_ring_id ring_id, uint32_t count, const uint32_t *members)
{
	(void)handle;
	printf("%ju %jx", (uintmax_t)now_us(), (uintmax_t)ring_id.seq);
	for (uint32_t i = 0; i < count; i++)
		printf(" %u", members[i]);
	printf("\n");
	fflush(stdout);
}

static void confchg(cpg_handle_t handle, const struct cpg_name *group, const struct cpg_address *members,
	size_t member_count, const struct cpg_address *left, size_t left_count, const struct cpg_address *joined,
	size_t joined_count)
{
	(void)handle, (void)group, (void)members, (void)member_count;
	(void)left, (void)left_count, (void)joined, (void)joined_count;
}

static int watch(void)
{
	cpg_model_v1_data_t model = {
		.model = CPG_MODEL_V1,
		.cpg_confchg_fn = confchg,
		.cpg_totem_confchg_fn = totem_confchg,
		.flags = CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF,
	};
	struct pollfd poll_fd = {.events = POLLIN};
	cpg_handle_t handle;

	if (client_join(&handle, &model, "ring-times", client_now_ns() + UINT64_C(60000000000)) != CS_OK ||
		cpg_fd_get(handle, &poll_fd.fd) != CS_OK)
		return 1;
	while (cpg_dispatch(handle, CS_DISPATCH_ALL) == CS_OK)
		poll(&poll_fd, 1, -1);
	return 0; /* the daemon has ended */
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "watch") == 0)
		return watch();
	if (argc != 4 || strcmp(argv[1], "kill") != 0)
		return 2;
	printf("%ju\n", (uintmax_t)now_us());
	return kill((pid_t)strtol(argv[3], NULL, 10), (int)strtol(argv[2], NULL, 10)) == 0 ? 0 : 1;
}

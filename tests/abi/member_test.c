/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * member_test MEMBER CPG: run three nodes with both plugin files, and check what tests/abi/member.c has received in its
 * group.
 */
#include <stdio.h>
#include <string.h>

#include <coterie/testkit.h>

#include "member.h"

#define NODES 3u
#define MESSAGES 200u

static int failures;

static void check(int is_true, const char *what)
{
	failures += !is_true;
	printf("%s: %s\n", is_true ? "ok" : "FAILED", what);
}

static int32_t ask(struct testkit *kit, uint32_t node, int32_t id, struct member_state *state)
{
	struct coterie_request_header request = {.id = id, .size = sizeof(request)};
	struct testkit_client *client = NULL;
	const struct coterie_response_header *answer = testkit_connect(kit, node, "member", &client) < 0
							       ? NULL
							       : testkit_call(client, &request, sizeof(request));
	int32_t error = answer == NULL ? 0 : answer->error;

	if (answer != NULL && state != NULL && answer->size == sizeof(struct member_res_state))
		*state = ((const struct member_res_state *)answer)->state;
	testkit_disconnect(client);
	return error;
}

static struct member_state state_of(struct testkit *kit, uint32_t node)
{
	struct member_state state;

	memset(&state, 0, sizeof(state));
	ask(kit, node, MEMBER_STATE, &state);
	return state;
}

static void play(struct testkit *kit)
{
	struct member_state states[NODES + 1];

	testkit_run(kit, 1000);
	check(state_of(kit, 1).members == NODES && state_of(kit, 3).members == NODES,
		"each node's service is a member");
	for (uint32_t i = 0; i < MESSAGES; i++)
		while (ask(kit, 1 + i % NODES, MEMBER_SAY, NULL) != 1)
			testkit_run(kit, 1);
	testkit_run(kit, 1000);
	for (uint32_t node = 1; node <= NODES; node++)
		states[node] = state_of(kit, node);
	check(states[1].messages == MESSAGES && states[2].messages == MESSAGES && states[3].messages == MESSAGES,
		"no message is lost");
	check(states[1].sum == states[2].sum && states[2].sum == states[3].sum && states[1].sum != 0,
		"all saw one order");
	check(ask(kit, 2, MEMBER_LEAVE, NULL) == 1, "one leaves");
	testkit_run(kit, 1000);
	check(state_of(kit, 1).members == NODES - 1 && state_of(kit, 1).left == 1, "the others see it");
	testkit_crash(kit, 3);
	testkit_settle(kit, 30000);
	testkit_run(kit, 100);
	check(state_of(kit, 1).members == 1, "a node that crashes leaves the group");
	testkit_start(kit, 3);
	testkit_settle(kit, 30000);
	testkit_run(kit, 1000);
	check(state_of(kit, 1).members == 2 && state_of(kit, 3).members == 2, "and joins it again");
	testkit_unload(kit, 1, "cpg");
	testkit_run(kit, 1000);
	check(state_of(kit, 1).members == 0 && state_of(kit, 3).members == 1, "without cpg there is no member");
}

int main(int argc, char **argv)
{
	struct testkit *kit = argc > 2 ? testkit_create(1, NODES) : NULL;

	if (kit == NULL)
		return 2;
	if (testkit_load_file(kit, TESTKIT_ALL, argv[2], NULL) < 0 ||
		testkit_load_file(kit, TESTKIT_ALL, argv[1], NULL) < 0 || testkit_start(kit, TESTKIT_ALL) < 0) {
		printf("%s\n", testkit_error(kit));
		testkit_destroy(kit);
		return 1;
	}
	check(testkit_settle(kit, 30000) == 0, "a ring forms");
	play(kit);
	check(testkit_destroy(kit) == 0, "no complaint");
	return failures > 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* released_kit FILE...: run one node for each file in one ring. Each file is a generation of one plugin. */
#include <stdio.h>

#include <coterie/testkit.h>

int main(int argc, char **argv)
{
	uint32_t nodes = (uint32_t)argc - 1;
	struct testkit *kit = testkit_create(1, nodes);
	struct coterie_request_header add = {.id = 0, .size = sizeof(add)}, get = {.id = 1, .size = sizeof(get)};
	struct testkit_client *client;
	int failures = 0;

	if (kit == NULL)
		return 2;
	for (uint32_t node = 1; node <= nodes; node++) {
		if (testkit_load_file(kit, node, argv[node], NULL) < 0 || testkit_start(kit, node) < 0) {
			printf("%s: %s\n", argv[node], testkit_error(kit));
			return 1;
		}
	}
	failures += testkit_settle(kit, 30000) != 0;
	for (uint32_t node = 1; node <= nodes; node++) {
		const struct coterie_response_header *reply;

		if (testkit_connect(kit, node, "sum", &client) < 0)
			return 1;
		reply = testkit_call(client, &add, sizeof(add));
		failures += reply == NULL || reply->error != 1;
	}
	testkit_run(kit, 1000);
	for (uint32_t node = 1; node <= nodes; node++) {
		const struct coterie_response_header *reply;
		uint64_t total;

		if (testkit_connect(kit, node, "sum", &client) < 0)
			return 1;
		reply = testkit_call(client, &get, sizeof(get));
		total = reply == NULL ? 0 : *(const uint64_t *)(reply + 1);
		printf("%s: %llu\n", argv[node], (unsigned long long)total);
		failures += total != (uint64_t)3 * nodes;
	}
	return testkit_destroy(kit) != 0 || failures > 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of the transport under a ring: test_unixgram FILE. FILE is the plugin, ./unixgram.so. Three nodes in this
 * process form their ring over the transport, in real time. A small service of this test records the delivered
 * messages.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <coterie/testkit.h>

#define NODES 3
#define MESSAGES 300
#define SIZE_MAX_SENT 100000

static int failures;

static void check(int is_true, const char *what)
{
	printf("%s - %s\n", is_true ? "ok" : "FAILED", what);
	failures += !is_true;
}

/* --- a service that counts messages, and hashes them in their order --- */

struct order {
	const struct coterie_host *host;
	struct coterie_ctx *ctx;
	uint32_t count;
	uint64_t hash;
};

static void order_deliver(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct order *order = self;
	const uint8_t *at = msg;

	order->count++;
	order->hash = (order->hash ^ nodeid) * 0x100000001B3u;
	for (uint32_t i = sizeof(struct coterie_ring_header); i < size; i++)
		order->hash = (order->hash ^ at[i]) * 0x100000001B3u;
}

static int order_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct order *order = calloc(1, sizeof(*order));

	if (order == NULL)
		return -ENOMEM;
	order->host = host;
	order->ctx = ctx;
	*self = order;
	return 0;
}

static const struct coterie_ring_msg order_msgs[] = {
	{0, sizeof(struct coterie_ring_header), NULL, order_deliver, NULL},
};

static const struct coterie_service order_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 61,
	.init = order_init,
	.fini = free,
	COTERIE_RING_MSGS(order_msgs),
};

COTERIE_PLUGIN(order, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "one order",
	.needs = COTERIE_CAP_RING, .ops = &order_ops);

/* --- the tests --- */

static struct order *order_of(struct testkit *kit, uint32_t node) { return testkit_self(kit, node, "order"); }

/* Return whether all nodes have received this many messages, and the same ones. */
static int have_all(void *arg)
{
	struct testkit *kit = arg;
	const struct order *first = order_of(kit, 1);

	for (uint32_t node = 1; node <= NODES; node++) {
		const struct order *order = order_of(kit, node);

		if (order == NULL || order->count != MESSAGES || order->hash != first->hash)
			return 0;
	}
	return 1;
}

static void send_all(struct testkit *kit)
{
	static uint8_t bytes[SIZE_MAX_SENT];

	for (uint32_t i = 0; i < MESSAGES;) {
		struct order *order = order_of(kit, 1 + i % NODES);
		struct iovec iov = {bytes, 1 + testkit_random(kit, SIZE_MAX_SENT)};

		memset(bytes, (int)i, iov.iov_len);
		if (order->host->ring_send(order->ctx, 0, COTERIE_AGREED, &iov, 1) == 0)
			i++;
		else
			testkit_run(kit, 1); /* the queue is full */
	}
}

static int others_know(void *arg) { return testkit_members(arg, 1, NULL, 0) == NODES - 1; }

int main(int argc, char **argv)
{
	char folder[] = "/tmp/unixgram-XXXXXX", option[64];
	const char *options[] = {option, NULL};
	struct testkit *kit = testkit_create(1, NODES);

	if (argc != 2 || kit == NULL || mkdtemp(folder) == NULL) {
		fprintf(stderr, "usage: test_unixgram FILE\n");
		return 2;
	}
	snprintf(option, sizeof(option), "directory=%s/s", folder);
	if (testkit_transport_file(kit, argv[1], options) < 0 ||
		testkit_load(kit, TESTKIT_ALL, &order_LTX_coterie_plugin, NULL) < 0 ||
		testkit_start(kit, TESTKIT_ALL) < 0) {
		fprintf(stderr, "%s does not start: %s\n", argv[1], testkit_error(kit));
		return 1;
	}
	check(testkit_settle(kit, 20000) == 0, "three nodes form a ring");
	send_all(kit);
	check(testkit_until(kit, 20000, have_all, kit) == 0, "what they send arrives everywhere, in one order");

	uint64_t before_ns = testkit_now_ns(kit);

	testkit_crash(kit, NODES);
	check(testkit_until(kit, 20000, others_know, kit) == 0, "the others notice a crash");
	check(testkit_now_ns(kit) - before_ns < UINT64_C(1000000000), "at once, by the transport's signs");
	testkit_start(kit, NODES);
	check(testkit_settle(kit, 20000) == 0, "and take the node back");
	check(testkit_destroy(kit) == 0, "no complaint");

	/*
	 * The transport keeps the lock files, since another daemon may wait for such a file. So the test removes them.
	 */
	for (uint32_t node = 1; node <= NODES; node++) {
		char path[80];

		snprintf(path, sizeof(path), "%s/s/%u.lock", folder, node);
		unlink(path);
		snprintf(path, sizeof(path), "%s/s/%u", folder, node);
		unlink(path);
	}
	snprintf(option, sizeof(option), "%s/s", folder);
	rmdir(option);
	rmdir(folder);
	return failures > 0;
}

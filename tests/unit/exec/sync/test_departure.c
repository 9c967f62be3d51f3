/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A departure reaches the clients of cpg and quorum, even if synchronisation rounds are aborted after it. Whole nodes
 * play this in the test kit: ring {1,2,3}, then {1,2} and {3}. Node 3 synchronises alone, and its client sends a
 * message. The rounds of {1,2} and of the next ring {1,2,3} are aborted. The round of the ring after that completes.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include <coterie/testkit.h>

#include "services/cpg/messages.h"
#include "services/quorum/messages.h"
#include "tests/suite.h"

#define NODES 3u
#define TOKEN_MS 1000u
#define TRACK_CHANGES 2u
#define STEP_MS 5000u

extern const struct coterie_plugin cpg_LTX_coterie_plugin, quorum_LTX_coterie_plugin;

/* --- a service that keeps a round open --- */

/*
 * Cpg and quorum synchronise in the first turn of a round. The turn ends for them when it ends for this service. Only
 * services of Corosync have a place in that turn, so the brake has the name and the ring id of pload.
 */
#define BRAKE_RING_ID 4

struct brake {
	bool is_on; /* sync_step does not end */
	uint32_t starts, aborts, dones;
};

static int brake_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	(void)host, (void)ctx;
	*self = calloc(1, sizeof(struct brake));
	return *self == NULL ? -ENOMEM : 0;
}

static void brake_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular)
{
	struct brake *brake = self;

	(void)transitional, (void)transitional_count, (void)regular;
	brake->starts++;
}

static int brake_step(void *self)
{
	const struct brake *brake = self;

	return brake->is_on ? 1 : 0;
}

static void brake_done(void *self)
{
	struct brake *brake = self;

	brake->dones++;
}

static void brake_abort(void *self)
{
	struct brake *brake = self;

	brake->aborts++;
}

static const struct coterie_service brake_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = BRAKE_RING_ID,
	.init = brake_init,
	.fini = free,
	.sync_start = brake_start,
	.sync_step = brake_step,
	.sync_done = brake_done,
	.sync_abort = brake_abort,
};

COTERIE_PLUGIN(pload, .kind = COTERIE_KIND_SERVICE, .version = "1.0",
	.description = "keeps a synchronisation round open", .needs = COTERIE_CAP_RING, .ops = &brake_ops);

/* --- clients --- */

/* The events of one client, as text: "[1 2 left 3]" is a list of members with its changes, "(3)" a message of node 3. */
struct journal {
	char text[256];
};

static struct testkit *kit;
static struct journal cpg_journals[NODES + 1], quorum_journals[NODES + 1]; /* indexed by node */
static struct testkit_client *cpg_clients[NODES + 1];

static void note(struct journal *journal, const char *format, ...)
{
	size_t length = strlen(journal->text);
	va_list arguments;

	va_start(arguments, format);
	int added = vsnprintf(journal->text + length, sizeof(journal->text) - length, format, arguments);
	va_end(arguments);
	ck_assert_uint_lt(length + (size_t)added, sizeof(journal->text));
}

/* Note a list of members and its changes. Each argument has the nodes as bits. */
static void note_change(struct journal *journal, uint32_t members, uint32_t left, uint32_t joined)
{
	note(journal, "[");
	for (uint32_t node = 1; node <= NODES; node++)
		if ((members & 1u << node) != 0)
			note(journal, "%s%u", (members & ((1u << node) - 1)) == 0 ? "" : " ", node);
	for (uint32_t node = 1; node <= NODES; node++)
		if ((left & 1u << node) != 0)
			note(journal, " left %u", node);
	for (uint32_t node = 1; node <= NODES; node++)
		if ((joined & 1u << node) != 0)
			note(journal, " joined %u", node);
	note(journal, "]");
}

static uint32_t address_bits(const struct cpg_wire_address *list, uint32_t count)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < count; i++)
		bits |= 1u << list[i].nodeid;
	return bits;
}

static void on_cpg(
	void *arg, struct testkit_client *connection, int is_event, const struct coterie_response_header *header)
{
	struct journal *journal = arg;

	(void)connection;
	if (is_event && header->id == CPG_EVENT_DELIVER) {
		const struct cpg_event_deliver *event = (const void *)header;

		note(journal, "(%u)", event->nodeid);
	} else if (is_event && header->id == CPG_EVENT_CONFCHG) {
		const struct cpg_event_confchg *event = (const void *)header;
		const struct cpg_wire_address *left = event->lists + event->member_count;

		note_change(journal, address_bits(event->lists, event->member_count),
			address_bits(left, event->left_count),
			address_bits(left + event->left_count, event->joined_count));
	}
}

static uint32_t node_bits(const uint32_t *list, uint32_t count)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < count; i++)
		bits |= 1u << list[i];
	return bits;
}

static void on_quorum(
	void *arg, struct testkit_client *connection, int is_event, const struct coterie_response_header *header)
{
	const struct quorum_event_v1_nodelist *event = (const void *)header;

	(void)connection;
	if (!is_event || header->id != QUORUM_EVENT_V1_NODELIST)
		return;
	const uint32_t *joined = event->lists + event->member_count;
	note_change(arg, node_bits(event->lists, event->member_count),
		node_bits(joined + event->joined_count, event->left_count), node_bits(joined, event->joined_count));
}

static void connect_cpg(uint32_t node)
{
	struct cpg_req_join join = {.header = {.id = CPG_REQ_JOIN, .size = sizeof(join)},
		.group = {.length = 3, .value = "grp"},
		.pid = 100 + node};

	ck_assert_int_eq(testkit_connect(kit, node, "cpg", &cpg_clients[node]), 0);
	ck_assert_ptr_nonnull(testkit_call(cpg_clients[node], &join, sizeof(join)));
	testkit_watch(cpg_clients[node], on_cpg, &cpg_journals[node]);
}

static void connect_quorum(uint32_t node)
{
	struct quorum_req_model_gettype model = {
		.header = {.id = QUORUM_REQ_MODEL_GETTYPE, .size = sizeof(model)}, .model = QUORUM_WIRE_MODEL_V1};
	struct quorum_req_trackstart track = {
		.header = {.id = QUORUM_REQ_TRACKSTART, .size = sizeof(track)}, .track_flags = TRACK_CHANGES};
	struct testkit_client *client;

	ck_assert_int_eq(testkit_connect(kit, node, "quorum", &client), 0);
	ck_assert_ptr_nonnull(testkit_call(client, &model, sizeof(model)));
	ck_assert_ptr_nonnull(testkit_call(client, &track, sizeof(track)));
	testkit_watch(client, on_quorum, &quorum_journals[node]);
}

static void send_message(uint32_t node)
{
	struct {
		struct cpg_req_mcast fixed;
		char text[8];
	} request = {.fixed = {.header = {.id = CPG_REQ_MCAST, .size = sizeof(request)}, .guarantee = 2, .msglen = 8},
		.text = "alone"};

	ck_assert_int_eq(testkit_send(cpg_clients[node], &request, sizeof(request)), 0);
}

/* --- the six steps --- */

static struct brake *brake_of(uint32_t node)
{
	struct brake *brake = testkit_self(kit, node, "pload");

	ck_assert_ptr_nonnull(brake);
	return brake;
}

struct moment {
	uint32_t starts;  /* number of rounds that each member of the ring has begun */
	uint32_t members; /* 2: nodes 1 and 2, 3: all nodes */
};

static int is_moment(void *arg)
{
	const struct moment *moment = arg;

	for (uint32_t node = 1; node <= NODES; node++) {
		bool is_apart = moment->members == 2 && node == 3;

		if (!is_apart && (testkit_members(kit, node, NULL, 0) != moment->members ||
					 brake_of(node)->starts != moment->starts))
			return 0;
	}
	return 1;
}

static void await_ring(uint32_t starts, uint32_t members)
{
	struct moment moment = {starts, members};

	ck_assert_int_eq(testkit_until(kit, STEP_MS, is_moment, &moment), 0);
	/* Time for the service lists of all members. After that the round waits for the brake. */
	testkit_run(kit, 20);
}

static int is_alone(void *arg)
{
	(void)arg;
	return testkit_members(kit, 3, NULL, 0) == 1 && testkit_is_synchronized(kit, 3);
}

static void set_up(void)
{
	kit = testkit_create(1, NODES);
	ck_assert_ptr_nonnull(kit);
	testkit_config(kit, "totem {\n token: 1000\n token_coefficient: 0\n}\n");
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, &pload_LTX_coterie_plugin, NULL), 0);
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, &cpg_LTX_coterie_plugin, NULL), 0);
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, &quorum_LTX_coterie_plugin, NULL), 0);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
	ck_assert_int_eq(testkit_settle(kit, 20000), 0);
	for (uint32_t node = 1; node <= NODES; node++) {
		connect_cpg(node);
		connect_quorum(node);
	}
	testkit_run(kit, 100);
	for (uint32_t node = 1; node <= NODES; node++) {
		cpg_journals[node] = quorum_journals[node] = (struct journal){""};
		*brake_of(node) = (struct brake){.is_on = node < 3};
	}
}

static void play(void)
{
	ck_assert_int_eq(testkit_part(kit, "1 2 | 3"), 0);
	await_ring(1, 2);
	ck_assert_int_eq(testkit_until(kit, STEP_MS, is_alone, NULL), 0);
	send_message(3);
	testkit_run(kit, 20);
	testkit_heal(kit);
	await_ring(2, 3);
	/* The ring loses its token. Its members form the next ring before the consensus timeout. */
	testkit_loss(kit, 10000, 0);
	testkit_run(kit, TOKEN_MS + 10);
	testkit_loss(kit, 0, 0);
	await_ring(3, 3);
}

static void assert_journals(uint32_t node, const char *cpg, const char *quorum)
{
	ck_assert_str_eq(cpg_journals[node].text, cpg);
	ck_assert_str_eq(quorum_journals[node].text, quorum);
}

START_TEST(clients_see_a_departure_after_which_two_rounds_were_aborted)
{
	set_up();
	play();
	for (uint32_t node = 1; node <= NODES; node++) {
		ck_assert_uint_eq(brake_of(node)->aborts, node < 3 ? 2 : 1);
		ck_assert_uint_eq(brake_of(node)->dones, node < 3 ? 0 : 1);
	}
	assert_journals(1, "", "");
	assert_journals(2, "", "");
	assert_journals(3, "[3 left 1 left 2](3)", "[3 left 1 left 2]");
	for (uint32_t node = 1; node <= NODES; node++)
		brake_of(node)->is_on = false;
	ck_assert_int_eq(testkit_settle(kit, 20000), 0);
	testkit_run(kit, 100);
	assert_journals(1, "[1 2 left 3][1 2 3 joined 3]", "[1 2 3 left 3 joined 3]");
	assert_journals(2, "[1 2 left 3][1 2 3 joined 3]", "[1 2 3 left 3 joined 3]");
	assert_journals(
		3, "[3 left 1 left 2](3)[1 2 3 joined 1 joined 2]", "[3 left 1 left 2][1 2 3 joined 1 joined 2]");
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("departure");
	TCase *tcase = tcase_create("clients");

	tcase_add_test(tcase, clients_see_a_departure_after_which_two_rounds_were_aborted);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The service kv in whole clusters: the daemon's own code in a simulated network, with faults. KV_SEED is the seed of
 * the first run, KV_SEEDS the number of runs.
 */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <coterie/testkit.h>

#include "plugins/kv/kv.h"
#include "tests/suite.h"
#include "tests/unit/plugins/kv/kv_history.h"

#define NODES 5u
#define WORKERS 10u
#define KEYS 6u

extern const struct coterie_plugin kv_LTX_coterie_plugin;

/* ---- The checker itself ---------------------------------------------------- */

#define P KV_HISTORY_PUT
#define D KV_HISTORY_DELETE
#define R KV_HISTORY_READ

/*
 * Histories of one key: a correct one, and wrong ones that the check must find. Each operation takes two of the times
 * 1, 2, 3 ….
 */
START_TEST(wrong_histories_are_found)
{
	static const struct {
		const char *name;
		struct {
			enum kv_history_kind kind;
			int32_t error;
			uint64_t revision, value, modified;
			int is_conditional;
			uint64_t expected;
		} list[4];
		uint32_t count, want;
	} rows[] = {
		{"right", {{P, 1, 1, 1, 0, 0, 0}, {R, 1, 1, 1, 1, 0, 0}, {D, 1, 2, 0, 0, 1, 1}, {R, 12, 2, 0, 0, 0, 0}},
			4, 0},
		{"an old value", {{P, 1, 1, 1, 0, 0, 0}, {P, 1, 2, 2, 0, 0, 0}, {R, 1, 2, 1, 1, 0, 0}}, 3, 1},
		{"an old place", {{P, 1, 1, 1, 0, 0, 0}, {P, 1, 2, 2, 0, 0, 0}, {R, 1, 1, 1, 1, 0, 0}}, 3, 1},
		{"writes against the time", {{P, 1, 2, 1, 0, 0, 0}, {P, 1, 1, 2, 0, 0, 0}}, 2, 1},
		{"one place twice", {{P, 1, 1, 1, 0, 0, 0}, {P, 1, 1, 2, 0, 0, 0}}, 2, 2},
		{"a lost write", {{P, 1, 1, 1, 0, 0, 0}, {R, 12, 1, 0, 0, 0, 0}}, 2, 1},
		{"a doubtful deletion", {{P, 1, 1, 1, 0, 0, 0}, {D, 16, 0, 0, 0, 0, 0}, {R, 12, 2, 0, 0, 0, 0}}, 3, 0},
		{"a refused value", {{P, 6, 0, 1, 0, 0, 0}, {R, 1, 1, 1, 1, 0, 0}}, 2, 1},
		{"a doubtful value", {{P, 16, 0, 1, 0, 0, 0}, {R, 1, 1, 1, 1, 0, 0}}, 2, 0},
		{"a value of nobody", {{R, 1, 1, 9, 1, 0, 0}}, 1, 1},
		{"a condition that did not hold", {{P, 1, 1, 1, 0, 0, 0}, {P, 1, 2, 2, 0, 0, 0}, {P, 1, 3, 3, 0, 1, 1}},
			3, 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kv_history history = {0};
		FILE *out = fopen("/dev/null", "w");

		for (uint32_t k = 0; k < rows[i].count; k++) {
			struct kv_operation operation = {
				.kind = rows[i].list[k].kind,
				.start_ns = 2 * k + 1,
				.end_ns = 2 * k + 2,
				.error = rows[i].list[k].error,
				.is_conditional = rows[i].list[k].is_conditional,
				.expected = rows[i].list[k].expected,
				.value = rows[i].list[k].value,
				.revision = rows[i].list[k].revision,
				.modified = rows[i].list[k].modified,
			};

			kv_history_begin(&history, &operation);
		}
		ck_assert_ptr_nonnull(out);
		ck_assert_msg(kv_history_check(&history, out) == rows[i].want, "%s", rows[i].name);
		fclose(out);
		kv_history_free(&history);
	}
}
END_TEST

/* ---- A quorum provider: more than half of the nodes ----------------------- */

struct majority {
	const struct coterie_host *host;
	struct coterie_ctx *ctx;
	struct coterie_ring_id ring;
	uint32_t members[NODES], count;
};

static int majority_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct majority *majority = calloc(1, sizeof(*majority));

	if (majority == NULL)
		return -ENOMEM;
	majority->host = host;
	majority->ctx = ctx;
	*self = majority;
	return 0;
}

static void majority_sync_start(
	void *self, const uint32_t *transitional, uint32_t count, const struct coterie_configuration *regular)
{
	struct majority *majority = self;

	(void)transitional, (void)count;
	majority->ring = regular->ring;
	majority->count = regular->member_count;
	memcpy(majority->members, regular->members, majority->count * sizeof(uint32_t));
}

static int majority_sync_step(void *self)
{
	(void)self;
	return 0;
}

static void majority_sync_done(void *self)
{
	struct majority *majority = self;
	struct coterie_quorum quorum = {
		.size = sizeof(quorum),
		.is_quorate = majority->count > NODES / 2,
		.ring = majority->ring,
		.members = majority->members,
		.member_count = majority->count,
	};

	majority->host->quorum_publish(majority->ctx, &quorum);
}

/* Two quorum providers: one synchronises before the service kv, the other one after it. */
#define MAJORITY(id, number) \
	static const struct coterie_service id##_ops = { \
		.size = sizeof(struct coterie_service), \
		.ring_id = number, \
		.title = "quorum of more than half", \
		.init = majority_init, \
		.fini = free, \
		.sync_start = majority_sync_start, \
		.sync_step = majority_sync_step, \
		.sync_done = majority_sync_done, \
	}; \
	COTERIE_PLUGIN(id, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "quorum of more than half", \
		.needs = COTERIE_CAP_SYNC | COTERIE_CAP_QUORUM, .offers = COTERIE_CAN_QUORUM, .ops = &id##_ops);

MAJORITY(early, 32)
MAJORITY(late, 50)

/* ---- Clients -------------------------------------------------------------- */

struct run;

struct worker {
	struct run *run;
	uint32_t node;
	struct testkit_client *client;
	uint32_t operation; /* operation that waits for an answer, if is_waiting */
	int is_waiting;
	uint64_t last_seen[KEYS]; /* last known revision, by key */
};

struct run {
	struct testkit *kit;
	uint64_t seed;
	struct kv_history history;
	struct worker workers[WORKERS];
	uint64_t last_value;
	uint32_t answered;
	uint32_t versions[NODES]; /* index of plugin_files that the node runs */
	uint32_t replacements, unloads;
};

/* Paths of two copies of the plugin's file, or NULL if the plugin is linked in. */
static char *plugin_files[2];

static void on_message(
	void *arg, struct testkit_client *client, int is_event, const struct coterie_response_header *message)
{
	struct worker *worker = arg;
	struct kv_operation *operation = &worker->run->history.list[worker->operation];

	(void)client;
	if (is_event || !worker->is_waiting)
		return;
	worker->is_waiting = 0;
	operation->end_ns = testkit_now_ns(worker->run->kit);
	operation->error = message->error;
	worker->run->answered += message->error == KV_HISTORY_OK;
	if (operation->kind == KV_HISTORY_READ && message->size >= (int32_t)sizeof(struct kv_res_get)) {
		const struct kv_res_get *response = (const void *)message;

		operation->revision = response->revision;
		operation->modified = response->modified;
		if (message->error == KV_HISTORY_OK)
			memcpy(&operation->value, response->bytes, sizeof(operation->value));
		worker->last_seen[operation->key] = response->modified;
	} else if (message->size >= (int32_t)sizeof(struct kv_res_write)) {
		operation->revision = ((const struct kv_res_write *)(const void *)message)->revision;
		if (message->error == KV_HISTORY_OK)
			worker->last_seen[operation->key] = operation->kind == KV_HISTORY_PUT ? operation->revision : 0;
	}
}

struct request {
	union {
		struct coterie_request_header header;
		struct kv_req_write write;
		struct kv_req_get get;
	};
	uint8_t room[4096];
};

static uint32_t key_text(char *text, uint32_t key) { return (uint32_t)snprintf(text, 16, "key%u", key); }

static uint32_t fill_write(struct request *request, const struct kv_operation *operation, uint32_t value_size)
{
	char key[16];
	uint32_t key_size = key_text(key, operation->key);
	uint8_t *bytes = (uint8_t *)request + sizeof(struct kv_req_write);

	request->header.id = operation->kind == KV_HISTORY_PUT ? KV_REQ_PUT : KV_REQ_DELETE;
	request->write.flags = operation->is_conditional ? KV_CONDITIONAL : 0;
	request->write.expected = operation->expected;
	request->write.key_size = key_size;
	request->write.value_size = operation->kind == KV_HISTORY_PUT ? value_size : 0;
	memcpy(bytes, key, key_size);
	memcpy(bytes + key_size, &operation->value, sizeof(operation->value));
	return (uint32_t)sizeof(struct kv_req_write) + key_size + request->write.value_size;
}

static uint32_t fill_read(struct request *request, const struct kv_operation *operation)
{
	char key[16];
	uint32_t key_size = key_text(key, operation->key);

	request->header.id = KV_REQ_GET_ORDERED;
	request->get.key_size = key_size;
	memcpy((uint8_t *)request + sizeof(struct kv_req_get), key, key_size);
	return (uint32_t)sizeof(struct kv_req_get) + key_size;
}

static void ask(struct worker *worker)
{
	struct run *run = worker->run;
	struct request request;
	uint64_t dice = testkit_random(run->kit, 100);
	struct kv_operation operation = {
		.kind = dice < 40   ? KV_HISTORY_READ
			: dice < 88 ? KV_HISTORY_PUT
				    : KV_HISTORY_DELETE,
		.key = (uint32_t)testkit_random(run->kit, KEYS),
		.start_ns = testkit_now_ns(run->kit),
		.end_ns = UINT64_MAX,
	};
	uint32_t size;

	memset(&request, 0, sizeof(request));
	if (operation.kind == KV_HISTORY_READ) {
		size = fill_read(&request, &operation);
	} else {
		operation.is_conditional = testkit_random(run->kit, 4) == 0;
		operation.expected = operation.is_conditional ? worker->last_seen[operation.key] : 0;
		operation.value = operation.kind == KV_HISTORY_PUT ? ++run->last_value : 0;
		size = fill_write(&request, &operation, 8 + (uint32_t)testkit_random(run->kit, 3000));
	}
	request.header.size = (int32_t)size;
	worker->operation = kv_history_begin(&run->history, &operation);
	worker->is_waiting = 1;
	if (testkit_send(worker->client, &request, size) < 0)
		worker->is_waiting = 0; /* no answer will arrive: the operation may have been done */
}

static void work(struct worker *worker)
{
	struct run *run = worker->run;

	if (worker->client != NULL && !testkit_is_connected(worker->client)) {
		testkit_disconnect(worker->client);
		worker->client = NULL;
		worker->is_waiting = 0;
	}
	if (worker->client == NULL) {
		if (testkit_connect(run->kit, worker->node, "kv", &worker->client) < 0) {
			worker->client = NULL;
			return;
		}
		testkit_watch(worker->client, on_message, worker);
	}
	if (!worker->is_waiting)
		ask(worker);
}

static void work_for(struct run *run, uint32_t ms)
{
	for (uint32_t i = 0; i < ms; i += 2) {
		for (uint32_t k = 0; k < WORKERS; k++)
			work(&run->workers[k]);
		testkit_run(run->kit, 2);
	}
}

/* ---- Clusters ------------------------------------------------------------- */

static const char *const plugin_options[] = {"transfer_rate=256K", NULL};

static void run_start(struct run *run, uint64_t seed, const struct coterie_plugin *provider)
{
	const char *const *options = plugin_options;
	char config[64];

	memset(run, 0, sizeof(*run));
	run->seed = seed;
	run->kit = testkit_create(seed, NODES);
	ck_assert_ptr_nonnull(run->kit);
	if (getenv("KV_LOG") != NULL)
		testkit_log(run->kit, stderr, atoi(getenv("KV_LOG")));
	if (provider != NULL) {
		snprintf(config, sizeof(config), "quorum {\n\tprovider: %s\n}\n", provider->name);
		testkit_config(run->kit, config);
		ck_assert_int_eq(testkit_load(run->kit, TESTKIT_ALL, provider, NULL), 0);
	}
	if (plugin_files[0] != NULL)
		ck_assert_int_eq(testkit_load_file(run->kit, TESTKIT_ALL, plugin_files[0], options), 0);
	else
		ck_assert_int_eq(testkit_load(run->kit, TESTKIT_ALL, &kv_LTX_coterie_plugin, options), 0);
	ck_assert_msg(testkit_start(run->kit, TESTKIT_ALL) == 0, "%s", testkit_error(run->kit));
	ck_assert_int_eq(testkit_settle(run->kit, 10000), 0);
	for (uint32_t i = 0; i < WORKERS; i++)
		run->workers[i] = (struct worker){.run = run, .node = i % NODES + 1};
}

static struct kv *kv_of(const struct run *run, uint32_t node) { return testkit_self(run->kit, node, "kv"); }

static int all_are_whole(void *arg)
{
	const struct run *run = arg;

	for (uint32_t i = 1; i <= NODES; i++) {
		const struct kv *kv = kv_of(run, i);

		if (kv == NULL || !kv->has_state || !kv->is_serving || kv->donor != 0)
			return 0;
	}
	return 1;
}

/* Return whether all requests are answered. A paused node answers only after its pause. */
static int all_are_answered(void *arg)
{
	const struct run *run = arg;

	for (uint32_t i = 0; i < WORKERS; i++) {
		const struct worker *worker = &run->workers[i];

		if (worker->is_waiting && worker->client != NULL && testkit_is_connected(worker->client))
			return 0;
	}
	return 1;
}

static int all_are_equal(void *arg)
{
	for (uint32_t i = 2; i <= NODES; i++) {
		if (!kv_state_equals(&kv_of(arg, 1)->state, &kv_of(arg, i)->state))
			return 0;
	}
	return all_are_whole(arg);
}

static void check_equal(const struct run *run, uint32_t one, uint32_t other)
{
	const struct kv *a = kv_of(run, one), *b = kv_of(run, other);
	const struct kv_entry *x = a->store.heads[0], *y = b->store.heads[0];

	ck_assert_msg(kv_state_equals(&a->state, &b->state),
		"seed %" PRIu64 ": node %u is at %" PRIu64 " of %" PRIu64 ", node %u at %" PRIu64 " of %" PRIu64,
		run->seed, one, a->state.revision, a->state.epoch.seq, other, b->state.revision, b->state.epoch.seq);
	ck_assert_uint_eq(a->store.keys, b->store.keys);
	ck_assert_uint_eq(a->store.bytes, b->store.bytes);
	for (; x != NULL && y != NULL; x = x->next[0], y = y->next[0]) {
		ck_assert_uint_eq(x->key_size, y->key_size);
		ck_assert_mem_eq(x->key, y->key, x->key_size);
		ck_assert_uint_eq(x->modified, y->modified);
		ck_assert_uint_eq(x->created, y->created);
		ck_assert_uint_eq(x->value_size, y->value_size);
		ck_assert_mem_eq(x->value, y->value, x->value_size);
	}
	ck_assert(x == NULL && y == NULL);
}

/*
 * Return whether a node has logged that the table, or its newest state, was lost. This happens if all nodes of a ring
 * crash at about the same time.
 */
static int has_forgotten(const struct run *run)
{
	return testkit_has_logged(run->kit, TESTKIT_ALL, "it is empty now") ||
	       testkit_has_logged(run->kit, TESTKIT_ALL, "an older one goes on");
}

static void run_end(struct run *run, int is_linearizable)
{
	ck_assert_int_eq(testkit_calm(run->kit), 0);
	ck_assert_msg(testkit_until(run->kit, 60000, all_are_whole, run) == 0,
		"seed %" PRIu64 ": not all nodes come to have the table", run->seed);
	work_for(run, 300);
	ck_assert_msg(testkit_until(run->kit, 30000, all_are_answered, run) == 0,
		"seed %" PRIu64 ": a request is not answered", run->seed);
	for (uint32_t i = 0; i < WORKERS; i++)
		testkit_disconnect(run->workers[i].client);
	testkit_run(run->kit, 1000);
	testkit_until(run->kit, 30000, all_are_equal, run);
	for (uint32_t i = 2; i <= NODES; i++)
		check_equal(run, 1, i);
	if (is_linearizable && !has_forgotten(run))
		ck_assert_msg(kv_history_check(&run->history, stdout) == 0,
			"seed %" PRIu64 ": the history has no order", run->seed);
	ck_assert_uint_gt(run->answered, 100);
	ck_assert_uint_eq(testkit_destroy(run->kit), 0);
	kv_history_free(&run->history);
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	return getenv(name) != NULL ? strtoull(getenv(name), NULL, 10) : otherwise;
}

static void chaos(uint64_t seed, uint32_t faults, const struct coterie_plugin *provider)
{
	struct run run;

	run_start(&run, seed, provider);
	work_for(&run, 500);
	testkit_chaos(run.kit, faults, 600);
	work_for(&run, (uint32_t)number_of("KV_MS", 3000));
	run_end(&run, provider != NULL);
}

#define CHAOS(name, faults, provider) \
	START_TEST(name) \
	{ \
		uint64_t first = number_of("KV_SEED", 1), count = number_of("KV_SEEDS", 1); \
\
		for (uint64_t seed = first; seed < first + count; seed++) \
			chaos(seed, faults, provider); \
	} \
	END_TEST

CHAOS(nothing_goes_wrong, 0, &early_LTX_coterie_plugin)
CHAOS(partitions_and_merges, TESTKIT_PART, &early_LTX_coterie_plugin)
CHAOS(crashes, TESTKIT_CRASH, &early_LTX_coterie_plugin)
CHAOS(everything, TESTKIT_CHAOS, &early_LTX_coterie_plugin)
CHAOS(a_provider_that_synchronises_later, TESTKIT_CHAOS, &late_LTX_coterie_plugin)
CHAOS(no_provider, TESTKIT_CHAOS, NULL)

/* Let a node crash after its first effect, after its second one, and so on. */
START_TEST(crash_at_each_point)
{
	uint32_t points = (uint32_t)number_of("KV_POINTS", 30);
	struct run run;

	for (uint32_t i = 0; i < points; i++) {
		uint32_t node = 1 + i % NODES;

		run_start(&run, number_of("KV_SEED", 1) + i, &early_LTX_coterie_plugin);
		work_for(&run, 50);
		ck_assert_int_eq(testkit_crash_after(run.kit, node, i), 0);
		work_for(&run, 200);
		ck_assert_msg(!testkit_is_up(run.kit, node), "point %u", i);
		ck_assert_int_eq(testkit_start(run.kit, node), 0);
		work_for(&run, 200);
		run_end(&run, 1);
	}
}
END_TEST

/* ---- Other versions of the plugin, while it is used ------------------------- */

/* Copy the plugin's file. @return its path, caller frees; NULL: the plugin is linked in */
static char *copy_plugin(const char *folder)
{
	char command[2600], path[1100];

	snprintf(path, sizeof(path), "%s/kv.so", folder);
	snprintf(command, sizeof(command), "mkdir '%s' && cp " KV_PLUGIN_DIR "/kv.so '%s'", folder, path);
	return access(KV_PLUGIN_DIR "/kv.so", R_OK) == 0 && system(command) == 0 ? strdup(path) : NULL;
}

/* Replace a node's plugin, or unload it for a while. */
static void change_plugin(struct run *run, uint32_t node)
{
	uint32_t *version = &run->versions[node - 1];

	if (testkit_random(run->kit, 4) > 0) {
		int rc = testkit_replace_file(run->kit, node, plugin_files[1 - *version]);

		run->replacements += rc == 0;
		if (rc == 0 || rc == -EALREADY)
			*version = 1 - *version;
	} else if (testkit_unload(run->kit, node, "kv") == 0) {
		run->unloads++;
		work_for(run, (uint32_t)testkit_random(run->kit, 400));
		int rc = testkit_load_file(run->kit, node, plugin_files[*version], plugin_options);

		ck_assert_msg(rc == 0 || rc == -ESRCH, "seed %" PRIu64 ": %s", run->seed, testkit_error(run->kit));
	}
}

static void replace_in_chaos(uint64_t seed, uint32_t faults)
{
	struct run run;

	run_start(&run, seed, &early_LTX_coterie_plugin);
	work_for(&run, 500);
	testkit_chaos(run.kit, faults, 600);
	for (uint64_t i = 0; i < number_of("KV_MS", 3000) / 50; i++) {
		work_for(&run, (uint32_t)testkit_random(run.kit, 100));
		change_plugin(&run, 1 + (uint32_t)testkit_random(run.kit, NODES));
	}
	ck_assert_uint_gt(run.replacements, 5);
	ck_assert_uint_gt(run.unloads, 2);
	run_end(&run, 1);
}

START_TEST(replaced_and_unloaded)
{
	uint64_t first = number_of("KV_SEED", 1), count = number_of("KV_SEEDS", 1);
	const char *parent = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
	char folder[900], path[1000];

	snprintf(folder, sizeof(folder), "%s/kv-XXXXXX", parent);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%d", folder, i);
		plugin_files[i] = copy_plugin(path);
	}
	for (uint64_t seed = first; seed < first + count && plugin_files[1] != NULL; seed++)
		replace_in_chaos(seed, _i == 0 ? 0 : TESTKIT_CHAOS);
	for (int i = 0; i < 2; i++) {
		if (plugin_files[i] != NULL)
			unlink(plugin_files[i]);
		free(plugin_files[i]);
		plugin_files[i] = NULL;
		snprintf(path, sizeof(path), "%s/%d", folder, i);
		rmdir(path);
	}
	rmdir(folder);
}
END_TEST

/* A restarted node receives a table of KV_MEGABYTES while writes go on, and the donor crashes. */
START_TEST(joins_with_a_large_table)
{
	uint64_t count = 2 * number_of("KV_MEGABYTES", 2);
	uint32_t size = (uint32_t)sizeof(struct kv_req_write) + 8 + 500000;
	struct kv_req_write *request = calloc(1, size);
	struct testkit_client *client;
	struct run run;

	run_start(&run, number_of("KV_SEED", 1), &early_LTX_coterie_plugin);
	ck_assert_int_eq(testkit_option(run.kit, TESTKIT_ALL, "kv", "transfer_rate", "16M"), 0);
	ck_assert_int_eq(testkit_connect(run.kit, 1, "kv", &client), 0);
	request->header = (struct coterie_request_header){.id = KV_REQ_PUT, .size = (int32_t)size};
	request->key_size = 8;
	request->value_size = 500000;
	for (uint64_t i = 0; i < count; i++) {
		uint8_t *bytes = (uint8_t *)request + sizeof(*request);

		memcpy(bytes, &i, sizeof(i));
		memset(bytes + sizeof(i), (int)i, 500000);

		const struct coterie_response_header *reply = testkit_call(client, request, size);

		ck_assert_ptr_nonnull(reply);
		ck_assert_int_eq(reply->error, KV_HISTORY_OK);
	}
	testkit_disconnect(client);
	free(request);
	ck_assert_int_eq(testkit_crash(run.kit, 5), 0);
	work_for(&run, 1000);
	ck_assert_int_eq(testkit_start(run.kit, 5), 0);
	work_for(&run, 100);

	uint32_t donor = kv_of(&run, 2)->donor;

	ck_assert(!kv_of(&run, 5)->has_state);
	if (donor != 0) {
		ck_assert_int_eq(testkit_crash(run.kit, donor), 0);
		work_for(&run, 1000);
		ck_assert_int_eq(testkit_start(run.kit, donor), 0);
	}
	work_for(&run, 1000);
	run_end(&run, 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("kv_cluster");
	TCase *tcase = tcase_create("clusters");

	tcase_set_timeout(tcase, (double)number_of("KV_TIMEOUT", 120));
	tcase_add_test(tcase, wrong_histories_are_found);
	tcase_add_test(tcase, nothing_goes_wrong);
	tcase_add_test(tcase, partitions_and_merges);
	tcase_add_test(tcase, crashes);
	tcase_add_test(tcase, everything);
	tcase_add_test(tcase, a_provider_that_synchronises_later);
	tcase_add_test(tcase, no_provider);
	tcase_add_test(tcase, crash_at_each_point);
	tcase_add_loop_test(tcase, replaced_and_unloaded, 0, 2);
	tcase_add_test(tcase, joins_with_a_large_table);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void) { return suite_run(suite()); }

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients of the service kv on real daemons. Each records its requests, the answers, and the time of both:
 *
 *	kv_load ID STOP RECORD   run one client, 0 <= ID < 64, until the file STOP exists. It connects again when the
 *	                         connection is lost
 *	kv_load check RECORD...  check that one table could have given all recorded answers. The clients' clocks must
 *	                         be the same
 */
#include <stdbool.h>
#include <unistd.h>

#include <coterie/kv.h>

#include "tests/cluster/client.h"
#include "tests/unit/plugins/kv/kv_history.h"

#define CLIENTS_MAX 64u
#define KEYS 6u
#define PAUSE_MS 5u
#define THINK_MS 2u

struct load {
	uint64_t id, turn;
	FILE *record;
	coterie_kv_handle_t handle;
	bool is_connected;
	uint64_t last_seen[KEYS]; /* by key: last revision that this client has seen */
	unsigned int random;
};

/* ---- Asking -------------------------------------------------------------- */

/*
 * Note an entry of the answer. A list request for the one key also returns its place in the order, which a plain read
 * does not.
 */
static int on_entry(void *arg, const struct coterie_kv_entry *entry)
{
	struct kv_operation *operation = arg;

	operation->error = CS_OK;
	operation->modified = entry->modified;
	if (entry->value_size == sizeof(operation->value))
		memcpy(&operation->value, entry->value, sizeof(operation->value));
	return 0;
}

static cs_error_t perform(struct load *load, struct kv_operation *operation)
{
	uint64_t expected = operation->expected;
	char key[32];
	size_t size = (size_t)snprintf(key, sizeof(key), "load/%u", operation->key);
	cs_error_t rc;

	switch (operation->kind) {
	case KV_HISTORY_PUT:
		if (operation->is_conditional)
			return coterie_kv_put_if(load->handle, key, size, &operation->value, sizeof(operation->value),
				expected, &operation->revision);
		return coterie_kv_put(
			load->handle, key, size, &operation->value, sizeof(operation->value), &operation->revision);
	case KV_HISTORY_DELETE:
		return coterie_kv_delete(load->handle, key, size, &operation->revision);
	default:
		operation->error = CS_ERR_NOT_EXIST;
		rc = coterie_kv_list(
			load->handle, COTERIE_KV_LINEARIZABLE, key, size, on_entry, operation, &operation->revision);
		return rc == CS_OK ? (cs_error_t)operation->error : rc;
	}
}

static void write_down(struct load *load, const struct kv_operation *operation)
{
	fprintf(load->record, "%d %u %llu %llu %d %d %llu %llu %llu %llu\n", (int)operation->kind, operation->key,
		(unsigned long long)operation->start_ns, (unsigned long long)operation->end_ns, operation->error,
		operation->is_conditional, (unsigned long long)operation->expected,
		(unsigned long long)operation->value, (unsigned long long)operation->revision,
		(unsigned long long)operation->modified);
}

static unsigned int dice(struct load *load, unsigned int end) { return (unsigned int)rand_r(&load->random) % end; }

static void ask(struct load *load)
{
	unsigned int kind = dice(load, 100);
	struct kv_operation operation = {
		.kind = kind < 40   ? KV_HISTORY_READ
			: kind < 90 ? KV_HISTORY_PUT
				    : KV_HISTORY_DELETE,
		.key = dice(load, KEYS),
		.start_ns = client_now_ns(),
	};

	if (operation.kind == KV_HISTORY_PUT) {
		operation.value = load->turn++ * CLIENTS_MAX + load->id;
		operation.is_conditional = dice(load, 4) == 0;
		operation.expected = operation.is_conditional ? load->last_seen[operation.key] : 0;
	}

	cs_error_t rc = perform(load, &operation);

	operation.error = (int32_t)rc;
	operation.end_ns = client_now_ns();
	if (rc == CS_ERR_LIBRARY || rc == CS_ERR_BAD_HANDLE) {
		operation.error = KV_HISTORY_UNKNOWN;
		operation.end_ns = UINT64_MAX;
		coterie_kv_finalize(load->handle);
		load->is_connected = false;
	} else if (rc == CS_OK) {
		load->last_seen[operation.key] = operation.kind == KV_HISTORY_READ  ? operation.modified
						 : operation.kind == KV_HISTORY_PUT ? operation.revision
										    : 0;
	}
	write_down(load, &operation);
	client_sleep_ms(rc == CS_OK || rc == CS_ERR_NOT_EXIST ? THINK_MS : PAUSE_MS);
}

static int run(const char *id, const char *stop, const char *path)
{
	struct load load = {.id = strtoull(id, NULL, 10), .turn = 1, .record = fopen(path, "w")};

	load.random = (unsigned int)load.id;
	if (load.record == NULL || load.id >= CLIENTS_MAX) {
		perror(path);
		return 1;
	}
	while (access(stop, F_OK) < 0) {
		if (!load.is_connected) {
			load.is_connected = coterie_kv_initialize(&load.handle, NULL, NULL) == CS_OK;
			if (!load.is_connected)
				client_sleep_ms(PAUSE_MS);
		} else {
			ask(&load);
		}
	}
	return fclose(load.record) == 0 ? 0 : 1;
}

/* ---- Checking ------------------------------------------------------------ */

static bool read_record(struct kv_history *history, const char *path)
{
	FILE *record = fopen(path, "r");
	unsigned long long start, end, expected, value, revision, modified;
	unsigned int kind, key;
	int error, is_conditional, got = 10;

	while (record != NULL && got == 10) {
		got = fscanf(record, "%u %u %llu %llu %d %d %llu %llu %llu %llu", &kind, &key, &start, &end, &error,
			&is_conditional, &expected, &value, &revision, &modified);
		if (got != 10 || kind > KV_HISTORY_READ)
			break;

		struct kv_operation operation = {.kind = (enum kv_history_kind)kind,
			.key = key,
			.start_ns = start,
			.end_ns = end,
			.error = error,
			.is_conditional = is_conditional,
			.expected = expected,
			.value = value,
			.revision = revision,
			.modified = modified};

		kv_history_begin(history, &operation);
	}
	if (record == NULL)
		return false;
	fclose(record);
	return got == EOF;
}

static int check(int count, char **paths)
{
	struct kv_history history = {0};
	uint32_t done = 0, doubtful = 0, wrong;

	for (int i = 0; i < count; i++) {
		if (!read_record(&history, paths[i])) {
			fprintf(stderr, "%s: cannot be read to its end\n", paths[i]);
			return 1;
		}
	}
	for (uint32_t i = 0; i < history.count; i++) {
		int32_t error = history.list[i].error;

		done += error == KV_HISTORY_OK || error == KV_HISTORY_NOT_EXIST;
		doubtful += error == KV_HISTORY_UNKNOWN || error == KV_HISTORY_INTERRUPT;
	}
	wrong = kv_history_check(&history, stdout);
	printf("%u operations, %u done, %u in doubt, %u wrong\n", history.count, done, doubtful, wrong);
	kv_history_free(&history);
	return wrong == 0 && done > 100 ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "check") == 0)
		return check(argc - 2, argv + 2);
	if (argc == 4)
		return run(argv[1], argv[2], argv[3]);
	fprintf(stderr, "kv_load ID STOP RECORD, or kv_load check RECORD...\n");
	return 2;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients, added up by service. The daemon may keep an account of a service with the counters of former clients.
 * Without such an account the sums decrease when a client disconnects.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/common/metrics/writer.h"

#define ROWS_MAX 4096u /* further clients are left out */
#define SERVICES 64u

enum sum {
	SUM_CONNECTIONS,
	SUM_REQUESTS,
	SUM_RESPONSES,
	SUM_EVENTS,
	SUM_OVERLOAD,
	SUM_INVALID,
	SUM_QUEUED,
	SUM_FLOW,
	SUMS,
};

static const struct {
	const char *key, *family;
	enum metric_type type;
	const char *help;
} sums[SUMS] = {
	[SUM_CONNECTIONS] = {NULL, "coterie_ipc_connections", METRIC_GAUGE, "Clients connected."},
	[SUM_REQUESTS] = {"requests", "coterie_ipc_requests", METRIC_COUNTER, "Requests of clients."},
	[SUM_RESPONSES] = {"responses", "coterie_ipc_responses", METRIC_COUNTER, "Answers to clients."},
	[SUM_EVENTS] = {"dispatched", "coterie_ipc_events", METRIC_COUNTER, "Events sent to clients."},
	[SUM_OVERLOAD] = {"overload", "coterie_ipc_overload", METRIC_COUNTER, "Requests refused with \"try again\"."},
	[SUM_INVALID] = {"invalid_request", "coterie_ipc_invalid", METRIC_COUNTER, "Requests that were malformed."},
	[SUM_QUEUED] = {"queued", "coterie_ipc_queued", METRIC_GAUGE, "Events that wait for clients to read."},
	[SUM_FLOW] = {"flow_control", "coterie_flow_control_active", METRIC_GAUGE,
		"Clients that are held back at present."},
};

/* The counters of a service, or of one process that is its client. */
struct row {
	uint32_t service;
	uint32_t pid; /* 0: the sum of all clients */
	char program[32];
	double values[SUMS];
};

struct account {
	struct writer *writer;
	struct row *rows;
	uint32_t count;
	char last[COTERIE_MAP_NAME_MAX + 1]; /* the last connection found, as in its keys */
	char names[SERVICES][64];            /* names of the services, "" for a number without a service */
};

static struct row *row_of(struct account *account, uint32_t service, uint32_t pid)
{
	for (uint32_t i = 0; i < account->count; i++)
		if (account->rows[i].service == service && account->rows[i].pid == pid)
			return &account->rows[i];
	if (account->count == ROWS_MAX)
		return NULL;
	if ((account->count & (account->count - 1)) == 0) {
		size_t capacity = account->count == 0 ? 1 : 2 * (size_t)account->count;
		struct row *rows = reallocarray(account->rows, capacity, sizeof(*rows));

		if (rows == NULL) {
			account->writer->text->error = -ENOMEM;
			return NULL;
		}
		account->rows = rows;
	}
	account->rows[account->count] = (struct row){.service = service, .pid = pid};
	return &account->rows[account->count++];
}

/* Add the connection of a key stats.ipcs.serviceSERVICE.PID.ADDRESS.… */
static bool see_connection(void *arg, const char *key)
{
	struct account *account = arg;
	const char *dot = strrchr(key, '.');
	struct writer *writer = account->writer;
	uint32_t service, pid;
	double number;
	int length = dot != NULL ? (int)(dot - key) : 0;

	if (sscanf(key, "stats.ipcs.service%" SCNu32 ".%" SCNu32 ".", &service, &pid) != 2 || service >= SERVICES ||
		(strncmp(account->last, key, (size_t)length) == 0 && account->last[length] == '\0'))
		return true;
	snprintf(account->last, sizeof(account->last), "%.*s", length, key);
	bool is_per_client = writer->options->is_per_client;
	struct row *row = row_of(account, service, is_per_client ? pid : 0);
	if (row == NULL)
		return writer->text->error == 0;
	char program[METRICS_VALUE_MAX];
	if (is_per_client && source_text(writer, COTERIE_MAP_STATS, program, "%s.procname", account->last))
		snprintf(row->program, sizeof(row->program), "%.31s", program);
	row->values[SUM_CONNECTIONS]++;
	for (uint32_t i = SUM_REQUESTS; i < SUMS; i++)
		if (source_number_f(writer, COTERIE_MAP_STATS, &number, "%s.%s", account->last, sums[i].key))
			row->values[i] += number;
	return true;
}

/* Read runtime.services.NAME.service_id, and the service's account of its former clients. */
static bool see_service(void *arg, const char *key)
{
	struct account *account = arg;
	struct writer *writer = account->writer;
	const char *dot = strrchr(key, '.');
	char name[64];
	double id, number;

	if (dot == NULL || strcmp(dot, ".service_id") != 0 || sscanf(key, "runtime.services.%63[^.].", name) != 1 ||
		!source_number(writer, COTERIE_MAP_CONFIG, key, &id) || id < 0 || id >= SERVICES)
		return true;
	snprintf(account->names[(uint32_t)id], sizeof(account->names[0]), "%s", name);
	struct row *row = NULL;
	for (uint32_t i = SUM_REQUESTS; i < SUMS; i++) {
		if (!source_number_f(writer, COTERIE_MAP_STATS, &number, "stats.coterie.ipc.%s.%s", name, sums[i].key))
			continue;
		if (row == NULL)
			row = row_of(account, (uint32_t)id, 0);
		if (row != NULL)
			row->values[i] += number;
	}
	return writer->text->error == 0;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->service != y->service)
		return x->service < y->service ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static void write_sum(struct account *account, enum sum sum)
{
	struct writer *writer = account->writer;

	writer_family(writer, sums[sum].type, sums[sum].family, sums[sum].help);
	for (uint32_t i = 0; i < account->count; i++) {
		const struct row *row = &account->rows[i];
		char number[12], pid[12];
		const char *service = account->names[row->service];

		snprintf(number, sizeof(number), "%" PRIu32, row->service);
		snprintf(pid, sizeof(pid), "%" PRIu32, row->pid);
		if (*service == '\0')
			service = number;
		if (row->pid != 0)
			writer_sample(writer, LABELS("service", service, "pid", pid, "program", row->program),
				row->values[sum]);
		else
			writer_sample(writer, LABELS("service", service), row->values[sum]);
	}
}

void metrics_write_clients(struct writer *writer)
{
	const struct metrics_source *source = writer->source;
	struct account *account = calloc(1, sizeof(*account));
	double number;

	if (account == NULL) {
		writer->text->error = -ENOMEM;
		return;
	}
	account->writer = writer;
	source->each(source->arg, COTERIE_MAP_CONFIG, "runtime.services.", see_service, account);
	source->each(source->arg, COTERIE_MAP_STATS, "stats.ipcs.service", see_connection, account);
	if (account->count > 0)
		qsort(account->rows, account->count, sizeof(*account->rows), compare_rows);
	for (uint32_t sum = 0; sum < SUMS; sum++)
		write_sum(account, sum);
	writer_family(writer, METRIC_COUNTER, "coterie_ipc_connections_closed", "Clients that have gone.");
	if (source_number(writer, COTERIE_MAP_STATS, "stats.ipcs.global.closed", &number))
		writer_sample(writer, NULL, number);
	writer_family(writer, METRIC_COUNTER, "coterie_ipc_denied", "Clients that were not let in.");
	if (source_number(writer, COTERIE_MAP_STATS, "stats.coterie.ipc.denied", &number))
		writer_sample(writer, NULL, number);
	writer_family(writer, METRIC_COUNTER, "coterie_ipc_refused", "Requests that clients had no right to.");
	if (source_number(writer, COTERIE_MAP_STATS, "stats.coterie.ipc.refused", &number))
		writer_sample(writer, NULL, number);
	free(account->rows);
	free(account);
}

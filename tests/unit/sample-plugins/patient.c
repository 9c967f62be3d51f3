/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/sample-plugins/patient.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CS_OK 1

struct patient {
	const struct coterie_host *host;
	struct coterie_ctx *ctx;
	struct patient_counts counts;
	uint32_t size; /* size of the messages to be sent */
};

struct wait_message {
	struct coterie_ring_header header;
	uint64_t token;
	uint32_t how, pad;
};

static const uint32_t *words_of(const void *msg) { return (const void *)((const uint8_t *)msg + 16); }

/* --- sending --- */

static void push(struct patient *patient)
{
	void *bytes = calloc(1, patient->size);
	struct iovec iov = {bytes, patient->size};

	while (patient->counts.left > 0 && patient->host->ring_send(patient->ctx, 0, COTERIE_AGREED, &iov, 1) == 0)
		patient->counts.left--;
	if (patient->counts.left > 0)
		patient->counts.refused++;
	free(bytes);
}

static int handle_push(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct patient *patient = self;

	(void)client, (void)size;
	patient->counts.left += words_of(msg)[0];
	patient->size = words_of(msg)[1];
	push(patient);
	return 0;
}

static void patient_writable(void *self, struct coterie_client *client)
{
	struct patient *patient = self;

	if (client != NULL) {
		patient->counts.readers++;
		return;
	}
	patient->counts.writable++;
	push(patient);
}

/* Send a message when a client leaves, as services do to free its resources. */
static void patient_leave(void *self, struct coterie_client *client)
{
	struct patient *patient = self;

	(void)client;
	if (patient->counts.left > 0)
		push(patient);
}

static void deliver(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	(void)nodeid, (void)msg, (void)size;
	((struct patient *)self)->counts.delivered++;
}

/* --- answers that come later --- */

static void gone(void *arg, uint64_t token, uint32_t reason)
{
	struct patient *patient = arg;

	if (patient->host->reply_finish(patient->ctx, token, CS_OK, NULL, 0) != -ENOENT)
		abort(); /* the token is invalid here already */
	if (reason == COTERIE_REPLY_TIMEOUT)
		patient->counts.timeouts++;
	else
		patient->counts.leavers++;
}

static int finish(struct patient *patient, uint64_t token)
{
	struct iovec iov = {&token, sizeof(token)};

	return patient->host->reply_finish(patient->ctx, token, CS_OK, &iov, 1);
}

static int handle_wait(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct patient *patient = self;
	struct wait_message wait = {.how = words_of(msg)[1]};
	struct iovec iov = {&wait.token, sizeof(wait) - sizeof(wait.header)};
	uint64_t other;
	int rc = patient->host->reply_later(client, words_of(msg)[0], gone, patient, &wait.token);

	(void)size;
	if (rc < 0)
		return rc;
	if (patient->host->reply_later(client, 0, NULL, NULL, &other) != -EALREADY)
		return -EIO;
	if (wait.how == PATIENT_DECLINED)
		return -EBUSY;
	if (wait.how == PATIENT_AT_ONCE)
		finish(patient, wait.token);
	if (wait.how == PATIENT_AT_ONCE || wait.how == PATIENT_NEVER)
		return COTERIE_LATER;
	rc = patient->host->ring_send(patient->ctx, 1, COTERIE_SAFE, &iov, 1);
	return rc < 0 ? rc : COTERIE_LATER;
}

static void deliver_wait(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct patient *patient = self;
	const struct wait_message *wait = msg;

	(void)size;
	if (nodeid != patient->host->local_nodeid(patient->ctx))
		return;
	finish(patient, wait->token);
	if (wait->how == PATIENT_TWICE)
		patient->counts.second_rc = (uint64_t)-finish(patient, wait->token);
}

static int handle_silent(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct patient *patient = self;
	uint64_t token;

	(void)msg, (void)size;
	patient->counts.second_rc = (uint64_t)-patient->host->reply_later(client, 0, gone, patient, &token);
	return 0;
}

/* reply_later() must fail with -ENODATA outside of a request. */
static int patient_join(void *self, struct coterie_client *client)
{
	struct patient *patient = self;
	uint64_t token;

	return patient->host->reply_later(client, 0, gone, patient, &token) == -ENODATA ? 0 : -EIO;
}

/* --- clients that read --- */

static int handle_reader(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct patient *patient = self;
	uint32_t count = words_of(msg)[0];
	struct iovec iov = {calloc(1, words_of(msg)[1]), words_of(msg)[1]};

	(void)size;
	if (patient->host->client_may_send(client) == -EAGAIN) {
		patient->counts.may_not++;
		free(iov.iov_base);
		return -EAGAIN;
	}
	for (uint32_t i = 0; i < count; i++)
		patient->host->event(client, PATIENT_EVENT, &iov, 1);
	free(iov.iov_base);
	return 0;
}

/* --- files --- */

static void stored(void *arg, int rc)
{
	struct patient *patient = arg;

	if (rc == 0) {
		patient->counts.stored++;
	} else {
		patient->counts.store_errors++;
		patient->counts.store_rc = (uint64_t)-rc;
	}
}

static int handle_store(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct patient *patient = self;
	uint32_t count = words_of(msg)[0], bytes_size = words_of(msg)[1];
	uint8_t *bytes = calloc(1, bytes_size);
	int rc = 0;

	(void)client, (void)size;
	for (uint32_t i = 0; i < count; i++) {
		memset(bytes, (int)i, bytes_size);
		rc = patient->host->state_file_store(patient->ctx, "patient", bytes, bytes_size, stored, patient);
		patient->counts.store_refused += rc == -EAGAIN;
	}
	free(bytes);
	return rc;
}

/* --- the rest --- */

static int handle_count(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct patient *patient = self;
	struct iovec iov = {&patient->counts, sizeof(patient->counts)};

	(void)msg, (void)size;
	patient->host->reply(client, PATIENT_COUNT, CS_OK, &iov, 1);
	return COTERIE_REPLIED;
}

static int handle_words(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct patient *patient = self;
	const char *const *words;
	struct iovec iov[8];
	uint32_t count;

	(void)msg, (void)size;
	int rc = patient->host->option_list(patient->ctx, "words", &words, &count);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < count && i < 8; i++)
		iov[i] = (struct iovec){(void *)(uintptr_t)words[i], strlen(words[i]) + 1};
	patient->host->reply(client, PATIENT_WORDS, CS_OK, iov, count < 8 ? count : 8);
	return COTERIE_REPLIED;
}

static int patient_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct patient *patient = calloc(1, sizeof(*patient));

	if (patient == NULL)
		return -ENOMEM;
	patient->host = host;
	patient->ctx = ctx;
	*self = patient;
	return 0;
}

static int patient_sync_step(void *self)
{
	(void)self;
	return 0;
}

static int patient_reload(void *self)
{
	(void)self;
	return 0;
}

static const struct coterie_option options[] = {
	{.name = "words", .type = COTERIE_OPT_LIST, .flags = COTERIE_OPT_RELOAD, .help = "words"},
	{.name = "number", .type = COTERIE_OPT_U32, .initial = "7", .help = "no list"},
};

static const struct coterie_request requests[] = {
	{PATIENT_PUSH, 24, 0, PATIENT_PUSH, handle_push},
	{PATIENT_WAIT, 24, COTERIE_NEEDS_FLOW, PATIENT_WAIT, handle_wait},
	{PATIENT_COUNT, 16, 0, PATIENT_COUNT, handle_count},
	{PATIENT_READER, 24, COTERIE_NEEDS_FLOW, PATIENT_READER, handle_reader},
	{PATIENT_STORE, 24, 0, PATIENT_STORE, handle_store},
	{PATIENT_WORDS, 16, 0, PATIENT_WORDS, handle_words},
	{PATIENT_SILENT, 16, COTERIE_NO_REPLY, 0, handle_silent},
};

static const struct coterie_ring_msg ring_msgs[] = {
	{.function = 0, .size_min = 16, .deliver = deliver},
	{.function = 1, .size_min = sizeof(struct wait_message), .deliver = deliver_wait},
};

static const struct coterie_service ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 56,
	.ipc_name = "patient",
	.init = patient_init,
	.fini = free,
	.client_join = patient_join,
	.sync_step = patient_sync_step,
	.reload = patient_reload,
	.writable = patient_writable,
	.client_leave = patient_leave,
	COTERIE_REQUESTS(requests),
	COTERIE_RING_MSGS(ring_msgs),
};

COTERIE_PLUGIN(patient, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "for tests of ABI 1.8",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_SYNC | COTERIE_CAP_WRITABLE | COTERIE_CAP_REPLIES |
		 COTERIE_CAP_FILES,
	.offers = COTERIE_CAN_RELOAD, COTERIE_OPTIONS(options), .ops = &ops);

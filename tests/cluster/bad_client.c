/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients that a daemon should survive.
 *
 *	bad_client ipc COUNT SEED [SERVICE]   COUNT connections that send malformed requests to the service, without
 *	                                      the service's library; default: cpg
 *	bad_client refused SERVICE            requests that must be refused one by one, on one connection
 *	bad_client silent SECONDS [SERVICE]   requests all events, and never reads them; without SERVICE joins
 *	                                      the group "load" of cpg
 *	bad_client events COUNT SERVICE       causes that many events for the clients that requested them
 *	bad_client die COUNT                  COUNT clients, each killed at some point of its short life
 */
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qb/qbipcc.h>

#include <corosync/cfg.h>
#include <corosync/cmap.h>
#include <corosync/evs.h>
#include <corosync/quorum.h>
#include <corosync/votequorum.h>

#include "client.h"

#define REQUEST_MAX (1 << 20)
#define EVENT_SIZE 1000
#define PATIENCE_NS UINT64_C(10000000000)

/* The protocol of a service, as its clients use it. */
struct service {
	const char *name;
	int32_t ids;      /* number of request ids: 0 .. ids - 1 */
	uint32_t headers; /* requests that are only a header, bits by id */
	uint32_t harmful; /* requests that a client may make but that harm the ring, bits by id */
	uint32_t unanswered;
	bool (*ask_for_events)(void);
	bool (*make_event)(unsigned long number);
};

struct request {
	struct qb_ipc_request_header header;
	uint8_t rest[512];
};

static uint32_t random_below(uint32_t bound) { return (uint32_t)((uint64_t)random() % bound); }

static int32_t random_extreme(void)
{
	static const int32_t extremes[] = {
		-1, 0, 1, 15, 16, 17, 127, 128, 129, 4096, REQUEST_MAX, REQUEST_MAX + 1, INT32_MAX, INT32_MIN};

	return extremes[random_below(sizeof(extremes) / sizeof(extremes[0]))];
}

/* ---- Requests past the library ------------------------------------------- */

/* Fill in an invalid request. @return the number of its bytes to send */
static size_t request_make(const struct service *service, struct request *request)
{
	size_t size = sizeof(request->header) + random_below(sizeof(request->rest));

	for (size_t i = 0; i < sizeof(request->rest); i++)
		request->rest[i] = (uint8_t)random();
	request->header.id = (int32_t)random_below((uint32_t)service->ids);
	request->header.size = (int32_t)size;
	switch (random_below(6)) {
	case 0: /* a request that does not exist */
		request->header.id = random_below(2) ? random_extreme() : (int32_t)random_below(1000);
		break;
	case 1: /* the size field differs from the size */
		request->header.size = random_extreme();
		break;
	case 2: /* only a header */
		size = sizeof(request->header);
		request->header.size = (int32_t)size;
		break;
	case 3: /* less than a whole header */
		size = random_below(sizeof(request->header));
		break;
	case 4: /* random bytes, with extreme values where requests have lengths: offsets 16, 24, 32, 40 */
		for (size_t at = 0; at <= 24; at += 8) {
			int32_t value = random_extreme();

			if (random_below(2))
				memcpy(request->rest + at, &value, sizeof(value));
		}
		break;
	case 5: /* random bytes */
		break;
	}
	/* A request that would harm the ring is sent with a size for which it is refused. */
	if (request->header.id >= 0 && request->header.id < service->ids && service->harmful & 1u << request->header.id)
		request->header.size = (int32_t)(size = sizeof(request->header));
	return size;
}

static int run_ipc(const struct service *service, unsigned long count)
{
	unsigned long refused = 0;
	unsigned long sent = 0;

	for (unsigned long i = 0; i < count; i++) {
		qb_ipcc_connection_t *connection = qb_ipcc_connect(service->name, REQUEST_MAX);

		if (connection == NULL) {
			refused++;
			client_sleep_ms(1);
			continue;
		}
		/* The daemon may close the connection at the first request, or go on serving it. */
		for (int j = 0; j < 8; j++) {
			static uint8_t response[REQUEST_MAX];
			struct request request;
			size_t size = request_make(service, &request);

			if (qb_ipcc_send(connection, &request, size) < 0)
				break;
			sent++;
			qb_ipcc_recv(connection, response, sizeof(response), 2);
		}
		qb_ipcc_disconnect(connection);
	}
	printf("sent %lu requests, %lu connections failed\n", sent, refused);
	return sent == 0;
}

/* Send a request. @return the error of its answer; 0: no answer */
static int32_t answer_to(qb_ipcc_connection_t *connection, int32_t id, int32_t said, size_t size)
{
	static uint8_t response[REQUEST_MAX];
	struct request request = {.header = {.id = id, .size = said}};

	if (qb_ipcc_send(connection, &request, size) < 0 || qb_ipcc_recv(connection, response, sizeof(response), 5000) <
								    (ssize_t)sizeof(struct qb_ipc_response_header))
		return 0;
	return ((struct qb_ipc_response_header *)response)->error;
}

static int run_refused(const struct service *service)
{
	static const int32_t sizes[] = {INT32_MIN, -1, 0, 1, 15, REQUEST_MAX + 1, INT32_MAX};
	const int32_t unknown[] = {service->ids, service->ids + 1, 255, 65536, INT32_MAX, -1, INT32_MIN};
	const size_t whole = sizeof(struct qb_ipc_request_header);
	qb_ipcc_connection_t *connection = qb_ipcc_connect(service->name, REQUEST_MAX);
	int accepted = 0;
	int32_t error;

	if (connection == NULL)
		return 1;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		error = answer_to(connection, unknown[i], (int32_t)whole, whole);
		if (error != CS_ERR_INVALID_PARAM)
			accepted += printf("request %d: %d\n", unknown[i], error) > 0;
	}
	for (int32_t id = 0; id < service->ids; id++) {
		if (service->unanswered & 1u << id)
			continue;
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			error = answer_to(connection, id, sizes[i], whole);
			if (error != CS_ERR_INVALID_PARAM)
				accepted += printf("request %d of %d bytes: %d\n", id, sizes[i], error) > 0;
		}
		if (service->headers & 1u << id)
			continue;
		error = answer_to(connection, id, (int32_t)whole, whole);
		if (error != CS_ERR_INVALID_PARAM)
			accepted += printf("request %d, a header: %d\n", id, error) > 0;
	}
	qb_ipcc_disconnect(connection);
	return accepted > 0;
}

/* ---- Clients that never read --------------------------------------------- */

static void ignore_message(
	cpg_handle_t handle, const struct cpg_name *group, uint32_t nodeid, uint32_t pid, void *message, size_t size)
{
	(void)handle, (void)group, (void)nodeid, (void)pid, (void)message, (void)size;
}

static cs_error_t join(cpg_handle_t *handle, const char *group)
{
	cpg_model_v1_data_t model = {.model = CPG_MODEL_V1, .cpg_deliver_fn = ignore_message};

	return client_join(handle, &model, group, client_now_ns() + UINT64_C(10000000000));
}

static bool cpg_ask(void)
{
	cpg_handle_t handle;

	return join(&handle, "load") == CS_OK;
}

static void ignore_key(cmap_handle_t handle, cmap_track_handle_t track, int32_t event, const char *key,
	struct cmap_notify_value now, struct cmap_notify_value before, void *context)
{
	(void)handle, (void)track, (void)event, (void)key, (void)now, (void)before, (void)context;
}

static bool cmap_ask(void)
{
	cmap_track_handle_t track;
	cmap_handle_t handle;

	return cmap_initialize(&handle) == CS_OK &&
	       cmap_track_add(handle, NULL, CMAP_TRACK_ADD | CMAP_TRACK_MODIFY | CMAP_TRACK_DELETE | CMAP_TRACK_PREFIX,
		       ignore_key, NULL, &track) == CS_OK;
}

static bool cmap_make(unsigned long number)
{
	static cmap_handle_t handle;
	static uint8_t value[EVENT_SIZE];

	memcpy(value, &number, sizeof(number));
	return (handle != 0 || cmap_initialize(&handle) == CS_OK) &&
	       cmap_set(handle, "bad.client", value, sizeof(value), CMAP_VALUETYPE_BINARY) == CS_OK;
}

static bool cfg_ask(void)
{
	corosync_cfg_handle_t handle;

	return corosync_cfg_initialize(&handle, NULL) == CS_OK && corosync_cfg_trackstart(handle, 0) == CS_OK;
}

static bool quorum_ask(void)
{
	quorum_handle_t handle;
	uint32_t type;

	return quorum_initialize(&handle, NULL, &type) == CS_OK && quorum_trackstart(handle, CS_TRACK_CHANGES) == CS_OK;
}

static bool votequorum_ask(void)
{
	votequorum_handle_t handle;

	return votequorum_initialize(&handle, NULL) == CS_OK &&
	       votequorum_trackstart(handle, 1, CS_TRACK_CHANGES) == CS_OK;
}

static bool votequorum_make(unsigned long number)
{
	static votequorum_handle_t handle;

	(void)number;
	return (handle != 0 || votequorum_initialize(&handle, NULL) == CS_OK) &&
	       votequorum_setexpected(handle, 3) == CS_OK;
}

static bool evs_ask(void)
{
	struct evs_group group = {.key = "load"};
	evs_handle_t handle;

	return evs_initialize(&handle, NULL) == CS_OK && evs_join(handle, &group, 1) == CS_OK;
}

static bool evs_make(unsigned long number)
{
	static const struct evs_group group = {.key = "load"};
	static uint8_t value[EVENT_SIZE];
	static evs_handle_t handle;
	struct iovec iov = {.iov_base = value, .iov_len = sizeof(value)};

	memcpy(value, &number, sizeof(number));
	return (handle != 0 || evs_initialize(&handle, NULL) == CS_OK) &&
	       evs_mcast_groups(handle, EVS_TYPE_AGREED, &group, 1, &iov, 1) == CS_OK;
}

static const struct service services[] = {
	{"cpg", 13, 1u << 4 | 1u << 8, 0, 1u << 2, cpg_ask, NULL},
	{"cmap", 10, 0, 0, 0, cmap_ask, cmap_make},
	{"cfg", 12, 1u << 0 | 1u << 1 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 11, 1u << 2 | 1u << 3, 0, cfg_ask, NULL},
	{"quorum", 5, 1u << 0 | 1u << 2 | 1u << 3, 0, 0, quorum_ask, votequorum_make},
	{"votequorum", 10, 1u << 4, 0, 0, votequorum_ask, votequorum_make},
	{"evs", 5, 1u << 4, 0, 0, evs_ask, evs_make},
	{"coterie-control", 6, 0, 0, 0, NULL, NULL},
};

static const struct service *service_find(const char *name)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		if (strcmp(services[i].name, name) == 0)
			return &services[i];
	}
	fprintf(stderr, "bad_client: no service %s\n", name);
	exit(2);
}

static int run_silent(const struct service *service, unsigned int seconds)
{
	if (!service->ask_for_events())
		return 1;
	printf("asked\n");
	fflush(stdout);
	client_sleep_ms(seconds * 1000);
	return 0;
}

static int run_events(const struct service *service, unsigned long count)
{
	uint64_t until_ns = client_now_ns() + PATIENCE_NS;
	unsigned long made = 0;

	while (made < count && client_now_ns() < until_ns) {
		if (service->make_event(made))
			made++;
		else
			client_sleep_ms(1);
	}
	printf("%lu events\n", made);
	return made < count;
}

/* ---- Clients that are killed --------------------------------------------- */

static void live_briefly(void)
{
	static uint8_t message[20000];
	struct iovec iov = {.iov_base = message, .iov_len = sizeof(message)};
	cpg_handle_t handle;

	for (;;) {
		if (join(&handle, "brief") != CS_OK)
			_exit(1);
		for (int i = 0; i < 5; i++)
			cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1);
		cpg_dispatch(handle, CS_DISPATCH_ALL);
		cpg_finalize(handle);
	}
}

static int run_die(unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		pid_t child = fork();

		if (child < 0)
			return 1;
		if (child == 0)
			live_briefly();
		nanosleep(&(struct timespec){.tv_nsec = random_below(20000) * 1000}, NULL);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	srandom(argc > 3 ? (unsigned int)strtoul(argv[3], NULL, 10) : 1);
	if (argc > 2 && strcmp(argv[1], "ipc") == 0)
		return run_ipc(service_find(argc > 4 ? argv[4] : "cpg"), count);
	if (argc > 2 && strcmp(argv[1], "refused") == 0)
		return run_refused(service_find(argv[2]));
	if (argc > 2 && strcmp(argv[1], "silent") == 0)
		return run_silent(service_find(argc > 3 ? argv[3] : "cpg"), (unsigned int)count);
	if (argc > 3 && strcmp(argv[1], "events") == 0)
		return run_events(service_find(argv[3]), count);
	if (argc > 2 && strcmp(argv[1], "die") == 0)
		return run_die(count);
	fprintf(stderr, "usage: bad_client ipc COUNT SEED [SERVICE] | refused SERVICE | "
			"silent SECONDS [SERVICE] | events COUNT SERVICE | die COUNT\n");
	return 2;
}

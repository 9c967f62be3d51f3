/*
 * Clients that a daemon should survive.
 *
 *	bad_client ipc COUNT SEED   COUNT malformed requests to the service "cpg", past the library
 *	bad_client silent SECONDS   joins the group "load" and never looks at its events
 *	bad_client die COUNT        COUNT clients, each killed at some point of its short life
 */
#include <signal.h>
#include <stddef.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qb/qbipcc.h>

#include "client.h"

#define REQUEST_MAX (1 << 20)
#define REQUEST_IDS 13

struct request {
	struct qb_ipc_request_header header;
	uint8_t rest[512];
};

static uint32_t random_below(uint32_t bound)
{
	return (uint32_t)((uint64_t)random() % bound);
}

static int32_t random_extreme(void)
{
	static const int32_t extremes[] = {-1, 0, 1, 15, 16, 17, 127, 128, 129, 4096, REQUEST_MAX,
		REQUEST_MAX + 1, INT32_MAX, INT32_MIN};

	return extremes[random_below(sizeof(extremes) / sizeof(extremes[0]))];
}

/* Fill in one request that is wrong somehow, and say how many bytes of it to send. */
static size_t request_make(struct request *request)
{
	size_t size = sizeof(request->header) + random_below(sizeof(request->rest));

	for (size_t i = 0; i < sizeof(request->rest); i++)
		request->rest[i] = (uint8_t)random();
	request->header.id = (int32_t)random_below(REQUEST_IDS);
	request->header.size = (int32_t)size;
	switch (random_below(6)) {
	case 0: /* a request that does not exist */
		request->header.id = random_below(2) ? random_extreme() : (int32_t)random_below(1000);
		break;
	case 1: /* a size that is not its size */
		request->header.size = random_extreme();
		break;
	case 2: /* nothing but a header */
		size = sizeof(request->header);
		request->header.size = (int32_t)size;
		break;
	case 3: /* less than a header */
		size = random_below(sizeof(request->header));
		break;
	case 4: /* noise with extreme lengths where lengths stand: offsets 16, 24, 32, 40 */
		for (size_t at = 0; at <= 24; at += 8) {
			int32_t value = random_extreme();

			if (random_below(2))
				memcpy(request->rest + at, &value, sizeof(value));
		}
		break;
	case 5: /* noise */
		break;
	}
	return size;
}

static int run_ipc(unsigned long count)
{
	unsigned long refused = 0;
	unsigned long sent = 0;

	for (unsigned long i = 0; i < count; i++) {
		qb_ipcc_connection_t *connection = qb_ipcc_connect("cpg", REQUEST_MAX);

		if (connection == NULL) {
			refused++;
			client_sleep_ms(1);
			continue;
		}
		/* The daemon may close the connection at the first one, or serve on. */
		for (int j = 0; j < 8; j++) {
			static uint8_t response[REQUEST_MAX];
			struct request request;
			size_t size = request_make(&request);

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

static void ignore_message(cpg_handle_t handle, const struct cpg_name *group, uint32_t nodeid,
	uint32_t pid, void *message, size_t size)
{
	(void)handle, (void)group, (void)nodeid, (void)pid, (void)message, (void)size;
}

static cs_error_t join(cpg_handle_t *handle, const char *group)
{
	cpg_model_v1_data_t model = {.model = CPG_MODEL_V1, .cpg_deliver_fn = ignore_message};

	return client_join(handle, &model, group, client_now_ns() + UINT64_C(10000000000));
}

static int run_silent(unsigned int seconds)
{
	cpg_handle_t handle;

	if (join(&handle, "load") != CS_OK)
		return 1;
	client_sleep_ms(seconds * 1000);
	cpg_finalize(handle);
	return 0;
}

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
		return run_ipc(count);
	if (argc > 2 && strcmp(argv[1], "silent") == 0)
		return run_silent((unsigned int)count);
	if (argc > 2 && strcmp(argv[1], "die") == 0)
		return run_die(count);
	fprintf(stderr, "usage: bad_client ipc COUNT SEED | silent SECONDS | die COUNT\n");
	return 2;
}

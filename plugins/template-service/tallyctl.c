/*
 * tallyctl [add AMOUNT]: add to the tally, or show it. A client in its smallest form: libqb carries
 * the messages, the executive checks who may connect.
 */
#include "tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <qb/qbipcc.h>

#define MESSAGE_SIZE_MAX 1048576 /* what the executive's sockets are made for */
#define CS_OK 1
#define CS_ERR_TRY_AGAIN 6
#define TRIES_MAX 100

/* The name of the socket; a daemon that was started with --instance has one of its own. */
static qb_ipcc_connection_t *connect_to_daemon(void)
{
	const char *instance = getenv("COTERIE_INSTANCE");
	char name[128];

	snprintf(name, sizeof(name), "tally%s%s", instance == NULL ? "" : "-",
		instance == NULL ? "" : instance);
	return qb_ipcc_connect(name, MESSAGE_SIZE_MAX);
}

/* A request that finds the ring busy, or changing, is made again. @return cs_error_t; 0: no answer */
static int32_t call(qb_ipcc_connection_t *daemon, void *req, size_t size,
	struct tally_res_get *response)
{
	for (int i = 0; i < TRIES_MAX; i++) {
		struct iovec iov = {.iov_base = req, .iov_len = size};

		if (qb_ipcc_sendv_recv(daemon, &iov, 1, response, sizeof(*response), -1) < 0)
			return 0;
		if (response->header.error != CS_ERR_TRY_AGAIN)
			break;
		usleep(10000);
	}
	return response->header.error;
}

int main(int argc, char **argv)
{
	struct tally_req_add add = {
		.header = {.id = TALLY_REQ_ADD, .size = sizeof(add)},
	};
	struct tally_req_get get = {
		.header = {.id = TALLY_REQ_GET, .size = sizeof(get)},
	};
	struct tally_res_get response = {.total = 0};
	int is_adding = argc == 3 && strcmp(argv[1], "add") == 0;

	if (argc != 1 && !is_adding) {
		fprintf(stderr, "usage: tallyctl [add AMOUNT]\n");
		return 2;
	}

	qb_ipcc_connection_t *daemon = connect_to_daemon();

	if (daemon == NULL) {
		perror("tallyctl: cannot connect to the daemon's tally service");
		return 1;
	}
	if (is_adding)
		add.amount = (uint32_t)strtoul(argv[2], NULL, 10);

	int32_t error = is_adding ? call(daemon, &add, sizeof(add), &response)
				  : call(daemon, &get, sizeof(get), &response);

	qb_ipcc_disconnect(daemon);
	if (error != CS_OK) {
		fprintf(stderr, "tallyctl: refused, error %d\n", error);
		return 1;
	}
	if (!is_adding)
		printf("%llu\n", (unsigned long long)response.total);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client that sends large messages as fast as possible, and dispatches one event after some of them. It reads less
 * than it sends, so calls must return "try again" in time. Only the public API is used.
 *
 *         cpg_turns [-s SIZE] [-t MS] [-n MESSAGES] [-z]
 *
 * Send messages of SIZE bytes (1,000,000) for MS milliseconds (10,000), and MESSAGES (1) of them before each event is
 * read. -z: send from a zero-copy buffer. Prints a line of key=value pairs. Exit status 0 if each call returned success,
 * "try again" or "interrupted", and all messages that were sent came back.
 */
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>

#include "client.h"

#define REFUSAL_NS UINT64_C(30000000000) /* for how much longer it sends if nothing was refused */

static uint64_t delivered, wrong;

static void deliver(
	cpg_handle_t handle, const struct cpg_name *group, uint32_t nodeid, uint32_t pid, void *message, size_t size)
{
	uint64_t number = 0;

	(void)handle, (void)group, (void)nodeid, (void)pid;
	memcpy(&number, message, size < sizeof(number) ? size : sizeof(number));
	wrong += number != delivered++;
}

static void changed(cpg_handle_t handle, const struct cpg_name *group, const struct cpg_address *members,
	size_t member_count, const struct cpg_address *left, size_t left_count, const struct cpg_address *joined,
	size_t joined_count)
{
	(void)handle, (void)group, (void)members, (void)member_count, (void)left, (void)left_count, (void)joined,
		(void)joined_count;
}

static void die(const char *what, cs_error_t error, uint64_t sent)
{
	printf("error=%s code=%d sent=%ju delivered=%ju\n", what, error, (uintmax_t)sent, (uintmax_t)delivered);
	exit(1);
}

static bool dispatch_one(cpg_handle_t handle, int wait_ms, uint64_t sent)
{
	struct pollfd descriptor = {.events = POLLIN};

	if (cpg_fd_get(handle, &descriptor.fd) != CS_OK)
		die("fd", CS_ERR_LIBRARY, sent);
	if (poll(&descriptor, 1, wait_ms) <= 0)
		return false;
	cs_error_t error = cpg_dispatch(handle, CS_DISPATCH_ONE);
	if (error != CS_OK && error != CS_ERR_TRY_AGAIN)
		die("dispatch", error, sent);
	return true;
}

int main(int argc, char **argv)
{
	cpg_model_v1_data_t model = {.model = CPG_MODEL_V1, .cpg_deliver_fn = deliver, .cpg_confchg_fn = changed};
	size_t size = 1000000;
	uint64_t send_ns = UINT64_C(10000000000), sent = 0, refused = 0;
	unsigned int messages = 1, turn = 0;
	bool is_shared = false;
	cpg_handle_t handle;
	void *buffer;
	int option;

	while ((option = getopt(argc, argv, "s:t:n:z")) != -1) {
		switch (option) {
		case 's':
			size = strtoul(optarg, NULL, 10);
			break;
		case 't':
			send_ns = strtoull(optarg, NULL, 10) * 1000000;
			break;
		case 'n':
			messages = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'z':
			is_shared = true;
			break;
		default:
			return 2;
		}
	}
	uint64_t start = client_now_ns(), end = start + send_ns;
	cs_error_t error = client_join(&handle, &model, "turns", start + UINT64_C(10000000000));
	if (error != CS_OK)
		die("join", error, 0);
	buffer = is_shared ? NULL : calloc(1, size);
	if (is_shared && (error = cpg_zcb_alloc(handle, size, &buffer)) != CS_OK)
		die("zcb_alloc", error, 0);
	if (buffer == NULL)
		die("memory", CS_ERR_NO_MEMORY, 0);
	/* On a slow machine it takes longer until so much waits that a message is refused. */
	while (client_now_ns() < end || (refused == 0 && client_now_ns() < end + REFUSAL_NS)) {
		struct iovec iov = {buffer, size};

		memcpy(buffer, &sent, sizeof(sent));
		error = is_shared ? cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, buffer, size)
				  : cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1);
		/* The group changes when the client before this one has gone: then no member gets the message. */
		if (error != CS_OK && error != CS_ERR_TRY_AGAIN && error != CS_ERR_INTERRUPT)
			die("mcast", error, sent);
		sent += error == CS_OK;
		refused += error != CS_OK;
		if (error != CS_OK || ++turn % messages == 0)
			dispatch_one(handle, error == CS_OK ? 0 : 10, sent);
	}
	while (delivered < sent && dispatch_one(handle, 10000, sent))
		;
	printf("sent=%ju refused=%ju delivered=%ju wrong=%ju\n", (uintmax_t)sent, (uintmax_t)refused,
		(uintmax_t)delivered, (uintmax_t)wrong);
	cpg_finalize(handle);
	if (!is_shared)
		free(buffer);
	return delivered != sent || wrong > 0;
}

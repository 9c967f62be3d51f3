/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/services/client/scripted_daemon.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>

#include <corosync/corotypes.h>
#include <qb/qbipc_common.h>

#include "tests/unit/services/client/fake_daemon.h"

static struct script *shared;

static int32_t serve(qb_ipcs_connection_t *c, void *request, size_t size)
{
	struct qb_ipc_response_header plain = {.id = 0, .size = sizeof(plain), .error = CS_OK};

	shared->request.size = size;
	memcpy(shared->request.bytes, request, size < SCRIPT_MESSAGE_SIZE_MAX ? size : SCRIPT_MESSAGE_SIZE_MAX);
	shared->request_count++;
	for (unsigned int i = 0; i < shared->event_count; i++)
		while (qb_ipcs_event_send(c, shared->events[i].bytes, shared->events[i].size) == -EAGAIN)
			poll(NULL, 0, 1);
	shared->event_count = 0;
	poll(NULL, 0, (int)shared->pause_ms);
	shared->pause_ms = 0;
	if (shared->response.size == 0)
		qb_ipcs_response_send(c, &plain, sizeof(plain));
	else
		qb_ipcs_response_send(c, shared->response.bytes, shared->response.size);
	return 0;
}

pid_t scripted_daemon_start(const char *service, struct script **script)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	*script = shared;
	return fake_daemon_start(service, serve);
}

void scripted_daemon_stop(pid_t daemon)
{
	fake_daemon_stop(daemon);
	munmap(shared, sizeof(*shared));
}

void script_response(struct script *script, const void *response, size_t size)
{
	ck_assert_uint_le(size, SCRIPT_MESSAGE_SIZE_MAX);
	memcpy(script->response.bytes, response, size);
	script->response.size = size;
}

void script_event(struct script *script, const void *event, size_t size)
{
	ck_assert_uint_lt(script->event_count, SCRIPT_EVENTS_MAX);
	ck_assert_uint_le(size, SCRIPT_MESSAGE_SIZE_MAX);
	struct script_message *message = &script->events[script->event_count++];

	memcpy(message->bytes, event, size);
	message->size = size;
}

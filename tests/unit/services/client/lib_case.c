/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/services/client/lib_case.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

void spoilt_event_make(const struct spoilt_event *row, uint8_t *bytes)
{
	memcpy(bytes, &row->id, sizeof(row->id));
	memcpy(bytes + row->at, &row->value, sizeof(row->value));
}

void spoilt_event_expect(const struct spoilt_event *row, const struct lib_calls *calls, uint64_t handle)
{
	cs_error_t rc = calls->dispatch(handle, CS_DISPATCH_ONE);

	ck_assert_msg(rc == row->code, "%s: %d", row->name, (int)rc);
	ck_assert_msg(calls->dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING) == CS_ERR_TRY_AGAIN, "%s", row->name);
}

void lib_expect_idle_dispatch(const struct lib_calls *calls, uint64_t handle)
{
	ck_assert_int_eq(calls->dispatch(handle, (cs_dispatch_flags_t)0), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(calls->dispatch(handle, (cs_dispatch_flags_t)5), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(calls->dispatch(0, (cs_dispatch_flags_t)5), CS_ERR_INVALID_PARAM);
	ck_assert_int_eq(calls->dispatch(0, CS_DISPATCH_ALL), CS_ERR_BAD_HANDLE);
	ck_assert_int_eq(calls->dispatch(handle, CS_DISPATCH_ALL), CS_OK);
	ck_assert_int_eq(calls->dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING), CS_ERR_TRY_AGAIN);
}

struct waiting {
	const struct lib_calls *calls;
	uint64_t handle;
	cs_dispatch_flags_t flags;
	cs_error_t code;
};

static void *wait_for_events(void *arg)
{
	struct waiting *waiting = arg;

	waiting->code = waiting->calls->dispatch(waiting->handle, waiting->flags);
	return NULL;
}

void lib_expect_finalize_wakes(const struct lib_calls *calls, uint64_t handle, cs_dispatch_flags_t flags, int after_ms)
{
	struct waiting waiting = {.calls = calls, .handle = handle, .flags = flags, .code = CS_OK};
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_events, &waiting), 0);
	poll(NULL, 0, after_ms);
	ck_assert_int_eq(calls->finalize(handle), CS_OK);
	pthread_join(thread, NULL);
	ck_assert_int_eq(waiting.code, CS_ERR_BAD_HANDLE);
}

void lib_expect_daemon_dies(const struct lib_calls *calls, uint64_t handle, pid_t daemon)
{
	struct pollfd pollfd = {.events = POLLIN};

	kill(daemon, SIGKILL);
	ck_assert_int_eq(calls->fd_get(handle, &pollfd.fd), CS_OK);
	ck_assert_int_eq(poll(&pollfd, 1, 10000), 1);
	ck_assert_int_eq(calls->dispatch(handle, CS_DISPATCH_BLOCKING), CS_ERR_LIBRARY);
}

void lib_run_in_threads(void *(*run)(void *arg), void (*meanwhile)(void))
{
	pthread_t threads[LIB_THREADS];
	char is_right;

	for (unsigned int i = 0; i < LIB_THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, run, &is_right), 0);
	if (meanwhile != NULL)
		meanwhile();
	for (unsigned int i = 0; i < LIB_THREADS; i++) {
		void *result;

		pthread_join(threads[i], &result);
		ck_assert_ptr_nonnull(result);
	}
}

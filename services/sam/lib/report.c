/*
 * Report the state of the supervised process in keys of the map.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/sam/lib/report.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum {
	/* During a synchronisation the daemon answers "try again". Repeat a request for at most this time. */
	TRY_AGAIN_PATIENCE_MS = 2000,
	TRY_AGAIN_PAUSE_MS = 10,
};

struct key {
	char name[CMAP_KEYNAME_MAXLEN + 1];
};

static struct key key_of(const char *what)
{
	struct key key;

	snprintf(key.name, sizeof(key.name), "resources.process.%d.%s", (int)getpid(), what);
	return key;
}

/* Set a key to a text or a number. Repeat the request while the daemon answers "try again". */
static cs_error_t set(struct process *process, const char *what, const char *text, uint64_t number)
{
	struct key key = key_of(what);
	cs_error_t error;
	int waited_ms = 0;

	for (;;) {
		error = text != NULL ? cmap_set_string(process->cmap, key.name, text)
				     : cmap_set_uint64(process->cmap, key.name, number);
		if (error != CS_ERR_TRY_AGAIN || waited_ms >= TRY_AGAIN_PATIENCE_MS)
			return error;
		poll(NULL, 0, TRY_AGAIN_PAUSE_MS);
		waited_ms += TRY_AGAIN_PAUSE_MS;
	}
}

static cs_error_t open_with_state(struct process *process, const char *state)
{
	const char *recovery = process->policy == SAM_RECOVERY_POLICY_QUIT ? "quit" : "restart";
	cs_error_t error = cmap_initialize(&process->cmap);

	if (error != CS_OK)
		return error;
	error = set(process, "recovery", recovery, 0);
	if (error == CS_OK)
		error = set(process, "poll_period", NULL, (uint64_t)process->interval_ms);
	if (error == CS_OK)
		error = set(process, "state", state, 0);
	if (error != CS_OK)
		report_close(process);
	return error;
}

cs_error_t report_open(struct process *process)
{
	return process->keeps_keys ? open_with_state(process, REPORT_STOPPED) : CS_OK;
}

cs_error_t report_state(struct process *process, const char *state)
{
	cs_error_t error;

	if (!process->keeps_keys)
		return CS_OK;
	error = set(process, "state", state, 0);
	if (error != CS_ERR_LIBRARY && error != CS_ERR_BAD_HANDLE)
		return error;
	/* The daemon has ended or restarted. A restarted daemon does not have the keys, so set all of them again. */
	report_close(process);
	return open_with_state(process, state);
}

void report_alive(struct process *process)
{
	struct key key = key_of("last_updated");

	/* Ignore an error: the next sign of life sets the key again. */
	if (process->keeps_keys)
		cmap_set_uint64(process->cmap, key.name, cs_timestamp_get());
}

void report_remove(struct process *process)
{
	static const char *const keys[] = {"recovery", "poll_period", "last_updated", "state"};

	if (!process->keeps_keys)
		return;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct key key = key_of(keys[i]);

		cmap_delete(process->cmap, key.name);
	}
}

void report_close(struct process *process)
{
	if (process->keeps_keys)
		cmap_finalize(process->cmap);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/interop/cfg_matrix.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static cs_error_t fd_get(uint64_t handle, int *fd) { return corosync_cfg_fd_get(handle, fd); }

const struct matrix_library matrix_library = {fd_get, corosync_cfg_dispatch, corosync_cfg_finalize};

static void on_shutdown(corosync_cfg_handle_t handle, corosync_cfg_shutdown_flags_t flags)
{
	(void)handle;
	say("  shutdown? flags %d", (int)flags);
	events_seen++;
}

const corosync_cfg_callbacks_t printing = {on_shutdown};

corosync_cfg_handle_t connect_printing(void)
{
	corosync_cfg_handle_t handle;

	CONNECT(corosync_cfg_initialize(&handle, &printing));
	return handle;
}

static void *asker_run(void *argument)
{
	struct asker *asker = argument;

	asker->code = PATIENTLY(corosync_cfg_try_shutdown(asker->handle, asker->flags));
	return NULL;
}

void asker_start(struct asker *asker, corosync_cfg_handle_t handle, corosync_cfg_shutdown_flags_t flags)
{
	asker->handle = handle;
	asker->flags = flags;
	if (pthread_create(&asker->thread, NULL, asker_run, asker) != 0)
		abort();
}

cs_error_t asker_join(struct asker *asker)
{
	pthread_join(asker->thread, NULL);
	return asker->code;
}

void scene(const char *title, void (*run)(void))
{
	int status;

	say("== %s", title);
	pid_t child = fork();

	if (child == 0) {
		alarm(30);
		run();
		exit(0);
	}
	waitpid(child, &status, 0);
	say("   ended with %d", status);
	pause_ms(300);
}

static void part_killed(pid_t daemon) { part_dying(daemon, SIGKILL); }
static void part_stopped(pid_t daemon) { part_dying(daemon, SIGTERM); }

const struct matrix_part matrix_parts[] = {
	{"absent", part_absent},
	{"starting", part_starting},
	{"calls", part_calls},
	{"status", part_status},
	{"votes", part_votes},
	{"reload", part_reload},
	{"logs", part_logs},
	{"defects", part_defects},
	{"paused", part_paused},
	{"killed", part_killed},
	{"stopped", part_stopped},
	{"alone", part_alone},
	{"agree", part_agree},
	{"regardless", part_regardless},
	{"silence", part_silence},
	{"immediate", part_immediate},
	{"suicide", part_suicide},
	{NULL, NULL},
};

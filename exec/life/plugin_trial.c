/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/life/plugin_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct plugin_trial {
	pid_t pid; /* 0: the process has ended */
	uint64_t deadline_ns;
	int result;
};

#define FILE_FD 3 /* descriptor of the plugin's file in the process of the trial */

/* Start the process at ordinary priority, without blocked signals, and with stdin, stdout and stderr at /dev/null. */
static int spawn(pid_t *pid, const char *program, const char *file, int fd, uint32_t bound_ms)
{
	static char check[] = "--check-plugin", descriptor[] = "3";
	char bound[16];
	char *argv[] = {(char *)(uintptr_t)program, check, (char *)(uintptr_t)file, descriptor, bound, NULL};
	const struct sched_param param = {0};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;

	if (posix_spawnattr_init(&attributes) != 0)
		return -ENOMEM;
	if (posix_spawn_file_actions_init(&actions) != 0) {
		posix_spawnattr_destroy(&attributes);
		return -ENOMEM;
	}
	snprintf(bound, sizeof(bound), "%u", bound_ms);
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setschedpolicy(&attributes, SCHED_OTHER);
	posix_spawnattr_setschedparam(&attributes, &param);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSCHEDULER);
	/* Needed even if fd is 3 already, since dup2 then clears the close-on-exec flag. */
	posix_spawn_file_actions_adddup2(&actions, fd, FILE_FD);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	int rc = posix_spawn(pid, program, &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return -rc;
}

struct plugin_trial *plugin_trial_start(
	const char *program, const char *file, int fd, uint32_t bound_ms, uint64_t now_ns)
{
	struct plugin_trial *trial = calloc(1, sizeof(*trial));

	if (trial == NULL)
		return NULL;
	if (spawn(&trial->pid, program, file, fd, bound_ms) < 0) {
		free(trial);
		return NULL;
	}
	trial->deadline_ns = now_ns + PLUGIN_TRIAL_NS;
	return trial;
}

static void end(struct plugin_trial *trial)
{
	kill(trial->pid, SIGKILL);
	while (waitpid(trial->pid, NULL, 0) < 0 && errno == EINTR)
		;
	trial->pid = 0;
}

static int result_of(int status)
{
	if (WIFSIGNALED(status))
		return -EFAULT;
	if (WEXITSTATUS(status) == PLUGIN_TRIAL_SLOW)
		return -ETIME;
	return WEXITSTATUS(status) == PLUGIN_TRIAL_OVER ? 0 : -ECHILD;
}

int plugin_trial_look(struct plugin_trial *trial, uint64_t now_ns)
{
	int status;

	if (trial->pid == 0)
		return trial->result;
	pid_t ended = waitpid(trial->pid, &status, WNOHANG);
	if (ended == 0 && now_ns < trial->deadline_ns)
		return -EAGAIN;
	if (ended == 0) {
		end(trial);
		trial->result = -ETIMEDOUT;
	} else {
		trial->pid = 0;
		trial->result = ended > 0 ? result_of(status) : 0;
	}
	return trial->result;
}

void plugin_trial_destroy(struct plugin_trial *trial)
{
	if (trial == NULL)
		return;
	if (trial->pid != 0)
		end(trial);
	free(trial);
}

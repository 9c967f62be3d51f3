/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/daemon/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/model.h"
#include "exec/log/log.h"

#define DESCRIPTORS_WANTED 65536u
#define CGROUP_AUTO 2

int process_background(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid < 0) {
		int rc = -errno;

		close(fds[0]);
		close(fds[1]);
		return rc;
	}
	if (pid > 0) {
		uint8_t code = 0;

		close(fds[1]);
		/* No byte: the child died before it could report. 15 is the code of a fatal start error. */
		while (read(fds[0], &code, 1) < 1)
			if (errno != EINTR) {
				code = 15;
				break;
			}
		_exit(code);
	}
	close(fds[0]);
	setsid();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0) {
		int rc = -errno;

		close(fds[1]);
		return rc;
	}
	/* stderr stays open until the result of the start is reported, so that errors reach the terminal. */
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	close(null);
	return fds[1];
}

void process_report(int fd, int exit_code)
{
	uint8_t code = (uint8_t)exit_code;

	if (fd < 0)
		return;
	if (write(fd, &code, 1) < 0)
		log_line("MAIN", LOG_WARNING, "Could not tell the waiting parent: %s", strerror(errno));
	close(fd);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDERR_FILENO);
		close(null);
	}
}

static void move_to_root_cgroup(void)
{
	static const struct {
		const char *probe, *tasks;
	} places[] = {
		{"/sys/fs/cgroup/cpu/cpu.rt_runtime_us", "/sys/fs/cgroup/cpu/tasks"},
		{"/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/cgroup.procs"},
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (access(places[i].probe, F_OK) < 0)
			continue;
		FILE *file = fopen(places[i].tasks, "we");
		if (file == NULL || fprintf(file, "%d\n", (int)getpid()) < 0)
			log_line("MAIN", LOG_WARNING, "Could not move to the root control group: %s", strerror(errno));
		if (file != NULL && fclose(file) != 0)
			log_line("MAIN", LOG_WARNING, "Could not move to the root control group: %s", strerror(errno));
		return;
	}
}

static int set_round_robin(void)
{
	struct sched_param parameter = {.sched_priority = sched_get_priority_max(SCHED_RR)};

	/* The systemd unit sets this priority, and then forbids every change of it. */
	if (sched_getscheduler(0) == SCHED_RR)
		return 0;
	return sched_setscheduler(0, SCHED_RR, &parameter) < 0 ? -errno : 0;
}

/* Leave real-time priority, which the unit has set and the config does not want. */
static void leave_round_robin(void)
{
	struct sched_param parameter = {.sched_priority = 0};

	if (sched_getscheduler(0) == SCHED_RR && sched_setscheduler(0, SCHED_OTHER, &parameter) < 0)
		log_line("MAIN", LOG_WARNING, "Could not leave real-time scheduling: %s", strerror(errno));
}

static void schedule(const struct config *config)
{
	int priority = config->has_priority ? config->priority : 0;

	if (config->move_to_root_cgroup == 1)
		move_to_root_cgroup();
	if (config->sched_rr) {
		int rc = set_round_robin();

		if (rc < 0 && config->move_to_root_cgroup == CGROUP_AUTO && geteuid() == 0) {
			move_to_root_cgroup();
			rc = set_round_robin();
		}
		if (rc == 0)
			return;
		log_line("MAIN", LOG_WARNING,
			"Could not set real-time scheduling (%s): the ring may lose its token under load",
			strerror(-rc));
		priority = INT_MIN;
	}
	if (!config->sched_rr)
		leave_round_robin();
	if (priority == 0)
		return;
	if (priority < -20)
		priority = -20;
	if (setpriority(PRIO_PGRP, 0, priority) < 0)
		log_line("MAIN", LOG_WARNING, "Could not set priority %d: %s", priority, strerror(errno));
}

/*
 * Raise the limit of descriptors. Each connection needs one, and each zero-copy buffer of a client. systemd sets the
 * soft limit to 1024 and the hard limit much higher.
 */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS_WANTED)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* if this fails, clients are refused earlier */
}

void process_privileges(const struct config *config)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	raise_descriptors();
	schedule(config);
	if (!config->locks_memory)
		return;
	if (setrlimit(RLIMIT_MEMLOCK, &unlimited) < 0) {
		log_line("MAIN", LOG_WARNING, "Could not increase RLIMIT_MEMLOCK, not locking memory: %s (%d)",
			strerror(errno), errno);
		return;
	}
	/*
	 * Lock each page at its first use, so that pages that are never used need no memory (client rings, receive
	 * buffers).
	 */
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		log_line("MAIN", LOG_WARNING, "Could not lock memory of service to avoid page faults: %s (%d)",
			strerror(errno), errno);
}

void process_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (path == NULL || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(address.sun_path))
		return;
	size_t length = strlen(path);
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		log_line("MAIN", LOG_WARNING, "Could not tell the service manager '%s': %s", state, strerror(errno));
	close(fd);
}

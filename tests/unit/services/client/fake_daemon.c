/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/services/client/fake_daemon.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qb/qbdefs.h>
#include <qb/qbipc_common.h>
#include <qb/qbloop.h>

/* The loop of the daemon's process. It is a static variable, since libqb's poll handlers get no argument. */
static qb_loop_t *loop;

static int32_t on_accept(qb_ipcs_connection_t *c, uid_t uid, gid_t gid)
{
	(void)c, (void)uid, (void)gid;
	return 0;
}

static void on_created(qb_ipcs_connection_t *c) { (void)c; }

static int32_t on_closed(qb_ipcs_connection_t *c)
{
	(void)c;
	return 0;
}

static int32_t job_add(enum qb_loop_priority p, void *data, qb_loop_job_dispatch_fn fn)
{
	return qb_loop_job_add(loop, p, data, fn);
}

static int32_t dispatch_add(enum qb_loop_priority p, int32_t fd, int32_t events, void *data, qb_ipcs_dispatch_fn_t fn)
{
	return qb_loop_poll_add(loop, p, fd, events, data, fn);
}

static int32_t dispatch_mod(enum qb_loop_priority p, int32_t fd, int32_t events, void *data, qb_ipcs_dispatch_fn_t fn)
{
	return qb_loop_poll_mod(loop, p, fd, events, data, fn);
}

static int32_t dispatch_del(int32_t fd) { return qb_loop_poll_del(loop, fd); }

static void run(const char *name, fake_daemon_serve serve, int ready)
{
	struct qb_ipcs_service_handlers handlers = {.connection_accept = on_accept,
		.connection_created = on_created,
		.msg_process = serve,
		.connection_closed = on_closed};
	struct qb_ipcs_poll_handlers polls = {.job_add = job_add,
		.dispatch_add = dispatch_add,
		.dispatch_mod = dispatch_mod,
		.dispatch_del = dispatch_del};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	loop = qb_loop_create();
	qb_ipcs_service_t *service = qb_ipcs_create(name, 0, QB_IPC_NATIVE, &handlers);
	qb_ipcs_poll_handlers_set(service, &polls);
	if (qb_ipcs_run(service) != 0)
		_exit(1);
	if (write(ready, "r", 1) != 1)
		_exit(1);
	qb_loop_run(loop);
	_exit(0);
}

pid_t fake_daemon_start_as(uid_t uid, const char *service, fake_daemon_serve serve)
{
	char instance[32], name[64], byte;
	int ready[2];

	snprintf(instance, sizeof(instance), "t%d", (int)getpid());
	snprintf(name, sizeof(name), "%s-%s", service, instance);
	ck_assert_int_eq(pipe(ready), 0);
	pid_t daemon = fork();
	if (daemon == 0) {
		setsid(); /* otherwise the kernel continues a stopped daemon when its process group becomes orphaned */
		if (uid != geteuid() && setresuid(uid, uid, uid) < 0)
			_exit(1);
		run(name, serve, ready[1]);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	setenv("COTERIE_INSTANCE", instance, 1);
	return daemon;
}

pid_t fake_daemon_start(const char *service, fake_daemon_serve serve)
{
	return fake_daemon_start_as(geteuid(), service, serve);
}

void fake_daemon_stop(pid_t daemon)
{
	kill(daemon, SIGKILL);
	waitpid(daemon, NULL, 0);
}

void fake_daemon_answer(qb_ipcs_connection_t *connection, void *response, size_t size, int32_t id, int32_t error)
{
	struct qb_ipc_response_header *header = response;

	header->id = id;
	header->size = (int32_t)size;
	header->error = error;
	qb_ipcs_response_send(connection, response, size);
}

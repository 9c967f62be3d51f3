/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc_play.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/map/map.h"
#include "exec/stats/stats.h"

#define DEADLINE_NS (UINT64_C(60) * 1000000000u)

static struct loop *loop; /* loop of the node under test */

void ipc_play_set_up(struct ipc_node *node, struct config *config, char instance[16])
{
	exec_stub_reset();
	snprintf(instance, 16, "%d", getpid());
	config->ipc_type = QBS_TYPE_NATIVE;
	loop = loop_create();
	*node = (struct ipc_node){
		.config = config, .loop = loop, .map = map_create(), .stats = stats_create(loop), .is_quorate = true};
	node->ipc = ipc_create(&(struct ipc_parts){.loop = loop,
		.map = node->map,
		.stats = node->stats,
		.sync = (struct sync *)node, /* opaque: only the address is used */
		.is_quorate = &node->is_quorate,
		.delivery = (struct delivery *)node, /* opaque as well */
		.config = &node->config,
		.instance = instance});
	ck_assert_ptr_nonnull(node->ipc);
	ipc_attach(node->ipc, (struct ring *)node); /* opaque as well */
}

void ipc_play_tear_down(struct ipc_node *node)
{
	ipc_destroy(node->ipc);
	stats_destroy(node->stats);
	map_destroy(node->map);
	loop_destroy(node->loop);
}

/* --- clients --- */

pid_t start_client(part client)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int line = client();

		if (line != 0)
			fprintf(stderr, "# client failed at line %d (errno %d)\n", line, errno);
		_exit(line == 0 ? 0 : 1);
	}
	return pid;
}

static void on_exit_of_client(void *arg, int fd, uint32_t revents)
{
	(void)arg, (void)revents;
	loop_fd_del(loop, fd);
	loop_stop(loop);
}

static void on_deadline(void *arg)
{
	(void)arg;
	ck_abort_msg("deadline passed; log:\n%s", exec_stub.log);
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

void run_for_ms(uint64_t ms)
{
	loop_timer_add(loop, loop_now_ns(loop) + ms * 1000000, stop, NULL);
	loop_run(loop);
}

int serve(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	int status;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(loop_fd_add(loop, fd, POLLIN, LOOP_SLOW, on_exit_of_client, NULL), 0);
	struct loop_timer *deadline = loop_timer_add(loop, loop_now_ns(loop) + DEADLINE_NS, on_deadline, NULL);
	loop_run(loop);
	loop_timer_del(loop, deadline);
	close(fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	/* The server may notice the closed connection one turn after the client has exited. */
	run_for_ms(5);
	return status;
}

void play(part client) { ck_assert_int_eq(serve(start_client(client)), 0); }

/* SPDX-License-Identifier: BSD-3-Clause */
/* Adapt the executive's loop to the interface that exec/qb needs. All clients have the same priority. */
#include "exec/ipc/ipc_private.h"

static uint64_t now_ns(void *arg) { return loop_now_ns(arg); }

static int add(void *arg, int fd, uint32_t events, void (*run)(void *run_arg, int fd, uint32_t revents), void *run_arg)
{
	return loop_fd_add(arg, fd, events, LOOP_URGENT, run, run_arg);
}

static int mod(void *arg, int fd, uint32_t events) { return loop_fd_mod(arg, fd, events); }

static void del(void *arg, int fd) { loop_fd_del(arg, fd); }

void ipc_poll_init(struct ipc *ipc)
{
	ipc->loop = (struct qbs_loop){.arg = ipc->parts.loop, .now_ns = now_ns, .add = add, .mod = mod, .del = del};
}

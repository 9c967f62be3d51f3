/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the tests of IPC: IPC on the real loop, with exec_stub around it, and clients in forked processes. Each
 * client plays a short script, and reports the line of its failure, or 0.
 */
#ifndef TESTS_UNIT_IPC_PLAY_H
#define TESTS_UNIT_IPC_PLAY_H

#include <stdint.h>
#include <sys/types.h>

#include <check.h>

#include "config/model.h"
#include "exec/ipc/ipc_private.h"
#include "tests/unit/exec/exec_stub.h"
#include "tests/suite.h"

/** IPC and the parts that it uses. */
struct ipc_node {
	struct config *config;
	struct loop *loop;
	struct map *map;
	struct stats *stats;
	struct ipc *ipc;
	bool is_quorate;
};

/**
 * Set up IPC without a server, as an instance of this process. The arguments are borrowed until ipc_play_tear_down().
 */
void ipc_play_set_up(struct ipc_node *node, struct config *config, char instance[16]);
/** Tear IPC down. All servers must have been closed before. */
void ipc_play_tear_down(struct ipc_node *node);

/** The script of a client. @return 0, or the line where it failed */
typedef int (*part)(void);

#define MUST(condition) \
	do { \
		if (!(condition)) \
			return __LINE__; \
	} while (0)

pid_t start_client(part client);
void run_for_ms(uint64_t ms);

/** Run the loop until the condition holds, for 20 s at most. That is enough on a busy machine. */
#define RUN_UNTIL(holds) \
	do { \
		for (unsigned tries = 0; tries < 1000 && !(holds); tries++) \
			run_for_ms(20); \
	} while (0)

/** Serve until this client has exited. @return its wait status */
int serve(pid_t pid);
/** Run one client and check that its script succeeds. */
void play(part client);

#endif

/*
 * A session with the helper of a node (agent.h): over a remote shell, or as a child process where the node is this host.
 *
 * The remote shell is started with fixed arguments: its own words, the host, "coterie-ctl", "__node". The host was checked
 * by words_is_address(), so that it is no option and nothing that a shell expands. All else goes over standard input.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_CLUSTER_PEER_H
#define TOOLS_CLUSTER_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include "tools/cluster/plan.h"

struct json_object;

#define PEER_SHELL "ssh -o BatchMode=yes -o ConnectTimeout=10"
#define PEER_WORDS_MAX 32

struct peer {
	pid_t pid;           /* 0: no session */
	int in, out, errors; /* its standard input, output and error output */
	char *buffer;        /* bytes that were read beyond the last answer */
	size_t size, room;
	bool is_local;    /* a child process of this host, and no remote shell */
	bool is_replaced; /* a new helper has replaced the first one, and knows nothing of the change */
	bool is_failed;   /* the session has ended or is out of step: no more requests */
};

/**
 * Start a session. The helper is not awaited.
 *
 * @param shell  command of the remote shell, words separated by blanks; NULL: this host
 * @param host   checked; unused where shell is NULL
 * @return 0; negative errno: the command cannot be run, and why says so
 */
int peer_open(struct peer *peer, const char *shell, const char *host, char *why, size_t size);
/**
 * Send a request and wait for the answer.
 *
 * @param answer  out: an object, which caller puts, also if its "ok" is false; NULL after an error
 * @param why     out: the reason, with the last line of the remote shell's error output
 * @return 0; negative errno
 */
int peer_ask(struct peer *peer, struct json_object *request, int limit_ms, struct json_object **answer, char *why,
	size_t size);
/**
 * End the session: the helper sees the end of its input. A remote shell has 6 s to end, and gets SIGTERM after 3 of them.
 * The helper of this host gets no signal, and as much time as a change takes on its way back: 150 s.
 */
void peer_close(struct peer *peer);

/** Return whether this host has one of the node's numeric addresses. */
bool peer_is_local(const struct words_node *node);

/** Copy the facts out of an answer, which is another host's: types and sizes are checked. */
void peer_facts(struct json_object *answer, struct node_facts *facts);

#endif

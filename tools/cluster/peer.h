/*
 * A session with the helper of a node (agent.h): over a remote shell, or with a child process if the node is this host.
 *
 * The remote shell is started with fixed arguments: its own words, the host, "coterie-ctl" and "__node". The host was
 * checked by words_is_address(). So it is no option, and a shell expands no part of it. All other data is sent over
 * standard input.
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
	char said[2048];     /* the end of its error output, which may be endless */
	size_t said_size;
	char *buffer; /* bytes that were read behind the last answer */
	size_t size, room;
	const char *key_out; /* key that goes with the next request, hexadecimal, borrowed; NULL: none */
	char *key_in;        /* key that came with the last answer, hexadecimal, freed with secret_free(); NULL: none */
	bool is_local;       /* the helper is a child process on this host, without a remote shell */
	bool is_replaced;    /* a second helper has replaced the first one, and does not know the change */
	bool is_failed;      /* the session has ended, or an answer was lost: no more requests are sent */
};

/**
 * Start a session. The call does not wait for the helper.
 * @param shell  command of the remote shell, words separated by blanks; NULL: this host
 * @param host   must have been checked; not used if shell is NULL
 * @return 0; negative errno, with why: the command cannot be run
 */
int peer_open(struct peer *peer, const char *shell, const char *host, char *why, size_t size);
/**
 * Send a request and wait for the answer. A key goes and comes in members of peer, and not in the objects.
 * @param answer  out: an object, which the caller puts, also if its "ok" is false; NULL after an error
 * @param why     out: the reason, with the last line of the remote shell's error output
 * @return 0; negative errno
 */
int peer_ask(struct peer *peer, struct json_object *request, int limit_ms, struct json_object **answer, char *why,
	size_t size);
/**
 * End the session: the helper reads the end of its input. A remote shell has 6 s to end, and gets SIGTERM after the
 * first 3 s. The helper of this host gets no signal. It has 150 s, the time that undoing a change may take.
 */
void peer_close(struct peer *peer);

/** Return whether this host has one of the node's numeric addresses. */
bool peer_is_local(const struct words_node *node);

/** Copy the facts from an answer. The answer is of another host, so types and sizes are checked. */
void peer_facts(struct json_object *answer, struct node_facts *facts);

#endif

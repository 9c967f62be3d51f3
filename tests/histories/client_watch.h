/* SPDX-License-Identifier: BSD-3-Clause */
/* The changes of kv's table, as clients are told them: client_watch.c. */
#ifndef HISTORIES_CLIENT_WATCH_H
#define HISTORIES_CLIENT_WATCH_H

#include "tests/histories/play.h"

/**
 * Note a change that a client was told, or that was answered. It is a violation if another one is known for the
 * revision. Ignored if a table was lost, or if the play has a node like one of Corosync.
 * @param who  the client, for the text of the violation
 */
void play_change_note(struct play *play, uint64_t revision, struct play_change change, const char *who);

#endif

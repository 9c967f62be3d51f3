/*
 * lockctl NAME COMMAND...: run a command while this program holds the lock of this name.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <coterie/client.h>

#include "lock.h"

int main(int argc, char **argv)
{
	struct lock_req req = {.header = {.id = LOCK_TAKE, .size = sizeof(req)}};
	struct lock_res_take taken;
	struct coterie_connection *connection;
	int status = 1;

	if (argc < 3 || strlen(argv[1]) >= LOCK_NAME_SIZE)
		return fprintf(stderr, "usage: lockctl NAME COMMAND...\n"), 2;
	strcpy(req.name, argv[1]);
	int rc = coterie_connection_open(&connection, "lock", NULL, 5000);
	if (rc == 0)
		rc = coterie_connection_call(connection, &req.header, &taken, sizeof(taken), 60000);
	if (rc != 0)
		return fprintf(stderr, "lockctl: %s\n", coterie_error_text(rc)), 1;
	if (fork() == 0)
		return execvp(argv[2], argv + 2), 127;
	wait(&status);
	coterie_connection_close(connection); /* the daemon gives the lock back when the connection ends */
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

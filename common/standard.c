/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void standard_open(void)
{
	/* open(2) returns the lowest free number. Each number below is open already, so this is the closed one. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
			return;
}

int standard_end(const char *program, FILE *out, int status)
{
	errno = 0;
	/* stdio does not keep the error of an earlier write. errno is 0 then. */
	if (fflush(out) == 0 && !ferror(out))
		return status;
	fprintf(stderr, "%s: cannot write the output%s%s\n", program, errno != 0 ? ": " : "",
		errno != 0 ? strerror(errno) : "");
	return status != EXIT_SUCCESS ? status : EXIT_FAILURE;
}

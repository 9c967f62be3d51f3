/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Descriptors that never block the ring. A terminal that is stopped with ^S, a pipe without a
 * reader, or a hanging syslog daemon must not delay the token. So syslog(3), which waits, is not
 * used.
 */
#include "exec/log/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/trust.h"

/*
 * If poll(2) reports that a pipe or terminal is writable, it takes this many bytes without waiting (pipe(7): PIPE_BUF).
 */
#define WRITE_MAX 4096

static bool takes_more(int fd)
{
	struct pollfd entry = {.fd = fd, .events = POLLOUT};

	/* POLLERR: the reader has closed its end, and writing would raise SIGPIPE. */
	return poll(&entry, 1, 0) == 1 && (entry.revents & (POLLERR | POLLNVAL | POLLHUP)) == 0 &&
	       (entry.revents & POLLOUT) != 0;
}

int log_sink_write(struct log_sink *sink, const char *line, size_t length)
{
	ssize_t done = -1;

	if (sink->fd >= 0) {
		done = send(sink->fd, line, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (done < 0 && errno == ENOTSOCK && takes_more(sink->fd))
			done = write(sink->fd, line, length < WRITE_MAX ? length : WRITE_MAX);
	}
	if (done < 0) {
		sink->lost++;
		return -1;
	}
	sink->lost = 0;
	return 0;
}

size_t log_sink_lost_text(const struct log_sink *sink, char *text, size_t size)
{
	if (sink->lost == 0)
		return 0;
	int length = snprintf(text, size, "%u lines of this log are lost: it took no more", sink->lost);

	return length < 0 ? 0 : (size_t)length;
}

/* Check the owner and links of a file in a folder that is not private: any user may have put it there. */
static int check_file(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISCHR(status.st_mode))
		return 0;
	return trust_owner(status.st_uid) && (!S_ISREG(status.st_mode) || status.st_nlink == 1) ? 0 : -EPERM;
}

int log_sink_open_file(struct log_sink *sink, const char *path)
{
	/* O_NONBLOCK, since the file may be a FIFO. */
	const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	bool is_private;
	int fd = trust_open(path, flags, 0640, &is_private);

	if (fd < 0)
		return fd;
	int rc = is_private ? 0 : check_file(fd);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	*sink = (struct log_sink){.fd = fd};
	return 0;
}

int log_sink_open_syslog(struct log_sink *sink, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	sink->fd = fd; /* the count of lost lines is kept */
	return 0;
}

void log_sink_close(struct log_sink *sink)
{
	if (sink->fd >= 0)
		close(sink->fd);
	sink->fd = -1;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A target of log lines: a descriptor on which a write never waits. A line that does not fit is dropped and counted.
 * The next line that fits is preceded by a line with the number of dropped ones.
 */
#ifndef EXEC_LOG_SINK_H
#define EXEC_LOG_SINK_H

#include <stddef.h>
#include <stdint.h>

struct log_sink {
	int fd;        /* -1: closed */
	uint32_t lost; /* lines dropped since the last one that was written */
};

/**
 * Write a line. For a file it ends in a line feed. To a socket it is sent without waiting. Other descriptors are polled
 * first.
 * @return 0; -1: the line was dropped and is counted in lost
 */
int log_sink_write(struct log_sink *sink, const char *line, size_t length);
/** Write the text about lost lines. Return its length, 0 if none were lost. */
size_t log_sink_lost_text(const struct log_sink *sink, char *text, size_t size);

/**
 * Open a log file for appending, with mode 0640 if it is new. Links are followed only if they belong to root or to the
 * daemon's user, anywhere on the path. If other users can create files in the folder, the file must belong to one of
 * these two, and have only one name.
 * @return 0; -ELOOP, -EPERM: another user may have put the link or the file there; -errno
 */
int log_sink_open_file(struct log_sink *sink, const char *path);
/** Connect to a syslog socket (datagrams, /dev/log). -errno. */
int log_sink_open_syslog(struct log_sink *sink, const char *path);
void log_sink_close(struct log_sink *sink);

#endif

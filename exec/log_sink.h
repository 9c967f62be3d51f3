/*
 * Where log lines end: a descriptor that never makes the caller wait. A line that does not fit is
 * lost and counted, and the next one that does is preceded by a line that says so.
 */
#ifndef EXEC_LOG_SINK_H
#define EXEC_LOG_SINK_H

#include <stddef.h>
#include <stdint.h>

struct log_sink {
	int fd;        /* -1: closed */
	uint32_t lost; /* lines since the last that went out */
};

/**
 * Write a line, which ends in a line feed when it is for a file. Sockets are sent to without
 * waiting; anything else is asked first whether it takes more. Returns whether it went out.
 */
int log_sink_write(struct log_sink *sink, const char *line, size_t length);
/** Text to put in front, or length 0 when nothing was lost. */
size_t log_sink_lost_text(const struct log_sink *sink, char *text, size_t size);

/**
 * Open a log file for appending, with mode 0640 if it is new. Links of users other than root and the daemon's own are
 * not followed, wherever they are on the path. Where others can put files into the folder, it must be a file of these
 * two, with one name.
 * @return 0; -ELOOP, -EPERM: another user may have put the link or the file there; -errno
 */
int log_sink_open_file(struct log_sink *sink, const char *path);
/** Connect to a syslog socket (datagrams, /dev/log). -errno. */
int log_sink_open_syslog(struct log_sink *sink, const char *path);
void log_sink_close(struct log_sink *sink);

#endif

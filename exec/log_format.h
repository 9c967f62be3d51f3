/*
 * How a log line looks on each target (book configuration, "Logging"). Pure: time, host and pid are
 * arguments.
 */
#ifndef EXEC_LOG_FORMAT_H
#define EXEC_LOG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum log_target {
	LOG_TARGET_STDERR,
	LOG_TARGET_FILE,
	LOG_TARGET_SYSLOG, /* behind the ident, which log_syslog puts in front */
};

struct log_frame {
	bool is_json;       /* stderr and file: one JSON object a line */
	int timestamp;      /* 0 off, 1 seconds, 2 milliseconds */
	struct timespec at; /* wall clock */
	const char *host;
	const char *ident;
	int pid;
};

/**
 * @param line  out; ends in a NUL, without a line feed; cut when size is too small
 * @return length of the line
 */
size_t log_format(char *line, size_t size, enum log_target target, const struct log_frame *frame,
	const char *subsystem, int prio, const char *text);
/** Control characters, which a hostile text may hold, become blanks. */
void log_make_printable(char *text);
/** Least severe priority that goes to a target whose own limit this is: debug and trace override
 * it. */
int log_limit_of(int debug, int priority);

#endif

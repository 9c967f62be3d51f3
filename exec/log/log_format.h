/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The format of a log line on each target (book configuration, "Logging"). These functions are pure: time, host
 * and pid are arguments.
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
	LOG_TARGET_SYSLOG, /* without the ident, which send_syslog puts in front */
};

struct log_frame {
	bool is_json;       /* stderr and file: a line is a JSON object */
	int timestamp;      /* 0 off, 1 seconds, 2 milliseconds */
	struct timespec at; /* wall clock */
	const char *host;
	const char *ident;
	int pid;
};

/**
 * Format a line.
 * @param line  out; ends in a NUL, without a line feed; cut if size is too small
 * @return length of the line
 */
size_t log_format(char *line, size_t size, enum log_target target, const struct log_frame *frame, const char *subsystem,
	int prio, const char *text);
/** Replace control characters, and bytes that are not UTF-8, by blanks. A hostile text may have them. */
void log_make_printable(char *text);
/** Return the least severe priority that goes to a target with this limit. debug and trace override the limit. */
int log_limit_of(int debug, int priority);

#endif

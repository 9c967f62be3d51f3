/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log of the executive, on stderr, in a file and in syslog, with levels for each subsystem. This is one of the two
 * modules with global state.
 */
#ifndef EXEC_LOG_H
#define EXEC_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

struct config_log;

#define LOG_TRACE (LOG_DEBUG + 1)

/**
 * Log to stderr, and errors to syslog, until log_configure. ident is borrowed until the process ends: "coterie" or
 * "coterie-INSTANCE".
 */
void log_open(const char *ident);
/**
 * Apply new settings, at start and reload: all or none.
 * @param error  out, text of the failure for the operator
 * @return 0; -errno: the old settings stay
 */
int log_configure(const struct config_log *settings, char *error, uint32_t error_size);
/**
 * Check whether log_configure could apply these settings. Returns the same errors. From any thread. Missing files are
 * created.
 */
int log_check(const struct config_log *settings, char *error, uint32_t error_size);
/**
 * Log lines of libqb, as subsystem QB. Debug lines are included only if the subsystem wants them at this time. Call
 * this once, after log_configure. -errno: libqb's lines are not logged.
 */
int log_take_libqb(void);
int log_reopen(void); /* call this after files were rotated. -errno of the first file that failed */
void log_close(void);

/**
 * Write the flight recorder (flight.h) to a file in dir. It has the lines of all levels, if the settings turn it on. 0;
 * -ENOENT: it is off; -errno.
 */
int log_flight_write(const char *dir);
/**
 * From now on, also write the flight recorder when the process dies of SIGSEGV, SIGABRT, SIGFPE or SIGILL. dir is
 * copied.
 */
void log_flight_arm(const char *dir);
/**
 * When the process dies of a signal, make its last log line say whose code ran. Before log_flight_arm and a log file,
 * that line goes to the standard error and no flight record is written.
 * @param describe  writes up to size bytes and returns text, or returns NULL: nothing is known. Called in a signal
 *                  handler, on the thread that died. context is its ucontext_t
 */
void log_on_death(const char *(*describe)(char *text, size_t size, const void *context));

/**
 * Log one line. subsystem: "MAIN", "TOTEM", "CPG", … (book configuration, "Logging"). From any thread.
 */
void log_line(const char *subsystem, int prio, const char *format, ...) __attribute__((format(printf, 3, 4)));
void log_vline(const char *subsystem, int prio, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));
bool log_is_wanted(const char *subsystem, int prio); /* false: a line would go nowhere */
/**
 * Return the number of lines of a level, LOG_EMERG .. LOG_TRACE. Lines that went only to the flight recorder are not
 * counted.
 */
uint64_t log_count(int prio);

/** A limit for log lines that clients or packets can cause. Initial state: all members zero. */
struct log_limit {
	uint64_t window_ns; /* start of the present window */
	uint32_t count;     /* lines in the present window */
	uint32_t hidden;    /* lines hidden since the last one that was shown */
	uint64_t burst_ns;  /* of a service: start of the present burst */
	uint32_t burst;     /* lines in the present burst */
};
/** Log at most 5 lines in 10 s for this limit. The next line that is shown has the number of hidden ones. */
void log_limited(struct log_limit *limit, uint64_t now_ns, const char *subsystem, int prio, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

#define LOG_LIMITS 128u

/** Limits for the lines of one service. Initial state: all members zero. */
struct log_limits {
	bool is_off; /* an operator has asked for a print-out, however long */
	/* Each format has an element of its own. All further formats share the last one. */
	const char *formats[LOG_LIMITS];
	struct log_limit list[LOG_LIMITS];
};
/**
 * Log at most 100 lines of one format in 10 s, and at most 10 in 100 ms. All messages of a frame are delivered in one turn
 * of the loop, and 100 lines take longer than a turn should. The next line that is shown has the number of hidden ones.
 * Debug and trace lines have no limit, since an operator has asked for them. Lines that go nowhere are not counted. From
 * any thread.
 */
void log_vlimited(struct log_limits *limits, uint64_t now_ns, const char *subsystem, int prio, const char *format,
	va_list arguments) __attribute__((format(printf, 5, 0)));

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log of the executive, on stderr, in a file and in syslog, with levels for each subsystem. One of the two
 * modules with state of the process.
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
 * Take new settings (start and reload): all or nothing.
 * @param error  out, text of the failure for the operator
 * @return 0; -errno: the old settings stay
 */
int log_configure(const struct config_log *settings, char *error, uint32_t error_size);
/** Check whether log_configure could take these settings. Same errors, from any thread. Missing files are created. */
int log_check(const struct config_log *settings, char *error, uint32_t error_size);
/**
 * Log lines of libqb, as subsystem QB, with debug lines only if the subsystem wants them now. Call this once, after
 * log_configure. -errno: they are not logged.
 */
int log_take_libqb(void);
int log_reopen(void); /* after files were rotated. -errno of the first one that failed */
void log_close(void);

/**
 * Write the flight recorder (flight.h) to a file in dir. It has the lines of all levels, while the settings want it.
 * 0; -ENOENT: it is off; -errno.
 */
int log_flight_write(const char *dir);
/** Also write it when the process dies of SIGSEGV, SIGABRT, SIGFPE or SIGILL, from now on. dir is copied. */
void log_flight_arm(const char *dir);
/**
 * Have the last line of a process that dies of a signal say whose code ran. Before log_flight_arm and a log file, that
 * line goes to the standard error and no flight record is written.
 * @param describe  writes up to size bytes and returns text, or returns NULL: nothing is known. Called in a signal handler,
 *     on the thread that died. context is its ucontext_t
 */
void log_on_death(const char *(*describe)(char *text, size_t size, const void *context));

/**
 * Log one line. subsystem: "MAIN", "TOTEM", "CPG", … (book configuration, "Logging"). From any thread.
 */
void log_line(const char *subsystem, int prio, const char *format, ...) __attribute__((format(printf, 3, 4)));
void log_vline(const char *subsystem, int prio, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));
bool log_is_wanted(const char *subsystem, int prio); /* false: a line would go nowhere */
/** Return the number of lines of a level, LOG_EMERG .. LOG_TRACE, without those that only the flight recorder has. */
uint64_t log_count(int prio);

/** A limit for one cause that clients or packets can trigger. All zero is the start. */
struct log_limit {
	uint64_t window_ns; /* start of the present window */
	uint32_t count;     /* lines in it */
	uint32_t hidden;    /* since the last line that was shown */
};
/** Log at most 5 lines in 10 s for this limit. The next line that is shown has the number of hidden ones. */
void log_limited(struct log_limit *limit, uint64_t now_ns, const char *subsystem, int prio, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

#endif

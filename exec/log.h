/*
 * The log of the executive: stderr, file, syslog; levels by subsystem. One of the two places with state
 * of the process.
 */
#ifndef EXEC_LOG_H
#define EXEC_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

struct config_log;

#define LOG_TRACE (LOG_DEBUG + 1)

/**
 * Log to stderr, and errors to syslog, until log_configure. ident: borrowed for good, "coterie" or
 * "coterie-INSTANCE".
 */
void log_open(const char *ident);
/**
 * Take new settings (start and reload): all or nothing.
 * @param error  out, text of the failure for the operator
 * @return 0; -errno: the old settings stay
 */
int log_configure(const struct config_log *settings, char *error, uint32_t error_size);
/** Could log_configure take these? Same errors; any thread. Files that are not there yet are made. */
int log_check(const struct config_log *settings, char *error, uint32_t error_size);
/**
 * Let libqb's own lines through, as subsystem QB; debug lines only if that subsystem wants them now. Call
 * once, after log_configure. -errno: they stay unheard.
 */
int log_take_libqb(void);
int log_reopen(void); /* files were rotated; -errno of the first that failed */
void log_close(void);

/**
 * The flight recorder (flight.h) takes every line of every level while the settings want it. Write it to a
 * file in dir. 0; -ENOENT: it is off; -errno.
 */
int log_flight_write(const char *dir);
/** From now on write it, too, when the process dies of SIGSEGV or SIGABRT. dir is copied. */
void log_flight_arm(const char *dir);

/**
 * One line. subsystem: "MAIN", "TOTEM", "CPG", … (book configuration, "Logging"). From any thread.
 */
void log_line(const char *subsystem, int prio, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void log_vline(const char *subsystem, int prio, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));
bool log_is_wanted(const char *subsystem, int prio); /* false: a line would go nowhere */
/** Lines of LOG_EMERG .. LOG_TRACE so far, but for those that the flight recorder alone has. */
uint64_t log_count(int prio);

/** Limit for one cause that the outside can trigger. All zero is the start. */
struct log_limit {
	uint64_t window_ns; /* start of the present window */
	uint32_t count;     /* lines in it */
	uint32_t hidden;    /* since the last line that was shown */
};
/** log_line at most 5 times in 10 s for this limit; the next shown line says how many were hidden. */
void log_limited(struct log_limit *limit, uint64_t now_ns, const char *subsystem, int prio,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif

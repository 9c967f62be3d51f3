/*
 * The flight recorder: the last lines of every level in memory, written to a file when somebody asks or the
 * process dies (book configuration, "Flight recorder"). The file is libqb's blackbox format, which
 * qb-blackbox(8) reads.
 */
#ifndef EXEC_FLIGHT_H
#define EXEC_FLIGHT_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct flight;

#define FLIGHT_SIZE (8u << 20) /* bytes of a recorder; the reference's */
#define FLIGHT_PATH_MAX 4200u  /* of a file, with its NUL */

/** size: bytes, a multiple of 4096. Memory is taken as it fills. NULL: out of memory. */
struct flight *flight_create(size_t size);
void flight_destroy(struct flight *flight); /* NULL is ignored */

/** Keep one line. The oldest ones make room. */
void flight_record(struct flight *flight, const char *subsystem, int prio, const struct timespec *at,
	const char *text);

/**
 * Write what is there to DIR/fdata-TIME-PID, mode 0700, and let the link DIR/fdata point to it. Calls
 * nothing that a signal handler may not.
 * @param utc_offset_s  of local time, for the name
 * @param path  out; "" when there was no room for it
 * @return 0; -ENAMETOOLONG; -errno of the file
 */
int flight_write(const struct flight *flight, const char *dir, time_t now, long utc_offset_s,
	char path[FLIGHT_PATH_MAX]);

#endif

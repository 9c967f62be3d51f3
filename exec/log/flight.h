/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flight recorder: the last lines of all levels in memory. They are written to a file on request, or when the
 * process dies (book configuration, "Flight recorder"). The file has libqb's blackbox format, which qb-blackbox(8)
 * reads.
 */
#ifndef EXEC_FLIGHT_H
#define EXEC_FLIGHT_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct flight;

#define FLIGHT_SIZE (8u << 20) /* bytes of a recorder, as Corosync has */
#define FLIGHT_PATH_MAX 4200u  /* bytes of the file's path, with its NUL */

/**
 * Create a recorder of size bytes, a multiple of 4096. Its memory is allocated as it is filled. NULL: out of memory.
 */
struct flight *flight_create(size_t size);
void flight_destroy(struct flight *flight); /* NULL is ignored */

/** Record a line. The oldest lines are overwritten if there is no room. */
void flight_record(struct flight *flight, const char *subsystem, int prio, const struct timespec *at, const char *text);

/**
 * Write the lines to DIR/fdata-TIME-PID, mode 0600, and make the link DIR/fdata point to that file. Both are created: what
 * had these names is removed, and never written to. Links of other users on the way to DIR are not followed. A signal
 * handler may call this.
 * @param utc_offset_s  seconds from UTC to local time, for the name
 * @param path  out: path of the file, or "" if it is too long
 * @return 0; -ENAMETOOLONG; -ELOOP: a link on the way is another user's; -errno of the folder or the file
 */
int flight_write(
	const struct flight *flight, const char *dir, time_t now, long utc_offset_s, char path[FLIGHT_PATH_MAX]);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The timer of shared values (exec/map/map.h). It calls the trackers of the counters that have changed: soon after a
 * pause, and once in 1.5 s while they go on changing. It runs only while there are such changes.
 */
#ifndef EXEC_SHARED_TELL_H
#define EXEC_SHARED_TELL_H

struct loop;
struct map;
struct shared_tell;

struct shared_tell *shared_tell_create(struct loop *loop, struct map *map); /* both borrowed. NULL: out of memory */
void shared_tell_destroy(struct shared_tell *tell);                         /* before the map; NULL is ignored */

#endif

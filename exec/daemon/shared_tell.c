/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/daemon/shared_tell.h"

#include <stdlib.h>

#include "exec/loop/loop.h"
#include "exec/map/map.h"
#include "exec/stats/stats.h"

/*
 * A round is done in slices, so that it does not delay the loop. A call of a tracker takes up to 30 us if it sends an
 * event to a client that does not read.
 */
#define SLICE_STEPS 32u
#define SLICE_PAUSE_NS UINT64_C(1000000)

struct shared_tell {
	struct loop *loop;
	struct map *map;
	struct loop_timer *timer; /* or NULL */
	uint64_t next_ns;         /* time of the next round, or slice */
};

static void on_timer(void *arg);

/* If memory runs out, the next change starts the timer. */
static void start_timer(struct shared_tell *tell)
{
	uint64_t soon_ns = loop_now_ns(tell->loop) + SLICE_PAUSE_NS;

	if (tell->timer == NULL)
		tell->timer = loop_timer_add(
			tell->loop, tell->next_ns > soon_ns ? tell->next_ns : soon_ns, on_timer, tell);
}

static void on_timer(void *arg)
{
	struct shared_tell *tell = arg;
	enum map_shared_state state = map_shared_tell(tell->map, SLICE_STEPS);

	tell->timer = NULL; /* only now, so that a change in a call above starts no timer */
	tell->next_ns = 0;
	if (state != MAP_SHARED_TELLING)
		tell->next_ns = loop_now_ns(tell->loop) + STATS_REFRESH_NS;
	if (state != MAP_SHARED_QUIET)
		start_timer(tell);
}

static void on_change(void *arg)
{
	struct shared_tell *tell = arg;

	if (tell->timer == NULL)
		start_timer(tell);
}

struct shared_tell *shared_tell_create(struct loop *loop, struct map *map)
{
	struct shared_tell *tell = calloc(1, sizeof(*tell));

	if (tell == NULL)
		return NULL;
	tell->loop = loop;
	tell->map = map;
	map_shared_watch(map, on_change, tell);
	return tell;
}

void shared_tell_destroy(struct shared_tell *tell)
{
	if (tell == NULL)
		return;
	map_shared_watch(tell->map, NULL, NULL);
	loop_timer_del(tell->loop, tell->timer);
	free(tell);
}

#include "exec/stats_times.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "exec/stats.h"

/* Spec 08 §7.2. */
static const uint64_t bounds_us[STATS_TIMES_BOUNDS] = {100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000,
	200000, 500000, 1000000, 2000000, 5000000};

static void note(struct stats_histogram *histogram, uint64_t took_ns)
{
	uint64_t took_us = took_ns / 1000;
	uint32_t i = 0;

	while (i < STATS_TIMES_BOUNDS && took_us >= bounds_us[i])
		i++;
	histogram->counts[i]++;
	histogram->sum_us += took_us;
}

void stats_times_token(struct stats_times *times, uint64_t received_ns, uint64_t now_ns)
{
	uint64_t before_ns = times->token_ns;

	if (received_ns == before_ns || received_ns == 0 || received_ns > now_ns)
		return;
	times->token_ns = received_ns;
	note(&times->token_hold, now_ns - received_ns);
	if (before_ns != 0 && before_ns < received_ns)
		note(&times->token_rotation, received_ns - before_ns);
}

static uint32_t read_u64(void *arg, void *value)
{
	memcpy(value, arg, sizeof(uint64_t));
	return sizeof(uint64_t);
}

static int add(struct stats *stats, const char *name, const char *what, const uint64_t *number)
{
	char key[COTERIE_MAP_NAME_MAX + 1];

	snprintf(key, sizeof(key), "stats.coterie.times.%s.%s", name, what);
	return stats_add(stats, NULL, key, COTERIE_MAP_U64, read_u64, (void *)(uintptr_t)number);
}

static int add_histogram(struct stats *stats, const char *name, const struct stats_histogram *histogram)
{
	int rc = add(stats, name, "sum_us", &histogram->sum_us);
	char what[16];

	for (uint32_t i = 0; rc == 0 && i <= STATS_TIMES_BOUNDS; i++) {
		snprintf(what, sizeof(what), "%02u.count", i);
		rc = add(stats, name, what, &histogram->counts[i]);
		if (rc < 0 || i == STATS_TIMES_BOUNDS)
			continue;
		snprintf(what, sizeof(what), "%02u.below_us", i);
		rc = add(stats, name, what, &bounds_us[i]);
	}
	return rc;
}

int stats_times_add(struct stats *stats, const struct stats_times *times)
{
	int rc = add_histogram(stats, "token_hold", &times->token_hold);

	return rc < 0 ? rc : add_histogram(stats, "token_rotation", &times->token_rotation);
}

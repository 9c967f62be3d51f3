/* SPDX-License-Identifier: BSD-3-Clause */
/* Counts how reloads ended on this node, for the statistics. An examination (SIGHUP) does not count. */
#include "exec/reload/reload_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exec/stats/stats.h"

bool reload_is_change(const struct reload *reload, const struct config *config)
{
	static const char change[] = "change "; /* begins the line of a change. Other lines are about a restart */
	char *lines = reload_list(reload, config, NULL, 0);
	bool is_change = lines == NULL || strncmp(lines, change, strlen(change)) == 0 ||
			 strstr(lines, "\nchange ") != NULL;

	free(lines);
	return is_change;
}

void reload_count(struct reload *reload, int rc, bool is_change)
{
	struct reload_counts *counts = &reload->counts;
	enum reload_result result = rc == -ENOMEM ? RELOAD_ERROR
				    : rc < 0      ? RELOAD_REFUSED
				    : is_change   ? RELOAD_APPLIED
						  : RELOAD_UNCHANGED;
	struct timespec now;

	counts->results[result]++;
	if (rc < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	counts->taken_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int add(struct reload *reload, const char *name, const uint64_t *number)
{
	char key[64];

	snprintf(key, sizeof(key), "stats.coterie.reload.%s", name);
	return stats_add_u64(reload->parts.stats, reload, key, number);
}

int reload_count_init(struct reload *reload)
{
	static const char *const names[RELOAD_RESULTS] = {[RELOAD_APPLIED] = "applied",
		[RELOAD_UNCHANGED] = "unchanged",
		[RELOAD_REFUSED] = "refused",
		[RELOAD_ERROR] = "error"};
	int rc = add(reload, "taken_ms", &reload->counts.taken_ms);

	for (uint32_t i = 0; rc == 0 && i < RELOAD_RESULTS; i++)
		rc = add(reload, names[i], &reload->counts.results[i]);
	return rc;
}

void reload_count_fini(struct reload *reload) { stats_forget(reload->parts.stats, reload); }

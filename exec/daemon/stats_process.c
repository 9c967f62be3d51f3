/* SPDX-License-Identifier: BSD-3-Clause */
/* Resources of the daemon's process, and bytes of its transport: stats.coterie.process.*, .transport.* */
#include "exec/daemon/stats_daemon.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "exec/loop/loop.h"
#include "exec/ring/ring.h"
#include "exec/stats/stats.h"

#define FDS "/proc/self/fd"
#define FDS_FEW 500u
#define LONG_KEEP_NS UINT64_C(60000000000)

/* Put a value that is kept. If it is too old, read it first. */
static uint32_t put_kept(
	const struct stats_process *process, struct stats_kept *kept, uint64_t (*read)(uint64_t *keep_ns), void *value)
{
	uint64_t now_ns = loop_now_ns(process->loop), keep_ns = STATS_KEEP_NS;

	if (now_ns >= kept->until_ns) {
		kept->number = read(&keep_ns);
		kept->until_ns = now_ns + keep_ns;
	}
	return stats_put_u64(value, kept->number);
}

static uint32_t read_cpu(void *arg, void *value)
{
	struct timespec used = {.tv_sec = 0};

	(void)arg;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return stats_put_u64(value, (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000);
}

/* Read the resident size: the second number of statm, in pages, proc(5). */
static uint64_t resident_bytes(uint64_t *keep_ns)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	(void)keep_ns;
	if (file != NULL) {
		if (fscanf(file, "%*u %lu", &pages) != 1)
			pages = 0;
		fclose(file);
	}
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/*
 * Count the open descriptors. From Linux 6.2 on, their number is the size of the folder. An older kernel makes a name for
 * each of them, 3 us each. So a large number is kept for longer there.
 */
static uint64_t open_fds(uint64_t *keep_ns)
{
	struct stat status;

	if (stat(FDS, &status) == 0 && status.st_size > 0)
		return (uint64_t)status.st_size;

	DIR *folder = opendir(FDS);
	const struct dirent *entry;
	uint64_t count = 0;

	if (folder == NULL)
		return 0;
	while ((entry = readdir(folder)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(folder);
	if (count > FDS_FEW)
		*keep_ns = LONG_KEEP_NS;
	return count > 0 ? count - 1 : 0; /* not counting the descriptor of this folder */
}

static uint32_t read_resident(void *arg, void *value)
{
	struct stats_process *process = arg;

	return put_kept(process, &process->resident_bytes, resident_bytes, value);
}

static uint32_t read_open_fds(void *arg, void *value)
{
	struct stats_process *process = arg;

	return put_kept(process, &process->open_fds, open_fds, value);
}

static uint32_t read_max_fds(void *arg, void *value)
{
	struct rlimit limit = {.rlim_cur = 0};

	(void)arg;
	getrlimit(RLIMIT_NOFILE, &limit);
	return stats_put_u64(value, limit.rlim_cur);
}

static struct coterie_transport_stats carried(const struct stats_process *process)
{
	struct coterie_transport_stats stats = {.size = sizeof(stats)};

	ring_transport_stats(process->ring, &stats);
	return stats;
}

static uint32_t read_bytes_rx(void *arg, void *value) { return stats_put_u64(value, carried(arg).bytes_in); }

static uint32_t read_bytes_tx(void *arg, void *value) { return stats_put_u64(value, carried(arg).bytes_out); }

int stats_process_add(struct stats *stats, struct stats_process *process)
{
	static const struct {
		const char *key;
		coterie_stat_read read;
	} values[] = {
		{"stats.coterie.process.cpu_us", read_cpu},
		{"stats.coterie.process.max_fds", read_max_fds},
		{"stats.coterie.process.open_fds", read_open_fds},
		{"stats.coterie.process.resident_bytes", read_resident},
		{"stats.coterie.transport.bytes_rx", read_bytes_rx},
		{"stats.coterie.transport.bytes_tx", read_bytes_tx},
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(values) / sizeof(values[0]); i++)
		rc = stats_add(stats, NULL, values[i].key, COTERIE_MAP_U64, values[i].read, process);
	return rc;
}

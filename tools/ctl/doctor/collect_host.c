/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's process, and the limits of this host for it: from /proc, /sys and file systems. */
#include "tools/ctl/doctor/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "config.h"
#include "tools/ctl/doctor/sockets.h"

#define NS_PER_MS 1000000
#define US_PER_MS 1000
#define POLICY_FIELD 41 /* number of a field of /proc/PID/stat: see proc(5) */
#define FAULTS_FIELD 12

/* --- small files --- */

static int64_t read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	int64_t number = DOCTOR_UNKNOWN;

	if (file == NULL)
		return DOCTOR_UNKNOWN;
	if (fscanf(file, "%" SCNd64, &number) != 1)
		number = DOCTOR_UNKNOWN;
	fclose(file);
	return number;
}

/* Read the number behind a word at the beginning of a line. */
static int64_t read_line_number(const char *path, const char *word)
{
	FILE *file = fopen(path, "re");
	int64_t number = DOCTOR_UNKNOWN;
	char line[256];

	if (file == NULL)
		return DOCTOR_UNKNOWN;
	while (number < 0 && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, word, strlen(word)) == 0 && sscanf(line + strlen(word), " %" SCNd64, &number) != 1)
			number = DOCTOR_UNKNOWN;
	fclose(file);
	return number;
}

/*
 * Read a field of /proc/PID/stat by its number. The second field is a name in parentheses, which may have any
 * characters.
 */
static int64_t read_stat(int64_t pid, int number)
{
	char path[64], line[1024];

	snprintf(path, sizeof(path), "/proc/%" PRIi64 "/stat", pid);
	FILE *file = fopen(path, "re");
	bool is_read = file != NULL && fgets(line, sizeof(line), file) != NULL;

	if (file != NULL)
		fclose(file);
	char *at = is_read ? strrchr(line, ')') : NULL;
	for (int field = 2; at != NULL && field < number; field++)
		at = strchr(at + 1, ' ');
	return at != NULL ? strtoll(at, NULL, 10) : DOCTOR_UNKNOWN;
}

/* --- processor --- */

/* Read how long the daemon was ready to run and did not run. */
static int64_t read_wait_ms(int64_t pid)
{
	char path[64];
	int64_t waited_ns = DOCTOR_UNKNOWN;

	snprintf(path, sizeof(path), "/proc/%" PRIi64 "/schedstat", pid);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return DOCTOR_UNKNOWN;
	if (fscanf(file, "%*d %" SCNd64, &waited_ns) != 1)
		waited_ns = DOCTOR_UNKNOWN;
	fclose(file);
	return waited_ns < 0 ? DOCTOR_UNKNOWN : waited_ns / NS_PER_MS;
}

/* Read the ticks of all processors together, and those that the hypervisor gave to other machines. */
static void read_ticks(int64_t *ticks, int64_t *stolen)
{
	int64_t values[8] = {0};
	FILE *file = fopen("/proc/stat", "re");

	*ticks = *stolen = DOCTOR_UNKNOWN;
	if (file == NULL)
		return;
	if (fscanf(file,
		    "cpu %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64,
		    &values[0], &values[1], &values[2], &values[3], &values[4], &values[5], &values[6],
		    &values[7]) == 8) {
		*ticks = 0;
		for (int i = 0; i < 8; i++)
			*ticks += values[i];
		*stolen = values[7];
	}
	fclose(file);
}

/* Read how long the daemon's control group was throttled. Only control groups of version 2 are read. */
static int64_t read_throttled_ms(int64_t pid)
{
	char path[64], line[512] = "", stat[700];

	snprintf(path, sizeof(path), "/proc/%" PRIi64 "/cgroup", pid);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return DOCTOR_UNKNOWN;
	while (fgets(line, sizeof(line), file) != NULL && strncmp(line, "0::", 3) != 0)
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	if (line[0] == '\0')
		return DOCTOR_UNKNOWN;
	snprintf(stat, sizeof(stat), "/sys/fs/cgroup%s/cpu.stat", line + 3);
	int64_t us = read_line_number(stat, "throttled_usec");
	return us < 0 ? DOCTOR_UNKNOWN : us / US_PER_MS;
}

static int64_t read_pressure(void)
{
	FILE *file = fopen("/proc/pressure/cpu", "re");
	double percent = -1;

	if (file == NULL)
		return DOCTOR_UNKNOWN;
	if (fscanf(file, "some avg10=%lf", &percent) != 1)
		percent = -1;
	fclose(file);
	return percent < 0 ? DOCTOR_UNKNOWN : (int64_t)percent;
}

static void look_at_process(struct doctor_host *host)
{
	char path[64];

	if (host->pid <= 0)
		return;
	host->policy = read_stat(host->pid, POLICY_FIELD);
	host->faults = read_stat(host->pid, FAULTS_FIELD);
	snprintf(path, sizeof(path), "/proc/%" PRIi64 "/status", host->pid);
	int64_t locked_kib = read_line_number(path, "VmLck:");
	host->locked = locked_kib < 0 ? DOCTOR_UNKNOWN : locked_kib * 1024;
	host->throttled_ms = read_throttled_ms(host->pid);
}

/* --- files --- */

/* Make the name under which the daemon sees a file: its file systems may differ from those of this process. */
static void in_daemon(const struct doctor_host *host, const char *path, char name[4200])
{
	char root[64];

	snprintf(root, sizeof(root), "/proc/%" PRIi64 "/root", host->pid);
	if (host->pid > 0 && access(root, X_OK) == 0)
		snprintf(name, 4200, "%s%s", root, path);
	else
		snprintf(name, 4200, "%s", path);
}

static bool may_write(const struct doctor_host *host, const struct stat *folder)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%" PRIi64 "/status", host->pid);
	int64_t uid = host->pid > 0 ? read_line_number(path, "Uid:") : 0;
	return uid <= 0 ||
	       (folder->st_uid == (uid_t)uid ? (folder->st_mode & 0200) != 0 : (folder->st_mode & 0022) != 0);
}

static void look_at_state_folder(struct doctor_facts *facts, struct host_collector *own)
{
	struct doctor_host *host = &facts->host;
	struct statvfs disk;
	struct stat folder;
	char name[4200];
	const char *configured = doctor_text(&facts->config, "system.state_dir");
	const char *instance = doctor_text(&facts->stats_before, "stats.coterie.instance");

	if (configured != NULL)
		snprintf(own->state_dir, sizeof(own->state_dir), "%s", configured);
	else
		snprintf(own->state_dir, sizeof(own->state_dir), "%s%s%s", LOCALSTATE_DIR "/lib/coterie",
			instance != NULL && *instance != '\0' ? "/" : "", instance != NULL ? instance : "");
	host->state_dir = own->state_dir;
	in_daemon(host, own->state_dir, name);
	if (stat(name, &folder) < 0 || statvfs(name, &disk) < 0) {
		host->state_errno = errno;
		return;
	}
	host->is_state_read_only = (disk.f_flag & ST_RDONLY) != 0;
	host->is_state_writable = may_write(host, &folder);
	host->state_free = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
	host->state_files_free = disk.f_files > 0 ? (int64_t)disk.f_favail : INT64_MAX;
}

static void look_at_key_file(struct doctor_facts *facts, struct host_collector *own)
{
	struct doctor_host *host = &facts->host;
	const char *file = doctor_text(&facts->stats_before, "stats.coterie.key_file");
	struct stat key;

	if (file == NULL || *file == '\0')
		file = doctor_text(&facts->config, "totem.keyfile");
	if (file == NULL || *file == '\0')
		return;
	snprintf(own->key_file, sizeof(own->key_file), "%s", file);
	host->key_file = own->key_file;
	if (stat(own->key_file, &key) < 0) {
		host->key_errno = errno;
		return;
	}
	host->key_mode = key.st_mode & 07777;
	host->key_size = key.st_size;
}

static void look_at_shm(struct doctor_host *host)
{
	struct statvfs disk;
	char name[4200];

	in_daemon(host, "/dev/shm", name);
	if (statvfs(name, &disk) == 0)
		host->shm_free = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
}

/* --- begin and end --- */

void collect_host_begin(struct ctl *ctl, struct doctor_facts *facts, struct host_collector *own)
{
	struct doctor_host *host = &facts->host;

	(void)ctl;
	*own = (struct host_collector){.wait_ms = DOCTOR_UNKNOWN};
	host->is_root = geteuid() == 0;
	host->pid = doctor_number(&facts->stats_before, "stats.coterie.pid", DOCTOR_UNKNOWN);
	host->rt_period_us = read_number("/proc/sys/kernel/sched_rt_period_us");
	host->rt_runtime_us = read_number("/proc/sys/kernel/sched_rt_runtime_us");
	host->rmem_max = read_number("/proc/sys/net/core/rmem_max");
	if (host->pid > 0)
		own->wait_ms = read_wait_ms(host->pid);
	read_ticks(&own->ticks, &own->stolen);
	own->drops = sockets_drops(facts);
	own->datagrams = sockets_datagrams();
	look_at_process(host);
	look_at_state_folder(facts, own);
	look_at_key_file(facts, own);
	look_at_shm(host);
}

void collect_host_end(struct doctor_facts *facts, struct host_collector *own)
{
	struct doctor_host *host = &facts->host;
	int64_t ticks, stolen, drops = sockets_drops(facts);

	host->fds_open = doctor_number(&facts->stats, "stats.coterie.process.open_fds", DOCTOR_UNKNOWN);
	host->fds_max = doctor_number(&facts->stats, "stats.coterie.process.max_fds", DOCTOR_UNKNOWN);
	host->receive_buffer = sockets_receive_buffer(facts);
	host->cpu_pressure = read_pressure();
	if (own->wait_ms >= 0 && host->pid > 0)
		host->wait_ms = read_wait_ms(host->pid) - own->wait_ms;
	if (own->drops >= 0 && drops >= own->drops)
		host->drops = drops - own->drops;
	int64_t datagrams = sockets_datagrams();
	if (own->datagrams >= 0 && datagrams >= own->datagrams)
		host->datagrams_in = datagrams - own->datagrams;
	read_ticks(&ticks, &stolen);
	if (own->ticks >= 0 && ticks > own->ticks)
		host->steal_percent = (stolen - own->stolen) * 100 / (ticks - own->ticks);
}

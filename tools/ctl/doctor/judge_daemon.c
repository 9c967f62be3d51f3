/* SPDX-License-Identifier: BSD-3-Clause */
/* Judge whether the daemon runs, and whether it gets the resources to run in time. */
#include "tools/ctl/doctor/judge.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define LOCKED_LEAST 4194304 /* bytes. Memory for keys is always locked, and is less than this */
#define LATE_RECENT 10       /* number of the last pauses that stats.schedmiss has */
#define STEAL_HIGH 5         /* percent */
#define PRESSURE_HIGH 30     /* percent of time in which a task waited for a processor */
#define RT_SHARE_LEAST 90    /* percent of a period for real-time processes */
#define DEFAULT_TOKEN_MS 1000

void judge_running(const struct doctor_facts *facts, struct doctor_report *report)
{
	if (facts->mode != DOCTOR_OF_HOST)
		return;
	struct doctor_finding *finding = doctor_find(report, DOCTOR_ERROR, "the daemon of this node does not answer");

	doctor_evidence(finding, "%.300s", facts->problem);
	doctor_remedy(finding, "systemctl start coterie; journalctl -u coterie -n 50 shows why a start fails");
}

void judge_version(const struct doctor_facts *facts, struct doctor_report *report)
{
	const char *own = doctor_text(&facts->stats, "stats.coterie.version");

	if (own == NULL) {
		doctor_unchecked(report, "%s",
			facts->mode == DOCTOR_OF_DAEMON ? "the daemon does not tell" : "the daemon does not run");
		return;
	}
	for (size_t i = 0; i < facts->node_count; i++) {
		const struct doctor_node *node = &facts->nodes[i];
		const char *theirs = node->is_asked ? doctor_text(&node->stats, "stats.coterie.version") : NULL;

		if (!node->is_asked)
			doctor_unchecked(report, "node %" PRIu32 ": %s", node->id, node->why);
		if (theirs == NULL || strcmp(own, theirs) == 0)
			continue;
		struct doctor_finding *finding = doctor_find(
			report, DOCTOR_NOTE, "node %" PRIu32 " runs another version of Coterie", node->id);

		finding->peer = node->id;
		doctor_evidence(finding, "it runs %s, this node %s", theirs, own);
		doctor_remedy(finding, "end the upgrade: install one version on all nodes");
	}
}

void judge_realtime(const struct doctor_facts *facts, struct doctor_report *report)
{
	if (!doctor_is_on(&facts->config, "system.sched_rr", true) || facts->mode != DOCTOR_OF_DAEMON)
		return;
	if (facts->host.policy < 0) {
		doctor_unchecked(report, "the scheduling of the daemon's process cannot be read");
		return;
	}
	if (facts->host.policy == SCHED_RR || facts->host.policy == SCHED_FIFO)
		return;
	struct doctor_finding *finding = doctor_find(
		report, DOCTOR_WARNING, "the daemon runs without real-time priority, although its config asks for it");

	doctor_evidence(finding, "process %" PRIi64 " has an ordinary scheduling class", facts->host.pid);
	doctor_remedy(finding,
		"start it with CPUSchedulingPolicy=rr and LimitRTPRIO=99 in its unit, or set realtime = no in block process");
}

void judge_throttling(const struct doctor_facts *facts, struct doctor_report *report)
{
	const int64_t runtime = facts->host.rt_runtime_us, period = facts->host.rt_period_us;

	if (period <= 0) {
		doctor_unchecked(report, "the kernel's limit for real-time processes cannot be read");
		return;
	}
	if (!doctor_is_on(&facts->config, "system.sched_rr", true) || runtime < 0 ||
		runtime * 100 >= period * RT_SHARE_LEAST)
		return;
	struct doctor_finding *finding = doctor_find(report, DOCTOR_WARNING,
		"the kernel stops real-time processes for a part of each period, the daemon among them");

	doctor_evidence(finding, "kernel.sched_rt_runtime_us is %" PRIi64 " of %" PRIi64, runtime, period);
	doctor_remedy(finding, "sysctl kernel.sched_rt_runtime_us=%" PRIi64, period / 100 * 95);
}

void judge_memory(const struct doctor_facts *facts, struct doctor_report *report)
{
	if (!doctor_is_on(&facts->config, "coterie.process.lock_memory", true) || facts->mode != DOCTOR_OF_DAEMON)
		return;
	if (facts->host.locked < 0) {
		doctor_unchecked(report, "the memory of the daemon's process cannot be read");
		return;
	}
	if (facts->host.locked >= LOCKED_LEAST)
		return;
	struct doctor_finding *finding = doctor_find(
		report, DOCTOR_WARNING, "the daemon's memory is not locked, so that it may be swapped out");

	doctor_evidence(
		finding, "process %" PRIi64 " has %" PRIi64 " KiB locked", facts->host.pid, facts->host.locked / 1024);
	doctor_remedy(
		finding, "start it with LimitMEMLOCK=infinity in its unit, or set lock-memory = no in block process");
}

/* --- pauses --- */

/* Find the plugin that delayed the daemon most. @return false: no plugin delayed it */
static bool find_slow_plugin(const struct doctor_keys *stats, char name[64], int64_t *worst_ms)
{
	*worst_ms = 0;
	for (size_t i = 0; i < stats->count; i++) {
		char found[64], key[128];
		int end = 0;

		if (sscanf(stats->list[i].name, "stats.plugins.%63[^.].overruns%n", found, &end) != 1 || end == 0 ||
			stats->list[i].name[end] != '\0' || strcmp(stats->list[i].value, "0") == 0)
			continue;
		snprintf(key, sizeof(key), "stats.plugins.%s.overrun_ms_max", found);
		int64_t ms = doctor_number(stats, key, 0);
		if (ms >= *worst_ms) {
			*worst_ms = ms;
			memcpy(name, found, sizeof(found));
		}
	}
	return *worst_ms > 0;
}

/* Add the likeliest cause of the delays, from the facts of this host. */
static void explain_late(const struct doctor_facts *facts, struct doctor_finding *finding, const char *seen)
{
	const struct doctor_host *host = &facts->host;
	char plugin[64];
	int64_t ms;

	if (find_slow_plugin(&facts->stats, plugin, &ms)) {
		doctor_evidence(finding, "%s; plugin %s held it up for up to %" PRIi64 " ms", seen, plugin, ms);
		doctor_remedy(finding, "unload plugin %s, or replace it with a version that does not wait", plugin);
	} else if (host->throttled_ms > 0) {
		doctor_evidence(finding, "%s; its control group was over its quota for %" PRIi64 " ms", seen,
			host->throttled_ms);
		doctor_remedy(finding, "take the CPUQuota= of its unit or container away");
	} else if (host->steal_percent >= STEAL_HIGH) {
		doctor_evidence(finding, "%s; the hypervisor keeps %" PRIi64 " %% of this machine's processors", seen,
			host->steal_percent);
		doctor_remedy(finding, "give the virtual machine processors of its own");
	} else if (host->policy == SCHED_OTHER && host->cpu_pressure >= PRESSURE_HIGH) {
		doctor_evidence(finding,
			"%s; it has no real-time priority, and tasks waited for a processor in %" PRIi64 " %% of 10 s",
			seen, host->cpu_pressure);
		doctor_remedy(finding,
			"give it real-time priority (CPUSchedulingPolicy=rr in its unit), or take load off this host");
	} else if (host->locked >= 0 && host->locked < LOCKED_LEAST && host->faults > 100) {
		doctor_evidence(finding, "%s; its memory is not locked and was read back from disk %" PRIi64 " times",
			seen, host->faults);
		doctor_remedy(finding, "start it with LimitMEMLOCK=infinity in its unit");
	} else {
		doctor_evidence(finding, "%s; this host shows no cause now", seen);
		doctor_remedy(finding,
			"look for snapshots or moves of the virtual machine, suspended hosts and stopped processes at these times");
	}
}

void judge_late(const struct doctor_facts *facts, struct doctor_report *report)
{
	const int64_t count = doctor_number(&facts->stats, "stats.coterie.scheduler.late", DOCTOR_UNKNOWN);
	int64_t worst_ms = 0;

	if (count < 0) {
		doctor_unchecked(report, "%s",
			facts->mode == DOCTOR_OF_DAEMON ? "the daemon does not tell" : "the daemon does not run");
		return;
	}
	if (count == 0)
		return;
	for (int i = 0; i < LATE_RECENT; i++) {
		char key[64];

		snprintf(key, sizeof(key), "stats.schedmiss.%d.delay", i);
		int64_t ms = doctor_number(&facts->stats, key, 0);
		worst_ms = ms > worst_ms ? ms : worst_ms;
	}
	char seen[160];
	snprintf(seen, sizeof(seen),
		"%" PRIi64 " pause%s since its start, the longest of the last ones %" PRIi64
		" ms, with a token timeout of %" PRIi64 " ms",
		count, count == 1 ? "" : "s", worst_ms,
		doctor_number(&facts->config, "runtime.config.totem.token", DEFAULT_TOKEN_MS));
	struct doctor_finding *finding = doctor_find(
		report, DOCTOR_WARNING, "the daemon did not get the processor in time");

	explain_late(facts, finding, seen);
}

void judge_identity(const struct doctor_facts *facts, struct doctor_report *report)
{
	if (facts->host.other_pid > 0) {
		struct doctor_finding *finding = doctor_find(
			report, DOCTOR_ERROR, "a second daemon on this host has the identity of this node");

		doctor_evidence(finding, "process %" PRIi64 " reads the same config file%s", facts->host.other_pid,
			facts->self != 0 ? ", and is the same node" : "");
		doctor_remedy(finding,
			"end process %" PRIi64 ", or start it with --node and --instance of a node of its own",
			facts->host.other_pid);
	}
	for (size_t i = 0; i < facts->path_count; i++) {
		const struct doctor_path *path = &facts->paths[i];

		if (path->nodeid != facts->self || facts->self == 0 || path->packets_in == 0)
			continue;
		struct doctor_finding *finding = doctor_find(report, DOCTOR_ERROR,
			"another host sends to the ring from the address of this node, %s", path->address);

		finding->link = (int)path->link;
		doctor_evidence(finding, "%" PRIu64 " packets came in from this node's own address in %.0f s, of %s",
			path->packets_in, facts->window_s, path->macs[0]);
		doctor_remedy(
			finding, "stop the copy: a cloned machine needs an address, a node id and a name of its own");
	}
}

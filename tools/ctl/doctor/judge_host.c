/* SPDX-License-Identifier: BSD-3-Clause */
/* Judge the limits and the state of this host. */
#include "tools/ctl/doctor/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FRAME_COST 2304  /* bytes of a receive buffer for a full frame: book transports, "Batches" */
#define FRAMES_LEAST 400 /* below this number of frames the daemon logs a warning */
#define DESCRIPTORS_LEAST 1024
#define MIB INT64_C(1048576)
#define STATE_LEAST (1 * MIB) /* free bytes that are needed to store the ring's number */
#define STATE_LOW (16 * MIB)  /* free bytes that are also enough for a flight record */
#define SHM_LEAST (8 * MIB)   /* free bytes for two clients */
#define SHM_LOW (64 * MIB)

void judge_buffers(const struct doctor_facts *facts, struct doctor_report *report)
{
	const struct doctor_host *host = &facts->host;
	struct doctor_finding *finding;

	if (facts->mode != DOCTOR_OF_DAEMON)
		return;
	if (host->drops > 0) {
		finding = doctor_find(report, DOCTOR_WARNING, "the ring's receive buffer overflows");
		doctor_evidence(
			finding, "%" PRIi64 " datagrams dropped by the socket in %.0f s", host->drops, facts->window_s);
		doctor_remedy(finding,
			"sysctl net.core.rmem_max=8388608, then restart the daemon; look for what keeps it from reading");
		return;
	}
	if (host->receive_buffer < 0) {
		doctor_unchecked(report, "the kernel does not tell the size of the daemon's receive buffer");
		return;
	}
	if (host->receive_buffer / FRAME_COST >= FRAMES_LEAST)
		return;
	finding = doctor_find(report, DOCTOR_WARNING,
		"the ring's receive buffer is small, so that the ring sends few packets at a time");
	doctor_evidence(finding, "%" PRIi64 " bytes hold %" PRIi64 " full packets; net.core.rmem_max is %" PRIi64,
		host->receive_buffer, host->receive_buffer / FRAME_COST, host->rmem_max);
	doctor_remedy(finding, "sysctl net.core.rmem_max=4194304, then restart the daemon");
}

void judge_descriptors(const struct doctor_facts *facts, struct doctor_report *report)
{
	const struct doctor_host *host = &facts->host;
	struct doctor_finding *finding;

	if (facts->mode != DOCTOR_OF_DAEMON)
		return;
	if (host->fds_max < 0 || host->fds_open < 0) {
		doctor_unchecked(report, "the daemon does not tell how many files it has open");
		return;
	}
	if (host->fds_open * 5 >= host->fds_max * 4) {
		finding = doctor_find(report, host->fds_open + 8 >= host->fds_max ? DOCTOR_ERROR : DOCTOR_WARNING,
			"the daemon comes near its limit of open files, beyond which clients are refused");
	} else if (host->fds_max < DESCRIPTORS_LEAST) {
		finding = doctor_find(
			report, DOCTOR_WARNING, "the daemon may open few files, and has one for each client");
	} else {
		return;
	}
	doctor_evidence(finding, "%" PRIi64 " of %" PRIi64 " descriptors are open", host->fds_open, host->fds_max);
	doctor_remedy(finding,
		"set LimitNOFILE=65536 in its unit and restart it; coterie-ctl clients shows what they are for");
}

void judge_state_folder(const struct doctor_facts *facts, struct doctor_report *report)
{
	const struct doctor_host *host = &facts->host;
	struct doctor_finding *finding = NULL;

	if (host->state_dir == NULL || (host->state_errno != 0 && !host->is_root)) {
		doctor_unchecked(report,
			host->state_dir == NULL ? "the state folder is not known" : "the state folder is for root");
		return;
	}
	if (host->state_errno != 0) {
		/* The daemon creates the folder when it runs for the first time. */
		if (facts->mode == DOCTOR_OF_FILE)
			return;
		finding = doctor_find(report, DOCTOR_ERROR, "the state folder cannot be used");
		doctor_evidence(finding, "'%s': %s", host->state_dir, strerror(host->state_errno));
		doctor_remedy(finding, "make the folder, and give it to the user of the daemon");
	} else if (host->is_state_read_only) {
		finding = doctor_find(
			report, DOCTOR_ERROR, "the state folder is read-only, so that no new ring can be stored");
		doctor_evidence(finding, "'%s' is on a file system that is mounted read-only", host->state_dir);
		doctor_remedy(finding, "look for disk errors in the kernel's log, then mount it for writing");
	} else if (!host->is_state_writable) {
		finding = doctor_find(report, DOCTOR_ERROR, "the daemon's user may not write to the state folder");
		doctor_evidence(finding, "'%s' belongs to another user", host->state_dir);
		doctor_remedy(finding, "chown it to the user of the daemon");
	} else if (host->state_free >= 0 && (host->state_free < STATE_LOW || host->state_files_free == 0)) {
		const bool is_full = host->state_free < STATE_LEAST || host->state_files_free == 0;

		finding = doctor_find(report, is_full ? DOCTOR_ERROR : DOCTOR_WARNING,
			is_full ? "the disk of the state folder is full, so that no new ring can be stored"
				: "the disk of the state folder is nearly full");
		doctor_evidence(finding, "'%s' has %" PRIi64 " KiB and %" PRIi64 " files left", host->state_dir,
			host->state_free / 1024, host->state_files_free);
		doctor_remedy(finding, "free space there, or set state-dir in block process");
	}
}

void judge_shm(const struct doctor_facts *facts, struct doctor_report *report)
{
	const int64_t left = facts->host.shm_free;

	if (left < 0) {
		doctor_unchecked(report, "/dev/shm cannot be looked at");
		return;
	}
	if (left >= SHM_LOW)
		return;
	struct doctor_finding *finding = doctor_find(report, left < SHM_LEAST ? DOCTOR_ERROR : DOCTOR_WARNING,
		"shared memory is %s, and each client needs some", left < SHM_LEAST ? "full" : "nearly full");

	doctor_evidence(finding, "/dev/shm has %" PRIi64 " KiB left", left / 1024);
	doctor_remedy(finding,
		"remove files of dead processes from /dev/shm, or mount it larger: mount -o remount,size=1G /dev/shm");
}

/* --- libraries --- */

/* Vulnerabilities that concern Coterie. SECURITY.md has the same list. */
static const struct {
	const char *library;
	unsigned int major, minor, patch; /* the first version without these vulnerabilities */
	const char *names;
} vulnerabilities[] = {
	{"libknet", 1, 35, 0, "CVE-2026-15811, CVE-2026-15812, CVE-2026-15813"},
	{"libqb", 1, 0, 5, "CVE-2019-12779"},
};

static void judge_library(struct doctor_report *report, size_t row, const char *version, bool is_mended)
{
	unsigned int major = 0, minor = 0, patch = 0;

	if (sscanf(version, "%u.%u.%u", &major, &minor, &patch) < 2) {
		doctor_unchecked(report, "%s has a version of an unknown form", vulnerabilities[row].library);
		return;
	}
	const uint64_t has = ((uint64_t)major << 40) + ((uint64_t)minor << 20) + patch;
	const uint64_t needs = ((uint64_t)vulnerabilities[row].major << 40) +
			       ((uint64_t)vulnerabilities[row].minor << 20) + vulnerabilities[row].patch;
	if (has >= needs || is_mended)
		return;
	struct doctor_finding *finding = doctor_find(
		report, DOCTOR_WARNING, "%s has known vulnerabilities", vulnerabilities[row].library);

	doctor_evidence(
		finding, "version %s, and its list of changes names no fix of %s", version, vulnerabilities[row].names);
	doctor_remedy(finding,
		"install %s %u.%u.%u or a later one, or a package in which they are mended, then restart the daemon",
		vulnerabilities[row].library, vulnerabilities[row].major, vulnerabilities[row].minor,
		vulnerabilities[row].patch);
}

void judge_libraries(const struct doctor_facts *facts, struct doctor_report *report)
{
	const bool has_knet = facts->config.count > 0 && strcmp(doctor_transport(facts), "knet") == 0;

	if (has_knet && facts->host.knet_version != NULL)
		judge_library(report, 0, facts->host.knet_version, facts->host.is_knet_mended);
	if (facts->host.qb_version != NULL)
		judge_library(report, 1, facts->host.qb_version, facts->host.is_qb_mended);
	if ((has_knet && facts->host.knet_version == NULL) || facts->host.qb_version == NULL)
		doctor_unchecked(report, "no package manager names the version of %s",
			has_knet && facts->host.knet_version == NULL ? "libknet" : "libqb");
}

void judge_corosync(const struct doctor_facts *facts, struct doctor_report *report)
{
	struct doctor_finding *finding;

	if (facts->mode == DOCTOR_OF_DAEMON && doctor_text(&facts->stats, "stats.coterie.version") == NULL) {
		doctor_unchecked(report, "the daemon is Corosync");
		return;
	}
	if (facts->host.corosync_pid > 0) {
		finding = doctor_find(report, DOCTOR_ERROR, "a Corosync daemon runs on this host");
		doctor_evidence(finding, "process %" PRIi64, facts->host.corosync_pid);
		doctor_remedy(finding, "systemctl disable --now corosync");
	} else if (facts->host.is_corosync_enabled) {
		finding = doctor_find(
			report, DOCTOR_WARNING, "Corosync is enabled, and takes Coterie's place when this host boots");
		doctor_evidence(finding, "the unit corosync.service is enabled%s",
			facts->host.is_coterie_enabled ? ", as is coterie.service" : "");
		doctor_remedy(finding, "systemctl disable corosync && systemctl enable coterie");
	}
}

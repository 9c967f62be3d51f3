/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Judges: each is a function over facts. The table of checks has the title of each judge, and the page that explains
 * it. A judge adds its findings to a report, and the gaps: facts that it could not judge.
 */
#ifndef TOOLS_CTL_DOCTOR_JUDGE_H
#define TOOLS_CTL_DOCTOR_JUDGE_H

#include "tools/ctl/doctor/facts.h"

/** Severities, in ascending order. */
enum doctor_level {
	DOCTOR_NOTE, /* "info" */
	DOCTOR_WARNING,
	DOCTOR_ERROR,
};

struct doctor_report;

struct doctor_check {
	const char *id;    /* for example "net.mtu": coterie-doctor(7) has a section of this name */
	const char *title; /* a statement that is true if there is no finding */
	const char *page;  /* manual page that describes the remedy */
	void (*judge)(const struct doctor_facts *facts, struct doctor_report *report);
};

struct doctor_finding {
	const struct doctor_check *check;
	enum doctor_level level;
	uint32_t peer;      /* id of the node that it concerns; 0: none */
	int link;           /* number of the link that it concerns; -1: none */
	char text[256];     /* description of the fault */
	char evidence[320]; /* facts that show the fault */
	char remedy[320];   /* action for the operator */
};

/** A check of which a part, or all, could not be made. */
struct doctor_gap {
	const struct doctor_check *check;
	char why[192];
};

struct doctor_report {
	const struct doctor_check *check; /* the check that is running */
	struct doctor_finding *findings;
	size_t finding_count;
	struct doctor_gap *gaps;
	size_t gap_count;
	size_t check_count;          /* number of checks that were run */
	struct doctor_finding spare; /* returned in place of a finding without memory. It is not in the report */
};

/** Return all checks. The last element has no id. */
const struct doctor_check *doctor_checks(void);
/** Run one check. report: zeroed, or with the results of other checks. */
void doctor_judge_one(const struct doctor_facts *facts, const struct doctor_check *check, struct doctor_report *report);
/** Sort the findings: the worst first, and findings of the same severity in their present order. */
void doctor_sort(struct doctor_report *report);
void doctor_report_fini(struct doctor_report *report);

/* --- for judges --- */

/** Add a finding. The caller fills in evidence and remedy. @return borrowed until the next finding */
struct doctor_finding *doctor_find(struct doctor_report *report, enum doctor_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void doctor_evidence(struct doctor_finding *finding, const char *format, ...) __attribute__((format(printf, 2, 3)));
void doctor_remedy(struct doctor_finding *finding, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Report why the check, or a part of it, was not made. */
void doctor_unchecked(struct doctor_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- judge_daemon.c --- */
void judge_running(const struct doctor_facts *facts, struct doctor_report *report);
void judge_version(const struct doctor_facts *facts, struct doctor_report *report);
void judge_realtime(const struct doctor_facts *facts, struct doctor_report *report);
void judge_throttling(const struct doctor_facts *facts, struct doctor_report *report);
void judge_memory(const struct doctor_facts *facts, struct doctor_report *report);
void judge_late(const struct doctor_facts *facts, struct doctor_report *report);
void judge_identity(const struct doctor_facts *facts, struct doctor_report *report);
/* --- judge_config.c --- */
void judge_file(const struct doctor_facts *facts, struct doctor_report *report);
void judge_reload(const struct doctor_facts *facts, struct doctor_report *report);
void judge_same(const struct doctor_facts *facts, struct doctor_report *report);
void judge_cluster_name(const struct doctor_facts *facts, struct doctor_report *report);
void judge_node_ids(const struct doctor_facts *facts, struct doctor_report *report);
void judge_addresses(const struct doctor_facts *facts, struct doctor_report *report);
void judge_names(const struct doctor_facts *facts, struct doctor_report *report);
void judge_key_file(const struct doctor_facts *facts, struct doctor_report *report);
void judge_plain(const struct doctor_facts *facts, struct doctor_report *report);
/* --- judge_quorum.c --- */
void judge_quorum(const struct doctor_facts *facts, struct doctor_report *report);
void judge_expected(const struct doctor_facts *facts, struct doctor_report *report);
void judge_two_nodes(const struct doctor_facts *facts, struct doctor_report *report);
/* --- judge_net.c --- */
void judge_interface(const struct doctor_facts *facts, struct doctor_report *report);
void judge_port(const struct doctor_facts *facts, struct doctor_report *report);
void judge_duplicate(const struct doctor_facts *facts, struct doctor_report *report);
void judge_unlisted(const struct doctor_facts *facts, struct doctor_report *report);
void judge_shared(const struct doctor_facts *facts, struct doctor_report *report);
/* --- judge_path.c --- */
void judge_host_reached(const struct doctor_facts *facts, struct doctor_report *report);
void judge_member_down(const struct doctor_facts *facts, struct doctor_report *report);
void judge_key(const struct doctor_facts *facts, struct doctor_report *report);
void judge_udp(const struct doctor_facts *facts, struct doctor_report *report);
void judge_one_way(const struct doctor_facts *facts, struct doctor_report *report);
void judge_tcp(const struct doctor_facts *facts, struct doctor_report *report);
void judge_icmp(const struct doctor_facts *facts, struct doctor_report *report);
/* --- judge_quality.c --- */
void judge_mtu(const struct doctor_facts *facts, struct doctor_report *report);
void judge_loss(const struct doctor_facts *facts, struct doctor_report *report);
void judge_latency(const struct doctor_facts *facts, struct doctor_report *report);
void judge_token(const struct doctor_facts *facts, struct doctor_report *report);
void judge_retransmits(const struct doctor_facts *facts, struct doctor_report *report);
void judge_ring(const struct doctor_facts *facts, struct doctor_report *report);
void judge_clock(const struct doctor_facts *facts, struct doctor_report *report);
/* --- judge_host.c --- */
void judge_buffers(const struct doctor_facts *facts, struct doctor_report *report);
void judge_descriptors(const struct doctor_facts *facts, struct doctor_report *report);
void judge_state_folder(const struct doctor_facts *facts, struct doctor_report *report);
void judge_shm(const struct doctor_facts *facts, struct doctor_report *report);
void judge_libraries(const struct doctor_facts *facts, struct doctor_report *report);
void judge_corosync(const struct doctor_facts *facts, struct doctor_report *report);

#endif

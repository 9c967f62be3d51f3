/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Collectors fill in facts. A collector that measures over a time has two functions: begin reads the first values, and
 * end reads the last ones. A fact that a collector does not find stays unknown.
 */
#ifndef TOOLS_CTL_DOCTOR_COLLECT_H
#define TOOLS_CTL_DOCTOR_COLLECT_H

#include "tools/ctl/ctl.h"
#include "tools/ctl/doctor/facts.h"

/* --- collect_keys.c --- */

/**
 * Read the configuration of the running daemon, and the keys of its file. @return 0; the exit status with ctl->error
 * set
 */
int collect_daemon(struct ctl *ctl, struct doctor_facts *facts);
/** Read a configuration file (NULL: the daemon's default file) in place of the keys of a running daemon. */
void collect_file(struct ctl *ctl, const char *file, struct doctor_facts *facts);
/** Read the statistics of the running daemon. */
void collect_stats(struct ctl *ctl, struct doctor_keys *stats);
/** Request the keys of the other nodes of the ring that --nodes names. */
void collect_nodes(struct ctl *ctl, struct doctor_facts *facts);
/** Store for each member whether it is in the ring now. */
void collect_joined(struct ctl *ctl, struct doctor_facts *facts);

/* --- collect_host.c --- */

/** State of the host collector. Some texts of the facts are borrowed from it. */
struct host_collector {
	char state_dir[4096], key_file[4096];
	char knet_version[64], qb_version[64];
	int64_t wait_ms, ticks, stolen, drops, datagrams;
};

void collect_host_begin(struct ctl *ctl, struct doctor_facts *facts, struct host_collector *host);
void collect_host_end(struct doctor_facts *facts, struct host_collector *host);

/* --- collect_software.c: libraries, and other cluster daemons on this host --- */

void collect_software(struct doctor_facts *facts, struct host_collector *host);

/* --- collect_links.c --- */

/** Resolve the names of the node list. If the id of this node is not known, find this node by its addresses. */
void collect_names(struct doctor_facts *facts);
void collect_links_begin(struct doctor_facts *facts);
void collect_links_end(struct doctor_facts *facts);

/* --- collect_paths.c --- */

/**
 * Make the list of paths, and probe them for about window_s seconds. The begin functions of the other collectors must
 * have been called before.
 */
void collect_paths(struct doctor_facts *facts, double window_s);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Collectors fill in facts. Those that watch for a while come in two parts: begin takes the first look, end the last one.
 * What a collector cannot find stays unknown.
 */
#ifndef TOOLS_CTL_DOCTOR_COLLECT_H
#define TOOLS_CTL_DOCTOR_COLLECT_H

#include "tools/ctl/ctl.h"
#include "tools/ctl/doctor/facts.h"

/* collect_keys.c */

/** Read the configuration of the running daemon, and what its file says. @return 0; the exit status with ctl->error set */
int collect_daemon(struct ctl *ctl, struct doctor_facts *facts);
/** Read a file (NULL: the daemon's default) in place of a running daemon. */
void collect_file(struct ctl *ctl, const char *file, struct doctor_facts *facts);
/** Read the statistics of the running daemon. */
void collect_stats(struct ctl *ctl, struct doctor_keys *stats);
/** Ask the other nodes of the ring that --nodes names for their keys. */
void collect_nodes(struct ctl *ctl, struct doctor_facts *facts);
/** Note which members are in the ring now. */
void collect_joined(struct ctl *ctl, struct doctor_facts *facts);

/* collect_host.c */

/** State of the host collector. Texts that facts borrow live in it. */
struct host_collector {
	char state_dir[4096], key_file[4096];
	char knet_version[64], qb_version[64];
	int64_t wait_ms, ticks, stolen, drops, datagrams;
};

void collect_host_begin(struct ctl *ctl, struct doctor_facts *facts, struct host_collector *host);
void collect_host_end(struct doctor_facts *facts, struct host_collector *host);

/* collect_software.c: libraries, and daemons beside this one */

void collect_software(struct doctor_facts *facts, struct host_collector *host);

/* collect_links.c */

/** Resolve the names of the node list. Finds this node by its addresses if nothing else names it. */
void collect_names(struct doctor_facts *facts);
void collect_links_begin(struct doctor_facts *facts);
void collect_links_end(struct doctor_facts *facts);

/* collect_paths.c */

/** Make the list of paths, and probe them for about window_s seconds. begin was called for the others before. */
void collect_paths(struct doctor_facts *facts, double window_s);

#endif

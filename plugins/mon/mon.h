/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory and load of the machine, as keys of the map: resources.system.memory_used and .load_15min.
 */
#ifndef PLUGINS_MON_MON_H
#define PLUGINS_MON_MON_H

#include <stdint.h>

#include <coterie/service.h>

/**
 * Compute the used part of memory and swap together, in percent. The kernel's caches do not count as used.
 * @param text  the content of /proc/meminfo
 * @return 0; -EBADMSG: a needed line is missing
 */
int mon_parse_memory(const char *text, double *percent);

/**
 * Parse the average number of processes that ran or waited in the last 15 minutes.
 * @param text  the content of /proc/loadavg
 */
int mon_parse_load(const char *text, double *load);

#endif

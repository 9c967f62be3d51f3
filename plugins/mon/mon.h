/*
 * What the machine has left, as keys of the map: resources.system.memory_used and .load_15min.
 */
#ifndef PLUGINS_MON_MON_H
#define PLUGINS_MON_MON_H

#include <stdint.h>

#include <coterie/service.h>

/**
 * Memory and swap in use, in percent of both; what the kernel keeps in caches does not count.
 *
 * @param text  the content of /proc/meminfo
 * @return 0; -EBADMSG: it has no such lines
 */
int mon_parse_memory(const char *text, double *percent);

/** The average number of processes that ran or waited, over 15 minutes. text is /proc/loadavg. */
int mon_parse_load(const char *text, double *load);

#endif

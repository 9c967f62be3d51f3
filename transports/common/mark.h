/* SPDX-License-Identifier: BSD-3-Clause */
/* The mark that the packets of a ring have for routers: totem.ip_dscp (corosync.conf(5)). */
#ifndef COMMON_MARK_H
#define COMMON_MARK_H

#include <stdint.h>

#include <coterie/plugin.h>

/**
 * Read the mark of packets from the configuration. @return 1 to 63, for socket_mark; 0: packets keep the mark that the
 * system gives them
 */
uint32_t mark_read(const struct coterie_host *host, struct coterie_ctx *ctx);

#endif

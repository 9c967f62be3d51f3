/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules of a configuration with the transport knet, for `coterie -t`, a start and a reload. They do
 * not need libknet. */
#ifndef TRANSPORTS_KNET_CHECK_H
#define TRANSPORTS_KNET_CHECK_H

#include <coterie/plugin.h>

/** Check ids of nodes and timers of links: the function `check` of a plugin in coterie/plugin.h. */
void mesh_check(const struct coterie_config_view *view, const struct coterie_config_report *report);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules of a configuration with votequorum, for `coterie -t`, a start and a reload. */
#ifndef SERVICES_VOTEQUORUM_CHECK_H
#define SERVICES_VOTEQUORUM_CHECK_H

#include <coterie/plugin.h>

/**
 * Find contradictions in the section quorum, and missing services. This is the function `check` of <coterie/plugin.h>.
 */
void votequorum_check(const struct coterie_config_view *view, const struct coterie_config_report *report);

#endif

/*
 * A constant for the tools with Corosync's names.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_COMMON_COMPATIBLE_H
#define TOOLS_COMMON_COMPATIBLE_H

/** The version of Corosync with the same options and formats. Other programs compare it. */
#define COMPATIBLE_VERSION "3.1.7"

#endif

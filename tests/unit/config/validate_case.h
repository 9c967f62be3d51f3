/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the tests of values in a configuration: texts of sections in corosync.conf's syntax, and the last loaded
 * configuration.
 */
#ifndef TESTS_UNIT_VALIDATE_CASE_H
#define TESTS_UNIT_VALIDATE_CASE_H

#include <check.h>

#include "tests/suite.h"
#include "tests/unit/config/config_case.h"

#define TOTEM(transport, lines) "totem {\nversion: 2\ntransport: " transport "\n" lines "}\n"
#define NODE(lines) "node {\n" lines "}\n"
#define NODELIST(nodes) "nodelist {\n" nodes "}\n"
#define CF1 NODE("ring0_addr: 10.77.0.1\nnodeid: 1\nname: cf1\n")
#define CF2 NODE("ring0_addr: 10.77.0.2\nnodeid: 2\nname: cf2\n")
#define CF3 NODE("ring0_addr: 10.77.0.3\nnodeid: 3\nname: cf3\n")

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

extern struct config_case one;

TCase *validate_case_add(Suite *suite);

#endif

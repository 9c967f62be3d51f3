/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the tests of coterie.conf: texts of nodes, the last loaded configuration, and a folder for files. */
#ifndef TESTS_UNIT_NATIVE_CASE_H
#define TESTS_UNIT_NATIVE_CASE_H

#include <check.h>

#include "tests/suite.h"
#include "tests/unit/config/config_case.h"

#define A "node a { id = 1  address = 10.77.0.1 }\n"
#define B "node b { id = 2  address = 10.77.0.2 }\n"

extern struct config_case one;
/** The folder of this test's files, made by native_case_setup() and removed by native_case_teardown(). */
extern char folder[64];

/** Begin a test: texts are read as coterie.conf, and the folder has the key file for rings that name none. */
void native_case_setup(void);
void native_case_teardown(void);
/** Return the path of a file in the folder, valid until the next call. */
const char *native_case_path(const char *name);
void native_case_write(const char *name, const char *text);
/** Load a file of the folder. @return the rc of the load */
int native_case_load(const char *name);
/** Return the text with each '@' replaced by the folder's name, valid until the next call. */
const char *native_case_text(const char *text);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the tests of the config reader: a simulated machine, and functions that load texts. The machine has host
 * name vm, addresses 10.77.0.1, 10.78.0.1, 127.0.0.0/8 and ::1, a resolver with a few names, a transport plugin "acme",
 * and the rules of knet and votequorum.
 */
#ifndef TESTS_UNIT_CONFIG_CASE_H
#define TESTS_UNIT_CONFIG_CASE_H

#include "config/model.h"

/** One test's environment and result. resolved: number of calls of the resolver */
struct config_case {
	struct config_environment environment;
	struct config *config; /* NULL: the text was refused */
	struct config_messages messages;
	uint32_t resolved;
	int rc;
};

void config_case_init(struct config_case *one);
/**
 * Show the descriptors of the plugins knet and votequorum. This is the environment's callback at the start of a test.
 */
void config_case_describe(void *arg, uint32_t kind, const char *name, const char *folders,
	void (*see)(void *see_arg, const struct coterie_plugin *descriptor), void *see_arg);
void config_case_fini(struct config_case *one);
/**
 * Write the key file authkey with 200 bytes 'k' into a folder, and make that folder the state folder. folder: kept
 * until config_case_fini
 */
void config_case_key(struct config_case *one, const char *folder);
/** Load a text. The result of an earlier load is freed first. @return the result of config_load() */
int config_case_load(struct config_case *one, const char *text);
/** Return whether an error (or warning) contains this text. */
bool config_case_has_error(const struct config_case *one, const char *text);
bool config_case_has_warning(const struct config_case *one, const char *text);
/** Return the first error, which a test prints when it fails, or "". */
const char *config_case_error(const struct config_case *one);
/** Return the text of an entry, or NULL if there is none. */
const char *config_case_entry(const struct config_case *one, const char *key);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stubs for the parts of the executive around plugin*.c, host.c and ipc_*.c. They have a log that a test can read, and
 * a ring and a synchronisation that it controls.
 */
#ifndef TESTS_UNIT_EXEC_STUB_H
#define TESTS_UNIT_EXEC_STUB_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include <coterie/transport.h>

#include "exec/totem/engine.h"

struct plugin;

struct exec_stub {
	uint64_t log_counts[9]; /* result of log_count, by level */
	char log[65536];        /* lines as "SUBSYSTEM PRIO text\n" */
	struct totem_queue queue;
	struct totem_counters counters;
	struct coterie_transport_stats transport;
	bool is_synchronizing;
	bool is_lapsed;    /* the lease of the ring has ended */
	bool is_undecided; /* there is no verdict about the present ring */
	bool is_safe_kept;
	bool has_no_engine; /* the ring has not started */
	uint32_t stops;
	int exit_status; /* argument of exec_stub_die(), which jumps to on_die */
	jmp_buf on_die;
	uint32_t joins, parts; /* calls by which the ring learned that a service was added or removed */
	int part_rc;           /* result of resync_part */
	bool is_joining;       /* a service stays deaf after sync_join, as if its round were under way */
	int shown;             /* number of plugins that the maps show */
	uint32_t sent;         /* number of ring messages sent */
	int send_rc;
	/* The last requested reload. reload_done is NULL when its owner has ended. */
	const void *reload_owner;
	bool is_reload_forced;
	void (*reload_done)(void *arg, int rc, const char *text);
	void *reload_arg;
	uint32_t reloads_prepared, reloads_committed, reloads_dropped;
	const void *key_owner; /* owner of the prepared key, or NULL */
	uint32_t key_size;
};

extern struct exec_stub exec_stub;

void exec_stub_reset(void);
/** Callbacks of struct plugin_life_parts. */
void exec_stub_show(void *arg, struct plugin *plugin);
void exec_stub_conceal(void *arg, struct plugin *plugin);
/** Callbacks of struct host_parts. */
void exec_stub_stop(void *arg);
void exec_stub_die(void *arg, int exit_status);
bool exec_stub_has_logged(const char *text);
/** Return how often the log contains the text. */
unsigned int exec_stub_count_logged(const char *text);

#endif

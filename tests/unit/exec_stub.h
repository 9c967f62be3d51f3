/*
 * Stand-ins for the parts of the executive around plugin.c, host.c and ipc_*.c: a log that can be
 * read, a small map, a ring and a synchronisation that are what the test says.
 */
#ifndef TESTS_UNIT_EXEC_STUB_H
#define TESTS_UNIT_EXEC_STUB_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/engine.h"

struct exec_stub {
	char log[65536]; /* lines as "SUBSYSTEM PRIO text\n" */
	struct totem_queue queue;
	bool is_synchronizing;
	/* The one key of the map. */
	char key[64];
	uint32_t key_type;
	uint8_t key_value[8];
	uint32_t key_size;
	uint32_t sent; /* ring messages */
	int send_rc;
};

extern struct exec_stub exec_stub;

void exec_stub_reset(void);
bool exec_stub_has_logged(const char *text);
/** How often text stands in the log. */
unsigned int exec_stub_count_logged(const char *text);

#endif

/*
 * The keys of a corosync.conf that votequorum reads.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_VQSIM_SETTINGS_H
#define TOOLS_VQSIM_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

struct setting {
	char key[64];
	uint32_t type; /* COTERIE_MAP_U8, COTERIE_MAP_U32 or COTERIE_MAP_STRING */
	uint32_t number;
	char text[256];
};

struct settings {
	struct setting *list; /* settings of the sections quorum and nodelist */
	size_t count;
	uint32_t *node_ids; /* in the order of the file. The index is the node's position */
	size_t node_count;
};

/**
 * Read a configuration file. Sections and keys that do not concern votes are skipped.
 * @param settings filled in. The caller must call settings_free, also after an error
 * @return 0; -EINVAL: the file does not have the form of a corosync.conf; -ENOMEM; -errno of the file
 */
int settings_read(struct settings *settings, const char *path);

void settings_free(struct settings *settings);

#endif

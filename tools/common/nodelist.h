/*
 * The configured nodes, as the configuration map has them.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_COMMON_NODELIST_H
#define TOOLS_COMMON_NODELIST_H

#include <stddef.h>

#include <corosync/cmap.h>

struct node {
	unsigned int id;
	unsigned int position; /* N of the keys nodelist.node.N */
	char *name;            /* NULL: the node has no name in the list */
};

struct nodelist {
	struct node *nodes; /* in ascending order of ids */
	size_t count;
};

/**
 * Read the node list.
 * @param list filled in on success, also if the list is empty; the caller frees it with nodelist_free
 * @return CS_OK; CS_ERR_NO_MEMORY; the error of libcmap
 */
cs_error_t nodelist_read(cmap_handle_t map, struct nodelist *list);

/** Free the contents of a list that nodelist_read has filled in. The list is empty afterwards. */
void nodelist_free(struct nodelist *list);

/** Return the node with this id, borrowed from the list, or NULL. */
const struct node *nodelist_find(const struct nodelist *list, unsigned int id);

#endif

/*
 * Make a new coterie.conf.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/cluster/conf.h"

#include <stdio.h>
#include <stdlib.h>

static void print_node(FILE *out, const struct words_node *node)
{
	fprintf(out, "node %s { id = %u  address = ", node->name, node->id);
	if (node->address_count == 1) {
		fprintf(out, "%s }\n", node->addresses[0]);
		return;
	}
	for (size_t i = 0; i < node->address_count; i++)
		fprintf(out, "%s%s", i == 0 ? "{" : ", ", node->addresses[i]);
	fprintf(out, "} }\n");
}

char *conf_make(const struct conf_wanted *wanted)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	fprintf(out,
		"# Made by 'coterie-ctl cluster create'. All nodes have the same file: coterie.conf(5) explains it.\n");
	fprintf(out, "cluster {\n\tname = %s\n\tconfig-version = 1\n}\n", wanted->cluster);
	fprintf(out, "transport %s {\n", wanted->transport);
	if (!wanted->is_encrypted)
		fprintf(out, "\tencryption = none\n");
	fprintf(out, "}\n");
	for (size_t i = 0; i < wanted->node_count; i++)
		print_node(out, &wanted->nodes[i]);
	if (wanted->node_count == 2)
		fprintf(out, "quorum {\n"
			     "\t# One of the two nodes goes on alone. At a start it waits for both.\n"
			     "\ttwo-node = yes\n"
			     "}\n");
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

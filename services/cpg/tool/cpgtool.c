/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cpg/tool/cpgtool.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <corosync/cfg.h>
#include <corosync/cpg.h>

#include "tools/common/address.h"
#include "tools/common/bytes.h"
#include "tools/common/reach.h"

/* The options of the command line, and the connections. */
struct cpgtool {
	char delimiter; /* '\0': print aligned columns */
	bool with_raw_names;
	bool names_only;
	cpg_handle_t cpg;
	corosync_cfg_handle_t cfg;
};

static void print_usage(void)
{
	fputs("corosync-cpgtool [-d delimiter] [-e] [-n] [-h]\n"
	      "\n"
	      "A tool for displaying cpg groups and members.\n"
	      "options:\n"
	      "\t-d\tDelimiter between fields.\n"
	      "\t-e\tDon't escape unprintable characters in group name.\n"
	      "\t-n\tDisplay only all existing group names.\n"
	      "\t-h\tDisplay this help.\n",
		stdout);
}

static void print_name(const struct cpgtool *tool, const struct cpg_name *name)
{
	size_t size = name->length < sizeof(name->value) ? name->length : sizeof(name->value);

	if (tool->with_raw_names)
		fwrite(name->value, 1, size, stdout);
	else
		bytes_print(stdout, name->value, size);
}

static void print_addresses(const struct cpgtool *tool, uint32_t node_id)
{
	struct node_addresses addresses;
	char text[ADDRESS_TEXT_MAX];
	const char *separator = "";

	if (node_addresses_get(tool->cfg, node_id, &addresses) != CS_OK)
		return;
	for (size_t i = 0; i < addresses.count; i++) {
		if (!address_text(&addresses.links[i], text))
			continue;
		printf("%s%s", separator, text);
		separator = " ";
	}
}

static void print_member(const struct cpgtool *tool, const struct cpg_iteration_description_t *member)
{
	if (tool->delimiter != '\0') {
		print_name(tool, &member->group);
		printf("%c%" PRIu32 "%c%" PRIu32 "\n", tool->delimiter, member->pid, tool->delimiter, member->nodeid);
		return;
	}
	printf("\t\t%10" PRIu32 "\t%10" PRIu32 " (", member->pid, member->nodeid);
	print_addresses(tool, member->nodeid);
	printf(")\n");
}

static void print_group_name(const struct cpgtool *tool, const struct cpg_name *name)
{
	print_name(tool, name);
	putchar(tool->delimiter != '\0' ? tool->delimiter : '\n');
}

static bool same_group(const struct cpg_name *a, const struct cpg_name *b)
{
	return a->length == b->length && a->length <= sizeof(a->value) && memcmp(a->value, b->value, a->length) == 0;
}

static int list_groups(const struct cpgtool *tool)
{
	cpg_iteration_handle_t iterator;
	struct cpg_iteration_description_t found;
	struct cpg_name group = {0};
	bool is_first = true;

	cs_error_t rc = cpg_iteration_initialize(
		tool->cpg, tool->names_only ? CPG_ITERATION_NAME_ONLY : CPG_ITERATION_ALL, NULL, &iterator);
	if (rc != CS_OK) {
		fprintf(stderr, "Cannot initialize cpg iterator error %d\n", rc);
		return EXIT_FAILURE;
	}
	if (!tool->names_only && tool->delimiter != '\0')
		printf("GRP_NAME%cPID%cNODEID\n", tool->delimiter, tool->delimiter);
	else if (!tool->names_only)
		printf("Group Name\t%10s\t%10s\n", "PID", "Node ID");
	while ((rc = cpg_iteration_next(iterator, &found)) == CS_OK) {
		if (tool->names_only) {
			print_group_name(tool, &found.group);
			continue;
		}
		if (tool->delimiter == '\0' && (is_first || !same_group(&group, &found.group))) {
			print_name(tool, &found.group);
			putchar('\n');
		}
		group = found.group;
		is_first = false;
		print_member(tool, &found);
	}
	cpg_iteration_finalize(iterator);
	if (tool->names_only && tool->delimiter != '\0')
		putchar('\n');
	if (rc == CS_ERR_NO_SECTIONS)
		return EXIT_SUCCESS;
	fprintf(stderr, "Cannot iterate over groups, the list is not complete: error %d\n", rc);
	return EXIT_FAILURE;
}

static bool connect_services(struct cpgtool *tool)
{
	cs_error_t rc = cpg_initialize(&tool->cpg, NULL);

	if (rc != CS_OK) {
		fprintf(stderr, "Could not initialize corosync cpg API error %d\n", rc);
		reach_warn("cpg", rc);
		return false;
	}
	rc = corosync_cfg_initialize(&tool->cfg, NULL);
	if (rc != CS_OK) {
		fprintf(stderr, "Could not initialize corosync configuration API error %d\n", rc);
		reach_warn("cfg", rc);
		cpg_finalize(tool->cpg);
		return false;
	}
	return true;
}

int cpgtool_main(int argc, char **argv)
{
	struct cpgtool tool = {0};
	int option;

	while ((option = getopt(argc, argv, "hd:ne")) != -1)
		switch (option) {
		case 'h':
			print_usage();
			return EXIT_SUCCESS;
		case 'd':
			tool.delimiter = optarg[0];
			break;
		case 'n':
			tool.names_only = true;
			break;
		case 'e':
			tool.with_raw_names = true;
			break;
		default:
			return EXIT_FAILURE;
		}
	if (!connect_services(&tool))
		return EXIT_FAILURE;
	int status = list_groups(&tool);
	corosync_cfg_finalize(tool.cfg);
	cpg_finalize(tool.cpg);
	return status;
}

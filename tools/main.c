/*
 * One program for all tools. The name by which it was called selects the tool.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/standard.h"
#include "config.h"
#include "services/cfg/tool/cfgtool.h"
#include "services/cmap/tool/cmapctl.h"
#include "services/cpg/tool/cpgtool.h"
#include "services/quorum/tool/quorumtool.h"
#include "tools/blackbox.h"
#include "tools/common/terminal.h"
#include "tools/ctl/ctl_main.h"
#include "tools/format.h"
#include "tools/keygen.h"

struct tool {
	const char *name;
	int (*run)(int argc, char **argv);
};

static const struct tool tools[] = {
	{"corosync-blackbox", blackbox_main},
	{"corosync-cfgtool", cfgtool_main},
	{"corosync-cmapctl", cmapctl_main},
	{"corosync-cpgtool", cpgtool_main},
	{"corosync-keygen", keygen_main},
	{"corosync-quorumtool", quorumtool_main},
};

enum { TOOL_COUNT = sizeof(tools) / sizeof(tools[0]) };

static const struct tool *tool_named(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;

	/* Skip the prefix that libtool gives to programs that are not installed. */
	if (strncmp(name, "lt-", 3) == 0)
		name += 3;
	for (size_t i = 0; i < TOOL_COUNT; i++)
		if (strcmp(name, tools[i].name) == 0)
			return &tools[i];
	return NULL;
}

static int run(const struct tool *tool, int argc, char **argv)
{
#ifdef HAVE_JSON
	int status;

	if (format_run(tool->name, &argc, argv, &status))
		return status;
#endif
	return tool->run(argc, argv);
}

/* Run the tool that the words name, or coterie-ctl itself. */
static int run_words(int argc, char **argv, const char **program)
{
	const struct tool *tool = argc > 0 ? tool_named(argv[0]) : NULL;

	if (tool == NULL && argc > 1) {
		/* If the program was called by its own name, the first word is the name of the tool. */
		tool = tool_named(argv[1]);
		argc -= tool != NULL;
		argv += tool != NULL;
	}
	if (tool != NULL) {
		*program = tool->name;
		return run(tool, argc, argv);
	}
#ifdef HAVE_JSON
	return ctl_main(argc, argv);
#else
	fprintf(stderr, "usage: coterie-ctl TOOL [ARGUMENT...]\ntools:\n");
	for (size_t i = 0; i < TOOL_COUNT; i++)
		fprintf(stderr, "  %s\n", tools[i].name);
	return EXIT_FAILURE;
#endif
}

int main(int argc, char **argv)
{
	const char *program = "coterie-ctl";

	standard_open();
	terminal_guard();
	/*
	 * If the caller ignores SIGCHLD, the kernel would drop the exit statuses of child processes, and a config file that the
	 * daemon refuses would count as valid.
	 */
	signal(SIGCHLD, SIG_DFL);
	int status = run_words(argc, argv, &program);

	return standard_end(program, stdout, status);
}

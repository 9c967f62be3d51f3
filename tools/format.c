/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/format.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctl/ctl_main.h"

#define EXIT_NOT_QUORATE 2
#define WORDS_MAX 8 /* words of the command in front of the tool's own arguments */

/* The options with which a tool prints something. For other options there is no document. */
struct view {
	const char *tool;
	const char *letters;        /* letters for getopt, including options that change only the text */
	const struct option *names; /* NULL: no long options */
	const char *shows;          /* letters that choose the output. A space means that there is no letter */
	const char *commands[3];    /* one command for each letter of `shows`, or NULL if no command prints the same */
	bool has_arguments;         /* the command accepts arguments, too */
};

static const struct option cfgtool_names[] = {{"if", required_argument, NULL, 'i'}, {"status", no_argument, NULL, 's'},
	{"nodes", no_argument, NULL, 'n'}, {"brief", no_argument, NULL, 'b'}, {0}};

static const struct view views[] = {
	{"corosync-cfgtool", "i:snb", cfgtool_names, " sn", {NULL, "rings", "rings"}, false},
	{"corosync-cmapctl", "m:bqg", NULL, " g", {"config show", "config get"}, true},
	{"corosync-cpgtool", "d:ne", NULL, " ", {"cpg list"}, false},
	{"corosync-quorumtool", "aslpHin:o:", NULL, " ", {"quorum"}, false},
};

static const struct view *find_view(const char *tool)
{
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		if (strcmp(tool, views[i].tool) == 0)
			return &views[i];
	return NULL;
}

/* Remove --format=FORM or --format FORM. @return the last FORM; NULL: there is none */
static const char *take_form(int *argc, char **argv)
{
	const char *form = NULL;
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			while (i < *argc)
				argv[kept++] = argv[i++];
		} else if (strncmp(argv[i], "--format=", 9) == 0) {
			form = argv[i] + 9;
		} else if (strcmp(argv[i], "--format") == 0) {
			form = i + 1 < *argc ? argv[++i] : "";
		} else {
			argv[kept++] = argv[i];
		}
	}
	if (form != NULL) {
		*argc = kept;
		argv[kept] = NULL;
	}
	return form;
}

static int complain(const char *tool, const char *what)
{
	fprintf(stderr, "%s: %s\n", tool, what);
	return EXIT_FAILURE;
}

/* Find the command for the options of the tool. @return the command; NULL: there is none */
static const char *choose(const struct view *view, int argc, char **argv, bool *is_stats)
{
	const char *command = view->commands[0];
	int letter;

	*is_stats = false;
	opterr = 0;
	while ((letter = getopt_long(argc, argv, view->letters, view->names, NULL)) != -1) {
		const char *at = strchr(view->shows, letter);

		if (letter == '?')
			return NULL;
		if (letter == 'm')
			*is_stats = strcmp(optarg, "stats") == 0;
		if (at != NULL)
			command = view->commands[at - view->shows];
	}
	return command;
}

bool format_run(const char *tool, int *argc, char **argv, int *status)
{
	const struct view *view = find_view(tool);
	const char *form = view != NULL ? take_form(argc, argv) : NULL;
	char format[] = "--format", ctl[] = "coterie-ctl", stats[] = "--stats", end[] = "--";
	bool is_stats;

	if (form == NULL || strcmp(form, "text") == 0)
		return false;
	*status = EXIT_FAILURE;
	const char *command = choose(view, *argc, argv, &is_stats);
	if (command == NULL) {
		complain(tool, "--format goes with what only shows something; coterie-ctl has it for everything");
		return true;
	}
	int count = 0, rest = view->has_arguments ? *argc - optind : 0;
	char *copy = strdup(command), *form_copy = strdup(form);
	char **words = calloc((size_t)(WORDS_MAX + rest + 1), sizeof(*words));
	if (copy != NULL && form_copy != NULL && words != NULL) {
		char *second = strchr(copy, ' ');

		words[count++] = ctl;
		words[count++] = format;
		words[count++] = form_copy;
		words[count++] = copy;
		if (second != NULL) {
			*second = '\0';
			words[count++] = second + 1;
		}
		if (is_stats)
			words[count++] = stats;
		words[count++] = end;
		for (int i = 0; i < rest; i++)
			words[count++] = argv[optind + i];
		int code = ctl_main(count, words);

		*status = code == 0 || code == EXIT_NOT_QUORATE ? code : EXIT_FAILURE;
	}
	free(words);
	free(form_copy);
	free(copy);
	return true;
}

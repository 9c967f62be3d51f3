/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands, and the command line. */
#include "tools/ctl/ctl_main.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "tools/cluster/commands.h"
#include "tools/ctl/ctl.h"
#include "tools/ctl/doctor/doctor.h"

#define TIMEOUT_S 5
#define USAGE_COLUMN 34 /* column of the help text behind a command */

#define LOOKS (CTL_REPEATABLE | CTL_OF_NODES)

static const struct ctl_command commands[] = {
	{"status", "", "one screen: node, ring, members, quorum, what is wrong", LOOKS, status_gather, status_print,
		NULL},
	{"members", "[--matrix]", "nodes with state, addresses, joins, votes; who hears whom", LOOKS, members_gather,
		members_print, NULL},
	{"quorum", "", "votes, flags, how many may still go", LOOKS, quorum_gather, quorum_print, NULL},
	{"quorum set-expected", "VOTES", "set the expected votes of the cluster", 0, quorum_set_expected, NULL, NULL},
	{"quorum set-votes", "VOTES [--node ID]", "set the votes of a node", 0, quorum_set_votes, NULL, NULL},
	{"quorum drop-qdevice", "", "unregister the quorum device of this node", 0, quorum_drop_qdevice, NULL, NULL},
	{"quorum unblock", "", "stop waiting for all nodes", 0, quorum_unblock, NULL, NULL},
	{"rings", "", "nodes and links: state, addresses, MTU; token timers", LOOKS, rings_gather, rings_print, NULL},
	{"config show", "[PREFIX...] [--effective|--file|--changed|--stats]", "keys of the configuration map", LOOKS,
		config_show, config_print, NULL},
	{"config get", "[--stats] KEY...", "single keys", LOOKS, config_get, config_print, NULL},
	{"config set", "KEY TYPE VALUE", "set a key", 0, config_set, NULL, NULL},
	{"config check", "[FILE]", "check a config file; needs no daemon", 0, config_check, config_check_print, NULL},
	{"config diff", "[FILE]", "keys in which the file and the running daemon differ",
		CTL_REPEATABLE | CTL_ASKS_NODES, config_diff, config_print, NULL},
	{"key create", "[FILE] [--force]", "write a new key for the ring's nodes; needs no daemon", 0, key_create, NULL,
		NULL},
	{"key rotate", "[--force]", "give the ring a new key, on all nodes", 0, key_rotate, key_rotate_print, NULL},
	{"key status", "", "cipher and key id of the ring, and which nodes have another key", LOOKS, key_status,
		key_status_print, NULL},
	{"log show", "[--level LEVEL] [--subsys NAME] [--since TIME] [--lines N] [--follow]", "lines of the log file",
		CTL_REPEATABLE, log_show, log_print, NULL},
	{"log level", "[SUBSYS=off|on|trace...]", "show or change debugging of subsystems", 0, log_level,
		log_level_print, NULL},
	{"log reopen", "", "open log files anew, after rotation", 0, log_reopen, NULL, NULL},
	{"log dump", "", "write the flight recorder to the state folder", 0, log_dump, NULL, NULL},
	{"reload", "[--check-only] [--force]", "read the config file again, on every node", 0, reload_gather,
		reload_print, NULL},
	{"plugin list", "", "loaded transports and services", LOOKS, plugin_list, plugin_print, NULL},
	{"plugin load", "FILE|NAME [KEY=VALUE ...]", "load a plugin into the running daemon", 0, plugin_load,
		plugin_change_print, NULL},
	{"plugin unload", "NAME [--drain SECONDS]", "unload a plugin", 0, plugin_unload, plugin_change_print, NULL},
	{"plugin replace", "NAME [FILE] [--force]", "put a plugin's new file in its place", 0, plugin_replace,
		plugin_change_print, NULL},
	{"cluster create",
		"NAME NODE... [--transport NAME] [--no-encryption] [--start] [--ssh COMMAND] [--dry-run|--print] [--force]",
		"make a cluster of these nodes, over ssh; NODE is NAME[:ID][=ADDRESS,...]", 0, cluster_create,
		cluster_print, NULL},
	{"node add", "NODE... [--start] [--ssh COMMAND] [--dry-run|--print] [--force]",
		"add nodes to the cluster, over ssh", 0, node_add, cluster_print, NULL},
	{"node remove", "NODE [--ssh COMMAND] [--dry-run|--print] [--force]",
		"remove a node from the cluster, over ssh", 0, node_remove, cluster_print, NULL},
	{"link add", "NODE=ADDRESS... [--ssh COMMAND] [--dry-run|--print]",
		"give every node an address of one more link", 0, link_add, cluster_print, NULL},
	{"cpg list", "[GROUP]", "process groups and their members", CTL_REPEATABLE, cpg_list, cpg_print, NULL},
	{"clients", "", "programs connected to the daemon", LOOKS, clients_gather, clients_print, NULL},
	{"doctor", "[CHECK...] [--before-start] [--config FILE] [--node NAME]",
		"what is wrong with node and network, why, and what to do", CTL_ASKS_NODES, doctor_gather, doctor_print,
		NULL},
	{"shutdown", "[--force]", "stop the daemon of this node, if nobody objects", 0, shutdown_gather, NULL, NULL},
	{"watch", "", "events as they happen, one JSON document a line", 0, NULL, NULL, watch_run},
	{"metrics", "", "statistics as OpenMetrics text", 0, NULL, NULL, metrics_run},
	{"completion", "bash|zsh|fish", "completion script for a shell", 0, NULL, NULL, completion_run},
	{0},
};

const struct ctl_command *ctl_commands(void) { return commands; }

const struct ctl_command *ctl_find_command(const char *first, const char *second, int *words)
{
	const struct ctl_command *found = NULL;
	char two[128];

	*words = 0;
	snprintf(two, sizeof(two), "%s %s", first, second);
	for (const struct ctl_command *command = commands; command->name != NULL; command++) {
		if (strcmp(command->name, two) == 0) {
			*words = 2;
			return command;
		}
		if (strcmp(command->name, first) == 0) {
			found = command;
			*words = 1;
		}
	}
	return found;
}

/* --- usage --- */

static void print_usage(FILE *out)
{
	fprintf(out, "usage: coterie-ctl [OPTION...] COMMAND [ARGUMENT...]\n\nCommands:\n");
	for (const struct ctl_command *command = commands; command->name != NULL; command++) {
		int length = fprintf(
			out, "  %s%s%s", command->name, *command->arguments != '\0' ? " " : "", command->arguments);

		/*
		 * The help text begins at its column. If the arguments are too long for that, it has a line of its own.
		 */
		if (length > USAGE_COLUMN - 2)
			fputc('\n', out);
		fprintf(out, "%*s%s\n", length > USAGE_COLUMN - 2 ? USAGE_COLUMN : USAGE_COLUMN - length, "",
			command->help);
	}
	fprintf(out,
		"\nOptions:\n"
		"  -f, --format text|json|jsonl    form of the answer; --json is --format=json\n"
		"  -w, --watch[=SECONDS]           show again at changes, or every so often\n"
		"      --nodes ID,...|all          ask these nodes, by number or name, in place of this one\n"
		"      --timeout SECONDS           give up after so long (%d)\n"
		"      --instance NAME             daemon to talk to (COTERIE_INSTANCE)\n"
		"      --yes                       do not ask before changing the cluster\n"
		"      --no-color                  plain text (NO_COLOR)\n"
		"  -q, --quiet                     no text but errors\n"
		"  -v, --verbose                   more detail\n"
		"      --help, --version\n"
		"\nExit status: 0 good, 1 failed, 2 not quorate, 3 daemon not running, 4 permission denied,\n"
		"5 service not loaded, 6 timed out, 7 refused, 8 configuration invalid,\n10 doctor has warnings, 11 doctor has errors, 64 usage.\n",
		TIMEOUT_S);
}

/* Set ctl->error for wrong usage. word may be NULL. */
static int usage_error(struct ctl *ctl, const char *what, const char *word)
{
	return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help lists what there is", "%s%s%s", what,
		word != NULL ? " " : "", word != NULL ? word : "");
}

/* --- command line --- */

static bool parse_format(struct ctl *ctl, const char *word)
{
	static const char *const names[] = {[CTL_TEXT] = "text", [CTL_JSON] = "json", [CTL_JSONL] = "jsonl"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(word, names[i]) == 0) {
			ctl->format = (enum ctl_format)i;
			return true;
		}
	}
	return false;
}

static bool parse_seconds(const char *word, double least, double *seconds)
{
	char *end;

	errno = 0;
	*seconds = strtod(word, &end);
	return errno == 0 && end != word && *end == '\0' && *seconds >= least && *seconds <= 86400;
}

enum {
	OPTION_JSON = 256,
	OPTION_NODES,
	OPTION_TIMEOUT,
	OPTION_INSTANCE,
	OPTION_YES,
	OPTION_NO_COLOR,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct option options[] = {
	{"format", required_argument, NULL, 'f'},
	{"json", no_argument, NULL, OPTION_JSON},
	{"watch", optional_argument, NULL, 'w'},
	{"nodes", required_argument, NULL, OPTION_NODES},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"instance", required_argument, NULL, OPTION_INSTANCE},
	{"yes", no_argument, NULL, OPTION_YES},
	{"no-color", no_argument, NULL, OPTION_NO_COLOR},
	{"quiet", no_argument, NULL, 'q'},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{0},
};

/* Handle one global option. word: the option as it was given. @return -1: continue; otherwise the exit status */
static int take_option(struct ctl *ctl, int letter, const char *word)
{
	double seconds;

	switch (letter) {
	case 'f':
		if (!parse_format(ctl, optarg))
			return usage_error(ctl, "no format", optarg);
		break;
	case OPTION_JSON:
		ctl->format = CTL_JSON;
		break;
	case 'w':
		ctl->is_watching = true;
		if (optarg != NULL && !parse_seconds(optarg, 0.1, &ctl->watch_s))
			return usage_error(ctl, "--watch wants seconds, at least 0.1, not", optarg);
		break;
	case OPTION_NODES:
		ctl->nodes = optarg;
		break;
	case OPTION_TIMEOUT:
		if (!parse_seconds(optarg, 1, &seconds))
			return usage_error(ctl, "--timeout wants seconds, at least 1, not", optarg);
		ctl->timeout_s = (uint32_t)seconds;
		break;
	case OPTION_INSTANCE:
		ctl->instance = optarg;
		break;
	case OPTION_YES:
		ctl->is_confirmed = true;
		break;
	case OPTION_NO_COLOR:
		ctl->has_color = false;
		break;
	case 'q':
		ctl->is_quiet = true;
		break;
	case 'v':
		ctl->is_verbose = true;
		break;
	case OPTION_HELP:
		print_usage(stdout);
		return CTL_GOOD;
	case OPTION_VERSION:
		printf("coterie-ctl %s\n", PACKAGE_VERSION);
		return CTL_GOOD;
	default:
		return usage_error(ctl, "it wants an argument, or takes none:", word);
	}
	return -1;
}

/* Return whether the word is a global option, with or without its argument. */
static bool is_global(const char *word)
{
	size_t length = strcspn(word, "=");

	if (word[0] != '-' || word[1] == '\0')
		return false;
	if (word[1] != '-')
		return strchr("fwqv", word[1]) != NULL;
	for (const struct option *option = options; option->name != NULL; option++)
		if (strlen(option->name) == length - 2 && strncmp(option->name, word + 2, length - 2) == 0)
			return true;
	return false;
}

/*
 * Handle the global options, which may be anywhere in the words. Other words that begin with "--" are the command's own
 * options, and stay in argv. After an error the remaining global options are still handled, since one of them decides
 * the form of the message.
 * @return -1: continue; CTL_GOOD: nothing is left to do; CTL_USAGE with ctl->error set
 */
static int parse_options(struct ctl *ctl, int *argc, char **argv)
{
	struct ctl_error first = {.code = 0};
	int kept = 1;

	opterr = 0;
	for (int i = 1; i < *argc; i++) {
		char *pair[4] = {argv[0], argv[i], i + 1 < *argc ? argv[i + 1] : NULL, NULL};

		if (strcmp(argv[i], "--") == 0) {
			while (++i < *argc)
				argv[kept++] = argv[i];
			break;
		}
		if (!is_global(argv[i])) {
			argv[kept++] = argv[i];
			continue;
		}
		optind = 0;
		do { /* one word may have several letters */
			int letter = getopt_long(pair[2] != NULL ? 3 : 2, pair, "+f:w::qv", options, NULL);
			int code = take_option(ctl, letter, pair[1]);

			if (code == CTL_GOOD)
				return code;
			if (code > 0 && first.code == 0)
				first = ctl->error;
		} while (optind < 2);
		i += optind == 3;
	}
	*argc = kept;
	ctl->error = first;
	return first.code != 0 ? first.code : -1;
}

/* Print the error. If there is no valid command, print it as text, since a document has the name of its command. */
static int tell_error(struct ctl *ctl, const struct ctl_command *command)
{
	static const struct ctl_command none = {.name = ""};

	if (command == NULL)
		ctl->format = CTL_TEXT;
	answer_print(ctl, command != NULL ? command : &none, NULL);
	return ctl->error.code;
}

/* Check for options that this command does not have. */
static int check_options(struct ctl *ctl, const struct ctl_command *command)
{
	if (ctl->is_watching && (command->flags & CTL_REPEATABLE) == 0)
		return usage_error(ctl, "--watch makes no sense with", command->name);
	if (ctl->nodes != NULL && (command->flags & (CTL_OF_NODES | CTL_ASKS_NODES)) == 0)
		return ctl_fail(ctl, CTL_USAGE,
			"--nodes goes with status, members, quorum, rings, config show, get and diff, key status, plugin list, clients, doctor",
			"%s answers for this node, or for all that it concerns", command->name);
	return 0;
}

static int run_command(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv)
{
	if (check_options(ctl, command) != 0)
		return tell_error(ctl, command);
	if (command->run != NULL) {
		int code = command->run(ctl, command, argc, argv);

		return ctl->error.code != 0 ? tell_error(ctl, command) : code;
	}
	if (ctl->is_watching)
		return answer_watch(ctl, command, argc, argv);
	if (ctl->nodes != NULL && (command->flags & CTL_ASKS_NODES) == 0)
		return nodes_answer(ctl, command, argc, argv);
	int code = answer_once(ctl, command, argc, argv);

	return code == 0 && ctl->follow != NULL ? log_follow(ctl, command) : code;
}

static int run_words(struct ctl *ctl, int argc, char **argv)
{
	int words = 0;

	if (argc < 2 && ctl->error.code == 0) {
		print_usage(stderr);
		return CTL_USAGE;
	}
	const struct ctl_command *command = argc > 1 ? ctl_find_command(argv[1], argc > 2 ? argv[2] : "", &words)
						     : NULL;

	if (ctl->error.code != 0)
		return tell_error(ctl, command);
	if (command == NULL) {
		usage_error(ctl, "no command", argv[1]);
		return tell_error(ctl, NULL);
	}
	return run_command(ctl, command, argc - 1 - words, argv + 1 + words);
}

int ctl_main(int argc, char **argv)
{
	struct ctl ctl = {.timeout_s = TIMEOUT_S, .out = stdout, .instance = getenv("COTERIE_INSTANCE")};

	ctl.has_color = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
	signal(SIGPIPE, SIG_DFL);
	/* The words of __complete are still being typed, so they are not parsed as a command line. */
	if (argc > 1 && strcmp(argv[1], "__complete") == 0)
		return complete_run(&ctl, argc - 2, argv + 2);
	if (argc == 2 && strcmp(argv[1], "__node") == 0)
		return agent_main(&ctl);
	if (parse_options(&ctl, &argc, argv) == CTL_GOOD)
		return CTL_GOOD;
	if (ctl.instance != NULL && *ctl.instance == '\0')
		ctl.instance = NULL;
	if (ctl.instance != NULL && setenv("COTERIE_INSTANCE", ctl.instance, 1) < 0)
		return CTL_FAILED;
	int code = run_words(&ctl, argc, argv);

	ctl_close(&ctl);
	return code;
}

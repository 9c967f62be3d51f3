/* Command line, time limit, watching, and the envelope around every answer. */
#include "tools/ctl/ctl_main.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "tools/ctl/ctl.h"

#define TIMEOUT_S 5
#define WATCH_LOOK_S 0.5 /* how often a watch without SECONDS looks for changes */

static const struct ctl_command commands[] = {
	{"status", "", "one screen: node, ring, members, quorum, what is wrong", true, status_gather, status_print},
	{"members", "", "nodes with state, addresses, joins and votes", true, members_gather, members_print},
	{"quorum", "", "votes, flags, how many may still go", true, quorum_gather, quorum_print},
	{"quorum set-expected", "VOTES", "set the expected votes of the cluster", false, quorum_set_expected, NULL},
	{"quorum set-votes", "VOTES [--node ID]", "set the votes of a node", false, quorum_set_votes, NULL},
	{"quorum drop-qdevice", "", "unregister the quorum device of this node", false, quorum_drop_qdevice, NULL},
	{"quorum unblock", "", "stop waiting for all nodes", false, quorum_unblock, NULL},
	{"rings", "", "nodes and links: state, addresses, MTU; token timers", true, rings_gather, rings_print},
	{"config show", "[PREFIX] [--file|--changed]", "keys of the configuration map", true, config_show, config_print},
	{"config get", "KEY", "one key", true, config_get, config_print},
	{"config set", "KEY TYPE VALUE", "set a key", false, config_set, NULL},
	{"config check", "[FILE]", "check a config file; needs no daemon", false, config_check, config_check_print},
	{"config diff", "[FILE | --nodes all]", "keys in which the file and the running daemon differ", true, config_diff,
		config_print},
	{"log show", "[--level LEVEL] [--subsys NAME] [--since TIME] [--lines N]", "lines of the log file", true,
		log_show, log_print},
	{"log level", "[SUBSYS=off|on|trace...]", "show or change debugging of subsystems", false, log_level,
		log_level_print},
	{"log reopen", "", "open log files anew, after rotation", false, log_reopen, NULL},
	{"log dump", "", "write the flight recorder to the state folder", false, log_dump, NULL},
	{"reload", "[--check-only]", "read the config file again, on every node", false, reload_gather, reload_print},
	{"plugin list", "", "loaded transports and services", true, plugin_list, plugin_print},
	{"plugin load", "FILE|NAME [KEY=VALUE ...]", "load a plugin into the running daemon", false, plugin_load, plugin_change_print},
	{"plugin unload", "NAME [--drain SECONDS]", "unload a plugin", false, plugin_unload, plugin_change_print},
	{"plugin replace", "NAME [FILE] [--force]", "put a plugin's new file in its place", false, plugin_replace, plugin_change_print},
	{"cpg list", "[GROUP]", "process groups and their members", true, cpg_list, cpg_print},
	{"clients", "", "programs connected to the daemon", true, clients_gather, clients_print},
	{"shutdown", "[--force]", "stop the daemon of this node, if nobody objects", false, shutdown_gather, NULL},
	{0},
};

const struct ctl_command *ctl_commands(void) { return commands; }

/* --- usage --- */

static void print_usage(FILE *out)
{
	fprintf(out, "usage: coterie-ctl [OPTION...] COMMAND [ARGUMENT...]\n\nCommands:\n");
	for (const struct ctl_command *command = commands; command->name != NULL; command++) {
		char left[80];

		snprintf(left, sizeof(left), "%s%s%s", command->name, *command->arguments != '\0' ? " " : "",
			command->arguments);
		fprintf(out, strlen(left) > 30 ? "  %s\n%34s%s\n" : "  %-32s%s%s\n", left,
			strlen(left) > 30 ? "" : "", command->help);
	}
	fprintf(out,
		"  watch                           events as they happen, one JSON document a line\n"
		"  metrics                         statistics as OpenMetrics text\n"
		"  completion bash|zsh|fish        completion script for a shell\n"
		"\nOptions:\n"
		"  -f, --format text|json|jsonl    form of the answer; --json is --format=json\n"
		"  -w, --watch[=SECONDS]           show again at changes, or every so often\n"
		"      --timeout SECONDS           give up after so long (%d)\n"
		"      --instance NAME             daemon to talk to (COTERIE_INSTANCE)\n"
		"      --yes                       do not ask before changing the cluster\n"
		"      --no-color                  plain text (NO_COLOR)\n"
		"  -q, --quiet                     no text but errors\n"
		"  -v, --verbose                   more detail\n"
		"      --help, --version\n"
		"\nExit status: 0 good, 1 failed, 2 not quorate, 3 daemon not running, 4 permission denied,\n"
		"5 service not loaded, 6 timed out, 7 refused, 8 configuration invalid, 64 usage.\n",
		TIMEOUT_S);
}

static int usage_error(const char *what, const char *word)
{
	fprintf(stderr, "coterie-ctl: %s%s%s; coterie-ctl --help lists what there is\n", what,
		word != NULL ? " " : "", word != NULL ? word : "");
	return CTL_USAGE;
}

/* --- time limit --- */

/* Library calls wait as long as the daemon lives, so the limit ends the process. */
static void on_alarm(int signal_number)
{
	static const char text[] = "coterie-ctl: no answer in time: the daemon hangs or is busy; raise --timeout, "
				   "or look into its log\n";

	(void)signal_number;
	ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)written;
	_exit(CTL_TIMED_OUT);
}

static void set_limit(const struct ctl *ctl)
{
	signal(SIGALRM, on_alarm);
	alarm(ctl->timeout_s);
}

/* --- one answer --- */

static struct json_object *error_object(const struct ctl_error *error)
{
	static const struct {
		int code;
		const char *name;
	} names[] = {{CTL_FAILED, "FAILED"}, {CTL_NOT_QUORATE, "NOT_QUORATE"}, {CTL_NOT_RUNNING, "NOT_RUNNING"},
		{CTL_DENIED, "DENIED"}, {CTL_NOT_LOADED, "NOT_LOADED"}, {CTL_TIMED_OUT, "TIMED_OUT"},
		{CTL_REFUSED, "REFUSED"}, {CTL_INVALID, "INVALID"}, {CTL_USAGE, "USAGE"}};
	struct json_object *object = json_object_new_object();

	put_number(object, "code", error->code);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].code == error->code)
			put_text(object, "name", names[i].name);
	put_text(object, "text", error->text);
	if (error->hint[0] != '\0')
		put_text(object, "hint", error->hint);
	return object;
}

static void print_json(const struct ctl *ctl, struct json_object *document)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE |
		(ctl->format == CTL_JSON && !ctl->is_watching ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
							     : JSON_C_TO_STRING_PLAIN);

	fprintf(ctl->out, "%s\n", json_object_to_json_string_ext(document, flags));
}

static void print_error(const struct ctl *ctl)
{
	fprintf(stderr, "coterie-ctl: %s%s%s\n", ctl->error.text, ctl->error.hint[0] != '\0' ? "; " : "",
		ctl->error.hint);
}

static void print_answer(struct ctl *ctl, const struct ctl_command *command, struct json_object *data)
{
	if (ctl->format == CTL_TEXT) {
		if (ctl->error.code != 0)
			print_error(ctl);
		else if (!ctl->is_quiet && command->print != NULL)
			command->print(ctl, data);
		else if (!ctl->is_quiet)
			fprintf(ctl->out, "%s\n", get_text(data, "text"));
		json_object_put(data);
		return;
	}
	struct json_object *document = json_object_new_object();
	uint32_t local = ctl->error.code == CTL_NOT_RUNNING ? 0 : fact_local(ctl);
	char now[48];
	fact_time(now);
	put_text(document, "schema", "coterie-ctl/1");
	put_text(document, "command", command->name);
	if (local != 0)
		put_number(document, "node", local);
	put_text(document, "time", now);
	if (ctl->error.code != 0) {
		json_object_object_add(document, "error", error_object(&ctl->error));
		json_object_put(data);
	} else {
		json_object_object_add(document, "data", data);
	}
	print_json(ctl, document);
	json_object_put(document);
}

static int answer_once(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv)
{
	struct json_object *data = json_object_new_object();

	memset(&ctl->error, 0, sizeof(ctl->error));
	set_limit(ctl);
	int code = command->gather(ctl, argc, argv, data);
	print_answer(ctl, command, data);
	fflush(ctl->out);
	alarm(0);
	return code;
}

/* --- watching --- */

/* The same answer again, into memory: a screen is drawn only when it differs from the last one. */
static int answer_to_text(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv, char **text)
{
	size_t size;

	ctl->out = open_memstream(text, &size);
	if (ctl->out == NULL)
		return ctl_fail(ctl, CTL_FAILED, NULL, "out of memory");
	int code = answer_once(ctl, command, argc, argv);
	fclose(ctl->out);
	ctl->out = stdout;
	return code;
}

static int watch_answers(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv)
{
	char *last = NULL;
	double pause_s = ctl->watch_s > 0 ? ctl->watch_s : WATCH_LOOK_S;

	for (;;) {
		char *text = NULL;
		int code = answer_to_text(ctl, command, argc, argv, &text);
		bool is_new = last == NULL || text == NULL || strcmp(last, text) != 0;

		/* Documents carry the time, so those are compared behind it. */
		if (ctl->format != CTL_TEXT && last != NULL && text != NULL) {
			const char *a = strstr(last, "\"data\""), *b = strstr(text, "\"data\"");

			is_new = a == NULL || b == NULL || strcmp(a, b) != 0;
		}
		if (text != NULL && (is_new || ctl->watch_s > 0)) {
			if (ctl->format == CTL_TEXT && isatty(STDOUT_FILENO))
				fputs("\033[H\033[2J", stdout);
			fputs(text, stdout);
			fflush(stdout);
		}
		free(last);
		last = text;
		if (code == CTL_NOT_RUNNING || code == CTL_DENIED || ferror(stdout)) {
			free(last);
			return code;
		}
		poll(NULL, 0, (int)lround(pause_s * 1000));
	}
}

/* --- command line --- */

static const struct ctl_command *find_command(int argc, char **argv, int *words)
{
	const struct ctl_command *found = NULL;
	char two[128];

	*words = 0;
	if (argc == 0)
		return NULL;
	snprintf(two, sizeof(two), "%s %s", argv[0], argc > 1 ? argv[1] : "");
	for (const struct ctl_command *command = commands; command->name != NULL; command++) {
		if (strcmp(command->name, two) == 0) {
			*words = 2;
			return command;
		}
		if (strcmp(command->name, argv[0]) == 0) {
			found = command;
			*words = 1;
		}
	}
	return found;
}

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

enum { OPTION_JSON = 256, OPTION_TIMEOUT, OPTION_INSTANCE, OPTION_YES, OPTION_NO_COLOR, OPTION_HELP, OPTION_VERSION };

static const struct option options[] = {
	{"format", required_argument, NULL, 'f'},
	{"json", no_argument, NULL, OPTION_JSON},
	{"watch", optional_argument, NULL, 'w'},
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

/* One global option. @return -1: go on; else the exit status */
static int take_option(struct ctl *ctl, int letter)
{
	double seconds;

	switch (letter) {
	case 'f':
		if (!parse_format(ctl, optarg))
			return usage_error("no format", optarg);
		break;
	case OPTION_JSON:
		ctl->format = CTL_JSON;
		break;
	case 'w':
		ctl->is_watching = true;
		if (optarg != NULL && !parse_seconds(optarg, 0.1, &ctl->watch_s))
			return usage_error("--watch wants seconds, at least 0.1, not", optarg);
		break;
	case OPTION_TIMEOUT:
		if (!parse_seconds(optarg, 1, &seconds))
			return usage_error("--timeout wants seconds, at least 1, not", optarg);
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
		return CTL_USAGE; /* getopt has said why */
	}
	return -1;
}

/*
 * Global options may stand anywhere; words that begin with "--" and are not among them are the command's
 * own. argv keeps the latter.
 * @return -1: go on; else the exit status
 */
static int parse_options(struct ctl *ctl, int *argc, char **argv)
{
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		char *pair[3] = {argv[0], argv[i], i + 1 < *argc ? argv[i + 1] : NULL};
		const char *word = argv[i];
		size_t length = strcspn(word + (*word == '-'), "=") + (*word == '-');
		bool is_ours = strcmp(word, "-f") == 0 || strcmp(word, "-w") == 0 || strcmp(word, "-q") == 0 ||
			strcmp(word, "-v") == 0;

		if (strcmp(word, "--") == 0) {
			while (++i < *argc)
				argv[kept++] = argv[i];
			break;
		}
		for (const struct option *option = options; option->name != NULL && word[0] == '-' && word[1] == '-';
			option++)
			is_ours = is_ours ||
				(strlen(option->name) == length - 2 && strncmp(option->name, word + 2, length - 2) == 0);
		if (!is_ours) {
			argv[kept++] = argv[i];
			continue;
		}
		optind = 0;
		int letter = getopt_long(pair[2] != NULL ? 3 : 2, pair, "+f:w::qv", options, NULL);
		i += optind == 3;
		int code = take_option(ctl, letter);
		if (code >= 0)
			return code;
	}
	*argc = kept;
	return -1;
}

static int run_command(struct ctl *ctl, int argc, char **argv)
{
	int words;

	if (argc < 2) {
		print_usage(stderr);
		return CTL_USAGE;
	}
	if (strcmp(argv[1], "watch") == 0)
		return watch_run(ctl, argc - 2, argv + 2);
	if (strcmp(argv[1], "metrics") == 0)
		return metrics_run(ctl);
	if (strcmp(argv[1], "completion") == 0)
		return completion_run(argc - 2, argv + 2);
	if (strcmp(argv[1], "__complete") == 0)
		return complete_run(ctl, argc - 2, argv + 2);
	const struct ctl_command *command = find_command(argc - 1, argv + 1, &words);
	if (command == NULL)
		return usage_error("no command", argv[1]);
	if (ctl->is_watching && !command->is_repeatable)
		return usage_error("--watch makes no sense with", command->name);
	if (ctl->is_watching)
		return watch_answers(ctl, command, argc - 1 - words, argv + 1 + words);
	return answer_once(ctl, command, argc - 1 - words, argv + 1 + words);
}

int ctl_main(int argc, char **argv)
{
	struct ctl ctl = {.timeout_s = TIMEOUT_S, .out = stdout, .instance = getenv("COTERIE_INSTANCE")};

	ctl.has_color = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
	signal(SIGPIPE, SIG_DFL);
	int code = parse_options(&ctl, &argc, argv);
	if (code >= 0)
		return code;
	if (ctl.instance != NULL && *ctl.instance == '\0')
		ctl.instance = NULL;
	if (ctl.instance != NULL && setenv("COTERIE_INSTANCE", ctl.instance, 1) < 0)
		return CTL_FAILED;
	code = run_command(&ctl, argc, argv);
	ctl_close(&ctl);
	return code;
}

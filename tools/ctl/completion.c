/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `completion SHELL` prints a script for a shell. The script calls `__complete WORD…` for the possible last words. So
 * only this program has to know the commands.
 */
#include "tools/ctl/completion.h"

#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/ctl/completion_scripts.h"
#include "tools/ctl/doctor/judge.h"

#define LIMIT_US 300000 /* the shell waits meanwhile, so print the words that were found by then, and end */

int completion_run(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv)
{
	const char *shell = argc == 1 ? argv[0] : "";

	(void)command;
	if (strcmp(shell, "bash") == 0)
		fputs(completion_bash, stdout);
	else if (strcmp(shell, "zsh") == 0)
		fputs(completion_zsh, stdout);
	else if (strcmp(shell, "fish") == 0)
		fputs(completion_fish, stdout);
	else
		return ctl_fail(ctl, CTL_USAGE, "bash, zsh or fish?", "completion: no shell '%s'", shell);
	return CTL_GOOD;
}

/* --- words --- */

void offer(const struct typing *typing, const char *word)
{
	if (strncmp(word, typing->start, strlen(typing->start)) == 0)
		printf("%.*s%s\n", typing->prefix_length, typing->prefix, word);
}

void offer_words(const struct typing *typing, const char *words)
{
	char *copy = strdup(words), *rest = NULL;

	for (char *word = copy != NULL ? strtok_r(copy, " |", &rest) : NULL; word != NULL;
		word = strtok_r(NULL, " |", &rest))
		offer(typing, word);
	free(copy);
}

/* Move everything up to the last separator from the typed part into the prefix. */
static void skip_to(struct typing *typing, char separator)
{
	const char *last = strrchr(typing->start, separator);

	if (last == NULL)
		return;
	typing->prefix_length += (int)(last + 1 - typing->start);
	typing->start = last + 1;
}

void offer_nodes(struct typing *typing, const char *others)
{
	struct json_object *nodes = fact_nodes(typing->ctl);

	skip_to(typing, ',');
	offer_words(typing, others);
	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i);
		char id[24];

		snprintf(id, sizeof(id), "%" PRIi64, get_number(node, "id"));
		offer(typing, id);
		if (*get_text(node, "name") != '\0')
			offer(typing, get_text(node, "name"));
	}
	json_object_put(nodes);
}

static bool offer_key(void *arg, const char *key)
{
	offer(arg, key);
	return true;
}

void offer_keys(struct typing *typing, enum ctl_service map)
{
	fact_each(typing->ctl, map, *typing->start != '\0' ? typing->start : NULL, offer_key, typing);
}

/* Offer the plugin of a key stats.plugins.NAME.kind. */
static bool offer_plugin(void *arg, const char *key)
{
	char name[64];
	int end = 0;

	if (sscanf(key, "stats.plugins.%63[^.].kind%n", name, &end) == 1 && end > 0 && key[end] == '\0')
		offer(arg, name);
	return true;
}

/* Offer a subsystem of the log. A service logs under its name in capitals. */
static bool offer_subsystem(void *arg, const char *key)
{
	char name[64];
	int end = 0;

	if (sscanf(key, "stats.plugins.%63[^.].kind%n", name, &end) == 1 && end > 0 && key[end] == '\0') {
		if (strcmp(name, "votequorum") == 0)
			name[5] = '\0';
		for (char *at = name; *at != '\0'; at++)
			*at = (char)toupper((unsigned char)*at);
		offer(arg, name);
	}
	return true;
}

static void offer_subsystems(struct typing *typing)
{
	offer_words(typing, "MAIN SERV SYNC TOTEM");
	fact_each(typing->ctl, CTL_STATS, "stats.plugins.", offer_subsystem, typing);
}

/* --- values of options --- */

static bool takes_value(const char *option)
{
	static const char *const options[] = {"-f", "--format", "--node", "--nodes", "--level", "--subsys", "--timeout",
		"--instance", "--since", "--lines", "--drain", "--ssh", "--transport", "--config"};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(option, options[i]) == 0)
			return true;
	return false;
}

static void offer_value(struct typing *typing, const char *option)
{
	if (strcmp(option, "--format") == 0 || strcmp(option, "-f") == 0)
		offer_words(typing, "text json jsonl");
	else if (strcmp(option, "--node") == 0)
		offer_nodes(typing, "");
	else if (strcmp(option, "--nodes") == 0)
		offer_nodes(typing, "all");
	else if (strcmp(option, "--level") == 0)
		offer_words(typing, "emerg alert crit error warning notice info debug trace");
	else if (strcmp(option, "--subsys") == 0)
		offer_subsystems(typing);
	else if (strcmp(option, "--transport") == 0)
		offer_words(typing, "knet udpu udp");
}

/* Complete the value in "--format=js". */
static bool offer_joined_value(struct typing *typing)
{
	char option[32];
	size_t length = strcspn(typing->start, "=");

	if (typing->start[0] != '-' || typing->start[length] != '=' || length >= sizeof(option))
		return false;
	snprintf(option, sizeof(option), "%.*s", (int)length, typing->start);
	typing->prefix_length += (int)length + 1;
	typing->start += length + 1;
	offer_value(typing, option);
	return true;
}

/* Offer the options of a command, which are in its usage text. */
static void offer_options(const struct typing *typing, const struct ctl_command *command)
{
	const char *at = command != NULL ? command->arguments : "";

	while ((at = strstr(at, "--")) != NULL) {
		char option[32];
		size_t length = 2 + strspn(at + 2, "abcdefghijklmnopqrstuvwxyz-");

		snprintf(option, sizeof(option), "%.*s", (int)length, at);
		offer(typing, option);
		at += length;
	}
	offer_words(typing,
		"--format= --json --watch --nodes= --timeout= --instance= --yes --no-color --quiet --verbose "
		"--help --version");
}

/* --- words of a command --- */

/* Offer the first words of all commands, each once, or the second words that may follow a given first word. */
static void offer_commands(const struct typing *typing, const char *first)
{
	char last[64] = "";

	for (const struct ctl_command *command = ctl_commands(); command->name != NULL; command++) {
		size_t length = strcspn(command->name, " ");
		char word[64];

		snprintf(word, sizeof(word), "%.*s", (int)length, command->name);
		if (first == NULL && strcmp(word, last) != 0)
			offer(typing, word);
		if (first != NULL && strcmp(word, first) == 0 && command->name[length] == ' ')
			offer(typing, command->name + length + 1);
		snprintf(last, sizeof(last), "%s", word);
	}
}

static void offer_level(struct typing *typing)
{
	if (strchr(typing->start, '=') != NULL) {
		skip_to(typing, '=');
		offer_words(typing, "off on trace");
		return;
	}
	offer_subsystems(typing);
	offer(typing, "all");
}

static void offer_checks(const struct typing *typing)
{
	for (const struct doctor_check *check = doctor_checks(); check->id != NULL; check++)
		offer(typing, check->id);
}

/* Offer the words for an argument. number: index of the argument, from 0. */
static void offer_argument(struct typing *typing, const struct ctl_command *command, int number, bool is_stats)
{
	const char *name = command->name;

	if (strcmp(name, "config show") == 0 || strcmp(name, "config get") == 0)
		offer_keys(typing, is_stats ? CTL_STATS : CTL_CONFIG);
	else if (strcmp(name, "config set") == 0 && number == 0)
		offer_keys(typing, CTL_CONFIG);
	else if (strcmp(name, "config set") == 0 && number == 1)
		offer_words(typing, "i8 u8 i16 u16 i32 u32 i64 u64 flt dbl str");
	else if (strcmp(name, "log level") == 0)
		offer_level(typing);
	else if ((strcmp(name, "plugin unload") == 0 || strcmp(name, "plugin replace") == 0) && number == 0)
		fact_each(typing->ctl, CTL_STATS, "stats.plugins.", offer_plugin, typing);
	else if (strcmp(name, "node remove") == 0 && number == 0)
		offer_nodes(typing, "");
	else if (strcmp(name, "doctor") == 0)
		offer_checks(typing);
	else if (strcmp(name, "completion") == 0 && number == 0)
		offer_words(typing, command->arguments);
}

static void complete_ctl(struct typing *typing, int argc, char **argv)
{
	const char *words[2] = {"", ""};
	const char *before = argc > 1 ? argv[argc - 2] : "";
	bool is_stats = false;
	int count = 0; /* number of the words that are not options */
	int named;     /* number of the words that name the command */

	for (int i = 0; i + 1 < argc; i++) {
		bool is_value = i > 0 && takes_value(argv[i - 1]);

		if (is_value && strcmp(argv[i - 1], "--instance") == 0)
			setenv("COTERIE_INSTANCE", argv[i], 1);
		if (strncmp(argv[i], "--instance=", 11) == 0)
			setenv("COTERIE_INSTANCE", argv[i] + 11, 1);
		is_stats = is_stats || strcmp(argv[i], "--stats") == 0;
		if (argv[i][0] == '-' || is_value)
			continue;
		if (count < 2)
			words[count] = argv[i];
		count++;
	}
	const struct ctl_command *command = ctl_find_command(words[0], words[1], &named);

	if (offer_joined_value(typing))
		return;
	if (takes_value(before)) {
		offer_value(typing, before);
		return;
	}
	if (typing->start[0] == '-')
		offer_options(typing, command);
	else if (count == 0)
		offer_commands(typing, NULL);
	if (typing->start[0] != '-' && count == 1)
		offer_commands(typing, words[0]);
	if (typing->start[0] != '-' && command != NULL)
		offer_argument(typing, command, count - named, is_stats);
}

static void on_alarm(int signal_number)
{
	(void)signal_number;
	_exit(CTL_GOOD);
}

int complete_run(struct ctl *ctl, int argc, char **argv)
{
	struct typing typing = {
		.ctl = ctl, .start = argc > 0 ? argv[argc - 1] : "", .prefix = argc > 0 ? argv[argc - 1] : ""};

	setlinebuf(stdout); /* so that the words found so far are printed when the time is over */
	signal(SIGALRM, on_alarm);
	ualarm(LIMIT_US, 0);
	if (argc < 1 || !complete_tool(&typing, argc, argv))
		complete_ctl(&typing, argc, argv);
	return CTL_GOOD;
}

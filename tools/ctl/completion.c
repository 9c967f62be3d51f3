/*
 * `completion SHELL` prints a script; the script asks `__complete WORD…` for what may stand in place of the
 * last word, so that the shells know nothing of commands themselves.
 */
#include "tools/ctl/ctl.h"

#include <string.h>
#include <unistd.h>

static const char bash[] =
	"_coterie_ctl() {\n"
	"\tlocal IFS=$'\\n'\n"
	"\tCOMPREPLY=($(coterie-ctl __complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null))\n"
	"}\n"
	"complete -F _coterie_ctl coterie-ctl\n";

static const char zsh[] =
	"#compdef coterie-ctl\n"
	"_coterie_ctl() {\n"
	"\tlocal -a found\n"
	"\tfound=(${(f)\"$(coterie-ctl __complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)\"})\n"
	"\tcompadd -a found\n"
	"}\n"
	"compdef _coterie_ctl coterie-ctl\n";

static const char fish[] =
	"function __coterie_ctl\n"
	"\tset -l words (commandline -opc) (commandline -ct)\n"
	"\tcoterie-ctl __complete $words[2..-1] 2>/dev/null\n"
	"end\n"
	"complete -c coterie-ctl -f -a '(__coterie_ctl)'\n";

int completion_run(int argc, char **argv)
{
	const char *shell = argc == 1 ? argv[0] : "";

	if (strcmp(shell, "bash") == 0)
		fputs(bash, stdout);
	else if (strcmp(shell, "zsh") == 0)
		fputs(zsh, stdout);
	else if (strcmp(shell, "fish") == 0)
		fputs(fish, stdout);
	else {
		fprintf(stderr, "coterie-ctl: completion for bash, zsh or fish?\n");
		return CTL_USAGE;
	}
	return CTL_GOOD;
}

/* --- what may come next --- */

static void offer(const char *word, const char *start, size_t length)
{
	if (strncmp(word, start, strlen(start)) == 0)
		printf("%.*s\n", (int)length, word);
}

/* First words, each once; or the second words behind a first. */
static void offer_commands(const char *first, const char *start)
{
	static const char *const others[] = {"watch", "metrics", "completion"};
	char last[64] = "";

	for (const struct ctl_command *command = ctl_commands(); command->name != NULL; command++) {
		size_t length = strcspn(command->name, " ");

		if (first == NULL && (strlen(last) != length || strncmp(last, command->name, length) != 0)) {
			snprintf(last, sizeof(last), "%.*s", (int)length, command->name);
			offer(last, start, length);
		}
		if (first != NULL && strlen(first) == length && strncmp(first, command->name, length) == 0 &&
			command->name[length] == ' ')
			offer(command->name + length + 1, start, strlen(command->name + length + 1));
	}
	for (size_t i = 0; first == NULL && i < sizeof(others) / sizeof(others[0]); i++)
		offer(others[i], start, strlen(others[i]));
}

static void offer_options(const char *start)
{
	static const char *const options[] = {"--format=", "--json", "--watch", "--timeout=", "--instance=", "--yes",
		"--no-color", "--quiet", "--verbose", "--help", "--version"};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		offer(options[i], start, strlen(options[i]));
}

struct offer {
	const char *start;
};

static bool offer_key(void *arg, const char *key)
{
	offer(key, ((struct offer *)arg)->start, strlen(key));
	return true;
}

static void offer_nodes(struct ctl *ctl, const char *start)
{
	struct json_object *nodes = fact_nodes(ctl);

	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		char id[24];

		snprintf(id, sizeof(id), "%jd", (intmax_t)get_number(json_object_array_get_idx(nodes, i), "id"));
		offer(id, start, strlen(id));
	}
	json_object_put(nodes);
}

int complete_run(struct ctl *ctl, int argc, char **argv)
{
	const char *start = argc > 0 ? argv[argc - 1] : "";

	ualarm(300000, 0); /* a shell waits for this: better nothing than late */
	if (*start == '-') {
		offer_options(start);
		return CTL_GOOD;
	}
	if (argc <= 1) {
		offer_commands(NULL, start);
		return CTL_GOOD;
	}
	if (argc == 2)
		offer_commands(argv[0], start);
	if (strcmp(argv[argc - 2], "--node") == 0)
		offer_nodes(ctl, start);
	if (strcmp(argv[0], "config") == 0 && argc == 3 && strcmp(argv[1], "check") != 0 && strcmp(argv[1], "diff") != 0) {
		struct offer keys = {.start = start};

		fact_each(ctl, CTL_CONFIG, *start != '\0' ? start : NULL, offer_key, &keys);
	}
	return CTL_GOOD;
}

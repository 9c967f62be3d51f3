/* SPDX-License-Identifier: BSD-3-Clause */
/* Completion for the corosync-* tools: their options, and the words that may follow an option. */
#include "tools/ctl/completion.h"

#include <string.h>

enum kind {
	KIND_NOTHING, /* a number or a name that cannot be completed */
	KIND_FILE,    /* a path, which the shell itself completes */
	KIND_NODE,
	KIND_KEY,
	KIND_WORDS,
};

struct value {
	const char *option;
	enum kind kind;
	const char *words;
};

struct tool {
	const char *name;
	const char *options;
	struct value values[8]; /* the last element has no option */
	enum kind others;       /* kind of the words that belong to no option */
};

static const struct tool tools[] = {
	{"corosync-blackbox", "", {{0}}, KIND_NOTHING},
	{"corosync-cfgtool",
		"-i -s -n -b -r -R -L -k -a -h -H --if= --status --nodes --brief --reload --reopen --kill= --address= --shutdown "
		"--force --format=",
		{{"-k", KIND_NODE, NULL}, {"--kill", KIND_NODE, NULL}, {"-a", KIND_NODE, NULL},
			{"--address", KIND_NODE, NULL}, {"-i", KIND_NOTHING, NULL}, {"--if", KIND_NOTHING, NULL},
			{"--format", KIND_WORDS, "text json jsonl"}, {0}},
		KIND_NOTHING},
	{"corosync-cmapctl", "-b -C -D -d -g -h -m -p -q -s -T -t --format=",
		{{"-m", KIND_WORDS, "icmap stats"}, {"-C", KIND_WORDS, "knet ipc totem schedmiss all"},
			{"-p", KIND_FILE, NULL}, {"--format", KIND_WORDS, "text json jsonl"}, {0}},
		KIND_KEY},
	{"corosync-cpgtool", "-d -e -n -h --format=",
		{{"-d", KIND_NOTHING, NULL}, {"--format", KIND_WORDS, "text json jsonl"}, {0}}, KIND_NOTHING},
	{"corosync-keygen", "-k -l -m -r -s -h --key-file= --random-file= --size= --less-secure --help",
		{{"-k", KIND_FILE, NULL}, {"--key-file", KIND_FILE, NULL}, {"-r", KIND_FILE, NULL},
			{"--random-file", KIND_FILE, NULL}, {"-s", KIND_NOTHING, NULL}, {"--size", KIND_NOTHING, NULL},
			{0}},
		KIND_NOTHING},
	{"corosync-notifyd", "-c -f -l -o -s -m -n -d -h --link-as-quorum",
		{{"-c", KIND_NOTHING, NULL}, {"-m", KIND_NOTHING, NULL}, {0}}, KIND_NOTHING},
	{"corosync-quorumtool", "-s -m -l -a -p -v -n -e -H -i -o -f -W -h -V --format=",
		{{"-n", KIND_NODE, NULL}, {"-o", KIND_WORDS, "a n i"}, {"-W", KIND_WORDS, "q x qx"},
			{"-v", KIND_NOTHING, NULL}, {"-e", KIND_NOTHING, NULL},
			{"--format", KIND_WORDS, "text json jsonl"}, {0}},
		KIND_NOTHING},
	{"corosync-vqsim", "-c -o -n -h", {{"-c", KIND_FILE, NULL}, {"-o", KIND_FILE, NULL}, {0}}, KIND_NOTHING},
};

static const struct tool *find_tool(const char *name)
{
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
		if (strcmp(name, tools[i].name) == 0)
			return &tools[i];
	return NULL;
}

static const struct value *find_value(const struct tool *tool, const char *option, size_t length)
{
	for (const struct value *value = tool->values; value->option != NULL; value++)
		if (strlen(value->option) == length && strncmp(value->option, option, length) == 0)
			return value;
	return NULL;
}

static void offer_kind(struct typing *typing, enum kind kind, const char *words, bool is_stats)
{
	switch (kind) {
	case KIND_NOTHING:
	case KIND_FILE:
		break;
	case KIND_NODE:
		offer_nodes(typing, "");
		break;
	case KIND_KEY:
		offer_keys(typing, is_stats ? CTL_STATS : CTL_CONFIG);
		break;
	case KIND_WORDS:
		offer_words(typing, words);
		break;
	}
}

/* Return whether the option -m stats is among the words, as one word or two. */
static bool has_stats(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "-mstats") == 0 ||
			(strcmp(argv[i], "-m") == 0 && strcmp(argv[i + 1], "stats") == 0))
			return true;
	return false;
}

bool complete_tool(struct typing *typing, int argc, char **argv)
{
	const struct tool *tool = find_tool(argv[0]);
	size_t length = strcspn(typing->start, "=");

	if (tool == NULL || argc < 2)
		return false;
	const struct value *before = find_value(tool, argv[argc - 2], strlen(argv[argc - 2]));
	const struct value *joined = typing->start[length] == '=' ? find_value(tool, typing->start, length) : NULL;

	if (joined != NULL) {
		typing->prefix_length += (int)length + 1;
		typing->start += length + 1;
		offer_kind(typing, joined->kind, joined->words, false);
	} else if (before != NULL) {
		offer_kind(typing, before->kind, before->words, false);
	} else if (typing->start[0] == '-') {
		offer_words(typing, tool->options);
	} else {
		offer_kind(typing, tool->others, NULL, has_stats(argc, argv));
	}
	return true;
}

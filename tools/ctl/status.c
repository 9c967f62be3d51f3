/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands `status` and `members`. */
#include "tools/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/terminal.h"

/* --- members --- */

int members_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	bool has_matrix = argc == 1 && strcmp(argv[0], "--matrix") == 0;

	if (argc > (has_matrix ? 1 : 0))
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "members takes no '%s'", argv[argc - 1]);
	if (has_matrix && ctl->nodes != NULL)
		return ctl_fail(
			ctl, CTL_USAGE, "leave one of the two out", "members --matrix asks all nodes by itself");
	int code = ctl_open(ctl, CTL_CONFIG);
	if (code != 0)
		return code;
	const struct metrics_source source = ctl_source(ctl);
	if (!answers_members(&source, data)) /* the ring is not known without the quorum service */
		return ctl_open(ctl, CTL_QUORUM) != 0
			       ? ctl->error.code
			       : ctl_fail(ctl, CTL_FAILED, "try again", "the ring is just changing");
	if (has_matrix)
		matrix_put(ctl, get(data, "members"));
	return CTL_GOOD;
}

void members_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *members = get(data, "members");

	fprintf(ctl->out, "Ring %s\n\n%10s  %-16s %-7s %5s %5s  %s\n", get_text(get(data, "ring"), "text"), "Node",
		"Name", "State", "Joins", "Votes", "Addresses");
	for (size_t i = 0; i < json_object_array_length(members); i++) {
		struct json_object *member = json_object_array_get_idx(members, i);
		struct json_object *addresses = get(member, "addresses");
		char votes[24] = "-";

		if (get(member, "votes") != NULL)
			snprintf(votes, sizeof(votes), "%" PRIi64, get_number(member, "votes"));
		fprintf(ctl->out, "%10" PRIi64 "  %-16s %-7s %5" PRIi64 " %5s  ", get_number(member, "id"),
			get_text(member, "name"), get_text(member, "state"), get_number(member, "joins"), votes);
		for (size_t j = 0; addresses != NULL && j < json_object_array_length(addresses); j++)
			fprintf(ctl->out, "%s ", json_object_get_string(json_object_array_get_idx(addresses, j)));
		fprintf(ctl->out, "%s\n", get_bool(member, "local") ? "(local)" : "");
	}
	matrix_print(ctl, members);
}

/* --- status --- */

#define EVICTIONS_SHOWN 3u

int status_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	if (argc > 0)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "status takes no '%s'", argv[0]);
	int code = ctl_open(ctl, CTL_CONFIG);
	if (code != 0)
		return code;
	const struct metrics_source source = ctl_source(ctl);
	int quorate = answers_status(&source, ctl->instance != NULL ? ctl->instance : "", data);
	return quorate == 0 ? CTL_NOT_QUORATE : CTL_GOOD;
}

#define COLORED_SIZE 128

static const char *colored(const struct ctl *ctl, const char *text, int color, char buffer[COLORED_SIZE])
{
	if (!ctl->has_color)
		return text;
	char begin[64], end[64];

	snprintf(buffer, COLORED_SIZE, "%s%s%s", terminal_color(begin, color), text, terminal_color(end, 0));
	return buffer;
}

static int level_color(const char *level)
{
	return strcmp(level, "error") == 0 ? 31 : strcmp(level, "info") == 0 ? 36 : 33;
}

/* Print only the latest evictions. JSON has all that the daemon keeps. */
static void print_evictions(FILE *out, struct json_object *evictions)
{
	size_t count = evictions != NULL ? json_object_array_length(evictions) : 0;

	for (size_t i = 0; i < count && i < EVICTIONS_SHOWN; i++) {
		struct json_object *eviction = json_object_array_get_idx(evictions, i);

		fprintf(out, "%s%-9s %s %s\n", i == 0 ? "\n" : "", i == 0 ? "Evicted" : "", get_text(eviction, "time"),
			get_text(eviction, "text"));
	}
	if (count > EVICTIONS_SHOWN)
		fprintf(out, "%-9s and %zu before\n", "", count - EVICTIONS_SHOWN);
}

static void print_uptime(FILE *out, int64_t seconds)
{
	if (seconds >= 86400)
		fprintf(out, "%" PRIi64 " d %" PRIi64 " h", seconds / 86400, seconds / 3600 % 24);
	else if (seconds >= 3600)
		fprintf(out, "%" PRIi64 " h %" PRIi64 " min", seconds / 3600, seconds / 60 % 60);
	else
		fprintf(out, "%" PRIi64 " min %" PRIi64 " s", seconds / 60, seconds % 60);
}

void status_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *node = get(data, "node"), *issues = get(data, "issues"), *quorate = get(data, "quorate");
	const char *last = "all is well";
	char buffer[COLORED_SIZE];

	fprintf(ctl->out, "Cluster   %s%s%s\n", get_text(data, "cluster"),
		*get_text(data, "instance") != '\0' ? ", instance " : "", get_text(data, "instance"));
	fprintf(ctl->out, "Node      %s (%" PRIi64 "), %s %s", get_text(node, "name"), get_number(node, "id"),
		get_text(data, "compat"), get_text(data, "version"));
	if (get(data, "pid") != NULL) {
		fprintf(ctl->out, ", pid %" PRIi64 ", up ", get_number(data, "pid"));
		print_uptime(ctl->out, get_number(data, "uptime_s"));
	}
	fprintf(ctl->out, "\nRing      %s, %s over %s%s\n",
		get(data, "ring") != NULL ? get_text(get(data, "ring"), "text") : "unknown", get_text(data, "state"),
		get_text(data, "transport"), get_bool(data, "encrypted") ? ", encrypted" : "");
	fprintf(ctl->out, "Members   %" PRIi64 " of %" PRIi64 "\n", get_number(data, "members"),
		get_number(data, "expected_members"));
	fprintf(ctl->out, "Quorum    %s\n",
		quorate == NULL                    ? "no provider configured"
		: json_object_get_boolean(quorate) ? colored(ctl, "quorate", 32, buffer)
						   : colored(ctl, "NOT quorate", 31, buffer));
	for (size_t i = 0; i < json_object_array_length(issues); i++) {
		struct json_object *issue = json_object_array_get_idx(issues, i);
		const char *level = get_text(issue, "level");

		fprintf(ctl->out, "%s%-9s %s\n", i == 0 ? "\n" : "", colored(ctl, level, level_color(level), buffer),
			get_text(issue, "text"));
		if (i == 0 && *get_text(issue, "hint") != '\0')
			last = get_text(issue, "hint");
	}
	print_evictions(ctl->out, get(data, "evictions"));
	fprintf(ctl->out, "\n%s\n", last);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `doctor`: find faults of this node and its network, and show the evidence and the remedy. Collectors find facts, and
 * judges make findings from them (judge.h). coterie-doctor(7) lists the checks and their findings.
 */
#include "tools/ctl/doctor/doctor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/ctl/doctor/collect.h"
#include "tools/ctl/doctor/judge.h"

#define WINDOW_S 3.0
#define LIMIT_S 60 /* resolving names and querying other nodes may be slow */

struct request {
	const char *file; /* NULL: the file of the running daemon */
	bool is_first;    /* check a node before its first start */
	char **checks;    /* ids of checks, or beginnings of ids; none: all checks */
	int check_count;
};

/* --- the command line --- */

static int parse(struct ctl *ctl, int argc, char **argv, struct request *request)
{
	int kept = 0;

	*request = (struct request){.checks = argv};
	for (int i = 0; i < argc; i++) {
		const bool is_file = strcmp(argv[i], "--config") == 0, is_node = strcmp(argv[i], "--node") == 0;

		if ((is_file || is_node) && i + 1 == argc)
			return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "doctor: %s wants an argument", argv[i]);
		if (is_file) {
			request->file = argv[++i];
			request->is_first = true;
		} else if (strcmp(argv[i], "--before-start") == 0) {
			request->is_first = true;
		} else if (is_node) {
			ctl->node_name = argv[++i];
		} else if (argv[i][0] == '-') {
			return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "doctor takes no '%s'", argv[i]);
		} else {
			argv[kept++] = argv[i];
		}
	}
	request->check_count = kept;
	if (request->is_first && ctl->nodes != NULL)
		return ctl_fail(ctl, CTL_USAGE, "leave one of the two out",
			"doctor --before-start looks at one file, and asks no nodes");
	return 0;
}

static bool is_wanted(const struct request *request, const struct doctor_check *check)
{
	for (int i = 0; i < request->check_count; i++)
		if (strncmp(check->id, request->checks[i], strlen(request->checks[i])) == 0)
			return true;
	return request->check_count == 0;
}

/* Check that each word names at least one check. Otherwise a wrong word would be taken for a check without findings. */
static int check_words(struct ctl *ctl, const struct request *request)
{
	for (int i = 0; i < request->check_count; i++) {
		const struct request one = {.checks = &request->checks[i], .check_count = 1};
		const struct doctor_check *check = doctor_checks();

		while (check->id != NULL && !is_wanted(&one, check))
			check++;
		if (check->id == NULL)
			return ctl_fail(ctl, CTL_USAGE, "coterie-doctor(7) lists the checks", "doctor: no check '%s'",
				request->checks[i]);
	}
	return 0;
}

/* --- facts --- */

static void look(struct ctl *ctl, struct doctor_facts *facts, struct host_collector *host)
{
	const bool has_terminal = ctl->format == CTL_TEXT && !ctl->is_quiet && isatty(STDERR_FILENO);

	if (has_terminal)
		fprintf(stderr, "looking for %.0f seconds...\r", WINDOW_S);
	collect_host_begin(ctl, facts, host);
	collect_paths(facts, WINDOW_S);
	collect_links_end(facts);
	if (has_terminal)
		fprintf(stderr, "\033[K");
	facts->window_s = WINDOW_S;
}

#define UNHEARD_MS 60000

/*
 * Set the packets that the daemon has received on a path, from libknet's counter for the link. It does not count
 * packets that libknet cannot use.
 */
static void put_heard(const struct doctor_facts *facts, struct doctor_path *path)
{
	char key[80];

	path->heard_ms = doctor_heard_ms(&facts->stats, path->nodeid);
	snprintf(key, sizeof(key), "stats.knet.node%" PRIu32 ".link%" PRIu32 ".rx_total_packets", path->nodeid,
		path->link);
	int64_t growth = doctor_growth(facts, key);
	if (growth >= 0)
		path->heard_ms = growth > 0 ? 0 : UNHEARD_MS;
}

static void look_at_node(
	struct ctl *ctl, const struct request *request, struct doctor_facts *facts, struct host_collector *host)
{
	const struct ctl_error error = ctl->error;

	facts->is_running = facts->mode == DOCTOR_OF_DAEMON ||
			    (facts->mode == DOCTOR_OF_FILE && ctl_open(ctl, CTL_CONFIG) != CTL_NOT_RUNNING);
	if (facts->mode != DOCTOR_OF_DAEMON) {
		memset(&ctl->error, 0, sizeof(ctl->error));
		snprintf(facts->problem, sizeof(facts->problem), "%s", error.text);
		collect_file(ctl, request->file, facts);
	} else {
		collect_stats(ctl, &facts->stats_before);
	}
	doctor_facts_members(facts);
	collect_names(facts);
	collect_links_begin(facts);
	look(ctl, facts, host);
	if (facts->mode == DOCTOR_OF_DAEMON) {
		collect_stats(ctl, &facts->stats);
		collect_joined(ctl, facts);
		if (ctl->nodes != NULL)
			collect_nodes(ctl, facts);
	}
	for (size_t i = 0; i < facts->path_count; i++) {
		struct doctor_path *path = &facts->paths[i];

		put_heard(facts, path);
	}
	collect_host_end(facts, host);
	collect_software(facts, host);
}

/* --- the answer --- */

static const char *const level_names[] = {
	[DOCTOR_NOTE] = "info", [DOCTOR_WARNING] = "warning", [DOCTOR_ERROR] = "error"};

static struct json_object *new_row(const struct doctor_check *check, const char *level, const char *text)
{
	struct json_object *row = json_object_new_object();

	put_text(row, "id", check->id);
	put_text(row, "level", level);
	put_text(row, "text", text);
	return row;
}

static void put_findings(const struct doctor_report *report, struct json_object *rows)
{
	for (size_t i = 0; i < report->finding_count; i++) {
		const struct doctor_finding *finding = &report->findings[i];
		struct json_object *row = new_row(finding->check, level_names[finding->level], finding->text);

		put_text(row, "evidence", finding->evidence);
		put_text(row, "hint", finding->remedy);
		put_text(row, "page", finding->check->page);
		if (finding->peer != 0)
			put_number(row, "peer", finding->peer);
		if (finding->link >= 0)
			put_number(row, "link", finding->link);
		json_object_array_add(rows, row);
	}
}

/* Add one row for each check and reason, since several nodes may have the same gap. */
static void put_gaps(const struct doctor_report *report, struct json_object *rows)
{
	for (size_t i = 0; i < report->gap_count; i++) {
		bool is_told = false;

		for (size_t k = 0; k < i && !is_told; k++)
			is_told = report->gaps[k].check == report->gaps[i].check &&
				  strcmp(report->gaps[k].why, report->gaps[i].why) == 0;
		if (!is_told)
			json_object_array_add(rows, new_row(report->gaps[i].check, "unknown", report->gaps[i].why));
	}
}

static bool is_silent(const struct doctor_report *report, const struct doctor_check *check)
{
	for (size_t i = 0; i < report->finding_count; i++)
		if (report->findings[i].check == check)
			return false;
	for (size_t i = 0; i < report->gap_count; i++)
		if (report->gaps[i].check == check)
			return false;
	return true;
}

static int put_report(const struct request *request, const struct doctor_report *report, struct json_object *data)
{
	struct json_object *rows = json_object_new_array();
	enum doctor_level worst = report->finding_count > 0 ? report->findings[0].level : DOCTOR_NOTE;

	put_findings(report, rows);
	put_gaps(report, rows);
	for (const struct doctor_check *check = doctor_checks(); check->id != NULL; check++)
		if (is_wanted(request, check) && is_silent(report, check))
			json_object_array_add(rows, new_row(check, "ok", check->title));
	put_text(data, "summary", worst == DOCTOR_NOTE ? "ok" : level_names[worst]);
	json_object_object_add(data, "checks", rows);
	return worst == DOCTOR_ERROR ? CTL_FOUND_ERRORS : worst == DOCTOR_WARNING ? CTL_FOUND_WARNINGS : CTL_GOOD;
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static void judge(const struct request *request, const struct doctor_facts *facts, struct doctor_report *report)
{
	for (const struct doctor_check *check = doctor_checks(); check->id != NULL; check++)
		if (is_wanted(request, check))
			doctor_judge_one(facts, check, report);
	doctor_sort(report);
}

int doctor_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	struct doctor_report report = {0};
	struct host_collector host;
	struct doctor_facts facts;
	struct request request;
	const double begin_ms = now_ms();
	int code = parse(ctl, argc, argv, &request);

	if (code == 0)
		code = check_words(ctl, &request);
	if (code != 0)
		return code;
	if (ctl->timeout_s < LIMIT_S)
		alarm(LIMIT_S);
	doctor_facts_init(&facts);
	facts.mode = request.is_first ? DOCTOR_OF_FILE : DOCTOR_OF_DAEMON;
	if (!request.is_first && collect_daemon(ctl, &facts) != 0) {
		/* For missing rights, and for a daemon that does not answer, checking the file would not help. */
		if (ctl->error.code != CTL_NOT_RUNNING)
			return ctl->error.code;
		facts.mode = DOCTOR_OF_HOST;
	}
	look_at_node(ctl, &request, &facts, &host);
	judge(&request, &facts, &report);
	code = put_report(&request, &report, data);
	json_object_object_add(data, "took_ms", json_object_new_double(now_ms() - begin_ms));
	doctor_report_fini(&report);
	doctor_facts_fini(&facts);
	return code;
}

/* --- text --- */

static int color_of(const char *level)
{
	return strcmp(level, "error") == 0 ? 31 : strcmp(level, "warning") == 0 ? 33 : 36;
}

static void print_finding(const struct ctl *ctl, struct json_object *row)
{
	const char *level = get_text(row, "level"), *evidence = get_text(row, "evidence");

	if (ctl->has_color)
		fprintf(ctl->out, "\033[%dm%-8s\033[0m", color_of(level), level);
	else
		fprintf(ctl->out, "%-8s", level);
	fprintf(ctl->out, "%s: %s%s%s%s; remedy: %s; see %s\n", get_text(row, "id"), get_text(row, "text"),
		*evidence != '\0' ? " (" : "", evidence, *evidence != '\0' ? ")" : "", get_text(row, "hint"),
		get_text(row, "page"));
}

static bool is_gap(struct json_object *row, const char *why)
{
	return strcmp(get_text(row, "level"), "unknown") == 0 &&
	       (why == NULL || strcmp(get_text(row, "text"), why) == 0);
}

/* Print a line for each reason, with all checks that have this reason. */
static void print_gaps(const struct ctl *ctl, struct json_object *rows)
{
	const size_t count = json_object_array_length(rows);

	fprintf(ctl->out, "Not checked:\n");
	for (size_t i = 0; i < count; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		bool is_told = false;

		for (size_t k = 0; k < i && !is_told; k++)
			is_told = is_gap(json_object_array_get_idx(rows, k), get_text(row, "text"));
		if (is_told || !is_gap(row, NULL))
			continue;
		fprintf(ctl->out, "  %s: %s", get_text(row, "text"), get_text(row, "id"));
		for (size_t k = i + 1; k < count; k++) {
			struct json_object *other = json_object_array_get_idx(rows, k);

			if (is_gap(other, get_text(row, "text")))
				fprintf(ctl->out, ", %s", get_text(other, "id"));
		}
		fprintf(ctl->out, "\n");
	}
}

void doctor_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *rows = get(data, "checks");
	size_t findings = 0, checks = 0, gaps = 0;
	const char *last = "";

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		const char *level = get_text(row, "level");

		if (strcmp(level, "unknown") == 0) {
			gaps++;
			continue;
		}
		if (strcmp(level, "ok") != 0) {
			print_finding(ctl, row);
			findings++;
		}
		checks += strcmp(level, "ok") == 0 || strcmp(get_text(row, "id"), last) != 0;
		last = get_text(row, "id");
	}
	if (findings == 0)
		fprintf(ctl->out, "%zu checks, nothing found\n", checks);
	else
		fprintf(ctl->out, "%zu checks, %zu finding%s; coterie-doctor(7) explains each\n", checks, findings,
			findings == 1 ? "" : "s");
	if (gaps > 0)
		print_gaps(ctl, rows);
}

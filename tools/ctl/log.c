/* SPDX-License-Identifier: BSD-3-Clause */
/* `log`: the daemon's log file, and the log levels. */
#include "tools/ctl/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define LINES 100 /* number of lines that are shown without --lines */
#define LINE_MAX_SIZE 65536
#define FOLLOW_LOOK_NS 200000000

static const char *const level_names[] = {
	"emerg", "alert", "crit", "error", "warning", "notice", "info", "debug", "trace"};
#define LEVELS (sizeof(level_names) / sizeof(level_names[0]))

static int level_of(const char *name)
{
	for (size_t i = 0; i < LEVELS; i++)
		if (strcmp(name, level_names[i]) == 0)
			return (int)i;
	return -1;
}

/* --- lines of the file (book configuration, "Logging") --- */

struct line {
	struct timespec at; /* 0: the lines of the file have no times */
	int level;
	char subsys[64];
	const char *text;
};

struct filter {
	int level;
	const char *subsys;
	time_t since;
	size_t lines;
	bool is_following;
};

/* A log file whose new lines are shown as they appear. */
struct follow {
	struct filter filter;
	char *name;
	FILE *file;
	char *text; /* the current line, of which a part may be missing */
	size_t length, room;
};

/*
 * Parse "Nov 20 06:23:40.962 " in local time. There is no year, so take the latest year for which the time is not in
 * the future.
 */
static const char *parse_time(const char *at, struct timespec *time_out)
{
	time_t now = time(NULL);
	struct tm tm;
	int milliseconds = 0, used = 0;

	localtime_r(&now, &tm);
	int year = tm.tm_year;
	const char *end = strptime(at, "%b %d %H:%M:%S", &tm);
	if (end == NULL)
		return at;
	tm.tm_year = year;
	tm.tm_isdst = -1;
	time_out->tv_sec = mktime(&tm);
	if (time_out->tv_sec > now + 86400) {
		tm.tm_year = year - 1;
		tm.tm_isdst = -1;
		time_out->tv_sec = mktime(&tm);
	}
	if (sscanf(end, ".%3d%n", &milliseconds, &used) == 1)
		time_out->tv_nsec = milliseconds * 1000000L;
	return end + used;
}

/* Parse a line. @return false: the line is not of the daemon */
static bool parse_line(const char *at, struct line *line)
{
	char level[16];
	int used = 0;

	*line = (struct line){.level = -1};
	at = parse_time(at, &line->at);
	/* The format is [PID] HOST NAME LEVEL [SUBSYS] TEXT. */
	if (sscanf(at, " [%*d] %*s %*s %15[a-z] [%63[^]]]%n", level, line->subsys, &used) != 2 || used == 0)
		return false;
	line->level = level_of(level);
	line->text = at + used + (at[used] == ' ');
	for (size_t end = strlen(line->subsys); end > 0 && line->subsys[end - 1] == ' '; end--)
		line->subsys[end - 1] = '\0';
	return line->level >= 0;
}

static bool passes(const struct filter *filter, const struct line *line)
{
	return line->level <= filter->level && line->at.tv_sec >= filter->since &&
	       (filter->subsys == NULL || strcasecmp(filter->subsys, line->subsys) == 0);
}

static struct json_object *line_object(const struct line *line)
{
	struct json_object *object = json_object_new_object();
	char text[32], full[64];
	struct tm utc;

	gmtime_r(&line->at.tv_sec, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(full, sizeof(full), "%s.%03ldZ", text, line->at.tv_nsec / 1000000);
	put_text(object, "time", full);
	put_text(object, "level", level_names[line->level]);
	put_text(object, "subsys", line->subsys);
	put_text(object, "text", line->text);
	return object;
}

/* Read the next line. @return false: end of the file; the part of a line before it is kept */
static bool next_line(struct follow *follow)
{
	for (;;) {
		int byte = getc(follow->file);

		if (byte == EOF)
			return false;
		if (follow->length + 1 >= follow->room) {
			size_t room = 2 * follow->room + 256;
			char *text = room <= LINE_MAX_SIZE ? realloc(follow->text, room) : NULL;

			if (text == NULL) { /* the line is too long for one of the daemon */
				follow->length = 0;
				continue;
			}
			follow->text = text;
			follow->room = room;
		}
		follow->text[follow->length] = (char)byte;
		if (byte == '\n') {
			follow->text[follow->length] = '\0';
			follow->length = 0;
			return true;
		}
		follow->length++;
	}
}

static void read_lines(struct follow *follow, struct json_object *lines)
{
	const struct filter *filter = &follow->filter;
	struct line line;

	while (next_line(follow)) {
		if (!parse_line(follow->text, &line) || !passes(filter, &line))
			continue;
		json_object_array_add(lines, line_object(&line));
		/* Shorten the list only sometimes, since each time the remaining lines are moved. */
		size_t count = json_object_array_length(lines);
		if (count >= filter->lines * 2)
			json_object_array_del_idx(lines, 0, count - filter->lines);
	}
	size_t count = json_object_array_length(lines);
	if (count > filter->lines)
		json_object_array_del_idx(lines, 0, count - filter->lines);
}

/*
 * Parse a number of seconds, minutes, hours or days ("90s", "10m", "2h", "1d"), or "YYYY-MM-DD HH:MM:SS".
 */
static int parse_since(const char *word, time_t *since)
{
	struct tm tm = {.tm_isdst = -1};
	char unit = 's', *end;
	unsigned long long count = strtoull(word, &end, 10);

	if (end != word && *end != '\0' && end[1] == '\0')
		unit = *end++;
	if (end != word && *end == '\0' && strchr("smhd", unit) != NULL) {
		unsigned long long scale = unit == 's' ? 1 : unit == 'm' ? 60 : unit == 'h' ? 3600 : 86400;

		if (count > 100000000)
			return -EINVAL;
		*since = time(NULL) - (time_t)(count * scale);
		return 0;
	}
	const char *rest = strptime(word, "%Y-%m-%d", &tm);
	if (rest != NULL && (*rest == ' ' || *rest == 'T'))
		rest = strptime(rest + 1, "%H:%M:%S", &tm);
	if (rest == NULL || *rest != '\0')
		return -EINVAL;
	*since = mktime(&tm);
	return 0;
}

static int parse_filter(struct ctl *ctl, int argc, char **argv, struct filter *filter)
{
	*filter = (struct filter){.level = (int)LEVELS - 1, .lines = LINES};
	for (int i = 0; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--follow") == 0) {
			filter->is_following = true;
			continue;
		}
		if (strcmp(argv[i], "--level") == 0)
			filter->level = level_of(value);
		else if (strcmp(argv[i], "--subsys") == 0)
			filter->subsys = value;
		else if (strcmp(argv[i], "--since") == 0 && parse_since(value, &filter->since) < 0)
			return ctl_fail(ctl, CTL_USAGE, "90s, 10m, 2h, 1d or YYYY-MM-DD HH:MM:SS",
				"log show: no time '%s'", value);
		else if (strcmp(argv[i], "--lines") == 0)
			filter->lines = (size_t)strtoul(value, NULL, 10);
		else if (strcmp(argv[i], "--since") != 0)
			return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "log show takes no '%s'", argv[i]);
		i++;
	}
	if (filter->level < 0 || filter->lines == 0 || filter->lines > 1000000)
		return ctl_fail(ctl, CTL_USAGE, "levels: emerg alert crit error warning notice info debug trace",
			"log show: no such level, or no number of lines");
	return 0;
}

static void follow_free(struct follow *follow)
{
	if (follow->file != NULL)
		fclose(follow->file);
	free(follow->name);
	free(follow->text);
	free(follow);
}

/* Open the log file. @return 0; the exit status with ctl->error set */
static int open_log(struct ctl *ctl, struct follow *follow)
{
	char *is_used = fact_text(ctl, CTL_CONFIG, "logging.to_logfile");
	bool has_file = is_used != NULL && (strcmp(is_used, "yes") == 0 || strcmp(is_used, "on") == 0);

	free(is_used);
	follow->name = has_file ? fact_text(ctl, CTL_CONFIG, "logging.logfile") : NULL;
	if (follow->name == NULL)
		return ctl_fail(ctl, CTL_FAILED, "journalctl -t corosync, or set to_logfile: yes and logfile: FILE",
			"the daemon writes no log file");
	follow->file = fopen(follow->name, "re");
	if (follow->file != NULL)
		return 0;
	return ctl_fail(ctl, errno == EACCES ? CTL_DENIED : CTL_FAILED,
		errno == EACCES ? "be root, or of the group that may read it" : "is it on this host?",
		"cannot read %s: %s", follow->name, strerror(errno));
}

int log_show(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	struct follow *follow = calloc(1, sizeof(*follow));

	if (follow == NULL)
		return ctl_fail(ctl, CTL_FAILED, NULL, "out of memory");
	int code = parse_filter(ctl, argc, argv, &follow->filter);

	if (code == 0 && follow->filter.is_following && ctl->is_watching)
		code = ctl_fail(ctl, CTL_USAGE, "leave one of the two out", "log show --follow watches by itself");
	if (code == 0)
		code = ctl_open(ctl, CTL_CONFIG);
	if (code == 0)
		code = open_log(ctl, follow);
	if (code == 0) {
		struct json_object *lines = json_object_new_array();

		read_lines(follow, lines);
		json_object_object_add(data, "lines", lines);
	}
	if (code == 0 && follow->filter.is_following)
		ctl->follow = follow;
	else
		follow_free(follow);
	return code;
}

/* --- new lines --- */

static void show_new(struct ctl *ctl, const struct ctl_command *command, struct follow *follow)
{
	struct line line;

	clearerr(follow->file);
	while (next_line(follow)) {
		if (!parse_line(follow->text, &line) || !passes(&follow->filter, &line))
			continue;
		struct json_object *data = json_object_new_object(), *lines = json_object_new_array();

		json_object_array_add(lines, line_object(&line));
		json_object_object_add(data, "lines", lines);
		answer_print(ctl, command, data);
	}
}

/* If the log was rotated or truncated, continue at the start of the new file. */
static void heed_rotation(struct ctl *ctl, const struct ctl_command *command, struct follow *follow)
{
	struct stat ours, named;

	if (fstat(fileno(follow->file), &ours) < 0)
		return;
	if (ours.st_size < ftello(follow->file)) {
		rewind(follow->file);
		follow->length = 0;
	}
	if (stat(follow->name, &named) < 0 || (named.st_dev == ours.st_dev && named.st_ino == ours.st_ino))
		return; /* there is no new file yet, so the daemon still writes to the old one */
	FILE *file = fopen(follow->name, "re");
	if (file == NULL)
		return;
	show_new(ctl, command, follow); /* show the last lines of the old file */
	fclose(follow->file);
	follow->file = file;
	follow->length = 0;
}

int log_follow(struct ctl *ctl, const struct ctl_command *command)
{
	const struct timespec pause = {.tv_nsec = FOLLOW_LOOK_NS};
	struct follow *follow = ctl->follow;

	ctl->asked = fact_local(ctl);
	ctl_close(ctl); /* continue without the daemon: the file stays after the daemon has ended */
	while (!ferror(ctl->out)) {
		show_new(ctl, command, follow);
		heed_rotation(ctl, command, follow);
		nanosleep(&pause, NULL);
	}
	ctl->follow = NULL;
	follow_free(follow);
	return CTL_FAILED;
}

void log_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *lines = get(data, "lines");

	for (size_t i = 0; i < json_object_array_length(lines); i++) {
		struct json_object *line = json_object_array_get_idx(lines, i);

		fprintf(ctl->out, "%s %-7s %-6s %s\n", get_text(line, "time"), get_text(line, "level"),
			get_text(line, "subsys"), get_text(line, "text"));
	}
}

/* --- levels --- */

#define SUBSYS_PREFIX "logging.logger_subsys."

struct levels {
	struct ctl *ctl;
	struct json_object *list;
	const char *everywhere; /* debug level of subsystems without a level of their own */
};

static bool see_level(void *arg, const char *key)
{
	struct levels *levels = arg;
	char name[64], sibling[CMAP_KEYNAME_MAXLEN + 1];
	int end = 0;

	if (sscanf(key, SUBSYS_PREFIX "%63[^.].subsys%n", name, &end) != 1 || end == 0 || key[end] != '\0')
		return true;
	struct json_object *row = json_object_new_object();
	snprintf(sibling, sizeof(sibling), SUBSYS_PREFIX "%s.debug", name);
	char *debug = fact_text(levels->ctl, CTL_CONFIG, sibling);
	const char *word = debug != NULL ? debug : levels->everywhere;
	put_text(row, "name", name);
	put_text(row, "level", strcmp(word, "trace") == 0 ? "trace" : strcmp(word, "on") == 0 ? "debug" : "info");
	put_text(row, "debug", word);
	json_object_array_add(levels->list, row);
	free(debug);
	return true;
}

/* Set "TOTEM=on", or "all=on" for subsystems without a setting of their own. */
static int set_level(struct ctl *ctl, const char *word)
{
	char key[CMAP_KEYNAME_MAXLEN + 1];
	const char *value = strchr(word, '=');
	cs_error_t error;

	if (value == NULL || value == word || value - word > 63 ||
		(strcmp(value + 1, "on") != 0 && strcmp(value + 1, "off") != 0 && strcmp(value + 1, "trace") != 0))
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl log level TOTEM=on",
			"log level: '%s' is no SUBSYS=off|on|trace", word);
	char *name = strndup(word, (size_t)(value - word));
	if (name == NULL)
		return ctl_fail(ctl, CTL_FAILED, NULL, "out of memory");
	if (strcmp(name, "all") == 0) {
		error = cmap_set_string(ctl->config, "logging.debug", value + 1);
	} else {
		snprintf(key, sizeof(key), SUBSYS_PREFIX "%s.subsys", name);
		error = cmap_set_string(ctl->config, key, name);
		snprintf(key, sizeof(key), SUBSYS_PREFIX "%s.debug", name);
		if (error == CS_OK)
			error = cmap_set_string(ctl->config, key, value + 1);
	}
	free(name);
	return error == CS_OK ? 0 : ctl_fail_cs(ctl, "log level", error);
}

int log_level(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	int code = ctl_open(ctl, CTL_CONFIG);

	for (int i = 0; code == 0 && i < argc; i++)
		code = set_level(ctl, argv[i]);
	if (code != 0)
		return code;
	char *debug = fact_text(ctl, CTL_CONFIG, "logging.debug");
	struct levels levels = {
		.ctl = ctl, .list = json_object_new_array(), .everywhere = debug != NULL ? debug : "off"};
	struct json_object *row = json_object_new_object();
	put_text(row, "name", "all");
	put_text(row, "level",
		strcmp(levels.everywhere, "trace") == 0 ? "trace"
		: strcmp(levels.everywhere, "on") == 0  ? "debug"
							: "info");
	put_text(row, "debug", levels.everywhere);
	json_object_array_add(levels.list, row);
	fact_each(ctl, CTL_CONFIG, SUBSYS_PREFIX, see_level, &levels);
	json_object_object_add(data, "subsystems", levels.list);
	free(debug);
	return CTL_GOOD;
}

void log_level_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *list = get(data, "subsystems");

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *row = json_object_array_get_idx(list, i);

		fprintf(ctl->out, "%-12s %s\n", get_text(row, "name"), get_text(row, "level"));
	}
}

/* --- reopen and dump --- */

int log_reopen(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	(void)argv;
	int code = argc > 0 ? ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "log reopen takes no argument")
			    : ctl_open(ctl, CTL_CFG);

	if (code != 0)
		return code;
	cs_error_t error = corosync_cfg_reopen_log_files(ctl->cfg);
	if (error != CS_OK)
		return ctl_fail_cs(ctl, "log reopen", error);
	put_text(data, "text", "log files are open anew");
	return CTL_GOOD;
}

int log_dump(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	char stamp[24];

	(void)argv;
	int code = argc > 0 ? ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "log dump takes no argument")
			    : ctl_open(ctl, CTL_CONFIG);
	if (code != 0)
		return code;
	snprintf(stamp, sizeof(stamp), "%jd", (intmax_t)time(NULL));
	cs_error_t error = cmap_set_string(ctl->config, "runtime.blackbox.dump_state", stamp);
	if (error == CS_OK)
		error = cmap_set_string(ctl->config, "runtime.blackbox.dump_flight_data", stamp);
	if (error != CS_OK)
		return ctl_fail_cs(ctl, "log dump", error);
	char *reason = NULL;

	if (cmap_get_string(ctl->config, "runtime.blackbox.dump_error", &reason) == CS_OK) {
		code = ctl_fail(
			ctl, CTL_FAILED, "an older dump may be there", "the daemon has written nothing: %s", reason);
		free(reason);
		return code;
	}
	put_text(data, "text", "the flight recorder is in the daemon's state folder, as fdata; qb-blackbox shows it");
	return CTL_GOOD;
}

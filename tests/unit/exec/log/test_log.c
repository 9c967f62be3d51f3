/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/log/: layouts, levels, targets that are full, and the rate limit; book configuration, "Logging". */
#include "exec/log/log.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/model.h"
#include "exec/log/log_format.h"
#include "exec/log/log_sink.h"
#include "tests/suite.h"

static char folder[64];

static void setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/test_log.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	log_open("coterie-test");
}

static void teardown(void)
{
	char command[128];

	log_close();
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}

static const char *path_of(const char *name)
{
	static char path[4][256];
	static int next;
	char *at = path[next++ % 4];

	snprintf(at, 256, "%s/%s", folder, name);
	return at;
}

static const char *content(const char *name)
{
	static char text[16384];
	FILE *file = fopen(path_of(name), "r");

	if (file == NULL)
		return "";
	size_t size = fread(text, 1, sizeof(text) - 1, file);

	text[size] = '\0';
	fclose(file);
	return text;
}

/* --- layouts --- */

static const struct layout {
	enum log_target target;
	int timestamp;
	const char *subsystem;
	int prio;
	const char *want;
} layouts[] = {
	{LOG_TARGET_STDERR, 2, "MAIN", LOG_NOTICE, "Nov 20 06:23:40.962 notice  [MAIN  ] text"},
	{LOG_TARGET_STDERR, 1, "MAIN", LOG_NOTICE, "Nov 20 06:23:40 notice  [MAIN  ] text"},
	{LOG_TARGET_STDERR, 0, "VOTEQUORUM", LOG_WARNING, "warning [VOTEQU] text"},
	{LOG_TARGET_FILE, 2, "CFG", LOG_ERR, "Nov 20 06:23:40.962 [77] vm coterie error   [CFG   ] text"},
	{LOG_TARGET_FILE, 0, "CFG", LOG_TRACE, "[77] vm coterie trace   [CFG   ] text"},
	{LOG_TARGET_SYSLOG, 2, "MAIN", LOG_NOTICE, "  [MAIN  ] text"},
	{LOG_TARGET_SYSLOG, 0, "MAIN", LOG_NOTICE, " [MAIN  ] text"},
};

START_TEST(lines_have_their_layout)
{
	/* The time is 2026-11-20 06:23:40.962 UTC. */
	struct log_frame frame = {.timestamp = layouts[_i].timestamp,
		.at = {.tv_sec = 1795155820, .tv_nsec = 962999999},
		.host = "vm",
		.ident = "coterie",
		.pid = 77};
	char line[128];

	setenv("TZ", "UTC", 1);
	tzset();
	size_t length = log_format(
		line, sizeof(line), layouts[_i].target, &frame, layouts[_i].subsystem, layouts[_i].prio, "text");

	ck_assert_str_eq(line, layouts[_i].want);
	ck_assert_uint_eq(length, strlen(line));
	for (size_t size = 1; size <= length; size++) {
		ck_assert_uint_eq(log_format(line, size, layouts[_i].target, &frame, layouts[_i].subsystem,
					  layouts[_i].prio, "text"),
			size - 1);
		ck_assert_uint_eq(strlen(line), size - 1);
	}
}
END_TEST

START_TEST(debug_overrides_priorities)
{
	ck_assert_int_eq(log_limit_of(0, LOG_ERR), LOG_ERR);
	ck_assert_int_eq(log_limit_of(1, LOG_ERR), LOG_DEBUG);
	ck_assert_int_eq(log_limit_of(2, LOG_ERR), LOG_TRACE);
}
END_TEST

/* --- settings --- */

static int configure(struct config_log_subsystem *subsystems, uint32_t count)
{
	struct config_log settings = {.subsystems = subsystems, .subsystem_count = count};
	char error[512] = "";
	int rc = log_configure(&settings, error, sizeof(error));

	ck_assert_msg((rc == 0) == (error[0] == '\0'), "%d %s", rc, error);
	return rc;
}

START_TEST(levels_are_per_subsystem)
{
	struct config_log_subsystem subsystems[] = {
		{.to_file = true, .file = path_of("all"), .file_priority = LOG_WARNING},
		{.name = "CPG", .to_file = true, .file = path_of("cpg"), .file_priority = LOG_ERR, .debug = 2},
		{.name = "TOTEM", .to_file = false, .file = path_of("totem"), .file_priority = LOG_DEBUG},
		{.name = "CFG", .to_file = true, .file = path_of("all"), .file_priority = LOG_INFO},
	};

	ck_assert_int_eq(configure(subsystems, 4), 0);
	log_line("MAIN", LOG_NOTICE, "not severe enough");
	log_line("MAIN", LOG_WARNING, "main %d", 1);
	log_line("CFG", LOG_INFO, "cfg");
	log_line("CPG", LOG_TRACE, "cpg");
	log_line("TOTEM", LOG_EMERG, "nowhere");
	ck_assert_str_ne(content("all"), "");
	ck_assert_ptr_nonnull(strstr(content("all"), " coterie-test warning [MAIN  ] main 1\n"));
	ck_assert_ptr_nonnull(strstr(content("all"), "info    [CFG   ] cfg\n"));
	ck_assert_ptr_null(strstr(content("all"), "severe"));
	ck_assert_ptr_null(strstr(content("all"), "nowhere"));
	ck_assert_ptr_nonnull(strstr(content("cpg"), "trace   [CPG   ] cpg\n"));
	ck_assert_int_ne(access(path_of("totem"), F_OK), 0); /* a log file is created only with its first line */
	ck_assert(log_is_wanted("CPG", LOG_TRACE));
	ck_assert(!log_is_wanted("MAIN", LOG_NOTICE));
	ck_assert(!log_is_wanted("TOTEM", LOG_EMERG));
}
END_TEST

START_TEST(targets_have_their_own_priorities)
{
	/* Only syslog gets the first line. */
	struct config_log_subsystem top[] = {{.to_syslog = true,
		.to_file = true,
		.file = path_of("log"),
		.file_priority = LOG_ERR,
		.syslog_priority = LOG_INFO}};

	ck_assert_int_eq(configure(top, 1), 0);
	log_line("MAIN", LOG_INFO, "a line of Coterie's unit tests");
	log_line("MAIN", LOG_ERR, "for both");
	ck_assert_ptr_null(strstr(content("log"), "unit tests"));
	ck_assert_ptr_nonnull(strstr(content("log"), "for both\n"));
}
END_TEST

START_TEST(settings_are_all_or_nothing)
{
	struct config_log_subsystem good[] = {{.to_file = true, .file = path_of("good"), .file_priority = LOG_INFO}};
	struct config_log_subsystem bad[] = {{.to_file = true, .file = path_of("other"), .file_priority = LOG_INFO},
		{.name = "CPG", .to_file = true, .file = "/proc/none/x", .file_priority = LOG_INFO}};
	struct config_log settings = {.subsystems = bad, .subsystem_count = 2};
	char error[512];

	ck_assert_int_eq(configure(good, 1), 0);
	ck_assert_int_eq(log_configure(&settings, error, sizeof(error)), -ENOENT);
	ck_assert_str_eq(error, "cannot open log file '/proc/none/x' (No such file or directory): create the "
				"folder or change 'logfile'");
	log_line("CPG", LOG_INFO, "still here");
	ck_assert_ptr_nonnull(strstr(content("good"), "still here\n"));
	ck_assert_str_eq(content("other"), "");
}
END_TEST

START_TEST(texts_are_one_line)
{
	struct config_log_subsystem top[] = {{.to_file = true, .file = path_of("log"), .file_priority = LOG_INFO}};
	static char big[8192];

	ck_assert_int_eq(configure(top, 1), 0);
	log_line("MAIN", LOG_INFO, "a\nforged\r\x1b[0m");
	ck_assert_ptr_nonnull(strstr(content("log"), "a forged  [0m\n"));
	memset(big, 'x', sizeof(big) - 1);
	log_line("MAIN", LOG_INFO, "%s", big);
	log_line("MAIN", LOG_INFO, "after");
	ck_assert_ptr_nonnull(strstr(content("log"), "xxx\n"));
	ck_assert_ptr_nonnull(strstr(content("log"), "[MAIN  ] after\n"));
}
END_TEST

static const struct printable {
	const char *text, *want;
} printables[] = {
	{"a\x1f\x7f\tb~", "a   b~"}, {"1\xc2\x80 2\xc2\x9b 3\xc2\x9f", "1   2   3  "},
	{"\xc2\xa0 \xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80", "\xc2\xa0 \xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80"},
	{"\xdb\x9b \xe2\x9b\x9b \xf0\x9f\x9b\x9b", "\xdb\x9b \xe2\x9b\x9b \xf0\x9f\x9b\x9b"},
	{"a\x9b[31m", "a [31m"},                  /* a byte that continues no character */
	{"\xc2\xc2\x9b \xe2\xc2\x9b", "       "}, /* behind a character that is cut */
	{"\xc3\xbc\x9b", "\xc3\xbc "},
	{"\xc0\x9b \xe0\x82\x9b \xf0\x80\x82\x9b", "           "}, /* not in the shortest form */
	{"\xe2\x82", "  "},                                        /* cut at the end */
};

START_TEST(control_characters_are_replaced)
{
	char text[64];

	snprintf(text, sizeof(text), "%s", printables[_i].text);
	log_make_printable(text);
	ck_assert_str_eq(text, printables[_i].want);
}
END_TEST

START_TEST(no_target_gets_control_characters)
{
	struct config_log_subsystem top[] = {{.to_file = true, .file = path_of("log"), .file_priority = LOG_INFO}};
	struct config_log json = {.subsystems = top, .subsystem_count = 1, .is_json = true};
	char error[512] = "";

	ck_assert_int_eq(configure(top, 1), 0);
	log_line("MAIN", LOG_INFO, "plain \xc2\x9b[0m \xc3\xbc");
	ck_assert_int_eq(log_configure(&json, error, sizeof(error)), 0);
	log_line("MAIN", LOG_INFO, "json \xc2\x9b[0m \xc3\xbc");
	ck_assert_ptr_nonnull(strstr(content("log"), "plain   [0m \xc3\xbc\n"));
	ck_assert_ptr_nonnull(strstr(content("log"), "json   [0m \xc3\xbc\"}\n"));
}
END_TEST

START_TEST(rotated_files_are_opened_again)
{
	struct config_log_subsystem top[] = {{.to_file = true, .file = path_of("log"), .file_priority = LOG_INFO}};

	ck_assert_int_eq(configure(top, 1), 0);
	log_line("MAIN", LOG_INFO, "one");
	ck_assert_int_eq(rename(path_of("log"), path_of("log.1")), 0);
	log_line("MAIN", LOG_INFO, "two");
	ck_assert_int_eq(log_reopen(), 0);
	log_line("MAIN", LOG_INFO, "three");
	ck_assert_ptr_nonnull(strstr(content("log.1"), "two\n"));
	ck_assert_ptr_null(strstr(content("log.1"), "three\n"));
	ck_assert_ptr_nonnull(strstr(content("log"), "three\n"));
}
END_TEST

/* --- files of others --- */

/* Open a log file of that name. @return 0 or the error */
static int open_name(const char *name)
{
	struct log_sink sink;
	int rc = log_sink_open_file(&sink, path_of(name));

	if (rc == 0)
		log_sink_close(&sink);
	return rc;
}

START_TEST(log_files_are_for_the_owner_and_the_group)
{
	struct stat status;

	umask(0);
	ck_assert_int_eq(open_name("log"), 0);
	ck_assert_int_eq(stat(path_of("log"), &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0640);
}
END_TEST

START_TEST(a_link_counts_only_where_others_cannot_make_one)
{
	ck_assert_int_eq(symlink(path_of("victim"), path_of("log")), 0);
	ck_assert_int_eq(open_name("log"), 0);
	ck_assert_int_eq(unlink(path_of("victim")), 0);
	ck_assert_int_eq(chmod(folder, 01777), 0);
	ck_assert_int_eq(open_name("log"), -ELOOP);
	ck_assert_int_eq(access(path_of("victim"), F_OK), -1);
	ck_assert_int_eq(open_name("mine"), 0);
	ck_assert_int_eq(open_name("mine"), 0);
	ck_assert_int_eq(link(path_of("mine"), path_of("second")), 0);
	ck_assert_int_eq(open_name("mine"), -EPERM);
}
END_TEST

START_TEST(a_file_of_another_user_is_not_written_to)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(open_name("log"), 0);
	ck_assert_int_eq(chown(path_of("log"), 1234, 1234), 0);
	/* The file belongs to another user, but only this user can write to the folder. */
	ck_assert_int_eq(open_name("log"), 0);
	ck_assert_int_eq(chmod(folder, 0775), 0);
	ck_assert_int_eq(open_name("log"), -EPERM);
	ck_assert_int_eq(chmod(folder, 0755), 0);
	ck_assert_int_eq(chown(folder, 1234, 1234), 0);
	ck_assert_int_eq(open_name("log"), -EPERM);
}
END_TEST

/* A link in the path belongs to another user, and points to a folder of root. */
START_TEST(the_folder_of_a_log_file_is_not_behind_a_link_of_another_user)
{
	struct stat status;

	ck_assert_int_eq(mkdir(path_of("theirs"), 0755), 0);
	ck_assert_int_eq(mkdir(path_of("ours"), 0755), 0);
	ck_assert_int_eq(symlink(path_of("ours"), path_of("theirs/link")), 0);
	ck_assert_int_eq(open_name("theirs/link/log"), 0); /* the path and the link belong to the same user */
	ck_assert_int_eq(open_name("theirs//link/./../ours/log"), 0);
	ck_assert_int_eq(lstat(path_of("ours/log"), &status), 0);
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chown(path_of("theirs"), 1234, 1234), 0);
	ck_assert_int_eq(lchown(path_of("theirs/link"), 1234, 1234), 0);
	ck_assert_int_eq(unlink(path_of("ours/log")), 0);
	ck_assert_int_eq(open_name("theirs/link/log"), -ELOOP);
	ck_assert_int_eq(access(path_of("ours/log"), F_OK), -1);
	/* Links of this user: one leads to another user's link, the other to a path through that link. */
	ck_assert_int_eq(symlink(path_of("theirs/link"), path_of("mine")), 0);
	ck_assert_int_eq(open_name("mine/log"), -ELOOP);
	ck_assert_int_eq(symlink(path_of("theirs/link/log"), path_of("log")), 0);
	ck_assert_int_eq(open_name("log"), -ELOOP);
	ck_assert_int_eq(access(path_of("ours/log"), F_OK), -1);
}
END_TEST

START_TEST(a_path_of_a_log_file_that_leads_nowhere_is_an_error)
{
	ck_assert_int_eq(symlink(path_of("b"), path_of("a")), 0);
	ck_assert_int_eq(symlink(path_of("a"), path_of("b")), 0);
	ck_assert_int_eq(open_name("a/log"), -ELOOP);
	ck_assert_int_eq(open_name("a"), -ELOOP);
	ck_assert_int_eq(open_name("missing/log"), -ENOENT);
	ck_assert_int_eq(open_name("file"), 0);
	ck_assert_int_eq(open_name("file/log"), -ENOTDIR);
	ck_assert_int_eq(mkdir(path_of("folder"), 0755), 0);
	ck_assert_int_eq(open_name("folder/"), -EISDIR);
	struct log_sink sink;
	ck_assert_int_eq(log_sink_open_file(&sink, ""), -ENOENT);
	ck_assert_int_eq(log_sink_open_file(&sink, "/dev/null"), 0);
	log_sink_close(&sink);
}
END_TEST

START_TEST(standard_error_is_the_start)
{
	char text[512] = "";
	int pipes[2], saved = dup(STDERR_FILENO);

	ck_assert_int_eq(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	log_line("MAIN", LOG_INFO, "hello");
	log_line("MAIN", LOG_DEBUG, "not this");
	dup2(saved, STDERR_FILENO);
	ssize_t size = read(pipes[0], text, sizeof(text) - 1);

	ck_assert_int_gt((int)size, 0);
	ck_assert_ptr_nonnull(strstr(text, "info    [MAIN  ] hello\n"));
	ck_assert_ptr_null(strstr(text, "not this"));
	close(saved);
	close(pipes[0]);
	close(pipes[1]);
}
END_TEST

/* --- targets that take no more --- */

START_TEST(a_full_pipe_loses_lines_and_says_so)
{
	struct log_sink sink;
	char line[1024], text[128];
	int pipes[2];
	uint32_t written = 0;

	memset(line, 'x', sizeof(line));
	ck_assert_int_eq(pipe(pipes), 0); /* blocking, as the pipe of a shell is */
	sink = (struct log_sink){.fd = pipes[1]};
	ck_assert_uint_eq(log_sink_lost_text(&sink, text, sizeof(text)), 0);
	while (log_sink_write(&sink, line, sizeof(line)) == 0)
		ck_assert_uint_lt(written++, 1000); /* if a write blocked, the test would hang here */
	ck_assert_int_lt(log_sink_write(&sink, line, sizeof(line)), 0);
	ck_assert_uint_eq(sink.lost, 2);
	ck_assert_uint_gt(log_sink_lost_text(&sink, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "2 lines of this log are lost: it took no more");
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(read(pipes[0], line, sizeof(line)), sizeof(line));
	ck_assert_int_eq(log_sink_write(&sink, line, sizeof(line)), 0);
	ck_assert_uint_eq(sink.lost, 0);
	close(pipes[0]); /* there must be no SIGPIPE when the reader has gone */
	ck_assert_int_lt(log_sink_write(&sink, line, sizeof(line)), 0);
	close(pipes[1]);
}
END_TEST

START_TEST(syslog_never_waits)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct log_sink sink = {.fd = -1};
	char line[256] = "", got[256];
	uint32_t sent = 0;

	ck_assert_int_eq(log_sink_open_syslog(&sink, path_of("nobody")), -ENOENT);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path_of("devlog"));
	int server = socket(AF_UNIX, SOCK_DGRAM, 0);

	ck_assert_int_eq(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(log_sink_open_syslog(&sink, path_of("devlog")), 0);
	ck_assert_int_eq(log_sink_write(&sink, "<13>hello", 9), 0);
	ck_assert_int_eq(recv(server, got, sizeof(got), 0), 9);
	while (log_sink_write(&sink, line, sizeof(line)) == 0)
		ck_assert_uint_lt(sent++, 100000);
	ck_assert_uint_eq(sink.lost, 1);
	close(server);
	log_sink_close(&sink);
	ck_assert_int_lt(log_sink_write(&sink, line, sizeof(line)), 0); /* the sink is closed */
}
END_TEST

START_TEST(sockets_never_wait)
{
	struct log_sink sink;
	char line[1024];
	int sockets[2]; /* blocking, as the socket is that a service manager gives for standard error */
	uint32_t written = 0;

	memset(line, 'x', sizeof(line));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	sink = (struct log_sink){.fd = sockets[0]};
	while (log_sink_write(&sink, line, sizeof(line)) == 0)
		ck_assert_uint_lt(written++, 100000);
	close(sockets[1]);
	ck_assert_int_lt(log_sink_write(&sink, line, sizeof(line)), 0);
	close(sockets[0]);
}
END_TEST

/* --- the limiter --- */

static uint32_t count_lines(const char *text, const char *what)
{
	uint32_t count = 0;

	while ((text = strstr(text, what)) != NULL) {
		count++;
		text++;
	}
	return count;
}

START_TEST(floods_are_limited)
{
	struct config_log_subsystem top[] = {{.to_file = true, .file = path_of("log"), .file_priority = LOG_INFO}};
	const uint64_t second = UINT64_C(1000000000);
	struct log_limit limit = {0}, other = {0};

	ck_assert_int_eq(configure(top, 1), 0);
	for (uint64_t i = 0; i < 1000; i++)
		log_limited(&limit, 50 * second + i, "TOTEM", LOG_WARNING, "packet %d", (int)i);
	ck_assert_uint_eq(count_lines(content("log"), "packet "), 5);
	log_limited(&other, 50 * second, "TOTEM", LOG_WARNING, "another cause");
	ck_assert_uint_eq(count_lines(content("log"), "another cause\n"), 1);
	log_limited(&limit, 60 * second - 1, "TOTEM", LOG_WARNING, "packet x");
	ck_assert_uint_eq(count_lines(content("log"), "packet "), 5);
	log_limited(&limit, 60 * second, "TOTEM", LOG_WARNING, "packet y");
	ck_assert_ptr_nonnull(strstr(content("log"), "packet y (996 lines like this were left out)\n"));
	log_limited(&limit, 60 * second, "TOTEM", LOG_WARNING, "packet z");
	ck_assert_ptr_nonnull(strstr(content("log"), "packet z\n"));
}
END_TEST

static void log_as_service(struct log_limits *limits, uint64_t now_ns, int prio, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_vlimited(limits, now_ns, "KV", prio, format, arguments);
	va_end(arguments);
}

static const char packet[] = "packet %d", other[] = "another %d";

START_TEST(floods_of_a_service_are_limited_by_format)
{
	struct config_log_subsystem top[] = {{.to_file = true, .file = path_of("log"), .file_priority = LOG_INFO}};
	const uint64_t second = UINT64_C(1000000000);
	struct log_limits limits = {0};

	ck_assert_int_eq(configure(top, 1), 0);
	for (int i = 0; i < 1000; i++)
		log_as_service(
			&limits, 50 * second + (uint64_t)i * 1000000, i % 2 == 0 ? LOG_WARNING : LOG_INFO, packet, i);
	ck_assert_uint_eq(count_lines(content("log"), "packet "), 100);
	for (int i = 0; i < 1000; i++)
		log_as_service(&limits, 51 * second, LOG_DEBUG, other, i); /* goes nowhere */
	log_as_service(&limits, 51 * second, LOG_INFO, other, 1);
	ck_assert_uint_eq(count_lines(content("log"), "another 1\n"), 1);
	log_as_service(&limits, 60 * second, LOG_INFO, packet, 7);
	ck_assert_ptr_nonnull(strstr(content("log"), "packet 7 (90 lines like this were left out)\n"));
}
END_TEST

/* All messages of a frame are delivered in one turn of the loop. Lines about them must not hold it up. */
START_TEST(a_burst_of_a_service_is_limited_by_format)
{
	struct config_log_subsystem top[] = {{.to_file = true, .file = path_of("log"), .file_priority = LOG_INFO}};
	const uint64_t ms = 1000000;
	struct log_limits limits = {0};

	ck_assert_int_eq(configure(top, 1), 0);
	for (int i = 0; i < 1000; i++)
		log_as_service(&limits, 50 * ms + (uint64_t)i, LOG_WARNING, packet, i);
	ck_assert_uint_eq(count_lines(content("log"), "packet "), 10);
	log_as_service(&limits, 51 * ms, LOG_WARNING, other, 1);
	ck_assert_uint_eq(count_lines(content("log"), "another 1\n"), 1);
	log_as_service(&limits, 150 * ms - 1, LOG_WARNING, packet, 7);
	ck_assert_uint_eq(count_lines(content("log"), "packet "), 10);
	log_as_service(&limits, 150 * ms, LOG_WARNING, packet, 8);
	ck_assert_ptr_nonnull(strstr(content("log"), "packet 8 (991 lines like this were left out)\n"));
}
END_TEST

/* However many formats a service has: the flood of one hides no line of another. */
START_TEST(a_flood_hides_no_other_line)
{
	struct config_log_subsystem top[] = {{.to_file = true, .file = path_of("log"), .file_priority = LOG_INFO}};
	static char formats[LOG_LIMITS + 10][2];
	struct log_limits limits = {0};

	ck_assert_int_eq(configure(top, 1), 0);
	for (uint32_t i = 0; i < LOG_LIMITS + 10; i++)
		formats[i][0] = i < LOG_LIMITS - 1 ? '=' : '+';
	for (uint32_t i = 0; i < LOG_LIMITS + 10; i++)
		log_as_service(&limits, 1, LOG_INFO, formats[i]);
	for (int i = 0; i < 1000; i++)
		log_as_service(&limits, 1, LOG_INFO, formats[7]);
	for (uint32_t i = 8; i < LOG_LIMITS - 1; i++)
		log_as_service(&limits, 1, LOG_INFO, formats[i]);
	ck_assert_uint_eq(count_lines(content("log"), "=\n"), LOG_LIMITS - 1 + 9 + LOG_LIMITS - 1 - 8);
	ck_assert_uint_eq(count_lines(content("log"), "+\n"), 10); /* 11 formats share the last limit */
	for (uint32_t i = 0; i < 10; i++)
		log_as_service(&limits, UINT64_C(100000001), LOG_INFO, formats[LOG_LIMITS - 1 + i]);
	ck_assert_uint_eq(count_lines(content("log"), "+"), 20);
}
END_TEST

/* An operator has asked for debug lines and for a print-out of the state. So both are shown to their ends. */
START_TEST(lines_that_were_asked_for_are_not_limited)
{
	struct config_log_subsystem top[] = {
		{.to_file = true, .file = path_of("log"), .file_priority = LOG_DEBUG, .debug = 1}};
	struct log_limits limits = {0};

	ck_assert_int_eq(configure(top, 1), 0);
	for (int i = 0; i < 110; i++)
		log_as_service(&limits, 1, LOG_DEBUG, packet, i);
	ck_assert_uint_eq(count_lines(content("log"), "packet "), 110);
	limits.is_off = true;
	for (int i = 0; i < 110; i++)
		log_as_service(&limits, 1, LOG_INFO, other, i);
	ck_assert_uint_eq(count_lines(content("log"), "another "), 110);
}
END_TEST

START_TEST(lines_are_counted_by_level)
{
	struct config_log_subsystem top[] = {{.to_file = true, .file = path_of("log"), .file_priority = LOG_INFO}};
	uint64_t warnings = log_count(LOG_WARNING), debug = log_count(LOG_DEBUG);

	ck_assert_int_eq(configure(top, 1), 0);
	log_line("MAIN", LOG_WARNING, "one");
	log_line("TOTEM", LOG_WARNING, "two");
	log_line("MAIN", LOG_DEBUG, "goes nowhere");
	ck_assert_uint_eq(log_count(LOG_WARNING), warnings + 2);
	ck_assert_uint_eq(log_count(LOG_DEBUG), debug);
	log_line("MAIN", LOG_TRACE + 1, "no such level");
	log_line("MAIN", -1, "no such level");
	ck_assert_uint_eq(log_count(LOG_TRACE + 1), 0);
	ck_assert_uint_eq(log_count(-1), 0);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, lines_have_their_layout, 0, COUNT(layouts));
	tcase_add_test(tc, debug_overrides_priorities);
	tcase_add_test(tc, levels_are_per_subsystem);
	tcase_add_test(tc, targets_have_their_own_priorities);
	tcase_add_test(tc, settings_are_all_or_nothing);
	tcase_add_test(tc, texts_are_one_line);
	tcase_add_loop_test(tc, control_characters_are_replaced, 0, COUNT(printables));
	tcase_add_test(tc, no_target_gets_control_characters);
	tcase_add_test(tc, rotated_files_are_opened_again);
	tcase_add_test(tc, log_files_are_for_the_owner_and_the_group);
	tcase_add_test(tc, a_link_counts_only_where_others_cannot_make_one);
	tcase_add_test(tc, a_file_of_another_user_is_not_written_to);
	tcase_add_test(tc, the_folder_of_a_log_file_is_not_behind_a_link_of_another_user);
	tcase_add_test(tc, a_path_of_a_log_file_that_leads_nowhere_is_an_error);
	tcase_add_test(tc, standard_error_is_the_start);
	tcase_add_test(tc, a_full_pipe_loses_lines_and_says_so);
	tcase_add_test(tc, syslog_never_waits);
	tcase_add_test(tc, sockets_never_wait);
	tcase_add_test(tc, floods_are_limited);
	tcase_add_test(tc, floods_of_a_service_are_limited_by_format);
	tcase_add_test(tc, a_burst_of_a_service_is_limited_by_format);
	tcase_add_test(tc, a_flood_hides_no_other_line);
	tcase_add_test(tc, lines_that_were_asked_for_are_not_limited);
	tcase_add_test(tc, lines_are_counted_by_level);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}

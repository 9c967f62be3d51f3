/* SPDX-License-Identifier: BSD-3-Clause */
/* Layouts of log lines. */
#include "exec/log/log_format.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "common/utf8.h"
#include "exec/log/log.h"

static const char *const priority_names[] = {
	"emerg",
	"alert",
	"crit",
	"error",
	"warning",
	"notice",
	"info",
	"debug",
	"trace",
};

static const char *priority_name(int prio)
{
	if (prio < LOG_EMERG)
		prio = LOG_EMERG;
	if (prio > LOG_TRACE)
		prio = LOG_TRACE;
	return priority_names[prio];
}

/* Write "Nov 20 06:23:40.962 " in local time. Without timestamps, write nothing. */
static void format_time(char *text, size_t size, const struct log_frame *frame)
{
	static const char *const months[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm tm;

	text[0] = '\0';
	if (frame->timestamp == 0 || localtime_r(&frame->at.tv_sec, &tm) == NULL)
		return;
	int used = snprintf(text, size, "%s %02d %02d:%02d:%02d", months[tm.tm_mon % 12], tm.tm_mday, tm.tm_hour,
		tm.tm_min, tm.tm_sec);

	if (used < 0 || (size_t)used >= size)
		return;
	if (frame->timestamp == 2)
		snprintf(text + used, size - (size_t)used, ".%03ld ", frame->at.tv_nsec / 1000000);
	else
		snprintf(text + used, size - (size_t)used, " ");
}

/* Write a text in quotes. */
static size_t quote(char *line, size_t size, const char *text)
{
	size_t used = 0;

	for (; *text != '\0' && used + 8 < size; text++) {
		if (*text == '"' || *text == '\\')
			line[used++] = '\\';
		if ((unsigned char)*text < ' ')
			used += (size_t)snprintf(line + used, 8, "\\u%04x", (unsigned)(unsigned char)*text);
		else
			line[used++] = *text;
	}
	line[used] = '\0';
	return used;
}

/* Format a line as a JSON object. The time is UTC, so that lines of several hosts can be sorted. */
static size_t format_json(
	char *line, size_t size, const struct log_frame *frame, const char *subsystem, int prio, const char *text)
{
	char time[32] = "";
	struct tm tm;
	int used;

	if (gmtime_r(&frame->at.tv_sec, &tm) != NULL)
		strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &tm);
	used = snprintf(line, size,
		"{\"time\":\"%s.%03ldZ\",\"priority\":\"%s\",\"subsystem\":\"%.60s\",\"pid\":%d,\"text\":\"", time,
		frame->at.tv_nsec / 1000000, priority_name(prio), subsystem, frame->pid);
	if (used < 0 || (size_t)used + 4 > size)
		return 0;
	size_t length = (size_t)used + quote(line + used, size - (size_t)used - 3, text);

	return length + (size_t)snprintf(line + length, size - length, "\"}");
}

size_t log_format(char *line, size_t size, enum log_target target, const struct log_frame *frame, const char *subsystem,
	int prio, const char *text)
{
	char time[64];
	int length = 0;

	if (frame->is_json && target != LOG_TARGET_SYSLOG)
		return format_json(line, size, frame, subsystem, prio, text);
	format_time(time, sizeof(time), frame);
	switch (target) {
	case LOG_TARGET_STDERR:
		length = snprintf(line, size, "%s%-7s [%-6.6s] %s", time, priority_name(prio), subsystem, text);
		break;
	case LOG_TARGET_FILE:
		length = snprintf(line, size, "%s[%d] %s %s %-7s [%-6.6s] %s", time, frame->pid, frame->host,
			frame->ident, priority_name(prio), subsystem, text);
		break;
	case LOG_TARGET_SYSLOG:
		length = snprintf(line, size, "%s[%-6.6s] %s", frame->timestamp == 0 ? " " : "  ", subsystem, text);
		break;
	}
	if (length < 0)
		line[0] = '\0';
	return length < 0 ? 0 : (size_t)length < size ? (size_t)length : size - 1;
}

void log_make_printable(char *text) { utf8_make_printable(text, ' '); }

int log_limit_of(int debug, int priority)
{
	switch (debug) {
	case 0:
		return priority;
	case 1:
		return LOG_DEBUG;
	default:
		return LOG_TRACE;
	}
}

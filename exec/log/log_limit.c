/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits for log lines that packets or clients can cause: a flood of packets must not become a flood of lines. */
#include "exec/log/log.h"

#include <stdio.h>

#define LINES_MAX 5
#define WINDOW_NS UINT64_C(10000000000)

void log_limited(struct log_limit *limit, uint64_t now_ns, const char *subsystem, int prio, const char *format, ...)
{
	char text[2048];
	va_list arguments;

	if (!log_is_wanted(subsystem, prio))
		return;
	if (limit->count == 0 || now_ns - limit->window_ns >= WINDOW_NS) {
		limit->window_ns = now_ns;
		limit->count = 0;
	}
	if (limit->count == LINES_MAX) {
		limit->hidden++;
		return;
	}
	limit->count++;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (limit->hidden > 0)
		log_line(subsystem, prio, "%s (%u lines like this were left out)", text, limit->hidden);
	else
		log_line(subsystem, prio, "%s", text);
	limit->hidden = 0;
}

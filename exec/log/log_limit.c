/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits for log lines that packets or clients can cause: a flood of packets must not become a flood of lines. */
#include "exec/log/log.h"

#include <pthread.h>
#include <stdio.h>

#define LINES_MAX 5
#define PLUGIN_LINES_MAX 100
#define BURST_LINES_MAX 10
#define BURST_NS UINT64_C(100000000)
#define WINDOW_NS UINT64_C(10000000000)
#define TEXT_MAX 2048

/* Count a line. @return whether it may be shown. *hidden then is the number of lines before it that were not */
static bool take(struct log_limit *limit, uint64_t now_ns, uint32_t lines_max, uint32_t *hidden)
{
	if (limit->count == 0 || now_ns - limit->window_ns >= WINDOW_NS) {
		limit->window_ns = now_ns;
		limit->count = 0;
	}
	if (limit->count >= lines_max) {
		limit->hidden++;
		return false;
	}
	limit->count++;
	*hidden = limit->hidden;
	limit->hidden = 0;
	return true;
}

/* As take(), for a line of a service. */
static bool take_of_service(struct log_limit *limit, uint64_t now_ns, uint32_t *hidden)
{
	if (limit->burst == 0 || now_ns - limit->burst_ns >= BURST_NS) {
		limit->burst_ns = now_ns;
		limit->burst = 0;
	}
	if (limit->burst >= BURST_LINES_MAX) {
		limit->hidden++;
		return false;
	}
	limit->burst++;
	return take(limit, now_ns, PLUGIN_LINES_MAX, hidden);
}

static void show(uint32_t hidden, const char *subsystem, int prio, const char *format, va_list arguments)
{
	char text[TEXT_MAX];

	if (hidden == 0) {
		log_vline(subsystem, prio, format, arguments);
		return;
	}
	vsnprintf(text, sizeof(text), format, arguments);
	log_line(subsystem, prio, "%s (%u lines like this were left out)", text, hidden);
}

void log_limited(struct log_limit *limit, uint64_t now_ns, const char *subsystem, int prio, const char *format, ...)
{
	va_list arguments;
	uint32_t hidden = 0;

	if (!log_is_wanted(subsystem, prio) || !take(limit, now_ns, LINES_MAX, &hidden))
		return;
	va_start(arguments, format);
	show(hidden, subsystem, prio, format, arguments);
	va_end(arguments);
}

static struct log_limit *limit_of(struct log_limits *limits, const char *format)
{
	uint32_t i = 0;

	while (i < LOG_LIMITS - 1 && limits->formats[i] != NULL && limits->formats[i] != format)
		i++;
	limits->formats[i] = format;
	return &limits->list[i];
}

void log_vlimited(struct log_limits *limits, uint64_t now_ns, const char *subsystem, int prio, const char *format,
	va_list arguments)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* for all limits: threads seldom log */
	bool is_shown = limits->is_off || prio > LOG_INFO || !log_is_wanted(subsystem, prio);
	uint32_t hidden = 0;

	if (!is_shown) {
		pthread_mutex_lock(&lock);
		is_shown = take_of_service(limit_of(limits, format), now_ns, &hidden);
		pthread_mutex_unlock(&lock);
	}
	if (is_shown)
		show(hidden, subsystem, prio, format, arguments);
}

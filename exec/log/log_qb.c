/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages of libqb (about sockets and shared memory of IPC, and its loop) are written to this log, as subsystem QB.
 * The own targets of libqb stay off, since its syslog target would wait for the syslog daemon.
 */
#include "exec/log/log.h"

#include <time.h>

#include <qb/qbdefs.h>
#include <qb/qblog.h>

/*
 * Clients can cause lines of libqb, so they are limited, by the hash of the text. So at start the line of each service
 * is shown.
 */
#define LIMITS 64u
static struct log_limit limits[LIMITS];

static void take_line(int32_t target, struct qb_log_callsite *callsite, struct timespec *at, const char *text)
{
	struct timespec now;
	uint32_t sum = 0;

	(void)target, (void)at;
	for (const char *byte = text; *byte != '\0'; byte++)
		sum = sum * 31 + (unsigned char)*byte;
	clock_gettime(CLOCK_MONOTONIC, &now);
	log_limited(&limits[sum % LIMITS], (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec, "QB",
		callsite->priority, "%s", text);
}

int log_take_libqb(void)
{
	int least = log_is_wanted("QB", LOG_DEBUG) ? LOG_DEBUG : LOG_INFO;

	qb_log_init("coterie", LOG_DAEMON, LOG_EMERG);
	qb_log_ctl(QB_LOG_SYSLOG, QB_LOG_CONF_ENABLED, QB_FALSE);
	int32_t target = qb_log_custom_open(take_line, NULL, NULL, NULL);

	if (target < 0)
		return target;
	int rc = qb_log_filter_ctl(target, QB_LOG_FILTER_ADD, QB_LOG_FILTER_FILE, "*", (uint8_t)least);

	return rc < 0 ? rc : qb_log_ctl(target, QB_LOG_CONF_ENABLED, QB_TRUE);
}

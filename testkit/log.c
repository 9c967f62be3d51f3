/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log of all nodes: the interface of exec/log/log.h. A line belongs to the node whose code runs. That node is
 * stored per thread, since log_line has no argument for it. It is the only state of this library that does not belong
 * to a kit, just as the daemon's log is global.
 */
#include "exec/log/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "testkit/kit.h"

static _Thread_local struct kit_node *current;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct kit_node *kit_log_node(struct kit_node *node)
{
	struct kit_node *before = current;

	current = node;
	return before;
}

static void keep(struct testkit *kit, uint32_t node, const char *text)
{
	struct kit_line *line = &kit->lines[kit->line_count++ % KIT_LOG_LINES];

	free(line->text);
	*line = (struct kit_line){.node = node, .text = kit_strdup(text)};
}

void kit_log_fini(struct testkit *kit)
{
	for (uint32_t i = 0; i < KIT_LOG_LINES; i++)
		free(kit->lines[i].text);
}

static void show(FILE *out, const struct kit_node *node, const char *subsystem, const char *text)
{
	uint64_t ms = testkit_now_ns(node->kit) / 1000000;

	fprintf(out, "%6ju.%03ju node %u [%s] %s\n", (uintmax_t)(ms / 1000), (uintmax_t)(ms % 1000), node->id,
		subsystem, text);
}

void log_vline(const char *subsystem, int prio, const char *format, va_list arguments)
{
	char text[1024];
	struct kit_node *node = current;

	vsnprintf(text, sizeof(text), format, arguments);
	if (node == NULL) { /* NULL: the code runs on a thread of a plugin */
		if (prio <= LOG_WARNING)
			fprintf(stderr, "[%s] %s\n", subsystem, text);
		return;
	}
	pthread_mutex_lock(&lock);
	keep(node->kit, node->id, text);
	if (node->kit->log != NULL && prio <= node->kit->log_prio)
		show(node->kit->log, node, subsystem, text);
	pthread_mutex_unlock(&lock);
	if (node->kit->heard != NULL)
		node->kit->heard(node->kit->heard_arg, node, text);
	/* The executive reports errors of a plugin in lines that begin with these words. */
	if (strncmp(text, "Leak: ", 6) == 0 || strncmp(text, "Misuse: ", 8) == 0)
		testkit_complain(node->kit, node->id, "[%s] %s", subsystem, text);
}

void log_line(const char *subsystem, int prio, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_vline(subsystem, prio, format, arguments);
	va_end(arguments);
}

bool log_is_wanted(const char *subsystem, int prio)
{
	(void)subsystem, (void)prio;
	return true;
}

uint64_t log_count(int prio)
{
	(void)prio;
	return 0;
}

/* Functions of log.h that concern the process. They do nothing here. */
int log_configure(const struct config_log *settings, char *error, uint32_t error_size)
{
	(void)settings, (void)error, (void)error_size;
	return 0;
}

int log_check(const struct config_log *settings, char *error, uint32_t error_size)
{
	(void)settings, (void)error, (void)error_size;
	return 0;
}

int log_reopen(void) { return 0; }

int log_flight_write(const char *dir)
{
	(void)dir;
	return -ENOENT;
}

void log_close(void) {}

void testkit_log(struct testkit *kit, FILE *out, int prio)
{
	kit->log = out;
	kit->log_prio = prio;
}

int testkit_has_logged(const struct testkit *kit, uint32_t node, const char *words)
{
	for (uint32_t i = 0; i < KIT_LOG_LINES; i++) {
		const struct kit_line *line = &kit->lines[i];

		if (line->text != NULL && (node == TESTKIT_ALL || line->node == node) &&
			strstr(line->text, words) != NULL)
			return 1;
	}
	return 0;
}

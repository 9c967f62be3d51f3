/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/reload/reload_private.h"

#include <stdlib.h>
#include <string.h>

#include "exec/map/map.h"

static const char error_key[] = "config.reload_error_message";

static void begin(struct reload *reload);

/* Log a line of the list, "change KEY OLD -> NEW" or "restart ..." */
static void tell(const char *line)
{
	static const char restart[] = "restart ", change[] = "change ";

	if (strncmp(line, change, strlen(change)) == 0)
		log_line("CFG", LOG_NOTICE, "Config file checked: a reload changes %s", line + strlen(change));
	else if (strncmp(line, restart, strlen(restart)) == 0)
		log_line("CFG", LOG_NOTICE, "Config file checked: only a restart changes %s", line + strlen(restart));
}

static void tell_lines(const char *text)
{
	char *copy = strdup(text), *rest = NULL;

	if (*text == '\0')
		log_line("CFG", LOG_NOTICE, "Config file checked: a reload changes nothing");
	if (copy == NULL)
		return;
	for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
		tell(line);
	free(copy);
}

/* Delete the error of an earlier examination or refusal. The error of a part of the running config is still true. */
static void delete_error(const struct reload *reload)
{
	if (reload->part_error[0] == '\0')
		map_delete(reload->parts.map, error_key);
	else
		map_set_string(reload->parts.map, error_key, reload->part_error);
}

/* Log the result of an examination. The reason of a refusal is in the log already. */
static void on_examined(void *arg, int rc, const char *text)
{
	struct reload *reload = arg;

	reload->is_hung_up = false;
	if (rc == 0) {
		delete_error(reload);
		tell_lines(text);
	} else {
		map_set_string(reload->parts.map, error_key, text);
	}
	if (reload->is_hung_up_again)
		begin(reload);
}

static void begin(struct reload *reload)
{
	reload->is_hung_up_again = false;
	reload->is_hung_up = true;
	if (reload_examine(reload, reload, on_examined, reload) == 0)
		return;
	reload->is_hung_up = false;
	log_line("CFG", LOG_ERR, "The config file is not checked: there is no memory or no thread for it");
}

void reload_hangup(struct reload *reload)
{
	if (reload == NULL)
		return;
	if (reload->is_hung_up)
		reload->is_hung_up_again = true; /* the file may have been changed after it was read */
	else
		begin(reload);
}

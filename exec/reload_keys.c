/*
 * Clients that set keys of the sections totem and logging in the map change the daemon with them,
 * as a reload would (spec 07 §1.13, at its end). All changes of one turn of the loop are taken
 * together.
 */
#include "exec/reload_private.h"

#include <errno.h>

#include "exec/log.h"
#include "exec/loop.h"
#include "exec/map.h"

static void revise(void *arg)
{
	struct reload *reload = arg;
	struct config_messages messages = {0};
	struct reload_error error;
	struct config *config;

	reload->is_revision_due = false;
	if (reload->job != NULL) {
		reload->is_revision_owed = true; /* unless the file's values replace these */
		return;
	}
	int rc = config_revise(
		reload->executive->config, reload->executive->map, &config, &messages);
	for (uint32_t i = 0; i < messages.error_count; i++)
		log_line("CFG", LOG_ERR, "Changed keys have no effect: %s", messages.errors[i]);
	for (uint32_t i = 0; rc == 0 && i < messages.notice_count; i++)
		log_line("CFG", LOG_NOTICE, "%s", messages.notices[i]);
	if (rc == 0) {
		rc = reload_apply(reload, config, RELOAD_KEYS, &error);
		if (rc < 0) {
			log_line("CFG", LOG_ERR, "Changed keys have no effect: %s", error.text);
			config_destroy(config);
		}
	}
	config_messages_fini(&messages);
}

void reload_keys_later(struct reload *reload)
{
	if (!reload->is_revision_due)
		reload->is_revision_due = loop_defer(reload->executive->loop, revise, reload) == 0;
}

static void on_change(void *arg, enum map_event event, const char *key, const struct map_value *now,
	const struct map_value *before)
{
	struct reload *reload = arg;

	(void)event, (void)key, (void)now, (void)before;
	if (!reload->is_applying)
		reload_keys_later(reload);
}

int reload_keys_init(struct reload *reload)
{
	static const char *const prefixes[] = {"totem.", "logging."};

	for (int i = 0; i < 2; i++) {
		reload->trackers[i] =
			map_track(reload->executive->map, prefixes[i], true, on_change, reload);
		if (reload->trackers[i] == NULL)
			return -ENOMEM;
	}
	return 0;
}

void reload_keys_fini(struct reload *reload)
{
	for (int i = 0; i < 2; i++)
		if (reload->trackers[i] != NULL)
			map_untrack(reload->executive->map, reload->trackers[i]);
}

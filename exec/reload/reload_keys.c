/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients can set keys of the sections totem and logging in the map. This changes the daemon as a reload would (book
 * configuration, "Reload"). All changes of one turn of the loop are applied together, and also changes that follow
 * within PAUSE_NS: each time needs a whole new configuration.
 */
#include "exec/reload/reload_private.h"

#include <errno.h>

#include <coterie/plugin.h>

#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/map/map.h"
#include "exec/reload/rekey.h"

#define PAUSE_NS UINT64_C(100000000)

static void tell_error(struct reload *reload, const char *text)
{
	log_limited(&reload->error_limit, loop_now_ns(reload->parts.loop), "CFG", LOG_ERR,
		"Changed keys have no effect: %s", text);
}

static void revise(void *arg)
{
	struct reload *reload = arg;
	struct loop *loop = reload->parts.loop;
	struct config_messages messages = {0};
	struct reload_error error;
	struct config *config;

	reload->revision = NULL;
	if (reload->job != NULL || reload->kept.config != NULL) {
		reload->is_revision_owed = true; /* apply the keys later, unless the file's values replace them */
		return;
	}
	int rc = config_revise(reload_running(reload), reload->parts.map, &config, &messages);
	for (uint32_t i = 0; i < messages.error_count; i++)
		tell_error(reload, messages.errors[i]);
	for (uint32_t i = 0; rc == 0 && i < messages.notice_count; i++)
		log_limited(&reload->notice_limit, loop_now_ns(loop), "CFG", LOG_NOTICE, "%s", messages.notices[i]);
	if (rc == 0) {
		rc = reload_apply(reload, config, RELOAD_KEYS, &error);
		rekey_announce(reload->parts.rekey);
		if (rc < 0) {
			tell_error(reload, error.text);
			config_destroy(config);
		}
	}
	config_messages_fini(&messages);
	reload->revised_ns = loop_now_ns(loop);
}

void reload_keys_later(struct reload *reload)
{
	struct loop *loop = reload->parts.loop;
	uint64_t at_ns = loop_now_ns(loop);

	if (reload->revision != NULL)
		return;
	if (reload->revised_ns != 0 && at_ns < reload->revised_ns + PAUSE_NS)
		at_ns = reload->revised_ns + PAUSE_NS;
	reload->revision = loop_timer_add(loop, at_ns, revise, reload);
}

static bool is_usable(uint32_t type)
{
	return type == COTERIE_MAP_STRING || (type >= COTERIE_MAP_I8 && type <= COTERIE_MAP_U64);
}

static void on_change(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	struct reload *reload = arg;

	(void)event, (void)before;
	if (reload->is_applying)
		return;
	if (now != NULL && !is_usable(now->type))
		log_limited(&reload->type_limit, loop_now_ns(reload->parts.loop), "CFG", LOG_WARNING,
			"Key '%s' has no effect: it is neither a text nor an integer", key);
	else
		reload_keys_later(reload);
}

int reload_keys_init(struct reload *reload)
{
	static const char *const prefixes[] = {"totem.", "logging."};

	for (int i = 0; i < 2; i++) {
		reload->trackers[i] = map_track(reload->parts.map, prefixes[i], true, on_change, reload);
		if (reload->trackers[i] == NULL)
			return -ENOMEM;
	}
	return 0;
}

void reload_keys_fini(struct reload *reload)
{
	loop_timer_del(reload->parts.loop, reload->revision);
	for (int i = 0; i < 2; i++)
		if (reload->trackers[i] != NULL)
			map_untrack(reload->parts.map, reload->trackers[i]);
}

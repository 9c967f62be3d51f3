/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/reload/rekey.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "config/model.h"
#include "exec/plugin/plugin.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/ring/ring.h"

struct watcher {
	struct watcher *next;
	const struct plugin *plugin;
	void (*run)(void *arg);
	void *arg;
};

struct rekey {
	struct rekey_parts parts;
	struct watcher *watchers, **last; /* in the order in which they were added */
	uint32_t next_phase;              /* COTERIE_REKEY_*, or 0 if no change is under way */
	bool is_owed;                     /* the watchers have not been called for this change yet */
};

struct rekey *rekey_create(const struct rekey_parts *parts)
{
	struct rekey *rekey = calloc(1, sizeof(*rekey));

	if (rekey == NULL)
		return NULL;
	rekey->parts = *parts;
	rekey->last = &rekey->watchers;
	return rekey;
}

void rekey_destroy(struct rekey *rekey)
{
	if (rekey == NULL)
		return;
	while (rekey->watchers != NULL) {
		struct watcher *next = rekey->watchers->next;

		free(rekey->watchers);
		rekey->watchers = next;
	}
	free(rekey);
}

void rekey_loaded(struct rekey *rekey)
{
	rekey->next_phase = COTERIE_REKEY_ACTIVATE;
	rekey->is_owed = true;
}

void rekey_announce(struct rekey *rekey)
{
	struct watcher *next;

	if (!rekey->is_owed)
		return;
	rekey->is_owed = false;
	for (struct watcher *watcher = rekey->watchers; watcher != NULL; watcher = next) {
		next = watcher->next; /* no plugin ends during run(), so `next` stays valid */
		/* A new version beside the plugin that serves cannot speak with other nodes, and would never end the change. */
		if (!watcher->plugin->is_beside)
			watcher->run(watcher->arg);
	}
}

int rekey_watch(struct rekey *rekey, const struct plugin *plugin, void (*run)(void *arg), void *arg)
{
	for (const struct watcher *watcher = rekey->watchers; watcher != NULL; watcher = watcher->next)
		if (watcher->plugin == plugin)
			return -EEXIST;
	struct watcher *watcher = malloc(sizeof(*watcher));
	if (watcher == NULL)
		return -ENOMEM;
	*watcher = (struct watcher){.plugin = plugin, .run = run, .arg = arg};
	*rekey->last = watcher;
	rekey->last = &watcher->next;
	return 0;
}

int rekey_go_on(struct rekey *rekey, uint32_t phase)
{
	const struct plugin *transport = plugin_by_name(rekey->parts.plugins, (*rekey->parts.config)->transport);

	if (transport == NULL || transport->transport.rekey == NULL)
		return -ENOTSUP;
	if (phase == 0 || phase != rekey->next_phase)
		return -EINVAL;
	int rc;

	PLUGIN_MARKED(transport, "rekey", rc = transport->transport.rekey(transport->self, phase));
	if (rc < 0)
		return rc; /* the same phase may be tried again */
	rekey->next_phase = phase == COTERIE_REKEY_ACTIVATE ? COTERIE_REKEY_CLEANUP : 0;
	ring_resize_frames(rekey->parts.ring); /* frames of a ring that has become clear may be longer */
	return 0;
}

void rekey_forget(struct rekey *rekey, const struct plugin *plugin)
{
	if (rekey == NULL)
		return;
	for (struct watcher **link = &rekey->watchers; *link != NULL; link = &(*link)->next) {
		struct watcher *watcher = *link;

		if (watcher->plugin != plugin)
			continue;
		*link = watcher->next;
		if (*link == NULL)
			rekey->last = link;
		free(watcher);
		break;
	}
}

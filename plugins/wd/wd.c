/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Start and end of the plugin. A new version of the plugin reads the same keys of the map. It gets a list of the
 * resources that have failed, since it would feed the device until it has seen that again. In between, the device is
 * closed and opened again.
 */
#include "plugins/wd/wd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

static void map_changed(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	struct wd *wd = arg;

	(void)event, (void)now, (void)before;
	if (strncmp(key, "resources.watchdog_", strlen("resources.watchdog_")) == 0)
		wd_device_configure(&wd->device);
	else
		wd_resource_key_changed(wd, key);
}

/*
 * Open the device in the next turn of the loop. Only one program can have it open, and the replaced plugin closes it in
 * the present turn.
 */
static void open_device(void *arg)
{
	struct wd *wd = arg;

	wd_device_configure(&wd->device);
}

static int wd_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct wd *wd = calloc(1, sizeof(*wd));
	int rc;

	if (wd == NULL)
		return -ENOMEM;
	wd->host = host;
	wd->ctx = ctx;
	wd->device.wd = wd;
	wd->device.fd = -1;
	/* This writes into the map, so it is done before the map is tracked. */
	wd_device_read_timeout(&wd->device);
	rc = host->map_track(ctx, COTERIE_MAP_CONFIG, "resources.",
		COTERIE_MAP_PREFIX | COTERIE_MAP_ADDED | COTERIE_MAP_MODIFIED | COTERIE_MAP_DELETED, map_changed, wd,
		&wd->tracker);
	if (rc == 0)
		rc = host->post(ctx, open_device, wd);
	if (rc < 0) {
		host->map_untrack(ctx, wd->tracker);
		free(wd);
		return rc;
	}
	wd_resources_load(wd);
	*self = wd;
	return 0;
}

static void wd_fini(void *self)
{
	struct wd *wd = self;

	wd->host->map_untrack(wd->ctx, wd->tracker);
	wd_resources_free(wd);
	wd_device_close(&wd->device);
	free(wd);
}

#define STATE_VERSION 1u

static int wd_state_save(void *self, void **blob, uint32_t *size)
{
	struct coterie_state_writer writer = {.bytes = NULL};

	coterie_state_put_u32(&writer, STATE_VERSION);
	wd_resources_save(self, &writer);
	return coterie_state_end(&writer, blob, size);
}

static int wd_state_load(void *self, const void *blob, uint32_t size)
{
	struct coterie_state_reader reader = {.at = blob, .left = size};

	if (size == 0)
		return 0; /* the state of an older version: what has failed is checked again */
	if (coterie_state_take_u32(&reader) != STATE_VERSION)
		return -ENOTSUP;
	int rc = wd_resources_inherit(self, &reader);

	return rc == 0 && !coterie_state_is_whole(&reader) ? -ENOTSUP : rc;
}

static const struct coterie_service wd_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 7,
	.title = "corosync watchdog service",
	.priority = 1,
	.init = wd_init,
	.fini = wd_fini,
	.state_save = wd_state_save,
	.state_load = wd_state_load,
};

COTERIE_PLUGIN(wd, .kind = COTERIE_KIND_SERVICE, .version = "1.0",
	.description = "feeds a watchdog while all that is watched is well",
	.needs = COTERIE_CAP_MAP | COTERIE_CAP_STATS | COTERIE_CAP_ADMIN,
	.offers = COTERIE_CAN_UNPRIVILEGED | COTERIE_CAN_HAND_OVER, .ops = &wd_ops);

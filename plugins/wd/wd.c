/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Start and end of the plugin. Its state is in the map. So it hands over no state to a new version of the plugin, which
 * reads the same keys. In between, the device is closed and opened again.
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

static const struct coterie_service wd_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 7,
	.title = "corosync watchdog service",
	.priority = 1,
	.init = wd_init,
	.fini = wd_fini,
};

COTERIE_PLUGIN(wd, .kind = COTERIE_KIND_SERVICE, .version = "1.0",
	.description = "feeds a watchdog while all that is watched is well",
	.needs = COTERIE_CAP_MAP | COTERIE_CAP_STATS | COTERIE_CAP_ADMIN,
	.offers = COTERIE_CAN_UNPRIVILEGED | COTERIE_CAN_HAND_OVER, .ops = &wd_ops);

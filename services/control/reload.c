/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reload of this node alone, for daemons without the service cfg. With cfg, either all nodes reload or none. The file
 * is checked in the same way as by cfg. Either it is applied, or nothing changes. That a part of an applied file has no
 * effect is an error, as with cfg.
 */
#include "services/control/control.h"

#include <errno.h>
#include <string.h>

static const char error_key[] = "config.reload_error_message";

/* Return the error that the executive has put into the map, or NULL: none. */
static const char *reload_error(const struct control *control)
{
	uint32_t type, size;
	const void *value;
	int rc = control->host->map_get(control->ctx, error_key, &type, &value, &size);

	return rc == 0 && type == COTERIE_MAP_STRING ? value : NULL;
}

/* Apply the file. *text: in the list of changes; out, if there is an error: its reason */
static int commit(const struct control *control, const char **text)
{
	int rc = control->host->reload_commit(control->ctx);
	const char *error = reload_error(control);

	if (rc == 0 && error == NULL)
		return 0;
	*text = (rc == 0 || rc == -EINVAL) && error != NULL ? error : strerror(-rc);
	return rc == 0 ? -EIO : rc;
}

static void on_prepared(void *arg, int rc, const char *text)
{
	struct control_waiter *waiter = arg;
	struct control *control = waiter->control;

	if (rc == 0 && waiter->is_check)
		control->host->reload_drop(control->ctx);
	else if (rc == 0)
		rc = commit(control, &text);
	control_waiter_end(waiter, rc, text);
}

/*
 * Return whether cfg is loaded. In that case a reload of one node is refused, since the nodes would use different
 * files.
 */
static bool is_cfg_loaded(const struct control *control)
{
	struct coterie_map_iterator *iterator;

	if (control->host->map_iterate(control->ctx, COTERIE_MAP_STATS, "stats.plugins.cfg.", &iterator) < 0)
		return true;
	bool has_keys = control->host->map_iterate_next(iterator, NULL) != NULL;

	control->host->map_iterate_end(iterator);
	return has_keys;
}

int control_handle_reload(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct control *control = self;
	struct control_req req;

	(void)size;
	memcpy(&req, msg, sizeof(req));
	struct control_waiter *waiter = control_waiter_add(
		control, control->host->client_id(client), CONTROL_RES_RELOAD);
	if (waiter == NULL)
		return -ENOMEM;
	waiter->is_check = (req.flags & CONTROL_CHECK) != 0;
	if (is_cfg_loaded(control)) {
		control_waiter_end(waiter, -EPERM, "the service cfg is loaded: it has all nodes reload");
		return COTERIE_REPLIED;
	}
	int rc = control->host->reload_prepare(control->ctx, on_prepared, waiter);

	if (rc < 0)
		control_waiter_forget(waiter);
	return rc < 0 ? rc : COTERIE_LATER;
}

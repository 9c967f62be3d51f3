/* SPDX-License-Identifier: BSD-3-Clause */
/* Replace the ring's key without reading the file again. exec/reload/rotate.c uses this. */
#include "exec/reload/reload_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "exec/plugin/plugin.h"
#include "exec/reload/rekey.h"

/*
 * Make a copy of the running configuration with this key. What clients have changed in the map stays for later: a wrong value
 * must not refuse a key that all other nodes take. *config: NULL on errors.
 */
static int make(const struct reload *reload, const void *key, uint32_t size, const char *path, struct config **config,
	struct reload_error *error)
{
	struct config_messages messages = {0};
	int rc = config_revise(reload_running(reload), NULL, config, &messages);

	if (rc < 0)
		reload_fail(error, rc, "%s", messages.error_count > 0 ? messages.errors[0] : "out of memory");
	if (rc == 0 && config_replace_key(*config, key, size, path) < 0) {
		rc = reload_fail(error, -ENOMEM, "out of memory");
		config_destroy(*config);
		*config = NULL;
	}
	config_messages_fini(&messages);
	return rc;
}

/* If one node's transport could not load the key, the whole ring would keep the old one, after all files have the new one. */
static int check_transport(const struct reload *reload, struct reload_error *error)
{
	const struct plugin *transport = plugin_by_name(reload->parts.plugins, reload_running(reload)->transport);

	if (transport != NULL && transport->transport.reload != NULL && transport->transport.rekey != NULL)
		return 0;
	return reload_fail(error, -EINVAL, "transport %s cannot change its key while the ring runs",
		reload_running(reload)->transport);
}

int reload_key(struct reload *reload, const void *key, uint32_t size, const char *path, bool is_check, char *text,
	size_t text_size)
{
	struct reload_error error = {.text = ""};
	struct config *config = NULL;
	int rc = make(reload, key, size, path, &config, &error);

	if (rc == 0 && is_check) {
		rc = reload_check(reload, config, &error);
		if (rc == 0)
			rc = check_transport(reload, &error);
		config_destroy(config);
	} else if (rc == 0) {
		rc = reload_apply(reload, config, RELOAD_KEY, &error);
		if (rc < 0)
			config_destroy(config);
		rekey_announce(reload->parts.rekey);
		if (rc == 0 && reload->transport_rc < 0)
			rc = reload_fail(&error, -EINVAL, "the transport does not load the new key: %s",
				strerror(-reload->transport_rc));
	}
	if (rc < 0)
		snprintf(text, text_size, "%s", error.text);
	return rc == 0 || rc == -ENOMEM ? rc : -EINVAL;
}

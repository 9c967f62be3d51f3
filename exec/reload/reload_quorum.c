/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * If there is no quorum provider, a reload may add one: plugin_life.c loads the provider, whose verdicts count from the
 * first one on. A provider stays until the daemon ends (config/fixed.c).
 */
#include "exec/reload/reload_private.h"

#include <errno.h>

#include "exec/plugin/plugin_load.h"
#include "exec/sync/quorum.h"

#define EXIT_NOT_INSTALLED 30

int reload_quorum_check(const struct reload *reload, struct config *config, struct reload_error *error)
{
	const char *name = config->quorum_provider;
	struct plugin_error why;
	uint64_t offers = 0;

	if (name == NULL || quorum_has_provider(reload->parts.quorum))
		return 0;
	int rc = plugin_look(reload->parts.plugins, COTERIE_KIND_SERVICE, name, &offers, &why);
	if (rc < 0 && config->is_provider_default && why.exit_code == EXIT_NOT_INSTALLED) {
		config_drop_provider(config); /* the service is not loaded */
		return 0;
	}
	if (rc < 0)
		return reload_fail(error, -EINVAL, "quorum.provider asks for it: %s", why.text);
	if ((offers & COTERIE_CAN_QUORUM) == 0)
		return reload_fail(error, -EINVAL,
			"quorum.provider names plugin '%s', which is no quorum provider: use %s, or take the provider out of "
			"the config",
			name, config_provider_name(NULL));
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Which plugins a new config file loads and unloads. */
#include "exec/life/plugin_life_private.h"

#include <string.h>

#include "config/model.h"

static bool names(const struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->service_count; i++)
		if (strcmp(config->services[i].name, name) == 0)
			return true;
	return false;
}

void plugin_life_follow(struct plugin_life *life, const struct config *before, const struct config *now)
{
	for (uint32_t i = 0; i < before->service_count; i++) {
		const char *name = before->services[i].name;

		if (!names(now, name) && plugin_life_stays(life, name))
			plugin_life_queue(life, false, name, true); /* its loading may fail before */
	}
	for (uint32_t i = 0; i < now->service_count; i++) {
		const struct config_plugin *service = &now->services[i];
		bool is_loaded = plugin_life_stays(life, service->name);
		bool is_to_begin = is_loaded && plugin_life_is_to_decide(life, now, service->name);

		if (is_to_begin) /* its verdict counts from its start on, so appoint it before */
			plugin_life_queue(life, false, service->name, false);
		if (!is_loaded || is_to_begin)
			plugin_life_queue(life, true, service->name, !service->is_required);
	}
}

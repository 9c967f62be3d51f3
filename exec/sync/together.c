/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/sync/together.h"

void together_note(struct together *together, const uint32_t *members, uint32_t count, uint64_t services)
{
	if (node_set_assign(&together->last, members, count) < 0)
		node_set_clear(&together->last);
	for (uint32_t id = 0; id < ROUND_SERVICES_MAX; id++) {
		struct node_set both = {0};

		if ((services >> id & 1) == 0)
			continue;
		if (node_set_intersect(&both, together_of(together, id), &together->last) < 0)
			node_set_clear(&both);
		node_set_fini(&together->of[id]);
		together->of[id] = both;
	}
	together->unsettled |= services;
}

const struct node_set *together_of(const struct together *together, uint32_t service)
{
	return (together->unsettled >> service & 1) != 0 ? &together->of[service] : &together->last;
}

void together_settle(struct together *together, uint64_t services) { together->unsettled &= ~services; }

void together_fini(struct together *together)
{
	node_set_fini(&together->last);
	for (uint32_t id = 0; id < ROUND_SERVICES_MAX; id++)
		node_set_fini(&together->of[id]);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzz the service votequorum on one of four nodes, with some of its options. */
#include "tests/fuzz/service.h"

extern const struct coterie_plugin votequorum_LTX_coterie_plugin;

static void prepare(struct coterie_ctx *host)
{
	static const struct {
		const char *key;
		uint8_t value;
	} flags[] = {{"quorum.wait_for_all", 1}, {"quorum.last_man_standing", 1}, {"quorum.auto_tie_breaker", 1}};
	uint32_t votes = 4;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		host->table.map_set(host, flags[i].key, COTERIE_MAP_U8, &flags[i].value, 1);
	host->table.map_set(host, "quorum.expected_votes", COTERIE_MAP_U32, &votes, sizeof(votes));
	host->table.map_set(host, "quorum.provider", COTERIE_MAP_STRING, "corosync_votequorum", 20);
}

const struct fuzz_service fuzz_service = {
	.plugin = &votequorum_LTX_coterie_plugin,
	.prepare = prepare,
};

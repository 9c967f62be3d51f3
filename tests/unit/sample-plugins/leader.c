/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A quorum provider of a third party, written with include/coterie alone. The part of the ring that contains one
 * certain node has quorum, no matter how many other nodes there are.
 */
#include <errno.h>
#include <stdlib.h>

#include <coterie/service.h>

struct leader {
	const struct coterie_host *host; /* borrowed, outlives this struct */
	struct coterie_ctx *ctx;
	uint64_t nodeid; /* the node whose part of the ring has quorum */
	struct coterie_ring_id ring;
	uint32_t *members;
	uint32_t member_count;
};

static int leader_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct leader *leader = calloc(1, sizeof(*leader));

	if (leader == NULL)
		return -ENOMEM;
	leader->host = host;
	leader->ctx = ctx;

	int rc = host->option_u64(ctx, "node", &leader->nodeid);

	if (rc < 0) {
		free(leader);
		return rc;
	}
	*self = leader;
	return 0;
}

static void leader_fini(void *self)
{
	struct leader *leader = self;

	free(leader->members);
	free(leader);
}

static void leader_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular)
{
	struct leader *leader = self;
	uint32_t *members = calloc(regular->member_count, sizeof(*members));

	(void)transitional, (void)transitional_count;
	if (members == NULL)
		leader->host->die(leader->ctx, 13, "out of memory");
	free(leader->members);
	leader->members = members;
	leader->member_count = regular->member_count;
	leader->ring = regular->ring;
	for (uint32_t i = 0; i < regular->member_count; i++)
		members[i] = regular->members[i];
}

/* The plugin sends no message, since the membership alone decides. */
static int leader_sync_step(void *self)
{
	(void)self;
	return 0;
}

static void leader_sync_done(void *self)
{
	struct leader *leader = self;
	struct coterie_quorum quorum = {
		.size = sizeof(quorum),
		.ring = leader->ring,
		.members = leader->members,
		.member_count = leader->member_count,
	};

	for (uint32_t i = 0; i < leader->member_count; i++)
		quorum.is_quorate |= leader->members[i] == leader->nodeid;
	leader->host->quorum_publish(leader->ctx, &quorum);
}

static const struct coterie_option leader_options[] = {
	{.name = "node",
		.type = COTERIE_OPT_U32,
		.initial = "1",
		.min = 1,
		.max = UINT32_MAX,
		.help = "id of the node whose part of the ring has quorum"},
};

static const struct coterie_service leader_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 43,
	.title = "quorum of one certain node",
	.init = leader_init,
	.fini = leader_fini,
	.sync_start = leader_sync_start,
	.sync_step = leader_sync_step,
	.sync_done = leader_sync_done,
};

COTERIE_PLUGIN(leader, .kind = COTERIE_KIND_SERVICE, .version = "1.0",
	.description = "quorum is where one certain node is",
	.needs = COTERIE_CAP_SYNC | COTERIE_CAP_QUORUM | COTERIE_CAP_ADMIN, .offers = COTERIE_CAN_QUORUM,
	COTERIE_OPTIONS(leader_options), .ops = &leader_ops);

/* SPDX-License-Identifier: BSD-3-Clause */
/* Answer questions of other parts about the ring. */
#include "exec/ring/ring_private.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "exec/log/log.h"
#include "exec/plugin/plugin.h"
#include "exec/plugin/plugin_watch.h"

struct totem_engine *ring_engine(struct ring *ring) { return ring->engine; }

uint32_t ring_backlog(const struct ring *ring)
{
	struct totem_queue queue;

	if (ring->engine == NULL)
		return 0;
	totem_engine_queue(ring->engine, &queue);
	return queue.used;
}

void ring_dump(const struct ring *ring)
{
	if (ring == NULL || ring->engine == NULL)
		return;
	struct totem_queue queue;
	struct totem_probe probe;

	totem_engine_queue(ring->engine, &queue);
	totem_engine_probe(ring->engine, &probe);
	ring_log_dump(ring->engine, &queue, &probe);
	log_line("TOTEM", LOG_NOTICE, "%u frames wait for the transport, %" PRIu64 " were given up",
		ring->waiting_count, ring->dropped);
}

bool ring_is_inside(const struct ring *ring) { return ring->inside > 0; }

bool ring_is_safe_kept(const struct ring *ring)
{
	return ring->engine != NULL && totem_engine_is_safe_honoured(ring->engine);
}

void ring_transport_stats(const struct ring *ring, struct coterie_transport_stats *stats)
{
	if (ring != NULL && ring->transport != NULL && ring->transport->transport.stats != NULL)
		PLUGIN_MARKED(ring->transport, "stats", ring->transport->transport.stats(ring->transport->self, stats));
}

int ring_node_status(const struct ring *ring, uint32_t nodeid, struct coterie_node_status *status)
{
	const struct plugin *transport = ring->transport;

	memset(status, 0, sizeof(*status));
	status->size = sizeof(*status);
	status->nodeid = nodeid;
	if (transport == NULL || transport->transport.node_status == NULL)
		return -ENOTSUP;
	int rc;

	PLUGIN_MARKED(transport, "node_status", rc = transport->transport.node_status(transport->self, nodeid, status));
	return rc;
}

void ring_membership(const struct ring *ring, struct coterie_ring_id *id, const uint32_t **nodeids, uint32_t *count)
{
	if (ring->engine == NULL) {
		*count = 0;
		*nodeids = NULL;
		if (id != NULL)
			memset(id, 0, sizeof(*id));
		return;
	}
	/* The engine's ring may still be forming. The members returned here are those of the last complete ring. */
	struct totem_probe probe;
	totem_engine_probe(ring->engine, &probe);
	if (id != NULL)
		*id = (struct coterie_ring_id){.representative = probe.old_ring.rep, .seq = probe.old_ring.seq};
	*count = totem_engine_members(ring->engine, nodeids);
}

/*
 * Plain messages of this node that have been sent and not delivered here yet.
 *
 * While the services synchronise the ring has a second queue, and the first one waits: a message that is sent then
 * overtakes those that were queued before. The leave of a process must not, nor a message that is sent again. So they
 * wait until all messages of the time before sync_start have come back.
 */
#include "services/cpg/cpg.h"

#include <syslog.h>

/* A message of our own comes back unless memory ran out. Nothing waits longer than this for the next one. */
#define PATIENCE_NS UINT64_C(10000000000)

void cpg_flight_sent(struct cpg *cpg) { cpg->flight.outstanding++; }

void cpg_flight_back(struct cpg *cpg, uint32_t nodeid)
{
	struct cpg_flight *flight = &cpg->flight;

	/* A plugin that has taken over gets messages that it did not send. */
	if (nodeid != cpg->host->local_nodeid(cpg->ctx) || flight->outstanding == 0)
		return;
	flight->outstanding--;
	if (flight->stale > 0) {
		flight->stale--;
		flight->progress_ns = cpg->host->now_ns(cpg->ctx);
	}
}

void cpg_flight_start(struct cpg *cpg)
{
	cpg->flight.stale = cpg->flight.outstanding;
	cpg->flight.progress_ns = cpg->host->now_ns(cpg->ctx);
}

void cpg_flight_done(struct cpg *cpg) { cpg->flight.progress_ns = cpg->host->now_ns(cpg->ctx); }

bool cpg_flight_waits(struct cpg *cpg)
{
	struct cpg_flight *flight = &cpg->flight;

	if (flight->stale > 0 && !cpg->resync.is_active &&
		cpg->host->now_ns(cpg->ctx) - flight->progress_ns > PATIENCE_NS) {
		cpg->host->log(cpg->ctx, LOG_ERR, "%ju messages of this node have not come back: others wait no longer",
			(uintmax_t)flight->stale);
		flight->outstanding -= flight->stale;
		flight->stale = 0;
	}
	return flight->stale > 0;
}

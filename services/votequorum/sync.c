/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The synchronisation of votequorum. The votes of nodes that have left no longer count. Then all nodes send their
 * information, and at the end all votes are counted (book services, "quorum and votequorum").
 */
#include "services/votequorum/votequorum.h"

#include <errno.h>
#include <syslog.h>

/* ---- Last man standing --------------------------------------------------- */

void votequorum_window_close(struct votequorum *vq)
{
	vq->host->timer_del(vq->ctx, vq->window);
	vq->window = NULL;
}

/* No node has left during the window, so set the expected votes to the number of present members. */
static void on_window(void *arg)
{
	struct votequorum *vq = arg;

	vq->window = NULL;
	if (vq->is_syncing) { /* the verdict is still that of the last ring */
		votequorum_window_open(vq);
		return;
	}
	if (!vq->calc.is_quorate)
		return;
	votequorum_settle(vq, vote_recalculate(&vq->calc, true, true));
	vq->host->log(vq->ctx, LOG_NOTICE, "last_man_standing: expected votes are now %u, quorum is %u",
		vote_local(&vq->calc)->expected_votes, vq->calc.quorum);
}

void votequorum_window_open(struct votequorum *vq)
{
	uint64_t at_ns = vq->host->now_ns(vq->ctx) + vq->config.window_ms * UINT64_C(1000000);

	votequorum_window_close(vq);
	if (vq->host->timer_add(vq->ctx, at_ns, on_window, vq, &vq->window) < 0)
		vq->host->log(vq->ctx, LOG_WARNING, "out of memory: last_man_standing does not lower expected votes");
}

/* ---- Callbacks ----------------------------------------------------------- */

void votequorum_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular)
{
	struct votequorum *vq = self;

	(void)transitional, (void)transitional_count;
	vq->is_syncing = true;
	vq->is_aborted = false;
	vote_sync_begin(&vq->calc);
	vq->has_queued = false;
	vq->device.is_awaited = false;
	if (vq->lacks_statistics)
		vq->offered_changes = 0;

	int rc = vote_configure(&vq->calc, regular->members, regular->member_count);

	if (rc < 0)
		vq->host->log(vq->ctx, LOG_WARNING, "out of memory: votes are counted as before the ring changed");
	if (rc >= 0 && vote_window_opens(&vq->calc, rc > 0))
		votequorum_window_open(vq);
	vq->ring = regular->ring;
	votequorum_device_sync(vq);
}

int votequorum_sync_step(void *self)
{
	struct votequorum *vq = self;

	vq->is_stepping = true;
	if (!vq->has_queued) {
		uint32_t messages = VOTEQUORUM_OWES_SELF | VOTEQUORUM_OWES_DEVICE;

		if (vq->device.name[0] != '\0')
			messages |= VOTEQUORUM_OWES_NAME;
		if (votequorum_extra_find(vq, vq->calc.local) != NULL)
			messages |= VOTEQUORUM_OWES_EXTRA;
		votequorum_send(vq, messages);
		votequorum_tell_nodelist(vq, NULL);
		vq->has_queued = true;
	} else if (vq->owed != 0) {
		votequorum_send(vq, 0);
	}
	vq->is_stepping = false;
	/* The executive must send this node's barrier message only after all of these messages. */
	if (vq->owed != 0)
		return -EAGAIN;
	return votequorum_is_registered(vq) && vq->device.is_awaited ? -EAGAIN : 0;
}

void votequorum_sync_done(void *self)
{
	struct votequorum *vq = self;

	votequorum_settle(vq, vote_sync_end(&vq->calc));
	vq->is_syncing = false;
	votequorum_publish(vq);
	if (vq->owed != 0) /* messages that were queued after the last sync_step */
		votequorum_send(vq, 0);
}

/*
 * If all services synchronised, another round follows. Before it begins, messages of the ring that has ended are
 * delivered, and their verdict must not be published: this node may be in a part without quorum. If only this service
 * synchronised, no round follows, so publish and send the changes that were made in the meantime.
 */
void votequorum_sync_abort(void *self)
{
	struct votequorum *vq = self;

	vq->is_aborted = true;
	votequorum_send_later(vq);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The messages between nodes (book services, "quorum and votequorum"). Handlers make the same changes on every node,
 * since all nodes receive the messages in the same order.
 */
#include "services/votequorum/votequorum.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#define RETRY_NS UINT64_C(5000000)

/* ---- Sending ------------------------------------------------------------- */

/* Send a message without its header, which the executive writes. */
static int send_message(struct votequorum *vq, enum votequorum_ring_function function, void *message, size_t size)
{
	const size_t head = sizeof(struct votequorum_request_header);
	struct iovec iov = {.iov_base = (uint8_t *)message + head, .iov_len = size - head};

	return vq->host->ring_send(vq->ctx, function, COTERIE_AGREED, &iov, 1);
}

static int send_self(struct votequorum *vq)
{
	const struct vote_node *local = vote_local(&vq->calc);
	struct votequorum_ring_nodeinfo info = {
		.nodeid = local->nodeid,
		.votes = local->votes,
		.expected_votes = local->expected_votes,
		.flags = local->flags,
	};

	return send_message(vq, VOTEQUORUM_RING_NODEINFO, &info, sizeof(info));
}

static int send_device(struct votequorum *vq)
{
	struct votequorum_ring_nodeinfo info = {.votes = vq->calc.device_votes};

	return send_message(vq, VOTEQUORUM_RING_NODEINFO, &info, sizeof(info));
}

int votequorum_send_reconfigure(
	struct votequorum *vq, uint32_t nodeid, uint32_t value, enum votequorum_ring_param param)
{
	struct votequorum_ring_reconfigure message = {.nodeid = nodeid, .value = value, .param = (uint8_t)param};

	return send_message(vq, VOTEQUORUM_RING_RECONFIGURE, &message, sizeof(message));
}

int votequorum_send_registration(struct votequorum *vq, uint32_t operation, const char *name)
{
	struct votequorum_ring_qdevice_reg message = {.operation = operation};

	memcpy(message.name, name, strlen(name));
	return send_message(vq, VOTEQUORUM_RING_QDEVICE_REG, &message, sizeof(message));
}

int votequorum_send_rename(struct votequorum *vq, const char *old_name, const char *new_name)
{
	struct votequorum_ring_qdevice_reconfigure message = {.pad = {0}};

	memcpy(message.old_name, old_name, strlen(old_name));
	memcpy(message.new_name, new_name, strlen(new_name));
	return send_message(vq, VOTEQUORUM_RING_QDEVICE_RECONFIGURE, &message, sizeof(message));
}

int votequorum_send_extra(struct votequorum *vq, const uint8_t *bytes, uint32_t size)
{
	const size_t head = sizeof(struct votequorum_request_header);
	struct votequorum_ring_extra message = {.nodeid = vq->calc.local, .size = size};
	struct iovec iov[2] = {
		{.iov_base = (uint8_t *)&message + head, .iov_len = sizeof(message) - head},
		{.iov_base = (void *)(uintptr_t)bytes, .iov_len = size},
	};

	return vq->host->ring_send(vq->ctx, VOTEQUORUM_RING_EXTRA, COTERIE_AGREED, iov, size == 0 ? 1 : 2);
}

static int send_owed(struct votequorum *vq, uint32_t message)
{
	const struct vote_node *local = vote_local(&vq->calc);
	const struct votequorum_extra *extra = votequorum_extra_find(vq, local->nodeid);

	switch (message) {
	case VOTEQUORUM_OWES_SELF:
		return send_self(vq);
	case VOTEQUORUM_OWES_DEVICE:
		return send_device(vq);
	case VOTEQUORUM_OWES_VOTES:
		return votequorum_send_reconfigure(vq, local->nodeid, local->votes, VOTEQUORUM_RING_PARAM_NODE_VOTES);
	case VOTEQUORUM_OWES_EXPECTED:
		return votequorum_send_reconfigure(
			vq, local->nodeid, local->expected_votes, VOTEQUORUM_RING_PARAM_EXPECTED_VOTES);
	case VOTEQUORUM_OWES_CANCEL:
		return votequorum_send_reconfigure(vq, local->nodeid, 0, VOTEQUORUM_RING_PARAM_CANCEL_WFA);
	case VOTEQUORUM_OWES_UNREGISTER:
		return votequorum_send_registration(vq, 0, vq->device.unregistered);
	case VOTEQUORUM_OWES_NAME:
		return vq->device.name[0] == '\0' ? 0 : votequorum_send_registration(vq, 1, vq->device.name);
	case VOTEQUORUM_OWES_EXTRA:
		return votequorum_send_extra(vq, extra == NULL ? NULL : extra->bytes, extra == NULL ? 0 : extra->size);
	default:
		return 0;
	}
}

static void on_retry(void *arg)
{
	struct votequorum *vq = arg;

	vq->retry = NULL;
	if (vq->is_aborted)
		vq->is_aborted = vq->is_syncing = vq->calc.is_syncing = false;
	votequorum_send(vq, 0);
	votequorum_settle(vq, 0);
}

void votequorum_send_later(struct votequorum *vq)
{
	if (vq->retry == NULL &&
		vq->host->timer_add(vq->ctx, vq->host->now_ns(vq->ctx) + RETRY_NS, on_retry, vq, &vq->retry) < 0)
		vq->host->log(vq->ctx, LOG_WARNING, "out of memory: the other nodes are told later");
}

/*
 * A node of Corosync 3.1 crashes if it receives NODEINFO of a device before NODEINFO of its node. So the message of the
 * node is always sent before that of the device, even if only the message of the device has found no room before.
 *
 * During a synchronisation only sync_step sends messages. Messages that are sent outside of sync_step would be
 * delivered only after the synchronisation of all services.
 */
void votequorum_send(struct votequorum *vq, uint32_t messages)
{
	vq->owed |= messages;
	if ((vq->owed & VOTEQUORUM_OWES_DEVICE) != 0)
		vq->owed |= VOTEQUORUM_OWES_SELF;
	if (vq->is_syncing && !vq->is_stepping)
		return;
	for (uint32_t one = 1; one <= VOTEQUORUM_OWES_LAST; one <<= 1) {
		if ((vq->owed & one) == 0)
			continue;

		int rc = send_owed(vq, one);

		if (rc == -EAGAIN) {
			if (one == VOTEQUORUM_OWES_DEVICE)
				vq->owed |= VOTEQUORUM_OWES_SELF;
			break;
		}
		if (rc < 0)
			vq->host->log(vq->ctx, LOG_ERR, "a message to the other nodes is lost (%d)", rc);
		vq->owed &= ~one;
	}
	if (vq->owed != 0)
		votequorum_send_later(vq);
}

/* ---- Receiving ----------------------------------------------------------- */

static void deliver_nodeinfo(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct votequorum *vq = self;
	const struct votequorum_ring_nodeinfo *info = msg;
	uint32_t bits;

	(void)size;
	/*
	 * Corosync accepts NODEINFO about any node from any node. This service accepts it only from the node itself:
	 * otherwise nodes that have left would be counted.
	 */
	if (info->nodeid != nodeid && info->nodeid != 0) {
		vq->host->log(vq->ctx, LOG_WARNING, "a node tells of another one's votes: dropped (node %u)", nodeid);
		return;
	}
	if (info->nodeid == 0) {
		bits = vote_deviceinfo(&vq->calc, nodeid, info->votes);
	} else if (vote_nodeinfo(&vq->calc, nodeid, info->votes, info->expected_votes, info->flags, &bits) < 0) {
		vq->host->log(
			vq->ctx, LOG_WARNING, "out of memory: the votes of a node do not count (node %u)", nodeid);
		return;
	}
	if ((bits & VOTE_UNKNOWN_NODE) != 0)
		vq->host->log(vq->ctx, LOG_WARNING,
			"a node tells of its quorum device before itself: dropped (node %u)", nodeid);
	if (info->nodeid != 0)
		votequorum_extra_nodeinfo(vq, nodeid, info->flags);
	votequorum_settle(vq, bits);
}

static void reconfigure_expected(struct votequorum *vq, uint32_t expected)
{
	/* Clients are notified even if the value does not change. */
	votequorum_news_expected(vq, expected != 0 ? expected : vote_local(&vq->calc)->expected_votes);
	votequorum_settle(vq, vote_reconfigure_expected(&vq->calc, expected));
}

static void deliver_reconfigure(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct votequorum *vq = self;
	const struct votequorum_ring_reconfigure *message = msg;

	(void)size;
	switch (message->param) {
	case VOTEQUORUM_RING_PARAM_EXPECTED_VOTES:
		reconfigure_expected(vq, message->value);
		break;
	case VOTEQUORUM_RING_PARAM_NODE_VOTES:
		votequorum_settle(vq, vote_reconfigure_votes(&vq->calc, message->nodeid, message->value));
		break;
	case VOTEQUORUM_RING_PARAM_CANCEL_WFA:
		if (votequorum_news_may_go(vq, VOTEQUORUM_NEWS_CANCELLED))
			vq->host->log(vq->ctx, LOG_INFO,
				"wait_for_all is over: node %u was told not to wait any longer", nodeid);
		votequorum_settle(vq, vote_cancel_waiting(&vq->calc));
		break;
	default:
		break;
	}
}

/* ---- Byte order ---------------------------------------------------------- */

static uint32_t swapped(uint32_t value) { return __builtin_bswap32(value); }

static void swap_nodeinfo(void *msg, uint32_t size)
{
	struct votequorum_ring_nodeinfo *info = msg;

	(void)size;
	info->nodeid = swapped(info->nodeid);
	info->votes = swapped(info->votes);
	info->expected_votes = swapped(info->expected_votes);
	info->flags = swapped(info->flags);
}

static void swap_reconfigure(void *msg, uint32_t size)
{
	struct votequorum_ring_reconfigure *message = msg;

	(void)size;
	message->nodeid = swapped(message->nodeid);
	message->value = swapped(message->value);
}

static void swap_qdevice_reg(void *msg, uint32_t size)
{
	struct votequorum_ring_qdevice_reg *message = msg;

	(void)size;
	message->operation = swapped(message->operation);
}

static void swap_extra(void *msg, uint32_t size)
{
	struct votequorum_ring_extra *message = msg;

	(void)size;
	message->nodeid = swapped(message->nodeid);
	message->size = swapped(message->size);
}

const struct coterie_ring_msg votequorum_ring_msgs[VOTEQUORUM_RING_MSGS] = {
	{VOTEQUORUM_RING_NODEINFO, sizeof(struct votequorum_ring_nodeinfo), swap_nodeinfo, deliver_nodeinfo, NULL},
	{VOTEQUORUM_RING_RECONFIGURE, sizeof(struct votequorum_ring_reconfigure), swap_reconfigure, deliver_reconfigure,
		NULL},
	{VOTEQUORUM_RING_QDEVICE_REG, sizeof(struct votequorum_ring_qdevice_reg), swap_qdevice_reg,
		votequorum_deliver_qdevice_reg, NULL},
	{VOTEQUORUM_RING_QDEVICE_RECONFIGURE, sizeof(struct votequorum_ring_qdevice_reconfigure), NULL,
		votequorum_deliver_qdevice_reconfigure, NULL},
	{VOTEQUORUM_RING_EXTRA, sizeof(struct votequorum_ring_extra), swap_extra, votequorum_deliver_extra, NULL},
};

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The quorum device is a program on this node with votes of its own. It registers under a name and reports at intervals
 * whether it gives its votes to this node's part of the ring (book services, "quorum and votequorum"). The registration
 * belongs to the node, and stays when the client disconnects.
 */
#include "services/votequorum/votequorum.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include <corosync/corotypes.h>

#define ALL_FLAGS \
	((uint32_t)(VOTEQUORUM_RING_QDEVICE_REGISTERED | VOTEQUORUM_RING_QDEVICE_ALIVE | \
		    VOTEQUORUM_RING_QDEVICE_CAST_VOTE | VOTEQUORUM_RING_QDEVICE_MASTER_WINS | \
		    VOTEQUORUM_RING_QDEVICE_HAS_EXTRA))
#define VOTE_FLAGS ((uint32_t)(VOTEQUORUM_RING_QDEVICE_ALIVE | VOTEQUORUM_RING_QDEVICE_CAST_VOTE))

bool votequorum_is_registered(const struct votequorum *vq)
{
	return (vote_local(&vq->calc)->flags & VOTEQUORUM_RING_QDEVICE_REGISTERED) != 0;
}

/* Return whether a name ends inside its field and is not empty. */
static bool is_name(const char *name) { return name[0] != '\0' && memchr(name, '\0', VOTEQUORUM_NAME_SIZE) != NULL; }

static void set_name(char *to, const char *name)
{
	memset(to, 0, VOTEQUORUM_NAME_SIZE);
	if (name != NULL)
		memcpy(to, name, strlen(name));
}

/* Set this node's flags in `which`, and send NODEINFO if they changed. */
static void set_flags(struct votequorum *vq, uint32_t which, uint32_t flags)
{
	struct vote_node *local = vote_local(&vq->calc);
	uint32_t before = local->flags;

	local->flags = (before & ~which) | flags;
	if (local->flags != before)
		votequorum_send(vq, VOTEQUORUM_OWES_SELF);
}

/* ---- The timer ----------------------------------------------------------- */

static void end_wait(struct votequorum *vq)
{
	vq->host->timer_del(vq->ctx, vq->device.timer);
	vq->device.timer = NULL;
	vq->device.is_awaited = false;
}

static void on_silence(void *arg)
{
	struct votequorum *vq = arg;

	vq->device.timer = NULL;
	vq->device.is_awaited = false;
	if ((vote_local(&vq->calc)->flags & VOTEQUORUM_RING_QDEVICE_ALIVE) == 0)
		return;
	vq->host->log(vq->ctx, LOG_ERR, "quorum device %s was not heard of in time: its vote does not count",
		vq->device.name);
	set_flags(vq, VOTE_FLAGS, 0);
}

static void arm(struct votequorum *vq, uint32_t timeout_ms)
{
	uint64_t at_ns = vq->host->now_ns(vq->ctx) + timeout_ms * UINT64_C(1000000);

	end_wait(vq);
	if (vq->host->timer_add(vq->ctx, at_ns, on_silence, vq, &vq->device.timer) < 0)
		vq->host->log(vq->ctx, LOG_WARNING, "out of memory: a silent quorum device keeps its vote");
}

void votequorum_device_arm(struct votequorum *vq) { arm(vq, vq->config.device_timeout_ms); }

void votequorum_device_sync(struct votequorum *vq)
{
	const uint32_t here = VOTEQUORUM_RING_QDEVICE_REGISTERED | VOTEQUORUM_RING_QDEVICE_ALIVE;

	if ((vote_local(&vq->calc)->flags & here) != here)
		return;
	arm(vq, vq->config.device_sync_timeout_ms);
	/* Do not wait if the timer could not be started: the wait would not end. */
	vq->device.is_awaited = vq->device.timer != NULL;
}

/* ---- Registration through the ring --------------------------------------- */

static void forget_pending(struct votequorum *vq)
{
	vq->device.pending = VOTEQUORUM_PENDING_NONE;
	vq->device.pending_client = NULL;
}

/* Answer the client after the delivery of this node's registration message. */
static void finish_registration(struct votequorum *vq)
{
	struct votequorum_device *device = &vq->device;
	struct coterie_client *client = device->pending_client;
	bool is_abandoned = device->pending == VOTEQUORUM_PENDING_ABANDONED;

	forget_pending(vq);
	if (is_abandoned) {
		/* The other nodes have stored the name of this message. Send a message that makes them remove it. */
		set_name(device->unregistered, device->pending_name);
		votequorum_send(vq, VOTEQUORUM_OWES_UNREGISTER);
		return;
	}
	if (device->name[0] == '\0')
		set_name(device->name, device->pending_name);
	if (strcmp(device->name, device->pending_name) != 0) {
		votequorum_answer(vq, client, CS_ERR_EXIST);
		return;
	}
	vote_local(&vq->calc)->flags |= VOTEQUORUM_RING_QDEVICE_REGISTERED;
	votequorum_send(vq, VOTEQUORUM_OWES_SELF | VOTEQUORUM_OWES_DEVICE);
	votequorum_answer(vq, client, CS_OK);
}

static bool has_registered_member(const struct votequorum *vq)
{
	for (uint32_t i = 0; i < vq->calc.node_count; i++) {
		const struct vote_node *node = &vq->calc.nodes[i];

		if (node->state == VOTEQUORUM_WIRE_STATE_MEMBER &&
			(node->flags & VOTEQUORUM_RING_QDEVICE_REGISTERED) != 0)
			return true;
	}
	return false;
}

void votequorum_deliver_qdevice_reg(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct votequorum *vq = self;
	struct votequorum_device *device = &vq->device;
	const struct votequorum_ring_qdevice_reg *message = msg;

	(void)size;
	if (!is_name(message->name)) {
		vq->host->log(vq->ctx, LOG_WARNING,
			"a quorum device has no name, or one without an end: dropped (node %u)", nodeid);
		return;
	}
	switch (message->operation) {
	case 0:
		if (!has_registered_member(vq))
			set_name(device->name, NULL);
		break;
	case 1:
		if (nodeid == vq->calc.local && device->pending != VOTEQUORUM_PENDING_NONE &&
			strcmp(device->pending_name, message->name) == 0)
			finish_registration(vq);
		else if (device->name[0] == '\0' && nodeid != vq->calc.local)
			set_name(device->name, message->name);
		break;
	default:
		break;
	}
}

void votequorum_deliver_qdevice_reconfigure(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct votequorum *vq = self;
	const struct votequorum_ring_qdevice_reconfigure *message = msg;

	(void)size;
	if (!is_name(message->old_name) || !is_name(message->new_name)) {
		vq->host->log(vq->ctx, LOG_WARNING,
			"a quorum device has no name, or one without an end: dropped (node %u)", nodeid);
		return;
	}
	if (strcmp(vq->device.name, message->old_name) == 0)
		set_name(vq->device.name, message->new_name);
}

/* ---- Requests ------------------------------------------------------------ */

static int check_name(const struct votequorum *vq, const char *name)
{
	if (!votequorum_is_registered(vq))
		return -ENOENT;
	return !is_name(name) || strcmp(vq->device.name, name) != 0 ? -EINVAL : 0;
}

int votequorum_handle_qdevice_register(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct votequorum *vq = self;
	struct votequorum_device *device = &vq->device;
	struct votequorum_req_qdevice copy;
	const struct votequorum_req_qdevice *req = memcpy(&copy, msg, sizeof(copy));

	(void)size;
	if (!vq->config.is_device_usable)
		return -EACCES;
	if (!is_name(req->name))
		return -EINVAL;
	if (votequorum_is_registered(vq))
		return strcmp(device->name, req->name) == 0 ? 0 : -EEXIST;
	if (device->pending != VOTEQUORUM_PENDING_NONE)
		return -EAGAIN;

	int rc = votequorum_send_registration(vq, 1, req->name);

	if (rc < 0)
		return rc;
	device->pending = VOTEQUORUM_PENDING_CLIENT;
	device->pending_client = client;
	set_name(device->pending_name, req->name);
	return COTERIE_LATER;
}

void votequorum_device_drop(struct votequorum *vq, const struct coterie_client *client)
{
	if (vq->device.pending != VOTEQUORUM_PENDING_CLIENT || vq->device.pending_client != client)
		return;
	vq->device.pending = VOTEQUORUM_PENDING_ABANDONED;
	vq->device.pending_client = NULL;
}

int votequorum_handle_qdevice_unregister(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct votequorum *vq = self;
	struct votequorum_req_qdevice copy;
	const struct votequorum_req_qdevice *req = memcpy(&copy, msg, sizeof(copy));

	(void)client, (void)size;

	int rc = check_name(vq, req->name);

	if (rc < 0)
		return rc;
	end_wait(vq);
	vote_local(&vq->calc)->flags &= ~ALL_FLAGS;
	set_name(vq->device.unregistered, req->name);
	votequorum_extra_drop(vq);
	votequorum_send(vq, VOTEQUORUM_OWES_SELF | VOTEQUORUM_OWES_UNREGISTER);
	return 0;
}

int votequorum_handle_qdevice_update(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct votequorum *vq = self;
	struct votequorum_req_qdevice_update copy;
	const struct votequorum_req_qdevice_update *req = memcpy(&copy, msg, sizeof(copy));

	(void)client, (void)size;
	int rc = check_name(vq, req->old_name);

	if (rc == 0 && !is_name(req->new_name))
		rc = -EINVAL;
	return rc < 0 ? rc : votequorum_send_rename(vq, req->old_name, req->new_name);
}

int votequorum_handle_qdevice_poll(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct votequorum *vq = self;
	struct votequorum_req_qdevice_poll copy;
	const struct votequorum_req_qdevice_poll *req = memcpy(&copy, msg, sizeof(copy));

	(void)size;
	if (!vq->config.is_device_usable)
		return -EACCES;
	if (!votequorum_is_registered(vq))
		return -ENOENT;
	if (req->ring_id.nodeid != vq->ring.representative || req->ring_id.seq != vq->ring.seq)
		return votequorum_answer(vq, client, CS_ERR_MESSAGE_ERROR);

	int rc = check_name(vq, req->name);

	if (rc < 0)
		return rc;
	set_flags(vq, VOTE_FLAGS, req->cast_vote != 0 ? VOTE_FLAGS : (uint32_t)VOTEQUORUM_RING_QDEVICE_ALIVE);
	arm(vq, vq->config.device_timeout_ms);
	return 0;
}

int votequorum_handle_qdevice_master_wins(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct votequorum *vq = self;
	struct votequorum_req_qdevice_master_wins copy;
	const struct votequorum_req_qdevice_master_wins *req = memcpy(&copy, msg, sizeof(copy));
	const uint32_t flag = VOTEQUORUM_RING_QDEVICE_MASTER_WINS;

	(void)client, (void)size;
	if (!vq->config.is_device_usable)
		return -EACCES;

	int rc = check_name(vq, req->name);

	if (rc < 0)
		return rc;
	vq->calc.is_master = req->allow != 0;
	set_flags(vq, flag, vq->calc.is_master ? flag : 0);
	vq->device.has_master_wins = true;
	votequorum_publish_keys(vq);
	return 0;
}

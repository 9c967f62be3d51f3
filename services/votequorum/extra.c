/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Extra information: up to 4,096 bytes that the quorum device of a node publishes for the programs of all nodes, as in
 * the release of Corosync after 3.1.10. The service does not interpret the bytes.
 *
 * 1. A client of the node sets the bytes. The node stores them at once, so the client can read them back.
 * 2. The bytes are sent in a message to all nodes, which store them and notify their clients. The sender's node has
 *    stored them before, and only notifies its clients.
 * 3. Each synchronisation sends the bytes again, for new nodes.
 */
#include "services/votequorum/votequorum.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <corosync/corotypes.h>

const struct votequorum_extra *votequorum_extra_find(const struct votequorum *vq, uint32_t nodeid)
{
	const struct votequorum_extra *extra = vq->extras;

	while (extra != NULL && extra->nodeid != nodeid)
		extra = extra->next;
	return extra;
}

static void forget(struct votequorum *vq, uint32_t nodeid)
{
	for (struct votequorum_extra **at = &vq->extras; *at != NULL; at = &(*at)->next) {
		struct votequorum_extra *extra = *at;

		if (extra->nodeid != nodeid)
			continue;
		*at = extra->next;
		free(extra);
		return;
	}
}

/* Create the information of a node. @return NULL: out of memory */
static struct votequorum_extra *create(uint32_t nodeid, const uint8_t *bytes, uint32_t size)
{
	struct votequorum_extra *extra = malloc(sizeof(*extra) + size);

	if (extra == NULL)
		return NULL;
	extra->nodeid = nodeid;
	extra->size = size;
	memcpy(extra->bytes, bytes, size);
	return extra;
}

/*
 * Replace the information of a node. The list takes ownership of `extra`. NULL: the node has no information any more.
 */
static void replace(struct votequorum *vq, uint32_t nodeid, struct votequorum_extra *extra)
{
	forget(vq, nodeid);
	if (extra == NULL)
		return;
	extra->next = vq->extras;
	vq->extras = extra;
}

int votequorum_extra_put(struct votequorum *vq, uint32_t nodeid, const uint8_t *bytes, uint32_t size)
{
	struct votequorum_extra *extra = size == 0 ? NULL : create(nodeid, bytes, size);

	if (size != 0 && extra == NULL)
		return -ENOMEM;
	replace(vq, nodeid, extra);
	return 0;
}

void votequorum_extra_prune(struct votequorum *vq)
{
	struct votequorum_extra **at = &vq->extras;

	while (*at != NULL) {
		struct votequorum_extra *extra = *at;

		if (vote_find(&vq->calc, extra->nodeid) != NULL) {
			at = &extra->next;
			continue;
		}
		*at = extra->next;
		free(extra);
	}
}

void votequorum_extra_fini(struct votequorum *vq)
{
	while (vq->extras != NULL) {
		struct votequorum_extra *next = vq->extras->next;

		free(vq->extras);
		vq->extras = next;
	}
}

/* ---- Ring ---------------------------------------------------------------- */

static bool is_same(const struct votequorum_extra *extra, const uint8_t *bytes, uint32_t size)
{
	if (extra == NULL || size == 0)
		return extra == NULL && size == 0;
	return extra->size == size && memcmp(extra->bytes, bytes, size) == 0;
}

void votequorum_deliver_extra(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct votequorum *vq = self;
	const struct votequorum_ring_extra *message = msg;

	if (message->size > VOTEQUORUM_EXTRA_MAX || message->size > size - sizeof(*message)) {
		vq->host->log(vq->ctx, LOG_WARNING, "extra information with a wrong size: dropped (node %u)", nodeid);
		return;
	}
	if (vote_find(&vq->calc, nodeid) == NULL) {
		vq->host->log(vq->ctx, LOG_WARNING,
			"a node sends extra information before it tells of itself: dropped (node %u)", nodeid);
		return;
	}
	/* The information was sent again for new nodes. This node has it already. */
	if (vq->is_syncing && is_same(votequorum_extra_find(vq, nodeid), message->bytes, message->size))
		return;
	/*
	 * Do not store this node's own information: it was stored when a client set it, and may have been set again
	 * since.
	 */
	if (nodeid != vq->calc.local && votequorum_extra_put(vq, nodeid, message->bytes, message->size) < 0) {
		vq->host->log(vq->ctx, LOG_WARNING, "out of memory: extra information is lost (node %u)", nodeid);
		return;
	}
	votequorum_tell_extra(vq, nodeid, message->bytes, message->size);
}

/*
 * Drop the extra information of a node that announces none. Notify clients only if the node has restarted. After a
 * device was unregistered, its node also sends an empty EXTRA message, which notifies them.
 */
void votequorum_extra_nodeinfo(struct votequorum *vq, uint32_t nodeid, uint32_t flags)
{
	if ((flags & VOTEQUORUM_RING_QDEVICE_HAS_EXTRA) != 0 || nodeid == vq->calc.local ||
		votequorum_extra_find(vq, nodeid) == NULL)
		return;
	forget(vq, nodeid);
	if ((flags & VOTEQUORUM_RING_FIRST) != 0)
		votequorum_tell_extra(vq, nodeid, NULL, 0);
}

void votequorum_extra_drop(struct votequorum *vq)
{
	if (votequorum_extra_find(vq, vq->calc.local) == NULL)
		return;
	forget(vq, vq->calc.local);
	vq->owed |= VOTEQUORUM_OWES_EXTRA;
}

/* ---- Clients ------------------------------------------------------------- */

static void set_flag(struct votequorum *vq, bool has_extra)
{
	struct vote_node *local = vote_local(&vq->calc);
	const uint32_t flag = VOTEQUORUM_RING_QDEVICE_HAS_EXTRA;
	bool had_extra = (local->flags & flag) != 0;

	if (had_extra == has_extra)
		return;
	local->flags = has_extra ? local->flags | flag : local->flags & ~flag;
	votequorum_send(vq, VOTEQUORUM_OWES_SELF);
}

int votequorum_handle_set_extra(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct votequorum *vq = self;
	struct votequorum_connection *connection = vq->host->client_data(client);
	struct votequorum_req_set_extra copy;
	const uint32_t head = offsetof(struct votequorum_req_set_extra, bytes);
	struct votequorum_extra *extra = NULL;

	memcpy(&copy, msg, size < sizeof(copy) ? size : sizeof(copy));
	connection->takes_extra = true;
	if (!votequorum_is_registered(vq))
		return -ENOENT;
	if (copy.size > VOTEQUORUM_EXTRA_MAX || copy.size > size - head)
		return -EINVAL;
	if (copy.size > 0) {
		extra = create(vq->calc.local, copy.bytes, copy.size);
		if (extra == NULL)
			return -ENOMEM;
	}
	/* Cancel a message that is not sent yet: this message has newer information. */
	int rc = votequorum_send_extra(vq, copy.bytes, copy.size);

	if (rc < 0) {
		free(extra);
		return rc;
	}
	vq->owed &= ~VOTEQUORUM_OWES_EXTRA;
	replace(vq, vq->calc.local, extra);
	set_flag(vq, extra != NULL);
	return 0;
}

int votequorum_handle_get_extra(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct votequorum *vq = self;
	struct votequorum_connection *connection = vq->host->client_data(client);
	struct votequorum_req_get_extra copy;
	const struct votequorum_req_get_extra *req = memcpy(&copy, msg, sizeof(copy));
	const size_t head = sizeof(struct votequorum_response_header);
	const struct votequorum_extra *extra = votequorum_extra_find(vq, req->nodeid);
	bool is_known = req->nodeid == 0 || vote_find(&vq->calc, req->nodeid) != NULL;
	struct votequorum_res_get_extra res = {.size = 0};
	struct iovec iov = {.iov_base = (uint8_t *)&res + head, .iov_len = sizeof(res) - head};

	(void)size;
	connection->takes_extra = true;
	if (extra != NULL) {
		res.size = extra->size;
		memcpy(res.bytes, extra->bytes, extra->size);
	}
	vq->host->reply(client, VOTEQUORUM_RES_GET_EXTRA, is_known ? CS_OK : CS_ERR_NOT_EXIST, &iov, 1);
	return COTERIE_REPLIED;
}

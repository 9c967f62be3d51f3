/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests of clients: information, votes, tracking (book ipc, "quorum and votequorum requests"). Requests of a quorum
 * device are in device.c. Every request is copied first: a large request stays in memory that the client can change,
 * and its address may be only a multiple of 4.
 */
#include "services/votequorum/votequorum.h"

#include <errno.h>
#include <string.h>

#include <corosync/corotypes.h>

int votequorum_answer(struct votequorum *vq, struct coterie_client *client, int32_t error)
{
	vq->host->reply(client, VOTEQUORUM_RES_PLAIN, error, NULL, 0);
	return COTERIE_REPLIED;
}

/* ---- Information --------------------------------------------------------- */

uint32_t votequorum_info_flags(const struct votequorum *vq, uint32_t node_flags)
{
	const struct vote_options *options = &vq->calc.options;
	const struct {
		bool is_set;
		uint32_t flag;
	} own[] = {
		{options->has_two_node, VOTEQUORUM_WIRE_INFO_TWONODE},
		{votequorum_shows_quorum(vq), VOTEQUORUM_WIRE_INFO_QUORATE},
		{options->has_wait_for_all, VOTEQUORUM_WIRE_INFO_WAIT_FOR_ALL},
		{options->has_last_man_standing, VOTEQUORUM_WIRE_INFO_LAST_MAN_STANDING},
		{options->tie_breaker != VOTE_TIE_NONE, VOTEQUORUM_WIRE_INFO_AUTO_TIE_BREAKER},
		{options->has_downscale, VOTEQUORUM_WIRE_INFO_ALLOW_DOWNSCALE},
	};
	uint32_t flags = 0;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		flags |= own[i].is_set ? own[i].flag : 0;
	/* The five flags of the device have the same order in the answer, but two bits higher. */
	return flags | (node_flags & 0x1f0u) << 2;
}

_Static_assert(VOTEQUORUM_RING_QDEVICE_REGISTERED << 2 == VOTEQUORUM_WIRE_INFO_QDEVICE_REGISTERED &&
		       VOTEQUORUM_RING_QDEVICE_MASTER_WINS << 2 == VOTEQUORUM_WIRE_INFO_QDEVICE_MASTER_WINS &&
		       VOTEQUORUM_RING_QDEVICE_HAS_EXTRA << 2 == VOTEQUORUM_WIRE_INFO_QDEVICE_HAS_EXTRA,
	"flags of the device");

static int handle_getinfo(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct votequorum *vq = self;
	struct votequorum_req_getinfo copy;
	const struct votequorum_req_getinfo *req = memcpy(&copy, msg, sizeof(copy));
	const size_t head = sizeof(struct votequorum_response_header);
	const struct vote_node *node = req->nodeid == 0 ? vote_local(&vq->calc) : vote_find(&vq->calc, req->nodeid);
	struct votequorum_res_getinfo res = {.nodeid = 0};
	struct iovec iov = {.iov_base = (uint8_t *)&res + head, .iov_len = sizeof(res) - head};

	(void)size;
	if (node != NULL) {
		bool is_cast = (node->flags & VOTEQUORUM_RING_QDEVICE_CAST_VOTE) != 0;

		res.nodeid = node->nodeid;
		res.state = node->state;
		res.votes = node->votes;
		res.expected_votes = node->expected_votes;
		res.highest_expected = vote_highest_expected(&vq->calc);
		res.total_votes = vote_total(&vq->calc, is_cast);
		res.quorum = vq->calc.quorum;
		res.flags = votequorum_info_flags(vq, node->flags);
		res.qdevice_votes = vq->calc.device_votes;
		memcpy(res.qdevice_name, vq->device.name, sizeof(res.qdevice_name));
	}
	vq->host->reply(client, VOTEQUORUM_RES_GETINFO, node != NULL ? CS_OK : CS_ERR_NOT_EXIST, &iov, 1);
	return COTERIE_REPLIED;
}

/* ---- Votes --------------------------------------------------------------- */

static int handle_setexpected(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct votequorum *vq = self;
	struct votequorum_req_setexpected copy;
	const struct votequorum_req_setexpected *req = memcpy(&copy, msg, sizeof(copy));

	(void)size;
	if (!vote_may_expect(&vq->calc, req->expected_votes))
		return -EINVAL;
	if (votequorum_send_reconfigure(vq, vq->calc.local, req->expected_votes, VOTEQUORUM_RING_PARAM_EXPECTED_VOTES) <
		0)
		return votequorum_answer(vq, client, CS_ERR_NO_RESOURCES);
	if (req->expected_votes != 0)
		vote_expect(&vq->calc, req->expected_votes);
	return 0;
}

static int handle_setvotes(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct votequorum *vq = self;
	struct votequorum_req_setvotes copy;
	const struct votequorum_req_setvotes *req = memcpy(&copy, msg, sizeof(copy));
	int rc = vote_may_set(&vq->calc, req->nodeid, req->votes);

	(void)size;
	if (rc == -ENOENT)
		return votequorum_answer(vq, client, CS_ERR_NAME_NOT_FOUND);
	if (rc < 0)
		return rc;
	if (votequorum_send_reconfigure(vq, req->nodeid, req->votes, VOTEQUORUM_RING_PARAM_NODE_VOTES) < 0)
		return votequorum_answer(vq, client, CS_ERR_NO_RESOURCES);
	vote_set(&vq->calc, req->nodeid, req->votes);
	return 0;
}

/* ---- Tracking ------------------------------------------------------------ */

static int handle_trackstart(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct votequorum *vq = self;
	struct votequorum_req_trackstart copy;
	const struct votequorum_req_trackstart *req = memcpy(&copy, msg, sizeof(copy));
	struct votequorum_connection *connection = vq->host->client_data(client);
	uint64_t context = connection->context;

	(void)size;
	if ((req->track_flags & VOTEQUORUM_TRACK_MASK) == VOTEQUORUM_TRACK_EXTRA)
		connection->takes_extra = true;
	connection->context = req->context; /* for the events that are sent by this request */
	if ((req->track_flags & (CS_TRACK_CURRENT | CS_TRACK_CHANGES)) != 0) {
		votequorum_tell_nodelist(vq, connection);
		votequorum_tell_quorum(vq, connection);
	}
	if (connection->is_tracking) {
		connection->context = context;
		return -EEXIST;
	}
	connection->is_tracking = (req->track_flags & (CS_TRACK_CHANGES | CS_TRACK_CHANGES_ONLY)) != 0;
	return 0;
}

static int handle_trackstop(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct votequorum *vq = self;
	struct votequorum_connection *connection = vq->host->client_data(client);

	(void)msg, (void)size;
	if (!connection->is_tracking)
		return -ENOENT;
	connection->is_tracking = false;
	return 0;
}

#define QDEVICE sizeof(struct votequorum_req_qdevice)
#define OBSERVES COTERIE_OBSERVES
#define ADMINISTERS COTERIE_ADMINISTERS

/*
 * Requests that change votes, or are about a device with votes, decide whether the cluster may act. So they need the
 * access right "administer".
 */
const struct coterie_request votequorum_requests[VOTEQUORUM_REQUESTS] = {
	{VOTEQUORUM_REQ_GETINFO, sizeof(struct votequorum_req_getinfo), OBSERVES | COTERIE_TELLS_QUORUM,
		VOTEQUORUM_RES_GETINFO, handle_getinfo},
	{VOTEQUORUM_REQ_SETEXPECTED, sizeof(struct votequorum_req_setexpected), ADMINISTERS, VOTEQUORUM_RES_PLAIN,
		handle_setexpected},
	{VOTEQUORUM_REQ_SETVOTES, sizeof(struct votequorum_req_setvotes), ADMINISTERS, VOTEQUORUM_RES_PLAIN,
		handle_setvotes},
	{VOTEQUORUM_REQ_TRACKSTART, sizeof(struct votequorum_req_trackstart), OBSERVES | COTERIE_TELLS_QUORUM,
		VOTEQUORUM_RES_PLAIN, handle_trackstart},
	{VOTEQUORUM_REQ_TRACKSTOP, sizeof(struct votequorum_req_trackstop), OBSERVES, VOTEQUORUM_RES_PLAIN,
		handle_trackstop},
	{VOTEQUORUM_REQ_QDEVICE_REGISTER, QDEVICE, ADMINISTERS, VOTEQUORUM_RES_PLAIN,
		votequorum_handle_qdevice_register},
	{VOTEQUORUM_REQ_QDEVICE_UNREGISTER, QDEVICE, ADMINISTERS, VOTEQUORUM_RES_PLAIN,
		votequorum_handle_qdevice_unregister},
	{VOTEQUORUM_REQ_QDEVICE_UPDATE, sizeof(struct votequorum_req_qdevice_update), ADMINISTERS, VOTEQUORUM_RES_PLAIN,
		votequorum_handle_qdevice_update},
	{VOTEQUORUM_REQ_QDEVICE_POLL, sizeof(struct votequorum_req_qdevice_poll), ADMINISTERS, VOTEQUORUM_RES_PLAIN,
		votequorum_handle_qdevice_poll},
	{VOTEQUORUM_REQ_QDEVICE_MASTER_WINS, sizeof(struct votequorum_req_qdevice_master_wins), ADMINISTERS,
		VOTEQUORUM_RES_PLAIN, votequorum_handle_qdevice_master_wins},
	{VOTEQUORUM_REQ_SET_EXTRA, offsetof(struct votequorum_req_set_extra, bytes), ADMINISTERS | COTERIE_NEEDS_FLOW,
		VOTEQUORUM_RES_PLAIN, votequorum_handle_set_extra},
	{VOTEQUORUM_REQ_GET_EXTRA, sizeof(struct votequorum_req_get_extra), OBSERVES, VOTEQUORUM_RES_GET_EXTRA,
		votequorum_handle_get_extra},
};

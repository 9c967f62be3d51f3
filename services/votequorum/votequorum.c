/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Quorum by votes: every node has votes, and a part of the cluster with more than half of the expected votes may act.
 * Options change this rule for small rings and for rings that become smaller (book services, "quorum and votequorum").
 */
#include "services/votequorum/votequorum.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "services/votequorum/check.h"

/* ---- Keys of the map ----------------------------------------------------- */

static void put(struct votequorum *vq, enum votequorum_key key, uint32_t value)
{
	static const struct {
		const char *name;
		uint32_t type;
	} keys[VOTEQUORUM_KEYS] = {
		[VOTEQUORUM_KEY_TWO_NODE] = {"two_node", COTERIE_MAP_U8},
		[VOTEQUORUM_KEY_EV_BARRIER] = {"ev_barrier", COTERIE_MAP_U32},
		[VOTEQUORUM_KEY_TIE_BREAKER] = {"atb_type", COTERIE_MAP_U32},
		[VOTEQUORUM_KEY_WAITING] = {"wait_for_all_status", COTERIE_MAP_U8},
		[VOTEQUORUM_KEY_LOWEST] = {"lowest_node_id", COTERIE_MAP_U32},
		[VOTEQUORUM_KEY_HIGHEST] = {"highest_node_id", COTERIE_MAP_U32},
		[VOTEQUORUM_KEY_TRACKING] = {"ev_tracking_barrier", COTERIE_MAP_U32},
		[VOTEQUORUM_KEY_DEVICE_USABLE] = {"qdevice_can_operate", COTERIE_MAP_U8},
		[VOTEQUORUM_KEY_MASTER_WINS] = {"qdevice_master_wins", COTERIE_MAP_U8},
	};
	char name[COTERIE_MAP_NAME_MAX + 1] = "runtime.votequorum.";
	uint8_t byte = (uint8_t)value;
	bool is_byte = keys[key].type == COTERIE_MAP_U8;

	if (vq->published[key] == (int64_t)value || !votequorum_news_may_go(vq, VOTEQUORUM_NEWS_KEYS))
		return;
	strcat(name, keys[key].name);
	if (vq->host->map_set(vq->ctx, name, keys[key].type, is_byte ? (const void *)&byte : (const void *)&value,
		    is_byte ? sizeof(byte) : sizeof(value)) < 0)
		vq->host->log(vq->ctx, LOG_WARNING, "out of memory: keys of runtime.votequorum are out of date");
	else
		vq->published[key] = value;
}

void votequorum_publish_keys(struct votequorum *vq)
{
	const struct vote_calc *calc = &vq->calc;

	put(vq, VOTEQUORUM_KEY_TWO_NODE, calc->options.has_two_node);
	put(vq, VOTEQUORUM_KEY_EV_BARRIER, calc->ev_barrier);
	if (vq->config.is_tie_breaker_set || vq->has_reread)
		put(vq, VOTEQUORUM_KEY_TIE_BREAKER, calc->options.tie_breaker);
	if (calc->options.has_wait_for_all || vq->published[VOTEQUORUM_KEY_WAITING] >= 0)
		put(vq, VOTEQUORUM_KEY_WAITING, calc->is_waiting);
	if (calc->lowest != 0) { /* this node had quorum before */
		put(vq, VOTEQUORUM_KEY_LOWEST, calc->lowest);
		put(vq, VOTEQUORUM_KEY_HIGHEST, calc->highest);
	}
	if (calc->options.has_tracking)
		put(vq, VOTEQUORUM_KEY_TRACKING, calc->tracking_barrier);
	if (vq->config.has_device)
		put(vq, VOTEQUORUM_KEY_DEVICE_USABLE, vq->config.is_device_usable);
	if (vq->device.has_master_wins)
		put(vq, VOTEQUORUM_KEY_MASTER_WINS, calc->is_master);
	votequorum_offer_statistics(vq);
}

/* ---- The verdict --------------------------------------------------------- */

/* List the votes of the members. The caller frees the list. NULL: out of memory, and the lease needs all members. */
static uint32_t *votes_of_members(const struct votequorum *vq)
{
	uint32_t *votes = calloc(vq->calc.members.count + 1, sizeof(*votes));

	if (votes != NULL)
		vote_list_votes(&vq->calc, votes);
	return votes;
}

static void publish_votes(struct votequorum *vq, const uint32_t *votes, uint32_t needed)
{
	const struct vote_calc *calc = &vq->calc;
	const struct coterie_quorum quorum = {
		.size = sizeof(quorum),
		.is_quorate = calc->is_quorate,
		.ring = vq->ring,
		.members = calc->members.nodeids,
		.member_count = calc->members.count,
		.votes = votes,
		.needed = needed,
	};
	int rc = vq->host->quorum_publish(vq->ctx, &quorum);

	vq->needs_all = false;
	if (rc < 0)
		vq->host->log(vq->ctx, LOG_WARNING,
			rc == -EPERM ? "quorum.provider names another one: this verdict does not count"
				     : "out of memory: the verdict is not known to others");
}

static void give_verdict(struct votequorum *vq, const uint32_t *votes)
{
	publish_votes(vq, votes, vote_majority(&vq->calc));
}

void votequorum_publish(struct votequorum *vq)
{
	uint32_t *votes = votes_of_members(vq);

	votequorum_news_tell_expected(vq);
	give_verdict(vq, votes);
	free(votes);
	vq->told_quorate = vq->calc.is_quorate;
	votequorum_tell_quorum(vq, NULL);
}

bool votequorum_shows_quorum(const struct votequorum *vq)
{
	const struct vote_calc *calc = &vq->calc;
	bool has_device = (vote_local(calc)->flags & VOTEQUORUM_RING_QDEVICE_CAST_VOTE) != 0 && !vq->device.is_awaited;

	return calc->is_quorate && (!vq->is_syncing || vote_total(calc, has_device) >= calc->quorum);
}

/* Return whether the ring's lease counts other votes than these, or needs another number of them. */
static bool is_lease_old(const struct votequorum *vq, const uint32_t *votes)
{
	uint32_t count = vq->calc.members.count;
	struct coterie_quorum known = {.size = sizeof(known)};

	vq->host->quorum_get(vq->ctx, &known);
	/* Before the first verdict about this ring there are no votes to replace. */
	if (count == 0 || known.member_count != count || known.ring.seq != vq->ring.seq ||
		known.ring.representative != vq->ring.representative)
		return false;
	return known.needed != vote_majority(&vq->calc) || known.votes == NULL || votes == NULL ||
	       memcmp(known.votes, votes, count * sizeof(*votes)) != 0;
}

/*
 * Let the lease need all members of the ring. The verdict stays. While all members answer, no other part of the cluster
 * has a member of this ring, whatever the votes are.
 */
static void need_all(struct votequorum *vq)
{
	uint32_t count = vq->calc.members.count;
	uint32_t *votes = calloc(count + 1, sizeof(*votes));

	for (uint32_t i = 0; i < count && votes != NULL; i++)
		votes[i] = 1;
	publish_votes(vq, votes, count);
	free(votes);
	vq->needs_all = true;
}

/*
 * Pass votes that have changed to the lease. With older ones two parts of the cluster could have a majority. So if the
 * new ones must wait, the lease needs all members until then. Clients are not told: the verdict is the same.
 */
static void renew_votes(struct votequorum *vq)
{
	if (vq->needs_all && vq->news_timer != NULL)
		return;

	uint32_t *votes = votes_of_members(vq);

	if (vq->needs_all || is_lease_old(vq, votes)) {
		if (votequorum_news_may_go(vq, VOTEQUORUM_NEWS_VOTES))
			give_verdict(vq, votes);
		else
			need_all(vq);
	}
	free(votes);
}

void votequorum_settle(struct votequorum *vq, uint32_t bits)
{
	const struct vote_calc *calc = &vq->calc;

	if ((bits & VOTE_STANDING_OFF) != 0) {
		vq->host->log(vq->ctx, LOG_WARNING,
			"last_man_standing needs one vote for each node, and one has more: it is "
			"off");
		votequorum_window_close(vq);
	}
	if ((bits & VOTE_EXPECTED) != 0)
		votequorum_news_expected(vq, calc->told_expected);
	if ((bits & VOTE_WAITING) != 0)
		votequorum_news_waiting(vq);
	if ((bits & VOTE_FORGOTTEN) != 0)
		votequorum_extra_prune(vq);
	votequorum_config_store(vq);
	votequorum_publish_keys(vq);
	if (vq->is_syncing)
		return;
	if (calc->is_quorate == vq->told_quorate)
		renew_votes(vq);
	else if (!calc->is_quorate || votequorum_news_may_go(vq, VOTEQUORUM_NEWS_VERDICT))
		votequorum_publish(vq);
}

/* ---- Keys that change while running -------------------------------------- */

static void reread(struct votequorum *vq)
{
	const struct vote_node *local = vote_local(&vq->calc);
	uint32_t votes = local->votes;
	uint32_t expected = local->expected_votes;
	uint32_t messages = VOTEQUORUM_OWES_SELF | VOTEQUORUM_OWES_DEVICE;

	if (votequorum_config_reread(vq) < 0)
		return;
	vq->has_reread = true;
	votequorum_publish_keys(vq);
	if (local->votes != votes)
		messages |= VOTEQUORUM_OWES_VOTES;
	if (local->expected_votes != expected)
		messages |= VOTEQUORUM_OWES_EXPECTED;
	votequorum_send(vq, messages);
}

/* Return whether the key cancel_wait_for_all is set, and reset the key. */
static bool is_cancelled(struct votequorum *vq)
{
	static const char key[] = "quorum.cancel_wait_for_all";
	const uint8_t zero = 0;
	uint8_t value;

	if (votequorum_key_u8(vq, key, &value) < 0 || value == 0)
		return false;
	vq->is_resetting = true;
	vq->host->map_set(vq->ctx, key, COTERIE_MAP_U8, &zero, sizeof(zero));
	vq->is_resetting = false;
	return true;
}

/*
 * As in Corosync, a change of any key of the section causes the service to read all its keys again, including
 * cancel_wait_for_all.
 */
static void on_key(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	struct votequorum *vq = arg;
	uint8_t is_reloading;

	(void)event, (void)key, (void)now, (void)before;
	if (vq->is_resetting)
		return;
	/* Do not read the keys during a reload: they may contradict each other until its end. */
	if (votequorum_key_u8(vq, "config.totemconfig_reload_in_progress", &is_reloading) == 0 && is_reloading == 1)
		return;

	bool has_cancelled = is_cancelled(vq);

	reread(vq);
	if (has_cancelled)
		votequorum_send(vq, VOTEQUORUM_OWES_CANCEL);
}

static void on_reload(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	struct votequorum *vq = arg;
	struct coterie_map_value status;
	uint8_t is_reloading;
	int32_t result = 1;

	(void)event, (void)now, (void)before;
	if (votequorum_key_u8(vq, key, &is_reloading) < 0 || is_reloading != 0)
		return;
	if (vq->host->map_read(vq->ctx, COTERIE_MAP_CONFIG, "config.reload_status", &status) == 0 &&
		status.type == COTERIE_MAP_I32 && status.size == sizeof(result))
		memcpy(&result, status.bytes, sizeof(result));
	if (result == 1) /* CS_OK. After a refused reload no key has changed */
		reread(vq);
}

static int track(struct votequorum *vq)
{
	static const uint32_t changes = COTERIE_MAP_ADDED | COTERIE_MAP_MODIFIED | COTERIE_MAP_DELETED;
	static const struct {
		const char *key;
		uint32_t events;
		coterie_map_notify notify;
	} keys[] = {
		{"quorum.", changes | COTERIE_MAP_PREFIX, on_key},
		{"nodelist.", changes | COTERIE_MAP_PREFIX, on_key},
		{"config.totemconfig_reload_in_progress", COTERIE_MAP_ADDED | COTERIE_MAP_MODIFIED, on_reload},
	};

	_Static_assert(sizeof(keys) / sizeof(keys[0]) == sizeof(vq->trackers) / sizeof(vq->trackers[0]), "trackers");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		int rc = vq->host->map_track(
			vq->ctx, COTERIE_MAP_CONFIG, keys[i].key, keys[i].events, keys[i].notify, vq, &vq->trackers[i]);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Protect the keys of options that are read only at the start: a later change would have no effect. */
static int protect(struct votequorum *vq)
{
	static const char *const keys[] = {"quorum.allow_downscale", "quorum.wait_for_all", "quorum.last_man_standing",
		"quorum.last_man_standing_window", "quorum.expected_votes_tracking", "quorum.auto_tie_breaker",
		"quorum.auto_tie_breaker_node"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		int rc = vq->host->map_protect(vq->ctx, keys[i], 0);

		if (rc < 0)
			return rc;
	}
	/*
	 * Protect the published keys: the service writes a key only when its value changes, so a client's value would
	 * stay.
	 */
	return vq->host->map_protect(vq->ctx, "runtime.votequorum.", 1);
}

/* ---- Connections --------------------------------------------------------- */

static int client_join(void *self, struct coterie_client *client)
{
	struct votequorum *vq = self;
	struct votequorum_connection *connection = vq->host->client_data(client);

	*connection = (struct votequorum_connection){.client = client, .next = vq->connections};
	if (vq->connections != NULL)
		vq->connections->previous = connection;
	vq->connections = connection;
	return 0;
}

static void client_leave(void *self, struct coterie_client *client)
{
	struct votequorum *vq = self;
	struct votequorum_connection *connection = vq->host->client_data(client);

	votequorum_device_drop(vq, client);
	if (connection->previous != NULL)
		connection->previous->next = connection->next;
	else
		vq->connections = connection->next;
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
}

/* ---- Life ---------------------------------------------------------------- */

static void fini(void *self)
{
	struct votequorum *vq = self;

	for (size_t i = 0; i < sizeof(vq->trackers) / sizeof(vq->trackers[0]); i++)
		vq->host->map_untrack(vq->ctx, vq->trackers[i]);
	vq->host->timer_del(vq->ctx, vq->retry);
	vq->host->timer_del(vq->ctx, vq->news_timer);
	vq->host->timer_del(vq->ctx, vq->device.timer);
	votequorum_window_close(vq);
	vq->host->timer_del(vq->ctx, vq->store); /* drain() has already written the state file */
	votequorum_config_fini(&vq->config);
	votequorum_statistics_fini(vq);
	votequorum_extra_fini(vq);
	vote_fini(&vq->calc);
	free(vq);
}

static int init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct votequorum *vq = calloc(1, sizeof(*vq));
	uint32_t nodeid = host->local_nodeid(ctx);
	int rc;

	if (vq == NULL)
		return -ENOMEM;
	vq->host = host;
	vq->ctx = ctx;
	for (size_t i = 0; i < VOTEQUORUM_KEYS; i++)
		vq->published[i] = -1;
	rc = vote_init(&vq->calc, nodeid);
	if (rc == 0)
		rc = votequorum_config_start(vq);
	if (rc == 0)
		rc = host->map_set(ctx, "runtime.votequorum.this_node_id", COTERIE_MAP_U32, &nodeid, sizeof(nodeid));
	if (rc == 0)
		rc = protect(vq);
	if (rc == 0)
		rc = track(vq);
	if (rc < 0) {
		fini(vq);
		return rc;
	}
	votequorum_settle(vq, vote_recalculate(&vq->calc, false, false));
	votequorum_send(vq, VOTEQUORUM_OWES_SELF);
	*self = vq;
	return 0;
}

/* Send that this node leaves. The other nodes then lower the quorum if allow_downscale is set. */
static int drain(void *self)
{
	struct votequorum *vq = self;
	struct vote_node *local = vote_local(&vq->calc);

	votequorum_config_flush(vq);
	if (vq->calc.options.has_downscale && (local->flags & VOTEQUORUM_RING_LEAVING) == 0) {
		local->flags |= VOTEQUORUM_RING_LEAVING;
		votequorum_send(vq, VOTEQUORUM_OWES_SELF);
	}
	return vq->owed != 0 || vq->is_storing ? -EAGAIN : 0;
}

static void dump(void *self)
{
	const struct votequorum *vq = self;
	const struct vote_calc *calc = &vq->calc;

	vq->host->log(vq->ctx, LOG_INFO, "quorum %u, quorate %d, device votes %u, device '%s', waiting %d, barrier %u",
		calc->quorum, calc->is_quorate, calc->device_votes, vq->device.name, calc->is_waiting,
		calc->ev_barrier);
	for (uint32_t i = 0; i < calc->node_count; i++)
		vq->host->log(vq->ctx, LOG_INFO, "node %u: state %u, votes %u, expected %u, flags %#x",
			calc->nodes[i].nodeid, calc->nodes[i].state, calc->nodes[i].votes,
			calc->nodes[i].expected_votes, calc->nodes[i].flags);
}

static const struct coterie_service votequorum_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = VOTEQUORUM_SERVICE_ID,
	.ipc_name = "votequorum",
	.title = "corosync vote quorum service v1.0",
	.client_size = sizeof(struct votequorum_connection),
	.priority = 2,
	.init = init,
	.fini = fini,
	.client_join = client_join,
	.client_leave = client_leave,
	.sync_start = votequorum_sync_start,
	.sync_step = votequorum_sync_step,
	.sync_done = votequorum_sync_done,
	.sync_abort = votequorum_sync_abort,
	.drain = drain,
	.state_save = votequorum_state_save,
	.state_load = votequorum_state_load,
	.requests = votequorum_requests,
	.request_count = VOTEQUORUM_REQUESTS,
	.request_size = sizeof(struct coterie_request),
	.ring_msgs = votequorum_ring_msgs,
	.ring_msg_count = VOTEQUORUM_RING_MSGS,
	.ring_msg_size = sizeof(struct coterie_ring_msg),
	.dump = dump,
};

COTERIE_PLUGIN(votequorum, .kind = COTERIE_KIND_SERVICE, .version = "1.0", .description = "quorum by votes",
	.needs = COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_SYNC | COTERIE_CAP_MAP | COTERIE_CAP_STATS |
		 COTERIE_CAP_QUORUM | COTERIE_CAP_RIGHTS,
	.offers = COTERIE_CAN_QUORUM | COTERIE_CAN_UNPRIVILEGED | COTERIE_CAN_HAND_OVER, .ops = &votequorum_ops,
	.check = votequorum_check, .log_name = "VOTEQ");

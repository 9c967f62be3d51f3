/* SPDX-License-Identifier: BSD-3-Clause */
/* services/cfg/rekey.c: in any order of events, no node sends with a key that another node does not have. */
#include "tests/unit/services/cfg/rekey_case.h"

#include <stdlib.h>
#include <string.h>

#define MODEL_NODES 4
#define ORDER_MAX 65536

struct model_node {
	uint32_t used, loaded; /* key with which frames are sent, and key that is loaded beside it, by number */
	bool has_old;          /* frames with the key before `used` are still accepted */
	uint32_t old;
	uint32_t next; /* number of the next message that is delivered to this node */
	uint32_t kept; /* key in the file that is prepared */
};

static struct model_node model[MODEL_NODES + 1];
static struct {
	uint32_t from;
	struct mock_message message;
} order[ORDER_MAX];
static uint32_t order_count, file_keys;
static unsigned int seed, first_seed;

static uint32_t chance(uint32_t of) { return (uint32_t)rand_r(&seed) % of; }

static bool can_read(const struct model_node *node, uint32_t keys)
{
	return keys == node->used || (node->loaded != 0 && keys == node->loaded) ||
	       (node->has_old && keys == node->old);
}

static void take_phases(uint32_t nodeid)
{
	struct model_node *node = &model[nodeid];

	for (uint32_t i = 0; i < host(nodeid)->rekey_count; i++) {
		if (host(nodeid)->rekeys[i] == COTERIE_REKEY_ACTIVATE) {
			node->has_old = node->used != node->loaded;
			node->old = node->used;
			node->used = node->loaded;
			node->loaded = 0;
		} else {
			node->has_old = false;
		}
	}
	host(nodeid)->rekey_count = 0;
}

/*
 * libcheck reports each assertion to its parent process. There are millions of checks here, so only a failure calls
 * libcheck.
 */
static void check_model(uint32_t step)
{
	for (uint32_t i = 1; i <= MODEL_NODES; i++)
		take_phases(i);
	for (uint32_t from = 1; from <= MODEL_NODES; from++)
		for (uint32_t to = 1; to <= MODEL_NODES; to++)
			if (!can_read(&model[to], model[from].used))
				ck_abort_msg("seed %u, step %u: node %u cannot read keys %u of node %u", first_seed,
					step, to, model[from].used, from);
}

/* Move a node's oldest queued message into the order of the ring. */
static bool enter_order(uint32_t nodeid)
{
	struct mock_queue *sent = &host(nodeid)->sent;

	for (uint32_t i = 0; i < sent->count && order_count < ORDER_MAX; i++) {
		order[order_count].from = nodeid;
		order[order_count].message = sent->list[i];
		order[order_count++].message.data = memcpy(
			malloc(sent->list[i].size + 1), sent->list[i].data, sent->list[i].size);
	}
	bool has_any = sent->count > 0;
	mock_queue_clear(sent);
	return has_any;
}

static bool deliver_next(uint32_t nodeid)
{
	struct model_node *node = &model[nodeid];

	if (node->next == order_count)
		return false;
	uint32_t place = node->next++;
	if (mock_deliver(ring.ops, ring.nodes[nodeid].self, order[place].from, false, &order[place].message) != 0)
		ck_abort_msg("seed %u: node %u is not delivered message %u", first_seed, nodeid, place);
	return true;
}

static void load_keys(uint32_t nodeid, uint32_t keys)
{
	struct model_node *node = &model[nodeid];

	take_phases(nodeid);
	mock_key(host(nodeid), &keys, sizeof(keys));
	if (keys != (node->loaded != 0 ? node->loaded : node->used)) {
		node->loaded = keys; /* into the slot that is not in use */
		node->has_old = false;
		mock_rekey(host(nodeid));
	}
}

static void load_kept(struct coterie_ctx *context) { load_keys(context->nodeid, model[context->nodeid].kept); }

static bool finish_reading(uint32_t nodeid)
{
	struct coterie_ctx *context = host(nodeid);

	if (context->prepare_count > 0) {
		context->on_commit = load_kept;
		model[nodeid].kept = file_keys;
		mock_prepare_done(context, 0, "");
		return true;
	}
	if (context->reload_count == 0)
		return false;
	load_keys(nodeid, file_keys);
	mock_reload_done(context, 0, "");
	return true;
}

static void step(uint32_t nodeid)
{
	switch (chance(8)) {
	case 0:
		enter_order(nodeid);
		break;
	case 1:
		finish_reading(nodeid);
		break;
	case 2:
		mock_host_advance(host(nodeid), chance(30) * MS);
		break;
	default:
		deliver_next(nodeid);
	}
}

/* If no message is under way, only timers can complete a change: let time pass. */
static void pass_if_quiet(void)
{
	for (uint32_t i = 1; i <= MODEL_NODES; i++)
		if (host(i)->sent.count > 0 || host(i)->reload_count + host(i)->prepare_count > 0 ||
			model[i].next < order_count)
			return;
	for (uint32_t i = 1; i <= MODEL_NODES; i++)
		mock_host_advance(host(i), 300 * MS);
}

static bool is_any_change_left(void)
{
	for (uint32_t i = 1; i <= MODEL_NODES; i++)
		if (model[i].loaded != 0 || model[i].has_old)
			return true;
	return false;
}

START_TEST(nobody_sends_what_another_cannot_read)
{
	bool is_busy = true;

	rekey_case_stop();
	has_two_steps = _i % 2 != 0;
	rekey_case_start();
	seed = first_seed = (unsigned int)_i + 1;
	file_keys = 1;
	order_count = 0;
	memset(model, 0, sizeof(model));
	form("1 2 3 4");
	for (uint32_t i = 1; i <= MODEL_NODES; i++)
		model[i].used = 1;
	for (uint32_t i = 0; i < 20000; i++) {
		if (chance(200) == 0)
			/* the operator writes the new file on all nodes at once */
			file_keys += chance(3) == 0 ? -(file_keys > 1) : 1;
		if (chance(100) == 0)
			ask_for_reload(1 + chance(MODEL_NODES));
		step(1 + chance(MODEL_NODES));
		pass_if_quiet();
		check_model(i);
	}
	ask_for_reload(1);
	for (uint32_t i = 0; is_busy; i++) {
		is_busy = false;
		for (uint32_t nodeid = 1; nodeid <= MODEL_NODES; nodeid++) {
			is_busy = enter_order(nodeid) || is_busy;
			is_busy = deliver_next(nodeid) || is_busy;
			is_busy = finish_reading(nodeid) || is_busy;
			check_model(i);
		}
		pass_if_quiet();
		is_busy = is_busy || is_any_change_left();
		if (i == 100000)
			ck_abort_msg("seed %u: no end", first_seed);
	}
	for (uint32_t i = 1; i <= MODEL_NODES; i++) {
		ck_assert_uint_eq(model[i].used, file_keys);
	}
	for (uint32_t i = 0; i < order_count; i++)
		free(order[i].message.data);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cfg_rekey_order");
	TCase *tcase = rekey_case_add(suite);

	tcase_add_loop_test(tcase, nobody_sends_what_another_cannot_read, 0, 20);
	return suite_run(suite);
}

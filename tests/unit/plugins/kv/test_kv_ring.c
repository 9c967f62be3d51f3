/* SPDX-License-Identifier: BSD-3-Clause */
/* The service kv on mock hosts: rings that change, and another version of the plugin. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"
#include "tests/unit/plugins/kv/kv_case.h"

#define MS UINT64_C(1000000)

START_TEST(a_newcomer_gets_the_table)
{
	char key[8];

	for (uint32_t i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		kv_case_put(key, "a value that is not so short");
	}
	kv_case_restart(3);
	service_ring_form(&kv_ring, "1 2 3");
	ck_assert(!kv_at(3)->has_state);

	struct service_user other = service_user_create(&kv_ring, 3, 1);

	ck_assert_int_eq(kv_case_get(&other, KV_REQ_GET, "k5"), KV_TRY_AGAIN);
	/* Write and delete keys during the transfer. */
	kv_case_put("k1", "new");
	kv_case_write(&kv_user, KV_REQ_DELETE, "k2", "", -1);
	kv_case_run();
	ck_assert(kv_at(3)->has_state);
	ck_assert_uint_eq(kv_at(3)->store.keys, 99);
	kv_case_check(3, "k1", "new");
	kv_case_check(3, "k2", NULL);
	ck_assert_int_eq(kv_case_get(&other, KV_REQ_GET, "k5"), KV_OK);
	ck_assert_uint_eq(kv_at(1)->store.tombs + kv_at(3)->store.tombs, 0);
	ck_assert_uint_eq(kv_at(1)->donor, 0);
	service_user_close(&other);
}
END_TEST

START_TEST(another_donor_goes_on)
{
	char key[8], value[2001];
	struct service_user other;

	if (service_is_replaced())
		return; /* the table is large */
	memset(value, 'v', sizeof(value) - 1);
	value[2000] = '\0';
	for (uint32_t i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		kv_case_put(key, value);
	}
	kv_case_restart(3);
	service_ring_form(&kv_ring, "1 2 3");
	mock_host_advance(kv_ring.nodes[1].host, 20 * MS);
	service_ring_run(&kv_ring);
	kv_case_write(&kv_user, KV_REQ_DELETE, "k1", "", -1);

	uint64_t cursor = kv_at(3)->progress.cursor;

	ck_assert_uint_gt(cursor, 0);
	service_user_close(&kv_user);
	service_ring_kill(&kv_ring, 1);
	service_ring_form(&kv_ring, "2 3");
	ck_assert_uint_eq(kv_at(3)->progress.cursor, cursor);
	ck_assert_uint_eq(kv_at(2)->donor, 2);
	/* the node's place in the table has followed the chunks */
	ck_assert_uint_eq(kv_at(2)->store.walk_from, cursor);
	kv_case_run();
	ck_assert(kv_at(3)->has_state);
	ck_assert_uint_eq(kv_at(3)->store.keys, 299);
	other = service_user_create(&kv_ring, 3, 1);
	ck_assert_int_eq(kv_case_get(&other, KV_REQ_GET, "k1"), KV_NOT_EXIST);
	service_user_close(&other);
}
END_TEST

START_TEST(without_a_provider_the_longer_history_wins)
{
	kv_case_put("common", "1");
	service_ring_form(&kv_ring, "1 | 2 3");
	kv_case_put("mine", "1");
	kv_case_put("mine", "2");

	struct service_user other = service_user_create(&kv_ring, 2, 1);

	ck_assert_int_eq(kv_case_write(&other, KV_REQ_PUT, "theirs", "1", -1), KV_OK);
	service_ring_form(&kv_ring, "1 2 3");
	kv_case_run();
	for (uint32_t i = 1; i <= 3; i++) {
		kv_case_check(i, "mine", "2");
		kv_case_check(i, "theirs", NULL);
		kv_case_check(i, "common", "1");
	}
	ck_assert(mock_host_has_logged(kv_ring.nodes[2].host, "is dropped for that of node 1"));
	service_user_close(&other);
}
END_TEST

static void verdicts(bool is_quorate)
{
	for (uint32_t i = 1; i <= 3; i++) {
		const struct service_node *node = &kv_ring.nodes[i];
		struct coterie_ring_id id = {.representative = node->ring_rep, .seq = node->ring_seq};

		if (node->host == NULL)
			continue;
		node->host->is_quorate = is_quorate;
		mock_quorum(node->host, is_quorate, &id, node->host->members, node->host->member_count, "provider");
	}
	service_ring_run(&kv_ring);
}

START_TEST(without_quorum_nothing_is_written)
{
	kv_case_put("key", "old");
	verdicts(false);
	ck_assert(!kv_at(1)->is_serving);
	ck_assert_int_eq(kv_case_put("key", "new"), KV_TRY_AGAIN);
	kv_case_check(2, "key", "old");
	ck_assert_int_eq(kv_case_get(&kv_user, KV_REQ_GET, "key"), KV_OK); /* node 1 answers from its own table */
	ck_assert_int_eq(kv_case_get(&kv_user, KV_REQ_GET_ORDERED, "key"), KV_TRY_AGAIN);
	verdicts(true);
	ck_assert_int_eq(kv_case_put("key", "new"), KV_OK);
}
END_TEST

START_TEST(who_has_forgotten_waits_for_who_has_not)
{
	verdicts(true);
	service_ring_form(&kv_ring, "1 2 3"); /* with a quorum provider nodes store markers */
	verdicts(true);
	kv_case_put("key", "value");
	service_user_close(&kv_user);

	/* Keep the state files when nodes end. */
	struct mock_file files[4][4];

	for (uint32_t i = 1; i <= 2; i++)
		memcpy(files[i], kv_ring.nodes[i].host->files, sizeof(files[i]));
	for (uint32_t i = 1; i <= 2; i++) {
		service_ring_kill(&kv_ring, i);
		kv_kept = files[i];
		service_ring_start(&kv_ring, i);
	}
	kv_kept = NULL;
	verdicts(true);
	service_ring_form(&kv_ring, "1 2");
	verdicts(true);
	ck_assert(kv_at(1)->is_waiting);

	uint32_t missing[4];

	ck_assert_uint_eq(kv_missing(kv_at(1), missing, 4), 1);
	ck_assert_uint_eq(missing[0], 3);
	kv_user = service_user_create(&kv_ring, 1, 100);
	ck_assert_int_eq(kv_case_put("key", "other"), KV_TRY_AGAIN);
	service_ring_form(&kv_ring, "1 2 3");
	verdicts(true);
	kv_case_run();
	ck_assert(kv_at(1)->is_serving);
	kv_case_check(1, "key", "value");
}
END_TEST

START_TEST(an_operator_gives_up_who_is_waited_for)
{
	struct kv_marker *marker = &kv_at(1)->marker;
	struct kv_case_request request = {0};

	if (service_is_replaced())
		return; /* it changes the memory of one instance */
	kv_user.client->right = COTERIE_RIGHT_USE;
	ck_assert_int_eq(kv_case_ask(&kv_user, KV_REQ_RECOVER, &request, sizeof(struct kv_req_plain)), 11);
	kv_user.client->right = COTERIE_RIGHT_ADMINISTER;
	ck_assert_int_eq(kv_case_ask(&kv_user, KV_REQ_RECOVER, &request, sizeof(struct kv_req_plain)), KV_NOT_EXIST);

	/* A marker of a ring with a node that is not here, newer than any state. */
	marker->ring.seq = 1000000;
	marker->members[0] = 77;
	verdicts(true);
	service_ring_form(&kv_ring, "1 2 3");
	verdicts(true);
	ck_assert(kv_at(2)->is_waiting);
	kv_case_ask(&kv_user, KV_REQ_RECOVER, &request, sizeof(struct kv_req_plain));
	service_ring_run(&kv_ring);
	ck_assert(!kv_at(2)->is_waiting);
	ck_assert(kv_at(2)->is_serving);
	ck_assert(mock_host_has_logged(kv_ring.nodes[2].host, "an older one goes on"));
	ck_assert_int_eq(kv_case_put("key", "value"), KV_OK);
}
END_TEST

START_TEST(writes_of_a_rings_last_moments_are_answered_later)
{
	struct coterie_configuration transitional = {.size = sizeof(transitional)};
	struct kv_case_request request = {.write = {.key_size = 1, .value_size = 1}};

	memcpy((uint8_t *)&request + sizeof(struct kv_req_write), "kv", 2);
	ck_assert_int_eq(service_user_send(&kv_user, KV_REQ_PUT, &request, 42), COTERIE_LATER);
	for (uint32_t i = 1; i <= 3; i++)
		kv_ring.ops->configuration(kv_at(i), &transitional);
	service_ring_run(&kv_ring);
	kv_case_check(2, "k", "v");
	ck_assert_uint_eq(kv_user.client->replies.count, 0);
	service_ring_form(&kv_ring, "1 2 3");
	ck_assert_uint_eq(kv_user.client->replies.count, 1);
	ck_assert_int_eq(kv_user.client->replies.list[0].error, KV_OK);
}
END_TEST

START_TEST(writes_that_do_not_survive_are_in_doubt)
{
	struct coterie_configuration transitional = {.size = sizeof(transitional)};
	struct kv_case_request request = {.write = {.key_size = 1, .value_size = 1}};

	memcpy((uint8_t *)&request + sizeof(struct kv_req_write), "kv", 2);
	service_user_send(&kv_user, KV_REQ_PUT, &request, 42);
	for (uint32_t i = 1; i <= 3; i++)
		kv_ring.ops->configuration(kv_at(i), &transitional);
	service_ring_run(&kv_ring);
	verdicts(false);
	service_ring_form(&kv_ring, "1 2 3");
	ck_assert_int_eq(kv_user.client->replies.list[0].error, KV_INTERRUPT);
}
END_TEST

/* Deliver a write of the client in a transitional configuration to the first `count` nodes, while it watches the key. */
static void write_in_doubt(uint32_t count)
{
	struct coterie_configuration transitional = {.size = sizeof(transitional)};
	struct kv_case_request request = {.watch = {.prefix_size = 1}};

	memcpy(request.watch.bytes, "k", 1);
	ck_assert_int_eq(kv_case_ask(&kv_user, KV_REQ_WATCH, &request, sizeof(struct kv_req_watch) + 1), KV_OK);
	request = (struct kv_case_request){.write = {.key_size = 1, .value_size = 1}};
	memcpy((uint8_t *)&request + sizeof(struct kv_req_write), "kv", 2);
	service_user_send(&kv_user, KV_REQ_PUT, &request, 42);
	for (uint32_t i = 1; i <= 3; i++)
		kv_ring.ops->configuration(kv_at(i), &transitional);
	for (uint32_t i = 1; i <= count; i++)
		while (service_ring_deliver_next(&kv_ring, i))
			;
	mock_host_advance(kv_ring.nodes[1].host, 1000 * MS);
	ck_assert_uint_eq(kv_user.client->events.count, 0);
}

START_TEST(watches_learn_of_a_write_when_it_has_survived)
{
	write_in_doubt(3);
	service_ring_form(&kv_ring, "1 2 3");
	kv_case_run();
	kv_case_check(2, "k", "v");
	ck_assert_uint_eq(kv_user.client->events.count, 1);
	ck_assert_uint_eq(kv_user.client->events.list[0].id, KV_EVENT_MISSED);
}
END_TEST

START_TEST(watches_never_learn_of_a_write_that_is_dropped)
{
	write_in_doubt(1);
	service_ring_form(&kv_ring, "1 | 2 3");
	mock_host_advance(kv_ring.nodes[1].host, 1000 * MS);
	for (uint32_t i = 0; i < kv_user.client->events.count; i++)
		ck_assert_uint_ne(kv_user.client->events.list[i].id, KV_EVENT_CHANGE);
}
END_TEST

/* The others have formed a ring without this node meanwhile, and their table is another one. */
START_TEST(writes_that_another_table_replaces_are_in_doubt)
{
	write_in_doubt(1);
	for (uint32_t i = 2; i <= 3; i++)
		kv_at(i)->state.epoch.seq++;
	service_ring_form(&kv_ring, "1 2 3");
	ck_assert_uint_eq(kv_user.client->replies.count, 1);
	ck_assert_int_eq(kv_user.client->replies.list[0].error, KV_INTERRUPT);
}
END_TEST

/* A node of the newest table is away, so the ring with quorum waits for it. */
START_TEST(writes_are_in_doubt_where_the_ring_waits_for_a_table)
{
	struct kv_marker *marker = &kv_at(1)->marker;

	if (service_is_replaced())
		return; /* it changes the memory of one instance */
	verdicts(true);
	write_in_doubt(3);
	marker->ring.seq = 1000000;
	marker->members[0] = 77;
	service_ring_form_start(&kv_ring, "1 2 3");
	verdicts(true);
	service_ring_form_steps(&kv_ring);
	service_ring_form_done(&kv_ring);
	ck_assert(kv_at(1)->is_waiting);
	ck_assert_uint_eq(kv_user.client->replies.count, 1);
	ck_assert_int_eq(kv_user.client->replies.list[0].error, KV_INTERRUPT);
}
END_TEST

/* ---- Another version of the plugin ----------------------------------------- */

static struct coterie_client *heir; /* the client kv_user at the host of the new version */

static uint64_t number_of(struct coterie_client *client) { return client == kv_user.client ? 7 : 8; }

static struct coterie_client *find(struct coterie_ctx *host, uint64_t number)
{
	(void)host;
	return number == 7 ? heir : NULL;
}

/* Start a new instance and let it load this state. @return the result of state_load */
static int replace(struct coterie_ctx **host, void **self, const void *blob, uint32_t size)
{
	*host = mock_host_create(kv_ring.plugin);
	(*host)->nodeid = 1;
	(*host)->table.client_find = find;
	heir = mock_client_create(*host, kv_ring.ops->client_size, 1);
	ck_assert_int_eq(kv_ring.ops->init(&(*host)->table, *host, self), 0);
	return kv_ring.ops->state_load(*self, blob, size);
}

static void end(struct coterie_ctx *host, void *self)
{
	kv_ring.ops->fini(self);
	mock_client_destroy(heir);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
}

START_TEST(all_of_it_goes_over)
{
	struct kv_case_request request = {.watch = {.prefix_size = 0}};
	struct coterie_ctx *host;
	void *self, *blob = NULL;
	uint32_t size = 0;

	if (service_is_replaced())
		return; /* it replaces the service by itself */
	kv_ring.nodes[1].host->table.client_id = number_of;
	kv_ring.nodes[1].host->table.client_find = find;
	kv_case_put("a", "1");
	kv_case_put("b", "");
	kv_case_ask(&kv_user, KV_REQ_WATCH, &request, sizeof(struct kv_req_watch));
	request = (struct kv_case_request){.write = {.key_size = 1, .value_size = 1}};
	memcpy((uint8_t *)&request + sizeof(struct kv_req_write), "c3", 2);
	ck_assert_int_eq(service_user_send(&kv_user, KV_REQ_PUT, &request, 42), COTERIE_LATER);
	ck_assert_int_eq(kv_ring.ops->state_save(kv_at(1), &blob, &size), 0);
	for (uint32_t cut = 0; cut < size; cut++) {
		uint8_t *copy = malloc(cut + 1);

		memcpy(copy, blob, cut);
		ck_assert_int_lt(replace(&host, &self, copy, cut), 0);
		free(copy);
		end(host, self);
	}
	ck_assert_int_eq(replace(&host, &self, blob, size), 0);
	free(blob);

	/* The new version answers the request that the old one sent, and notifies the watcher. */
	struct kv *kv = self;

	ck_assert_int_eq(mock_deliver(kv_ring.ops, self, 1, false, &kv_ring.nodes[1].host->sent.list[0]), 0);
	ck_assert_uint_eq(heir->replies.count, 1);
	ck_assert_int_eq(heir->replies.list[0].error, KV_OK);
	ck_assert_uint_eq(heir->events.count, 1);
	service_ring_run(&kv_ring);
	ck_assert_uint_eq(kv->state.hash, kv_at(2)->state.hash);
	ck_assert_uint_eq(kv->store.keys, 3);
	ck_assert_uint_eq(kv->store.bytes, kv_at(2)->store.bytes);
	end(host, self);
}
END_TEST

/* Otherwise an answer to a request of the old version could end a request of the new one. */
START_TEST(a_new_version_gives_no_number_out_again)
{
	struct kv_case_request request = {.watch = {.prefix_size = 0}};
	struct kv_req_unwatch *unwatch = (struct kv_req_unwatch *)&request;
	struct coterie_ctx *host;
	void *self, *blob = NULL;
	uint32_t size = 0, number;

	if (service_is_replaced())
		return; /* it replaces the service by itself */
	kv_ring.nodes[1].host->table.client_id = number_of;
	kv_ring.nodes[1].host->table.client_find = find;
	kv_case_put("a", "1");
	for (uint32_t i = 0; i < 2; i++)
		kv_case_ask(&kv_user, KV_REQ_WATCH, &request, sizeof(struct kv_req_watch));
	unwatch->watch = 1;
	kv_case_ask(&kv_user, KV_REQ_UNWATCH, &request, sizeof(*unwatch));
	ck_assert_int_eq(kv_ring.ops->state_save(kv_at(1), &blob, &size), 0);
	ck_assert_int_eq(replace(&host, &self, blob, size), 0);
	free(blob);
	ck_assert_uint_gt(kv_at(1)->last_serial, 0);
	ck_assert_uint_eq(((struct kv *)self)->last_serial, kv_at(1)->last_serial);
	ck_assert_int_eq(kv_watch_add(self, heir, "", 0, &number), 0);
	ck_assert_uint_eq(number, 3);
	end(host, self);
}
END_TEST

START_TEST(in_unquiet_times_nothing_goes_over)
{
	void *blob = NULL;
	uint32_t size;

	if (service_is_replaced())
		return; /* it replaces the service by itself */
	kv_ring.nodes[1].host->table.client_id = number_of;
	kv_ring.nodes[1].host->table.client_find = find;
	kv_case_put("a", "1");
	kv_case_restart(3);
	service_ring_form_start(&kv_ring, "1 2 3");
	ck_assert_int_eq(kv_ring.ops->state_save(kv_at(1), &blob, &size), -EAGAIN);
	service_ring_form_steps(&kv_ring);
	service_ring_form_done(&kv_ring);
	ck_assert_int_eq(kv_ring.ops->state_save(kv_at(1), &blob, &size), -EAGAIN);
	kv_case_run();
	ck_assert_int_eq(kv_ring.ops->state_save(kv_at(1), &blob, &size), 0);
	free(blob);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("kv_ring");
	TCase *tcase = tcase_create("kv_ring");

	tcase_add_checked_fixture(tcase, kv_case_set_up, kv_case_tear_down);
	tcase_add_test(tcase, a_newcomer_gets_the_table);
	tcase_add_test(tcase, another_donor_goes_on);
	tcase_add_test(tcase, without_a_provider_the_longer_history_wins);
	tcase_add_test(tcase, without_quorum_nothing_is_written);
	tcase_add_test(tcase, who_has_forgotten_waits_for_who_has_not);
	tcase_add_test(tcase, an_operator_gives_up_who_is_waited_for);
	tcase_add_test(tcase, writes_of_a_rings_last_moments_are_answered_later);
	tcase_add_test(tcase, writes_that_do_not_survive_are_in_doubt);
	tcase_add_test(tcase, watches_learn_of_a_write_when_it_has_survived);
	tcase_add_test(tcase, watches_never_learn_of_a_write_that_is_dropped);
	tcase_add_test(tcase, writes_that_another_table_replaces_are_in_doubt);
	tcase_add_test(tcase, writes_are_in_doubt_where_the_ring_waits_for_a_table);
	tcase_add_test(tcase, all_of_it_goes_over);
	tcase_add_test(tcase, a_new_version_gives_no_number_out_again);
	tcase_add_test(tcase, in_unquiet_times_nothing_goes_over);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void) { return suite_run(suite()); }

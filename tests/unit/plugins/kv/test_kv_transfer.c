/* SPDX-License-Identifier: BSD-3-Clause */
/* The service kv on mock hosts: a table is sent in chunks, and taken over. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"
#include "tests/unit/plugins/kv/kv_case.h"

#define MS UINT64_C(1000000)

/* Queued messages have no header yet. */
#define HEAD_SIZE ((uint32_t)(sizeof(struct kv_ring_chunk) - offsetof(struct kv_ring_chunk, ring)))

static uint32_t count_of_chunk(const struct mock_message *message)
{
	struct kv_ring_chunk head;

	ck_assert_uint_eq(message->id, KV_RING_CHUNK);
	ck_assert_uint_ge(message->size, HEAD_SIZE);
	memcpy(&head.ring, message->data, HEAD_SIZE);
	return le32toh(head.count);
}

static void put_small(uint32_t count)
{
	char key[16];

	for (uint32_t i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		kv_case_put(key, "v");
	}
}

/* A member writes all entries of a chunk in one step. So the number of entries in a chunk is bounded. */
START_TEST(a_chunk_has_so_many_entries)
{
	const struct mock_queue *sent = &kv_ring.nodes[1].host->sent;
	uint32_t count = 0;

	put_small(300);
	kv_case_restart(3);
	service_ring_form(&kv_ring, "1 2 3");
	for (uint32_t turn = 0; turn < 50 && !kv_at(3)->has_state; turn++) {
		mock_host_advance(kv_ring.nodes[1].host, 20 * MS);
		if (sent->count > 0) {
			uint32_t chunk = count_of_chunk(&sent->list[0]);

			ck_assert_uint_le(chunk, 128);
			count += chunk;
		}
		service_ring_run(&kv_ring);
	}
	ck_assert(kv_at(3)->has_state);
	ck_assert_uint_eq(count, 300);
}
END_TEST

/* Deliver one chunk with 300 entries to node 3. The entries are written in turns, so that the loop is not delayed. */
static void deliver_large_chunk(void)
{
	struct mock_queue *sent = &kv_ring.nodes[1].host->sent;
	struct mock_message large;
	struct kv_ring_chunk head;

	put_small(300);
	kv_case_restart(3);
	service_ring_form(&kv_ring, "1 2 3");
	mock_host_advance(kv_ring.nodes[1].host, 20 * MS);
	ck_assert_uint_eq(sent->count, 1);
	large = sent->list[0];
	memcpy(&head.ring, large.data, HEAD_SIZE);
	head.to = head.base;
	head.flags = htole32(KV_CHUNK_LAST);
	head.count = htole32(300);
	large.data = calloc(300, 64);
	ck_assert_ptr_nonnull(large.data);
	memcpy(large.data, &head.ring, HEAD_SIZE);
	large.size = HEAD_SIZE;
	for (const struct kv_entry *entry = kv_at(1)->store.oldest; entry != NULL; entry = entry->newer) {
		const struct kv_ring_item item = {.created = htole64(entry->created),
			.modified = htole64(entry->modified),
			.op = htole32(KV_OP_PUT),
			.key_size = htole32(entry->key_size),
			.value_size = htole32(entry->value_size)};

		memcpy(large.data + large.size, &item, sizeof(item));
		memcpy(large.data + large.size + sizeof(item), entry->key, entry->key_size);
		memcpy(large.data + large.size + sizeof(item) + entry->key_size, entry->value, entry->value_size);
		large.size += (uint32_t)sizeof(item) + entry->key_size + entry->value_size;
	}
	ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(3), 1, false, &large), 0);
	free(large.data);
	ck_assert(!kv_at(3)->has_state);
	ck_assert_uint_eq(kv_at(3)->store.keys, 160);
}

/* During a rolling upgrade an older version on other nodes sends chunks with more entries. */
START_TEST(a_chunk_with_more_entries_is_taken)
{
	deliver_large_chunk();
	ck_assert_uint_eq(kv_at(3)->progress.cursor, 160);
	mock_host_advance(kv_ring.nodes[3].host, MS);
	ck_assert(kv_at(3)->has_state);
	ck_assert_uint_eq(kv_at(3)->store.keys, 300);
	kv_case_run();
	kv_case_check(3, "k299", "v");
}
END_TEST

/* Otherwise the node would refuse all donors after enough changes of the ring. */
START_TEST(a_chunk_that_a_change_of_the_ring_drops_does_not_count)
{
	deliver_large_chunk();
	ck_assert_uint_gt(kv_at(3)->parts_bytes, 0);
	service_ring_form(&kv_ring, "1 2 3");
	ck_assert_uint_eq(kv_at(3)->parts_bytes, 0);
}
END_TEST

static struct mock_message late;

/* Put writes in front of the late chunk of node 1. They wait in node 3's log. */
static void put_before_chunk(uint32_t writes)
{
	struct mock_queue *sent = &kv_ring.nodes[1].host->sent;
	char key[16];

	put_small(10);
	kv_case_restart(3);
	service_ring_form(&kv_ring, "1 2 3");
	mock_host_advance(kv_ring.nodes[1].host, 20 * MS);
	ck_assert_uint_eq(sent->count, 1);
	ck_assert_uint_eq(count_of_chunk(&sent->list[0]), 10);
	late = sent->list[0];
	sent->count = 0;
	for (uint32_t i = 0; i < writes; i++) {
		snprintf(key, sizeof(key), "k%u", i % 400);
		if (i % 3 == 2)
			kv_case_write(&kv_user, KV_REQ_DELETE, key, "", -1);
		else
			kv_case_put(key, "later");
	}
}

static void take_late_chunk(void)
{
	ck_assert_uint_eq(kv_at(3)->progress.cursor, 0);
	for (uint32_t i = 3; i >= 1; i--)
		ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(i), 1, false, &late), 0);
	free(late.data);
}

static void check_same_tables(void)
{
	const struct kv_store *ours = &kv_at(1)->store, *theirs = &kv_at(3)->store;
	const struct kv_entry *mine = ours->oldest, *other = theirs->oldest;

	ck_assert(kv_at(3)->has_state);
	ck_assert_uint_eq(ours->keys, theirs->keys);
	for (; mine != NULL && other != NULL; mine = mine->newer, other = other->newer) {
		ck_assert_uint_eq(mine->modified, other->modified);
		ck_assert_uint_eq(mine->created, other->created);
		ck_assert_mem_eq(mine->key, other->key, mine->key_size);
	}
	ck_assert_ptr_null(mine);
	ck_assert_ptr_null(other);
}

START_TEST(the_log_is_written_in_turns_while_writes_go_on)
{
	put_before_chunk(1000);
	take_late_chunk();
	ck_assert(!kv_at(3)->has_state);
	ck_assert(kv_at(3)->is_catching_up);

	uint64_t cursor = kv_at(3)->progress.cursor;

	ck_assert_uint_le(cursor, 170);
	/* Each new write applies two writes of the log, so that the log gets empty. */
	kv_case_put("k1", "now");
	ck_assert_uint_eq(kv_at(3)->progress.cursor, cursor + 2);
	for (uint32_t i = 0; i < 990 && !kv_at(3)->has_state; i++)
		kv_case_put("k2", "now");
	ck_assert(kv_at(3)->has_state);
	kv_case_run();
	check_same_tables();
	kv_case_check(3, "k1", "now");
}
END_TEST

/* The other nodes have done these writes before the limit was lowered. */
START_TEST(a_logged_write_has_the_limit_of_its_place_in_the_order)
{
	put_before_chunk(30);
	for (uint32_t i = 1; i <= 3; i++)
		kv_at(i)->bytes_max = 1;
	take_late_chunk();
	check_same_tables();
	kv_case_check(3, "k28", "later");
	ck_assert_uint_eq(kv_at(3)->bytes_max, 1);
}
END_TEST

START_TEST(a_ring_that_changes_in_the_middle_of_the_log_goes_on_from_there)
{
	put_before_chunk(1000);
	take_late_chunk();
	mock_host_advance(kv_ring.nodes[3].host, MS / 4);

	uint64_t cursor = kv_at(3)->progress.cursor;

	ck_assert_uint_gt(cursor, 170);
	ck_assert_uint_le(cursor, 330);
	service_ring_form(&kv_ring, "1 2 3");
	ck_assert_uint_eq(kv_member_find(kv_at(1), 3)->progress.cursor, cursor);
	ck_assert(!kv_at(3)->has_state && !kv_at(3)->is_catching_up);
	kv_case_put("k3", "after");
	kv_case_run();
	check_same_tables();
	kv_case_check(3, "k3", "after");
}
END_TEST

/* Form a ring of all nodes while node 3 writes what it has received. */
static void form_slowly(void)
{
	service_ring_form_start(&kv_ring, "1 2 3");
	mock_host_advance(kv_ring.nodes[3].host, 100 * MS);
	service_ring_form_steps(&kv_ring);
	service_ring_form_done(&kv_ring);
}

/*
 * All nodes that had the table crash. Node 3 has received all of it, and has not written it yet. _i 1: a synchronisation with
 * one of them is cut before; 2: it ends, in a ring without quorum.
 */
START_TEST(a_table_that_was_received_outlives_those_that_had_it)
{
	put_before_chunk(1000);
	take_late_chunk();
	ck_assert(kv_at(3)->is_catching_up);

	uint64_t revision = kv_at(1)->state.revision, keys = kv_at(1)->store.keys;

	service_user_close(&kv_user);
	kv_case_restart(1);
	if (_i == 1)
		service_ring_form_start(&kv_ring, "2 3");
	if (_i == 2) {
		kv_ring.nodes[2].host->is_quorate = false;
		service_ring_form(&kv_ring, "2 3");
		ck_assert(!kv_at(3)->has_formed);
		mock_host_advance(kv_ring.nodes[3].host, 100 * MS);
	}
	kv_case_restart(2);
	form_slowly();
	ck_assert(kv_at(3)->has_state);
	ck_assert(kv_at(3)->is_serving);
	ck_assert_uint_eq(kv_at(3)->state.revision, revision);
	ck_assert_uint_eq(kv_at(3)->store.keys, keys);
	kv_case_run();
	check_same_tables();
	kv_user = service_user_create(&kv_ring, 1, 1);
	ck_assert_int_eq(kv_case_put("k3", "after"), KV_OK);
	kv_case_check(3, "k3", "after");
}
END_TEST

/* If a node with the whole table comes along, the others do not wait for node 3, also after a synchronisation that was cut. */
START_TEST(a_takeover_is_not_finished_where_another_node_has_the_table)
{
	put_before_chunk(1000);
	take_late_chunk();
	for (int i = 0; i < 3; i++) {
		service_ring_form_start(&kv_ring, "1 2 3");
		ck_assert(!kv_at(3)->is_finishing);
	}
	service_ring_form_steps(&kv_ring);
	service_ring_form_done(&kv_ring);
	ck_assert(!kv_at(3)->has_state && !kv_at(3)->is_catching_up);
	kv_case_run();
	check_same_tables();
}
END_TEST

/* Without all writes since the part that ends the table, nothing can be finished. */
START_TEST(a_table_with_a_gap_does_not_outlive_those_that_had_it)
{
	put_before_chunk(10);
	kv_log_clear(kv_at(3), UINT64_MAX);
	kv_at(3)->log_from = kv_at(3)->state.revision;
	take_late_chunk();
	ck_assert(!kv_at(3)->is_catching_up);
	service_user_close(&kv_user);
	kv_case_restart(1);
	kv_case_restart(2);
	form_slowly();
	ck_assert_uint_eq(kv_at(3)->store.keys, 0);
	kv_user = service_user_create(&kv_ring, 1, 1);
}
END_TEST

/*
 * In a ring with a node like one of Corosync, a message that was cut by a change of the ring is not sent again. Members
 * that have come since then do not get it. So no member may count it, or their tables differ.
 */
START_TEST(a_write_of_an_earlier_ring_does_not_count_where_others_may_lack_it)
{
	struct {
		struct kv_ring_write head;
		uint8_t key[8];
	} write = {.head = {.op = htole32(KV_OP_PUT), .key_size = htole32(8)}, .key = "before.."};
	struct mock_message message = {.id = KV_RING_WRITE,
		.size = (uint32_t)(sizeof(write) - sizeof(write.head.header)),
		.data = (uint8_t *)&write.head.serial};
	uint64_t revision = kv_at(1)->state.revision;

	write.head.serial = htole64((kv_at(1)->ring.seq - 4) << 32 | 7);
	for (uint32_t i = 1; i <= 3; i++)
		kv_ring.nodes[i].host->is_safe_kept = false;
	ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(1), 2, false, &message), 0);
	ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(3), 2, false, &message), 0);
	ck_assert_uint_eq(kv_at(1)->state.revision, revision);
	kv_case_put("k1", "in this ring");
	check_same_tables();
	ck_assert_uint_eq(kv_at(2)->state.revision, revision + 1);
	/* Otherwise all members get it. */
	for (uint32_t i = 1; i <= 3; i++) {
		kv_ring.nodes[i].host->is_safe_kept = true;
		ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(i), 2, false, &message), 0);
	}
	ck_assert_uint_eq(kv_at(1)->state.revision, revision + 2);
	check_same_tables();
}
END_TEST

/* Deliver writes of 1 MB. The log of node 3 has a limit of 64 MiB. */
static void deliver_large_writes(uint32_t count)
{
	uint32_t value_size = 1000000, size = (uint32_t)sizeof(struct kv_ring_write) + 3 + value_size;
	struct kv_ring_write *write = calloc(1, size);

	ck_assert_ptr_nonnull(write);
	write->op = htole32(KV_OP_PUT);
	write->key_size = htole32(3);
	write->value_size = htole32(value_size);
	memcpy(write->bytes, "big", 3);

	struct mock_message message = {
		.id = KV_RING_WRITE, .size = size - (uint32_t)sizeof(write->header), .data = (uint8_t *)&write->serial};

	for (; count > 0; count--) {
		for (uint32_t i = 1; i <= 3; i++)
			ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(i), 2, false, &message), 0);
		ck_assert_uint_le(kv_at(3)->log_bytes, 64u << 20);
	}
	free(write);
}

START_TEST(a_log_with_a_gap_waits_for_the_next_chunk)
{
	put_before_chunk(10);
	deliver_large_writes(70);
	take_late_chunk();
	mock_host_advance(kv_ring.nodes[3].host, MS);
	ck_assert(!kv_at(3)->has_state && !kv_at(3)->is_catching_up);
	kv_case_put("k1", "after the gap");
	kv_case_run();
	check_same_tables();
	kv_case_check(3, "k1", "after the gap");
}
END_TEST

#define FLOOD_COUNT 12000u
#define FLOOD_KEY 8u
#define FLOOD_ITEM (uint32_t)(sizeof(struct kv_ring_item) + FLOOD_KEY)
#define FLOOD_SIZE (HEAD_SIZE + FLOOD_COUNT * FLOOD_ITEM)

/* Make the n-th chunk of a table without end. No two entries have the same key. */
static void flood_make(struct kv_ring_chunk *chunk, uint64_t n, uint32_t op)
{
	uint8_t *at = chunk->bytes;

	chunk->ring = kv_ring_to_wire(&kv_at(3)->ring);
	chunk->from = htole64(n * FLOOD_COUNT);
	chunk->to = chunk->base = htole64((n + 1) * FLOOD_COUNT);
	chunk->count = htole32(FLOOD_COUNT);
	for (uint32_t i = 0; i < FLOOD_COUNT; i++, at += FLOOD_ITEM) {
		uint64_t modified = htole64(n * FLOOD_COUNT + i + 1);
		struct kv_ring_item item = {.created = op == KV_OP_PUT ? modified : 0,
			.modified = modified,
			.op = htole32(op),
			.key_size = htole32(FLOOD_KEY)};

		memcpy(at, &item, sizeof(item));
		memcpy(at + sizeof(item), &modified, FLOOD_KEY);
	}
}

/* Send a table without end to node 3. With is_written, it writes each chunk before the next one comes. */
static void check_flood(uint32_t op, bool is_written)
{
	const uint64_t most = (UINT64_C(4) << 20) + 65536 * (KV_KEY_MAX + KV_ENTRY_COST);
	struct kv_ring_chunk *chunk = calloc(1, sizeof(*chunk) + FLOOD_COUNT * FLOOD_ITEM);
	struct mock_message message = {.id = KV_RING_CHUNK, .data = (uint8_t *)&chunk->ring, .size = FLOOD_SIZE};
	struct coterie_ctx *host = kv_ring.nodes[3].host;
	uint64_t held = 0;

	ck_assert_ptr_nonnull(chunk);
	kv_at(3)->state.revision = UINT64_C(1) << 40; /* so that the forged chunks are plausible */
	kv_at(3)->option_bytes_max = 1u << 20;
	for (uint32_t n = 0; n < 100 && !mock_host_has_logged(host, "more than four times"); n++) {
		flood_make(chunk, n, op);
		ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(3), 1, false, &message), 0);
		while (is_written && kv_at(3)->parts != NULL)
			mock_host_advance(host, MS);
		held = kv_at(3)->parts_bytes + kv_at(3)->store.bytes + kv_at(3)->store.tomb_bytes;
		ck_assert_uint_le(held, most + FLOOD_COUNT * (KV_ENTRY_COST + FLOOD_KEY));
	}
	free(chunk);
	ck_assert(mock_host_has_logged(host, "the donor sends more than four times this node's bytes_max"));
	ck_assert_uint_eq(held, 0);
	ck_assert(!kv_at(3)->has_state);
}

/* A malicious donor must not fill the memory: not with chunks that wait, not with keys, not with deletions. */
START_TEST(a_donor_that_never_ends_is_not_followed)
{
	put_small(1);
	kv_case_restart(3);
	service_ring_form(&kv_ring, "1 2 3");
	check_flood(KV_OP_PUT, false);
	check_flood(KV_OP_PUT, true);
	check_flood(KV_OP_DELETE, true);
}
END_TEST

/* A limit that was lowered below the size of the table keeps no node out. */
START_TEST(a_table_above_the_limit_is_taken_over)
{
	if (service_is_replaced())
		return; /* the table is large */
	put_small(10000);
	kv_case_restart(3);
	for (uint32_t i = 1; i <= 3; i++)
		kv_at(i)->option_bytes_max = 1u << 19;
	service_ring_form(&kv_ring, "1 2 3");
	kv_case_run();
	ck_assert_uint_gt(kv_at(3)->store.bytes, kv_at(3)->bytes_max);
	check_same_tables();
}
END_TEST

/* A table at the limit of revisions takes no more writes. Its node's next announcement would be refused by all. */
START_TEST(a_table_at_the_last_revision_is_full)
{
	put_small(1);
	for (uint32_t i = 1; i <= 3; i++)
		kv_at(i)->state.revision = KV_REVISION_MAX - 1;
	ck_assert_int_eq(kv_case_put("k1", "v"), KV_OK);
	ck_assert_int_eq(kv_case_put("k2", "v"), KV_NO_SPACE);
	service_ring_form(&kv_ring, "1 2 3");
	ck_assert(kv_at(1)->has_state && kv_at(2)->has_state && kv_at(3)->has_state);
	kv_case_check(3, "k1", "v");
	kv_case_check(3, "k2", NULL);
}
END_TEST

/* ---- Deletions during a transfer ------------------------------------------ */

/* Deliver a write of node 2 to all nodes. */
static void deliver_write(uint32_t op, const char *key)
{
	union {
		struct kv_ring_write write;
		uint8_t room[128];
	} room = {0};
	struct kv_ring_write *write = &room.write;
	uint32_t key_size = (uint32_t)strlen(key);
	struct mock_message message = {.id = KV_RING_WRITE,
		.size = (uint32_t)(sizeof(*write) - sizeof(write->header)) + key_size,
		.data = (uint8_t *)&write->serial};

	write->op = htole32(op);
	write->key_size = htole32(key_size);
	memcpy(room.room + sizeof(*write), key, key_size);
	for (uint32_t i = 1; i <= 3; i++)
		ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(i), 2, false, &message), 0);
}

/* Take the next message of a node, which is made within 20 ms. */
static struct mock_message take_message(uint32_t nodeid)
{
	struct mock_queue *sent = &kv_ring.nodes[nodeid].host->sent;

	mock_host_advance(kv_ring.nodes[nodeid].host, 20 * MS);
	ck_assert_uint_eq(sent->count, 1);
	sent->count = 0;
	return sent->list[0];
}

/* Deliver a message to the nodes 1 to `last`. */
static void deliver_to(uint32_t last, uint32_t sender, struct mock_message message)
{
	for (uint32_t i = last; i >= 1; i--)
		ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(i), sender, false, &message), 0);
	free(message.data);
}

static void deliver_chunk(uint32_t last)
{
	for (uint32_t i = 2; i <= 3; i++)
		mock_host_advance(kv_ring.nodes[i].host, 20 * MS);
	deliver_to(last, 1, take_message(1));
}

/* Write and delete so many keys, and deliver a chunk after each `step` of them. 0: none */
static void churn(uint32_t count, uint32_t step, uint32_t last)
{
	char key[16];

	for (uint32_t i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "x%u", i);
		deliver_write(KV_OP_PUT, key);
		deliver_write(KV_OP_DELETE, key);
		if (step != 0 && i % step == step - 1)
			deliver_chunk(last);
	}
}

/* Node 3 loses its table, and all nodes learn of it. */
static void lose(void)
{
	kv_lose(kv_at(3), "a test");
	deliver_to(3, 3, take_message(3));
}

static void begin_transfer(void)
{
	put_small(200);
	kv_case_restart(3);
	service_ring_form(&kv_ring, "1 2 3");
}

static void finish_transfer(void)
{
	for (uint32_t i = 0; i < 10 && (!kv_at(2)->has_state || !kv_at(3)->has_state); i++)
		kv_case_run();
	check_same_tables();
	kv_case_check(3, "k1", NULL);
	kv_case_check(3, "k0", "v");
}

/*
 * Node 3 gets a part of the table, and writes nothing of what it is sent later. Clients write and delete other keys all
 * the time. After a change of the ring node 3 begins again, since it lacks deletions that the others have forgotten.
 */
START_TEST(deletions_that_were_sent_are_forgotten)
{
	begin_transfer();
	deliver_chunk(3);
	ck_assert_uint_eq(kv_at(3)->store.keys, 128);
	deliver_write(KV_OP_DELETE, "k1");
	churn(66000, 60, 2);
	for (uint32_t i = 0; i < 60; i++)
		deliver_chunk(2);
	ck_assert_uint_lt(kv_at(1)->store.tombs, 2000);
	ck_assert_uint_lt(kv_at(2)->store.tombs, 2000);
	service_ring_form(&kv_ring, "1 2 3");
	ck_assert(!kv_at(3)->has_state);
	ck_assert_uint_eq(kv_at(3)->store.keys, 0);
	finish_transfer();
}
END_TEST

/* Node 3 has written all that it was sent. So it goes on after the change. */
START_TEST(who_has_written_what_is_forgotten_goes_on)
{
	uint64_t cursor;

	begin_transfer();
	deliver_chunk(3);
	deliver_write(KV_OP_DELETE, "k1");
	churn(132000, 250, 3);
	mock_host_advance(kv_ring.nodes[3].host, 20 * MS);
	cursor = kv_at(3)->progress.cursor;
	ck_assert_uint_gt(kv_at(1)->progress.kept_from, kv_at(3)->progress.started);
	ck_assert_uint_ge(cursor, kv_at(1)->progress.kept_from);
	service_ring_form(&kv_ring, "1 2 3");
	ck_assert(!kv_at(3)->has_state);
	ck_assert_uint_eq(kv_at(3)->progress.cursor, cursor);
	finish_transfer();
}
END_TEST

/* Beside many deletions each entry costs a second search in a large list, so a turn has half as many. */
START_TEST(a_turn_beside_many_deletions_is_shorter)
{
	uint64_t tombs;

	begin_transfer();
	churn(4600, 0, 0);
	while (kv_at(3)->store.tombs <= 4096)
		deliver_chunk(3);
	mock_host_advance(kv_ring.nodes[3].host, 20 * MS);
	tombs = kv_at(3)->store.tombs;
	deliver_to(3, 1, take_message(1));
	ck_assert_uint_eq(kv_at(3)->store.tombs, tombs + 80);
	mock_host_advance(kv_ring.nodes[3].host, 20 * MS);
	ck_assert_uint_eq(kv_at(3)->store.tombs, tombs + 128);
}
END_TEST

/* Nodes 2 and 3 take over the table. Node 3 begins again later, and node 2 still lacks a deletion from before. */
START_TEST(deletions_that_one_member_lacks_are_kept)
{
	put_small(400); /* several chunks before the deletion is sent */
	kv_case_restart(2);
	kv_case_restart(3);
	service_ring_form(&kv_ring, "1 2 3");
	deliver_chunk(3);
	deliver_write(KV_OP_DELETE, "k1");
	churn(66000, 0, 0);
	lose();
	deliver_chunk(3);
	mock_host_advance(kv_ring.nodes[1].host, 100 * MS);
	ck_assert_uint_eq(kv_at(1)->store.tombs, 66001);
	finish_transfer();
	kv_case_check(2, "k1", NULL);
}
END_TEST

/* Node 3 loses its table while a chunk is on its way, which has a key that was deleted since. */
START_TEST(a_chunk_from_before_the_loss_needs_its_deletions)
{
	struct mock_message chunk;

	begin_transfer();
	chunk = take_message(1);
	churn(66000, 0, 0);
	deliver_write(KV_OP_DELETE, "k1");
	lose();
	deliver_to(3, 1, chunk);
	ck_assert_uint_eq(kv_at(3)->store.keys, 128);
	mock_host_advance(kv_ring.nodes[1].host, 100 * MS);
	ck_assert_uint_eq(kv_at(1)->store.tombs, 66001);
	finish_transfer();
}
END_TEST

/* While the log is being written, chunks are dropped. So the takeover begins again if the log has no room. */
START_TEST(a_log_that_overflows_at_its_end_begins_again)
{
	put_before_chunk(1000);
	take_late_chunk();
	ck_assert(kv_at(3)->is_catching_up);
	deliver_to(3, 1, take_message(1));
	ck_assert(kv_at(3)->is_catching_up);
	deliver_large_writes(70);
	ck_assert(!kv_at(3)->is_catching_up && !kv_at(3)->has_state);
	kv_case_run();
	check_same_tables();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kv_transfer");
	TCase *tcase = tcase_create("kv_transfer");

	tcase_add_checked_fixture(tcase, kv_case_set_up, kv_case_tear_down);
	tcase_add_test(tcase, a_chunk_has_so_many_entries);
	tcase_add_test(tcase, a_chunk_with_more_entries_is_taken);
	tcase_add_test(tcase, a_chunk_that_a_change_of_the_ring_drops_does_not_count);
	tcase_add_test(tcase, the_log_is_written_in_turns_while_writes_go_on);
	tcase_add_test(tcase, a_logged_write_has_the_limit_of_its_place_in_the_order);
	tcase_add_test(tcase, a_ring_that_changes_in_the_middle_of_the_log_goes_on_from_there);
	tcase_add_loop_test(tcase, a_table_that_was_received_outlives_those_that_had_it, 0, 3);
	tcase_add_test(tcase, a_takeover_is_not_finished_where_another_node_has_the_table);
	tcase_add_test(tcase, a_table_with_a_gap_does_not_outlive_those_that_had_it);
	tcase_add_test(tcase, a_write_of_an_earlier_ring_does_not_count_where_others_may_lack_it);
	tcase_add_test(tcase, a_log_with_a_gap_waits_for_the_next_chunk);
	tcase_add_test(tcase, a_donor_that_never_ends_is_not_followed);
	tcase_add_test(tcase, a_table_above_the_limit_is_taken_over);
	tcase_add_test(tcase, a_log_that_overflows_at_its_end_begins_again);
	tcase_add_test(tcase, a_table_at_the_last_revision_is_full);
	suite_add_tcase(suite, tcase);
	if (service_is_replaced())
		return suite_run(suite); /* the others have thousands of deletions */
	tcase = tcase_create("deletions");
	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, kv_case_set_up, kv_case_tear_down);
	tcase_add_test(tcase, deletions_that_were_sent_are_forgotten);
	tcase_add_test(tcase, who_has_written_what_is_forgotten_goes_on);
	tcase_add_test(tcase, a_turn_beside_many_deletions_is_shorter);
	tcase_add_test(tcase, deletions_that_one_member_lacks_are_kept);
	tcase_add_test(tcase, a_chunk_from_before_the_loss_needs_its_deletions);
	return suite_run(suite);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The service kv on mock hosts: malformed messages of the ring. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"
#include "tests/unit/plugins/kv/kv_case.h"

#define MS UINT64_C(1000000)

START_TEST(malformed_messages_change_nothing)
{
	static const struct {
		const char *name;
		uint32_t id, size;
		uint32_t at, word; /* a word and its offset in the message without header. All other bytes are 0 */
	} rows[] = {
		{"write without op", KV_RING_WRITE, 34, 16, 0},
		{"write with an unknown op", KV_RING_WRITE, 34, 16, 3},
		{"write without key", KV_RING_WRITE, 32, 16, KV_OP_PUT},
		{"write with a huge key", KV_RING_WRITE, 64, 24, UINT32_MAX},
		{"announcement with a huge marker", KV_RING_ANNOUNCE, 104, 100, UINT32_MAX},
		{"chunk with items that are not there", KV_RING_CHUNK, 48, 44, 5},
		{"standing of another ring", KV_RING_STANDING, 24, 0, 7},
		{"notice of another ring", KV_RING_NOTICE, 32, 0, 7},
		{"recovery that nobody needs", KV_RING_RECOVER, 16, 0, 7},
	};

	kv_case_put("key", "value");

	uint64_t hash = kv_at(2)->state.hash;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t bytes[128] = {0};
		struct mock_message message = {.id = rows[i].id, .size = rows[i].size, .data = bytes};

		memcpy(bytes + rows[i].at, &rows[i].word, sizeof(rows[i].word));
		for (uint32_t from = 1; from <= 9; from += 2)
			ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(2), from, false, &message), 0);
		ck_assert_msg(kv_at(2)->state.hash == hash && kv_at(2)->has_state && kv_at(2)->is_serving, "%s",
			rows[i].name);
	}
}
END_TEST

/* Announcements with a revision that would wrap with the next write, or that is lower than other revisions in them. */
START_TEST(implausible_announcements_count_for_nothing)
{
	static const struct {
		uint64_t revision, cursor, started, kept_from;
	} rows[] = {
		{UINT64_MAX, 0, 0, 0},
		{9, 10, 0, 0},
		{9, 0, 10, 0},
		{9, 0, 0, 10},
	};

	kv_case_put("key", "value");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		service_ring_form_start(&kv_ring, "1 2 3");
		service_ring_form_steps(&kv_ring);

		struct kv_ring_announce announce = {
			.ring = {htole64(kv_at(2)->ring.seq), htole32(kv_at(2)->ring.rep), 0},
			.revision = htole64(rows[i].revision),
			.cursor = htole64(rows[i].cursor),
			.started = htole64(rows[i].started),
			.kept_from = htole64(rows[i].kept_from),
			.flags = htole32(KV_HAS_STATE | KV_IS_QUORATE),
		};
		struct mock_message message = {.id = KV_RING_ANNOUNCE,
			.size = sizeof(announce) - sizeof(announce.header),
			.data = (uint8_t *)&announce.ring};
		uint64_t revision = kv_member_find(kv_at(2), 1)->state.revision;

		ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(2), 1, false, &message), 0);
		ck_assert_uint_eq(kv_member_find(kv_at(2), 1)->state.revision, revision);
		service_ring_form_done(&kv_ring);
		kv_case_check(2, "key", "value");
	}
}
END_TEST

/* Deliver a chunk with each wrong length, and with each byte of its head changed. */
START_TEST(chunks_are_checked_to_the_last_byte)
{
	kv_case_put("a", "value");
	kv_case_put("b", "value");
	kv_case_restart(3);
	service_ring_form(&kv_ring, "1 2 3");
	mock_host_advance(kv_ring.nodes[1].host, 20 * MS);

	struct mock_queue *sent = &kv_ring.nodes[1].host->sent;

	ck_assert_uint_eq(sent->count, 1);
	ck_assert_uint_eq(sent->list[0].id, KV_RING_CHUNK);
	for (uint32_t size = 48; size < sent->list[0].size; size++) {
		struct mock_message cut = sent->list[0];

		cut.size = size;
		ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(3), 1, false, &cut), 0);
		ck_assert(!kv_at(3)->has_state);
	}
	for (uint32_t at = 0; at < 80; at++) {
		struct mock_message changed = sent->list[0];

		if (at >= 12 && at < 16) /* padding */
			continue;
		changed.data = malloc(changed.size);
		memcpy(changed.data, sent->list[0].data, changed.size);
		changed.data[at] ^= 0x55;
		ck_assert_int_eq(mock_deliver(kv_ring.ops, kv_at(3), 1, false, &changed), 0);
		ck_assert_msg(!kv_at(3)->has_state, "byte %u", at);
		free(changed.data);
	}
	kv_case_run();
	ck_assert(kv_at(3)->has_state);
	kv_case_check(3, "b", "value");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kv_malformed");
	TCase *tcase = tcase_create("malformed");

	tcase_add_checked_fixture(tcase, kv_case_set_up, kv_case_tear_down);
	tcase_add_test(tcase, malformed_messages_change_nothing);
	tcase_add_test(tcase, implausible_announcements_count_for_nothing);
	tcase_add_test(tcase, chunks_are_checked_to_the_last_byte);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The codec: the trailers that Coterie's nodes add to Corosync's packets. */
#include "wire_case.h"

#include <stdlib.h>

#include "exec/totem/cursor.h"

static uint64_t join_features(const uint8_t *bytes, size_t size)
{
	struct wire_join join;

	ck_assert_int_eq(wire_decode_join(bytes, size, &join), WIRE_OK);
	return join.features;
}

START_TEST(a_token_carries_a_window)
{
	static const struct wire_token plain = {.nodeid = 3,
		.seq = 9,
		.ring = {.rep = 1, .seq = 4},
		.rtr_count = 1,
		.rtr = {{.ring = {.rep = 1, .seq = 4}, .seq = 8}}};
	struct wire_token token = plain, decoded;
	bool swap = _i == 1;
	uint8_t out[128];

	ck_assert_uint_eq(wire_encode_token(&token, 0, swap, out, sizeof(out)), 73);
	token.window = 400;
	token.resent = 3;

	size_t size = wire_encode_token(&token, 0, swap, out, sizeof(out));

	ck_assert_uint_eq(size, 73 + WIRE_WINDOW_SIZE);
	ck_assert_int_eq(wire_decode_token(out, size, &decoded), WIRE_OK);
	ck_assert_uint_eq(decoded.window, 400);
	ck_assert_uint_eq(decoded.resent, 3);
	ck_assert_uint_eq(decoded.rtr[0].seq, 8);
	for (size_t cut = 73; cut < size; cut++) {
		uint8_t *bytes = exact(out, cut);

		ck_assert_int_eq(wire_decode_token(bytes, cut, &decoded), WIRE_OK);
		ck_assert_uint_eq(decoded.window, 0);
		ck_assert_uint_eq(decoded.resent, 0);
		free(bytes);
	}
	out[73]++; /* the magic number is another one, so this is no trailer */
	ck_assert_int_eq(wire_decode_token(out, size, &decoded), WIRE_OK);
	ck_assert_uint_eq(decoded.window, 0);
	/* A token with the window as configured, of a member that keeps the token. */
	token.window = token.resent = 0;
	token.lingers = 7;
	ck_assert_uint_eq(wire_encode_token(&token, 0, swap, out, sizeof(out)), 73 + WIRE_WINDOW_SIZE);
	ck_assert_int_eq(wire_decode_token(out, size, &decoded), WIRE_OK);
	ck_assert_uint_eq(decoded.window, 0);
	ck_assert_uint_eq(decoded.lingers, 7);
}
END_TEST

START_TEST(a_join_carries_features)
{
	static const uint32_t ids[] = {3, 1};
	bool swap = _i == 1;
	uint8_t out[128];
	size_t plain = wire_encode_join(3, 3, 9, ids, 2, NULL, 0, 0, swap, out, sizeof(out));

	ck_assert_uint_eq(plain, 41);
	ck_assert_uint_eq(join_features(out, plain), 0);

	size_t size = wire_encode_join(3, 3, 9, ids, 2, NULL, 0, WIRE_FEATURE_SAFE, swap, out, sizeof(out));

	ck_assert_uint_eq(size, plain + 16);
	ck_assert_uint_eq(join_features(out, size), WIRE_FEATURE_SAFE | WIRE_FEATURE_FILLED);
	for (size_t cut = plain; cut < size; cut++) {
		uint8_t *bytes = exact(out, cut);

		ck_assert_uint_eq(join_features(bytes, cut), 0);
		free(bytes);
	}

	struct cursor_out entry = {.at = out + plain + 8, .left = 8, .swap = swap};

	struct cursor_out count = {.at = out + plain + 4, .left = 4, .swap = swap};

	out[plain]++; /* another magic number */
	ck_assert_uint_eq(join_features(out, size), 0);
	out[plain]--;
	cursor_put_u64(&entry, WIRE_FEATURE_SAFE); /* without WIRE_FEATURE_FILLED: read as 0 */
	ck_assert_uint_eq(join_features(out, size), 0);
	entry = (struct cursor_out){.at = out + plain + 8, .left = 8, .swap = swap};
	cursor_put_u64(&entry, WIRE_FEATURE_FILLED);
	ck_assert_uint_eq(join_features(out, size), WIRE_FEATURE_FILLED);
	cursor_put_u32(&count, 2); /* the trailer announces more entries than it has */
	ck_assert_uint_eq(join_features(out, size), 0);
}
END_TEST

START_TEST(a_commit_token_carries_features)
{
	static const uint32_t ids[] = {1, 2, 3};
	static const struct wire_commit_entry entries[3];
	static const uint64_t features[] = {0, WIRE_FEATURE_FILLED, WIRE_FEATURE_SAFE};
	struct wire_commit_token head = {.nodeid = 1, .count = 3, .memb_index = 2};
	struct wire_commit_token commit;
	bool swap = _i == 1;
	uint8_t out[256];
	size_t size = wire_encode_commit_token(&head, ids, entries, features, 2, swap, out, sizeof(out));

	ck_assert_uint_eq(size, 125 + 32);
	ck_assert_int_eq(wire_decode_commit_token(out, size, &commit), WIRE_OK);
	ck_assert(commit.has_features);
	ck_assert_uint_eq(wire_commit_features(&commit, 0), 0);
	ck_assert_uint_eq(wire_commit_features(&commit, 1), WIRE_FEATURE_FILLED);
	ck_assert_uint_eq(wire_commit_features(&commit, 2), 0); /* the entry is not marked as filled in */
	for (size_t cut = 125; cut < size; cut++) {
		uint8_t *bytes = exact(out, cut);

		ck_assert_int_eq(wire_decode_commit_token(bytes, cut, &commit), WIRE_OK);
		ck_assert(!commit.has_features);
		ck_assert_uint_eq(wire_commit_features(&commit, 1), 0);
		free(bytes);
	}
	/* A trailer with another number of members is ignored. */
	out[125 + (swap ? 7 : 4)]--;
	ck_assert_int_eq(wire_decode_commit_token(out, size, &commit), WIRE_OK);
	ck_assert(!commit.has_features);
}
END_TEST

/* Nodes of Corosync take a probe for a merge detect: they read its first 29 bytes and ignore the rest. */
START_TEST(a_probe_is_a_merge_detect_with_more)
{
	const struct wire_probe probe = {.system_from = 2,
		.ring = {1, 0x35},
		.kind = (enum wire_probe_kind)(_i + WIRE_PROBE_QUESTION),
		.number = UINT64_MAX - 5};
	struct wire_merge_detect merge;
	struct wire_probe again;
	uint8_t bytes[WIRE_PROBE_SIZE];

	for (int swap = 0; swap < 2; swap++) {
		ck_assert_uint_eq(wire_encode_probe(&probe, 3, swap != 0, bytes, sizeof(bytes) - 1), 0);
		ck_assert_uint_eq(wire_encode_probe(&probe, 3, swap != 0, bytes, sizeof(bytes)), sizeof(bytes));
		ck_assert_int_eq(wire_decode_merge_detect(bytes, sizeof(bytes), &merge), WIRE_OK);
		ck_assert_uint_eq(merge.system_from, 2);
		ck_assert(ring_id_equal(&merge.ring, &probe.ring));
		ck_assert(wire_decode_probe(bytes, sizeof(bytes), &again));
		ck_assert_uint_eq(again.system_from, 2);
		ck_assert_int_eq(again.kind, probe.kind);
		ck_assert(again.number == probe.number);
		for (size_t size = 0; size < sizeof(bytes); size++)
			ck_assert(!wire_decode_probe(bytes, size, &again));
		for (size_t at = 29; at < 37; at++) { /* bytes of the magic number and of the kind */
			bytes[at] ^= 0x40;
			ck_assert(!wire_decode_probe(bytes, sizeof(bytes), &again));
			bytes[at] ^= 0x40;
		}
	}
}
END_TEST

START_TEST(a_probe_of_no_known_kind_is_refused)
{
	struct wire_probe probe = {.system_from = 2, .ring = {1, 0x35}, .number = 3};
	struct wire_probe again;
	uint8_t bytes[WIRE_PROBE_SIZE];

	for (uint32_t kind = 0; kind <= WIRE_PROBE_SILENT + 2; kind++) {
		bool is_known = kind >= WIRE_PROBE_QUESTION && kind <= WIRE_PROBE_SILENT;

		probe.kind = (enum wire_probe_kind)kind;
		ck_assert_uint_eq(wire_encode_probe(&probe, 3, _i == 1, bytes, sizeof(bytes)), sizeof(bytes));
		ck_assert_msg(wire_decode_probe(bytes, sizeof(bytes), &again) == is_known, "kind %u", kind);
	}
}
END_TEST

/* The lease is in bits 48 to 62. It changes neither the mark behind these bits nor the capacity before them. */
START_TEST(features_carry_a_lease_beside_the_capacity)
{
	static const uint64_t leases[] = {0, 1, 0x1234, WIRE_LEASE_MAX};
	const uint32_t id = 1;

	ck_assert_uint_eq(WIRE_LEASE_MASK, UINT64_C(0x7FFF) << 48);
	ck_assert_uint_eq(WIRE_LEASE_MASK & WIRE_CAPACITY_MASK, 0);
	ck_assert_uint_eq(WIRE_LEASE_MASK & WIRE_FEATURE_FILLED, 0);
	for (size_t i = 0; i < sizeof(leases) / sizeof(leases[0]); i++) {
		uint64_t features = WIRE_FEATURE_SILENCE | WIRE_FEATURE_FILLED |
				    (uint64_t)(WIRE_CAPACITY_MAX - 1) << WIRE_CAPACITY_SHIFT |
				    leases[i] << WIRE_LEASE_SHIFT;
		uint8_t out[128];
		size_t size = wire_encode_join(1, 1, 4, &id, 1, NULL, 0, features, _i == 1, out, sizeof(out));
		uint64_t again = join_features(out, size);

		ck_assert(again == features);
		ck_assert_uint_eq((again & WIRE_LEASE_MASK) >> WIRE_LEASE_SHIFT, leases[i]);
		ck_assert_uint_eq((again & WIRE_CAPACITY_MASK) >> WIRE_CAPACITY_SHIFT, WIRE_CAPACITY_MAX - 1);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *trailers = tcase_create("trailers");

	tcase_add_loop_test(trailers, a_probe_is_a_merge_detect_with_more, 0, WIRE_PROBE_SILENT);
	tcase_add_loop_test(trailers, a_probe_of_no_known_kind_is_refused, 0, 2);
	tcase_add_loop_test(trailers, features_carry_a_lease_beside_the_capacity, 0, 2);
	tcase_add_loop_test(trailers, a_token_carries_a_window, 0, 2);
	tcase_add_loop_test(trailers, a_join_carries_features, 0, 2);
	tcase_add_loop_test(trailers, a_commit_token_carries_features, 0, 2);
	suite_add_tcase(suite, trailers);
	return suite_run(suite);
}

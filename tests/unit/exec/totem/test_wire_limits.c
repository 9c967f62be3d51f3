/* SPDX-License-Identifier: BSD-3-Clause */
/* The codec: every field of every packet at its limits. */
#include "wire_case.h"

#include <stdlib.h>
#include <string.h>

#include "exec/totem/cursor.h"

/* --- limits: a valid packet with one field changed --- */

enum good {
	GOOD_TOKEN,
	GOOD_MCAST,
	GOOD_RECOVERY,
	GOOD_MERGE_DETECT,
	GOOD_JOIN,
	GOOD_LEAVE,
	GOOD_COMMIT,
	GOOD_HOLD_CANCEL,
	GOOD_COUNT,
};

#define LARGE 70000u

static uint8_t made[LARGE];

/* Make a valid packet of the kind, followed by zeros. */
static void make_good(enum good good, bool swap)
{
	struct wire_token token = {.nodeid = SOME_ID, .rtr_count = 2};
	struct wire_mcast mcast = {.nodeid = SOME_ID, .system_from = SOME_ID, .encapsulated = 2};
	struct wire_merge_detect merge = {.system_from = SOME_ID};
	struct wire_hold_cancel cancel = {.nodeid = SOME_ID};
	struct wire_commit_token commit = {.nodeid = 1, .count = 3, .memb_index = 1};
	static const uint32_t ids[] = {1, 2, 3};
	static const struct wire_commit_entry entries[3];
	size_t size = 0;

	memset(made, 0, LARGE);
	switch (good) {
	case GOOD_TOKEN:
		size = wire_encode_token(&token, 0, swap, made, LARGE);
		break;
	case GOOD_MCAST:
		size = wire_encode_mcast_header(&mcast, swap, made, LARGE);
		break;
	case GOOD_RECOVERY:
		mcast.encapsulated = 1;
		size = wire_encode_mcast_header(&mcast, swap, made, LARGE);
		break;
	case GOOD_MERGE_DETECT:
		size = wire_encode_merge_detect(&merge, swap, made, LARGE);
		break;
	case GOOD_JOIN:
		size = wire_encode_join(1, 1, 5, ids, 3, ids, 1, 0, swap, made, LARGE);
		break;
	case GOOD_LEAVE:
		size = wire_encode_join(0, 1, 5, ids, 3, ids, 1, 0, swap, made, LARGE);
		break;
	case GOOD_COMMIT:
		size = wire_encode_commit_token(&commit, ids, entries, NULL, 0, swap, made, LARGE);
		break;
	case GOOD_HOLD_CANCEL:
		size = wire_encode_hold_cancel(&cancel, swap, made, LARGE);
		break;
	case GOOD_COUNT:
		break;
	}
	ck_assert_uint_gt(size, 0);
}

struct limit {
	const char *name;
	enum good good;
	size_t size;   /* number of bytes that the decoder gets */
	size_t offset; /* offset of the field (with width 0 nothing is changed) */
	size_t width;
	uint32_t value;
	enum wire_refusal want;
};

static const struct limit limits[] = {
	{"header, no byte", GOOD_TOKEN, 0, 0, 0, 0, WIRE_TOO_SHORT},
	{"header, 12 bytes", GOOD_TOKEN, 12, 0, 0, 0, WIRE_TOO_SHORT},
	{"header alone", GOOD_TOKEN, 13, 0, 0, 0, WIRE_TOO_SHORT},
	{"magic - 1", GOOD_TOKEN, 89, 0, 2, 0xc06f, WIRE_BAD_MAGIC},
	{"magic + 1", GOOD_TOKEN, 89, 0, 2, 0xc071, WIRE_BAD_MAGIC},
	{"magic 0", GOOD_TOKEN, 89, 0, 2, 0, WIRE_BAD_MAGIC},
	{"magic of Corosync 2.3", GOOD_TOKEN, 89, 0, 2, 0xfefe, WIRE_BAD_MAGIC},
	{"magic of Corosync 2.2", GOOD_TOKEN, 89, 0, 2, 0xffff, WIRE_BAD_MAGIC},
	{"version 2", GOOD_TOKEN, 89, 2, 1, 2, WIRE_BAD_VERSION},
	{"version 4", GOOD_TOKEN, 89, 2, 1, 4, WIRE_BAD_VERSION},
	{"type 6", GOOD_TOKEN, 89, 3, 1, 6, WIRE_BAD_TYPE},
	{"type 255", GOOD_TOKEN, 89, 3, 1, 255, WIRE_BAD_TYPE},
	{"encapsulated of a token", GOOD_TOKEN, 89, 4, 1, 255, WIRE_OK},

	{"token", GOOD_TOKEN, 89, 0, 0, 0, WIRE_OK},
	{"token, 56 bytes", GOOD_TOKEN, 56, 53, 4, 0, WIRE_TOO_SHORT},
	{"token, no entry", GOOD_TOKEN, 57, 53, 4, 0, WIRE_OK},
	{"token, 1 entry, 1 byte short", GOOD_TOKEN, 72, 53, 4, 1, WIRE_BAD_COUNT},
	{"token, 30 entries", GOOD_TOKEN, 537, 53, 4, 30, WIRE_OK},
	{"token, 30 entries, 1 byte short", GOOD_TOKEN, 536, 53, 4, 30, WIRE_BAD_COUNT},
	{"token, 31 entries", GOOD_TOKEN, 600, 53, 4, 31, WIRE_BAD_COUNT},
	{"token, 2^28 entries", GOOD_TOKEN, 600, 53, 4, 0x10000000, WIRE_BAD_COUNT},
	{"token, 2^32 - 1 entries", GOOD_TOKEN, 600, 53, 4, UINT32_MAX, WIRE_BAD_COUNT},
	{"token, 1500 bytes", GOOD_TOKEN, 1500, 0, 0, 0, WIRE_OK},
	{"token, 1501 bytes", GOOD_TOKEN, 1501, 0, 0, 0, WIRE_TOO_LONG},

	{"frame, 44 bytes", GOOD_MCAST, 44, 0, 0, 0, WIRE_TOO_SHORT},
	{"frame, 45 bytes", GOOD_MCAST, 45, 0, 0, 0, WIRE_OK},
	{"frame, 65536 bytes", GOOD_MCAST, 65536, 0, 0, 0, WIRE_OK},
	{"frame, 65537 bytes", GOOD_MCAST, 65537, 0, 0, 0, WIRE_TOO_LONG},
	{"frame, encapsulated 0", GOOD_MCAST, 90, 4, 1, 0, WIRE_BAD_CONTENT},
	{"frame, encapsulated 3", GOOD_MCAST, 90, 4, 1, 3, WIRE_BAD_CONTENT},
	{"frame, encapsulated 255", GOOD_MCAST, 90, 4, 1, 255, WIRE_BAD_CONTENT},
	{"frame, guarantee 2", GOOD_MCAST, 90, 41, 4, 2, WIRE_OK},
	{"recovery frame, 89 bytes", GOOD_RECOVERY, 89, 0, 0, 0, WIRE_TOO_SHORT},
	{"recovery frame, 90 bytes", GOOD_RECOVERY, 90, 0, 0, 0, WIRE_OK},

	{"merge detect, 28 bytes", GOOD_MERGE_DETECT, 28, 0, 0, 0, WIRE_TOO_SHORT},
	{"merge detect, 29 bytes", GOOD_MERGE_DETECT, 29, 0, 0, 0, WIRE_OK},
	{"merge detect, 30 bytes", GOOD_MERGE_DETECT, 30, 0, 0, 0, WIRE_OK},

	{"join", GOOD_JOIN, 49, 0, 0, 0, WIRE_OK},
	{"join, 1 byte short", GOOD_JOIN, 48, 0, 0, 0, WIRE_BAD_COUNT},
	{"join, 32 bytes", GOOD_JOIN, 32, 0, 0, 0, WIRE_TOO_SHORT},
	{"join, 384 candidates", GOOD_JOIN, 1573, 17, 4, 384, WIRE_OK},
	{"join, 384 candidates, 1 byte short", GOOD_JOIN, 1572, 17, 4, 384, WIRE_BAD_COUNT},
	{"join, 385 candidates", GOOD_JOIN, 4000, 17, 4, 385, WIRE_BAD_COUNT},
	{"join, 384 failed", GOOD_JOIN, 1581, 21, 4, 384, WIRE_OK},
	{"join, 385 failed", GOOD_JOIN, 4000, 21, 4, 385, WIRE_BAD_COUNT},
	{"join, 2^30 candidates", GOOD_JOIN, 4000, 17, 4, 0x40000000, WIRE_BAD_COUNT},
	{"join, 2^32 - 1 candidates", GOOD_JOIN, 4000, 17, 4, UINT32_MAX, WIRE_BAD_COUNT},
	{"join, 2^32 - 1 failed", GOOD_JOIN, 4000, 21, 4, UINT32_MAX, WIRE_BAD_COUNT},
	{"join from nobody", GOOD_JOIN, 49, 13, 4, 0, WIRE_BAD_CONTENT},
	{"join, candidate 0", GOOD_JOIN, 49, 33, 4, 0, WIRE_OK},
	{"join, duplicate candidate", GOOD_JOIN, 49, 33, 4, 3, WIRE_OK},
	{"leave", GOOD_LEAVE, 49, 0, 0, 0, WIRE_OK},
	{"leave, nobody failed", GOOD_LEAVE, 49, 21, 4, 0, WIRE_BAD_CONTENT},

	{"commit token", GOOD_COMMIT, 125, 0, 0, 0, WIRE_OK},
	{"commit token, 40 bytes", GOOD_COMMIT, 40, 0, 0, 0, WIRE_TOO_SHORT},
	{"commit token, 1 byte short", GOOD_COMMIT, 124, 0, 0, 0, WIRE_BAD_COUNT},
	{"commit token, no member", GOOD_COMMIT, 125, 37, 4, 0, WIRE_BAD_COUNT},
	{"commit token, 1 member", GOOD_COMMIT, 125, 37, 4, 1, WIRE_OK},
	{"commit token, 385 members", GOOD_COMMIT, 20000, 37, 4, 385, WIRE_BAD_COUNT},
	{"commit token, 2^32 / 28 members", GOOD_COMMIT, 20000, 37, 4, 153391690, WIRE_BAD_COUNT},
	{"commit token, 2^32 - 1 members", GOOD_COMMIT, 20000, 37, 4, UINT32_MAX, WIRE_BAD_COUNT},
	{"commit token, index 0", GOOD_COMMIT, 125, 33, 4, 0, WIRE_OK},
	{"commit token, index at the end", GOOD_COMMIT, 125, 33, 4, 3, WIRE_OK},
	{"commit token, index beyond the end", GOOD_COMMIT, 125, 33, 4, 4, WIRE_BAD_CONTENT},
	{"commit token, index -1", GOOD_COMMIT, 125, 33, 4, UINT32_MAX, WIRE_BAD_CONTENT},
	{"commit token, member 0", GOOD_COMMIT, 125, 41, 4, 0, WIRE_BAD_CONTENT},
	{"commit token, same member twice", GOOD_COMMIT, 125, 41, 4, 2, WIRE_BAD_CONTENT},
	{"commit token, members unsorted", GOOD_COMMIT, 125, 45, 4, 4, WIRE_BAD_CONTENT},
	{"commit token, highest member", GOOD_COMMIT, 125, 49, 4, UINT32_MAX, WIRE_OK},
	{"commit token, 40000 bytes", GOOD_COMMIT, 40000, 0, 0, 0, WIRE_OK},
	{"commit token, 40001 bytes", GOOD_COMMIT, 40001, 0, 0, 0, WIRE_TOO_LONG},

	{"hold cancel, 24 bytes", GOOD_HOLD_CANCEL, 24, 0, 0, 0, WIRE_TOO_SHORT},
	{"hold cancel, 25 bytes", GOOD_HOLD_CANCEL, 25, 0, 0, 0, WIRE_OK},
	{"hold cancel, 26 bytes", GOOD_HOLD_CANCEL, 26, 0, 0, 0, WIRE_OK},
};

static void make_limit(const struct limit *limit, bool swap)
{
	struct cursor_out field = {.at = made + limit->offset, .left = 4, .swap = swap};

	make_good(limit->good, swap);
	if (limit->width == 1)
		cursor_put_u8(&field, (uint8_t)limit->value);
	else if (limit->width == 2)
		cursor_put_u16(&field, (uint16_t)limit->value);
	else if (limit->width == 4)
		cursor_put_u32(&field, limit->value);
}

START_TEST(limits_of_every_field)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const struct limit *limit = &limits[i];
		struct wire_header header;
		union packet packet;

		make_limit(limit, _i == 1);

		uint8_t *bytes = exact(made, limit->size);
		enum wire_refusal refusal = decode(bytes, limit->size, &header, &packet);

		ck_assert_msg(
			refusal == limit->want, "%s: %d instead of %d", limit->name, (int)refusal, (int)limit->want);
		free(bytes);
	}
}
END_TEST

/* --- the field's known vulnerabilities (SECURITY.md): the counts are forged, in both byte orders --- */

/* Decode a copy that ends with its allocation, so that a sanitizer notices a read beyond it. */
static enum wire_refusal decode_made(size_t size)
{
	struct wire_header header;
	union packet packet;
	uint8_t *bytes = exact(made, size);
	enum wire_refusal refusal = decode(bytes, size, &header, &packet);

	free(bytes);
	return refusal;
}

static void forge(size_t offset, uint32_t value, bool swap)
{
	uint32_t bytes = swap ? __builtin_bswap32(value) : value;

	memcpy(made + offset, &bytes, sizeof(bytes));
}

/*
 * Some counts: 2^28 + 1 entries of 16 bytes are only 16 bytes modulo 2^32, and a small count in the other byte order is
 * a large one.
 */
START_TEST(cve_2025_30472_forged_retransmit_count_of_a_token)
{
	static const uint32_t counts[] = {
		3, 31, 1000, 0x10000000, 0x10000001, 0x02000000, 0x7fffffff, 0x80000000, UINT32_MAX};

	make_good(GOOD_TOKEN, _i == 1);
	ck_assert_int_eq(decode_made(57 + 2 * 16), WIRE_OK);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		forge(53, counts[i], _i == 1);
		ck_assert_int_eq(decode_made(57 + 2 * 16), WIRE_BAD_COUNT);
	}
	forge(53, 2, _i == 0);
	ck_assert_int_eq(decode_made(57 + 2 * 16), WIRE_BAD_COUNT);
}
END_TEST

START_TEST(cve_2026_35091_short_commit_token)
{
	static const uint32_t counts[] = {4, 384, 385, 0x08000000, 153391690, UINT32_MAX};
	const size_t whole = 41 + 3 * 28;

	make_good(GOOD_COMMIT, _i == 1);
	ck_assert_int_eq(decode_made(whole), WIRE_OK);
	for (size_t size = 0; size < whole; size++)
		ck_assert_int_ne(decode_made(size), WIRE_OK);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		forge(37, counts[i], _i == 1);
		ck_assert_int_eq(decode_made(whole), WIRE_BAD_COUNT);
	}
}
END_TEST

/* The sums of these counts are small modulo 2^32, as counts or as bytes. */
START_TEST(cve_2026_35092_join_counts_that_overflow)
{
	static const struct {
		uint32_t candidates, failed;
	} counts[] = {{UINT32_MAX, 1}, {1, UINT32_MAX}, {0x80000000, 0x80000000}, {0x40000000, 0x40000000},
		{0x40000000, 3}, {3, 0x40000001}, {0xfffffffe, 6}, {0xc0000000, 0x40000004}};

	make_good(GOOD_JOIN, _i == 1);
	ck_assert_int_eq(decode_made(49), WIRE_OK);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		forge(17, counts[i].candidates, _i == 1);
		forge(21, counts[i].failed, _i == 1);
		ck_assert_int_eq(decode_made(49), WIRE_BAD_COUNT);
	}
}
END_TEST

/* Pass each packet, long enough for all types, to each decoder of another type. */
START_TEST(a_decoder_refuses_every_other_type)
{
	for (enum good good = 0; good < GOOD_COUNT; good++) {
		struct wire_header header;
		union packet packet;

		make_good(good, _i == 1);
		ck_assert_int_eq(wire_decode_header(made, 125, &header), WIRE_OK);
		for (enum wire_type type = WIRE_TOKEN; type <= WIRE_HOLD_CANCEL; type++) {
			if (type != header.type)
				ck_assert_int_eq(decode_as(type, made, 125, &packet), WIRE_BAD_TYPE);
		}
	}
}
END_TEST

START_TEST(the_largest_commit_token)
{
	static uint32_t addr[WIRE_NODES_MAX];
	static struct wire_commit_entry entries[WIRE_NODES_MAX];
	static uint64_t features[WIRE_NODES_MAX];
	static uint8_t out[20000];
	struct wire_commit_token head = {.nodeid = 1, .count = WIRE_NODES_MAX};
	struct wire_commit_token commit;

	for (uint32_t i = 0; i < WIRE_NODES_MAX; i++) {
		addr[i] = SOME_ID + 7 * i;
		entries[i] = (struct wire_commit_entry){.ring = {.rep = i, .seq = UINT64_MAX - i}, .aru = i + 1};
		features[i] = i == 0 ? 0 : WIRE_FEATURE_FILLED | i;
	}

	size_t size = wire_encode_commit_token(&head, addr, entries, features, 9, _i == 1, out, sizeof(out));

	ck_assert_uint_eq(size, 41 + 28 * 384 + 8 + 8 * 384);
	ck_assert_int_eq(wire_decode_commit_token(out, size, &commit), WIRE_OK);
	ck_assert(commit.has_features);
	for (uint32_t i = 0; i < WIRE_NODES_MAX; i++) {
		struct wire_commit_entry entry = wire_commit_entry(&commit, i);

		ck_assert_uint_eq(wire_commit_addr(&commit, i), addr[i]);
		ck_assert(ring_id_equal(&entry.ring, &entries[i].ring));
		ck_assert_uint_eq(entry.aru, i + 1);
		ck_assert_uint_eq(wire_commit_features(&commit, i), features[i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *bounds = tcase_create("bounds");

	tcase_add_loop_test(bounds, limits_of_every_field, 0, 2);
	tcase_add_loop_test(bounds, cve_2025_30472_forged_retransmit_count_of_a_token, 0, 2);
	tcase_add_loop_test(bounds, cve_2026_35091_short_commit_token, 0, 2);
	tcase_add_loop_test(bounds, cve_2026_35092_join_counts_that_overflow, 0, 2);
	tcase_add_loop_test(bounds, a_decoder_refuses_every_other_type, 0, 2);
	tcase_add_loop_test(bounds, the_largest_commit_token, 0, 2);
	suite_add_tcase(suite, bounds);
	return suite_run(suite);
}

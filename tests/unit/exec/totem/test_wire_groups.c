/* SPDX-License-Identifier: BSD-3-Clause */
/* The codec: packets of the group layer, and the groups in front of a message. */
#include "wire_case.h"

#include <stdlib.h>

#include "exec/totem/cursor.h"

struct packet_case {
	const char *name;
	size_t size;
	uint8_t bytes[24]; /* little-endian */
	enum wire_refusal want;
};

static const struct packet_case packet_cases[] = {
	{"one part", 13, {[6] = 1, [8] = 3, [10] = 'a', 'b', 'c'}, WIRE_OK},
	{"one empty part", 10, {[6] = 1}, WIRE_OK},
	{"two parts", 15, {[6] = 2, [8] = 1, [10] = 2, [12] = 'a', 'b', 'c'}, WIRE_OK},
	{"any version and type", 10, {[0] = 9, [1] = 8, [2] = 7, [3] = 6, [6] = 1}, WIRE_OK},
	{"no part", 8, {0}, WIRE_BAD_COUNT},
	{"no part, but data", 9, {[8] = 'a'}, WIRE_BAD_COUNT},
	{"lengths cut", 11, {[6] = 2, [8] = 1, [10] = 'a'}, WIRE_BAD_COUNT},
	{"a byte too few", 12, {[6] = 1, [8] = 3, [10] = 'a', 'b'}, WIRE_BAD_COUNT},
	{"a byte too many", 14, {[6] = 1, [8] = 3, [10] = 'a', 'b', 'c'}, WIRE_BAD_COUNT},
	{"65535 parts", 20, {[6] = 255, [7] = 255}, WIRE_BAD_COUNT},
	{"65535 bytes", 20, {[6] = 1, [8] = 255, [9] = 255}, WIRE_BAD_COUNT},
	{"7 bytes", 7, {[6] = 1}, WIRE_TOO_SHORT},
	{"nothing", 0, {0}, WIRE_TOO_SHORT},
};

static bool is_big_endian(void) { return bytes_u16((const uint8_t *)"\0\1", false) == 1; }

START_TEST(packets_add_up)
{
	for (size_t i = 0; i < sizeof(packet_cases) / sizeof(packet_cases[0]); i++) {
		const struct packet_case *row = &packet_cases[i];
		uint8_t *bytes = exact(row->bytes, row->size);
		struct wire_packet packet;
		enum wire_refusal refusal = wire_decode_packet(bytes, row->size, is_big_endian(), &packet);

		ck_assert_msg(refusal == row->want, "%s: %d", row->name, (int)refusal);
		free(bytes);
	}
}
END_TEST

START_TEST(a_packet_in_both_byte_orders)
{
	bool swap = _i == 1;
	uint8_t bytes[WIRE_PACKET_HEADER_SIZE + 4 + 258] = {0};
	struct wire_packet packet;

	wire_encode_packet_header(7, 9, 2, swap, bytes);
	wire_encode_u16(257, swap, bytes + 8);
	wire_encode_u16(1, swap, bytes + 10);
	ck_assert_int_eq(wire_decode_packet(bytes, sizeof(bytes), swap, &packet), WIRE_OK);
	ck_assert_uint_eq(packet.fragmented, 7);
	ck_assert_uint_eq(packet.continuation, 9);
	ck_assert_uint_eq(packet.part_count, 2);
	ck_assert_uint_eq(wire_packet_length(&packet, 0), 257);
	ck_assert_uint_eq(wire_packet_length(&packet, 1), 1);
	ck_assert_ptr_eq(packet.data, bytes + 12);
	ck_assert_uint_eq(packet.data_size, 258);
	ck_assert_int_ne(wire_decode_packet(bytes, sizeof(bytes), !swap, &packet), WIRE_OK);
}
END_TEST

struct groups_case {
	const char *name;
	size_t size;
	uint8_t bytes[16]; /* little-endian */
	size_t prefix;     /* 0: malformed */
	uint32_t count;    /* number of names that are returned if there is room for two */
};

static const struct groups_case groups_cases[] = {
	{"group a", 6, {1, 0, 1, 0, 'a', 'x'}, 5, 1},
	{"group a and no payload", 5, {1, 0, 1, 0, 'a'}, 5, 1},
	{"group sync", 9, {1, 0, 4, 0, 's', 'y', 'n', 'c', 'x'}, 8, 1},
	{"two groups", 10, {2, 0, 1, 0, 2, 0, 'a', 'b', 'c', 'x'}, 9, 2},
	{"three groups", 11, {3, 0, 1, 0, 1, 0, 1, 0, 'a', 'b', 'c'}, 11, 2},
	{"no group", 3, {0, 0, 'x'}, 2, 0},
	{"group without a name", 4, {1, 0, 0, 0}, 4, 1},
	{"nothing", 0, {0}, 0, 0},
	{"half a count", 1, {1}, 0, 0},
	{"no length", 2, {1, 0}, 0, 0},
	{"half a length", 3, {1, 0, 1}, 0, 0},
	{"no name", 4, {1, 0, 1, 0}, 0, 0},
	{"second name cut", 8, {2, 0, 1, 0, 2, 0, 'a', 'b'}, 0, 0},
	{"skipped name cut", 10, {3, 0, 1, 0, 1, 0, 1, 0, 'a', 'b'}, 0, 0},
	{"65535 groups", 16, {255, 255}, 0, 0},
	{"65535 bytes of name", 16, {1, 0, 255, 255}, 0, 0},
};

START_TEST(group_prefixes)
{
	for (size_t i = 0; i < sizeof(groups_cases) / sizeof(groups_cases[0]); i++) {
		const struct groups_case *row = &groups_cases[i];
		uint8_t *bytes = exact(row->bytes, row->size);
		struct wire_group_name names[2];
		uint32_t count = 99;
		size_t prefix = wire_decode_groups(bytes, row->size, is_big_endian(), names, 2, &count);

		ck_assert_msg(prefix == row->prefix && count == row->count, "%s: prefix %zu, %u names", row->name,
			prefix, count);
		for (uint32_t name = 0; name < count; name++)
			ck_assert_msg(
				names[name].bytes >= bytes && names[name].bytes + names[name].length <= bytes + prefix,
				"%s: name %u outside", row->name, name);
		free(bytes);
	}
}
END_TEST

START_TEST(group_names_in_the_other_byte_order)
{
	static const uint8_t big[] = {0, 1, 0, 4, 's', 'y', 'n', 'c'};
	struct wire_group_name name;
	uint32_t count;

	ck_assert_uint_eq(wire_decode_groups(big, sizeof(big), !is_big_endian(), &name, 1, &count), 8);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(name.length, 4);
	ck_assert_mem_eq(name.bytes, "sync", 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *groups = tcase_create("groups");

	tcase_add_test(groups, packets_add_up);
	tcase_add_loop_test(groups, a_packet_in_both_byte_orders, 0, 2);
	tcase_add_test(groups, group_prefixes);
	tcase_add_test(groups, group_names_in_the_other_byte_order);
	suite_add_tcase(suite, groups);
	return suite_run(suite);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/ring/ring_packet.c: the kind of a packet, the texts for its faults, and the group prefix. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/frame.h>

#include "exec/ring/ring_packet.h"
#include "exec/totem/engine.h"
#include "exec/totem/wire.h"
#include "tests/suite.h"

static const bool is_little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

/* Make a frame whose memory ends with its bytes, so that a sanitizer notices a read beyond them. */
static struct coterie_frame *frame_of(const void *bytes, uint32_t size)
{
	struct coterie_frame *frame = calloc(1, sizeof(*frame));

	frame->data = malloc(size > 0 ? size : 1);
	frame->size = size;
	memcpy(frame->data, bytes, size);
	return frame;
}

static void drop(struct coterie_frame *frame)
{
	free(frame->data);
	free(frame);
}

/* --- kinds --- */

START_TEST(kind_is_of_the_fourth_byte)
{
	for (uint8_t type = 0; type < 8; type++) {
		struct coterie_frame *frame = frame_of((uint8_t[]){0xC0, 0x70, 3, type}, 4);

		ck_assert(ring_packet_is_token(frame) == (type == WIRE_TOKEN));
		ck_assert(ring_packet_is_mcast(frame) == (type == WIRE_MCAST));
		drop(frame);
	}
}
END_TEST

START_TEST(short_packet_is_of_no_kind)
{
	for (uint32_t size = 0; size < 4; size++) {
		struct coterie_frame *frame = frame_of((uint8_t[4]){0}, size);
		uint32_t nodeid;

		ck_assert(!ring_packet_is_token(frame));
		ck_assert(!ring_packet_is_mcast(frame));
		ck_assert(!ring_packet_sender(frame, &nodeid));
		drop(frame);
	}
}
END_TEST

START_TEST(only_a_frame_of_messages_has_a_sender)
{
	uint8_t bytes[WIRE_HEADER_SIZE] = {[2] = WIRE_VERSION, [3] = WIRE_MCAST};
	uint32_t nodeid = 0;

	memcpy(bytes, &(uint16_t){WIRE_MAGIC}, 2);
	memcpy(bytes + 5, &(uint32_t){7}, 4);
	struct coterie_frame *frame = frame_of(bytes, sizeof(bytes));
	ck_assert(ring_packet_sender(frame, &nodeid));
	ck_assert_uint_eq(nodeid, 7);
	frame->data[3] = WIRE_TOKEN;
	ck_assert(!ring_packet_sender(frame, &nodeid));
	frame->data[3] = WIRE_MCAST;
	frame->data[0] ^= 1;
	ck_assert(!ring_packet_sender(frame, &nodeid));
	drop(frame);
}
END_TEST

/* --- faults --- */

static const struct {
	uint32_t size;
	uint8_t bytes[16]; /* if is_totem: bytes behind the magic number */
	bool is_totem;
	const char *want;
} fault_rows[] = {
	{5, {[2] = WIRE_VERSION}, true, "is too short...  Ignoring 5."},
	{13, {0xFF, 0xFF}, false, "has bad magic number (probably sent by Corosync 2.2).. Ignoring"},
	{13, {0xFE, 0xFE}, false, "has bad magic number (probably sent by Corosync 2.3+).. Ignoring"},
	{13, {1, 9}, false, "has bad magic number (probably sent by unencrypted Kronosnet).. Ignoring"},
	{13, {5, 9}, false,
		"has bad magic number (probably sent by unencrypted Corosync 2.0/2.1/1.x/OpenAIS).. Ignoring"},
	{13, {9, 9}, false,
		"has bad magic number (probably sent by encrypted Kronosnet/Corosync 2.0/2.1/1.x/OpenAIS or "
		"unknown).. Ignoring"},
	{13, {[2] = 9}, true, "has unsupported version 9... Ignoring"},
	{13, {[2] = WIRE_VERSION, 99}, true, "has wrong type...  ignoring 99."},
};
#define FAULTS ((int)(sizeof(fault_rows) / sizeof(fault_rows[0])))

START_TEST(fault_has_the_words_that_operators_know)
{
	char text[160];
	uint8_t bytes[16];

	memcpy(bytes, fault_rows[_i].bytes, sizeof(bytes));
	if (fault_rows[_i].is_totem)
		memcpy(bytes, &(uint16_t){WIRE_MAGIC}, 2);
	struct coterie_frame *frame = frame_of(bytes, fault_rows[_i].size);
	ck_assert(ring_packet_fault(frame, text, sizeof(text)));
	ck_assert_str_eq(text, fault_rows[_i].want);
	ck_assert(ring_packet_fault(frame, text, 4)); /* no byte is written beyond a short buffer */
	ck_assert_uint_eq(strlen(text), 3);
	drop(frame);
}
END_TEST

START_TEST(good_header_has_no_fault)
{
	uint8_t bytes[WIRE_HEADER_SIZE] = {[2] = WIRE_VERSION, [3] = WIRE_JOIN};
	char text[8];

	memcpy(bytes, &(uint16_t){WIRE_MAGIC}, 2);
	struct coterie_frame *frame = frame_of(bytes, sizeof(bytes));
	ck_assert(!ring_packet_fault(frame, text, sizeof(text)));
	drop(frame);
}
END_TEST

START_TEST(each_refusal_of_the_wire_has_a_text)
{
	for (uint64_t reason = WIRE_TOO_SHORT; reason <= WIRE_BAD_CONTENT; reason++)
		ck_assert_ptr_nonnull(ring_packet_refusal(reason));
	ck_assert_ptr_null(ring_packet_refusal(WIRE_OK));
	ck_assert_ptr_null(ring_packet_refusal(WIRE_BAD_CONTENT + 1));
	ck_assert_ptr_null(ring_packet_refusal(TOTEM_REFUSED_TOKEN));
	ck_assert_ptr_null(ring_packet_refusal(UINT64_MAX));
}
END_TEST

/* --- the group prefix --- */

START_TEST(prefix_is_as_corosync_writes_it)
{
	uint8_t bytes[RING_PACKET_GROUP_SIZE_MAX];

	ck_assert_uint_eq(ring_packet_group_write("a", !is_little, bytes), 5);
	ck_assert_mem_eq(bytes, "\1\0\1\0a", 5);
	ck_assert_uint_eq(ring_packet_group_write("sync", is_little, bytes), 8);
	ck_assert_mem_eq(bytes, "\0\1\0\4sync", 8);
	ck_assert_uint_eq(ring_packet_group_write("0123456789abcdef", false, bytes), sizeof(bytes));
}
END_TEST

START_TEST(prefix_is_read_as_it_was_written)
{
	static const struct {
		const char *name;
		unsigned int groups;
	} rows[] = {{"a", RING_PACKET_GROUP_SERVICES}, {"sync", RING_PACKET_GROUP_SYNC}, {"b", 0}, {"ab", 0},
		{"syn", 0}, {"", 0}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int swap = 0; swap < 2; swap++) {
			uint8_t bytes[RING_PACKET_GROUP_SIZE_MAX];
			unsigned int groups = 99;
			size_t size = ring_packet_group_write(rows[i].name, swap, bytes);

			ck_assert_uint_eq(ring_packet_group_read(bytes, size, swap, &groups), size);
			ck_assert_uint_eq(groups, rows[i].groups);
			for (size_t cut = 0; cut < size; cut++) {
				uint8_t *copy = malloc(cut > 0 ? cut : 1);

				memcpy(copy, bytes, cut);
				ck_assert_uint_eq(ring_packet_group_read(copy, cut, swap, &groups), 0);
				ck_assert_uint_eq(groups, 0);
				free(copy);
			}
		}
}
END_TEST

START_TEST(prefix_may_name_both_groups)
{
	uint8_t bytes[] = {2, 0, 1, 0, 4, 0, 'a', 's', 'y', 'n', 'c'};
	unsigned int groups = 0;

	ck_assert_uint_eq(ring_packet_group_read(bytes, sizeof(bytes), !is_little, &groups), sizeof(bytes));
	ck_assert_uint_eq(groups, RING_PACKET_GROUP_SERVICES | RING_PACKET_GROUP_SYNC);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring_packet");
	TCase *kinds = tcase_create("kinds");
	TCase *faults = tcase_create("faults");
	TCase *groups = tcase_create("groups");

	tcase_add_test(kinds, kind_is_of_the_fourth_byte);
	tcase_add_test(kinds, short_packet_is_of_no_kind);
	tcase_add_test(kinds, only_a_frame_of_messages_has_a_sender);
	suite_add_tcase(suite, kinds);
	tcase_add_loop_test(faults, fault_has_the_words_that_operators_know, 0, FAULTS);
	tcase_add_test(faults, good_header_has_no_fault);
	tcase_add_test(faults, each_refusal_of_the_wire_has_a_text);
	suite_add_tcase(suite, faults);
	tcase_add_test(groups, prefix_is_as_corosync_writes_it);
	tcase_add_test(groups, prefix_is_read_as_it_was_written);
	tcase_add_test(groups, prefix_may_name_both_groups);
	suite_add_tcase(suite, groups);
	return suite_run(suite);
}

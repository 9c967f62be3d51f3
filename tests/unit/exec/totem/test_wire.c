/* SPDX-License-Identifier: BSD-3-Clause */
/* The codec, tested with captured packets in both byte orders, and with these cut at every length. */
#include "wire_case.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/vectors.h"

static const char *const files[] = {"04-join.hex", "04-commit-token.hex", "04-token.hex", "04-merge-detect.hex",
	"04-hold-cancel.hex", "04-mcast.hex", "04-mcast-fragments.hex", "04-mcast-recovery.hex"};
#define FILE_COUNT ((int)(sizeof(files) / sizeof(files[0])))

static size_t encode_join(const struct wire_join *join, bool swap, uint8_t *out, size_t capacity)
{
	uint32_t proc[WIRE_NODES_MAX];
	uint32_t failed[WIRE_NODES_MAX];

	for (uint32_t i = 0; i < join->proc_count; i++)
		proc[i] = wire_join_proc(join, i);
	for (uint32_t i = 0; i < join->failed_count; i++)
		failed[i] = wire_join_failed(join, i);
	return wire_encode_join(join->header_nodeid, join->system_from, join->ring_seq, proc, join->proc_count, failed,
		join->failed_count, join->features, swap, out, capacity);
}

static size_t encode_commit(
	const struct wire_commit_token *commit, uint32_t target, bool swap, uint8_t *out, size_t capacity)
{
	uint32_t addr[WIRE_NODES_MAX];
	struct wire_commit_entry entries[WIRE_NODES_MAX];
	uint64_t features[WIRE_NODES_MAX];

	for (uint32_t i = 0; i < commit->count; i++) {
		addr[i] = wire_commit_addr(commit, i);
		entries[i] = wire_commit_entry(commit, i);
		features[i] = wire_commit_features(commit, i);
	}
	return wire_encode_commit_token(
		commit, addr, entries, commit->has_features ? features : NULL, target, swap, out, capacity);
}

static size_t encode(
	const struct wire_header *header, const union packet *packet, bool swap, uint8_t *out, size_t capacity)
{
	size_t size;

	switch (header->type) {
	case WIRE_TOKEN:
		return wire_encode_token(&packet->token, header->target, swap, out, capacity);
	case WIRE_MCAST:
		size = wire_encode_mcast_header(&packet->mcast, swap, out, capacity);
		if (size == 0 || capacity - size < packet->mcast.payload_size)
			return 0;
		if (packet->mcast.payload_size > 0)
			memcpy(out + size, packet->mcast.payload, packet->mcast.payload_size);
		return size + packet->mcast.payload_size;
	case WIRE_MERGE_DETECT:
		return wire_encode_merge_detect(&packet->merge, swap, out, capacity);
	case WIRE_JOIN:
		return encode_join(&packet->join, swap, out, capacity);
	case WIRE_COMMIT_TOKEN:
		return encode_commit(&packet->commit, header->target, swap, out, capacity);
	case WIRE_HOLD_CANCEL:
		return wire_encode_hold_cancel(&packet->cancel, swap, out, capacity);
	}
	ck_abort_msg("type %d", (int)header->type);
}

/* --- results of the decoders, compared with the tables of the vectors --- */

struct table {
	const struct vector *vector;
	size_t next;
};

static void expect_text(struct table *table, const char *name, const char *text)
{
	const struct vector *vector = table->vector;

	ck_assert_msg(table->next < vector->field_count, "%s: %s is not in the table", vector->title, name);

	const struct vector_field *field = &vector->fields[table->next++];

	ck_assert_msg(
		strcmp(field->name, name) == 0, "%s: %s where the table has %s", vector->title, name, field->name);
	if (text != NULL)
		ck_assert_msg(strncmp(field->text, text, strlen(text)) == 0, "%s: %s = %s, the table says %s",
			vector->title, name, text, field->text);
}

static void expect(struct table *table, const char *name, uint64_t value)
{
	expect_text(table, name, NULL);

	const struct vector_field *field = &table->vector->fields[table->next - 1];

	ck_assert_msg(field->number == value, "%s: %s = %" PRIu64 ", the table says %s", table->vector->title, name,
		value, field->text);
}

static void expect_at(struct table *table, const char *list, uint32_t i, const char *member, uint64_t value)
{
	char name[64];

	snprintf(name, sizeof(name), "%s[%u]%s", list, i, member);
	expect(table, name, value);
}

static void expect_ring(struct table *table, const struct ring_id *ring)
{
	expect(table, "ring_id.rep", ring->rep);
	expect(table, "ring_id.seq", ring->seq);
}

static void expect_header(struct table *table, const char *prefix, const struct wire_header *header)
{
	static const char *const names[] = {"magic", "version", "type", "encapsulated", "nodeid", "target_nodeid"};
	uint64_t values[] = {
		WIRE_MAGIC, WIRE_VERSION, header->type, header->encapsulated, header->nodeid, header->target};
	char name[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(name, sizeof(name), "%sheader.%s", prefix, names[i]);
		expect(table, name, values[i]);
	}
}

static void expect_token(struct table *table, const struct wire_token *token)
{
	expect(table, "seq", token->seq);
	expect(table, "token_seq", token->token_seq);
	expect(table, "aru", token->aru);
	expect(table, "aru_addr", token->aru_addr);
	expect_ring(table, &token->ring);
	expect(table, "backlog", token->backlog);
	expect(table, "fcc", token->fcc);
	expect(table, "retrans_flg", token->retrans_flg);
	expect(table, "rtr_list_entries", token->rtr_count);
	for (uint32_t i = 0; i < token->rtr_count; i++) {
		expect_at(table, "rtr_list", i, ".ring_id.rep", token->rtr[i].ring.rep);
		expect_at(table, "rtr_list", i, ".ring_id.seq", token->rtr[i].ring.seq);
		expect_at(table, "rtr_list", i, ".seq", token->rtr[i].seq);
	}
}

static void expect_join(struct table *table, const struct wire_join *join)
{
	expect(table, "system_from.nodeid", join->system_from);
	expect(table, "proc_list_entries", join->proc_count);
	expect(table, "failed_list_entries", join->failed_count);
	expect(table, "ring_seq", join->ring_seq);
	for (uint32_t i = 0; i < join->proc_count; i++)
		expect_at(table, "proc_list", i, "", wire_join_proc(join, i));
	for (uint32_t i = 0; i < join->failed_count; i++)
		expect_at(table, "failed_list", i, "", wire_join_failed(join, i));
	ck_assert_uint_eq(join->features, 0);
}

static void expect_commit(struct table *table, const struct wire_commit_token *commit)
{
	expect(table, "token_seq", commit->token_seq);
	expect_ring(table, &commit->ring);
	expect(table, "retrans_flg", commit->retrans_flg);
	expect(table, "memb_index", commit->memb_index);
	expect(table, "addr_entries", commit->count);
	for (uint32_t i = 0; i < commit->count; i++)
		expect_at(table, "addr", i, "", wire_commit_addr(commit, i));
	for (uint32_t i = 0; i < commit->count; i++) {
		struct wire_commit_entry entry = wire_commit_entry(commit, i);

		expect_at(table, "memb_list", i, ".ring_id.rep", entry.ring.rep);
		expect_at(table, "memb_list", i, ".ring_id.seq", entry.ring.seq);
		expect_at(table, "memb_list", i, ".aru", entry.aru);
		expect_at(table, "memb_list", i, ".high_delivered", entry.high_delivered);
		expect_at(table, "memb_list", i, ".received_flg", entry.received_flg);
	}
	ck_assert(!commit->has_features);
}

/* Check the group prefix and the payload of the message that starts here against the table. */
static void expect_message(struct table *table, uint32_t i, const uint8_t *bytes, size_t size, bool is_swapped)
{
	struct wire_group_name name;
	uint32_t count;
	size_t prefix = wire_decode_groups(bytes, size, is_swapped, &name, 1, &count);
	char text[64];

	ck_assert_uint_eq(count, 1);
	expect_at(table, "msg", i, ".group_count", count);
	expect_at(table, "msg", i, ".group_len[0]", name.length);
	snprintf(text, sizeof(text), "'%.*s'", (int)name.length, (const char *)name.bytes);

	char field[64];

	snprintf(field, sizeof(field), "msg[%u].group_name[0]", i);
	expect_text(table, field, text);
	expect_at(table, "msg", i, ".payload", size - prefix);
}

static void expect_packet(struct table *table, const struct wire_mcast *mcast)
{
	struct wire_packet packet;

	ck_assert_int_eq(wire_decode_packet(mcast->payload, mcast->payload_size, mcast->is_swapped, &packet), WIRE_OK);
	expect(table, "pg.version", 0);
	expect(table, "pg.type", 0);
	expect(table, "pg.fragmented", packet.fragmented);
	expect(table, "pg.continuation", packet.continuation);
	expect(table, "pg.msg_count", packet.part_count);
	for (uint32_t i = 0; i < packet.part_count; i++)
		expect_at(table, "pg.msg_len", i, "", wire_packet_length(&packet, i));

	const uint8_t *at = packet.data;

	for (uint32_t i = 0; i < packet.part_count; i++) {
		uint16_t size = wire_packet_length(&packet, i);

		if (i == 0 && packet.continuation != 0)
			expect_at(table, "msg", i, ".continuation data", size);
		else
			expect_message(table, i, at, size, packet.is_swapped);
		at += size;
	}
	ck_assert_ptr_eq(at, mcast->payload + mcast->payload_size);
}

static void expect_mcast(struct table *table, const struct wire_mcast *mcast)
{
	struct wire_header header;
	struct wire_mcast inner;

	expect(table, "system_from.nodeid", mcast->system_from);
	expect(table, "seq", mcast->seq);
	expect(table, "this_seqno", mcast->this_seqno);
	expect_ring(table, &mcast->ring);
	expect(table, "node_id", mcast->node_id);
	expect(table, "guarantee", mcast->guarantee);
	if (mcast->encapsulated == 2) {
		expect_packet(table, mcast);
		return;
	}
	ck_assert_int_eq(wire_decode_header(mcast->payload, mcast->payload_size, &header), WIRE_OK);
	expect_header(table, "inner.", &header);
	ck_assert_int_eq(wire_decode_mcast(mcast->payload, mcast->payload_size, &inner), WIRE_OK);
	ck_assert_uint_eq(inner.encapsulated, 2);
	expect_mcast(table, &inner);
}

static void expect_vector(const struct vector *vector, const struct wire_header *header, const union packet *packet)
{
	struct table table = {.vector = vector};

	expect_header(&table, "", header);
	switch (header->type) {
	case WIRE_TOKEN:
		expect_token(&table, &packet->token);
		break;
	case WIRE_MCAST:
		expect_mcast(&table, &packet->mcast);
		break;
	case WIRE_MERGE_DETECT:
		expect(&table, "system_from.nodeid", packet->merge.system_from);
		expect_ring(&table, &packet->merge.ring);
		break;
	case WIRE_JOIN:
		expect_join(&table, &packet->join);
		break;
	case WIRE_COMMIT_TOKEN:
		expect_commit(&table, &packet->commit);
		break;
	case WIRE_HOLD_CANCEL:
		ck_assert_uint_eq(packet->cancel.nodeid, header->nodeid);
		expect_ring(&table, &packet->cancel.ring);
		break;
	}
	ck_assert_msg(table.next == vector->field_count, "%s: %s was not decoded", vector->title,
		vector->fields[table.next].name);
}

static bool keeps_target(enum wire_type type) { return type == WIRE_TOKEN || type == WIRE_COMMIT_TOKEN; }

START_TEST(vectors_decode_to_their_tables)
{
	size_t count;
	struct vector *vectors = vectors_load(files[_i], &count);

	for (size_t i = 0; i < count; i++) {
		uint8_t *bytes = exact(vectors[i].bytes, vectors[i].size);
		struct wire_header header;
		union packet packet;

		ck_assert_msg(
			decode(bytes, vectors[i].size, &header, &packet) == WIRE_OK, "%s: refused", vectors[i].title);
		expect_vector(&vectors[i], &header, &packet);
		free(bytes);
	}
	free(vectors);
}
END_TEST

START_TEST(vectors_encode_to_the_same_bytes)
{
	size_t count;
	struct vector *vectors = vectors_load(files[_i], &count);

	for (size_t i = 0; i < count; i++) {
		struct vector *vector = &vectors[i];
		struct wire_header header;
		union packet packet;
		uint8_t out[VECTOR_SIZE_MAX];

		ck_assert_int_eq(decode(vector->bytes, vector->size, &header, &packet), WIRE_OK);

		size_t size = encode(&header, &packet, header.is_swapped, out, sizeof(out));

		ck_assert_msg(size == vector->size, "%s: %zu bytes", vector->title, size);
		/* The encoder writes 0 into this field of other packets, but the captures have random bytes there. */
		if (!keeps_target(header.type))
			memset(vector->bytes + 9, 0, 4);
		ck_assert_msg(memcmp(out, vector->bytes, size) == 0, "%s: differs", vector->title);
	}
	free(vectors);
}
END_TEST

/* Convert each packet to the other byte order and back. The values must stay the same. */
START_TEST(vectors_survive_the_other_byte_order)
{
	size_t count;
	struct vector *vectors = vectors_load(files[_i], &count);

	for (size_t i = 0; i < count; i++) {
		struct vector *vector = &vectors[i];
		struct wire_header header;
		struct wire_header swapped_header;
		union packet packet;
		union packet swapped;
		uint8_t out[VECTOR_SIZE_MAX];
		uint8_t back[VECTOR_SIZE_MAX];

		ck_assert_int_eq(decode(vector->bytes, vector->size, &header, &packet), WIRE_OK);

		size_t size = encode(&header, &packet, !header.is_swapped, out, sizeof(out));

		ck_assert_uint_eq(size, vector->size);
		ck_assert_int_eq(out[0], vector->bytes[1]);
		ck_assert_int_eq(decode(out, size, &swapped_header, &swapped), WIRE_OK);
		ck_assert_int_eq(swapped_header.is_swapped, !header.is_swapped);
		swapped_header.target = header.target;
		if (header.type != WIRE_MCAST) {
			/* The payload stays in its originator's byte order. */
			expect_vector(vector, &swapped_header, &swapped);
		}
		size = encode(&swapped_header, &swapped, header.is_swapped, back, sizeof(back));
		if (!keeps_target(header.type))
			memset(vector->bytes + 9, 0, 4);
		ck_assert_uint_eq(size, vector->size);
		ck_assert_msg(memcmp(back, vector->bytes, size) == 0, "%s: differs", vector->title);
	}
	free(vectors);
}
END_TEST

/* Return how many bytes a packet of this kind needs. The bytes behind these may be missing. */
static size_t size_needed(const struct vector *vector, const struct wire_header *header, const union packet *packet)
{
	if (header->type != WIRE_MCAST)
		return vector->size;
	return packet->mcast.encapsulated == 1 ? 90 : 45;
}

START_TEST(vectors_are_refused_at_every_truncation)
{
	size_t count;
	struct vector *vectors = vectors_load(files[_i], &count);

	for (size_t i = 0; i < count; i++) {
		const struct vector *vector = &vectors[i];
		struct wire_header header;
		union packet packet;

		ck_assert_int_eq(decode(vector->bytes, vector->size, &header, &packet), WIRE_OK);

		size_t needed = size_needed(vector, &header, &packet);

		for (size_t size = 0; size < vector->size; size++) {
			uint8_t *bytes = exact(vector->bytes, size);
			struct wire_packet part;
			enum wire_refusal refusal = decode(bytes, size, &header, &packet);

			ck_assert_msg((refusal == WIRE_OK) == (size >= needed), "%s: %zu bytes: %d", vector->title,
				size, (int)refusal);
			if (refusal == WIRE_OK && packet.mcast.encapsulated == 2)
				ck_assert_msg(wire_decode_packet(packet.mcast.payload, packet.mcast.payload_size, false,
						      &part) != WIRE_OK,
					"%s: payload of %zu bytes", vector->title, size - 45);
			free(bytes);
		}
	}
	free(vectors);
}
END_TEST

/* At each capacity each encoder must write the whole packet or nothing, and never beyond the buffer. */
START_TEST(encoders_respect_the_capacity)
{
	size_t count;
	struct vector *vectors = vectors_load(files[_i], &count);

	for (size_t i = 0; i < count; i++) {
		const struct vector *vector = &vectors[i];
		struct wire_header header;
		union packet packet;

		ck_assert_int_eq(decode(vector->bytes, vector->size, &header, &packet), WIRE_OK);
		for (size_t capacity = 0; capacity <= vector->size; capacity++) {
			uint8_t *out = exact(vector->bytes, capacity);
			size_t size = encode(&header, &packet, false, out, capacity);

			ck_assert_msg(size == (capacity < vector->size ? 0 : capacity), "%s: capacity %zu gave %zu",
				vector->title, capacity, size);
			free(out);
		}
	}
	free(vectors);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *vectors = tcase_create("vectors");

	tcase_add_loop_test(vectors, vectors_decode_to_their_tables, 0, FILE_COUNT);
	tcase_add_loop_test(vectors, vectors_encode_to_the_same_bytes, 0, FILE_COUNT);
	tcase_add_loop_test(vectors, vectors_survive_the_other_byte_order, 0, FILE_COUNT);
	tcase_add_loop_test(vectors, vectors_are_refused_at_every_truncation, 0, FILE_COUNT);
	tcase_add_loop_test(vectors, encoders_respect_the_capacity, 0, FILE_COUNT);
	suite_add_tcase(suite, vectors);
	return suite_run(suite);
}

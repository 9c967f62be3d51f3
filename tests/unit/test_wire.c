/* The codec against captured packets, every truncation, every limit, and both byte orders. */
#include "exec/totem/wire.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/totem/cursor.h"
#include "vectors.h"

static const char *const files[] = {"04-join.hex", "04-commit-token.hex", "04-token.hex",
	"04-merge-detect.hex", "04-hold-cancel.hex", "04-mcast.hex", "04-mcast-fragments.hex",
	"04-mcast-recovery.hex"};
#define FILE_COUNT ((int)(sizeof(files) / sizeof(files[0])))

/* An id in both kinds of lists, and one that differs from its swapped form. */
#define SOME_ID 0x01020304u

/* A copy that ends where the allocation ends, so that a sanitizer sees one byte too many. */
static uint8_t *exact(const void *bytes, size_t size)
{
	uint8_t *copy = malloc(size == 0 ? 1 : size);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, size);
	return copy;
}

/* --- one packet of any type --- */

union packet {
	struct wire_token token;
	struct wire_mcast mcast;
	struct wire_merge_detect merge;
	struct wire_join join;
	struct wire_commit_token commit;
	struct wire_hold_cancel cancel;
};

static enum wire_refusal decode(const uint8_t *bytes, size_t size, struct wire_header *header,
	union packet *packet)
{
	enum wire_refusal refusal = wire_decode_header(bytes, size, header);

	if (refusal != WIRE_OK)
		return refusal;
	switch (header->type) {
	case WIRE_TOKEN:
		return wire_decode_token(bytes, size, &packet->token);
	case WIRE_MCAST:
		return wire_decode_mcast(bytes, size, &packet->mcast);
	case WIRE_MERGE_DETECT:
		return wire_decode_merge_detect(bytes, size, &packet->merge);
	case WIRE_JOIN:
		return wire_decode_join(bytes, size, &packet->join);
	case WIRE_COMMIT_TOKEN:
		return wire_decode_commit_token(bytes, size, &packet->commit);
	case WIRE_HOLD_CANCEL:
		return wire_decode_hold_cancel(bytes, size, &packet->cancel);
	}
	ck_abort_msg("type %d accepted", (int)header->type);
}

static size_t encode_join(const struct wire_join *join, bool swap, uint8_t *out, size_t capacity)
{
	uint32_t proc[WIRE_NODES_MAX];
	uint32_t failed[WIRE_NODES_MAX];

	for (uint32_t i = 0; i < join->proc_count; i++)
		proc[i] = wire_join_proc(join, i);
	for (uint32_t i = 0; i < join->failed_count; i++)
		failed[i] = wire_join_failed(join, i);
	return wire_encode_join(join->header_nodeid, join->system_from, join->ring_seq, proc,
		join->proc_count, failed, join->failed_count, join->features, swap, out, capacity);
}

static size_t encode_commit(const struct wire_commit_token *commit, uint32_t target, bool swap,
	uint8_t *out, size_t capacity)
{
	uint32_t addr[WIRE_NODES_MAX];
	struct wire_commit_entry entries[WIRE_NODES_MAX];
	uint64_t features[WIRE_NODES_MAX];

	for (uint32_t i = 0; i < commit->count; i++) {
		addr[i] = wire_commit_addr(commit, i);
		entries[i] = wire_commit_entry(commit, i);
		features[i] = wire_commit_features(commit, i);
	}
	return wire_encode_commit_token(commit, addr, entries,
		commit->has_features ? features : NULL, target, swap, out, capacity);
}

static size_t encode(const struct wire_header *header, const union packet *packet, bool swap,
	uint8_t *out, size_t capacity)
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

/* --- what the decoders found, in the words of the vectors' tables --- */

struct table {
	const struct vector *vector;
	size_t next;
};

static void expect_text(struct table *table, const char *name, const char *text)
{
	const struct vector *vector = table->vector;

	ck_assert_msg(table->next < vector->field_count, "%s: %s is not in the table", vector->title,
		name);

	const struct vector_field *field = &vector->fields[table->next++];

	ck_assert_msg(strcmp(field->name, name) == 0, "%s: %s where the table has %s", vector->title,
		name, field->name);
	if (text != NULL)
		ck_assert_msg(strncmp(field->text, text, strlen(text)) == 0,
			"%s: %s = %s, the table says %s", vector->title, name, text, field->text);
}

static void expect(struct table *table, const char *name, uint64_t value)
{
	expect_text(table, name, NULL);

	const struct vector_field *field = &table->vector->fields[table->next - 1];

	ck_assert_msg(field->number == value, "%s: %s = %" PRIu64 ", the table says %s",
		table->vector->title, name, value, field->text);
}

static void expect_at(struct table *table, const char *list, uint32_t i, const char *member,
	uint64_t value)
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
	static const char *const names[] = {"magic", "version", "type", "encapsulated", "nodeid",
		"target_nodeid"};
	uint64_t values[] = {WIRE_MAGIC, WIRE_VERSION, header->type, header->encapsulated,
		header->nodeid, header->target};
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

/* Group prefix and payload of the message that starts here, as the table shows it. */
static void expect_message(struct table *table, uint32_t i, const uint8_t *bytes, size_t size,
	bool is_swapped)
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

	ck_assert_int_eq(wire_decode_packet(mcast->payload, mcast->payload_size, mcast->is_swapped,
				 &packet),
		WIRE_OK);
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

static void expect_vector(const struct vector *vector, const struct wire_header *header,
	const union packet *packet)
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

static bool keeps_target(enum wire_type type)
{
	return type == WIRE_TOKEN || type == WIRE_COMMIT_TOKEN;
}

START_TEST(vectors_decode_to_their_tables)
{
	size_t count;
	struct vector *vectors = vectors_load(files[_i], &count);

	for (size_t i = 0; i < count; i++) {
		uint8_t *bytes = exact(vectors[i].bytes, vectors[i].size);
		struct wire_header header;
		union packet packet;

		ck_assert_msg(decode(bytes, vectors[i].size, &header, &packet) == WIRE_OK,
			"%s: refused", vectors[i].title);
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
		/* Of the others the field is always 0, where the captures have garbage. */
		if (!keeps_target(header.type))
			memset(vector->bytes + 9, 0, 4);
		ck_assert_msg(memcmp(out, vector->bytes, size) == 0, "%s: differs", vector->title);
	}
	free(vectors);
}
END_TEST

/* To the other byte order: other bytes, same values; and back again. */
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
			/* A payload stays in the order of its originator. */
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

/* Bytes that a packet of this kind cannot do without; what is behind them may be missing. */
static size_t size_needed(const struct vector *vector, const struct wire_header *header,
	const union packet *packet)
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

			ck_assert_msg((refusal == WIRE_OK) == (size >= needed), "%s: %zu bytes: %d",
				vector->title, size, (int)refusal);
			if (refusal == WIRE_OK && packet.mcast.encapsulated == 2)
				ck_assert_msg(wire_decode_packet(packet.mcast.payload,
						packet.mcast.payload_size, false, &part) != WIRE_OK,
					"%s: payload of %zu bytes", vector->title, size - 45);
			free(bytes);
		}
	}
	free(vectors);
}
END_TEST

/* Every encoder, at every capacity, writes all or nothing and never beyond. */
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

			ck_assert_msg(size == (capacity < vector->size ? 0 : capacity),
				"%s: capacity %zu gave %zu", vector->title, capacity, size);
			free(out);
		}
	}
	free(vectors);
}
END_TEST

/* --- limits: a good packet with one field changed --- */

enum good {
	GOOD_TOKEN,
	GOOD_MCAST,
	GOOD_RECOVERY,
	GOOD_MERGE_DETECT,
	GOOD_JOIN,
	GOOD_LEAVE,
	GOOD_COMMIT,
	GOOD_HOLD_CANCEL,
};

#define LARGE 70000u

/* A packet of the kind with size bytes in all, as large as its counts say or longer. */
static void make_good(enum good good, bool swap, uint8_t out[LARGE])
{
	struct wire_token token = {.nodeid = SOME_ID, .rtr_count = 2};
	struct wire_mcast mcast = {.nodeid = SOME_ID, .system_from = SOME_ID, .encapsulated = 2};
	struct wire_merge_detect merge = {.system_from = SOME_ID};
	struct wire_hold_cancel cancel = {.nodeid = SOME_ID};
	struct wire_commit_token commit = {.nodeid = 1, .count = 3, .memb_index = 1};
	static const uint32_t ids[] = {1, 2, 3};
	static const struct wire_commit_entry entries[3];
	size_t size = 0;

	memset(out, 0, LARGE);
	switch (good) {
	case GOOD_TOKEN:
		size = wire_encode_token(&token, 0, swap, out, LARGE);
		break;
	case GOOD_MCAST:
		size = wire_encode_mcast_header(&mcast, swap, out, LARGE);
		break;
	case GOOD_RECOVERY:
		mcast.encapsulated = 1;
		size = wire_encode_mcast_header(&mcast, swap, out, LARGE);
		break;
	case GOOD_MERGE_DETECT:
		size = wire_encode_merge_detect(&merge, swap, out, LARGE);
		break;
	case GOOD_JOIN:
		size = wire_encode_join(1, 1, 5, ids, 3, ids, 1, 0, swap, out, LARGE);
		break;
	case GOOD_LEAVE:
		size = wire_encode_join(0, 1, 5, ids, 3, ids, 1, 0, swap, out, LARGE);
		break;
	case GOOD_COMMIT:
		size = wire_encode_commit_token(
			&commit, ids, entries, NULL, 0, swap, out, LARGE);
		break;
	case GOOD_HOLD_CANCEL:
		size = wire_encode_hold_cancel(&cancel, swap, out, LARGE);
		break;
	}
	ck_assert_uint_gt(size, 0);
}

struct limit {
	const char *name;
	enum good good;
	size_t size;   /* given to the decoder */
	size_t offset; /* of the field; with width 0 nothing is changed */
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

START_TEST(limits_of_every_field)
{
	bool swap = _i == 1;
	static uint8_t made[LARGE];

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const struct limit *limit = &limits[i];
		struct cursor_out field = {.at = made + limit->offset, .left = 4, .swap = swap};
		struct wire_header header;
		union packet packet;

		make_good(limit->good, swap, made);
		if (limit->width == 1)
			cursor_put_u8(&field, (uint8_t)limit->value);
		else if (limit->width == 2)
			cursor_put_u16(&field, (uint16_t)limit->value);
		else if (limit->width == 4)
			cursor_put_u32(&field, limit->value);

		uint8_t *bytes = exact(made, limit->size);
		enum wire_refusal refusal = decode(bytes, limit->size, &header, &packet);

		ck_assert_msg(refusal == limit->want, "%s: %d instead of %d", limit->name,
			(int)refusal, (int)limit->want);
		free(bytes);
	}
}
END_TEST

START_TEST(a_decoder_refuses_another_type)
{
	static uint8_t made[LARGE];
	union packet packet;

	make_good(GOOD_COMMIT, false, made);
	ck_assert_int_eq(wire_decode_token(made, 125, &packet.token), WIRE_BAD_TYPE);
	ck_assert_int_eq(wire_decode_mcast(made, 125, &packet.mcast), WIRE_BAD_TYPE);
	ck_assert_int_eq(wire_decode_merge_detect(made, 125, &packet.merge), WIRE_BAD_TYPE);
	ck_assert_int_eq(wire_decode_join(made, 125, &packet.join), WIRE_BAD_TYPE);
	ck_assert_int_eq(wire_decode_hold_cancel(made, 125, &packet.cancel), WIRE_BAD_TYPE);
	make_good(GOOD_TOKEN, false, made);
	ck_assert_int_eq(wire_decode_commit_token(made, 125, &packet.commit), WIRE_BAD_TYPE);
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
		entries[i] = (struct wire_commit_entry){
			.ring = {.rep = i, .seq = UINT64_MAX - i}, .aru = i + 1};
		features[i] = i == 0 ? 0 : WIRE_FEATURE_FILLED | i;
	}

	size_t size = wire_encode_commit_token(
		&head, addr, entries, features, 9, _i == 1, out, sizeof(out));

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

/* --- trailers --- */

static uint64_t join_features(const uint8_t *bytes, size_t size)
{
	struct wire_join join;

	ck_assert_int_eq(wire_decode_join(bytes, size, &join), WIRE_OK);
	return join.features;
}

START_TEST(a_token_carries_a_window)
{
	static const struct wire_token plain = {.nodeid = 3, .seq = 9, .ring = {.rep = 1, .seq = 4},
		.rtr_count = 1, .rtr = {{.ring = {.rep = 1, .seq = 4}, .seq = 8}}};
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
	out[73]++; /* another magic: whatever it is, it is not ours */
	ck_assert_int_eq(wire_decode_token(out, size, &decoded), WIRE_OK);
	ck_assert_uint_eq(decoded.window, 0);
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

	size_t size = wire_encode_join(
		3, 3, 9, ids, 2, NULL, 0, WIRE_FEATURE_SAFE, swap, out, sizeof(out));

	ck_assert_uint_eq(size, plain + 16);
	ck_assert_uint_eq(join_features(out, size), WIRE_FEATURE_SAFE | WIRE_FEATURE_FILLED);
	for (size_t cut = plain; cut < size; cut++) {
		uint8_t *bytes = exact(out, cut);

		ck_assert_uint_eq(join_features(bytes, cut), 0);
		free(bytes);
	}

	struct cursor_out entry = {.at = out + plain + 8, .left = 8, .swap = swap};

	struct cursor_out count = {.at = out + plain + 4, .left = 4, .swap = swap};

	out[plain]++; /* another magic */
	ck_assert_uint_eq(join_features(out, size), 0);
	out[plain]--;
	cursor_put_u64(&entry, WIRE_FEATURE_SAFE); /* not marked as filled in: not known */
	ck_assert_uint_eq(join_features(out, size), 0);
	entry = (struct cursor_out){.at = out + plain + 8, .left = 8, .swap = swap};
	cursor_put_u64(&entry, WIRE_FEATURE_FILLED);
	ck_assert_uint_eq(join_features(out, size), WIRE_FEATURE_FILLED);
	cursor_put_u32(&count, 2); /* of which one is there */
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
	size_t size = wire_encode_commit_token(
		&head, ids, entries, features, 2, swap, out, sizeof(out));

	ck_assert_uint_eq(size, 125 + 32);
	ck_assert_int_eq(wire_decode_commit_token(out, size, &commit), WIRE_OK);
	ck_assert(commit.has_features);
	ck_assert_uint_eq(wire_commit_features(&commit, 0), 0);
	ck_assert_uint_eq(wire_commit_features(&commit, 1), WIRE_FEATURE_FILLED);
	ck_assert_uint_eq(wire_commit_features(&commit, 2), 0); /* not marked as filled in */
	for (size_t cut = 125; cut < size; cut++) {
		uint8_t *bytes = exact(out, cut);

		ck_assert_int_eq(wire_decode_commit_token(bytes, cut, &commit), WIRE_OK);
		ck_assert(!commit.has_features);
		ck_assert_uint_eq(wire_commit_features(&commit, 1), 0);
		free(bytes);
	}
	/* A trailer for another number of members is not one of this packet. */
	out[125 + (swap ? 7 : 4)]--;
	ck_assert_int_eq(wire_decode_commit_token(out, size, &commit), WIRE_OK);
	ck_assert(!commit.has_features);
}
END_TEST

/* --- group layer --- */

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

static bool is_big_endian(void)
{
	return bytes_u16((const uint8_t *)"\0\1", false) == 1;
}

START_TEST(packets_add_up)
{
	for (size_t i = 0; i < sizeof(packet_cases) / sizeof(packet_cases[0]); i++) {
		const struct packet_case *row = &packet_cases[i];
		uint8_t *bytes = exact(row->bytes, row->size);
		struct wire_packet packet;
		enum wire_refusal refusal =
			wire_decode_packet(bytes, row->size, is_big_endian(), &packet);

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
	uint32_t count;    /* with room for two names */
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
		size_t prefix = wire_decode_groups(
			bytes, row->size, is_big_endian(), names, 2, &count);

		ck_assert_msg(prefix == row->prefix && count == row->count,
			"%s: prefix %zu, %u names", row->name, prefix, count);
		for (uint32_t name = 0; name < count; name++)
			ck_assert_msg(names[name].bytes >= bytes &&
					names[name].bytes + names[name].length <= bytes + prefix,
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

	ck_assert_uint_eq(
		wire_decode_groups(big, sizeof(big), !is_big_endian(), &name, 1, &count), 8);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(name.length, 4);
	ck_assert_mem_eq(name.bytes, "sync", 4);
}
END_TEST

/* A merge detect to everybody else: its first 29 bytes are one, and the rest is no part of it. */
START_TEST(a_probe_is_a_merge_detect_with_more)
{
	const struct wire_probe probe = {.system_from = 2, .ring = {1, 0x35},
		.kind = (enum wire_probe_kind)(_i + WIRE_PROBE_QUESTION), .number = UINT64_MAX - 5};
	struct wire_merge_detect merge;
	struct wire_probe again;
	uint8_t bytes[WIRE_PROBE_SIZE];

	for (int swap = 0; swap < 2; swap++) {
		ck_assert_uint_eq(wire_encode_probe(&probe, 3, swap != 0, bytes, sizeof(bytes) - 1), 0);
		ck_assert_uint_eq(
			wire_encode_probe(&probe, 3, swap != 0, bytes, sizeof(bytes)), sizeof(bytes));
		ck_assert_int_eq(wire_decode_merge_detect(bytes, sizeof(bytes), &merge), WIRE_OK);
		ck_assert_uint_eq(merge.system_from, 2);
		ck_assert(ring_id_equal(&merge.ring, &probe.ring));
		ck_assert(wire_decode_probe(bytes, sizeof(bytes), &again));
		ck_assert_uint_eq(again.system_from, 2);
		ck_assert_int_eq(again.kind, probe.kind);
		ck_assert(again.number == probe.number);
		for (size_t size = 0; size < sizeof(bytes); size++)
			ck_assert(!wire_decode_probe(bytes, size, &again));
		for (size_t at = 29; at < 37; at++) { /* magic and kind */
			bytes[at] ^= 0x40;
			ck_assert(!wire_decode_probe(bytes, sizeof(bytes), &again));
			bytes[at] ^= 0x40;
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *vectors = tcase_create("vectors");
	TCase *bounds = tcase_create("bounds");
	TCase *groups = tcase_create("groups");

	suite_add_tcase(suite, vectors);
	tcase_add_loop_test(vectors, vectors_decode_to_their_tables, 0, FILE_COUNT);
	tcase_add_loop_test(vectors, vectors_encode_to_the_same_bytes, 0, FILE_COUNT);
	tcase_add_loop_test(vectors, vectors_survive_the_other_byte_order, 0, FILE_COUNT);
	tcase_add_loop_test(vectors, vectors_are_refused_at_every_truncation, 0, FILE_COUNT);
	tcase_add_loop_test(vectors, encoders_respect_the_capacity, 0, FILE_COUNT);
	suite_add_tcase(suite, bounds);
	tcase_add_loop_test(bounds, limits_of_every_field, 0, 2);
	tcase_add_test(bounds, a_decoder_refuses_another_type);
	tcase_add_loop_test(bounds, a_probe_is_a_merge_detect_with_more, 0, 3);
	tcase_add_loop_test(bounds, the_largest_commit_token, 0, 2);
	tcase_add_loop_test(bounds, a_token_carries_a_window, 0, 2);
	tcase_add_loop_test(bounds, a_join_carries_features, 0, 2);
	tcase_add_loop_test(bounds, a_commit_token_carries_features, 0, 2);
	suite_add_tcase(suite, groups);
	tcase_add_test(groups, packets_add_up);
	tcase_add_loop_test(groups, a_packet_in_both_byte_orders, 0, 2);
	tcase_add_test(groups, group_prefixes);
	tcase_add_test(groups, group_names_in_the_other_byte_order);

	SRunner *runner = srunner_create(suite);

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);

	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

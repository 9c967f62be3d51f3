/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The wire format (docs/protocol/wire.md) and Coterie's trailers (book extensions, "Trailers"). Only this file knows
 * offsets in packets.
 */
#include "exec/totem/wire.h"

#include <assert.h>

#include "exec/totem/cursor.h"

/* Fixed sizes: book wire, "Header". */
#define TOKEN_SIZE 57u
#define RTR_SIZE 16u
#define MERGE_DETECT_SIZE 29u
#define JOIN_SIZE 33u
#define COMMIT_SIZE 41u
#define COMMIT_ENTRY_SIZE 24u
#define HOLD_CANCEL_SIZE 25u
#define TRAILER_SIZE 8u
#define ADDR_SIZE 4u
#define FEATURES_SIZE 8u

/* Corosync drops longer packets (book wire, "Token"). */
#define TOKEN_SIZE_RECEIVED_MAX 1500u
#define COMMIT_SIZE_RECEIVED_MAX 40000u

#define ENCAPSULATED_YES 1u
#define ENCAPSULATED_NO 2u

_Static_assert(TOKEN_SIZE + RTR_SIZE * WIRE_RTR_MAX + WIRE_WINDOW_SIZE == WIRE_TOKEN_SIZE_MAX, "token size");

static struct cursor cursor_over(const uint8_t *bytes, size_t size, bool swap)
{
	return (struct cursor){.at = bytes, .left = size, .swap = swap};
}

static struct ring_id read_ring_id(struct cursor *in)
{
	struct ring_id id;

	id.rep = cursor_u32(in);
	id.seq = cursor_u64(in);
	return id;
}

static void write_ring_id(struct cursor_out *out, const struct ring_id *id)
{
	cursor_put_u32(out, id->rep);
	cursor_put_u64(out, id->seq);
}

enum wire_refusal wire_decode_header(const uint8_t *bytes, size_t size, struct wire_header *header)
{
	if (size < WIRE_HEADER_SIZE)
		return WIRE_TOO_SHORT;

	struct cursor in = cursor_over(bytes, size, false);
	uint16_t magic = cursor_u16(&in);

	if (magic == __builtin_bswap16(WIRE_MAGIC))
		in.swap = true;
	else if (magic != WIRE_MAGIC)
		return WIRE_BAD_MAGIC;
	if (cursor_u8(&in) != WIRE_VERSION)
		return WIRE_BAD_VERSION;

	uint8_t type = cursor_u8(&in);

	if (type > WIRE_HOLD_CANCEL)
		return WIRE_BAD_TYPE;
	header->type = type;
	header->is_swapped = in.swap;
	header->encapsulated = cursor_u8(&in);
	header->nodeid = cursor_u32(&in);
	header->target = cursor_u32(&in);
	return WIRE_OK;
}

/* Read the header, and begin a cursor behind it. The caller has checked the packet's type. */
static enum wire_refusal begin(const uint8_t *bytes, size_t size, enum wire_type type, size_t size_min,
	struct wire_header *header, struct cursor *in)
{
	enum wire_refusal refusal = wire_decode_header(bytes, size, header);

	if (refusal != WIRE_OK)
		return refusal;
	if (header->type != type)
		return WIRE_BAD_TYPE;
	if (size < size_min)
		return WIRE_TOO_SHORT;
	*in = cursor_over(bytes + WIRE_HEADER_SIZE, size - WIRE_HEADER_SIZE, header->is_swapped);
	return WIRE_OK;
}

/*
 * Return the features of a trailer with exactly `count` entries, or NULL. Other bytes behind a packet are no error: a
 * receiver ignores them (book wire, "Header").
 */
static const uint8_t *read_trailer(struct cursor *in, uint32_t count)
{
	uint32_t magic = cursor_u32(in);

	if (magic != WIRE_TRAILER_MAGIC || cursor_u32(in) != count)
		return NULL;
	return cursor_take(in, (size_t)count * FEATURES_SIZE);
}

static uint64_t read_features(const uint8_t *bytes, bool swap)
{
	uint64_t features = bytes_u64(bytes, swap);

	return (features & WIRE_FEATURE_FILLED) == 0 ? 0 : features;
}

enum wire_refusal wire_decode_token(const uint8_t *bytes, size_t size, struct wire_token *token)
{
	struct wire_header header;
	struct cursor in;
	enum wire_refusal refusal = begin(bytes, size, WIRE_TOKEN, TOKEN_SIZE, &header, &in);

	if (refusal != WIRE_OK)
		return refusal;
	if (size > TOKEN_SIZE_RECEIVED_MAX)
		return WIRE_TOO_LONG;
	token->nodeid = header.nodeid;
	token->seq = cursor_u32(&in);
	token->token_seq = cursor_u32(&in);
	token->aru = cursor_u32(&in);
	token->aru_addr = cursor_u32(&in);
	token->ring = read_ring_id(&in);
	token->backlog = cursor_u32(&in);
	token->fcc = cursor_u32(&in);
	token->retrans_flg = cursor_u32(&in);
	token->rtr_count = cursor_u32(&in);
	if (token->rtr_count > WIRE_RTR_MAX || in.left < (size_t)token->rtr_count * RTR_SIZE)
		return WIRE_BAD_COUNT;
	for (uint32_t i = 0; i < token->rtr_count; i++) {
		token->rtr[i].ring = read_ring_id(&in);
		token->rtr[i].seq = cursor_u32(&in);
	}
	assert(!in.is_exhausted);
	token->window = token->resent = token->lingers = 0;
	if (in.left >= WIRE_WINDOW_SIZE && cursor_u32(&in) == WIRE_WINDOW_MAGIC) {
		token->window = cursor_u32(&in);
		token->resent = cursor_u32(&in);
		token->lingers = cursor_u32(&in);
	}
	return WIRE_OK;
}

enum wire_refusal wire_decode_mcast(const uint8_t *bytes, size_t size, struct wire_mcast *mcast)
{
	struct wire_header header;
	struct cursor in;
	enum wire_refusal refusal = begin(bytes, size, WIRE_MCAST, WIRE_MCAST_HEADER_SIZE, &header, &in);

	if (refusal != WIRE_OK)
		return refusal;
	if (size > WIRE_FRAME_SIZE_MAX)
		return WIRE_TOO_LONG;
	if (header.encapsulated != ENCAPSULATED_YES && header.encapsulated != ENCAPSULATED_NO)
		return WIRE_BAD_CONTENT;
	/* A frame of a recovery has a second header, that of the inner frame. */
	if (header.encapsulated == ENCAPSULATED_YES && size < 2 * WIRE_MCAST_HEADER_SIZE)
		return WIRE_TOO_SHORT;
	mcast->nodeid = header.nodeid;
	mcast->encapsulated = header.encapsulated;
	mcast->is_swapped = header.is_swapped;
	mcast->system_from = cursor_u32(&in);
	mcast->seq = cursor_u32(&in);
	mcast->this_seqno = cursor_u32(&in);
	mcast->ring = read_ring_id(&in);
	mcast->node_id = cursor_u32(&in);
	mcast->guarantee = cursor_u32(&in);
	mcast->payload_size = in.left;
	mcast->payload = cursor_take(&in, in.left);
	assert(!in.is_exhausted);
	return WIRE_OK;
}

enum wire_refusal wire_decode_merge_detect(const uint8_t *bytes, size_t size, struct wire_merge_detect *merge)
{
	struct wire_header header;
	struct cursor in;
	enum wire_refusal refusal = begin(bytes, size, WIRE_MERGE_DETECT, MERGE_DETECT_SIZE, &header, &in);

	if (refusal != WIRE_OK)
		return refusal;
	merge->system_from = cursor_u32(&in);
	merge->ring = read_ring_id(&in);
	assert(!in.is_exhausted);
	return WIRE_OK;
}

bool wire_decode_probe(const uint8_t *bytes, size_t size, struct wire_probe *probe)
{
	struct wire_header header;
	struct cursor in;

	if (begin(bytes, size, WIRE_MERGE_DETECT, WIRE_PROBE_SIZE, &header, &in) != WIRE_OK)
		return false;
	probe->system_from = cursor_u32(&in);
	probe->ring = read_ring_id(&in);

	uint32_t magic = cursor_u32(&in);
	uint32_t kind = cursor_u32(&in);

	probe->number = cursor_u64(&in);
	probe->kind = (enum wire_probe_kind)kind;
	assert(!in.is_exhausted);
	return magic == WIRE_PROBE_MAGIC && kind >= WIRE_PROBE_QUESTION && kind <= WIRE_PROBE_SILENT &&
	       header.nodeid == probe->system_from;
}

enum wire_refusal wire_decode_join(const uint8_t *bytes, size_t size, struct wire_join *join)
{
	struct wire_header header;
	struct cursor in;
	enum wire_refusal refusal = begin(bytes, size, WIRE_JOIN, JOIN_SIZE, &header, &in);

	if (refusal != WIRE_OK)
		return refusal;
	join->header_nodeid = header.nodeid;
	join->is_swapped = header.is_swapped;
	join->system_from = cursor_u32(&in);
	join->proc_count = cursor_u32(&in);
	join->failed_count = cursor_u32(&in);
	join->ring_seq = cursor_u64(&in);
	if (join->proc_count > WIRE_NODES_MAX || join->failed_count > WIRE_NODES_MAX)
		return WIRE_BAD_COUNT;
	join->proc = cursor_take(&in, (size_t)join->proc_count * ADDR_SIZE);
	join->failed = cursor_take(&in, (size_t)join->failed_count * ADDR_SIZE);
	if (in.is_exhausted)
		return WIRE_BAD_COUNT;
	/* A leave names its sender as the last failed node (book wire, "Join and leave"). */
	if (join->system_from == 0 || (join->header_nodeid == 0 && join->failed_count == 0))
		return WIRE_BAD_CONTENT;

	const uint8_t *features = read_trailer(&in, 1);

	join->features = features == NULL ? 0 : read_features(features, join->is_swapped);
	return WIRE_OK;
}

enum wire_refusal wire_decode_commit_token(const uint8_t *bytes, size_t size, struct wire_commit_token *commit)
{
	struct wire_header header;
	struct cursor in;
	enum wire_refusal refusal = begin(bytes, size, WIRE_COMMIT_TOKEN, COMMIT_SIZE, &header, &in);

	if (refusal != WIRE_OK)
		return refusal;
	if (size > COMMIT_SIZE_RECEIVED_MAX)
		return WIRE_TOO_LONG;
	commit->nodeid = header.nodeid;
	commit->is_swapped = header.is_swapped;
	commit->token_seq = cursor_u32(&in);
	commit->ring = read_ring_id(&in);
	commit->retrans_flg = cursor_u32(&in);
	commit->memb_index = cursor_u32(&in);
	commit->count = cursor_u32(&in);
	if (commit->count == 0 || commit->count > WIRE_NODES_MAX)
		return WIRE_BAD_COUNT;
	commit->addr = cursor_take(&in, (size_t)commit->count * ADDR_SIZE);
	commit->entries = cursor_take(&in, (size_t)commit->count * COMMIT_ENTRY_SIZE);
	if (in.is_exhausted)
		return WIRE_BAD_COUNT;
	if (commit->memb_index > commit->count)
		return WIRE_BAD_CONTENT;

	uint32_t previous = 0; /* 0, so that id 0 is refused as well */

	for (uint32_t i = 0; i < commit->count; i++) {
		uint32_t id = wire_commit_addr(commit, i);

		if (id <= previous)
			return WIRE_BAD_CONTENT;
		previous = id;
	}
	commit->features = read_trailer(&in, commit->count);
	commit->has_features = commit->features != NULL;
	return WIRE_OK;
}

enum wire_refusal wire_decode_hold_cancel(const uint8_t *bytes, size_t size, struct wire_hold_cancel *cancel)
{
	struct wire_header header;
	struct cursor in;
	enum wire_refusal refusal = begin(bytes, size, WIRE_HOLD_CANCEL, HOLD_CANCEL_SIZE, &header, &in);

	if (refusal != WIRE_OK)
		return refusal;
	cancel->nodeid = header.nodeid;
	cancel->ring = read_ring_id(&in);
	assert(!in.is_exhausted);
	return WIRE_OK;
}

uint32_t wire_join_proc(const struct wire_join *join, uint32_t i)
{
	assert(i < join->proc_count);
	return bytes_u32(join->proc + (size_t)i * ADDR_SIZE, join->is_swapped);
}

uint32_t wire_join_failed(const struct wire_join *join, uint32_t i)
{
	assert(i < join->failed_count);
	return bytes_u32(join->failed + (size_t)i * ADDR_SIZE, join->is_swapped);
}

uint32_t wire_commit_addr(const struct wire_commit_token *commit, uint32_t i)
{
	assert(i < commit->count);
	return bytes_u32(commit->addr + (size_t)i * ADDR_SIZE, commit->is_swapped);
}

struct wire_commit_entry wire_commit_entry(const struct wire_commit_token *commit, uint32_t i)
{
	assert(i < commit->count);

	struct cursor in = cursor_over(
		commit->entries + (size_t)i * COMMIT_ENTRY_SIZE, COMMIT_ENTRY_SIZE, commit->is_swapped);
	struct wire_commit_entry entry;

	entry.ring = read_ring_id(&in);
	entry.aru = cursor_u32(&in);
	entry.high_delivered = cursor_u32(&in);
	entry.received_flg = cursor_u32(&in);
	return entry;
}

uint64_t wire_commit_features(const struct wire_commit_token *commit, uint32_t i)
{
	assert(i < commit->count);
	if (!commit->has_features)
		return 0;
	return read_features(commit->features + (size_t)i * FEATURES_SIZE, commit->is_swapped);
}

/* --- encoders --- */

static struct cursor_out begin_out(enum wire_type type, uint8_t encapsulated, uint32_t nodeid, uint32_t target,
	bool swap, uint8_t *bytes, size_t capacity)
{
	struct cursor_out out = {.at = bytes, .left = capacity, .swap = swap};

	cursor_put_u16(&out, WIRE_MAGIC);
	cursor_put_u8(&out, WIRE_VERSION);
	cursor_put_u8(&out, (uint8_t)type);
	cursor_put_u8(&out, encapsulated);
	cursor_put_u32(&out, nodeid);
	cursor_put_u32(&out, target);
	return out;
}

static size_t finish_out(const struct cursor_out *out, size_t capacity)
{
	return out->is_exhausted ? 0 : capacity - out->left;
}

static void write_trailer(struct cursor_out *out, const uint64_t *features, uint32_t count)
{
	cursor_put_u32(out, WIRE_TRAILER_MAGIC);
	cursor_put_u32(out, count);
	for (uint32_t i = 0; i < count; i++)
		cursor_put_u64(out, features[i]);
}

size_t wire_encode_token(const struct wire_token *token, uint32_t target, bool swap, uint8_t *out, size_t capacity)
{
	assert(token->rtr_count <= WIRE_RTR_MAX);

	struct cursor_out to = begin_out(WIRE_TOKEN, 0, token->nodeid, target, swap, out, capacity);

	cursor_put_u32(&to, token->seq);
	cursor_put_u32(&to, token->token_seq);
	cursor_put_u32(&to, token->aru);
	cursor_put_u32(&to, token->aru_addr);
	write_ring_id(&to, &token->ring);
	cursor_put_u32(&to, token->backlog);
	cursor_put_u32(&to, token->fcc);
	cursor_put_u32(&to, token->retrans_flg);
	cursor_put_u32(&to, token->rtr_count);
	for (uint32_t i = 0; i < token->rtr_count; i++) {
		write_ring_id(&to, &token->rtr[i].ring);
		cursor_put_u32(&to, token->rtr[i].seq);
	}
	if (token->window != 0 || token->lingers != 0) {
		cursor_put_u32(&to, WIRE_WINDOW_MAGIC);
		cursor_put_u32(&to, token->window);
		cursor_put_u32(&to, token->resent);
		cursor_put_u32(&to, token->lingers);
	}
	return finish_out(&to, capacity);
}

size_t wire_encode_mcast_header(const struct wire_mcast *mcast, bool swap, uint8_t *out, size_t capacity)
{
	assert(mcast->encapsulated == ENCAPSULATED_YES || mcast->encapsulated == ENCAPSULATED_NO);

	struct cursor_out to = begin_out(WIRE_MCAST, mcast->encapsulated, mcast->nodeid, 0, swap, out, capacity);

	cursor_put_u32(&to, mcast->system_from);
	cursor_put_u32(&to, mcast->seq);
	cursor_put_u32(&to, mcast->this_seqno);
	write_ring_id(&to, &mcast->ring);
	cursor_put_u32(&to, mcast->node_id);
	cursor_put_u32(&to, mcast->guarantee);
	return finish_out(&to, capacity);
}

size_t wire_encode_merge_detect(const struct wire_merge_detect *merge, bool swap, uint8_t *out, size_t capacity)
{
	struct cursor_out to = begin_out(WIRE_MERGE_DETECT, 0, merge->system_from, 0, swap, out, capacity);

	cursor_put_u32(&to, merge->system_from);
	write_ring_id(&to, &merge->ring);
	return finish_out(&to, capacity);
}

size_t wire_encode_probe(const struct wire_probe *probe, uint32_t target, bool swap, uint8_t *out, size_t capacity)
{
	struct cursor_out to = begin_out(WIRE_MERGE_DETECT, 0, probe->system_from, target, swap, out, capacity);

	cursor_put_u32(&to, probe->system_from);
	write_ring_id(&to, &probe->ring);
	cursor_put_u32(&to, WIRE_PROBE_MAGIC);
	cursor_put_u32(&to, (uint32_t)probe->kind);
	cursor_put_u64(&to, probe->number);
	return finish_out(&to, capacity);
}

size_t wire_encode_join(uint32_t header_nodeid, uint32_t system_from, uint64_t ring_seq, const uint32_t *proc,
	uint32_t proc_count, const uint32_t *failed, uint32_t failed_count, uint64_t features, bool swap, uint8_t *out,
	size_t capacity)
{
	assert(proc_count <= WIRE_NODES_MAX && failed_count <= WIRE_NODES_MAX);

	struct cursor_out to = begin_out(WIRE_JOIN, 0, header_nodeid, 0, swap, out, capacity);

	cursor_put_u32(&to, system_from);
	cursor_put_u32(&to, proc_count);
	cursor_put_u32(&to, failed_count);
	cursor_put_u64(&to, ring_seq);
	for (uint32_t i = 0; i < proc_count; i++)
		cursor_put_u32(&to, proc[i]);
	for (uint32_t i = 0; i < failed_count; i++)
		cursor_put_u32(&to, failed[i]);
	if (features != 0) {
		features |= WIRE_FEATURE_FILLED;
		write_trailer(&to, &features, 1);
	}
	return finish_out(&to, capacity);
}

size_t wire_encode_commit_token(const struct wire_commit_token *head, const uint32_t *addr,
	const struct wire_commit_entry *entries, const uint64_t *features, uint32_t target, bool swap, uint8_t *out,
	size_t capacity)
{
	assert(head->count >= 1 && head->count <= WIRE_NODES_MAX && head->memb_index <= head->count);

	struct cursor_out to = begin_out(WIRE_COMMIT_TOKEN, 0, head->nodeid, target, swap, out, capacity);

	cursor_put_u32(&to, head->token_seq);
	write_ring_id(&to, &head->ring);
	cursor_put_u32(&to, head->retrans_flg);
	cursor_put_u32(&to, head->memb_index);
	cursor_put_u32(&to, head->count);
	for (uint32_t i = 0; i < head->count; i++)
		cursor_put_u32(&to, addr[i]);
	for (uint32_t i = 0; i < head->count; i++) {
		write_ring_id(&to, &entries[i].ring);
		cursor_put_u32(&to, entries[i].aru);
		cursor_put_u32(&to, entries[i].high_delivered);
		cursor_put_u32(&to, entries[i].received_flg);
	}
	if (features != NULL)
		write_trailer(&to, features, head->count);
	return finish_out(&to, capacity);
}

size_t wire_encode_hold_cancel(const struct wire_hold_cancel *cancel, bool swap, uint8_t *out, size_t capacity)
{
	struct cursor_out to = begin_out(WIRE_HOLD_CANCEL, 0, cancel->nodeid, 0, swap, out, capacity);

	write_ring_id(&to, &cancel->ring);
	return finish_out(&to, capacity);
}

/* --- group packets and prefixes --- */

enum wire_refusal wire_decode_packet(const uint8_t *payload, size_t size, bool is_swapped, struct wire_packet *packet)
{
	if (size < WIRE_PACKET_HEADER_SIZE)
		return WIRE_TOO_SHORT;

	struct cursor in = cursor_over(payload, size, is_swapped);

	(void)cursor_u32(&in); /* version and type: always 0, not checked */
	packet->fragmented = cursor_u8(&in);
	packet->continuation = cursor_u8(&in);
	packet->part_count = cursor_u16(&in);
	packet->is_swapped = is_swapped;
	packet->lengths = cursor_take(&in, (size_t)packet->part_count * sizeof(uint16_t));
	if (packet->part_count == 0 || in.is_exhausted)
		return WIRE_BAD_COUNT;

	size_t sum = 0;

	for (uint32_t i = 0; i < packet->part_count; i++)
		sum += wire_packet_length(packet, i);
	if (sum != in.left)
		return WIRE_BAD_COUNT;
	packet->data = in.at;
	packet->data_size = sum;
	return WIRE_OK;
}

uint16_t wire_packet_length(const struct wire_packet *packet, uint32_t i)
{
	assert(i < packet->part_count);
	return bytes_u16(packet->lengths + (size_t)i * sizeof(uint16_t), packet->is_swapped);
}

void wire_encode_packet_header(
	uint8_t fragmented, uint8_t continuation, uint16_t part_count, bool swap, uint8_t out[WIRE_PACKET_HEADER_SIZE])
{
	struct cursor_out to = {.at = out, .left = WIRE_PACKET_HEADER_SIZE, .swap = swap};

	cursor_put_u16(&to, 0);
	cursor_put_u16(&to, 0);
	cursor_put_u8(&to, fragmented);
	cursor_put_u8(&to, continuation);
	cursor_put_u16(&to, part_count);
	assert(!to.is_exhausted && to.left == 0);
}

void wire_encode_u16(uint16_t value, bool swap, uint8_t *out)
{
	struct cursor_out to = {.at = out, .left = sizeof(value), .swap = swap};

	cursor_put_u16(&to, value);
}

size_t wire_decode_groups(const uint8_t *bytes, size_t size, bool is_swapped, struct wire_group_name *names,
	uint32_t names_max, uint32_t *count)
{
	struct cursor lengths = cursor_over(bytes, size, is_swapped);
	uint16_t group_count = cursor_u16(&lengths);
	struct cursor data = lengths;

	*count = 0;
	(void)cursor_take(&data, (size_t)group_count * sizeof(uint16_t));
	for (uint32_t i = 0; i < group_count && !data.is_exhausted; i++) {
		uint16_t length = cursor_u16(&lengths);
		const uint8_t *name = cursor_take(&data, length);

		if (i >= names_max)
			continue;
		names[i] = (struct wire_group_name){.bytes = name, .length = length};
		*count = i + 1;
	}
	if (lengths.is_exhausted || data.is_exhausted) {
		*count = 0;
		return 0;
	}
	return size - data.left;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The wire format (docs/protocol/wire.md): encode and decode all packets, with byte order and all checks of lengths and
 * counts. Decoders never read past `size`. A packet that they accept is consistent in itself. The caller checks whether
 * the packet makes sense in the caller's state.
 *
 * Lists inside a packet are not copied. The decoded struct points into the packet (borrowed), and accessors convert one
 * element at a time.
 */
#ifndef TOTEM_WIRE_H
#define TOTEM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exec/totem/ring_id.h"

#define WIRE_MAGIC 0xC070u
#define WIRE_VERSION 3u
#define WIRE_HEADER_SIZE 13u
#define WIRE_MCAST_HEADER_SIZE 45u
#define WIRE_FRAME_SIZE_MAX 65536u
#define WIRE_RTR_MAX 30u
#define WIRE_TOKEN_SIZE_MAX (57u + 16u * WIRE_RTR_MAX + WIRE_WINDOW_SIZE)
#define WIRE_WINDOW_SIZE 16u /* Coterie's trailer of a token */
#define WIRE_NODES_MAX 384u  /* entries in a join or commit token: Corosync's limit */

enum wire_type {
	WIRE_TOKEN = 0,
	WIRE_MCAST = 1,
	WIRE_MERGE_DETECT = 2,
	WIRE_JOIN = 3,
	WIRE_COMMIT_TOKEN = 4,
	WIRE_HOLD_CANCEL = 5,
};

/** Why a packet was refused: for counters and the rate-limited log. */
enum wire_refusal {
	WIRE_OK = 0,
	WIRE_TOO_SHORT, /* shorter than the header, or than its type demands */
	WIRE_BAD_MAGIC,
	WIRE_BAD_VERSION,
	WIRE_BAD_TYPE,
	WIRE_BAD_COUNT, /* a count beyond its limit or beyond the packet */
	WIRE_TOO_LONG,
	WIRE_BAD_CONTENT, /* values that no correct sender writes: see the decoders */
};

struct wire_header {
	enum wire_type type;
	bool is_swapped;      /* the sender has the other byte order */
	uint8_t encapsulated; /* 1 or 2; frames only */
	uint32_t nodeid;      /* of the node that sent the packet last; 0: a leave */
	uint32_t target;      /* any value on udp and udpu */
};

struct wire_rtr {
	struct ring_id ring;
	uint32_t seq;
};

struct wire_token {
	uint32_t nodeid;
	uint32_t seq;
	uint32_t token_seq;
	uint32_t aru;
	uint32_t aru_addr;
	struct ring_id ring;
	uint32_t backlog;
	uint32_t fcc;
	uint32_t retrans_flg;
	uint32_t rtr_count;
	struct wire_rtr rtr[WIRE_RTR_MAX];
	/* Members of Coterie's trailer: */
	uint32_t window;  /* frames per rotation, or 0: as configured */
	uint32_t resent;  /* frames repeated since the representative had the token */
	uint32_t lingers; /* how often a lone sender has kept the token since the ring began, modulo 2^32 */
};

struct wire_mcast {
	uint32_t nodeid; /* header: originator */
	uint32_t system_from;
	uint32_t seq;
	uint32_t this_seqno;
	struct ring_id ring;
	uint32_t node_id;     /* always 0 */
	uint32_t guarantee;   /* 0 agreed, 1 safe */
	uint8_t encapsulated; /* 1: payload is a whole frame of the old ring; 2: a group packet */
	bool is_swapped;
	const uint8_t *payload; /* borrowed */
	size_t payload_size;    /* at least 45 if encapsulated is 1 */
};

struct wire_merge_detect {
	uint32_t system_from;
	struct ring_id ring;
};

/*
 * Kinds of a probe. A probe is a merge detect with a trailer. The sender of RETRACT, PARDON and SILENT sends them to
 * all members of its ring. `number` of these three is the id of a third node, called "that node" here.
 */
enum wire_probe_kind {
	WIRE_PROBE_QUESTION = 1, /* the receiver answers at once */
	WIRE_PROBE_ANSWER = 2,
	WIRE_PROBE_KNOCK = 3,   /* needs no answer. Older builds sent it to idle neighbours */
	WIRE_PROBE_RETRACT = 4, /* the sender had given that node up, and hears it now */
	/* Instead of an answer: the sender hears the receiver, but another member of its ring does not. */
	WIRE_PROBE_UNWANTED = 5,
	WIRE_PROBE_PARDON = 6, /* the sender and that node hear each other, but another node keeps them apart */
	WIRE_PROBE_SILENT = 7, /* the sender has not heard that node for its whole silence budget */
};

struct wire_probe {
	uint32_t system_from;
	struct ring_id ring; /* of an answer: the ring of its sender, or zero while the sender forms another ring */
	enum wire_probe_kind kind;
	uint64_t number; /* of a question: random, so that no other node can guess it. An answer repeats it */
};

struct wire_hold_cancel {
	uint32_t nodeid;
	struct ring_id ring;
};

/** A join, or a leave if header_nodeid is 0. */
struct wire_join {
	uint32_t header_nodeid;
	uint32_t system_from;
	uint64_t ring_seq;
	uint32_t proc_count, failed_count;
	const uint8_t *proc, *failed; /* borrowed: read with wire_join_proc and wire_join_failed */
	bool is_swapped;
	uint64_t features; /* from Coterie's trailer, or 0: there is none */
};

struct wire_commit_entry {
	struct ring_id ring; /* the member's old ring. rep is 0 if the entry is not filled in */
	uint32_t aru;
	uint32_t high_delivered;
	uint32_t received_flg;
};

struct wire_commit_token {
	uint32_t nodeid;
	uint32_t token_seq;
	struct ring_id ring;
	uint32_t retrans_flg;
	uint32_t memb_index;
	uint32_t count;                /* 1 .. WIRE_NODES_MAX; memb_index <= count */
	const uint8_t *addr, *entries; /* borrowed. addr is checked to be strictly ascending */
	bool is_swapped;
	bool has_features; /* Coterie's trailer is there, with `count` entries (see WIRE_TRAILER_MAGIC) */
	const uint8_t *features;
};

/** Decode the header of any packet. @return WIRE_OK, WIRE_TOO_SHORT, _BAD_MAGIC, _BAD_VERSION or _BAD_TYPE. */
enum wire_refusal wire_decode_header(const uint8_t *bytes, size_t size, struct wire_header *header);

/*
 * Each of these functions decodes a packet whose header was decoded and had the matching type. Bytes behind the end of
 * the packet are ignored (book wire, "Header"). They return WIRE_BAD_CONTENT for:
 *
 * - mcast: encapsulated is neither 1 nor 2
 * - join: system_from is 0, or a leave has no failed entry. (The lists may hold any ids in any order, also 0 and
 *   duplicates.)
 * - commit token: memb_index is beyond count, or addr is not strictly ascending, or has a 0
 */
enum wire_refusal wire_decode_token(const uint8_t *bytes, size_t size, struct wire_token *token);
enum wire_refusal wire_decode_mcast(const uint8_t *bytes, size_t size, struct wire_mcast *mcast);
enum wire_refusal wire_decode_merge_detect(const uint8_t *bytes, size_t size, struct wire_merge_detect *merge);
/** Decode a probe from any bytes. @return false: the bytes are no probe, but maybe a plain merge detect. */
bool wire_decode_probe(const uint8_t *bytes, size_t size, struct wire_probe *probe);
enum wire_refusal wire_decode_join(const uint8_t *bytes, size_t size, struct wire_join *join);
enum wire_refusal wire_decode_commit_token(const uint8_t *bytes, size_t size, struct wire_commit_token *commit);
enum wire_refusal wire_decode_hold_cancel(const uint8_t *bytes, size_t size, struct wire_hold_cancel *cancel);

uint32_t wire_join_proc(const struct wire_join *join, uint32_t i);   /* i < proc_count */
uint32_t wire_join_failed(const struct wire_join *join, uint32_t i); /* i < failed_count */
uint32_t wire_commit_addr(const struct wire_commit_token *commit, uint32_t i);
struct wire_commit_entry wire_commit_entry(const struct wire_commit_token *commit, uint32_t i);
uint64_t wire_commit_features(const struct wire_commit_token *commit, uint32_t i);

/*
 * Each encoder writes one packet at `out` and returns its size, or 0 if `capacity` is too small. `swap`: write the
 * packet in the other byte order (for tests of mixed rings). target is the header's field `target`; 0: all nodes.
 *
 * Coterie's trailers (book extensions, "Trailers") are behind the end of a packet. Corosync ignores them and does not
 * forward them. All numbers are in the byte order of the sender.
 *
 * - join: u32 magic WIRE_TRAILER_MAGIC, u32 count 1, u64 features of the sender
 * - commit token: u32 magic WIRE_TRAILER_MAGIC, u32 count, u64 features of each member, zero until that member has
 *   filled them in
 * - merge detect: u32 magic WIRE_PROBE_MAGIC, u32 enum wire_probe_kind, u64 number
 * - token, unless window and lingers are 0: u32 magic WIRE_WINDOW_MAGIC, u32 window, u32 resent, u32 lingers
 *
 * Bit 63 of features is set in every entry that is filled in, so that 0 always means "not known". Bits 32 to 47 are the
 * number of frames that the node's receive buffer holds; 0: not announced. Bits 48 to 62 are its lease in units of 10
 * ms, rounded up. Bits 8 to 31, in joins only, are the mark of the ring in force at the sender (extension_mark), 0: not
 * announced. WIRE_MARK_STARTED is the mark of a sender that has been in no ring with another node since it started.
 */
#define WIRE_WINDOW_MAGIC 0x434F5457u
#define WIRE_PROBE_MAGIC 0x434F5052u
#define WIRE_PROBE_SIZE 45u
#define WIRE_TRAILER_MAGIC 0x434F5445u
#define WIRE_FEATURE_FILLED (UINT64_C(1) << 63)
#define WIRE_FEATURE_SAFE (UINT64_C(1) << 0)   /* implements safe delivery */
#define WIRE_FEATURE_PROBE (UINT64_C(1) << 1)  /* answers probes */
#define WIRE_FEATURE_LINGER (UINT64_C(1) << 2) /* the node can handle that a lone sender keeps the token */
/* The node can handle a token that comes before frames that it counts. */
#define WIRE_FEATURE_EARLY (UINT64_C(1) << 3)
#define WIRE_FEATURE_SILENCE (UINT64_C(1) << 4) /* votes on silent members */
#define WIRE_MARK_SHIFT 8u
#define WIRE_MARK_MAX UINT32_C(0xFFFFFF)
#define WIRE_MARK_MASK ((uint64_t)WIRE_MARK_MAX << WIRE_MARK_SHIFT)
#define WIRE_MARK_STARTED 1u
#define WIRE_CAPACITY_SHIFT 32u
#define WIRE_CAPACITY_MAX UINT16_MAX
#define WIRE_CAPACITY_MASK ((uint64_t)WIRE_CAPACITY_MAX << WIRE_CAPACITY_SHIFT)
#define WIRE_LEASE_SHIFT 48u
#define WIRE_LEASE_MAX INT16_MAX
#define WIRE_LEASE_MASK ((uint64_t)WIRE_LEASE_MAX << WIRE_LEASE_SHIFT)
#define WIRE_LEASE_UNIT_NS UINT64_C(10000000)

size_t wire_encode_token(const struct wire_token *token, uint32_t target, bool swap, uint8_t *out, size_t capacity);
/** Write the 45-byte header in front of a payload that is already in its place. */
size_t wire_encode_mcast_header(const struct wire_mcast *mcast, bool swap, uint8_t *out, size_t capacity);
size_t wire_encode_merge_detect(const struct wire_merge_detect *merge, bool swap, uint8_t *out, size_t capacity);
size_t wire_encode_probe(const struct wire_probe *probe, uint32_t target, bool swap, uint8_t *out, size_t capacity);
/**
 * Encode a join or leave. The ids keep their order. features 0: no trailer. Otherwise the function adds bit 63 to them.
 */
size_t wire_encode_join(uint32_t header_nodeid, uint32_t system_from, uint64_t ring_seq, const uint32_t *proc,
	uint32_t proc_count, const uint32_t *failed, uint32_t failed_count, uint64_t features, bool swap, uint8_t *out,
	size_t capacity);
/** Encode a commit token. addr, entries and features have head->count elements. features NULL: no trailer. */
size_t wire_encode_commit_token(const struct wire_commit_token *head, const uint32_t *addr,
	const struct wire_commit_entry *entries, const uint64_t *features, uint32_t target, bool swap, uint8_t *out,
	size_t capacity);
size_t wire_encode_hold_cancel(const struct wire_hold_cancel *cancel, bool swap, uint8_t *out, size_t capacity);

/* --- group packet: payload of a frame with encapsulated 2 (book wire, "Group packet") --- */

struct wire_packet {
	uint8_t fragmented;
	uint8_t continuation;
	uint16_t part_count;    /* >= 1 */
	const uint8_t *lengths; /* borrowed; read with wire_packet_length */
	const uint8_t *data;    /* borrowed: the parts, one behind the other */
	size_t data_size;       /* exactly the sum of the lengths */
	bool is_swapped;
};

/**
 * Decode a group packet. @return WIRE_OK, WIRE_TOO_SHORT, WIRE_BAD_COUNT (no part, or lengths that do not add up to
 * `size`)
 */
enum wire_refusal wire_decode_packet(const uint8_t *payload, size_t size, bool is_swapped, struct wire_packet *packet);
uint16_t wire_packet_length(const struct wire_packet *packet, uint32_t i); /* i < part_count */
#define WIRE_PACKET_HEADER_SIZE 8u
void wire_encode_packet_header(
	uint8_t fragmented, uint8_t continuation, uint16_t part_count, bool swap, uint8_t out[WIRE_PACKET_HEADER_SIZE]);
void wire_encode_u16(uint16_t value, bool swap, uint8_t *out);

/* --- group prefix in front of a message (book wire, "Group prefix") --- */

/**
 * Find the payload behind the group prefix of a message. The prefix may name no group at all.
 *
 * @param bytes  the message's first size bytes, contiguous
 * @param names  out, borrowed: names[i] for i < *count, at most names_max of them; further names are
 *               skipped
 * @return bytes of the prefix; 0: it is malformed or does not end within size
 */
struct wire_group_name {
	const uint8_t *bytes;
	uint16_t length;
};
size_t wire_decode_groups(const uint8_t *bytes, size_t size, bool is_swapped, struct wire_group_name *names,
	uint32_t names_max, uint32_t *count);

#endif

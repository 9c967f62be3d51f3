/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the files that implement secure.h. Only these files and their tests include this header. */
#ifndef COMMON_SECURE_PRIVATE_H
#define COMMON_SECURE_PRIVATE_H

#include "transports/common/secure/aead.h"
#include "transports/common/secure/keys.h"
#include "transports/common/secure/secure.h"
#include "transports/common/secure/replay.h"

/*
 * A datagram, in network order: u8 magic, u8 version and lane, u16 key id, u32 node id of the sender, u8 session[16],
 * u64 number, the sealed frame, u8 tag[16]. All bytes before the frame are authenticated together with it. The number
 * is the nonce. Its upper half is the generation of the session key.
 */
#define SECURE_MAGIC 0xce /* no packet of Totem begins with this byte */
#define SECURE_VERSION 1u

struct secure_header {
	uint8_t magic, version_lane;
	uint16_t key_id;
	uint32_t nodeid;
	uint8_t session[KEYS_SESSION_SIZE];
	uint64_t number;
};
_Static_assert(sizeof(struct secure_header) == SECURE_HEADER_SIZE, "on the wire");

#define SECURE_ASKS 1u
#define SECURE_ANSWERS 2u
#define SECURE_RANDOM_SIZE 16u
#define SECURE_LIFE_SIZE 8u

/*
 * The encrypted part of a control datagram, in network order. In front of it, authenticated but not encrypted, is the
 * random number that the datagram answers, or zeros. The receiver compares that number before it derives a key.
 */
struct secure_control {
	uint32_t flags;
	uint32_t to;                       /* node id of the receiver */
	uint8_t asked[SECURE_RANDOM_SIZE]; /* SECURE_ASKS: the answer has to repeat this */
	uint64_t numbers[2];               /* SECURE_ANSWERS: numbers used last on the lanes UNICAST and GROUP */
	/* SECURE_ANSWERS: a random name of this start of the sender, the same for all keys. */
	uint8_t life[SECURE_LIFE_SIZE];
};
#define SECURE_CONTROL_CLEAR (SECURE_HEADER_SIZE + SECURE_RANDOM_SIZE)
_Static_assert(
	SECURE_CONTROL_CLEAR + sizeof(struct secure_control) + SECURE_TAG_SIZE == SECURE_CONTROL_SIZE, "on the wire");

/* One lane of a session of this node. */
struct secure_lane_out {
	struct aead *context;
	uint64_t number; /* the number used last; 0: none */
	uint64_t bytes;  /* bytes that were sealed with this generation of the key */
};

struct secure_own {
	uint8_t id[KEYS_SESSION_SIZE];
	struct secure_lane_out lanes[SECURE_LANES];
};

/* One lane of a peer's session. Odd and even generations use different contexts. */
struct secure_lane_in {
	struct aead *contexts[2];
	uint32_t generation;
	bool has_previous; /* the other context has the generation before this one */
	struct replay window;
};

struct secure_session {
	bool is_believed;
	uint8_t id[KEYS_SESSION_SIZE];
	uint8_t life[SECURE_LIFE_SIZE];
	struct secure_lane_in lanes[2];
};

/* A rate limit: `burst` events at once, and one event per interval on average. */
struct secure_budget {
	uint64_t full_ns;
};

struct secure_peer {
	uint32_t nodeid;
	struct secure_session sessions[SECURE_KEYS]; /* one for each key */
	/*
	 * Random numbers that the peer's answer has to repeat. Each is used for one answer. has_random false: there is
	 * none.
	 */
	uint8_t randoms[SECURE_KEYS][SECURE_RANDOM_SIZE];
	bool has_random[SECURE_KEYS];
	uint64_t next_ask_ns[SECURE_KEYS];
	struct secure_budget tries, controls;
	struct secure_counts counts;
};

struct secure {
	uint32_t nodeid;
	enum aead_kind kind;
	/* The first key that is loaded makes these two. Before that they are NULL. */
	struct aead_library *library;
	struct aead *trial; /* context for keys that are used once */
	int (*fill_random)(void *bytes, size_t size);
	struct keys_root *roots; /* SECURE_KEYS elements */
	struct secure_own own[SECURE_KEYS];
	uint8_t life[SECURE_LIFE_SIZE]; /* random */
	uint32_t used;                  /* number of the key for sending; 0: clear */
	bool allows_clear;
	uint64_t generation_bytes_max; /* most bytes for one generation. Only tests change it */
	struct secure_peer **peers;    /* peer_count, ascending by node id */
	uint32_t peer_count;
};

/* --- secure.c --- */

/** Do what secure_create does, for the library of this kind. secure_load has errors of aead_library_open, too. */
int secure_create_with(
	uint32_t nodeid, int (*fill_random)(void *bytes, size_t size), enum aead_kind kind, struct secure **secure);

/** Bytes that are authenticated in addition to the header, borrowed; at most SECURE_EXTRA_MAX; size 0: none. */
#define SECURE_EXTRA_MAX SECURE_RANDOM_SIZE
struct secure_extra {
	const uint8_t *bytes;
	uint32_t size;
	bool is_sent; /* the bytes are sent behind the header. false: both ends know them */
};

/**
 * Return the data that authenticates a frame in addition to its header: in lane SECURE_UNICAST the receiver's id.
 *
 * @param receiver  out: memory of the result, in network order
 */
struct secure_extra secure_bind(enum secure_lane lane, uint32_t to, uint32_t *receiver);
/** Seal a frame or control datagram with the key of this number. @return 0; -EINVAL; -EIO */
int secure_seal_with(struct secure *secure, uint32_t number, enum secure_lane lane, const struct secure_extra *extra,
	const uint8_t *plain, uint32_t size, uint8_t *out);
/**
 * Decrypt, in place, the bytes behind the header and behind the sent part of `extra`. @return whether they are
 * authentic
 */
bool secure_decrypt(struct aead *context, const struct secure_extra *extra, uint8_t *bytes, uint32_t size);
/** Decode a header. The caller has checked the size. */
void secure_header_read(struct secure_header *header, const uint8_t *bytes);
enum secure_lane secure_header_lane(const struct secure_header *header);

/* --- secure_peers.c --- */

struct secure_peer *secure_peer_find(const struct secure *secure, uint32_t nodeid);
/** Forget the peer's session with this key. */
void secure_session_forget(struct secure_peer *peer, uint32_t number);
/**
 * Believe a session. All numbers up to `numbers` count as seen. Sessions of another start of the peer (life) end.
 *
 * @return 0; -ENOMEM; -EIO
 */
int secure_session_believe(struct secure *secure, struct secure_peer *peer, uint32_t number, const uint8_t *id,
	const uint8_t *life, const uint64_t numbers[2]);

#endif

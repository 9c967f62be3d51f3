/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sealed datagrams: authenticated encryption between the nodes of a ring (docs/encryption.md). A frame is sealed into
 * a datagram with a key of this start of the transport. A datagram is opened into a frame only if it is authentic and
 * new, and if its sender has proved that its session is alive.
 *
 * The code has no sockets and no clock: the caller sends the datagrams and passes the time. So it can be tested alone.
 *
 * Life of a session: 1 secure_load derives keys from the ring's key and makes a session with a random id. 2 secure_ask
 * makes a datagram that asks a peer to prove its own session. 3 When secure_open gets the peer's answer, that session
 * is believed. A datagram of a session that is not believed is dropped, and leads to such a question. 4 secure_use
 * chooses the key for secure_seal. 5 secure_forget wipes a key with its sessions.
 */
#ifndef COMMON_SECURE_SECURE_H
#define COMMON_SECURE_SECURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes before and behind the frame in a datagram. */
#define SECURE_HEADER_SIZE 32u
#define SECURE_TAG_SIZE 16u
#define SECURE_OVERHEAD (SECURE_HEADER_SIZE + SECURE_TAG_SIZE)

/** Size of a control datagram: a question, an answer or both. */
#define SECURE_CONTROL_SIZE (SECURE_OVERHEAD + 16u + 48u)

/** Keys held at a time: numbers 1 and 2, as libknet numbers them. Number 0 means clear traffic. */
#define SECURE_KEYS 2u

enum secure_cipher {
	SECURE_NONE,
	SECURE_AES256_GCM,
	SECURE_CHACHA20_POLY1305,
};

/** Each lane has keys, a counter and a replay window of its own, since lanes reorder against each other. */
enum secure_lane {
	SECURE_UNICAST, /* to one node */
	SECURE_GROUP,   /* to all, whether by multicast or to each address */
	SECURE_CONTROL, /* questions and answers */
	SECURE_LANES,
};

/** The kind of a datagram. */
enum secure_result {
	SECURE_FRAME,         /* authentic and new */
	SECURE_CLEAR,         /* a datagram in clear, and such are allowed now: the frame is all of it */
	SECURE_HANDLED,       /* authentic, and no frame: a question or an answer */
	SECURE_UNKNOWN,       /* of a session that is not believed yet */
	SECURE_REPLAYED,      /* seen before, or too old to be checked */
	SECURE_FORGED,        /* not authentic: altered, or sealed with a key that we do not have */
	SECURE_REFUSED_CLEAR, /* in clear, or cut short */
	SECURE_LIMITED,       /* not looked at: too many of this kind just now */
};

/** The result of secure_open. */
struct secure_opened {
	uint32_t offset, size; /* of the frame in the datagram, which has been decrypted in place */
	uint32_t reply_size;   /* of the datagram to send back to the peer; 0: none. Set with any result */
	uint8_t reply[SECURE_CONTROL_SIZE];
};

/** Counters of one peer, since it was added. */
struct secure_counts {
	uint64_t frames, forged, clear, replayed, unknown, limited;
};

struct secure;

/**
 * Make the state of one link.
 *
 * @param nodeid       of this node
 * @param fill_random  fill size bytes that nobody can guess; 0 or a negative errno; NULL: getrandom(2)
 * @param secure       out: returned, caller frees with secure_destroy
 * @return 0; -ENOMEM; errors of fill_random
 */
int secure_create(uint32_t nodeid, int (*fill_random)(void *bytes, size_t size), struct secure **secure);
/** Wipe all keys. NULL is ignored. */
void secure_destroy(struct secure *secure);

/** Add a peer. @return 0; -EEXIST; -ENOMEM */
int secure_peer_add(struct secure *secure, uint32_t nodeid);
/** Delete a peer with all that is believed of it. One that is not there is ignored. */
void secure_peer_del(struct secure *secure, uint32_t nodeid);
/** @return the peer's counters, borrowed until a peer is added or deleted; NULL: no such peer */
const struct secure_counts *secure_peer_counts(const struct secure *secure, uint32_t nodeid);
/** @return whether a session of this peer with this key is believed */
bool secure_is_believed(const struct secure *secure, uint32_t number, uint32_t nodeid);

/**
 * Load a key, and make a session of this node with it. A key that this number had before is wiped.
 *
 * @param number  1 .. SECURE_KEYS
 * @param bytes   the ring's key; borrowed, not kept
 * @return 0; -EINVAL: no cipher or no bytes; -EEXIST: its id is that of the other key; -ENOMEM; errors of fill_random:
 *     that number holds no key then
 */
int secure_load(struct secure *secure, uint32_t number, enum secure_cipher cipher, const void *bytes, size_t size);
/** @return whether that number holds this key for this cipher */
bool secure_holds(
	const struct secure *secure, uint32_t number, enum secure_cipher cipher, const void *bytes, size_t size);
/** Wipe a key and all sessions with it. */
void secure_forget(struct secure *secure, uint32_t number);
/** Seal with this key from now on; 0: send in clear. @return 0; -EINVAL: it is not loaded */
int secure_use(struct secure *secure, uint32_t number);
/** Take datagrams in clear as well, while a ring changes between clear and sealed. */
void secure_allow_clear(struct secure *secure, bool is_allowed);
/** @return the name of the library that seals and opens, for a log line; constant */
const char *secure_library(const struct secure *secure);
/**
 * Return how much shorter a frame has to be when it is sealed. That is SECURE_OVERHEAD. With libcrypto it includes the
 * partial block at the end of the frame. That block would cost a sixth of the time that ChaCha20-Poly1305 needs for
 * the whole frame (docs/performance/limits.md).
 * @param frame_size  of the largest frame without encryption, bytes
 */
uint32_t secure_overhead(const struct secure *secure, uint32_t frame_size);
/** @return the key in use; 0: clear */
uint32_t secure_used(const struct secure *secure);
/** @return the short public name of a loaded key, which tells keys apart and nothing else; 0: not loaded */
uint16_t secure_key_id(const struct secure *secure, uint32_t number);
/** @return the cipher of a loaded key; SECURE_NONE: not loaded */
enum secure_cipher secure_key_cipher(const struct secure *secure, uint32_t number);

/**
 * Seal one frame with the key in use.
 *
 * @param lane  SECURE_UNICAST: for one node; SECURE_GROUP: for all peers, each of which can open it
 * @param to    node id of the receiver in lane SECURE_UNICAST, no other node can open it; otherwise 0
 * @param out   size + SECURE_OVERHEAD bytes; not overlapping with plain
 * @return 0; -EINVAL: no key is in use; -EIO: the library failed, nothing may be sent
 */
int secure_seal(
	struct secure *secure, enum secure_lane lane, uint32_t to, const uint8_t *plain, uint32_t size, uint8_t *out);

/**
 * Make a datagram that asks a peer to prove its session with this key.
 *
 * @param out  SECURE_CONTROL_SIZE bytes
 * @return 0; -ENOENT: no such peer; -EINVAL: the key is not loaded; -EIO
 */
int secure_ask(struct secure *secure, uint32_t number, uint32_t nodeid, uint8_t *out);

/** @return whether a datagram looks sealed, which proves nothing */
bool secure_is_sealed(const uint8_t *bytes, uint32_t size);

/**
 * Open a datagram that came from a peer's address.
 *
 * @param now_ns  monotonic time, nanoseconds
 * @param nodeid  of the peer with that source address
 * @param bytes   the datagram, decrypted in place; its contents are undefined if it is no frame
 * @param opened  out
 */
enum secure_result secure_open(struct secure *secure, uint64_t now_ns, uint32_t nodeid, uint8_t *bytes, uint32_t size,
	struct secure_opened *opened);

/**
 * Read what the network quotes of a datagram that this node sealed.
 *
 * @param to     node id of the peer that it was sent to
 * @param quote  its first size bytes, or all of it; borrowed
 * @param out    size bytes: the first bytes of the frame
 * @return how many bytes of the frame there are; 0: it is none of ours, or no frame. A quote that lacks the end of
 *     the datagram cannot be authenticated: compare it with what was sent, as the engine does.
 */
uint32_t secure_quote(const struct secure *secure, uint32_t to, const uint8_t *quote, uint32_t size, uint8_t *out);

/**
 * Make or check a proof for another connection (the tripwire): a keyed hash over its label and contents.
 *
 * @param number  of the key
 * @param proof   out: 32 bytes
 * @return 0; -EINVAL: the key is not loaded
 */
int secure_proof(const struct secure *secure, uint32_t number, const char *label, const void *bytes, size_t size,
	uint8_t proof[32]);

#endif

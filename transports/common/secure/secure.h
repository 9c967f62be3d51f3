/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sealed datagrams: authenticated encryption between the nodes of a ring (docs/encryption.md). A frame is sealed into a
 * datagram with a key that is new at each start of the transport. A datagram is opened into a frame only if it is
 * authentic and new, and if its sender has proved that its session is in use now.
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

/** Most keys that are held at a time: numbers 1 and 2, as libknet numbers them. Number 0 means clear traffic. */
#define SECURE_KEYS 2u

enum secure_cipher {
	SECURE_NONE,
	SECURE_AES256_GCM,
	SECURE_CHACHA20_POLY1305,
};

/**
 * Each lane has keys, a counter and a replay window of its own, since datagrams of different lanes overtake each other.
 */
enum secure_lane {
	SECURE_UNICAST, /* for one node */
	SECURE_GROUP,   /* for all nodes, by multicast or by one datagram to each address */
	SECURE_CONTROL, /* questions and answers */
	SECURE_LANES,
};

/** The result of opening a datagram. */
enum secure_result {
	SECURE_FRAME,    /* the datagram is authentic and new */
	SECURE_CLEAR,    /* the datagram is in clear, which is allowed now: all of it is the frame */
	SECURE_HANDLED,  /* the datagram is authentic, and a question or an answer: there is no frame */
	SECURE_UNKNOWN,  /* the datagram is of a session that is not believed yet */
	SECURE_REPLAYED, /* the datagram was seen before, or is too old to be checked */
	/* The datagram is not authentic: altered, or sealed with a key that this node does not have. */
	SECURE_FORGED,
	SECURE_REFUSED_CLEAR, /* the datagram is in clear, or cut short */
	SECURE_LIMITED,       /* the datagram was not examined: too many of this kind arrived just now */
};

/** More results of secure_open. */
struct secure_opened {
	uint32_t offset, size; /* of the frame in the datagram, which was decrypted in place */
	uint32_t reply_size;   /* size of the datagram to send back to the peer, set with any result; 0: none */
	bool is_answer;        /* SECURE_HANDLED: the peer has answered an open question. Others may be recordings */
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
 * @param fill_random  fills size bytes that nobody can guess, returns 0 or -errno; NULL: getrandom(2)
 * @param secure       out: caller frees with secure_destroy
 * @return 0; -ENOMEM; errors of fill_random
 */
int secure_create(uint32_t nodeid, int (*fill_random)(void *bytes, size_t size), struct secure **secure);
/** Wipe all keys. NULL is ignored. */
void secure_destroy(struct secure *secure);

/** Add a peer. @return 0; -EEXIST; -ENOMEM */
int secure_peer_add(struct secure *secure, uint32_t nodeid);
/** Delete a peer with its sessions. A peer that does not exist is ignored. */
void secure_peer_del(struct secure *secure, uint32_t nodeid);
/** Return the peer's counters, borrowed until a peer is added or deleted, or NULL: no such peer. */
const struct secure_counts *secure_peer_counts(const struct secure *secure, uint32_t nodeid);
/** Return whether a session of this peer with this key is believed. */
bool secure_is_believed(const struct secure *secure, uint32_t number, uint32_t nodeid);

/**
 * Load a key under a number, and make a session of this node with it. The key that the number had before is wiped.
 * The first call opens the library that seals and opens datagrams.
 *
 * @param number  1 .. SECURE_KEYS
 * @param bytes   the ring's key; borrowed, not kept
 * @return 0; on errors the number has no key: -EINVAL: no cipher or no bytes; -EEXIST: its id is that of the other key;
 *     -ENOMEM; errors of fill_random
 */
int secure_load(struct secure *secure, uint32_t number, enum secure_cipher cipher, const void *bytes, size_t size);
/** Return whether the number has this key for this cipher. */
bool secure_holds(
	const struct secure *secure, uint32_t number, enum secure_cipher cipher, const void *bytes, size_t size);
/** Wipe a key and all sessions with it. */
void secure_forget(struct secure *secure, uint32_t number);
/** Use this key in secure_seal from now on; 0: send in clear. @return 0; -EINVAL: the key is not loaded */
int secure_use(struct secure *secure, uint32_t number);
/** Set whether datagrams in clear are accepted as well, while a ring changes between clear and sealed. */
void secure_allow_clear(struct secure *secure, bool is_allowed);
/** Return the name of the library that seals and opens, for a log line (constant). A key must have been loaded. */
const char *secure_library(const struct secure *secure);
/**
 * Return by how many bytes a frame must be shorter when it is sealed: SECURE_OVERHEAD. With libcrypto it includes the
 * partial block at the end of the frame. That block would cost a sixth of the time that ChaCha20-Poly1305 needs for the
 * whole frame (docs/performance/limits.md). A key must have been loaded.
 *
 * @param frame_size  of the largest frame without encryption, bytes
 */
uint32_t secure_overhead(const struct secure *secure, uint32_t frame_size);
/** Return the number of the key that is used for sending; 0: clear. */
uint32_t secure_used(const struct secure *secure);
/** Return the short public name of a loaded key, which only shows whether two keys differ; 0: not loaded. */
uint16_t secure_key_id(const struct secure *secure, uint32_t number);
/** Return the cipher of a loaded key; SECURE_NONE: not loaded. */
enum secure_cipher secure_key_cipher(const struct secure *secure, uint32_t number);

/**
 * Seal one frame with the key in use.
 *
 * @param lane  SECURE_UNICAST: for one node; SECURE_GROUP: for all peers, each of which can open it
 * @param to    in lane SECURE_UNICAST node id of the receiver, the only node that can open the datagram; otherwise 0
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

/** Return whether a datagram looks sealed, which proves nothing. */
bool secure_is_sealed(const uint8_t *bytes, uint32_t size);

/**
 * Open a datagram that came from a peer's address.
 *
 * @param now_ns  monotonic time, nanoseconds
 * @param nodeid  of the peer with that source address
 * @param bytes   the datagram, decrypted in place; without a frame its contents are undefined
 * @param opened  out: more results
 */
enum secure_result secure_open(struct secure *secure, uint64_t now_ns, uint32_t nodeid, uint8_t *bytes, uint32_t size,
	struct secure_opened *opened);

/**
 * Return whether a quote begins like a datagram that this node has sealed with a key that is loaded. A host that does not
 * read the wire cannot guess the session id in it.
 *
 * @param quote  borrowed; size bytes
 */
bool secure_is_own(const struct secure *secure, const uint8_t *quote, uint32_t size);

/**
 * Decrypt the part of a datagram of this node that the network quotes.
 *
 * @param to     node id of the peer that it was sent to
 * @param quote  the first size bytes of the datagram, or all of it; borrowed
 * @param out    size bytes: the first bytes of the frame
 * @return how many bytes of the frame there are; 0: this node did not send the datagram, or it has no frame. A quote
 *     that lacks the end of the datagram cannot be authenticated: compare it with the frame that was sent, as the
 *     engine does.
 */
uint32_t secure_quote(const struct secure *secure, uint32_t to, const uint8_t *quote, uint32_t size, uint8_t *out);

/**
 * Compute a proof for another connection (the tripwire): a keyed hash over its label and contents.
 *
 * @param number  of the key
 * @param proof   out: 32 bytes
 * @return 0; -EINVAL: the key is not loaded
 */
int secure_proof(const struct secure *secure, uint32_t number, const char *label, const void *bytes, size_t size,
	uint8_t proof[32]);

#endif

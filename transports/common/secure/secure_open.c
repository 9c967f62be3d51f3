/* SPDX-License-Identifier: BSD-3-Clause */
/* The receiving side: find out which datagrams are authentic, new, and of a session that is believed. */
#include "transports/common/secure/secure_private.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#define MS UINT64_C(1000000)

/* Time after which a question that may be lost is asked again. */
#define ASK_GAP_NS (5 * MS)
/*
 * Before a datagram is known to be forged, the derivation of a key for it costs 2 us. So at most 2,000 datagrams of
 * each kind are tried in a second.
 */
#define BUDGET_INTERVAL_NS (MS / 2)
#define BUDGET_BURST 64u

static bool budget_pass(struct secure_budget *budget, uint64_t now_ns)
{
	if (budget->full_ns < now_ns)
		budget->full_ns = now_ns;
	if (budget->full_ns - now_ns >= BUDGET_BURST * BUDGET_INTERVAL_NS)
		return false;
	budget->full_ns += BUDGET_INTERVAL_NS;
	return true;
}

/* Authenticate with a key that is derived only for this datagram. After the call the trial context has that key. */
static bool try_alone(struct secure *secure, uint32_t number, const struct secure_header *header,
	const struct secure_extra *extra, uint8_t *bytes, uint32_t size)
{
	struct keys_session session = {
		.nodeid = header->nodeid,
		.lane = secure_header_lane(header),
		.generation = (uint32_t)(header->number >> 32),
	};

	memcpy(session.id, header->session, sizeof(session.id));
	return keys_context_set(secure->trial, &secure->roots[number - 1], &session, false) == 0 &&
	       secure_decrypt(secure->trial, extra, bytes, size);
}

/* ---- Questions and answers ---------------------------------------------------- */

/* @return 0; -EIO; errors of fill_random */
static int write_control(struct secure *secure, struct secure_peer *peer, uint32_t number, uint32_t flags,
	const uint8_t *answered, uint8_t *out)
{
	struct secure_control control = {.flags = htonl(flags), .to = htonl(peer->nodeid)};
	static const uint8_t zeros[SECURE_RANDOM_SIZE];
	const struct secure_extra extra = {
		(flags & SECURE_ANSWERS) != 0 ? answered : zeros, SECURE_RANDOM_SIZE, .is_sent = true};
	uint8_t plain[sizeof(control)];

	if ((flags & SECURE_ASKS) != 0) {
		if (!peer->has_random[number - 1]) {
			int rc = secure->fill_random(peer->randoms[number - 1], SECURE_RANDOM_SIZE);

			if (rc < 0)
				return rc;
			peer->has_random[number - 1] = true;
		}
		memcpy(control.asked, peer->randoms[number - 1], SECURE_RANDOM_SIZE);
	}
	if ((flags & SECURE_ANSWERS) != 0) {
		for (int lane = 0; lane < 2; lane++)
			control.numbers[lane] = htobe64(secure->own[number - 1].lanes[lane].number);
		memcpy(control.life, secure->life, sizeof(control.life));
	}
	memcpy(plain, &control, sizeof(plain));
	return secure_seal_with(secure, number, SECURE_CONTROL, &extra, plain, sizeof(plain), out);
}

static void reply(struct secure *secure, struct secure_peer *peer, uint32_t number, uint32_t flags,
	const uint8_t *answered, struct secure_opened *opened)
{
	if (write_control(secure, peer, number, flags, answered, opened->reply) == 0)
		opened->reply_size = SECURE_CONTROL_SIZE;
}

int secure_ask(struct secure *secure, uint32_t number, uint32_t nodeid, uint8_t *out)
{
	struct secure_peer *peer = secure_peer_find(secure, nodeid);

	if (peer == NULL)
		return -ENOENT;
	if (secure_key_id(secure, number) == 0)
		return -EINVAL;
	return write_control(secure, peer, number, SECURE_ASKS, NULL, out);
}

/* Handle an answer. It counts only if its question is open, and only once. */
static void take_answer(struct secure *secure, struct secure_peer *peer, uint32_t number,
	const struct secure_header *header, const struct secure_control *control)
{
	uint64_t numbers[2] = {be64toh(control->numbers[0]), be64toh(control->numbers[1])};

	peer->has_random[number - 1] = false;
	secure_session_believe(secure, peer, number, header->session, control->life, numbers);
}

static enum secure_result take_control(struct secure *secure, uint64_t now_ns, struct secure_peer *peer,
	uint32_t number, const struct secure_header *header, uint8_t *bytes, uint32_t size,
	struct secure_opened *opened)
{
	static const uint8_t zeros[SECURE_RANDOM_SIZE];
	const struct secure_session *session = &peer->sessions[number - 1];
	const struct secure_extra extra = {bytes + SECURE_HEADER_SIZE, SECURE_RANDOM_SIZE, .is_sent = true};
	struct secure_control control;
	uint32_t flags = 0;

	if (size != SECURE_CONTROL_SIZE)
		return SECURE_FORGED;

	/*
	 * Only a node that has seen this node's question knows this number. So a flood of guesses does not keep the
	 * real answer out.
	 */
	bool is_awaited = peer->has_random[number - 1] &&
			  memcmp(extra.bytes, peer->randoms[number - 1], SECURE_RANDOM_SIZE) == 0;

	if (!is_awaited && memcmp(extra.bytes, zeros, SECURE_RANDOM_SIZE) != 0)
		return SECURE_REPLAYED;
	if (!is_awaited && !budget_pass(&peer->controls, now_ns))
		return SECURE_LIMITED;
	if (!try_alone(secure, number, header, &extra, bytes, size))
		return SECURE_FORGED;
	memcpy(&control, bytes + SECURE_CONTROL_CLEAR, sizeof(control));
	if (ntohl(control.to) != secure->nodeid)
		return SECURE_FORGED;
	opened->is_answer = is_awaited && (ntohl(control.flags) & SECURE_ANSWERS) != 0;
	if (opened->is_answer)
		take_answer(secure, peer, number, header, &control);
	if ((ntohl(control.flags) & SECURE_ASKS) == 0)
		return SECURE_HANDLED;
	flags = SECURE_ANSWERS;
	if (!session->is_believed || memcmp(session->id, header->session, sizeof(session->id)) != 0)
		flags |= SECURE_ASKS;
	reply(secure, peer, number, flags, control.asked, opened);
	return SECURE_HANDLED;
}

/* ---- Frames -------------------------------------------------------------------- */

/*
 * Return whether the peer has the key with which this node sends. A peer without it was started in the middle of a
 * change of keys, and has only the new key. Its joins would disturb a ring that it cannot join before the change is
 * over.
 */
static bool can_read_us(const struct secure *secure, const struct secure_peer *peer)
{
	return secure->used == 0 || peer->sessions[secure->used - 1].is_believed;
}

/* Handle a frame of a session that may be new, or recorded long ago. If the frame is authentic, ask its sender. */
static enum secure_result take_unknown(struct secure *secure, uint64_t now_ns, struct secure_peer *peer,
	uint32_t number, const struct secure_header *header, uint8_t *bytes, uint32_t size,
	struct secure_opened *opened)
{
	uint32_t receiver;
	const struct secure_extra extra = secure_bind(secure_header_lane(header), secure->nodeid, &receiver);

	if (now_ns < peer->next_ask_ns[number - 1])
		return SECURE_UNKNOWN;
	if (!budget_pass(&peer->tries, now_ns))
		return SECURE_LIMITED;
	if (!try_alone(secure, number, header, &extra, bytes, size))
		return SECURE_FORGED;
	peer->next_ask_ns[number - 1] = now_ns + ASK_GAP_NS;
	reply(secure, peer, number, SECURE_ASKS, NULL, opened);
	return SECURE_UNKNOWN;
}

/* Handle the first frame of the sender's next generation. The trial context becomes the context of the lane. */
static enum secure_result take_next(struct secure *secure, uint64_t now_ns, struct secure_peer *peer, uint32_t number,
	const struct secure_header *header, uint8_t *bytes, uint32_t size)
{
	uint32_t receiver;
	const struct secure_extra extra = secure_bind(secure_header_lane(header), secure->nodeid, &receiver);
	struct secure_lane_in *lane = &peer->sessions[number - 1].lanes[secure_header_lane(header)];
	struct aead *spare;

	if (!budget_pass(&peer->tries, now_ns))
		return SECURE_LIMITED;
	if (!try_alone(secure, number, header, &extra, bytes, size))
		return SECURE_FORGED;
	lane->generation++;
	lane->has_previous = true;
	spare = lane->contexts[lane->generation & 1];
	lane->contexts[lane->generation & 1] = secure->trial;
	secure->trial = spare;
	replay_mark(&lane->window, header->number);
	return SECURE_FRAME;
}

static enum secure_result take_frame(struct secure *secure, uint64_t now_ns, struct secure_peer *peer, uint32_t number,
	const struct secure_header *header, uint8_t *bytes, uint32_t size, struct secure_opened *opened)
{
	uint32_t receiver;
	const struct secure_extra extra = secure_bind(secure_header_lane(header), secure->nodeid, &receiver);
	struct secure_session *session = &peer->sessions[number - 1];
	struct secure_lane_in *lane = &session->lanes[secure_header_lane(header)];
	uint32_t generation = (uint32_t)(header->number >> 32);
	enum secure_result result = SECURE_FRAME;

	if (!session->is_believed || memcmp(session->id, header->session, sizeof(session->id)) != 0)
		return take_unknown(secure, now_ns, peer, number, header, bytes, size, opened);
	if (!replay_is_new(&lane->window, header->number))
		return SECURE_REPLAYED;
	if (generation == lane->generation + 1) {
		result = take_next(secure, now_ns, peer, number, header, bytes, size);
	} else if (generation != lane->generation && (generation + 1 != lane->generation || !lane->has_previous)) {
		/* Whole generations were missed. Ask the sender: its answer has the present generation. */
		return take_unknown(secure, now_ns, peer, number, header, bytes, size, opened);
	} else if (secure_decrypt(lane->contexts[generation & 1], &extra, bytes, size)) {
		replay_mark(&lane->window, header->number);
	} else {
		result = SECURE_FORGED;
	}
	if (result == SECURE_FRAME && !can_read_us(secure, peer)) {
		if (now_ns >= peer->next_ask_ns[secure->used - 1]) {
			peer->next_ask_ns[secure->used - 1] = now_ns + ASK_GAP_NS;
			reply(secure, peer, secure->used, SECURE_ASKS, NULL, opened);
		}
		result = SECURE_UNKNOWN;
	}
	if (result == SECURE_FRAME) {
		opened->offset = SECURE_HEADER_SIZE;
		opened->size = size - SECURE_OVERHEAD;
	}
	return result;
}

static enum secure_result take_sealed(struct secure *secure, uint64_t now_ns, struct secure_peer *peer, uint8_t *bytes,
	uint32_t size, struct secure_opened *opened)
{
	struct secure_header header;

	secure_header_read(&header, bytes);
	if (header.version_lane >> 4 != SECURE_VERSION || header.nodeid != peer->nodeid ||
		secure_header_lane(&header) >= SECURE_LANES || header.number == 0)
		return SECURE_FORGED;
	for (uint32_t number = 1; number <= SECURE_KEYS; number++) {
		/* No other key has this id: a second key with the same id is refused when it is loaded. */
		if (header.key_id != secure_key_id(secure, number) || header.key_id == 0)
			continue;
		if (secure_header_lane(&header) == SECURE_CONTROL)
			return take_control(secure, now_ns, peer, number, &header, bytes, size, opened);
		return take_frame(secure, now_ns, peer, number, &header, bytes, size, opened);
	}
	/*
	 * A question with an unknown key is no attack: this node may be about to load that key. The frames of a node
	 * with another key show that the keys differ.
	 */
	return secure_header_lane(&header) == SECURE_CONTROL ? SECURE_UNKNOWN : SECURE_FORGED;
}

static void count(struct secure_counts *counts, enum secure_result result)
{
	switch (result) {
	case SECURE_FRAME:
	case SECURE_CLEAR:
		counts->frames++;
		break;
	case SECURE_HANDLED:
		break;
	case SECURE_UNKNOWN:
		counts->unknown++;
		break;
	case SECURE_REPLAYED:
		counts->replayed++;
		break;
	case SECURE_FORGED:
		counts->forged++;
		break;
	case SECURE_REFUSED_CLEAR:
		counts->clear++;
		break;
	case SECURE_LIMITED:
		counts->limited++;
		break;
	}
}

bool secure_is_sealed(const uint8_t *bytes, uint32_t size)
{
	return size >= SECURE_OVERHEAD && bytes[0] == SECURE_MAGIC;
}

enum secure_result secure_open(struct secure *secure, uint64_t now_ns, uint32_t nodeid, uint8_t *bytes, uint32_t size,
	struct secure_opened *opened)
{
	struct secure_peer *peer = secure_peer_find(secure, nodeid);
	enum secure_result result;

	opened->offset = opened->size = opened->reply_size = 0;
	opened->is_answer = false;
	if (peer == NULL)
		return SECURE_FORGED;
	if (secure_is_sealed(bytes, size)) {
		result = take_sealed(secure, now_ns, peer, bytes, size, opened);
	} else if (secure->allows_clear) {
		opened->size = size;
		result = SECURE_CLEAR;
	} else {
		result = SECURE_REFUSED_CLEAR;
	}
	count(&peer->counts, result);
	return result;
}

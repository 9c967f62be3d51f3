/* SPDX-License-Identifier: BSD-3-Clause */
/* Peers and those of their sessions that are believed. */
#include "transports/common/secure/secure_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Return the index of the peer, or the index at which it must be inserted. */
static uint32_t place_of(const struct secure *secure, uint32_t nodeid)
{
	uint32_t low = 0, high = secure->peer_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (secure->peers[middle]->nodeid < nodeid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct secure_peer *secure_peer_find(const struct secure *secure, uint32_t nodeid)
{
	uint32_t place = place_of(secure, nodeid);

	return place < secure->peer_count && secure->peers[place]->nodeid == nodeid ? secure->peers[place] : NULL;
}

int secure_peer_add(struct secure *secure, uint32_t nodeid)
{
	uint32_t place = place_of(secure, nodeid);
	struct secure_peer **peers;
	struct secure_peer *peer;

	if (secure_peer_find(secure, nodeid) != NULL)
		return -EEXIST;
	peers = reallocarray(secure->peers, secure->peer_count + 1, sizeof(*peers));
	if (peers == NULL)
		return -ENOMEM;
	secure->peers = peers;
	peer = calloc(1, sizeof(*peer));
	if (peer == NULL)
		return -ENOMEM;
	peer->nodeid = nodeid;
	memmove(&peers[place + 1], &peers[place], (secure->peer_count - place) * sizeof(*peers));
	peers[place] = peer;
	secure->peer_count++;
	return 0;
}

void secure_peer_del(struct secure *secure, uint32_t nodeid)
{
	uint32_t place = place_of(secure, nodeid);
	struct secure_peer *peer = secure_peer_find(secure, nodeid);

	if (peer == NULL)
		return;
	for (uint32_t number = 1; number <= SECURE_KEYS; number++)
		secure_session_forget(peer, number);
	free(peer);
	secure->peer_count--;
	memmove(&secure->peers[place], &secure->peers[place + 1],
		(secure->peer_count - place) * sizeof(secure->peers[0]));
}

const struct secure_counts *secure_peer_counts(const struct secure *secure, uint32_t nodeid)
{
	const struct secure_peer *peer = secure_peer_find(secure, nodeid);

	return peer == NULL ? NULL : &peer->counts;
}

bool secure_is_believed(const struct secure *secure, uint32_t number, uint32_t nodeid)
{
	const struct secure_peer *peer = secure_peer_find(secure, nodeid);

	return peer != NULL && number >= 1 && number <= SECURE_KEYS && peer->sessions[number - 1].is_believed;
}

static void session_wipe(struct secure_session *session)
{
	for (int lane = 0; lane < 2; lane++)
		for (int i = 0; i < 2; i++)
			aead_destroy(session->lanes[lane].contexts[i]);
	explicit_bzero(session, sizeof(*session));
}

void secure_session_forget(struct secure_peer *peer, uint32_t number)
{
	session_wipe(&peer->sessions[number - 1]);
	peer->has_random[number - 1] = false;
	peer->next_ask_ns[number - 1] = 0;
}

/*
 * Frames of a session that is already believed may be under way when its sender answers again. The window accepts each
 * of them once, so it stays as it is. It must only be moved if whole generations were missed.
 */
static int lane_believe(struct secure *secure, uint32_t number, struct secure_lane_in *in, bool is_same,
	const struct keys_session *from, uint64_t last)
{
	if (is_same && last >> 32 <= (uint64_t)in->generation + 1)
		return 0;

	struct keys_session session = *from;
	uint32_t place = (uint32_t)(last >> 32) & 1;

	session.generation = (uint32_t)(last >> 32);

	int rc = keys_context_set(in->contexts[place], &secure->roots[number - 1], &session, false);

	if (rc < 0)
		return rc;
	in->generation = session.generation;
	in->has_previous = false;
	replay_begin(&in->window, last);
	return 0;
}

/* Forget the sessions of earlier starts of the peer: it no longer has them, and maybe not even their keys. */
static void forget_other_lives(struct secure_peer *peer, const uint8_t *life)
{
	for (uint32_t number = 1; number <= SECURE_KEYS; number++)
		if (peer->sessions[number - 1].is_believed &&
			memcmp(peer->sessions[number - 1].life, life, SECURE_LIFE_SIZE) != 0)
			session_wipe(&peer->sessions[number - 1]);
}

int secure_session_believe(struct secure *secure, struct secure_peer *peer, uint32_t number, const uint8_t *id,
	const uint8_t *life, const uint64_t numbers[2])
{
	forget_other_lives(peer, life);

	struct secure_session *session = &peer->sessions[number - 1];
	bool is_same = session->is_believed && memcmp(session->id, id, sizeof(session->id)) == 0;
	struct keys_session from = {.nodeid = peer->nodeid};
	int rc = 0;

	if (!is_same) {
		session_wipe(session);
		memcpy(session->id, id, sizeof(session->id));
		memcpy(session->life, life, sizeof(session->life));
	}
	memcpy(from.id, id, sizeof(from.id));
	for (int lane = 0; lane < 2 && rc == 0; lane++) {
		struct secure_lane_in *in = &session->lanes[lane];

		for (int i = 0; i < 2 && rc == 0; i++) {
			if (in->contexts[i] == NULL)
				in->contexts[i] = aead_create(secure->library);
			rc = in->contexts[i] == NULL ? -ENOMEM : 0;
		}
		from.lane = (enum secure_lane)lane;
		if (rc == 0)
			rc = lane_believe(secure, number, in, is_same, &from, numbers[lane]);
	}
	if (rc < 0)
		session_wipe(session);
	else
		session->is_believed = true;
	return rc;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/sync/delivery.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/service.h>

#include "exec/log/log.h"
#include "exec/ring/ring.h"
#include "exec/sync/round_message.h"
#include "exec/totem/node_set.h"

#define PLACE_BITS 16u /* number of bits for the messages of one frame: a frame is shorter than 65,536 bytes */

/** A VERDICT on the ring, in the sender's byte order. The other messages of service 63 have the same layout. */
struct message {
	struct coterie_ring_header header;
	uint32_t is_quorate;
	uint32_t pad;
	uint32_t representative;
	uint32_t pad2;
	uint64_t seq;
};
_Static_assert(sizeof(struct message) == 40, "layout of a verdict");
_Static_assert(offsetof(struct message, seq) == 32, "layout of a verdict");

/* Announcements of a member of the regular configuration. */
struct voice {
	bool is_built;      /* the member's SERVICE_BUILD has been delivered */
	bool is_announcing; /* its SERVICE_BUILD says that it announces verdicts */
	bool is_quorate;    /* verdict of its last announcement */
};

struct delivery {
	struct ring *out;                    /* announcements are sent to this ring */
	const struct totem_message *message; /* the message that is being delivered, or NULL */
	bool is_regular;
	bool is_whole;            /* all members of the regular configuration are in the present one */
	struct ring_id ring;      /* the regular configuration's ring. All zero before the first one */
	struct node_set members;  /* of the present configuration */
	struct node_set speakers; /* members of the regular configuration */
	struct voice *voices;     /* voices[i] is that of member i of `speakers` */
	/* numbers of voices with is_built and is_announcing, and of those that announce "quorate" */
	uint32_t built, announcing, quorate;
	uint32_t last_seq, wraps;      /* seq of the last frame, and how often the seq has wrapped */
	bool has_verdict, verdict;     /* whether this node has a verdict about this ring, and the verdict */
	bool has_announced, announced; /* whether this node has sent a verdict to this ring, and that verdict */
};

static struct voice *find(struct delivery *delivery, uint32_t nodeid)
{
	for (uint32_t i = 0; i < delivery->speakers.count; i++)
		if (delivery->speakers.ids[i] == nodeid)
			return &delivery->voices[i];
	return NULL;
}

/* --- the verdict of this node --- */

static void send_verdict(struct delivery *delivery)
{
	if (!delivery->has_verdict || !delivery->is_regular || delivery->ring.rep == 0)
		return;
	if (delivery->has_announced && delivery->announced == delivery->verdict)
		return;

	struct message message = {
		.header = {.id = (int32_t)(ROUND_SERVICE_ID << 16 | DELIVERY_VERDICT), .size = sizeof(message)},
		.is_quorate = delivery->verdict,
		.representative = delivery->ring.rep,
		.seq = delivery->ring.seq,
	};
	struct iovec iov = {&message, sizeof(message)};

	if (ring_send(delivery->out, "a", TOTEM_AGREED, &iov, 1) < 0)
		return; /* try again after the next pass of the token */
	delivery->has_announced = true;
	delivery->announced = delivery->verdict;
}

void delivery_announce(struct delivery *delivery, bool is_quorate)
{
	delivery->has_verdict = true;
	delivery->verdict = is_quorate;
	send_verdict(delivery);
}

bool delivery_has_verdict(const struct delivery *delivery) { return delivery->has_verdict; }

void delivery_decide(struct delivery *delivery, const struct coterie_quorum *verdict)
{
	struct ring_id ring = {verdict->ring.representative, verdict->ring.seq};

	if (ring_id_equal(&ring, &delivery->ring))
		delivery_announce(delivery, verdict->is_quorate != 0);
}

void delivery_passed(struct delivery *delivery) { send_verdict(delivery); }

/* --- announcements of the members --- */

/* Change a voice, and update the counts. */
static void revise(struct delivery *delivery, struct voice *voice, struct voice now)
{
	delivery->built += (uint32_t)now.is_built - (uint32_t)voice->is_built;
	delivery->announcing += (uint32_t)now.is_announcing - (uint32_t)voice->is_announcing;
	delivery->quorate += (uint32_t)(now.is_announcing && now.is_quorate) -
			     (uint32_t)(voice->is_announcing && voice->is_quorate);
	*voice = now;
}

void delivery_build(struct delivery *delivery, uint32_t nodeid, bool is_announcing)
{
	struct voice *voice = find(delivery, nodeid);

	if (voice != NULL)
		revise(delivery, voice, (struct voice){true, is_announcing, voice->is_quorate});
}

void delivery_receive(struct delivery *delivery, uint32_t source, const uint8_t *bytes, size_t size, bool is_swapped)
{
	struct voice *voice = find(delivery, source);
	struct message message;

	if (voice == NULL || size < sizeof(message))
		return;
	memcpy(&message, bytes, sizeof(message));
	if (is_swapped) {
		message.is_quorate = __builtin_bswap32(message.is_quorate);
		message.representative = __builtin_bswap32(message.representative);
		message.seq = __builtin_bswap64(message.seq);
	}
	struct ring_id ring = {message.representative, message.seq};
	if (!ring_id_equal(&ring, &delivery->ring))
		return;
	revise(delivery, voice, (struct voice){voice->is_built, voice->is_announcing, message.is_quorate != 0});
}

static bool is_agreed(const struct delivery *delivery)
{
	return delivery->is_whole && delivery->built == delivery->speakers.count && delivery->announcing > 0 &&
	       delivery->quorate == delivery->announcing;
}

/* --- the place in the order --- */

void delivery_configure(struct delivery *delivery, const struct totem_configuration *configuration)
{
	delivery->is_regular = configuration->is_regular;
	delivery->is_whole = configuration->is_regular || configuration->left_count == 0;
	if (node_set_assign(&delivery->members, configuration->members, configuration->member_count) < 0)
		goto no_memory;
	if (!configuration->is_regular)
		return;
	delivery->ring = configuration->ring;
	delivery->built = delivery->announcing = delivery->quorate = 0;
	delivery->last_seq = delivery->wraps = 0;
	delivery->has_verdict = delivery->has_announced = false;
	free(delivery->voices);
	delivery->voices = calloc(configuration->member_count + 1, sizeof(*delivery->voices));
	if (delivery->voices == NULL ||
		node_set_assign(&delivery->speakers, configuration->members, configuration->member_count) < 0)
		goto no_memory;
	return;
no_memory:
	/* Both lists of members are empty then, and the ring counts as not quorate: no service acts. */
	log_line("SERV", LOG_ERR, "out of memory: services that need quorum do not act until the ring changes");
	node_set_clear(&delivery->members);
	node_set_clear(&delivery->speakers);
	delivery->is_whole = false;
}

void delivery_begin(struct delivery *delivery, const struct totem_message *message)
{
	/* A frame's seq has 32 bits, and wraps in a ring that lasts. */
	if (message->seq < delivery->last_seq && (int32_t)(message->seq - delivery->last_seq) > 0)
		delivery->wraps++;
	delivery->last_seq = message->seq;
	delivery->message = message;
}

void delivery_end(struct delivery *delivery) { delivery->message = NULL; }

int delivery_get(const struct delivery *delivery, struct coterie_delivery *place)
{
	const struct totem_message *message = delivery->message;

	if (message == NULL)
		return -ENODATA;

	uint64_t frame = (uint64_t)delivery->wraps << 32 | message->seq;
	struct coterie_delivery known = {
		.size = place->size,
		.is_regular = delivery->is_regular,
		.is_sender_member = node_set_has(&delivery->members, message->source),
		.is_quorate = is_agreed(delivery),
		.ring = {.representative = delivery->ring.rep, .seq = delivery->ring.seq},
		.position = frame << PLACE_BITS | message->place,
	};

	memcpy(place, &known, place->size < sizeof(known) ? place->size : sizeof(known));
	return 0;
}

/* --- life --- */

struct delivery *delivery_create(struct ring *ring)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));

	if (delivery != NULL)
		delivery->out = ring;
	return delivery;
}

void delivery_destroy(struct delivery *delivery)
{
	if (delivery == NULL)
		return;
	node_set_fini(&delivery->members);
	node_set_fini(&delivery->speakers);
	free(delivery->voices);
	free(delivery);
}

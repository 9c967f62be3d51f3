/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Encryption of a UDP link: its keys, the sealing of frames before they are sent, and the opening of datagrams before
 * they are read (docs/encryption.md).
 *
 * rekey.h has the steps of a change of keys. Here is what udp does in each.
 */
#include "transports/common/udp_link_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

/* Frames that are sealed at a time: enough for several calls of sendmmsg to each peer. */
#define SEAL_MAX 128u

/* ---- Keys ---------------------------------------------------------------- */

/* The keys that the configuration requires. `bytes` is borrowed from the host. */
struct wanted {
	enum secure_cipher cipher;
	const void *bytes;
	uint32_t size;
	const char *name;
};

static int read_wanted(const struct udp_link *link, struct wanted *wanted)
{
	uint32_t type, size;
	const void *value;

	*wanted = (struct wanted){.cipher = SECURE_NONE, .name = "none"};
	if (link->host->map_get(link->ctx, "totem.encryption", &type, &value, &size) < 0 ||
		type != COTERIE_MAP_STRING || strcmp(value, "none") == 0)
		return 0;
	if (strcmp(value, "aes256-gcm") == 0)
		*wanted = (struct wanted){.cipher = SECURE_AES256_GCM, .name = "aes256-gcm"};
	else if (strcmp(value, "chacha20-poly1305") == 0)
		*wanted = (struct wanted){.cipher = SECURE_CHACHA20_POLY1305, .name = "chacha20-poly1305"};
	else
		return -EINVAL;
	if (!COTERIE_HAS(link->host, key_get))
		return -ENOTSUP;
	return link->host->key_get(link->ctx, &wanted->bytes, &wanted->size);
}

static void tell_refused(const struct udp_link *link, int rc)
{
	if (rc == -EBUSY) {
		link->host->log(link->ctx, LOG_ERR,
			"the ring's keys still change, and nodes may send with the key that another one would replace: "
			"reload again when the change is over");
		return;
	}
	link->host->log(link->ctx, LOG_ERR,
		"encryption cannot be set up (%s): check encryption and the key, and that libcrypto has the cipher",
		rc == -ENOTSUP ? "this executive gives no keys" : strerror(-rc));
}

bool udp_link_is_opening(const struct udp_link *link)
{
	return secure_key_id(link->secure, 1) != 0 || secure_key_id(link->secure, 2) != 0;
}

uint32_t udp_link_overhead(void *self)
{
	const struct udp_link *link = self;

	/*
	 * The overhead is nonzero from the reload that loads the first key until the clean-up that wipes the last one.
	 */
	return udp_link_is_opening(link) ? secure_overhead(link->secure, udp_link_frame_size(link)) : 0;
}

static bool holds(void *self, uint32_t number, const void *arg)
{
	const struct udp_link *link = self;
	const struct wanted *wanted = arg;

	if (number == 0 || wanted->cipher == SECURE_NONE)
		return number == 0 && wanted->cipher == SECURE_NONE;
	return secure_holds(link->secure, number, wanted->cipher, wanted->bytes, wanted->size);
}

static bool is_loaded(void *self, uint32_t number)
{
	const struct udp_link *link = self;

	return secure_key_id(link->secure, number) != 0;
}

static int load(void *self, uint32_t number, const void *arg)
{
	struct udp_link *link = self;
	const struct wanted *wanted = arg;

	return secure_load(link->secure, number, wanted->cipher, wanted->bytes, wanted->size);
}

static int forget(void *self, uint32_t number)
{
	struct udp_link *link = self;

	secure_forget(link->secure, number);
	return 0;
}

static int use(void *self, uint32_t number)
{
	struct udp_link *link = self;

	return secure_use(link->secure, number);
}

static int allow_clear(void *self, bool is_allowed)
{
	struct udp_link *link = self;

	secure_allow_clear(link->secure, is_allowed);
	return 0;
}

static const struct rekey_ops rekey_ops = {
	.holds = holds,
	.is_loaded = is_loaded,
	.load = load,
	.forget = forget,
	.use = use,
	.allow_clear = allow_clear,
};

int udp_link_keys_open(struct udp_link *link)
{
	struct wanted wanted;
	int rc = read_wanted(link, &wanted);

	link->rekey = (struct rekey){.ops = &rekey_ops, .self = link};
	if (rc == 0)
		rc = rekey_open(&link->rekey, &wanted);
	if (rc < 0)
		tell_refused(link, rc);
	else if (link->rekey.used != 0)
		link->host->log(link->ctx, LOG_INFO, "packets are encrypted: %s, by %s", wanted.name,
			secure_library(link->secure));
	return rc;
}

int udp_link_keys_reload(struct udp_link *link)
{
	struct wanted wanted;
	int rc = read_wanted(link, &wanted);

	if (rc == 0 && !rekey_is_target(&link->rekey, &wanted))
		rc = rekey_begin(&link->rekey, &wanted);
	if (rc < 0) {
		rekey_abandon(&link->rekey);
		tell_refused(link, rc);
	} else if (rc == COTERIE_RELOAD_REKEY) {
		udp_link_greet_all(link); /* sessions with the new key are made at once */
	}
	return rc;
}

int udp_link_rekey(void *self, uint32_t phase)
{
	struct udp_link *link = self;
	int rc = rekey_step(&link->rekey, phase);

	if (rc < 0)
		return rc;
	if (phase == COTERIE_REKEY_ACTIVATE) {
		udp_link_greet_all(link); /* asks also peers that were away meanwhile */
		link->host->log(link->ctx, LOG_INFO, "packets are sent with key %u from now on", link->rekey.used);
	} else {
		tripwire_rekeyed(&link->wire, link->rekey.used);
	}
	return 0;
}

/* ---- Questions to peers ------------------------------------------------------ */

/* Send a control datagram. If it is lost, the peer's next frame leads to another question. */
static void send_control(struct udp_link *link, struct peer *peer, const uint8_t *bytes)
{
	struct coterie_frame *frame = link->host->frame_take(link->ctx, SECURE_CONTROL_SIZE);
	uint32_t lost;
	int error;

	if (frame == NULL)
		return;
	memcpy(frame->data, bytes, SECURE_CONTROL_SIZE);
	frame->size = SECURE_CONTROL_SIZE;
	if (link->fd >= 0 && !link->is_absent) {
		sent_note(&link->sent, peer->nodeid, &frame, 1);
		batch_send(&link->out, &peer->offload, (struct sockaddr *)&peer->address, peer->address_size, &frame, 1,
			&lost, &error);
	}
	link->host->frame_unref(frame);
}

void udp_link_greet(struct udp_link *link, struct peer *peer)
{
	uint8_t bytes[SECURE_CONTROL_SIZE];

	if (link->fd < 0 || peer->is_local)
		return;
	for (uint32_t number = 1; number <= SECURE_KEYS; number++)
		if (secure_ask(link->secure, number, peer->nodeid, bytes) == 0)
			send_control(link, peer, bytes);
}

void udp_link_greet_all(struct udp_link *link)
{
	for (uint32_t i = 0; i < link->peers.count; i++)
		udp_link_greet(link, &link->peers.list[i]);
}

/* ---- Frames ------------------------------------------------------------------- */

struct coterie_frame *udp_link_seal(struct udp_link *link, uint32_t nodeid, const struct coterie_frame *frame)
{
	enum secure_lane lane = nodeid == 0 ? SECURE_GROUP : SECURE_UNICAST;
	struct coterie_frame *sealed = link->host->frame_take(link->ctx, frame->size + SECURE_OVERHEAD);

	if (sealed == NULL)
		return NULL;
	if (secure_seal(link->secure, lane, nodeid, frame->data, frame->size, sealed->data) < 0) {
		link->host->frame_unref(sealed);
		return NULL;
	}
	sealed->size = frame->size + SECURE_OVERHEAD;
	return sealed;
}

uint32_t udp_link_multicast_sealed(struct udp_link *link, struct coterie_frame *const *frames, uint32_t count)
{
	struct coterie_frame *sealed[SEAL_MAX];
	uint32_t done = 0;

	/* When the socket is full, leave further frames to the engine. They would overtake the frames that wait. */
	while (done < count && pending_is_empty(&link->pending)) {
		uint32_t taken = count - done < SEAL_MAX ? count - done : SEAL_MAX;
		uint32_t made = 0;

		for (uint32_t i = 0; i < taken; i++) {
			sealed[made] = udp_link_seal(link, 0, frames[done + i]);
			if (sealed[made] != NULL)
				made++;
		}
		link->out.errors += taken - made;
		if (made > 0)
			udp_link_fan_out(link, sealed, made);
		for (uint32_t i = 0; i < made; i++)
			link->host->frame_unref(sealed[i]);
		done += taken;
	}
	return done;
}

#define STRANGER_NS UINT64_C(60000000000)
#define TEXT_SIZE_MAX 256u /* size of the text of a statistic */

static void note_stranger(struct udp_link *link, struct peer *peer, const char *word)
{
	link->rejected++;
	peer->stranger_ns = link->host->now_ns(link->ctx);
	peer->stranger_word = word;
}

uint32_t udp_link_strangers(void *arg, void *value)
{
	const struct udp_link *link = arg;
	uint64_t now_ns = link->host->now_ns(link->ctx);
	char *text = value;
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < link->peers.count; i++) {
		const struct peer *peer = &link->peers.list[i];
		char one[32];
		int length;

		if (peer->stranger_ns == 0 || now_ns - peer->stranger_ns > STRANGER_NS)
			continue;
		length = snprintf(one, sizeof(one), "%s%u-%s", used > 0 ? " " : "", peer->nodeid, peer->stranger_word);
		if (used + (size_t)length >= TEXT_SIZE_MAX)
			break;
		memcpy(text + used, one, (size_t)length + 1);
		used += (size_t)length;
	}
	return (uint32_t)used + 1;
}

/* Write the statistic. Peers that were never heard are left out, and those for which there is no room. */
uint32_t udp_link_heard(void *arg, void *value)
{
	const struct udp_link *link = arg;
	uint64_t now_ns = link->host->now_ns(link->ctx);
	char *text = value;
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < link->peers.count; i++) {
		const struct peer *peer = &link->peers.list[i];
		char one[40];

		if (peer->heard_ns == 0 || peer->is_local)
			continue;
		int length = snprintf(one, sizeof(one), "%s%u-%ju", used > 0 ? " " : "", peer->nodeid,
			(uintmax_t)((now_ns - peer->heard_ns) / 1000000));
		if (used + (size_t)length >= TEXT_SIZE_MAX)
			break;
		memcpy(text + used, one, (size_t)length + 1);
		used += (size_t)length;
	}
	return (uint32_t)used + 1;
}

static const char *cipher_name(enum secure_cipher cipher)
{
	switch (cipher) {
	case SECURE_NONE:
		return "none";
	case SECURE_AES256_GCM:
		return "aes256-gcm";
	case SECURE_CHACHA20_POLY1305:
		return "chacha20-poly1305";
	}
	return "none";
}

uint32_t udp_link_encryption(void *arg, void *value)
{
	const struct udp_link *link = arg;
	uint32_t used = secure_used(link->secure), next = link->rekey.target;
	char text[80];
	int length = snprintf(text, sizeof(text), "%s %04x", cipher_name(secure_key_cipher(link->secure, used)),
		secure_key_id(link->secure, used));

	if (link->rekey.is_changing)
		length += snprintf(text + length, sizeof(text) - (size_t)length, " -> %s %04x",
			cipher_name(secure_key_cipher(link->secure, next)), secure_key_id(link->secure, next));
	memcpy(value, text, (size_t)length + 1);
	return (uint32_t)length + 1;
}

static uint32_t read_count(void *arg, void *value)
{
	memcpy(value, arg, sizeof(uint64_t));
	return sizeof(uint64_t);
}

void udp_link_add_stats(struct udp_link *link)
{
	if (!COTERIE_HAS(link->host, stat_add))
		return;
	link->host->stat_add(link->ctx, UDP_LINK_STRANGERS_KEY, COTERIE_MAP_STRING, udp_link_strangers, link);
	link->host->stat_add(link->ctx, UDP_LINK_HEARD_KEY, COTERIE_MAP_STRING, udp_link_heard, link);
	link->host->stat_add(link->ctx, UDP_LINK_ENCRYPTION_KEY, COTERIE_MAP_STRING, udp_link_encryption, link);
	link->host->stat_add(link->ctx, UDP_LINK_REPLAYED_KEY, COTERIE_MAP_U64, read_count, &link->dropped.replayed);
	link->host->stat_add(link->ctx, UDP_LINK_UNKNOWN_KEY, COTERIE_MAP_U64, read_count, &link->dropped.unknown);
	link->host->stat_add(link->ctx, UDP_LINK_LIMITED_KEY, COTERIE_MAP_U64, read_count, &link->dropped.limited);
}

void udp_link_del_stats(struct udp_link *link)
{
	static const char *const keys[] = {UDP_LINK_STRANGERS_KEY, UDP_LINK_HEARD_KEY, UDP_LINK_ENCRYPTION_KEY,
		UDP_LINK_REPLAYED_KEY, UDP_LINK_UNKNOWN_KEY, UDP_LINK_LIMITED_KEY};

	if (!COTERIE_HAS(link->host, stat_del))
		return;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		link->host->stat_del(link->ctx, keys[i]);
}

static void tell_forged(struct udp_link *link, struct peer *peer, enum secure_result result)
{
	uint64_t hidden;
	char text[ADDRESS_TEXT_SIZE];

	note_stranger(link, peer, result == SECURE_FORGED ? "key" : "clear");
	if (!limiter_pass(&link->forged_log, link->host->now_ns(link->ctx), &hidden))
		return;
	link->host->log(link->ctx, LOG_WARNING,
		"packet refused from %s (node %u): it is not encrypted%s: compare the keys and encryption of both nodes "
		"(%ju more before this)",
		address_text((const struct sockaddr *)&peer->address, text), peer->nodeid,
		result == SECURE_FORGED ? " with our key" : "", (uintmax_t)hidden);
}

/*
 * Count a datagram that was dropped. A few of each kind are normal while nodes start. Many show an attack, or a path
 * that duplicates or delays datagrams.
 */
static void count_dropped(struct udp_link *link, const struct peer *peer, uint64_t *counter, const char *why)
{
	uint64_t hidden;
	char text[ADDRESS_TEXT_SIZE];

	link->rejected++;
	(*counter)++;
	if (limiter_pass(&link->dropped_log, link->host->now_ns(link->ctx), &hidden))
		link->host->log(link->ctx, LOG_DEBUG, "packet dropped from %s (node %u): %s (%ju more before this)",
			address_text((const struct sockaddr *)&peer->address, text), peer->nodeid, why,
			(uintmax_t)hidden);
}

/*
 * Handle a datagram on a link without encryption. A sealed datagram comes from a node with a key. Its questions are not
 * counted as errors.
 */
static bool open_plain(struct udp_link *link, const uint8_t *datagram, uint32_t size)
{
	uint64_t hidden;
	char text[ADDRESS_TEXT_SIZE];

	if (!secure_is_sealed(datagram, size))
		return true;
	if (size == SECURE_CONTROL_SIZE)
		return false;
	note_stranger(link, link->source, "sealed");
	if (limiter_pass(&link->forged_log, link->host->now_ns(link->ctx), &hidden))
		link->host->log(link->ctx, LOG_WARNING,
			"packet refused from %s (node %u): it is encrypted, and this node has no key (%ju more before "
			"this)",
			address_text((const struct sockaddr *)&link->source->address, text), link->source->nodeid,
			(uintmax_t)hidden);
	return false;
}

bool udp_link_open_datagram(void *arg, uint8_t *datagram, uint32_t *offset, uint32_t *size)
{
	struct udp_link *link = arg;
	struct peer *peer = link->source;
	struct secure_opened opened;

	if (!udp_link_is_opening(link))
		return peer == NULL || open_plain(link, datagram, *size);

	uint64_t now_ns = link->source_ns;
	enum secure_result result = secure_open(link->secure, now_ns, peer->nodeid, datagram, *size, &opened);

	if (opened.reply_size > 0)
		send_control(link, peer, opened.reply);
	switch (result) {
	case SECURE_FRAME:
	case SECURE_CLEAR:
		break;
	case SECURE_FORGED:
	case SECURE_REFUSED_CLEAR:
		tell_forged(link, peer, result);
		return false;
	case SECURE_HANDLED:
		/*
		 * After an answer multicasts are sent to the peer again: its daemon runs. A question may be a recording. It
		 * is answered, and one of a new session also asks.
		 */
		if (opened.is_answer) {
			peer->heard_ns = now_ns;
			peer->refused_ns = peer->away_ns = 0;
		}
		return false;
	case SECURE_UNKNOWN:
		count_dropped(link, peer, &link->dropped.unknown, "its session is not proved yet");
		return false;
	case SECURE_REPLAYED:
		count_dropped(link, peer, &link->dropped.replayed, "it came before, or is too late");
		return false;
	case SECURE_LIMITED:
		count_dropped(link, peer, &link->dropped.limited, "too many of unknown sessions");
		return false;
	}
	peer->heard_ns = now_ns;
	peer->refused_ns = peer->away_ns = 0;
	*offset = opened.offset;
	*size = opened.size;
	return opened.size > 0;
}

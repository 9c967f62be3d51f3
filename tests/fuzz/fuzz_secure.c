/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz a node that has keys with datagrams from a peer's address. The script is a list of records: a byte for the
 * operation, a length, and bytes. Some datagrams consist of these bytes. Others were sealed by the peer, and the bytes
 * alter them.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "transports/common/secure/secure.h"

#define PLAIN_MAX 600u

const char *const *const fuzz_words = NULL;

static uint64_t datagrams, frames, replies;
static uint8_t next_random;

const char *fuzz_summary(void)
{
	static char text[128];

	snprintf(text, sizeof(text), "%llu datagrams, %llu opened, %llu replies", (unsigned long long)datagrams,
		(unsigned long long)frames, (unsigned long long)replies);
	return text;
}

static int fill_counting(void *bytes, size_t size)
{
	memset(bytes, ++next_random, size);
	return 0;
}

static struct secure *node(uint32_t nodeid, uint32_t peer)
{
	static const uint8_t keys[2][16] = {"one", "two"};
	struct secure *secure;

	FUZZ_CHECK(secure_create(nodeid, fill_counting, &secure) == 0);
	FUZZ_CHECK(secure_peer_add(secure, peer) == 0);
	FUZZ_CHECK(secure_load(secure, 1, SECURE_AES256_GCM, keys[0], sizeof(keys[0])) == 0);
	FUZZ_CHECK(secure_load(secure, 2, SECURE_CHACHA20_POLY1305, keys[1], sizeof(keys[1])) == 0);
	FUZZ_CHECK(secure_use(secure, 1) == 0);
	return secure;
}

/* Alter some of the bytes. @return whether any changed */
static bool alter(uint8_t *bytes, uint32_t size, struct script *script)
{
	uint32_t count = script_u8(script) % 4;
	bool is_altered = false;

	while (count-- > 0) {
		uint32_t at = script_u16(script) % size;
		uint8_t change = script_u8(script);

		bytes[at] ^= change;
		is_altered |= change != 0;
	}
	return is_altered;
}

static void answer(struct secure *from, struct secure *to, uint64_t now_ns, const struct secure_opened *opened)
{
	struct secure_opened next = *opened;
	uint8_t bytes[SECURE_CONTROL_SIZE];

	for (int i = 0; next.reply_size > 0; i++) {
		struct secure *node = i % 2 == 0 ? from : to;

		FUZZ_CHECK(i < 6);
		FUZZ_CHECK(next.reply_size == SECURE_CONTROL_SIZE);
		memcpy(bytes, next.reply, sizeof(bytes));
		secure_open(node, now_ns, i % 2 == 0 ? 2 : 1, bytes, sizeof(bytes), &next);
		replies++;
	}
}

static void play(struct secure *peer, struct secure *us, uint64_t now_ns, struct script *script)
{
	static const uint8_t plain[PLAIN_MAX] = {1, 2, 3};
	uint8_t bytes[PLAIN_MAX + SECURE_OVERHEAD], quote[PLAIN_MAX + SECURE_OVERHEAD];
	struct secure_opened opened;
	enum secure_result result;
	uint8_t what = script_u8(script);
	size_t size = script_u16(script) % PLAIN_MAX;
	bool is_forged = (what & 3) == 0;

	if (is_forged) {
		const uint8_t *forged = script_bytes(script, &size);

		memcpy(bytes, forged, size);
	} else if ((what & 3) == 1) {
		FUZZ_CHECK(secure_ask(peer, 1 + (what >> 2) % 2, 2, bytes) == 0);
		size = SECURE_CONTROL_SIZE;
		is_forged = alter(bytes, (uint32_t)size, script);
	} else {
		FUZZ_CHECK(secure_use(peer, 1 + (what >> 2) % 2) == 0);
		FUZZ_CHECK(
			secure_seal(peer, (enum secure_lane)((what >> 3) % 2), 2, plain, (uint32_t)size, bytes) == 0);
		size += SECURE_OVERHEAD;
		is_forged = alter(bytes, (uint32_t)size, script);
	}
	FUZZ_CHECK(secure_quote(us, 1, bytes, (uint32_t)size, quote) <= size);
	FUZZ_CHECK(secure_quote(peer, 2, bytes, (uint32_t)size, quote) <= size);
	result = secure_open(us, now_ns, 1, bytes, (uint32_t)size, &opened);
	datagrams++;
	if (result == SECURE_FRAME) {
		FUZZ_CHECK(opened.offset + opened.size + SECURE_TAG_SIZE == size);
		FUZZ_CHECK(memcmp(bytes + opened.offset, plain, opened.size) == 0);
		frames++;
	} else {
		FUZZ_CHECK(opened.size == 0);
	}
	/* Only a datagram that was not sealed is certainly forged: two alterations of one byte may cancel out. */
	if ((what & 3) == 0)
		FUZZ_CHECK(is_forged && result != SECURE_FRAME && opened.reply_size == 0);
	answer(peer, us, now_ns, &opened);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = {.at = data, .left = size};
	struct secure *peer, *us;
	uint64_t now_ns = 1000000000;

	next_random = 0;
	peer = node(1, 2);
	us = node(2, 1);
	while (script.left > 0) {
		play(peer, us, now_ns, &script);
		now_ns += 1000000;
	}
	secure_destroy(peer);
	secure_destroy(us);
	return 0;
}

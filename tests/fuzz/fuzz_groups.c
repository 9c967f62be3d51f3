/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz the unpacker with packets of several sources. Byte 0 of the script selects the rule. Records follow: a byte
 * (source, phase, byte order, kind of frame), a length and that many bytes of packet.
 */
#include <string.h>

#include "exec/totem/frame.h"
#include "exec/totem/unpack.h"
#include "exec/totem/wire.h"
#include "tests/fuzz/fuzz.h"

#define SOURCES 4u
#define COMMON_SIZE 1500u
#define LARGE_SIZE 65536u
#define PINNED_MAX \
	((size_t)17 << 20) /* limit of the memory of unpack.c: 16 MiB and the current
				       * frame */

const char *const *const fuzz_words = NULL;

static uint64_t packets, messages, malformed;
static volatile uint8_t sink;

const char *fuzz_summary(void)
{
	static char text[128];

	snprintf(text, sizeof(text), "%llu packets, of these %llu malformed, %llu messages",
		(unsigned long long)packets, (unsigned long long)malformed, (unsigned long long)messages);
	return text;
}

static bool deliver(void *arg, uint32_t source, const struct iovec *iov, size_t count, size_t size, bool is_swapped)
{
	struct wire_group_name names[3];
	uint32_t name_count;
	size_t sum = 0;
	size_t prefix;

	(void)arg;
	FUZZ_CHECK(source < SOURCES);
	FUZZ_CHECK(count >= 1 && count <= UNPACK_IOV_MAX);
	FUZZ_CHECK(size <= UNPACK_MESSAGE_SIZE_MAX);
	for (size_t i = 0; i < count; i++) {
		const uint8_t *bytes = iov[i].iov_base;

		FUZZ_CHECK(iov[i].iov_len > 0 || size == 0);
		for (size_t at = 0; at < iov[i].iov_len; at++)
			sink ^= bytes[at];
		sum += iov[i].iov_len;
	}
	FUZZ_CHECK(sum == size);
	prefix = wire_decode_groups(iov[0].iov_base, iov[0].iov_len, is_swapped, names, 3, &name_count);
	FUZZ_CHECK(prefix <= iov[0].iov_len && name_count <= 3);
	for (uint32_t i = 0; i < name_count; i++) {
		for (uint16_t at = 0; at < names[i].length; at++)
			sink ^= names[i].bytes[at];
	}
	messages++;
	return size % 4 != 3; /* some messages stop the unpacker */
}

static void take_packet(struct unpack *unpack, struct frame_pool *pool, struct script *script, enum unpack_rule rule)
{
	uint8_t kind = script_u8(script);
	size_t size = script_u16(script);
	const uint8_t *bytes = script_bytes(script, &size);
	/* Some small packets are in a large buffer, all of which they keep in use. */
	size_t capacity = (kind & 0x10) != 0 ? LARGE_SIZE : size;
	struct coterie_frame *frame = frame_take(pool, capacity);
	struct coterie_frame *shown;
	struct frame_pool_usage usage;

	FUZZ_CHECK(frame != NULL);
	shown = (kind & 0x20) != 0 ? frame_slice(frame, 0, size) : frame_ref(frame);
	memcpy(shown->data, bytes, size);
	shown->size = (uint32_t)size;

	int rc = unpack_frame(unpack, kind % SOURCES, shown, shown->data, shown->size, (kind & 4) != 0, (kind & 8) != 0,
		rule, deliver, NULL);

	frame_unref(shown);
	frame_unref(frame);
	while (rc == 1)
		rc = unpack_resume(unpack);
	FUZZ_CHECK(rc == 0);
	packets++;
	if ((kind & 0xc0) == 0xc0)
		unpack_forget(unpack, (kind >> 2) % SOURCES);
	frame_pool_usage(pool, &usage);
	FUZZ_CHECK(usage.bytes <= PINNED_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = {.at = data, .left = size};
	struct frame_pool *pool = frame_pool_create(COMMON_SIZE, (size_t)64 << 20);
	struct unpack *unpack = unpack_create();
	enum unpack_rule rule = script_u8(&script) % 2 != 0 ? UNPACK_BETTER : UNPACK_REFERENCE;
	struct frame_pool_usage usage;

	FUZZ_CHECK(pool != NULL && unpack != NULL);
	while (script.left > 0)
		take_packet(unpack, pool, &script, rule);
	malformed += unpack_counters(unpack)->malformed;
	unpack_destroy(unpack);
	frame_pool_usage(pool, &usage);
	FUZZ_CHECK(usage.frames == 0 && usage.bytes == 0);
	frame_pool_destroy(pool);
	return 0;
}

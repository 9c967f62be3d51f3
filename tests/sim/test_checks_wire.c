/* SPDX-License-Identifier: BSD-3-Clause */
/* The checkers of packets: tap.c. */
#include "tests/sim/checks_case.h"

#include "exec/totem/wire.h"
#include "tests/sim/tap.h"
#include "tests/sim/traffic.h"

static struct tap tapped(uint32_t node, const uint8_t *bytes, size_t size)
{
	struct tap tap;

	tap_packet(&history, lives[node], false, 50, 0, bytes, size, &tap);
	return tap;
}

/* Make a frame of one packet that carries one whole message. */
static size_t frame_of(const struct message *message, uint32_t seq, uint8_t *out)
{
	struct wire_mcast mcast = {.nodeid = ids[message->life->node],
		.seq = seq,
		.system_from = ids[message->life->node],
		.ring = ring(ALL, 4)->id,
		.encapsulated = 2};
	size_t size = wire_encode_mcast_header(&mcast, false, out, 200);

	wire_encode_packet_header(0, 0, 1, false, out + size);
	wire_encode_u16((uint16_t)traffic_size(message), false, out + size + 8);
	traffic_write(message, false, out + size + 10);
	return size + 10 + traffic_size(message);
}

START_TEST(wire_frames)
{
	struct message *message = send_only(0, TOTEM_AGREED);
	uint8_t bytes[300];
	size_t size = frame_of(message, 1, bytes);

	ring(ALL, 4)->installed = ALL;
	lives[0]->stored_seq = lives[1]->stored_seq = 4;
	switch (_i) {
	case 0:
		ck_assert(tapped(0, bytes, size).is_new);
		expect_nothing();
		ck_assert_ptr_eq(message->end_ring, ring(ALL, 4));
		return;
	case 1: /* the wrong bytes */
		bytes[100] ^= 1;
		tapped(0, bytes, size);
		expect("W2");
		return;
	case 2: /* the packet announces more bytes than it has */
		tapped(0, bytes, size - 1);
		expect("W1");
		return;
	case 3: /* a safe message that is sent as agreed */
		message->guarantee = TOTEM_SAFE;
		message->is_honoured = lives[0]->is_honoured = true;
		tapped(0, bytes, size);
		expect("D10");
		return;
	case 4: /* the message carries another node's id */
		tapped(1, bytes, size);
		expect("I3");
		return;
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim checks of packets");
	TCase *tcase = checks_case_add(suite);

	tcase_add_loop_test(tcase, wire_frames, 0, 5);
	return suite_run(suite);
}

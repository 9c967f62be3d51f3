/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages between clients and the tally, and between its nodes. On IPC all integers are in host byte order. On the
 * ring they are in the byte order of the sender, and the receiver swaps them if needed (tally_swap_*).
 */
#ifndef TALLY_H
#define TALLY_H

#include <stdint.h>

#include <coterie/service.h>

/* Requests and their responses. */
enum {
	TALLY_REQ_ADD = 0, /* the response is only a header */
	TALLY_REQ_GET = 1,
};

struct tally_req_add {
	struct coterie_request_header header;
	uint32_t amount;
	uint32_t pad;
};

struct tally_req_get {
	struct coterie_request_header header;
};

struct tally_res_get {
	struct coterie_response_header header;
	uint64_t total;
};

/* Ring messages. */
enum {
	TALLY_RING_ADD = 0,
	TALLY_RING_TOTAL = 1, /* sent by every node in a synchronisation */
};

struct tally_ring_add {
	struct coterie_ring_header header;
	uint32_t amount;
	uint32_t pad;
};

struct tally_ring_total {
	struct coterie_ring_header header;
	uint64_t total;
};

_Static_assert(sizeof(struct tally_req_add) == 24, "no hidden padding in what crosses processes");
_Static_assert(sizeof(struct tally_res_get) == 32, "no hidden padding in what crosses processes");
_Static_assert(sizeof(struct tally_ring_add) == 24, "no hidden padding on the ring");
_Static_assert(sizeof(struct tally_ring_total) == 24, "no hidden padding on the ring");

#endif

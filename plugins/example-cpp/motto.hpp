/*
 * Messages of the motto: between clients and the service, and between its nodes. On IPC integers are in host byte
 * order. On the ring they are in the byte order of the sender, and the receiver swaps them if needed.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef MOTTO_HPP
#define MOTTO_HPP

#include <cstdint>

#include <coterie/service.h>

namespace motto {

constexpr std::uint32_t text_max = 64;

enum : std::uint32_t {
	request_set = 0, // the response is only a header
	request_get = 1,
};

struct text {
	std::uint32_t length; // 0 .. text_max
	std::uint32_t pad;
	char bytes[text_max];
};

struct set_request {
	coterie_request_header header;
	text value;
};

struct get_request {
	coterie_request_header header;
};

struct get_response {
	coterie_response_header header;
	std::uint64_t revision;
	text value;
};

enum : std::uint32_t {
	ring_set = 0,
	ring_state = 1, // sent by every node in a synchronisation
};

struct ring_message {
	coterie_ring_header header;
	std::uint64_t revision; // used only with ring_state
	text value;
};

static_assert(sizeof(text) == 72 && sizeof(set_request) == 88 && sizeof(get_response) == 104 &&
		      sizeof(ring_message) == 96,
	"no hidden padding");

} // namespace motto

#endif

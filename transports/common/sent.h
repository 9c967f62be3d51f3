/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A record of the datagrams that a link has sent lately. An ICMP error quotes the datagram that it is about. Any host can
 * forge such an error, but a host off the path cannot quote a datagram that it has not seen. On a link in clear it can
 * guess the whole of some, such as a merge detect, from the ids of nodes and rings. It could forge packets there, too. The
 * record is about the bytes on the wire, so it is the same for clear and sealed frames.
 */
#ifndef COMMON_SENT_H
#define COMMON_SENT_H

#include <stdbool.h>
#include <stdint.h>

#include <coterie/transport.h>

/** Number of datagrams. It is more than a host sends in the time of a round trip. */
#define SENT_COUNT 1024u
/** Bytes of each datagram: the header of a sealed frame, 32 bytes, and as many sealed bytes. */
#define SENT_START 64u
/** Searches in a millisecond. Each takes up to 8 us, and a flood of forged errors must not cost more. */
#define SENT_SEARCHES 16u

struct sent_datagram {
	uint32_t nodeid; /* of the receiver; 0: all peers */
	uint32_t size;   /* of the part that is kept; 0: no datagram */
	uint8_t start[SENT_START];
};

/** All zero at first. */
struct sent {
	uint64_t count;    /* number of datagrams in all. The index of the next one is count % SENT_COUNT */
	uint64_t until_ns; /* end of the present millisecond */
	uint32_t searches; /* searches in it */
	struct sent_datagram list[SENT_COUNT];
};

/**
 * Note datagrams that are sent now, or wait for room in the socket.
 *
 * @param nodeid  of the receiver; 0: each peer gets a datagram of its own
 * @param frames  borrowed; count elements: the bytes on the wire
 */
void sent_note(struct sent *sent, uint32_t nodeid, struct coterie_frame *const *frames, uint32_t count);

/**
 * Return whether the quote begins with a recorded datagram to this node, or with the part of it that is kept. A quote
 * may be longer than its datagram, if the datagram was part of a run that the network did not cut. After SENT_SEARCHES
 * calls in a millisecond no quote is found before the next one.
 *
 * @param now_ns  monotonic time
 * @param quote   borrowed; size bytes
 */
bool sent_has(struct sent *sent, uint64_t now_ns, uint32_t nodeid, const uint8_t *quote, uint32_t size);

#endif

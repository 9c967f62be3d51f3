/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fast channel: two rings in memory that one client of a service shares with the executive, beside their
 * libqb connection. Both sides include this file. It has all that they agree on, and the functions of a ring.
 *
 * A service gives its clients a channel with host->channel_open; see <coterie/plugin.h>. At the client:
 *
 * 1. It listens on a socket (AF_UNIX, SOCK_SEQPACKET) that the kernel names. It appends an offer with that name to a
 *    request of its service. A service that does not know offers answers as always.
 * 2. The end of the answer is a grant. At that time a connection waits at the socket. Its only message is the grant's
 *    token, with two descriptors (SCM_RIGHTS): the memory of the send ring, then of the receive ring. The client maps
 *    both, and sends the request COTERIE_CHANNEL_DOORBELL. If it cannot map them, it sends COTERIE_CHANNEL_REFUSED, and
 *    goes on without a channel.
 * 3. Send ring: the client writes messages (struct coterie_channel_message), and the executive reads them. Requests still
 *    use libqb. A request that needs flow runs after all messages that are in the send ring before it.
 * 4. Receive ring: the executive writes records (struct coterie_channel_record), all events of the client in one order.
 *    Earlier events over libqb come first. So the client reads the ring only after the first event
 *    COTERIE_CHANNEL_DOORBELL. After that libqb carries only doorbells.
 *
 * The memory of a ring (memfd_create) can neither shrink nor grow. It has no name, so no file can be left behind. It
 * has one page with a struct coterie_channel_control. From COTERIE_CHANNEL_DATA on it has `size` bytes of data, which
 * are mapped twice in a row, so that all data can be used in one piece. Positions count bytes since the beginning. Each
 * side keeps its position in its own memory, and only writes a copy of it for the other side. All values of the shared
 * page are checked. When the executive ends a channel it returns the memory: then both control pages are zero. So data
 * that was read is valid only if `written` is not 0 afterwards.
 *
 * Doorbells. A reader that will sleep sets reader_armed, and looks for data once more. A writer that finds reader_armed
 * set clears it and sends a doorbell. So a reader that is awake gets no doorbells.
 */
#ifndef COTERIE_CHANNEL_H
#define COTERIE_CHANNEL_H

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

/** Start of offer and grant. The last byte is the version. */
#define COTERIE_CHANNEL_MAGIC "COTERIE\2"
/** Features, bits: the rings of this file. */
#define COTERIE_CHANNEL_RINGS 1u

/** Request without an answer (16 bytes), and event (24 bytes): the rings have data, read them. */
#define COTERIE_CHANNEL_DOORBELL 64
/** Request (16 bytes): the rings cannot be mapped. Its answer (24 bytes) has the same id. */
#define COTERIE_CHANNEL_REFUSED 68

/** Offset of the data in a ring's memory: a multiple of all page sizes. */
#define COTERIE_CHANNEL_DATA 65536u
/** Bytes of data: a multiple of COTERIE_CHANNEL_UNIT. The smallest send ring holds the largest request of libqb, the
    smallest receive ring the largest event. */
#define COTERIE_CHANNEL_UNIT 65536u
#define COTERIE_CHANNEL_SIZE_MIN 1048576u
#define COTERIE_CHANNEL_RECEIVE_MIN 1114112u
#define COTERIE_CHANNEL_SIZE_MAX 67108864u

/** The offer of a client, at the end of a request. */
struct coterie_channel_offer {
	uint8_t magic[8];
	uint32_t features;
	uint32_t send_size, receive_size; /* bytes of data */
	char address[8];                  /* abstract name of its socket: hexadecimal digits, padded with zeros */
	uint32_t zero;
};

/** The channel that a client gets, at the end of the answer. */
struct coterie_channel_grant {
	uint8_t magic[8];
	uint32_t features;
	uint32_t send_size, receive_size;
	uint32_t zero;
	uint8_t token[16]; /* the message that comes with the descriptors */
};

/** In the send ring: the head of a message. Head and message are padded to a multiple of 8. */
struct coterie_channel_message {
	uint32_t length; /* of the message */
	uint32_t guarantee;
};

#define COTERIE_CHANNEL_MESSAGE 1u /* a message of `length` bytes */
#define COTERIE_CHANNEL_EVENT 2u   /* an event of the service as over libqb, header included */

/** In the receive ring: the head of a record. `length` bytes follow, padded to a multiple of 8. */
struct coterie_channel_record {
	uint32_t kind; /* COTERIE_CHANNEL_MESSAGE, COTERIE_CHANNEL_EVENT */
	uint32_t length;
	uint32_t nodeid, pid; /* of a message's sender */
};

/** Values of reader_armed. */
#define COTERIE_CHANNEL_AWAKE 0u
#define COTERIE_CHANNEL_ARMED 1u /* the reader sleeps, or is about to: send a doorbell for new data */
/* The reader has sent the request COTERIE_CHANNEL_DOORBELL, since it left data: send a doorbell. */
#define COTERIE_CHANNEL_ASKING 2u

/** The shared page. Each word is in a cache line of its own. */
struct coterie_channel_control {
	uint32_t reader_armed; /* COTERIE_CHANNEL_AWAKE, _ARMED, _ASKING */
	uint32_t pad0[15];
	uint32_t writer_waits; /* 1: the writer found no room, and waits */
	uint32_t pad1[15];
	uint64_t written; /* set by the writer */
	uint64_t pad2[7];
	uint64_t consumed; /* set by the reader */
	uint64_t pad3[7];
};

static_assert(sizeof(struct coterie_channel_offer) == 32, "offer");
static_assert(offsetof(struct coterie_channel_offer, features) == 8, "offer");
static_assert(offsetof(struct coterie_channel_offer, send_size) == 12, "offer");
static_assert(offsetof(struct coterie_channel_offer, receive_size) == 16, "offer");
static_assert(offsetof(struct coterie_channel_offer, address) == 20, "offer");
static_assert(sizeof(struct coterie_channel_grant) == 40, "grant");
static_assert(offsetof(struct coterie_channel_grant, features) == 8, "grant");
static_assert(offsetof(struct coterie_channel_grant, send_size) == 12, "grant");
static_assert(offsetof(struct coterie_channel_grant, receive_size) == 16, "grant");
static_assert(offsetof(struct coterie_channel_grant, token) == 24, "grant");
static_assert(sizeof(struct coterie_channel_message) == 8, "message");
static_assert(offsetof(struct coterie_channel_message, guarantee) == 4, "message");
static_assert(sizeof(struct coterie_channel_record) == 16, "record");
static_assert(offsetof(struct coterie_channel_record, length) == 4, "record");
static_assert(offsetof(struct coterie_channel_record, nodeid) == 8, "record");
static_assert(offsetof(struct coterie_channel_record, pid) == 12, "record");
static_assert(offsetof(struct coterie_channel_control, writer_waits) == 64, "control");
static_assert(offsetof(struct coterie_channel_control, written) == 128, "control");
static_assert(offsetof(struct coterie_channel_control, consumed) == 192, "control");

/* --- one ring, as one of the two sides uses it --- */

struct coterie_channel_ring {
	struct coterie_channel_control *control; /* NULL: not mapped */
	uint8_t *data;                           /* size bytes, mapped twice in a row */
	uint32_t size;
	uint64_t at;    /* position of this side: end of the data that it wrote or read */
	uint64_t other; /* position of the other side, as last checked */
};

/** Return the bytes that a body of this length takes, head included. */
static inline uint32_t coterie_channel_padded(uint32_t head, uint32_t length) { return head + ((length + 7u) & ~7u); }

/** Return the size of a ring for a size that a client asked for. */
static inline uint32_t coterie_channel_rounded(uint32_t size)
{
	if (size < COTERIE_CHANNEL_SIZE_MIN)
		return COTERIE_CHANNEL_SIZE_MIN;
	if (size > COTERIE_CHANNEL_SIZE_MAX)
		return COTERIE_CHANNEL_SIZE_MAX;
	return (size + COTERIE_CHANNEL_UNIT - 1) / COTERIE_CHANNEL_UNIT * COTERIE_CHANNEL_UNIT;
}

/**
 * Map a ring's memory. The caller has checked that it is long enough.
 * @return 0; -errno of mmap
 */
static inline int coterie_channel_map(struct coterie_channel_ring *ring, int fd, uint32_t size)
{
	void *control = mmap(NULL, COTERIE_CHANNEL_DATA, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	uint8_t *data;

	if (control == MAP_FAILED)
		return -errno;
	data = (uint8_t *)mmap(NULL, 2 * (size_t)size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == (uint8_t *)MAP_FAILED)
		goto unmap_control;
	for (uint32_t i = 0; i < 2; i++)
		if (mmap(data + (size_t)i * size, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			    COTERIE_CHANNEL_DATA) == MAP_FAILED)
			goto unmap_data;
	memset(ring, 0, sizeof(*ring));
	ring->control = (struct coterie_channel_control *)control;
	ring->data = data;
	ring->size = size;
	return 0;

unmap_data:
	munmap(data, 2 * (size_t)size);
unmap_control:
	munmap(control, COTERIE_CHANNEL_DATA);
	return -ENOMEM;
}

static inline void coterie_channel_unmap(struct coterie_channel_ring *ring)
{
	if (ring->control == NULL)
		return;
	munmap(ring->data, 2 * (size_t)ring->size);
	munmap(ring->control, COTERIE_CHANNEL_DATA);
	ring->control = NULL;
}

/** Return the bytes at the position of this side. */
static inline uint8_t *coterie_channel_here(const struct coterie_channel_ring *ring)
{
	return ring->data + ring->at % ring->size;
}

/** At the reader: return how many bytes can be read. -EPROTO: the position of the writer is impossible. */
static inline int64_t coterie_channel_filled(struct coterie_channel_ring *ring)
{
	uint64_t written = __atomic_load_n(&ring->control->written, __ATOMIC_ACQUIRE);

	if (written - ring->at > ring->size || written - ring->other > ring->size || written % 8 != 0)
		return -EPROTO;
	ring->other = written;
	return (int64_t)(written - ring->at);
}

/** At the writer: return how many bytes can be written. -EPROTO: the position of the reader is impossible. */
static inline int64_t coterie_channel_room(struct coterie_channel_ring *ring)
{
	uint64_t consumed = __atomic_load_n(&ring->control->consumed, __ATOMIC_ACQUIRE);

	if (consumed - ring->other > ring->at - ring->other)
		return -EPROTO;
	ring->other = consumed;
	return (int64_t)(ring->size - (ring->at - consumed));
}

/** At the writer: let the reader see all bytes that were written. */
static inline void coterie_channel_publish(struct coterie_channel_ring *ring)
{
	__atomic_store_n(&ring->control->written, ring->at, __ATOMIC_RELEASE);
}

/** At the reader: return all space before `position` to the writer. */
static inline void coterie_channel_release(struct coterie_channel_ring *ring, uint64_t position)
{
	__atomic_store_n(&ring->control->consumed, position, __ATOMIC_RELEASE);
}

/** Write the parts one behind the other. The caller has checked that there is room. @return number of bytes */
static inline uint32_t coterie_channel_gather(uint8_t *to, const struct iovec *iov, uint32_t count)
{
	uint8_t *at = to;

	for (uint32_t i = 0; i < count; i++) {
		if (iov[i].iov_len > 0)
			memcpy(at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	return (uint32_t)(at - to);
}

/** Note in a shared word that this side sleeps or waits. What this side reads after the call is newer than the note. */
static inline void coterie_channel_say(uint32_t *word)
{
	__atomic_store_n(word, 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/** Change a shared word from one value to another. @return whether it had the first value */
static inline uint32_t coterie_channel_turn(uint32_t *word, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(word, &from, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/**
 * After this side has published a position: find out whether the other side sleeps or waits, and clear its word.
 *
 * @return 1: send a doorbell, or wake the other side
 */
static inline uint32_t coterie_channel_heard(uint32_t *word)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(word, __ATOMIC_RELAXED) == 1 && coterie_channel_turn(word, 1, 0);
}

#endif

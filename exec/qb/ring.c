/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions of ring.h. An access to the memory never fails: the mapping is guarded (fault.h). */
#include "exec/qb/ring.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "exec/qb/semaphore.h"

#define WORD 4u
#define HEAD_WORDS 2u /* words of a chunk's head: size and magic number */
#define MAGIC_WHOLE 0xA1A1A1A1u
#define MAGIC_GONE 0xD0D0D0D0u
#define ROOM_KEPT 13u /* bytes needed besides the largest message: a chunk's head, a word, and 1, as libqb rounds */

_Static_assert(offsetof(struct qbs_ring_header, data_path) == 4108, "header");
_Static_assert(offsetof(struct qbs_ring_header, references) == 8204, "header");
#if __LP64__
_Static_assert(offsetof(struct qbs_ring_header, semaphore) == 8208, "header");
_Static_assert(offsetof(struct qbs_ring_header, flow) == 8240, "header");
#endif

size_t qbs_ring_data_size(uint32_t size_max)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size_max + ROOM_KEPT + page - 1) / page * page;
}

static uint32_t *word_at(const struct qbs_ring *ring, uint32_t at) { return (uint32_t *)(void *)ring->data + at; }

static uint32_t words_of(uint32_t size) { return HEAD_WORDS + size / WORD + (size % WORD != 0); }

/* Return the number of words from one position to another. */
static uint32_t distance(const struct qbs_ring *ring, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : ring->words - from + to;
}

static void advance(struct qbs_ring *ring, uint32_t words)
{
	ring->at += words;
	if (ring->at >= ring->words)
		ring->at -= ring->words;
}

int64_t qbs_ring_read(struct qbs_ring *ring, void *to, uint32_t size_max)
{
	uint32_t *chunk = word_at(ring, ring->at);
	uint32_t other = __atomic_load_n(&ring->header->write_at, __ATOMIC_ACQUIRE);

	if (other >= ring->words)
		return -EPROTO;
	if (other == ring->at || __atomic_load_n(&chunk[1], __ATOMIC_ACQUIRE) != MAGIC_WHOLE)
		return 0;
	uint32_t size = __atomic_load_n(&chunk[0], __ATOMIC_RELAXED);
	if (size == 0 || size > size_max || words_of(size) > distance(ring, ring->at, other))
		return -EPROTO;
	memcpy(to, &chunk[HEAD_WORDS], size);
	__atomic_store_n(&chunk[0], 0, __ATOMIC_RELAXED);
	__atomic_store_n(&chunk[1], MAGIC_GONE, __ATOMIC_RELAXED);
	qbs_semaphore_take(&ring->header->semaphore);
	advance(ring, words_of(size));
	__atomic_store_n(&ring->header->read_at, ring->at, __ATOMIC_RELEASE);
	return size;
}

int qbs_ring_write(struct qbs_ring *ring, const struct iovec *iov, uint32_t count, uint32_t size)
{
	uint32_t *chunk = word_at(ring, ring->at);
	uint32_t other = __atomic_load_n(&ring->header->read_at, __ATOMIC_ACQUIRE);
	uint8_t *to = (uint8_t *)&chunk[HEAD_WORDS];

	if (other >= ring->words)
		return -EPROTO;
	if (size > ring->words * WORD - ROOM_KEPT)
		return -EMSGSIZE;
	/* At least one word stays free: a full ring would look empty. */
	if (words_of(size) + 1 > ring->words - distance(ring, other, ring->at))
		return -EAGAIN;
	for (uint32_t i = 0; i < count; i++) {
		if (iov[i].iov_len > 0)
			memcpy(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
	__atomic_store_n(&chunk[0], size, __ATOMIC_RELAXED);
	__atomic_store_n(&chunk[1], MAGIC_WHOLE, __ATOMIC_RELEASE);
	advance(ring, words_of(size));
	__atomic_store_n(&ring->header->write_at, ring->at, __ATOMIC_RELEASE);
	qbs_semaphore_post(&ring->header->semaphore);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One ring of libqb's protocol in shared memory, at its server. It has some pages with a header, and the data, mapped
 * twice in a row, so that each chunk is in one piece. Positions count 32-bit words and wrap at the ring's size.
 *
 * The client can write any bytes into both at any time. So the server keeps its own position in private memory, and
 * only tells it to the client. It loads the client's position once and checks it. It loads a length once, checks it,
 * and then uses it.
 *
 * Layout, as it was seen in /dev/shm on a 64-bit host with libqb 2.0.6. Header: u32 write position, u32 read position,
 * u32 words, path of the header, path of the data (4096 bytes each), i32 references, semaphore of 32 bytes, u32 flow
 * control, 8 bytes of zeros. Chunk: u32 bytes, u32 magic, then the bytes, padded to words.
 */
#ifndef EXEC_QB_RING_H
#define EXEC_QB_RING_H

#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define QBS_PATH_SIZE 4096

struct qbs_ring_header {
	uint32_t write_at, read_at; /* in words */
	uint32_t words;
	char header_path[QBS_PATH_SIZE], data_path[QBS_PATH_SIZE];
	int32_t references; /* processes that have it open. The server does not read it */
	sem_t semaphore;    /* number of chunks */
	uint32_t flow;      /* of the request ring: the flow control word, 0 or the rate's restriction */
	uint8_t zero[8];
};

struct qbs_ring {
	struct qbs_ring_header *header; /* shared */
	uint8_t *data;                  /* shared, twice 4 * words bytes */
	uint32_t words;
	uint32_t at; /* position of the server: end of the data that it wrote or read */
};

/** Return the bytes of a ring's data for messages of at most size_max bytes. */
size_t qbs_ring_data_size(uint32_t size_max);

/**
 * Copy the next chunk and remove it, at the reader.
 *
 * @param to  room for size_max bytes
 * @return its bytes; 0: there is none; -EPROTO: the client has written invalid data
 */
int64_t qbs_ring_read(struct qbs_ring *ring, void *to, uint32_t size_max);

/**
 * Append a chunk of these parts, at the writer.
 *
 * @param size  of all parts
 * @return 0; -EAGAIN: no room; -EMSGSIZE: it can never fit; -EPROTO
 */
int qbs_ring_write(struct qbs_ring *ring, const struct iovec *iov, uint32_t count, uint32_t size);

#endif

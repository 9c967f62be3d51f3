/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One ring of libqb's protocol in shared memory, as its server uses it. It has some pages with a header, and the data,
 * mapped twice in a row, so that each chunk is in one piece. Positions count 32-bit words and wrap at the ring's size.
 *
 * The client can write any bytes into header and data at any time. So the server keeps its own position in private
 * memory, and only writes it for the client. It loads the client's position once and checks it. It loads a length once,
 * checks it, and then uses it.
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
	int32_t references; /* processes that have the ring open. The server does not read this number */
	sem_t semaphore;    /* number of chunks */
	uint32_t flow;      /* flow control word, in the request ring: 0, or 1 or 2 by the rate */
	uint8_t zero[8];
};

struct qbs_ring {
	struct qbs_ring_header *header; /* shared */
	uint8_t *data;                  /* shared: 4 * words bytes, mapped twice */
	uint32_t words;
	uint32_t at; /* position of the server: end of the data that it has written or read */
};

/** Return the bytes of a ring's data for messages of at most size_max bytes. */
size_t qbs_ring_data_size(uint32_t size_max);

/**
 * Copy the next chunk and remove it, as the reader of the ring.
 *
 * @param to  room for size_max bytes
 * @return its bytes; 0: there is no chunk; -EPROTO: the client has written invalid data
 */
int64_t qbs_ring_read(struct qbs_ring *ring, void *to, uint32_t size_max);

/**
 * Append a chunk of these parts, as the writer of the ring.
 *
 * @param size  bytes of all parts together
 * @return 0; -EAGAIN: no room; -EMSGSIZE: it can never fit; -EPROTO: the client has written invalid data
 */
int qbs_ring_write(struct qbs_ring *ring, const struct iovec *iov, uint32_t count, uint32_t size);

#endif

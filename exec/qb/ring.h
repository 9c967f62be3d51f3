/*
 * One ring of libqb's protocol in shared memory, as its server sees it: a page or three with a header, and the data,
 * mapped twice in a row so that each chunk is in one piece. Positions count 32-bit words and wrap at the ring's size.
 *
 * The client can write whatever it likes into both at any time. So our own position is private memory, and only told
 * to the client; the client's is loaded once and checked; a length is loaded once, checked and then used.
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
	int32_t references; /* how many have it open; we never look */
	sem_t semaphore;    /* how many chunks there are */
	uint32_t flow; /* of the request ring: 0, or how much the server holds back */
	uint8_t zero[8];
};

struct qbs_ring {
	struct qbs_ring_header *header; /* shared */
	uint8_t *data;                  /* shared; twice 4 * words bytes */
	uint32_t words;
	uint32_t at; /* our own position: behind what we wrote, or read */
};

/** Bytes of a ring's data for messages of at most size_max bytes. */
size_t qbs_ring_data_size(uint32_t size_max);

/**
 * The reader: copy the next chunk and remove it.
 *
 * @param to  room for size_max bytes
 * @return its bytes; 0: there is none; -EPROTO: the client has written what no library writes
 */
int64_t qbs_ring_read(struct qbs_ring *ring, void *to, uint32_t size_max);

/**
 * The writer: append a chunk of these parts.
 *
 * @param size  of all parts
 * @return 0; -EAGAIN: no room; -EMSGSIZE: there never is; -EPROTO
 */
int qbs_ring_write(struct qbs_ring *ring, const struct iovec *iov, uint32_t count, uint32_t size);

#endif

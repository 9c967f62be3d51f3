/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocks of fixed sizes, two sizes for each power of two, are cut from large mappings. A freed block waits in the list
 * of its size. This is sufficient, since libcrypto allocates some thousand blocks at its start and few later.
 */
#include "exec/daemon/crypto_memory.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "common/crypto/libcrypto.h"

#define REGION_SIZE ((size_t)256 << 10)
#define BLOCK_MIN ((size_t)32)
#define CLASSES 22u /* 32, 48, 64, 96 … 32 KiB, 48 KiB */
#define CLASS_OWN UINT32_MAX

/* Header in front of the bytes. They are aligned as those of malloc(3). */
struct block {
	size_t size; /* including this header. If the block has a mapping of its own: size of the mapping */
	uint32_t class;
	_Alignas(16) uint8_t bytes[];
};

_Static_assert(sizeof(struct block) == 16, "header of a block");

struct free_block {
	struct free_block *next;
};

/* State of the process: libcrypto's functions for memory have no argument. */
static struct {
	pthread_mutex_t mutex;
	struct free_block *free[CLASSES];
	uint8_t *at, *end; /* unused part of the newest region */
} memory = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static size_t size_of(uint32_t class) { return (class % 2 == 0 ? BLOCK_MIN : BLOCK_MIN / 2 * 3) << class / 2; }

static uint32_t class_of(size_t size)
{
	uint32_t class = 0;

	while (class < CLASSES && size_of(class) < size)
		class ++;
	return class < CLASSES ? class : CLASS_OWN;
}

/*
 * Map memory that is locked and left out of core dumps. If a limit or the kernel refuses that, the memory is used all
 * the same.
 */
static void *map(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	(void)madvise(at, size, MADV_DONTDUMP);
	return at;
}

static struct block *take_own(size_t size)
{
	struct block *block = map(size);

	if (block != NULL)
		*block = (struct block){.size = size, .class = CLASS_OWN};
	return block;
}

/* If a block does not fit, the rest of the region stays unused, which is less than 48 KiB. */
static struct block *cut(uint32_t class)
{
	size_t size = size_of(class);

	if ((size_t)(memory.end - memory.at) < size) {
		uint8_t *region = map(REGION_SIZE);

		if (region == NULL)
			return NULL;
		memory.at = region;
		memory.end = region + REGION_SIZE;
	}
	struct block *block = (void *)memory.at;

	memory.at += size;
	*block = (struct block){.size = size, .class = class};
	return block;
}

static struct block *take_shared(uint32_t class)
{
	pthread_mutex_lock(&memory.mutex);
	struct free_block *first = memory.free[class];
	struct block *block;

	if (first != NULL) {
		memory.free[class] = first->next;
		block = (void *)((uint8_t *)first - sizeof(*block));
		first->next = NULL;
	} else {
		block = cut(class);
	}
	pthread_mutex_unlock(&memory.mutex);
	return block;
}

void *crypto_memory_take(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	if (size > PTRDIFF_MAX - sizeof(struct block))
		return NULL;
	size += sizeof(struct block);

	uint32_t class = class_of(size);
	struct block *block = class == CLASS_OWN ? take_own(size) : take_shared(class);

	return block == NULL ? NULL : block->bytes;
}

static struct block *block_of(void *bytes)
{
	struct block *block = (void *)((uint8_t *)bytes - sizeof(*block));

	assert(block->class == CLASS_OWN || (block->class < CLASSES && block->size == size_of(block->class)));
	return block;
}

void crypto_memory_free(void *bytes, const char *file, int line)
{
	(void)file, (void)line;
	if (bytes == NULL)
		return;
	struct block *block = block_of(bytes);
	explicit_bzero(bytes, block->size - sizeof(*block));
	if (block->class == CLASS_OWN) {
		munmap(block, block->size);
		return;
	}
	struct free_block *first = bytes;

	pthread_mutex_lock(&memory.mutex);
	first->next = memory.free[block->class];
	memory.free[block->class] = first;
	pthread_mutex_unlock(&memory.mutex);
}

void *crypto_memory_resize(void *bytes, size_t size, const char *file, int line)
{
	if (bytes == NULL)
		return crypto_memory_take(size, file, line);
	if (size == 0) {
		crypto_memory_free(bytes, file, line);
		return NULL;
	}
	size_t room = block_of(bytes)->size - sizeof(struct block);
	if (size <= room && size > room / 4)
		return bytes;
	void *bigger = crypto_memory_take(size, file, line);
	if (bigger == NULL)
		return NULL;
	memcpy(bigger, bytes, size < room ? size : room);
	crypto_memory_free(bytes, file, line);
	return bigger;
}

/*
 * These are called around a fork: a child does not have the other threads, so no other thread may hold the mutex then.
 */
static void lock(void) { pthread_mutex_lock(&memory.mutex); }
static void unlock(void) { pthread_mutex_unlock(&memory.mutex); }

int crypto_memory_init(void)
{
	const struct libcrypto *libcrypto = libcrypto_get();

	if (libcrypto == NULL)
		return -ELIBACC;
	if (libcrypto->CRYPTO_set_mem_functions(crypto_memory_take, crypto_memory_resize, crypto_memory_free) != 1)
		return -EBUSY;
	return -pthread_atfork(lock, unlock, unlock);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of libcrypto that core dumps leave out. Its contexts hold the keys of running sessions, in the form that the
 * processor uses. More users may be able to read a core dump than the key file. The daemon and all plugins share one
 * libcrypto, so this also covers transports that are loaded later, and the libraries that encrypt for them.
 */
#ifndef EXEC_CRYPTO_MEMORY_H
#define EXEC_CRYPTO_MEMORY_H

#include <stddef.h>

/**
 * Load libcrypto, and make it allocate all of its memory here. Call this once, before any other use of libcrypto in the
 * process.
 * @return 0; -EBUSY: it has allocated memory from the heap already, and continues to do so; -ELIBACC: it cannot be
 * loaded (libcrypto_error)
 */
int crypto_memory_init(void);

/**
 * As malloc(3), realloc(3) and free(3), from any thread. Freed memory is wiped. Blocks up to 48 KiB stay with the
 * process for the next use. file and line are ignored.
 */
void *crypto_memory_take(size_t size, const char *file, int line) __attribute__((malloc));
void *crypto_memory_resize(void *memory, size_t size, const char *file, int line);
void crypto_memory_free(void *memory, const char *file, int line);

#endif

/*
 * Memory of libcrypto that core dumps leave out. Its contexts hold the keys of running sessions, in the form that the
 * processor works with, and a core dump may be read by others than the key file. libcrypto is one for the daemon and all
 * plugins, so this covers transports that are loaded later, and what libknet has libcrypto do.
 */
#ifndef EXEC_CRYPTO_MEMORY_H
#define EXEC_CRYPTO_MEMORY_H

#include <stddef.h>

/**
 * Have libcrypto take all of its memory here. Call before any other use of libcrypto in the process, and once.
 * @return 0; -EBUSY: it has taken memory elsewhere, and goes on to do so
 */
int crypto_memory_init(void);

/**
 * As malloc(3), realloc(3) and free(3), from any thread. Memory that is given back is wiped, and stays with the process
 * for the next use, but for blocks of more than 48 KiB. file and line are ignored.
 */
void *crypto_memory_take(size_t size, const char *file, int line) __attribute__((malloc));
void *crypto_memory_resize(void *memory, size_t size, const char *file, int line);
void crypto_memory_free(void *memory, const char *file, int line);

#endif

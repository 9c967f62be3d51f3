/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Let memory that libknet fills with zeros cost nothing, in a daemon into which this library is preloaded. libknet keeps
 * 2.1 MB of buffers for each other node. It writes zeros to all of them and uses few. The kernel gives such pages when
 * they are used first. All else that libknet does stays as it is.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/* Fill less than this in place. */
#define LARGE (64 * 1024)
#define PAGE 4096

static void *fill(void *to, int byte, size_t size)
{
	static void *(*real)(void *, int, size_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "memset");
	return real(to, byte, size);
}

/* Return whether an instruction is part of libknet, all of whose memory is private and without a file. */
static int is_libknet(const void *instruction)
{
	Dl_info info;

	return dladdr(instruction, &info) != 0 && info.dli_fname != NULL &&
	       strstr(info.dli_fname, "libknet.so") != NULL;
}

/* Take the pages from the process, also those that are locked into memory. They read as zeros from then on. */
static int give_back(void *pages, size_t size)
{
	return madvise(pages, size, MADV_DONTNEED) == 0 || madvise(pages, size, MADV_DONTNEED_LOCKED) == 0;
}

void *memset(void *to, int byte, size_t size)
{
	if (byte != 0 || size < LARGE || !is_libknet(__builtin_return_address(0)))
		return fill(to, byte, size);

	unsigned char *end = (unsigned char *)to + size;
	unsigned char *first = (unsigned char *)(((uintptr_t)to + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
	unsigned char *last = (unsigned char *)((uintptr_t)end & ~(uintptr_t)(PAGE - 1));

	if (!give_back(first, (size_t)(last - first)))
		return fill(to, 0, size);
	(void)fill(to, 0, (size_t)(first - (unsigned char *)to));
	(void)fill(last, 0, (size_t)(end - last));
	return to;
}

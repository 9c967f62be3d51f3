/* SPDX-License-Identifier: BSD-3-Clause */
#include "fail_alloc.h"

#include <stddef.h>
#include <stdlib.h>

/* With the linker option --wrap, calls of malloc() go to __wrap_malloc(), and __real_malloc() is malloc(). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_reallocarray(void *memory, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);

static unsigned int left; /* number of allocations up to the one that fails, which is counted as well; 0: none fails */
static bool has_failed;

void fail_alloc_at(unsigned int n)
{
	left = n;
	has_failed = false;
}

bool fail_alloc_happened(void)
{
	left = 0;
	return has_failed;
}

static bool fails(void)
{
	if (left == 0 || --left > 0)
		return false;
	has_failed = true;
	return true;
}

void *__wrap_malloc(size_t size) { return fails() ? NULL : __real_malloc(size); }

void *__wrap_calloc(size_t count, size_t size) { return fails() ? NULL : __real_calloc(count, size); }

void *__wrap_realloc(void *memory, size_t size) { return fails() ? NULL : __real_realloc(memory, size); }

void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(memory, count, size);
}

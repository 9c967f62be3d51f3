/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Let the nth allocation fail, once. A test program that includes this links with $(fail_alloc_ldflags). Allocations
 * inside shared libraries never fail. But libcheck is a static library, and its assertions allocate. So call
 * fail_alloc_happened() before an assertion: from then on no allocation fails.
 *
 *         for (unsigned int n = 1; ; n++) {
 *                 fail_alloc_at(n);
 *                 rc = what allocates;
 *                 if (!fail_alloc_happened())
 *                         break;
 *                 ck_assert_int_eq(rc, -ENOMEM);
 *         }
 */
#ifndef TESTS_UNIT_FAIL_ALLOC_H
#define TESTS_UNIT_FAIL_ALLOC_H

#include <stdbool.h>

/** Let the nth allocation from now on fail, n >= 1. 0: no allocation fails. */
void fail_alloc_at(unsigned int n);
/** Return whether that allocation has failed. From then on no allocation fails. */
bool fail_alloc_happened(void);

#endif

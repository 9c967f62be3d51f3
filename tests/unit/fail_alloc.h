/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Failing allocations: the nth one, once. A test program that includes this links with
 * $(fail_alloc_ldflags). Allocations inside shared libraries are not touched, but libcheck is a static
 * one, and its assertions allocate: disarm before them.
 *
 *	for (unsigned int n = 1; ; n++) {
 *		fail_alloc_at(n);
 *		rc = what allocates;
 *		if (!fail_alloc_happened())
 *			break;
 *		ck_assert_int_eq(rc, -ENOMEM);
 *	}
 */
#ifndef TESTS_UNIT_FAIL_ALLOC_H
#define TESTS_UNIT_FAIL_ALLOC_H

#include <stdbool.h>

/** The nth allocation from now on fails, n >= 1. 0: none. */
void fail_alloc_at(unsigned int n);
/** Whether it did. Afterwards none fails. */
bool fail_alloc_happened(void);

#endif

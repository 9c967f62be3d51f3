/*
 * Numbers and layouts of public headers, printed. layout_HEADER.c, compiled with our headers, proves the
 * sizes and offsets of amd64. Compiled with ours and with Debian's it prints two texts that must be equal.
 * It assigns the address of each call to a pointer of the required type: another type is a warning, which
 * is an error here.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TESTS_ABI_LAYOUT_H
#define TESTS_ABI_LAYOUT_H

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#define NUMBER(value) printf("%s %lld\n", #value, (long long)(value))
#define TEXT(value) printf("%s %s\n", #value, value)
#define SIZE(type) printf("%s size %zu align %zu\n", #type, sizeof(type), _Alignof(type))
#define PLACE(type, member) \
	printf("%s.%s at %zu size %zu\n", #type, #member, offsetof(type, member), sizeof(((type *)NULL)->member))

/** Assertions at compile time. */
#ifdef __x86_64__
#define IS(type, size) _Static_assert(sizeof(type) == (size), #type)
#define AT(type, member, at) _Static_assert(offsetof(type, member) == (at), #type "." #member)
#else
#define IS(type, size) _Static_assert(1, #type)
#define AT(type, member, at) _Static_assert(1, #type)
#endif

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Captured packets: the .hex files in vectors/. Each packet has a title, a table of its fields in the order of the
 * bytes ("offset size name = value"), and then its bytes.
 */
#ifndef TESTS_UNIT_VECTORS_H
#define TESTS_UNIT_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#define VECTOR_FIELDS_MAX 128u
#define VECTOR_SIZE_MAX 2048u

struct vector_field {
	size_t offset, size;
	char name[48];
	char text[80];   /* the value as it is in the file */
	uint64_t number; /* the value as a number, or 0 */
};

struct vector {
	char title[160];
	size_t size;
	uint8_t bytes[VECTOR_SIZE_MAX];
	size_t field_count;
	struct vector_field fields[VECTOR_FIELDS_MAX];
};

/** Load the packets of vectors/NAME. Ends the test if the file is malformed. @return packets, which the caller frees */
struct vector *vectors_load(const char *name, size_t *count);

#endif

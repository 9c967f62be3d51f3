/*
 * The types of values and the words for them.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CMAP_TOOL_TYPES_H
#define SERVICES_CMAP_TOOL_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include <corosync/cmap.h>

struct value_type {
	cmap_value_types_t type;
	const char *name;
	size_t size; /* bytes of a value; 0: any number */
};

/** Room for a value of each type of fixed size. */
union value_number {
	int8_t i8;
	uint8_t u8;
	int16_t i16;
	uint16_t u16;
	int32_t i32;
	uint32_t u32;
	int64_t i64;
	uint64_t u64;
	float flt;
	double dbl;
};

/** The row of a type; NULL when it is none. */
const struct value_type *value_type_find(cmap_value_types_t type);

/** The row with this name; NULL when there is none. */
const struct value_type *value_type_named(const char *name);

#endif

/*
 * The types of values and their names on the command line.
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
	size_t size; /* bytes of a value, or 0 for any size */
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

/** Return the row of a type, or NULL. */
const struct value_type *value_type_find(cmap_value_types_t type);

/** Return the row with this name, or NULL. */
const struct value_type *value_type_named(const char *name);

#endif

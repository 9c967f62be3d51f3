/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cmap/tool/types.h"

#include <string.h>

static const struct value_type types[] = {
	{CMAP_VALUETYPE_INT8, "i8", 1},
	{CMAP_VALUETYPE_UINT8, "u8", 1},
	{CMAP_VALUETYPE_INT16, "i16", 2},
	{CMAP_VALUETYPE_UINT16, "u16", 2},
	{CMAP_VALUETYPE_INT32, "i32", 4},
	{CMAP_VALUETYPE_UINT32, "u32", 4},
	{CMAP_VALUETYPE_INT64, "i64", 8},
	{CMAP_VALUETYPE_UINT64, "u64", 8},
	{CMAP_VALUETYPE_FLOAT, "flt", 4},
	{CMAP_VALUETYPE_DOUBLE, "dbl", 8},
	{CMAP_VALUETYPE_STRING, "str", 0},
	{CMAP_VALUETYPE_BINARY, "bin", 0},
};

enum { TYPE_COUNT = sizeof(types) / sizeof(types[0]) };

const struct value_type *value_type_find(cmap_value_types_t type)
{
	for (size_t i = 0; i < TYPE_COUNT; i++)
		if (types[i].type == type)
			return &types[i];
	return NULL;
}

const struct value_type *value_type_named(const char *name)
{
	for (size_t i = 0; i < TYPE_COUNT; i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

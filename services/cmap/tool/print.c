/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/cmap/tool/keys.h"
#include "services/cmap/tool/types.h"
#include "tools/common/bytes.h"
#include "tools/common/terminal.h"

static void print_number(cmap_value_types_t type, const void *value)
{
	const struct value_type *kind = value_type_find(type);
	union value_number number = {0};

	memcpy(&number, value, kind->size);
	switch (type) {
	case CMAP_VALUETYPE_INT8:
		printf("%" PRId8, number.i8);
		break;
	case CMAP_VALUETYPE_UINT8:
		printf("%" PRIu8, number.u8);
		break;
	case CMAP_VALUETYPE_INT16:
		printf("%" PRId16, number.i16);
		break;
	case CMAP_VALUETYPE_UINT16:
		printf("%" PRIu16, number.u16);
		break;
	case CMAP_VALUETYPE_INT32:
		printf("%" PRId32, number.i32);
		break;
	case CMAP_VALUETYPE_UINT32:
		printf("%" PRIu32, number.u32);
		break;
	case CMAP_VALUETYPE_INT64:
		printf("%" PRId64, number.i64);
		break;
	case CMAP_VALUETYPE_UINT64:
		printf("%" PRIu64, number.u64);
		break;
	case CMAP_VALUETYPE_FLOAT:
		printf("%f", (double)number.flt);
		break;
	case CMAP_VALUETYPE_DOUBLE:
		printf("%f", number.dbl);
		break;
	case CMAP_VALUETYPE_STRING:
	case CMAP_VALUETYPE_BINARY:
		break;
	}
}

static void print_value(cmap_value_types_t type, const void *value, size_t size)
{
	if (type == CMAP_VALUETYPE_STRING)
		terminal_value(stdout, value, size);
	else if (type != CMAP_VALUETYPE_BINARY)
		print_number(type, value);
	else if (size == 0)
		printf("*empty*");
	else
		bytes_print(stdout, value, size);
}

void key_print(
	const struct key_format *format, const char *key, cmap_value_types_t type, const void *value, size_t size)
{
	const struct value_type *kind = value_type_find(type);
	bool has_value = kind != NULL && (type != CMAP_VALUETYPE_BINARY || format->with_binary) &&
			 (kind->size == 0 || kind->size == size);

	if (!format->is_quiet)
		printf("%s (%s)%s", key, kind == NULL ? "unknown" : kind->name, has_value ? " = " : "");
	if (has_value)
		print_value(type, value, size);
	putchar('\n');
}

/* Read a value with two requests, first its size. If the size changes in between, repeat both requests. */
static cs_error_t value_get(cmap_handle_t map, const char *key, cmap_value_types_t *type, char **value, size_t *size)
{
	cs_error_t rc = CS_ERR_TRY_AGAIN;

	for (int i = 0; i < 5; i++) {
		rc = cmap_get(map, key, NULL, size, type);
		if (rc != CS_OK)
			return rc;
		*value = malloc(*size + 1);
		if (*value == NULL)
			return CS_ERR_NO_MEMORY;
		if (*size == 0)
			return CS_OK;
		rc = cmap_get(map, key, *value, size, type);
		if (rc == CS_OK)
			return CS_OK;
		free(*value);
		if (rc != CS_ERR_INVALID_PARAM)
			return rc;
	}
	return rc;
}

static cs_error_t key_show(cmap_handle_t map, const struct key_format *format, const char *key)
{
	cmap_value_types_t type;
	char *value;
	size_t size;
	cs_error_t rc = value_get(map, key, &type, &value, &size);

	if (rc != CS_OK)
		return rc;
	key_print(format, key, type, value, size);
	free(value);
	return CS_OK;
}

bool keys_get(cmap_handle_t map, const struct key_format *format, char *const *keys, int count)
{
	for (int i = 0; i < count; i++) {
		cs_error_t rc = key_show(map, format, keys[i]);

		if (rc != CS_OK) {
			fprintf(stderr, "Can't get key %s. Error %s\n", keys[i], cs_strerror(rc));
			return false;
		}
	}
	return true;
}

/* Print the keys with the prefix. Set *found if a key was printed. */
static bool list_prefix(cmap_handle_t map, const struct key_format *format, const char *prefix, bool *found)
{
	cmap_iter_handle_t iterator;
	char key[CMAP_KEYNAME_MAXLEN + 1];
	cs_error_t rc = cmap_iter_init(map, prefix, &iterator);

	if (rc != CS_OK) {
		fprintf(stderr, "Failed to initialize iteration. Error %s\n", cs_strerror(rc));
		return false;
	}
	while ((rc = cmap_iter_next(map, iterator, key, NULL, NULL)) == CS_OK)
		/* Ignore an error here: the statistics of a connection disappear when the connection ends. */
		if (key_show(map, format, key) == CS_OK)
			*found = true;
	cmap_iter_finalize(map, iterator);
	if (rc != CS_ERR_NO_SECTIONS) {
		fprintf(stderr, "Can't iterate over keys. Error %s\n", cs_strerror(rc));
		return false;
	}
	return true;
}

bool keys_list(cmap_handle_t map, const struct key_format *format, char *const *prefixes, int count)
{
	bool found = false;

	if (count == 0)
		return list_prefix(map, format, NULL, &found) && found;
	for (int i = 0; i < count; i++)
		if (!list_prefix(map, format, prefixes[i], &found))
			return false;
	return found;
}

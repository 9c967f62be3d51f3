/*
 * Calls that set and get values of a given type.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cmap/lib/connection.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* Size of the longest string value, with its NUL. */
	STRING_SIZE_MAX = 16385,
};

/*
 * Read a value of a fixed-size type. Values are not converted: another type is an error, and so is a value with a wrong
 * size.
 */
static cs_error_t get_typed(
	cmap_handle_t handle, const char *key_name, cmap_value_types_t type, void *value, size_t size)
{
	struct cmap_res_get *response;
	/* Use room for any number, so that a short string is an error for its type and not for its length. */
	cs_error_t rc = value_get(handle, key_name, 16, &response);

	if (rc != CS_OK)
		return rc;
	if (response->type == (uint8_t)type && response->value_size == size)
		memcpy(value, response->value, size);
	else
		rc = CS_ERR_INVALID_PARAM;
	free(response);
	return rc;
}

#define TYPED(name, type, c_type) \
	cs_error_t cmap_set_##name(cmap_handle_t handle, const char *key_name, c_type value) \
	{ \
		return cmap_set(handle, key_name, &value, sizeof(value), type); \
	} \
\
	cs_error_t cmap_get_##name(cmap_handle_t handle, const char *key_name, c_type *value) \
	{ \
		return get_typed(handle, key_name, type, value, sizeof(*value)); \
	}

TYPED(int8, CMAP_VALUETYPE_INT8, int8_t)
TYPED(uint8, CMAP_VALUETYPE_UINT8, uint8_t)
TYPED(int16, CMAP_VALUETYPE_INT16, int16_t)
TYPED(uint16, CMAP_VALUETYPE_UINT16, uint16_t)
TYPED(int32, CMAP_VALUETYPE_INT32, int32_t)
TYPED(uint32, CMAP_VALUETYPE_UINT32, uint32_t)
TYPED(int64, CMAP_VALUETYPE_INT64, int64_t)
TYPED(uint64, CMAP_VALUETYPE_UINT64, uint64_t)
TYPED(float, CMAP_VALUETYPE_FLOAT, float)
TYPED(double, CMAP_VALUETYPE_DOUBLE, double)

cs_error_t cmap_set_string(cmap_handle_t handle, const char *key_name, const char *value)
{
	if (value == NULL)
		return CS_ERR_INVALID_PARAM;
	return cmap_set(handle, key_name, value, strlen(value), CMAP_VALUETYPE_STRING);
}

/* Use one request, so that the value cannot change between two requests for length and content. */
cs_error_t cmap_get_string(cmap_handle_t handle, const char *key_name, char **str)
{
	struct cmap_res_get *response;
	char *copy;
	cs_error_t rc;

	if (str == NULL)
		return CS_ERR_INVALID_PARAM;
	rc = value_get(handle, key_name, STRING_SIZE_MAX, &response);
	if (rc != CS_OK)
		return rc;
	if (response->type != CMAP_VALUETYPE_STRING) {
		free(response);
		return CS_ERR_INVALID_PARAM;
	}
	/*
	 * The value's size may or may not include the NUL. Copy up to a NUL and add one, so that the program always
	 * gets a string.
	 */
	copy = strndup((const char *)response->value, response->value_size);
	free(response);
	if (copy == NULL)
		return CS_ERR_NO_MEMORY;
	*str = copy;
	return CS_OK;
}

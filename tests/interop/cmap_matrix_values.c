/*
 * Setting, getting, deleting and counting, with every type and at every limit.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tests/interop/cmap_matrix.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "matrix.value"

enum { VALUE_MAX = 16384 };

static void typed(cmap_handle_t handle)
{
	CALL(cmap_set_int8(handle, "matrix.i8", -7));
	CALL(cmap_set_uint8(handle, "matrix.u8", 250));
	CALL(cmap_set_int16(handle, "matrix.i16", -700));
	CALL(cmap_set_uint16(handle, "matrix.u16", 65500));
	CALL(cmap_set_int32(handle, "matrix.i32", -70000));
	CALL(cmap_set_uint32(handle, "matrix.u32", 4000000000u));
	CALL(cmap_set_int64(handle, "matrix.i64", INT64_MIN));
	CALL(cmap_set_uint64(handle, "matrix.u64", UINT64_MAX));
	CALL(cmap_set_float(handle, "matrix.float", 0.5f));
	CALL(cmap_set_double(handle, "matrix.double", -1.0 / 3.0));
	CALL(cmap_set_string(handle, "matrix.string", "a string"));
	CALL(cmap_set_string(handle, "matrix.empty", ""));
	CALL(cmap_set(handle, "matrix.binary", "\0\1\2", 3, CMAP_VALUETYPE_BINARY));
	CALL(cmap_set(handle, "matrix.nothing", "", 0, CMAP_VALUETYPE_BINARY));
}

#define GET(name, type, format) \
	do { \
		type value = (type)77; \
		cs_error_t rc = cmap_get_##name(handle, key, &value); \
		printf(" " #name " %d/" format, (int)rc, value); \
	} while (0)

/* Read each key with each getter. */
static void getters(cmap_handle_t handle)
{
	static const char *const keys[] = {"matrix.i8", "matrix.u8", "matrix.i16", "matrix.u16", "matrix.i32",
		"matrix.u32", "matrix.i64", "matrix.u64", "matrix.float", "matrix.double", "matrix.string",
		"matrix.empty", "matrix.binary", "matrix.nothing", "matrix.absent", "x", "", "no name!"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *key = keys[i];
		char *text = NULL;
		cs_error_t text_rc;

		printf("%s:", key);
		GET(int8, int8_t, "%" PRId8);
		GET(uint8, uint8_t, "%" PRIu8);
		GET(int16, int16_t, "%" PRId16);
		GET(uint16, uint16_t, "%" PRIu16);
		GET(int32, int32_t, "%" PRId32);
		GET(uint32, uint32_t, "%" PRIu32);
		GET(int64, int64_t, "%" PRId64);
		GET(uint64, uint64_t, "%" PRIu64);
		GET(float, float, "%g");
		GET(double, double, "%g");
		text_rc = cmap_get_string(handle, key, &text);
		say(" string %d/%s", (int)text_rc, text == NULL ? "untouched" : text);
		free(text);
		show(handle, key);
	}
}

/* Read values into buffers that are too small, just large enough and larger. */
static void room(cmap_handle_t handle)
{
	static const char *const keys[] = {
		"matrix.u32", "matrix.string", "matrix.empty", "matrix.nothing", "matrix.absent"};
	static const size_t rooms[] = {0, 1, 3, 4, 5, 8, 9, 10, 1000, 16385, 65536, 1000000};
	uint8_t *bytes = malloc(1000000);

	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		cmap_value_types_t type = (cmap_value_types_t)77;
		size_t size = 5;
		cs_error_t rc;

		rc = cmap_get(handle, keys[k], NULL, NULL, NULL);
		printf("%s: nothing asked %d;", keys[k], (int)rc);
		rc = cmap_get(handle, keys[k], NULL, &size, NULL);
		printf(" length %d/%zu;", (int)rc, size);
		rc = cmap_get(handle, keys[k], NULL, NULL, &type);
		say(" type %d/%d", (int)rc, (int)type);
		for (size_t r = 0; r < sizeof(rooms) / sizeof(rooms[0]); r++) {
			size = rooms[r];
			type = (cmap_value_types_t)77;
			memset(bytes, 0xee, 32);
			rc = cmap_get(handle, keys[k], bytes, &size, &type);
			say("  room %zu = %d: length %zu type %d", rooms[r], (int)rc, size, (int)type);
			/* Not printed without room: Corosync's library copies something even then. */
			if (rooms[r] > 0)
				say("    %02x %02x %02x", bytes[0], bytes[3],
					rc == CS_OK && size > 0 ? bytes[size] : 0);
			else if (rc == CS_OK && size > 0)
				say("2.4 touched without room: %s", bytes[0] == 0xee ? "no" : "yes");
		}
	}
	free(bytes);
}

static void set(cmap_handle_t handle, const void *value, size_t size, int type)
{
	/* The largest values need the whole ring, so the call may have to be repeated. */
	cs_error_t rc = PATIENTLY(cmap_set(handle, KEY, value, size, (cmap_value_types_t)type));

	say("set type %d length %zu = %d", type, size, (int)rc);
	if (rc == CS_OK) {
		show(handle, KEY);
		cmap_delete(handle, KEY);
	}
}

static void lengths(cmap_handle_t handle)
{
	static const size_t sizes[] = {
		VALUE_MAX - 1, VALUE_MAX, VALUE_MAX + 1, 100000, 1048576 - 296, 1048576 - 295, 1100000};
	char *bytes = malloc(1100000);

	memset(bytes, 0, 40);
	for (int type = 1; type <= 10; type++)
		for (size_t size = 0; size <= 9; size++)
			set(handle, bytes, size, type);
	memset(bytes, 'v', 1100000);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (int type = 11; type <= 12; type++)
			set(handle, bytes, sizes[i], type);
	bytes[VALUE_MAX - 1] = '\0';
	set(handle, bytes, VALUE_MAX, 11);
	set(handle, bytes, VALUE_MAX, 12);
	bytes[VALUE_MAX] = '\0';
	say("cmap_set_string, the longest = %d", (int)cmap_set_string(handle, KEY, bytes));
	show(handle, KEY);
	free(bytes);

	for (size_t size = 0; size <= 8; size++)
		set(handle, "abc\0\0defg", size, 11);
	for (size_t size = 0; size <= 2; size++)
		set(handle, "\0\0", size, 11);
	set(handle, "abcdef", 3, 11);
	set(handle, "\1", 1, 258); /* only one byte is sent */
	set(handle, "\1", 1, 0);
	set(handle, "\1", 1, 13);
	set(handle, "\1", 1, 99);
	set(handle, "\1", 1, -1);
}

static void names(cmap_handle_t handle)
{
	static const char *const all[] = {"a", "ab", "abc", "", "...", "a..b.", "-_/:", "a b", "a,b", "a\tb",
		"abcd\x80", "ab%", "ab=", "ABC", "000"};
	char key[300];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		say("name %zu: set %d, get %d, inc %d, dec %d, delete %d, delete %d", i,
			(int)cmap_set_uint8(handle, all[i], 1), (int)cmap_get(handle, all[i], NULL, NULL, NULL),
			(int)cmap_inc(handle, all[i]), (int)cmap_dec(handle, all[i]), (int)cmap_delete(handle, all[i]),
			(int)cmap_delete(handle, all[i]));
	for (size_t length = 254; length <= 257; length++) {
		memset(key, 'n', length);
		key[length] = '\0';
		say("name of %zu: set %d, get %d, inc %d, dec %d, delete %d", length,
			(int)cmap_set_uint8(handle, key, 1), (int)cmap_get(handle, key, NULL, NULL, NULL),
			(int)cmap_inc(handle, key), (int)cmap_dec(handle, key), (int)cmap_delete(handle, key));
	}
}

static void counting(cmap_handle_t handle)
{
	static const char *const keys[] = {"matrix.i8", "matrix.u8", "matrix.i16", "matrix.u16", "matrix.i32",
		"matrix.u32", "matrix.i64", "matrix.u64", "matrix.float", "matrix.double", "matrix.string",
		"matrix.binary", "matrix.nothing", "matrix.absent"};

	CALL(cmap_set_int8(handle, "matrix.i8", INT8_MAX));
	CALL(cmap_set_uint8(handle, "matrix.u8", UINT8_MAX));
	CALL(cmap_set_int16(handle, "matrix.i16", INT16_MAX));
	CALL(cmap_set_uint16(handle, "matrix.u16", UINT16_MAX));
	CALL(cmap_set_int32(handle, "matrix.i32", INT32_MAX));
	CALL(cmap_set_uint32(handle, "matrix.u32", UINT32_MAX));
	CALL(cmap_set_int64(handle, "matrix.i64", INT64_MAX));
	CALL(cmap_set_uint64(handle, "matrix.u64", UINT64_MAX));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		say("%s: inc %d", keys[i], (int)cmap_inc(handle, keys[i]));
		show(handle, keys[i]);
		say("%s: dec %d, dec %d", keys[i], (int)cmap_dec(handle, keys[i]), (int)cmap_dec(handle, keys[i]));
		show(handle, keys[i]);
	}
}

void part_values(pid_t daemon)
{
	cmap_handle_t handle = connect_cmap();

	(void)daemon;
	typed(handle);
	walk(handle, "matrix.");
	getters(handle);
	room(handle);
	counting(handle);
	CALL(cmap_set_uint8(handle, "matrix.string", 5)); /* another type replaces the old one */
	show(handle, "matrix.string");
	CALL(cmap_delete(handle, "matrix.string"));
	CALL(cmap_delete(handle, "matrix.string"));
	show(handle, "matrix.string");
	lengths(handle);
	names(handle);
	wipe(handle, "matrix.");
	CALL(cmap_finalize(handle));
}

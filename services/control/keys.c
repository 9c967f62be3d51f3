/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys as text, for clients of other nodes. Text does not depend on byte order, and other releases can print it even if
 * a type is new. Text that is too long for one message is cut off between two keys.
 */
#include "services/control/control.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Text ----------------------------------------------------------------- */

/* Reserve room for `size` more bytes. @return NULL: there is no room, so the text ends here */
static char *reserve(struct control_keys *keys, size_t size)
{
	if (keys->is_cut || size > CONTROL_KEYS_SIZE_MAX - keys->size) {
		keys->is_cut = true;
		return NULL;
	}
	if (size > keys->room - keys->size) {
		uint32_t room = 2 * (keys->size + (uint32_t)size);

		if (room > CONTROL_KEYS_SIZE_MAX)
			room = CONTROL_KEYS_SIZE_MAX;
		char *bytes = realloc(keys->bytes, room);
		if (bytes == NULL) {
			keys->is_cut = true;
			return NULL;
		}
		keys->bytes = bytes;
		keys->room = room;
	}
	char *at = keys->bytes + keys->size;

	keys->size += (uint32_t)size;
	return at;
}

static void write_hex(char *at, const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		at[2 * i] = digits[bytes[i] >> 4];
		at[2 * i + 1] = digits[bytes[i] & 15];
	}
}

/* Write a key. value: `size` bytes without a NUL. is_hex: write the value in hexadecimal. */
static void put(
	struct control_keys *keys, const char *name, const char *type, const void *value, size_t size, bool is_hex)
{
	size_t name_size = strlen(name) + 1, type_size = strlen(type) + 1, value_size = (is_hex ? 2 * size : size) + 1;
	char *at = reserve(keys, name_size + type_size + value_size);

	if (at == NULL)
		return;
	memcpy(at, name, name_size);
	memcpy(at + name_size, type, type_size);
	at += name_size + type_size;
	if (is_hex)
		write_hex(at, value, size);
	else
		memcpy(at, value, size);
	at[value_size - 1] = '\0';
}

static void put_text(struct control_keys *keys, const char *name, const char *text)
{
	put(keys, name, "str", text, strlen(text), false);
}

static void put_number(struct control_keys *keys, const char *name, const char *type, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	put(keys, name, type, text, strlen(text), false);
}

/* ---- Maps ----------------------------------------------------------------- */

static const char *type_name(uint32_t type)
{
	static const char *const names[] = {[COTERIE_MAP_I8] = "i8",
		[COTERIE_MAP_U8] = "u8",
		[COTERIE_MAP_I16] = "i16",
		[COTERIE_MAP_U16] = "u16",
		[COTERIE_MAP_I32] = "i32",
		[COTERIE_MAP_U32] = "u32",
		[COTERIE_MAP_I64] = "i64",
		[COTERIE_MAP_U64] = "u64",
		[COTERIE_MAP_FLOAT] = "flt",
		[COTERIE_MAP_DOUBLE] = "dbl",
		[COTERIE_MAP_STRING] = "str",
		[COTERIE_MAP_BINARY] = "bin"};

	return type < sizeof(names) / sizeof(names[0]) && names[type] != NULL ? names[type] : "bin";
}

static int64_t signed_number(uint32_t type, const void *bytes)
{
	int8_t i8;
	int16_t i16;
	int32_t i32;
	int64_t i64;

	switch (type) {
	case COTERIE_MAP_I8:
		memcpy(&i8, bytes, sizeof(i8));
		return i8;
	case COTERIE_MAP_I16:
		memcpy(&i16, bytes, sizeof(i16));
		return i16;
	case COTERIE_MAP_I32:
		memcpy(&i32, bytes, sizeof(i32));
		return i32;
	default:
		memcpy(&i64, bytes, sizeof(i64));
		return i64;
	}
}

static uint64_t unsigned_number(uint32_t type, const void *bytes)
{
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (type) {
	case COTERIE_MAP_U8:
		memcpy(&u8, bytes, sizeof(u8));
		return u8;
	case COTERIE_MAP_U16:
		memcpy(&u16, bytes, sizeof(u16));
		return u16;
	case COTERIE_MAP_U32:
		memcpy(&u32, bytes, sizeof(u32));
		return u32;
	default:
		memcpy(&u64, bytes, sizeof(u64));
		return u64;
	}
}

void control_keys_put(struct control_keys *keys, const char *name, const struct coterie_map_value *value)
{
	const char *type = type_name(value->type);
	char text[64];
	double real;
	float single;

	switch (value->type) {
	case COTERIE_MAP_I8:
	case COTERIE_MAP_I16:
	case COTERIE_MAP_I32:
	case COTERIE_MAP_I64:
		snprintf(text, sizeof(text), "%" PRIi64, signed_number(value->type, value->bytes));
		break;
	case COTERIE_MAP_U8:
	case COTERIE_MAP_U16:
	case COTERIE_MAP_U32:
	case COTERIE_MAP_U64:
		snprintf(text, sizeof(text), "%" PRIu64, unsigned_number(value->type, value->bytes));
		break;
	case COTERIE_MAP_FLOAT:
		memcpy(&single, value->bytes, sizeof(single));
		snprintf(text, sizeof(text), "%.9g", (double)single);
		break;
	case COTERIE_MAP_DOUBLE:
		memcpy(&real, value->bytes, sizeof(real));
		snprintf(text, sizeof(text), "%.17g", real);
		break;
	case COTERIE_MAP_STRING:
		put(keys, name, type, value->bytes, strnlen(value->bytes, value->size), false);
		return;
	default:
		put(keys, name, type, value->bytes, value->size, true);
		return;
	}
	put(keys, name, type, text, strlen(text), false);
}

/* ---- Peers ---------------------------------------------------------------- */

static void put_link(
	struct control_keys *keys, uint32_t nodeid, uint32_t number, const struct coterie_link_status *link)
{
	char name[64];
	int length = snprintf(name, sizeof(name), "%" PRIu32 ".link%" PRIu32 ".", nodeid, number);
	char *rest = name + length;

	strcpy(rest, "enabled");
	put_number(keys, name, "u8", 1);
	strcpy(rest, "connected");
	put_number(keys, name, "u8", link->is_connected != 0);
	strcpy(rest, "mtu");
	put_number(keys, name, "u32", link->mtu);
	strcpy(rest, "source");
	put_text(keys, name, link->source);
	strcpy(rest, "destination");
	put_text(keys, name, link->destination);
}

void control_keys_put_node(struct control_keys *keys, uint32_t nodeid, const struct coterie_node_status *status)
{
	char name[32];

	snprintf(name, sizeof(name), "%" PRIu32 ".reachable", nodeid);
	put_number(keys, name, "u8", status->is_reachable != 0);
	for (uint32_t link = 0; link < COTERIE_LINKS_MAX; link++)
		if (status->links[link].is_enabled)
			put_link(keys, nodeid, link, &status->links[link]);
}

void control_keys_fini(struct control_keys *keys) { free(keys->bytes); }

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Short names for what functions that fill or show JSON objects do all the time.
 */
#ifndef PLUGINS_COMMON_ANSWERS_JSON_H
#define PLUGINS_COMMON_ANSWERS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

/** Text as a value. Bytes that are no UTF-8 are replaced, so that everybody can read the document. */
struct json_object *answers_text_value(const char *text);
/**
 * Add two texts for arbitrary bytes: `KEY`, in which invalid UTF-8 is replaced, and `KEY_hex`, with all bytes in
 * hexadecimal.
 */
void answers_put_bytes(struct json_object *object, const char *key, const void *bytes, size_t size);

/** NULL when absent. */
static inline struct json_object *get(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	return object != NULL && json_object_object_get_ex(object, key, &value) ? value : NULL;
}

/** "" when absent. */
static inline const char *get_text(struct json_object *object, const char *key)
{
	struct json_object *value = get(object, key);

	return value != NULL ? json_object_get_string(value) : "";
}

static inline int64_t get_number(struct json_object *object, const char *key)
{
	return json_object_get_int64(get(object, key));
}

static inline bool get_bool(struct json_object *object, const char *key)
{
	return json_object_get_boolean(get(object, key)) != 0;
}

static inline void put_number(struct json_object *object, const char *key, int64_t number)
{
	json_object_object_add(object, key, json_object_new_int64(number));
}

static inline void put_bool(struct json_object *object, const char *key, bool is_true)
{
	json_object_object_add(object, key, json_object_new_boolean(is_true));
}

/** NULL becomes null. */
static inline void put_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, text != NULL ? answers_text_value(text) : NULL);
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Short functions that fill or read JSON objects. */
#ifndef PLUGINS_COMMON_ANSWERS_JSON_H
#define PLUGINS_COMMON_ANSWERS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

/**
 * Return a text as a JSON value. Bytes that are not UTF-8 are replaced, so that every program can read the document.
 */
struct json_object *answers_text_value(const char *text);
/**
 * Return a number as a JSON value. JSON has no infinite numbers and no NaN: these become the texts "inf", "-inf" and
 * "nan".
 */
struct json_object *answers_real(double number);
/**
 * Add two texts for arbitrary bytes. `KEY` has the text, in which invalid UTF-8 is replaced. `KEY_hex` has all bytes in
 * hexadecimal.
 */
void answers_put_bytes(struct json_object *object, const char *key, const void *bytes, size_t size);

/** Return the value of a key, or NULL if there is none. */
static inline struct json_object *get(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	return object != NULL && json_object_object_get_ex(object, key, &value) ? value : NULL;
}

/** Return the text of a key, or "" if there is none. */
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

/** Add a text. If it is NULL, add the JSON value null. */
static inline void put_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, text != NULL ? answers_text_value(text) : NULL);
}

#endif

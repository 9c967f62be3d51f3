/*
 * Commands of corosync-cmapctl that set and delete keys.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/cmap/tool/keys.h"
#include "services/cmap/tool/types.h"

enum {
	/* Bytes of a line of a settings file, with its line end. */
	SETTING_SIZE_MAX = 1024,
	READ_CHUNK = 4096,
};

/*
 * Read the number at the start of the text in the form of its type. @return false: there is no number. A number that is
 * too large becomes the largest possible one.
 */
static bool parse_number(cmap_value_types_t type, const char *text, union value_number *number)
{
	char *end;

	switch (type) {
	case CMAP_VALUETYPE_FLOAT:
		number->flt = strtof(text, &end);
		break;
	case CMAP_VALUETYPE_DOUBLE:
		number->dbl = strtod(text, &end);
		break;
	case CMAP_VALUETYPE_UINT64:
		number->u64 = strtoull(text, &end, 10);
		break;
	case CMAP_VALUETYPE_INT8:
	case CMAP_VALUETYPE_UINT8:
	case CMAP_VALUETYPE_INT16:
	case CMAP_VALUETYPE_UINT16:
	case CMAP_VALUETYPE_INT32:
	case CMAP_VALUETYPE_UINT32:
	case CMAP_VALUETYPE_INT64:
		number->i64 = strtoll(text, &end, 10);
		break;
	case CMAP_VALUETYPE_STRING:
	case CMAP_VALUETYPE_BINARY:
		return false;
	}
	return end != text;
}

/* Convert a 64-bit number to the width of its type. @return false: the number does not fit */
static bool narrow(cmap_value_types_t type, union value_number *number)
{
	int64_t wide = number->i64;

	switch (type) {
	case CMAP_VALUETYPE_INT8:
		number->i8 = (int8_t)wide;
		return number->i8 == wide;
	case CMAP_VALUETYPE_UINT8:
		number->u8 = (uint8_t)wide;
		return number->u8 == wide;
	case CMAP_VALUETYPE_INT16:
		number->i16 = (int16_t)wide;
		return number->i16 == wide;
	case CMAP_VALUETYPE_UINT16:
		number->u16 = (uint16_t)wide;
		return number->u16 == wide;
	case CMAP_VALUETYPE_INT32:
		number->i32 = (int32_t)wide;
		return number->i32 == wide;
	case CMAP_VALUETYPE_UINT32:
		number->u32 = (uint32_t)wide;
		return number->u32 == wide;
	case CMAP_VALUETYPE_INT64:
	case CMAP_VALUETYPE_UINT64:
	case CMAP_VALUETYPE_FLOAT:
	case CMAP_VALUETYPE_DOUBLE:
	case CMAP_VALUETYPE_STRING:
	case CMAP_VALUETYPE_BINARY:
		return true;
	}
	return true;
}

static bool set_report(cs_error_t rc, const char *key)
{
	if (rc == CS_OK)
		return true;
	fprintf(stderr, "Failed to set key %s. Error %s\n", key, cs_strerror(rc));
	return false;
}

static bool set_number(cmap_handle_t map, const char *key, const struct value_type *kind, const char *text)
{
	union value_number number = {0};

	if (!parse_number(kind->type, text, &number)) {
		fprintf(stderr, "%s is not valid %s type value\n", text, kind->name);
		return false;
	}
	if (!narrow(kind->type, &number)) {
		fprintf(stderr, "%s is not valid %s integer\n", text, kind->name);
		return false;
	}
	return set_report(cmap_set(map, key, &number, kind->size, kind->type), key);
}

/* Read a stream to its end. The caller frees *bytes, also after an error. *bytes is NULL if the stream is empty. */
static int read_all(FILE *in, char **bytes, size_t *size)
{
	*bytes = NULL;
	*size = 0;
	for (;;) {
		char *more = realloc(*bytes, *size + READ_CHUNK);

		if (more == NULL)
			return -ENOMEM;
		*bytes = more;
		size_t got = fread(more + *size, 1, READ_CHUNK, in);
		if (got == 0)
			break;
		*size += got;
	}
	if (ferror(in))
		return -EIO;
	if (*size == 0) {
		free(*bytes);
		*bytes = NULL;
	}
	return 0;
}

static bool set_binary(cmap_handle_t map, const char *key, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *in = is_stdin ? stdin : fopen(path, "rb");
	char *bytes;
	size_t size;

	if (in == NULL) {
		perror("Can't open input file");
		return false;
	}
	int rc = read_all(in, &bytes, &size);
	if (!is_stdin)
		fclose(in);
	if (rc < 0)
		fprintf(stderr, "Can't read input file: %s\n", strerror(-rc));
	bool is_set = rc == 0 && set_report(cmap_set(map, key, bytes, size, CMAP_VALUETYPE_BINARY), key);
	free(bytes);
	return is_set;
}

bool key_set(cmap_handle_t map, const char *key, const char *type, const char *text)
{
	const struct value_type *kind = value_type_named(type);

	if (kind == NULL) {
		fprintf(stderr, "Unknown type %s\n", type);
		return false;
	}
	if (kind->type == CMAP_VALUETYPE_STRING)
		return set_report(cmap_set_string(map, key, text), key);
	if (kind->type == CMAP_VALUETYPE_BINARY)
		return set_binary(map, key, text);
	return set_number(map, key, kind, text);
}

static bool key_delete(cmap_handle_t map, const char *key)
{
	cs_error_t rc = cmap_delete(map, key);

	if (rc == CS_OK)
		return true;
	fprintf(stderr, "Can't delete key %s. Error %s\n", key, cs_strerror(rc));
	return false;
}

bool keys_delete(cmap_handle_t map, char *const *keys, int count)
{
	for (int i = 0; i < count; i++)
		if (!key_delete(map, keys[i]))
			return false;
	return true;
}

bool keys_delete_prefix(cmap_handle_t map, const char *prefix)
{
	cmap_iter_handle_t iterator;
	char key[CMAP_KEYNAME_MAXLEN + 1];
	cs_error_t rc = cmap_iter_init(map, prefix, &iterator);

	if (rc != CS_OK) {
		fprintf(stderr, "Failed to initialize iteration. Error %s\n", cs_strerror(rc));
		return false;
	}
	while ((rc = cmap_iter_next(map, iterator, key, NULL, NULL)) == CS_OK)
		key_delete(map, key);
	cmap_iter_finalize(map, iterator);
	if (rc == CS_ERR_NO_SECTIONS)
		return true;
	fprintf(stderr, "Can't iterate over keys. Error %s\n", cs_strerror(rc));
	return false;
}

/*
 * Return the next word of a line, and write a NUL behind the word. @return NULL: the line has no more words. Only
 * spaces separate words.
 */
static char *next_word(char **line)
{
	*line += strspn(*line, " ");
	if (**line == '\0')
		return NULL;
	char *word = *line;
	*line += strcspn(*line, " ");
	if (**line != '\0')
		*(*line)++ = '\0';
	return word;
}

/* Handle one line. @return false: stop reading the file */
static bool load_line(cmap_handle_t map, char *line)
{
	line += strspn(line, " \t");
	char *key = next_word(&line);

	if (key == NULL || key[0] == '#')
		return true;
	if (strncmp(key, "^^", 2) == 0)
		return keys_delete_prefix(map, key + 2);
	if (key[0] == '^') {
		key_delete(map, key + 1);
		return true;
	}
	char *type = next_word(&line);
	char *text = next_word(&line);
	if (type == NULL || text == NULL) {
		fprintf(stderr, "Both type and value for key %s are required\n", key);
		return false;
	}
	return key_set(map, key, type, text);
}

bool keys_load(cmap_handle_t map, const char *path)
{
	char line[SETTING_SIZE_MAX];
	bool is_right = true;
	FILE *in = fopen(path, "r");

	if (in == NULL) {
		perror("Couldn't open file.");
		return true;
	}
	while (is_right && fgets(line, sizeof(line), in) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		is_right = load_line(map, line);
	}
	fclose(in);
	return is_right;
}

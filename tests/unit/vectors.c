/* SPDX-License-Identifier: BSD-3-Clause */
#include "vectors.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_field(struct vector *vector, const char *line)
{
	struct vector_field field = {0};

	/* Lines that are other comments, such as "offset size field = value", do not begin with two numbers. */
	if (sscanf(line, "# %zu %zu %47[^=]= %79[^\n]", &field.offset, &field.size, field.name, field.text) < 3 ||
		field.size == 0)
		return;
	for (size_t end = strlen(field.name); end > 0 && field.name[end - 1] == ' ';)
		field.name[--end] = '\0';
	field.number = strtoull(field.text, NULL, 0);
	ck_assert_uint_lt(vector->field_count, VECTOR_FIELDS_MAX);
	vector->fields[vector->field_count++] = field;
}

static void add_bytes(struct vector *vector, const char *line)
{
	unsigned int byte;

	for (; sscanf(line, "%2x", &byte) == 1; line += 2) {
		ck_assert_uint_lt(vector->size, VECTOR_SIZE_MAX);
		vector->bytes[vector->size++] = (uint8_t)byte;
	}
}

struct vector *vectors_load(const char *name, size_t *count)
{
	char path[512];
	char line[256];
	struct vector *vectors = NULL;
	struct vector *vector = NULL; /* packet that is being read */

	snprintf(path, sizeof(path), "%s/%s", VECTORS_DIR, name);

	FILE *file = fopen(path, "r");

	ck_assert_msg(file != NULL, "cannot open %s", path);
	*count = 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (line[0] == '\n') {
			vector = NULL;
			continue;
		}
		if (vector == NULL) {
			vectors = reallocarray(vectors, *count + 1, sizeof(*vectors));
			ck_assert_ptr_nonnull(vectors);
			vector = &vectors[(*count)++];
			memset(vector, 0, sizeof(*vector));
			snprintf(vector->title, sizeof(vector->title), "%s: %.*s", name, (int)strcspn(line + 2, "\n"),
				line + 2);
		} else if (line[0] == '#') {
			add_field(vector, line);
		} else {
			add_bytes(vector, line);
		}
	}
	fclose(file);
	ck_assert_uint_gt(*count, 0);
	for (size_t i = 0; i < *count; i++)
		ck_assert_msg(vectors[i].size > 0 && vectors[i].field_count > 0, "%s: no packet", vectors[i].title);
	return vectors;
}

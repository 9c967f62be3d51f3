/*
 * Find the lines in which two config files differ.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include <string.h>

#include "tools/cluster/change.h"

#define LINES_MAX 2000u /* longer texts are not compared, since the needed memory grows with the square of the lines */

struct lines {
	char *copy, **list;
	size_t count;
};

static bool split(const char *text, struct lines *lines)
{
	char *rest;

	*lines = (struct lines){.copy = strdup(text), .list = calloc(LINES_MAX, sizeof(char *))};
	rest = lines->copy;
	while (rest != NULL && lines->list != NULL && *rest != '\0' && lines->count < LINES_MAX)
		lines->list[lines->count++] = strsep(&rest, "\n");
	return lines->copy != NULL && lines->list != NULL && (rest == NULL || *rest == '\0');
}

static void free_lines(struct lines *lines)
{
	free(lines->copy);
	free(lines->list);
}

static void add(struct json_object *list, char sign, const char *line)
{
	char text[1024];

	snprintf(text, sizeof(text), "%c %s", sign, line);
	json_object_array_add(list, answers_text_value(text));
}

/*
 * Compute the lengths of the longest common subsequences. length[i][k] is that of old lines from i on and new lines
 * from k on.
 */
static void fill(const struct lines *old, const struct lines *new, uint16_t *length)
{
	size_t width = new->count + 1;

	for (size_t i = old->count; i-- > 0;) {
		for (size_t k = new->count; k-- > 0;) {
			uint16_t down = length[(i + 1) * width + k], right = length[i * width + k + 1];

			length[i * width + k] = strcmp(old->list[i], new->list[k]) == 0
							? (uint16_t)(length[(i + 1) * width + k + 1] + 1)
							: (down > right ? down : right);
		}
	}
}

static void walk(const struct lines *old, const struct lines *new, const uint16_t *length, struct json_object *list)
{
	size_t width = new->count + 1, i = 0, k = 0;

	while (i < old->count || k < new->count) {
		if (i < old->count && k < new->count &&strcmp(old->list[i], new->list[k]) == 0) {
			i++;
			k++;
		} else if (k == new->count ||
			   (i < old->count && length[(i + 1) * width + k] >= length[i * width + k + 1])) {
			add(list, '-', old->list[i++]);
		} else {
			add(list, '+', new->list[k++]);
		}
	}
}

struct json_object *diff_lines(const char *old_text, const char *new_text)
{
	struct json_object *list = json_object_new_array();
	struct lines old, new;
	bool is_whole = split(old_text, &old);

	is_whole = split(new_text, &new) && is_whole;
	uint16_t *length = is_whole ? calloc((old.count + 1) * (new.count + 1), sizeof(*length)) : NULL;

	if (length != NULL) {
		fill(&old, &new, length);
		walk(&old, &new, length, list);
	}
	free(length);
	free_lines(&old);
	free_lines(&new);
	return list;
}

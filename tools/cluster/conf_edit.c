/*
 * Edits of a coterie.conf.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/cluster/conf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct edit {
	struct conf_text scanned;
	char **result;
	char *why;
	size_t size;
};

static int begin(struct edit *edit, const char *text, char **result, char *why, size_t size)
{
	*edit = (struct edit){.result = result, .why = why, .size = size};
	*result = NULL;
	return conf_scan(text, &edit->scanned, why, size);
}

static int end(struct edit *edit, int rc)
{
	conf_text_fini(&edit->scanned);
	return rc;
}

/* Replace a range of the text. */
static int splice(struct edit *edit, struct conf_range range, const char *bytes)
{
	const char *text = edit->scanned.text;

	if (asprintf(edit->result, "%.*s%s%s", (int)range.from, text, bytes, text + range.to) < 0) {
		*edit->result = NULL;
		snprintf(edit->why, edit->size, "out of memory");
		return -ENOMEM;
	}
	return 0;
}

static int fail(struct edit *edit, const char *what, const char *name)
{
	snprintf(edit->why, edit->size, "%s '%s'", what, name);
	return -EINVAL;
}

/* Return the end of the line, with its line feed, if only blanks and a comment follow. */
static size_t line_end(const char *text, size_t at)
{
	size_t next = at + strspn(text + at, " \t\r");

	if (text[next] == '#' || (text[next] == '/' && text[next + 1] == '/'))
		next += strcspn(text + next, "\n");
	return text[next] == '\n' ? next + 1 : text[next] == '\0' ? next : at;
}

/* Return the beginning of the line, if only blanks are before the offset. */
static size_t line_begin(const char *text, size_t at)
{
	size_t before = at;

	while (before > 0 && (text[before - 1] == ' ' || text[before - 1] == '\t'))
		before--;
	return before == 0 || text[before - 1] == '\n' ? before : at;
}

/* --- nodes --- */

int conf_add_node(const char *text, const struct words_node *node, char **result, char *why, size_t size)
{
	struct edit edit;
	struct conf_wanted wanted = {.cluster = "", .transport = "", .nodes = node, .node_count = 1};
	int rc = begin(&edit, text, result, why, size);
	size_t last = SIZE_MAX;

	if (rc < 0)
		return end(&edit, rc);
	for (size_t i = 0; i < edit.scanned.block_count; i++)
		if (conf_is(&edit.scanned, edit.scanned.blocks[i].kind, "node"))
			last = i;
	if (last == SIZE_MAX)
		return end(&edit, fail(&edit, "the file has no block 'node' to put one behind, for node", node->name));
	size_t at = line_end(text, edit.scanned.blocks[last].whole.to);
	char *made = conf_make(&wanted), *line = made == NULL ? NULL : strstr(made, "node ");
	char *lines = NULL;

	if (line == NULL || asprintf(&lines, "%s%s", at > 0 && text[at - 1] == '\n' ? "" : "\n", line) < 0) {
		free(made);
		snprintf(why, size, "out of memory");
		return end(&edit, -ENOMEM);
	}
	rc = splice(&edit, (struct conf_range){at, at}, lines);
	free(lines);
	free(made);
	return end(&edit, rc);
}

int conf_remove_node(const char *text, const char *name, char **result, char *why, size_t size)
{
	struct edit edit;
	int rc = begin(&edit, text, result, why, size);

	if (rc < 0)
		return end(&edit, rc);
	size_t block = conf_find_block(&edit.scanned, "node", name);

	if (block == SIZE_MAX)
		return end(&edit, fail(&edit, "the file has no block of node", name));
	struct conf_range range = edit.scanned.blocks[block].whole;
	size_t from = line_begin(text, range.from), to = line_end(text, range.to);

	/* If the line has other parts, remove only the block, otherwise the whole line. */
	if ((from > 0 && text[from - 1] != '\n') || to == range.to) {
		from = range.from;
		to = range.to;
	}
	return end(&edit, splice(&edit, (struct conf_range){from, to}, ""));
}

int conf_note_id(const char *text, uint32_t id, char **result, char *why, size_t size)
{
	struct edit edit;
	int rc = begin(&edit, text, result, why, size);
	const char *old = strstr(text, "\n" CONF_HIGHEST_ID);
	struct conf_range range = {0, 0};
	char *line = NULL;

	if (rc < 0)
		return end(&edit, rc);
	for (size_t i = 0; i < edit.scanned.block_count; i++)
		if (conf_is(&edit.scanned, edit.scanned.blocks[i].kind, "node"))
			range.from = range.to = line_end(text, edit.scanned.blocks[i].whole.to);
	bool is_begun = range.from == 0 || text[range.from - 1] == '\n';

	if (old != NULL) {
		range.from = (size_t)(old - text) + 1;
		range.to = range.from + strcspn(text + range.from, "\n");
		range.to += text[range.to] == '\n';
		is_begun = true;
	}
	rc = asprintf(&line, "%s" CONF_HIGHEST_ID "%" PRIu32 "\n", is_begun ? "" : "\n", id);
	if (rc < 0) {
		snprintf(why, size, "out of memory");
		return end(&edit, -ENOMEM);
	}
	rc = splice(&edit, range, line);
	free(line);
	return end(&edit, rc);
}

int conf_add_address(const char *text, const char *name, const char *address, char **result, char *why, size_t size)
{
	struct edit edit;
	int rc = begin(&edit, text, result, why, size);
	char *value = NULL;

	if (rc < 0)
		return end(&edit, rc);
	size_t block = conf_find_block(&edit.scanned, "node", name);
	const struct conf_setting *setting = block == SIZE_MAX ? NULL
							       : conf_find_setting(&edit.scanned, block, "address");

	if (setting == NULL || setting->is_append)
		return end(&edit, fail(&edit, "the file has no plain option 'address' of node", name));
	const char *old = text + setting->value.from;
	int length = (int)(setting->value.to - setting->value.from);

	/* The new value is "{a, b}": a list loses its closing brace first, and a single value gets an opening one. */
	rc = *old == '{' ? asprintf(&value, "%.*s, %s}", length - 1, old, address)
			 : asprintf(&value, "{%.*s, %s}", length, old, address);
	if (rc < 0) {
		snprintf(why, size, "out of memory");
		return end(&edit, -ENOMEM);
	}
	rc = splice(&edit, setting->value, value);
	free(value);
	return end(&edit, rc);
}

/* --- options --- */

int conf_set(const char *text, const char *kind, const char *title, const char *option, const char *value,
	char **result, char *why, size_t size)
{
	struct edit edit;
	struct conf_range at;
	char *bytes = NULL;
	int rc = begin(&edit, text, result, why, size);

	if (rc < 0)
		return end(&edit, rc);
	size_t block = conf_find_block(&edit.scanned, kind, title);
	const struct conf_setting *setting = block == SIZE_MAX ? NULL : conf_find_setting(&edit.scanned, block, option);

	if (setting != NULL) {
		at = setting->value;
		rc = asprintf(&bytes, "%s", value);
	} else if (block != SIZE_MAX) {
		at.from = at.to = edit.scanned.blocks[block].open;
		/* If an option follows on the line of the brace, put the new option between both. */
		bool is_alone = text[at.from + strspn(text + at.from, " \t\r")] == '\n';

		rc = asprintf(&bytes, is_alone ? "\n\t%s = %s" : " %s = %s ", option, value);
	} else {
		size_t length = strlen(text);

		at.from = at.to = length;
		rc = asprintf(&bytes, "%s%s%s%s { %s = %s }\n", length > 0 && text[length - 1] != '\n' ? "\n" : "",
			kind, title != NULL ? " " : "", title != NULL ? title : "", option, value);
	}
	if (rc < 0) {
		snprintf(why, size, "out of memory");
		return end(&edit, -ENOMEM);
	}
	rc = splice(&edit, at, bytes);
	free(bytes);
	return end(&edit, rc);
}

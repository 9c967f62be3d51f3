/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The corosync.conf front end: lines into keys (book configuration, "Legacy syntax"). validate.c
 * interprets the values.
 *
 * A line is one of: blank, comment, section start, `key: value`, section end. Sections whose keys
 * depend on an item inside them (the link number of an interface, the name of a subsystem) are held
 * back until they end. Where 3.1.7 and 3.1.10 differ, this code follows 3.1.10: only a section's
 * own end counts as its end, and keys are distinguished by their full path.
 */
#include "config/legacy.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/plugin.h>

/*
 * Since 3.1.8 the reference treats the byte 0xA0 as a blank. It is the no-break space of Latin 1. In UTF-8 that
 * character has two bytes.
 */
#define NO_BREAK ((char)0xa0)
#define NO_BREAK_LEAD ((char)0xc2)
#define LINE_LENGTH_MAX 510
#define UNKNOWN_MAX 200 /* most unknown keys. A file with more is of another kind */

/*
 * Note a key that the executive does not know. It may be the legacy name of a plugin's option, which is known only when
 * the whole file has been read.
 */
static void note_unknown(struct reader *reader, const char *path)
{
	struct tree *tree = reader->tree;
	struct schema_key known;
	const char *dot = strrchr(path, '.');

	if (dot == NULL || tree->unknown_count >= UNKNOWN_MAX || schema_find(path, &known))
		return;
	char section[PATH_LENGTH_MAX + 1];

	snprintf(section, sizeof(section), "%.*s", (int)(dot - path), path);
	if (!schema_has_section(section))
		return;
	struct unknown_key *key = arena_take(tree->arena, sizeof(*key));
	const char *copy = arena_copy(tree->arena, path, strlen(path));

	if (key == NULL || copy == NULL) {
		tree->is_out_of_memory = true;
		return;
	}
	*key = (struct unknown_key){.path = copy, .place = reader->place};
	*tree->unknown_end = key;
	tree->unknown_end = &key->next;
	tree->unknown_count++;
}

static void begin_section(struct reader *reader, const char *name)
{
	struct tree *tree = reader->tree;
	size_t length = strlen(reader->path), added = strlen(name);

	if (length + added + 1 >= PATH_LENGTH_MAX || reader->depth == DEPTH_MAX) {
		tree_error(tree, reader->place, "Start of section makes total cmap path too long: use a shorter name");
		reader->is_broken = true;
		return;
	}
	struct section *section = &reader->stack[reader->depth++];

	*section = (struct section){.path_length = (uint32_t)length, .line = reader->place.line};
	snprintf(reader->path + length, sizeof(reader->path) - length, "%s%s", length == 0 ? "" : ".", name);
	section->kind = legacy_kind(reader->path, reader->depth);
	if (reader->is_access_file && section->kind != KIND_ACCESS)
		tree_error(tree, reader->place,
			"uidgid: Can't add subsection different than uidgid: remove section '%s'", name);
	if (reader->depth == 1) {
		const char *near = schema_suggest_section(name);

		if (near != NULL)
			tree_warning(tree, reader->place, "nothing uses section '%s': did you mean '%s'?", name, near);
	}
	if (section->kind == KIND_NODELIST)
		reader->node_count = 0;
	if (section->kind == KIND_NODE)
		reader->node_count++;
	if (legacy_is_held(section->kind)) {
		reader->held_depth = reader->depth;
		reader->held_count = 0;
		reader->member_count = 0;
	}
}

static void end_section(struct reader *reader)
{
	if (reader->depth == 0) {
		tree_error(reader->tree, reader->place, "Unexpected closing brace: remove it");
		reader->is_broken = true;
		return;
	}
	struct section section = reader->stack[--reader->depth];

	legacy_end_held(reader, section.kind);
	reader->path[section.path_length] = '\0';
}

/* Inside a node the key in the map has the position of the node after `nodelist.node`. */
static void store_in_node(struct reader *reader, const char *path, const char *text)
{
	static const char prefix[] = "nodelist.node";
	char key[2 * PATH_LENGTH_MAX + 32];

	assert(strncmp(path, prefix, strlen(prefix)) == 0);
	snprintf(key, sizeof(key), "%s.%u%s", prefix, reader->node_count - 1, path + strlen(prefix));
	legacy_store(reader->tree, key, path, text, reader->place);
}

static void read_item(struct reader *reader, const char *name, const char *text)
{
	struct tree *tree = reader->tree;
	enum kind kind = reader->depth == 0 ? KIND_PLAIN : reader->stack[reader->depth - 1].kind;
	size_t length = strlen(reader->path);
	char path[2 * PATH_LENGTH_MAX + 2];

	if (*name == '\0') {
		tree_error(tree, reader->place, "Key name can't be empty: write 'key: value'");
		return;
	}
	if (length + strlen(name) + 1 >= PATH_LENGTH_MAX) {
		tree_error(tree, reader->place, "New key makes total cmap path too long: use a shorter name");
		return;
	}
	if (kind == KIND_ACCESS) {
		legacy_access(reader, name, text);
		return;
	}
	if (reader->is_access_file) {
		if (reader->depth == 0)
			tree_error(tree, reader->place, "'%s' is outside a section: put it into 'uidgid {'", name);
		return; /* the unknown section has been reported */
	}
	snprintf(path, sizeof(path), "%s%s%s", reader->path, length == 0 ? "" : ".", name);
	if (kind == KIND_MEMBER) {
		char member[32];

		if (strcmp(name, "memberaddr") != 0) {
			tree_error(
				tree, reader->place, "Only memberaddr is allowed in member section: remove '%s'", name);
			return;
		}
		snprintf(member, sizeof(member), "member.%u", reader->member_count++);
		legacy_hold(reader, path, member, text);
		return;
	}
	note_unknown(reader, path);
	if (reader->held_depth != 0) {
		/* Skip the path of the held section and its dot, which are not part of the name. */
		size_t skip = reader->held_depth == reader->depth ? length
								  : reader->stack[reader->held_depth].path_length;

		legacy_hold(reader, path, path + skip + 1, text);
	} else if (reader->depth >= 2 && reader->stack[1].kind == KIND_NODE) {
		store_in_node(reader, path, text);
	} else {
		legacy_store(tree, path, path, text, reader->place);
	}
}

/* Return the size of the blank at the start of text, or 0 if there is none. */
static size_t blank_size(const char *text)
{
	if (*text == ' ' || *text == '\t' || *text == NO_BREAK)
		return 1;
	return text[0] == NO_BREAK_LEAD && text[1] == NO_BREAK ? 2 : 0;
}

static const char *skip_blanks(const char *text)
{
	size_t size;

	while ((size = blank_size(text)) > 0)
		text += size;
	return text;
}

/* Return whether the last byte ends a UTF-8 character. A byte 0xA0 in that place is not a blank. */
static bool ends_letter(const char *text, size_t length)
{
	size_t tail = 0;

	while (tail < length && ((uint8_t)text[length - 1 - tail] & 0xc0) == 0x80)
		tail++;
	uint8_t lead = tail < length ? (uint8_t)text[length - 1 - tail] : 0;

	return tail > 0 && ((tail == 1 && lead >= 0xc2 && lead < 0xe0) || (tail == 2 && (lead & 0xf0) == 0xe0) ||
				   (tail == 3 && (lead & 0xf8) == 0xf0));
}

/*
 * Return the size of the blank at the end of text, 1 if text ends with one of the characters, or 0.
 */
static size_t end_size(const char *text, size_t length, const char *characters)
{
	if (length == 0)
		return 0;
	if (length >= 2 && text[length - 2] == NO_BREAK_LEAD && text[length - 1] == NO_BREAK)
		return 2;
	if (text[length - 1] == NO_BREAK)
		return ends_letter(text, length) ? 0 : 1;
	return strchr(characters, text[length - 1]) != NULL ? 1 : 0;
}

/* Remove blanks at the start, and blanks and these characters at the end. */
static char *trim(char *text, const char *right)
{
	text += skip_blanks(text) - text;
	size_t length = strlen(text), size;

	while ((size = end_size(text, length, right)) > 0)
		length -= size;
	text[length] = '\0';
	return text;
}

/* Handle one line. next: the text after the line in the file, NUL-terminated. */
static void read_line(struct reader *reader, char *line, const char *next)
{
	struct tree *tree = reader->tree;
	char *text = trim(line, " \t"), *at;

	if (*text == '#' || *text == '\0')
		return;
	if ((at = strchr(text, '{')) != NULL) {
		*at = '\0';
		const char *name = trim(text, " \t:{");

		if (*name == '\0') {
			tree_error(tree, reader->place,
				"Missing section name before opening bracket '{': put '{' at the "
				"end of the "
				"section's own line");
			reader->is_broken = true;
		} else if (*skip_blanks(at + 1) != '\0') {
			tree_error(tree, reader->place,
				"Extra characters after opening bracket '{': put each item on its "
				"own line; a "
				"value cannot contain '{'");
			reader->is_broken = true;
		} else {
			begin_section(reader, name);
		}
	} else if ((at = strchr(text, ':')) != NULL) {
		*at = '\0';
		read_item(reader, trim(text, " \t:{"), trim(at + 1, " \t"));
	} else if (strchr(text, '}') != NULL) {
		if (strcmp(text, "}") != 0) {
			tree_error(tree, reader->place,
				"Extra characters before or after closing bracket '}': put '}' on "
				"a line of "
				"its own");
			reader->is_broken = true;
		} else {
			end_section(reader);
		}
	} else {
		bool is_open = next[strspn(next, " \t\r\n")] == '{';

		tree_error(tree, reader->place, "Line is not opening or closing section or key value: %s",
			is_open ? "put '{' at the end of the section's own line" : "write 'key: value'");
		reader->is_broken = is_open;
	}
}

static void read_lines(struct reader *reader, const char *bytes, size_t size)
{
	const char *at = bytes, *end = bytes + size;
	struct tree *tree = reader->tree;
	char line[LINE_LENGTH_MAX + 2];

	while (at < end && !reader->is_broken && !tree->is_out_of_memory) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((feed != NULL ? feed : end) - at);

		reader->place.line++;
		if (memchr(at, '\0', length) != NULL) {
			tree_error(tree, reader->place, "not a text file: NUL byte");
			break;
		}
		/* A last line without LF may be one byte longer, as in the reference. */
		if (length > LINE_LENGTH_MAX + (feed == NULL ? 1u : 0u)) {
			tree_error(tree, reader->place, "Line too long: at most %d bytes are allowed", LINE_LENGTH_MAX);
		} else {
			if (length > 0 && at[length - 1] == '\r')
				length--;
			memcpy(line, at, length);
			line[length] = '\0';
			read_line(reader, line, feed != NULL ? feed + 1 : end);
		}
		at = feed != NULL ? feed + 1 : end;
	}
	explicit_bzero(line, sizeof(line));
	if (reader->depth > 0 && !reader->is_broken)
		tree_error(tree, reader->place, "Missing closing brace: section '%s' opened in line %u is not closed",
			reader->path, reader->stack[reader->depth - 1].line);
}

static int read_bytes(struct tree *tree, const char *file, const char *bytes, size_t size, bool is_access_file)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct reader *reader = calloc(1, sizeof(*reader));
	size_t room = size + 1;
	char *text = malloc(room); /* ends in a NUL, since the reader looks ahead */

	if (reader == NULL || text == NULL) {
		free(reader);
		free(text);
		return -ENOMEM;
	}
	if (size > 0)
		memcpy(text, bytes, size);
	text[size] = '\0';
	reader->tree = tree;
	reader->place.file = file;
	reader->is_access_file = is_access_file;
	const char *at = text;

	if (size >= 3 && memcmp(at, bom, 3) == 0) {
		tree_warning(tree, (struct place){file, 1}, "byte order mark skipped: save without it");
		at += 3;
		size -= 3;
	}
	read_lines(reader, at, size);
	explicit_bzero(text, room); /* the text may contain totem.key */
	free(text);
	free(reader);
	return tree->is_out_of_memory ? -ENOMEM : 0;
}

int legacy_read(struct tree *tree, const char *file, const char *bytes, size_t size)
{
	return read_bytes(tree, file, bytes, size, false);
}

int legacy_read_access(struct tree *tree, const char *file, const char *bytes, size_t size)
{
	return read_bytes(tree, file, bytes, size, true);
}

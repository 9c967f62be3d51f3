/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Find the files of a native configuration (book configuration, "Files"). The order is: the main file,
 * the files that it includes where it includes them, then the drop-ins of a folder.
 */
#include "config/native.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOTAL_SIZE_MAX (8u << 20)

static int read_one(struct native *native, const char *path, const char *bytes, size_t size,
	const struct native_file *parent, struct place included);

static size_t total_size(const struct native *native)
{
	size_t total = 0;

	for (const struct native_file *at = native->files; at != NULL; at = at->next)
		total += at->size;
	return total;
}

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Return whether an editor or package manager has left this file behind. */
static bool is_left_over(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
	size_t length = strlen(name);

	return name[0] == '.' || (length > 0 && name[length - 1] == '~') || strstr(name, ".dpkg-") != NULL ||
	       strstr(name, ".rpm") != NULL;
}

/* Read one file that an include or a folder names. */
static int read_named(struct native *native, const char *path, const char *written, const struct native_file *parent,
	struct place place)
{
	struct tree *tree = native->tree;
	char *real = realpath(path, NULL);
	char *bytes = NULL;
	size_t size;
	int rc = real == NULL ? -errno : 0;

	for (const struct native_file *at = native->files; rc == 0 && at != NULL; at = at->next) {
		if (strcmp(at->path, real) != 0)
			continue;
		for (const struct native_file *up = parent; up != NULL; up = up->parent)
			if (up == at && up->included.line != 0)
				tree_error(tree, place,
					"'%s' is already being read (included at %s:%u): break the loop", written,
					up->included.file, up->included.line);
			else if (up == at)
				tree_error(tree, place, "'%s' is already being read: break the loop", written);
			else
				continue;
		if (!tree->has_error)
			tree_error(tree, place, "'%s' is already included at %s:%u: name it once", written,
				at->included.file == NULL ? at->path : at->included.file, at->included.line);
		free(real);
		return 0;
	}
	if (rc == 0)
		rc = config_read_file(AT_FDCWD, real, &bytes, &size);
	if (rc == -ENOMEM) {
		free(real);
		return rc;
	}
	if (rc == -EISDIR)
		tree_error(tree, place, "'%s' is a directory: give a file", written);
	else if (rc == -EFBIG)
		tree_error(tree, place, "'%s' is larger than 1 MiB: this is no config file", written);
	else if (rc == -ENOENT)
		tree_error(tree, place,
			"cannot read '%s' (%s): fix the path, or use a pattern such as '%.*s*.conf' if it "
			"may be absent",
			written, strerror(-rc), (int)strcspn(written, ".*?["), written);
	else if (rc < 0)
		tree_error(tree, place, "cannot read '%s' (%s): check its owner and mode", written, strerror(-rc));
	else
		rc = read_one(native, real, bytes, size, parent, place);
	if (bytes != NULL)
		explicit_bzero(bytes, size);
	free(bytes);
	free(real);
	return rc == -ENOMEM ? rc : 0;
}

/*
 * Find the files that match a pattern. A folder that does not exist, or that the daemon may not read, has no match. If a
 * folder cannot be read because the process has no descriptor left, a reload must not drop what its files say.
 *
 * @return 0: the caller frees *found; -ENOENT: no match; -EMFILE; -ENFILE; -ENOMEM
 */
static int find_files(const char *pattern, glob_t *found)
{
	int rc = glob(pattern, GLOB_NOSORT | GLOB_ERR, NULL, found), error = errno;

	if (rc == GLOB_ABORTED) {
		globfree(found);
		if (error == EMFILE || error == ENFILE)
			return -error;
		rc = glob(pattern, GLOB_NOSORT, NULL, found);
	}
	return rc == 0 ? 0 : rc == GLOB_NOSPACE ? -ENOMEM : -ENOENT;
}

/* Read all files that match a pattern, in byte order. */
static int read_pattern(
	struct native *native, const char *pattern, const struct native_file *parent, struct place place)
{
	glob_t found;
	int rc = find_files(pattern, &found);

	if (rc == -EMFILE || rc == -ENFILE)
		tree_error(native->tree, place, "cannot search '%s' (%s): raise the limit of open files", pattern,
			strerror(-rc));
	if (rc < 0)
		return rc == -ENOMEM ? rc : 0;
	qsort(found.gl_pathv, found.gl_pathc, sizeof(*found.gl_pathv), compare_names);
	for (size_t i = 0; i < found.gl_pathc && rc == 0; i++)
		if (!is_left_over(found.gl_pathv[i]))
			rc = read_named(native, found.gl_pathv[i], found.gl_pathv[i], parent, place);
	globfree(&found);
	return rc;
}

static int read_include(struct native *native, const struct native_file *file, const struct native_include *include)
{
	struct tree *tree = native->tree;
	const char *slash = strrchr(file->path, '/'), *pattern = include->pattern;

	if (!native->has_files) {
		tree_error(tree, include->place, "no other file is read here: remove 'include'");
		return 0;
	}
	if (file->depth == NATIVE_INCLUDE_DEPTH_MAX) {
		tree_error(tree, include->place, "included too deeply: at most %d levels are possible",
			NATIVE_INCLUDE_DEPTH_MAX);
		return 0;
	}
	const char *path = *pattern == '/' || slash == NULL
				   ? pattern
				   : arena_print(
					     tree->arena, "%.*s%s", (int)(slash - file->path + 1), file->path, pattern);

	if (path == NULL)
		return -ENOMEM;
	if (strpbrk(pattern, "*?[") != NULL)
		return read_pattern(native, path, file, include->place);
	return read_named(native, path, pattern, file, include->place);
}

/* Add a file to the list and scan it, then read the files that it includes. */
static int read_one(struct native *native, const char *path, const char *bytes, size_t size,
	const struct native_file *parent, struct place included)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct tree *tree = native->tree;
	struct native_file *file = arena_take(tree->arena, sizeof(*file));
	int rc = 0;

	if (file == NULL)
		return -ENOMEM;
	file->path = arena_copy(tree->arena, path, strlen(path));
	file->bytes = arena_copy(tree->arena, bytes, size);
	if (file->path == NULL || file->bytes == NULL)
		return -ENOMEM;
	file->size = size;
	file->parent = parent;
	file->included = included;
	file->depth = parent == NULL ? 0 : parent->depth + 1;
	file->top.place = (struct place){file->path, 1};
	if (native->file_count++ == NATIVE_FILES_MAX || total_size(native) + size > TOTAL_SIZE_MAX) {
		tree_error(tree, included, "too many files, or more than 8 MiB of them: include less");
		return 0;
	}
	if (native->last_file == NULL)
		native->files = file;
	else
		native->last_file->next = file;
	native->last_file = file;
	if (size >= 3 && memcmp(file->bytes, bom, 3) == 0) {
		tree_warning(tree, file->top.place, "byte order mark skipped: save without it");
		file->bytes += 3;
		file->size -= 3;
	}
	native_scan(native, file);
	for (const struct native_include *at = file->includes; at != NULL && rc == 0; at = at->next)
		rc = read_include(native, file, at);
	return tree->is_out_of_memory ? -ENOMEM : rc;
}

int native_files(struct native *native, const char *file, const char *bytes, size_t size, const char *folder)
{
	char pattern[PATH_MAX];
	int rc = read_one(native, file, bytes, size, NULL, (struct place){0});

	if (rc < 0 || folder == NULL)
		return rc;
	snprintf(pattern, sizeof(pattern), "%s/*.conf", folder);
	return read_pattern(native, pattern, NULL, (struct place){.file = folder});
}

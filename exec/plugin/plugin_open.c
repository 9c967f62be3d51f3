/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opens files of plugins. No other file uses libltdl.
 *
 * The behaviour of libltdl 2.4.7 decides the design. It reports every failure as "file not found". So a file is opened
 * with dlopen() first, which gives the exact reason. dlopen() also binds every function at once here. Otherwise an
 * undefined function would end the process when it is first called. Since libltdl also searches LD_LIBRARY_PATH, it
 * gets an absolute path, or a plain name and the restriction to builtins.
 */
#include "exec/plugin/plugin_private.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ltdl.h>

#include "common/trust.h"
#include "exec/plugin/plugin_code.h"
#include "exec/plugin/plugin_watch.h"

#define SPELLINGS 1000u /* more than the number of files that are ever open together */

struct plugin_file {
	lt_dlhandle handle; /* handle of libltdl, or NULL: loaded by its file descriptor */
	void *object;       /* handle of dlopen(), if loaded by its file descriptor */
	const struct coterie_plugin *descriptor;
	char *path;
	char *shadowed;
};

/* --- search --- */

static int search_append(struct plugin_search *search, const char *directory, size_t length)
{
	char **grown = realloc(search->directories, (search->count + 1) * sizeof(char *));

	if (grown == NULL)
		return -ENOMEM;
	search->directories = grown;
	grown[search->count] = strndup(directory, length);
	if (grown[search->count] == NULL)
		return -ENOMEM;
	search->count++;
	return 0;
}

int plugin_search_init(struct plugin_search *search, const char *const *directories, uint32_t count)
{
	const char *path = secure_getenv("COTERIE_PLUGIN_PATH");
	int rc = 0;

	*search = (struct plugin_search){0};
	while (rc == 0 && path != NULL && *path != '\0') {
		size_t length = strcspn(path, ":");

		if (length > 0)
			rc = search_append(search, path, length);
		path += length;
		if (*path == ':')
			path++;
	}
	for (uint32_t i = 0; rc == 0 && i < count; i++)
		rc = search_append(search, directories[i], strlen(directories[i]));
	if (rc < 0)
		plugin_search_fini(search);
	return rc;
}

void plugin_search_fini(struct plugin_search *search)
{
	for (uint32_t i = 0; i < search->count; i++)
		free(search->directories[i]);
	free(search->directories);
	*search = (struct plugin_search){0};
}

/* Return the absolute path of DIRECTORY/NAME.la or NAME.so, malloc'd. NULL: neither is there. */
static char *find_in(const char *directory, const char *name)
{
	static const char *const suffixes[] = {"la", "so"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (snprintf(path, sizeof(path), "%s/%s.%s", directory, name, suffixes[i]) >= (int)sizeof(path))
			continue;
		if (access(path, F_OK) == 0)
			return realpath(path, NULL);
	}
	return NULL;
}

static char *find(const struct plugin_search *search, const char *name)
{
	char *path = NULL;

	for (uint32_t i = 0; path == NULL && i < search->count; i++)
		path = find_in(search->directories[i], name);
	return path;
}

/* --- not found: report where the daemon looked, and what is there --- */

/*
 * Get the path of the shared object behind a path. libtool keeps the object of NAME.la in .libs/ until it is installed.
 */
static void object_path(const char *path, char *object, size_t size)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(path, '.');

	if (slash == NULL || dot == NULL || strcmp(dot, ".la") != 0) {
		snprintf(object, size, "%s", path);
		return;
	}
	int folder = (int)(slash - path);
	int base = (int)(dot - slash - 1);
	snprintf(object, size, "%.*s/.libs/%.*s.so", folder, path, base, slash + 1);
	if (access(object, F_OK) < 0)
		snprintf(object, size, "%.*s/%.*s.so", folder, path, base, slash + 1);
}

/*
 * Check that only trusted users can exchange the file, or a folder above it. Then the resolved path still names the
 * same file later.
 * @param path  without links
 * @return 0; -EPERM, culprit is set; -errno
 */
static int check_trust(const char *path, char *culprit, size_t size)
{
	/* A pipe or device must not block the daemon, hence O_NONBLOCK. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	int rc = fd < 0 ? -errno : trust_file(path, fd, culprit, size);

	if (fd >= 0)
		close(fd);
	return rc;
}

/*
 * Return whether the file is a plugin of the kind, and a daemon may load it. No code of the file runs: this is only for
 * an error text, and a constructor could end a running daemon, or block it.
 */
static bool is_of_kind(const char *directory, const char *file, const char *name, uint32_t kind)
{
	char path[PATH_MAX], object[PATH_MAX + 16], resolved[PATH_MAX], culprit[1];

	if (snprintf(path, sizeof(path), "%s/%s", directory, file) >= (int)sizeof(path))
		return false;
	object_path(path, object, sizeof(object));
	if (realpath(object, resolved) == NULL || check_trust(resolved, culprit, sizeof(culprit)) < 0)
		return false;
	/* A pipe or device must not block the daemon, hence O_NONBLOCK. */
	int fd = open(resolved, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return false;
	bool is_it = plugin_kind_of_file(fd, name) == kind;
	close(fd);
	return is_it;
}

static bool is_listed(char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* List the names of all plugins of the kind in all directories. @return their number; each name is malloc'd */
static size_t list_installed(const struct plugin_search *search, uint32_t kind, char **names, size_t count_max)
{
	size_t count = 0;

	for (uint32_t i = 0; i < search->count; i++) {
		DIR *dir = opendir(search->directories[i]);
		struct dirent *entry;

		while (dir != NULL && count < count_max && (entry = readdir(dir)) != NULL) {
			const char *dot = strrchr(entry->d_name, '.');

			if (dot == NULL || (strcmp(dot, ".so") != 0 && strcmp(dot, ".la") != 0))
				continue;
			char *name = strndup(entry->d_name, (size_t)(dot - entry->d_name));
			if (name != NULL && plugin_name_is_valid(name) && !is_listed(names, count, name) &&
				is_of_kind(search->directories[i], entry->d_name, name, kind))
				names[count++] = name;
			else
				free(name);
		}
		if (dir != NULL)
			closedir(dir);
	}
	qsort(names, count, sizeof(char *), compare_names);
	return count;
}

static void join(char *text, size_t size, const char *separator, char *const *words, size_t count)
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%s", i == 0 ? "" : separator, words[i]);
}

static void fail_not_found(
	const struct plugin_search *search, uint32_t kind, const char *name, struct plugin_error *error)
{
	char *names[32];
	char where[160], installed[160];
	size_t count = list_installed(search, kind, names, sizeof(names) / sizeof(names[0]));

	join(where, sizeof(where), ":", search->directories, search->count);
	join(installed, sizeof(installed), ", ", names, count);
	plugin_fail(error, PLUGIN_EXIT_NOT_FOUND, "no plugin '%s' of kind %s in %s: %s%s", name, plugin_kind_name(kind),
		search->count > 0 ? where : "(no directory)",
		count > 0 ? "installed are " : "install it or set COTERIE_PLUGIN_PATH", installed);
	for (size_t i = 0; i < count; i++)
		free(names[i]);
}

/* --- open --- */

int plugin_open_init(void) { return lt_dlinit() == 0 ? 0 : -ENOSYS; }

void plugin_open_fini(void) { lt_dlexit(); }

static lt_dlhandle open_builtin(const char *name)
{
	lt_dlhandle handle = NULL;
	lt_dladvise advise;

	if (lt_dladvise_init(&advise) != 0)
		return NULL;
	if (lt_dladvise_preload(&advise) == 0 && lt_dladvise_ext(&advise) == 0)
		handle = lt_dlopenadvise(name, advise);
	lt_dladvise_destroy(&advise);
	return handle;
}

static lt_dlhandle open_path(const char *path, struct plugin_error *error)
{
	char object[PATH_MAX + 16];

	object_path(path, object, sizeof(object));
	dlerror();
	void *bound;

	PLUGIN_FILE_MARKED(object, "constructors", bound = dlopen(object, RTLD_NOW | RTLD_LOCAL));
	if (bound == NULL) {
		const char *reason = dlerror();

		plugin_fail(error, PLUGIN_EXIT_DESCRIPTOR, "cannot open plugin file '%s' (%s): rebuild or reinstall it",
			path, reason != NULL ? reason : "unknown reason");
		return NULL;
	}
	lt_dlhandle handle = lt_dlopen(path);
	if (handle == NULL)
		plugin_fail(error, PLUGIN_EXIT_DESCRIPTOR, "cannot open plugin file '%s' (%s)", path, lt_dlerror());
	dlclose(bound); /* libltdl holds its own reference now */
	return handle;
}

static struct plugin_file *file_create(lt_dlhandle handle, char *path)
{
	struct plugin_file *file = calloc(1, sizeof(*file));

	if (file == NULL)
		return NULL;
	file->handle = handle;
	file->path = path;
	/* libltdl tries <file base name>_LTX_coterie_plugin first, then the bare name. */
	file->descriptor = lt_dlsym(handle, "coterie_plugin");
	plugin_code_add(file->descriptor, file->path);
	return file;
}

/*
 * Return a spelling of the path that is not open yet: with "./" in front of the name, as often as the serial number
 * requires. The caller frees it. NULL: out of memory, or too long.
 */
static char *spell(const char *path, uint32_t serial)
{
	const char *slash = strrchr(path, '/');
	size_t folder = (size_t)(slash + 1 - path), more = serial % SPELLINGS;
	size_t size = strlen(path) + 2 * more + 1;
	char *spelled = size <= PATH_MAX ? malloc(size) : NULL;

	if (spelled == NULL)
		return NULL;
	memcpy(spelled, path, folder);
	for (size_t i = 0; i < more; i++)
		memcpy(spelled + folder + 2 * i, "./", 2);
	strcpy(spelled + folder + 2 * more, slash + 1);
	return spelled;
}

static lt_dlhandle open_spelled(const char *path, uint32_t serial, struct plugin_error *error)
{
	char *spelled = spell(path, serial);
	lt_dlhandle handle = NULL;

	if (spelled != NULL)
		handle = open_path(spelled, error);
	else
		plugin_fail(error, PLUGIN_EXIT_INIT, "cannot open plugin file '%s': its path is too long", path);
	free(spelled);
	return handle;
}

/* Check that the file has a descriptor. @return the file, or NULL: it has none and was closed */
static struct plugin_file *check_symbol(struct plugin_file *file, struct plugin_error *error)
{
	if (file->descriptor != NULL)
		return file;
	plugin_fail(error, PLUGIN_EXIT_DESCRIPTOR,
		"'%s' is not a Coterie plugin (no symbol coterie_plugin): "
		"remove it from the plugin path",
		file->path);
	plugin_file_close(file);
	return NULL;
}

static struct plugin_file *finish_open(
	lt_dlhandle handle, char *path, char *shadowed, const char *name, struct plugin_error *error)
{
	struct plugin_file *file = path != NULL ? file_create(handle, path) : NULL;

	if (file == NULL) {
		plugin_fail(error, PLUGIN_EXIT_INIT, "out of memory while opening plugin '%s'", name);
		lt_dlclose(handle);
		free(path);
		free(shadowed);
		return NULL;
	}
	file->shadowed = shadowed;
	return check_symbol(file, error);
}

static void fail_untrusted(const char *path, const char *culprit, int rc, struct plugin_error *error)
{
	if (rc == -EPERM)
		plugin_fail(error, PLUGIN_EXIT_DESCRIPTOR,
			"'%s' is not loaded, since '%s' belongs to another user or others can write it: use a file and "
			"folders that only root can write",
			path, culprit);
	else
		plugin_fail(error, PLUGIN_EXIT_DESCRIPTOR, "cannot open plugin file '%s' (%s)", path, strerror(-rc));
	error->rc = rc == -EPERM ? -EPERM : -EINVAL;
}

/*
 * Check the trust of a file that is found at start, and of the shared object that it names. A daemon that has only the
 * rights of its user may load any file. It may, for example, be in a source tree that a group can write.
 */
static bool check_found(const char *found, struct plugin_error *error)
{
	char object[PATH_MAX + 16], resolved[PATH_MAX], culprit[PATH_MAX] = "";
	struct stat status;

	if (!trust_is_needed())
		return true;
	object_path(found, object, sizeof(object));
	if (stat(object, &status) == 0 && !S_ISREG(status.st_mode)) {
		plugin_fail(error, PLUGIN_EXIT_DESCRIPTOR,
			"cannot open plugin file '%s' (it is no regular file): rebuild or reinstall it", found);
		return false;
	}
	int rc = check_trust(found, culprit, sizeof(culprit));
	if (rc == 0 && realpath(object, resolved) != NULL)
		rc = check_trust(resolved, culprit, sizeof(culprit));
	if (rc < 0)
		fail_untrusted(found, culprit, rc, error);
	return rc == 0;
}

static struct plugin_file *open_name(const struct plugin_search *search, uint32_t kind, const char *name,
	uint32_t serial, struct plugin_error *error)
{
	char *found = find(search, name);
	lt_dlhandle handle = open_builtin(name);

	if (handle != NULL)
		return finish_open(handle, strdup("builtin"), found, name, error);
	if (found == NULL) {
		fail_not_found(search, kind, name, error);
		return NULL;
	}
	handle = check_found(found, error) ? open_spelled(found, serial, error) : NULL;
	if (handle == NULL) {
		free(found);
		return NULL;
	}
	return finish_open(handle, found, NULL, name, error);
}

struct plugin_file *plugin_file_open(
	const struct plugin_search *search, uint32_t kind, const char *name, struct plugin_error *error)
{
	return open_name(search, kind, name, 0, error);
}

/* --- loading by a file descriptor --- */

static void *find_descriptor(void *object, const char *path)
{
	char name[64], symbol[64 + 32];

	plugin_name_of_path(path, name);
	snprintf(symbol, sizeof(symbol), "%s_LTX_coterie_plugin", name);
	void *descriptor = dlsym(object, symbol);

	return descriptor != NULL ? descriptor : dlsym(object, "coterie_plugin");
}

/* Write bits as "./" and ".//", which do not change where a path leads. @return the end of the text */
static char *spell_bits(char *at, uint64_t bits)
{
	for (; bits != 0; bits >>= 1)
		at = stpcpy(at, (bits & 1) != 0 ? ".//" : "./");
	return at;
}

/*
 * Return a path to the file descriptor that no other file has had. The function dlopen() compares paths before it looks
 * at the file, and the number of a closed descriptor is soon used again. So the path contains the inode and device of
 * the file, as bits. The caller frees it. NULL: out of memory, or fstat() fails.
 */
static char *spell_source(const struct plugin_source *source)
{
	static const char folder[] = "/proc/self/fd/";
	struct stat status;
	/*
	 * Inode and device: 64 bits of at most three bytes each. Then the separator, and the number of the descriptor.
	 */
	char *spelled = malloc(sizeof(folder) + 2 * 64 * 3 + 8 + 16);

	if (spelled == NULL || fstat(source->fd, &status) < 0) {
		free(spelled);
		return NULL;
	}
	char *at = spell_bits(stpcpy(spelled, folder), status.st_ino);
	at = spell_bits(stpcpy(at, ".///"), status.st_dev);
	sprintf(at, "%d", source->fd);
	return spelled;
}

/* Write the reason why a file cannot be opened by its descriptor. Only procfs has paths for descriptors. */
static void fail_by_descriptor(const char *path, const char *reason, struct plugin_error *error)
{
	if (access("/proc/self/fd", F_OK) < 0)
		plugin_fail(error, PLUGIN_EXIT_DESCRIPTOR,
			"cannot open plugin file '%s' while the daemon runs, since /proc is not mounted: mount it, or "
			"name the plugin in the config and start the daemon again",
			path);
	else
		plugin_fail(error, PLUGIN_EXIT_DESCRIPTOR, "cannot open plugin file '%s' (%s): rebuild or reinstall it",
			path, reason != NULL ? reason : "unknown reason");
}

/* Open the file by its descriptor: the path may name another file by now. */
static struct plugin_file *open_source(const struct plugin_source *source, struct plugin_error *error)
{
	char *spelled = spell_source(source);
	struct plugin_file *file = calloc(1, sizeof(*file));
	char *path = strdup(source->path);
	if (spelled == NULL || file == NULL || path == NULL) {
		plugin_fail(error, PLUGIN_EXIT_INIT, "cannot open plugin '%s': out of memory", source->path);
		goto free_all;
	}
	dlerror();
	PLUGIN_FILE_MARKED(source->path, "constructors", file->object = dlopen(spelled, RTLD_NOW | RTLD_LOCAL));
	if (file->object == NULL) {
		fail_by_descriptor(source->path, dlerror(), error);
		goto free_all;
	}
	free(spelled);
	file->path = path;
	file->descriptor = find_descriptor(file->object, source->path);
	plugin_code_add(file->descriptor, file->path);
	return check_symbol(file, error);
free_all:
	free(spelled);
	free(file);
	free(path);
	return NULL;
}

static struct plugin_file *open_named(const struct plugin_search *search, const char *what,
	const struct plugin_source *source, struct plugin_error *error)
{
	lt_dlhandle handle = what[0] == '/' ? NULL : open_builtin(what);

	if (handle != NULL)
		return finish_open(handle, strdup("builtin"), find(search, what), what, error);
	if (source->fd >= 0)
		return open_source(source, error);
	if (what[0] == '/')
		plugin_fail(error, PLUGIN_EXIT_NOT_FOUND, "cannot read plugin file '%s' (%s)", what, strerror(ENOENT));
	else
		fail_not_found(search, COTERIE_KIND_SERVICE, what, error);
	return NULL;
}

struct plugin_file *plugin_file_open_anew(const struct plugin_search *search, const char *what,
	const struct plugin_source *source, uint32_t serial, struct plugin_error *error)
{
	if (source != NULL)
		return open_named(search, what, source, error);
	if (what[0] != '/')
		return open_name(search, COTERIE_KIND_SERVICE, what, serial, error);
	char *path = realpath(what, NULL);
	if (path == NULL) {
		plugin_fail(error, PLUGIN_EXIT_NOT_FOUND, "cannot read plugin file '%s' (%s)", what, strerror(errno));
		return NULL;
	}
	lt_dlhandle handle = open_spelled(path, serial, error);
	if (handle == NULL) {
		free(path);
		return NULL;
	}
	return finish_open(handle, path, NULL, what, error);
}

static char *find_file(const struct plugin_search *search, const char *what)
{
	lt_dlhandle builtin = what[0] == '/' ? NULL : open_builtin(what);

	if (builtin != NULL) {
		lt_dlclose(builtin);
		return NULL;
	}
	return what[0] == '/' ? realpath(what, NULL) : find(search, what);
}

/* Find the shared object of a plugin. If the found file is a text (.la), this is the object that it names. */
static char *find_object(const struct plugin_search *search, const char *what)
{
	char object[PATH_MAX + 16];
	char *path = find_file(search, what);

	if (path == NULL)
		return NULL;
	object_path(path, object, sizeof(object));
	free(path);
	return realpath(object, NULL);
}

int plugin_source_open(
	struct plugin_source *source, const struct plugin_search *search, const char *what, struct plugin_error *error)
{
	char culprit[PATH_MAX] = "";

	*source = (struct plugin_source){.fd = -1};
	char *path = find_object(search, what);
	if (path == NULL)
		return 0;
	/* A pipe or device must not block the daemon, hence O_NONBLOCK. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	int rc = fd < 0 ? -errno : trust_file(path, fd, culprit, sizeof(culprit));
	if (rc == 0) {
		*source = (struct plugin_source){.path = path, .fd = fd};
		return 0;
	}
	fail_untrusted(path, culprit, rc, error);
	if (fd >= 0)
		close(fd);
	free(path);
	return error->rc;
}

void plugin_source_close(struct plugin_source *source)
{
	if (source->fd >= 0)
		close(source->fd);
	free(source->path);
	*source = (struct plugin_source){.fd = -1};
}

void plugin_file_close(struct plugin_file *file)
{
	if (file == NULL)
		return;
	/* An unmapped plugin shows up in leak reports as "<unknown module>". */
	const char *keep = secure_getenv("COTERIE_KEEP_PLUGINS");
	bool is_kept = keep != NULL && strcmp(keep, "1") == 0;
	plugin_code_forget(file->path);
	if (!is_kept && file->object != NULL)
		PLUGIN_FILE_MARKED(file->path, "destructors", dlclose(file->object));
	else if (!is_kept)
		PLUGIN_FILE_MARKED(file->path, "destructors", lt_dlclose(file->handle));
	free(file->shadowed);
	free(file->path);
	free(file);
}

const char *plugin_file_path(const struct plugin_file *file) { return file->path; }

const struct coterie_plugin *plugin_file_descriptor(const struct plugin_file *file) { return file->descriptor; }

const char *plugin_file_shadowed(const struct plugin_file *file) { return file->shadowed; }

/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading a config file: the file and the folder uidgid.d beside it, the checks, and the model. */
#include "config/model.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/tree.h"

int config_read_file(int dir, const char *name, char **bytes, size_t *size)
{
	struct stat status;
	size_t used = 0, room = CONFIG_FILE_SIZE_MAX + 1;
	int rc = 0, fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	*bytes = NULL;
	*size = 0;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0) {
		rc = -errno;
		goto close_fd;
	}
	if (S_ISDIR(status.st_mode)) {
		rc = -EISDIR;
		goto close_fd;
	}
	/*
	 * The file may be a pipe (process substitution of a shell). Clear O_NONBLOCK, so that
	 * reading waits for all of it.
	 */
	if (!S_ISREG(status.st_mode) && fcntl(fd, F_SETFL, 0) < 0) {
		rc = -errno;
		goto close_fd;
	}
	char *buffer = malloc(room);

	if (buffer == NULL) {
		rc = -ENOMEM;
		goto close_fd;
	}
	while (used < room) {
		ssize_t got = read(fd, buffer + used, room - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			rc = -errno;
		if (got <= 0)
			break;
		used += (size_t)got;
	}
	if (rc == 0 && used > CONFIG_FILE_SIZE_MAX)
		rc = -EFBIG;
	if (rc < 0) {
		free(buffer);
		goto close_fd;
	}
	*bytes = buffer;
	*size = used;
close_fd:
	close(fd);
	return rc;
}

static void report_unreadable(struct tree *tree, const char *path, int rc)
{
	const struct place place = {.file = path};

	const struct place nowhere = {0};

	if (rc == -EISDIR)
		tree_error(tree, nowhere, "'%s' is a directory: give a file", path);
	else if (rc == -EFBIG)
		tree_error(tree, place, "larger than 1 MiB: this is no config file");
	else
		tree_error(tree, nowhere, "cannot read '%s' (%s): check its owner and mode", path, strerror(-rc));
}

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/*
 * Report a folder or file of uidgid.d that cannot be read. Users of a file that is left out lose their access with a reload.
 * So a file is left out only if an administrator has closed it, and not because the process has no descriptor left.
 */
static void report_access(struct tree *tree, const char *path, int rc)
{
	const struct place place = {.file = path};

	if (rc == -EMFILE || rc == -ENFILE)
		tree_error(tree, place, "cannot be read (%s): raise the limit of open files", strerror(-rc));
	else
		tree_warning(tree, place, "skipped (%s): check its owner and mode", strerror(-rc));
}

static void free_names(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

/*
 * List the names in a folder, sorted, so that every start reads them in the same order.
 *
 * @param names  out: the caller frees them with free_names(), also on errors
 * @return 0; -errno
 */
static int list_names(int dir, char ***names, size_t *count)
{
	int copy = dup(dir);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int rc = stream == NULL ? -errno : 0;

	*names = NULL;
	*count = 0;
	if (stream == NULL) {
		if (copy >= 0)
			close(copy);
		return rc;
	}
	while (rc == 0 && (entry = readdir(stream)) != NULL) {
		char **bigger = reallocarray(*names, *count + 1, sizeof(**names));
		char *name = strdup(entry->d_name);

		if (bigger != NULL)
			*names = bigger;
		if (bigger != NULL && name != NULL)
			(*names)[(*count)++] = name;
		else
			rc = -ENOMEM;
		if (rc < 0)
			free(name);
	}
	closedir(stream);
	if (*count > 0)
		qsort(*names, *count, sizeof(**names), compare_names);
	return rc;
}

/* Read one file of uidgid.d, if it is a regular one. @return 0, also if it was reported; -ENOMEM */
static int read_access_file(struct tree *tree, int dir, const char *name, const char *file)
{
	struct stat status;
	char *bytes;
	size_t size;

	if (file == NULL)
		return -ENOMEM;
	if (fstatat(dir, name, &status, 0) < 0 || !S_ISREG(status.st_mode))
		return 0;
	int rc = config_read_file(dir, name, &bytes, &size);

	if (rc == -ENOMEM)
		return rc;
	if (rc < 0) {
		report_access(tree, file, rc);
		return 0;
	}
	rc = legacy_read_access(tree, file, bytes, size);
	free(bytes);
	return rc;
}

/*
 * Read every regular file of uidgid.d beside the main file, including names that begin with a dot.
 */
static int read_access_files(struct tree *tree, const char *main_file)
{
	const char *slash = strrchr(main_file, '/');
	char *path = arena_print(
		tree->arena, "%.*suidgid.d", slash == NULL ? 0 : (int)(slash - main_file + 1), main_file);
	char **names;
	size_t count;

	if (path == NULL)
		return -ENOMEM;
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			report_access(tree, path, -errno);
		return 0;
	}
	int rc = list_names(dir, &names, &count);

	if (rc < 0 && rc != -ENOMEM) {
		report_access(tree, path, rc);
		count = 0;
		rc = 0;
	}
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = read_access_file(tree, dir, names[i], arena_print(tree->arena, "%s/%s", path, names[i]));
	free_names(names, count);
	close(dir);
	return rc;
}

/* Copy the tree's keys to the model. */
static int copy_entries(const struct tree *tree, struct config *config)
{
	struct config_entry *entries = arena_take(tree->arena, (tree->count + 1) * sizeof(*entries));

	if (entries == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < tree->count; i++) {
		const struct tree_item *item = &tree->items[i];

		entries[i] = (struct config_entry){.key = item->key,
			.type = item->type,
			.value = item->value,
			.size = item->size,
			.text = item->text,
			.file = item->place.file,
			.line = item->place.line};
	}
	config->entries = entries;
	config->entry_count = tree->count;
	return 0;
}

/* Check the tree, and fill in the model. The entries are complete when plugins check them. */
static int validate(struct tree *tree, struct config *config, const struct config_environment *environment)
{
	int rc = config_validate(tree, config, environment);

	if (rc == 0)
		rc = copy_entries(tree, config);
	if (rc == 0)
		rc = view_check(tree, config, environment);
	/* The file of a revision has passed this check. The plugins are not described, so there are wrong warnings. */
	if (rc == 0 && tree->key_source == NULL)
		check_strict(tree);
	return rc;
}

int config_end(struct tree *tree, struct config *config, const struct config_environment *environment)
{
	int rc = 0;

	if (!tree->has_error) {
		described_use(tree, environment);
		described_check(tree);
	}
	described_warn_unknown(tree);
	config->plugins = tree->plugins;
	if (!tree->has_error)
		rc = validate(tree, config, environment);
	if (rc < 0)
		return rc;
	tree_messages_close(tree);
	if (tree->is_out_of_memory)
		return -ENOMEM;
	if (tree->has_error || tree->has_log_error)
		return tree->has_log_error ? -EBADF : -EINVAL;
	return 0;
}

/* The way in which a file is read. */
struct reading {
	const struct config_environment *environment;
	const struct config_fixed *fixed; /* NULL: at start */
	bool has_folder;                  /* there may be a folder uidgid.d beside the file */
};

static bool is_named(const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');

	return strcmp(slash == NULL ? file : slash + 1, name) == 0;
}

/* Decide by the name, then by the first line that shows the syntax: book configuration, "Files". */
static enum config_format format_of(const char *file, const char *bytes, size_t size)
{
	int looks = is_named(file, "corosync.conf") ? -1 : native_looks_like(bytes, size);

	if (looks == 0)
		looks = is_named(file, "coterie.conf") ? 1 : -1;
	return looks > 0 ? CONFIG_FORMAT_COTERIE : CONFIG_FORMAT_COROSYNC;
}

static int build(
	struct tree *tree, struct config *config, const char *bytes, size_t size, const struct reading *reading)
{
	enum config_format format = reading->fixed != NULL ? config_fixed_format(reading->fixed)
							   : reading->environment->format;
	const char *drop_ins = reading->fixed != NULL ? config_fixed_drop_ins(reading->fixed)
						      : reading->environment->drop_ins;
	int rc = 0;

	tree->is_again = reading->fixed != NULL;
	if (tree->is_again)
		rc = config_fixed_plugins(reading->fixed, tree);
	if (rc < 0)
		return rc;
	if (format == CONFIG_FORMAT_AUTO)
		format = format_of(tree->file, bytes, size);
	config->format = format;
	if (drop_ins != NULL && format == CONFIG_FORMAT_COTERIE) {
		config->drop_ins = arena_copy(tree->arena, drop_ins, strlen(drop_ins));
		if (config->drop_ins == NULL)
			return -ENOMEM;
	}
	if (format == CONFIG_FORMAT_COTERIE)
		rc = native_read(tree, tree->file, bytes, size, reading->environment, drop_ins, reading->has_folder);
	else if (size == 0)
		tree_error(tree, (struct place){.file = tree->file},
			"the file is empty: write at least the sections 'totem' and 'nodelist'");
	else
		rc = legacy_read(tree, tree->file, bytes, size);
	if (rc == 0 && format == CONFIG_FORMAT_COROSYNC && reading->has_folder)
		rc = read_access_files(tree, tree->file);
	if (rc < 0)
		return rc;
	/* A tree that was read only in part would lead to wrong messages. */
	if (!tree->has_error && reading->fixed != NULL)
		fixed_keep(tree, reading->fixed, FIXED_FILE);
	return config_end(tree, config, reading->environment);
}

struct config *config_begin(const char *file, struct config_messages *messages, struct tree **tree)
{
	struct arena *arena = arena_create();

	if (arena == NULL)
		return NULL;
	struct config *config = arena_take(arena, sizeof(*config));

	*tree = arena_take(arena, sizeof(**tree));
	if (config == NULL || *tree == NULL) {
		arena_destroy(arena);
		return NULL;
	}
	config->arena = arena;
	config->file = arena_copy(arena, file, strlen(file));
	if (config->file == NULL) {
		arena_destroy(arena);
		return NULL;
	}
	(*tree)->arena = arena;
	(*tree)->file = config->file;
	(*tree)->messages = messages;
	(*tree)->unknown_end = &(*tree)->unknown;
	return config;
}

static int load(const char *file, const char *bytes, size_t size, int read_rc, const struct reading *reading,
	struct config **config, struct config_messages *messages)
{
	struct tree *tree;
	struct config *made = config_begin(file, messages, &tree);

	if (made == NULL)
		return -ENOMEM;
	int rc = -EINVAL;

	if (read_rc < 0)
		report_unreadable(tree, made->file, read_rc);
	else
		rc = build(tree, made, bytes, size, reading);
	if (rc < 0)
		config_destroy(made);
	else
		*config = made;
	return rc;
}

static int load_file(
	const char *path, const struct reading *reading, struct config **config, struct config_messages *messages)
{
	char *bytes, *absolute = NULL;
	size_t size;

	*config = NULL;
	*messages = (struct config_messages){0};
	/*
	 * Store an absolute path, since the daemon changes its folder before a reload opens the
	 * file again.
	 */
	if (*path != '/') {
		char *folder = getcwd(NULL, 0);

		if (folder != NULL && asprintf(&absolute, "%s/%s", folder, path) < 0)
			absolute = NULL;
		free(folder);
	}
	int rc = config_read_file(AT_FDCWD, path, &bytes, &size);

	if (rc != -ENOMEM)
		rc = load(absolute != NULL ? absolute : path, bytes, size, rc, reading, config, messages);
	if (bytes != NULL)
		explicit_bzero(bytes, size); /* the text may contain the ring's key */
	free(bytes);
	free(absolute);
	return rc;
}

int config_load(const char *path, const struct config_environment *environment, struct config **config,
	struct config_messages *messages)
{
	const struct reading reading = {.environment = environment, .has_folder = true};

	return load_file(path, &reading, config, messages);
}

int config_load_again(const char *path, const struct config_environment *environment, const struct config_fixed *fixed,
	struct config **config, struct config_messages *messages)
{
	const struct reading reading = {.environment = environment, .fixed = fixed, .has_folder = true};

	return load_file(path, &reading, config, messages);
}

int config_load_bytes(const char *name, const char *bytes, size_t size, const struct config_environment *environment,
	struct config **config, struct config_messages *messages)
{
	const struct reading reading = {.environment = environment};

	*config = NULL;
	*messages = (struct config_messages){0};
	return load(name, bytes == NULL ? "" : bytes, size, size > CONFIG_FILE_SIZE_MAX ? -EFBIG : 0, &reading, config,
		messages);
}

void config_drop_provider(struct config *config)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < config->entry_count; i++)
		if (strcmp(config->entries[i].key, "quorum.provider") != 0)
			config->entries[kept++] = config->entries[i];
	config->entry_count = kept;
	config->quorum_provider = NULL;
	config->is_provider_default = false;
}

void config_destroy(struct config *config)
{
	if (config != NULL)
		arena_destroy(config->arena);
}

static const struct config_entry *find_entry(const struct config *config, const char *section, const char *name)
{
	size_t length = strlen(section);

	for (uint32_t i = 0; i < config->entry_count; i++)
		if (strncmp(config->entries[i].key, section, length) == 0 &&
			strcmp(config->entries[i].key + length, name) == 0)
			return &config->entries[i];
	return NULL;
}

const char *config_option_text(
	const struct config *config, const char *plugin, const char *name, const char **file, uint32_t *line)
{
	const char *found_file = NULL, *value = NULL;
	uint32_t found_line = 0;

	for (uint32_t i = 0; i < config->option_count; i++) {
		const struct config_option *option = &config->options[i];

		if (strcmp(option->plugin, plugin) != 0 || strcmp(option->name, name) != 0)
			continue;
		value = option->value; /* the last value counts */
		found_file = option->file;
		found_line = option->line;
	}
	if (value == NULL && strcmp(plugin, config->transport) == 0) {
		const struct config_entry *entry = find_entry(config, "totem.interface.0.", name);

		if (entry == NULL)
			entry = find_entry(config, "totem.", name);
		if (entry == NULL && strcmp(name, "crypto_cipher") == 0)
			value = config->cipher;
		else if (entry == NULL && strcmp(name, "crypto_hash") == 0)
			value = config->hash;
		if (entry != NULL) {
			value = entry->text;
			found_file = entry->file;
			found_line = entry->line;
		}
	}
	if (file != NULL)
		*file = found_file;
	if (line != NULL)
		*line = found_line;
	return value;
}

const char *config_key(const struct config *config, const char *key, const char **file, uint32_t *line)
{
	const struct config_entry *entry = find_entry(config, "", key);

	if (entry == NULL)
		return NULL;
	*file = entry->file;
	*line = entry->line;
	return entry->text;
}

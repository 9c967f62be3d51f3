/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plugins of a binary that is a single file (./configure --enable-static-binary). The only plugins are the builtins in
 * the table that libtool writes for -dlpreopen. This file replaces plugin_open.c, and uses neither libltdl nor
 * dlopen().
 */
#include "exec/plugin/plugin_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The type of <ltdl.h>. The table has an entry for each file, whose address is NULL, and then an entry for each symbol
 * of the file.
 */
struct preloaded_symbol {
	const char *name;
	const void *address;
};

/*
 * Defined by libtool in programs that are linked with -dlpreopen. Other programs, such as unit
 * tests, have no builtins.
 */
extern const struct preloaded_symbol lt__PROGRAM__LTX_preloaded_symbols[] __attribute__((weak));

struct plugin_file {
	const struct coterie_plugin *descriptor;
};

static const char symbol_end[] = "_LTX_coterie_plugin";

/* Do nothing: this binary searches no files. */
int plugin_search_init(struct plugin_search *search, const char *const *directories, uint32_t count)
{
	(void)directories, (void)count;
	*search = (struct plugin_search){0};
	return 0;
}

void plugin_search_fini(struct plugin_search *search) { (void)search; }

int plugin_open_init(void) { return 0; }

void plugin_open_fini(void) {}

/* Return the length of the plugin's name in NAME_LTX_coterie_plugin. 0: it is another symbol. */
static size_t name_length(const char *symbol)
{
	size_t length = strlen(symbol);
	size_t end = sizeof(symbol_end) - 1;

	return length > end && strcmp(symbol + length - end, symbol_end) == 0 ? length - end : 0;
}

static const struct coterie_plugin *find(const char *name)
{
	const struct preloaded_symbol *symbol = lt__PROGRAM__LTX_preloaded_symbols;

	for (; symbol != NULL && symbol->name != NULL; symbol++) {
		size_t length = name_length(symbol->name);

		if (length > 0 && length == strlen(name) && memcmp(symbol->name, name, length) == 0)
			return symbol->address;
	}
	return NULL;
}

static void fail_not_found(uint32_t kind, const char *name, struct plugin_error *error)
{
	const struct preloaded_symbol *symbol = lt__PROGRAM__LTX_preloaded_symbols;
	char builtins[160] = "";
	size_t used = 0;

	for (; symbol != NULL && symbol->name != NULL && used < sizeof(builtins); symbol++) {
		size_t length = name_length(symbol->name);

		if (length > 0)
			used += (size_t)snprintf(builtins + used, sizeof(builtins) - used, "%s%.*s",
				used > 0 ? ", " : "", (int)length, symbol->name);
	}
	plugin_fail(error, PLUGIN_EXIT_NOT_FOUND,
		"no plugin '%s' of kind %s: this binary loads no files, and its builtins are %s", name,
		plugin_kind_name(kind), used > 0 ? builtins : "none");
}

struct plugin_file *plugin_file_open(
	const struct plugin_search *search, uint32_t kind, const char *name, struct plugin_error *error)
{
	const struct coterie_plugin *descriptor = find(name);
	struct plugin_file *file;

	(void)search;
	if (descriptor == NULL) {
		fail_not_found(kind, name, error);
		return NULL;
	}
	file = calloc(1, sizeof(*file));
	if (file == NULL) {
		plugin_fail(error, PLUGIN_EXIT_INIT, "out of memory while opening plugin '%s'", name);
		return NULL;
	}
	file->descriptor = descriptor;
	return file;
}

struct plugin_file *plugin_file_open_anew(const struct plugin_search *search, const char *what,
	const struct plugin_source *source, uint32_t serial, struct plugin_error *error)
{
	(void)source, (void)serial;
	return plugin_file_open(search, COTERIE_KIND_SERVICE, what, error);
}

int plugin_source_open(
	struct plugin_source *source, const struct plugin_search *search, const char *what, struct plugin_error *error)
{
	(void)search, (void)what, (void)error;
	*source = (struct plugin_source){.fd = -1};
	return 0;
}

void plugin_source_close(struct plugin_source *source) { (void)source; }

void plugin_file_close(struct plugin_file *file) { free(file); }

const char *plugin_file_path(const struct plugin_file *file)
{
	(void)file;
	return "builtin";
}

const struct coterie_plugin *plugin_file_descriptor(const struct plugin_file *file) { return file->descriptor; }

const char *plugin_file_shadowed(const struct plugin_file *file)
{
	(void)file;
	return NULL;
}

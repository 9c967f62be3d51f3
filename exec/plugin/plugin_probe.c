/* SPDX-License-Identifier: BSD-3-Clause */
/* Check a plugin without loading it. */
#include "exec/plugin/plugin_private.h"

#include <errno.h>

/*
 * Open and check a plugin, and close its file again. If the descriptor is good, call see with it before the close. see
 * may be NULL.
 */
static int look(const struct plugin_search *search, uint32_t kind, const char *name,
	void (*see)(void *arg, const struct coterie_plugin *descriptor), void *arg, struct plugin_error *error)
{
	struct plugin_file *file = plugin_file_open(search, kind, name, error);
	int rc = file == NULL
			 ? -EINVAL
			 : plugin_check(NULL, plugin_file_descriptor(file), kind, name, plugin_file_path(file), error);

	if (rc == 0 && see != NULL)
		see(arg, plugin_file_descriptor(file));
	plugin_file_close(file);
	return rc;
}

int plugin_describe(const char *const *directories, uint32_t count, uint32_t kind, const char *name,
	void (*see)(void *arg, const struct coterie_plugin *descriptor), void *arg, struct plugin_error *error)
{
	struct plugin_search search;
	int rc = plugin_search_init(&search, directories, count);

	if (rc < 0)
		return plugin_fail(error, PLUGIN_EXIT_INIT, "out of memory");
	rc = plugin_open_init();
	if (rc < 0) {
		rc = plugin_fail(error, PLUGIN_EXIT_INIT, "libltdl cannot start: reinstall it");
		goto fini_search;
	}
	rc = look(&search, kind, name, see, arg, error);
	plugin_open_fini();
fini_search:
	plugin_search_fini(&search);
	return rc;
}

static void see_offers(void *arg, const struct coterie_plugin *descriptor)
{
	uint64_t *offers = arg;

	*offers = descriptor->offers;
}

int plugin_look(const struct plugin_registry *registry, uint32_t kind, const char *name, uint64_t *offers,
	struct plugin_error *error)
{
	return look(&registry->search, kind, name, see_offers, offers, error);
}

int plugin_probe(
	const char *const *directories, uint32_t count, uint32_t kind, const char *name, struct plugin_error *error)
{
	return plugin_describe(directories, count, kind, name, NULL, NULL, error);
}

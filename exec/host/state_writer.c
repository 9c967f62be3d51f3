/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/host/state_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/log/log.h"
#include "exec/plugin/plugin.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/host/state_disk.h"

struct store {
	struct store *next;
	struct plugin *plugin; /* or NULL: the plugin has ended */
	char subsystem[64];
	char name[48];
	void (*done)(void *arg, int rc);
	void *arg;
	uint32_t size;
	uint8_t bytes[];
};

struct state_writer {
	struct state_disk *disk;
	struct store *first, **last; /* in order. The first one is under way */
};

struct state_writer *state_writer_create(struct loop *loop, const char *dir)
{
	struct state_writer *writer = calloc(1, sizeof(*writer));

	if (writer == NULL)
		return NULL;
	writer->last = &writer->first;
	writer->disk = state_disk_create(loop, dir);
	if (writer->disk == NULL) {
		free(writer);
		return NULL;
	}
	return writer;
}

static struct store *take_first(struct state_writer *writer)
{
	struct store *store = writer->first;

	writer->first = store->next;
	if (writer->first == NULL)
		writer->last = &writer->first;
	return store;
}

/* Report the result to the plugin, or to the log. Frees the store. */
static void end(struct store *store, int rc)
{
	if (store->plugin != NULL && store->done != NULL) {
		struct plugin_call call;

		plugin_enter(&call, store->plugin, "function for stored files");
		store->done(store->arg, rc);
		plugin_leave(&call);
	} else if (rc < 0) {
		log_line(store->subsystem, LOG_ERR, "Cannot store the state file '%s': %s", store->name, strerror(-rc));
	}
	free(store);
}

static void on_finished(void *arg, int rc);

static int begin(struct state_writer *writer)
{
	const struct store *store = writer->first;

	return state_disk_begin(writer->disk, store->name, store->bytes, store->size, on_finished, writer);
}

static void on_finished(void *arg, int rc)
{
	struct state_writer *writer = arg;
	struct store *store = take_first(writer);

	/* Begin the next store first: done() may queue more, which have to wait behind it. */
	int next_rc = writer->first != NULL ? begin(writer) : 0;

	end(store, rc);
	while (next_rc < 0) {
		store = take_first(writer);
		rc = next_rc;
		next_rc = writer->first != NULL ? begin(writer) : 0;
		end(store, rc);
	}
}

void state_writer_destroy(struct state_writer *writer)
{
	if (writer == NULL)
		return;
	int rc = state_disk_finish(writer->disk);
	bool is_first = true;

	while (writer->first != NULL) {
		struct store *store = take_first(writer);

		if (!is_first)
			rc = state_disk_write(writer->disk, store->name, store->bytes, store->size);
		is_first = false;
		store->plugin = NULL;
		end(store, rc);
	}
	state_disk_destroy(writer->disk);
	free(writer);
}

int state_writer_write(struct state_writer *writer, const char *name, const void *bytes, uint32_t size)
{
	for (const struct store *store = writer->first; store != NULL; store = store->next)
		if (strcmp(store->name, name) == 0)
			return -EBUSY;
	return state_disk_write(writer->disk, name, bytes, size);
}

static bool has_room(const struct state_writer *writer, const struct plugin *plugin, uint32_t size)
{
	uint64_t bytes = size;
	uint32_t count = 0;

	for (const struct store *store = writer->first; store != NULL; store = store->next) {
		if (store->plugin != plugin)
			continue;
		bytes += store->size;
		count++;
	}
	return count == 0 || (count < STATE_STORES_MAX && bytes <= STATE_STORES_SIZE);
}

int state_writer_store(struct state_writer *writer, struct plugin *plugin, const char *name, const void *bytes,
	uint32_t size, void (*done)(void *arg, int rc), void *arg)
{
	if (size > STATE_STORE_SIZE_MAX)
		return -EMSGSIZE;
	if (!has_room(writer, plugin, size))
		return -EAGAIN;
	struct store *store = malloc(sizeof(*store) + size);
	if (store == NULL)
		return -ENOMEM;
	*store = (struct store){.plugin = plugin, .done = done, .arg = arg, .size = size};
	strncpy(store->subsystem, plugin->subsystem, sizeof(store->subsystem) - 1);
	strncpy(store->name, name, sizeof(store->name) - 1);
	if (size > 0)
		memcpy(store->bytes, bytes, size);
	*writer->last = store;
	writer->last = &store->next;
	if (writer->first != store)
		return 0;
	int rc = begin(writer);
	if (rc < 0)
		free(take_first(writer));
	return rc;
}

void state_writer_forget(struct state_writer *writer, const struct plugin *plugin)
{
	for (struct store *store = writer != NULL ? writer->first : NULL; store != NULL; store = store->next)
		if (store->plugin == plugin)
			store->plugin = NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plugins of each node. Every node sends its list when the ring changes and when a plugin is loaded or
 * unloaded. The lists of nodes that have left, or left and returned, are dropped.
 */
#include "services/control/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TELL_AFTER_NS UINT64_C(20000000) /* wait, since the keys of a plugin are added one by one */
#define PREFIX "stats.plugins."
#define LISTS_MAX 4096u

/* ---- Lists ---------------------------------------------------------------- */

static uint32_t position(const struct control *control, uint32_t nodeid)
{
	uint32_t at = 0;

	while (at < control->list_count && control->lists[at].nodeid < nodeid)
		at++;
	return at;
}

static struct control_list *list_get(struct control *control, uint32_t nodeid)
{
	uint32_t at = position(control, nodeid);

	if (at < control->list_count && control->lists[at].nodeid == nodeid)
		return &control->lists[at];
	if (control->list_count == LISTS_MAX)
		return NULL;
	if (control->list_count == control->list_capacity) {
		uint32_t capacity = 2 * control->list_capacity + 8;
		struct control_list *lists = reallocarray(control->lists, capacity, sizeof(*lists));

		if (lists == NULL)
			return NULL;
		control->lists = lists;
		control->list_capacity = capacity;
	}
	memmove(control->lists + at + 1, control->lists + at, (control->list_count - at) * sizeof(control->lists[0]));
	control->lists[at] = (struct control_list){.nodeid = nodeid};
	control->list_count++;
	return &control->lists[at];
}

bool control_has_told(const struct control *control, uint32_t nodeid)
{
	uint32_t at = position(control, nodeid);

	return at < control->list_count && control->lists[at].nodeid == nodeid;
}

int control_list_set(struct control *control, uint32_t nodeid, const char *text, uint32_t size)
{
	if (size > CONTROL_LIST_SIZE_MAX || (size > 0 && text[size - 1] != '\0'))
		return -EINVAL;
	char *copy = malloc(size + 1u);
	struct control_list *list = copy == NULL ? NULL : list_get(control, nodeid);
	if (list == NULL) {
		free(copy);
		return -ENOMEM;
	}
	memcpy(copy, text, size);
	free(list->text);
	list->text = copy;
	list->size = size;
	return 0;
}

static void list_forget(struct control *control, uint32_t nodeid)
{
	uint32_t at = position(control, nodeid);

	if (!control_has_told(control, nodeid))
		return;
	free(control->lists[at].text);
	control->list_count--;
	memmove(control->lists + at, control->lists + at + 1, (control->list_count - at) * sizeof(control->lists[0]));
}

static bool is_among(const uint32_t *nodes, uint32_t count, uint32_t nodeid)
{
	for (uint32_t i = 0; i < count; i++)
		if (nodes[i] == nodeid)
			return true;
	return false;
}

/*
 * Return whether the list of a node stays valid. A node that has joined may have restarted, and sends its list again.
 */
static bool is_staying(const struct coterie_configuration *configuration, uint32_t nodeid)
{
	return is_among(configuration->members, configuration->member_count, nodeid) &&
	       !is_among(configuration->joined, configuration->joined_count, nodeid);
}

/* ---- Sending the list ---------------------------------------------------- */

/* Collect the names in the keys stats.plugins.NAME.kind. @return bytes of the text */
static uint32_t list_own(struct control *control, char *text, uint32_t size)
{
	const struct coterie_host *host = control->host;
	struct coterie_map_iterator *iterator;
	uint32_t used = 0;
	const char *key;

	if (host->map_iterate(control->ctx, COTERIE_MAP_STATS, PREFIX, &iterator) < 0)
		return 0;
	while ((key = host->map_iterate_next(iterator, NULL)) != NULL) {
		const char *name = key + sizeof(PREFIX) - 1;
		size_t length = strcspn(name, ".");

		if (strcmp(name + length, ".kind") != 0 || length + 1 > size - used)
			continue;
		memcpy(text + used, name, length);
		text[used + length] = '\0';
		used += (uint32_t)length + 1;
	}
	host->map_iterate_end(iterator);
	return used;
}

static void tell_soon(struct control *control);

static void tell(void *arg)
{
	struct control *control = arg;
	char text[CONTROL_LIST_SIZE_MAX];
	struct iovec iov = {text, list_own(control, text, sizeof(text))};

	control->tell_timer = NULL;
	if (control->is_leaving)
		return;
	if (control->host->ring_send(control->ctx, CONTROL_RING_PLUGINS, COTERIE_AGREED, &iov, 1) == -EAGAIN)
		tell_soon(control);
}

/* Start the timer that sends the list. If memory runs out, the next change starts it. */
static void tell_soon(struct control *control)
{
	uint64_t at_ns = control->host->now_ns(control->ctx) + TELL_AFTER_NS;

	if (control->tell_timer == NULL && !control->is_leaving &&
		control->host->timer_add(control->ctx, at_ns, tell, control, &control->tell_timer) < 0)
		control->tell_timer = NULL;
}

/* Send an empty list, which shows that this node answers no requests any more. */
int control_drain(void *self)
{
	struct control *control = self;
	struct iovec nothing = {NULL, 0};

	if (!control->is_leaving &&
		control->host->ring_send(control->ctx, CONTROL_RING_PLUGINS, COTERIE_AGREED, &nothing, 1) == -EAGAIN)
		return -EAGAIN;
	control->is_leaving = true;
	return 0;
}

static void on_key(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	(void)event, (void)now, (void)before;
	if (strcmp(key + strlen(key) - 5, ".kind") == 0)
		tell_soon(arg);
}

/* ---- Events of the executive --------------------------------------------- */

void control_configuration(void *self, const struct coterie_configuration *configuration)
{
	struct control *control = self;
	uint32_t kept = 0;

	if (!configuration->is_regular)
		return;
	for (uint32_t i = 0; i < control->list_count; i++) {
		if (is_staying(configuration, control->lists[i].nodeid))
			control->lists[kept++] = control->lists[i];
		else
			free(control->lists[i].text);
	}
	control->list_count = kept;
	control_lookup_configuration(control, configuration);
	tell_soon(control);
}

void control_deliver_plugins(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct control *control = self;
	const struct control_ring_plugins *plugins = msg;

	if (size == sizeof(*plugins)) {
		list_forget(control, nodeid);
		control_lookup_gone(control, nodeid);
		return;
	}
	if (control_list_set(control, nodeid, plugins->text, size - (uint32_t)sizeof(*plugins)) == -EINVAL)
		control->host->log(control->ctx, 7, "node %u does not tell its plugins properly", nodeid);
}

int control_handle_nodes(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	static const char zeros[4];
	struct control *control = self;
	uint32_t count = control->list_count;
	struct control_node *heads = calloc(count + 1, sizeof(*heads));
	struct iovec *iov = calloc(3 * (size_t)count + 1, sizeof(*iov));

	(void)msg, (void)size;
	for (uint32_t i = 0; heads != NULL && iov != NULL && i < count; i++) {
		const struct control_list *list = &control->lists[i];
		uint32_t fill = (4 - list->size % 4) % 4;

		heads[i] = (struct control_node){.nodeid = list->nodeid, .size = list->size + fill};
		iov[3 * i] = (struct iovec){&heads[i], sizeof(heads[i])};
		iov[3 * i + 1] = (struct iovec){list->text, list->size};
		iov[3 * i + 2] = (struct iovec){(void *)(uintptr_t)zeros, fill};
	}
	int rc = heads == NULL || iov == NULL
			 ? -ENOMEM
			 : control->host->reply(client, CONTROL_RES_PLUGIN_NODES, CONTROL_CS_OK, iov, 3 * count);
	free(heads);
	free(iov);
	return rc == -ENOMEM ? rc : COTERIE_REPLIED;
}

int control_nodes_init(struct control *control)
{
	int rc = control->host->map_track(control->ctx, COTERIE_MAP_STATS, PREFIX,
		COTERIE_MAP_PREFIX | COTERIE_MAP_ADDED | COTERIE_MAP_DELETED, on_key, control, &control->tracker);

	return rc;
}

void control_nodes_fini(struct control *control)
{
	control->host->timer_del(control->ctx, control->tell_timer);
	control->host->map_untrack(control->ctx, control->tracker);
	for (uint32_t i = 0; i < control->list_count; i++)
		free(control->lists[i].text);
	free(control->lists);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replaces a service by its new file. All steps are in one turn of the loop, so that no message of the ring and no
 * request of a client comes between them: init of the new plugin while the old one is in service; state_save; the new
 * plugin gets place, clients and counters; state_load; fini of the old plugin. If a step up to state_load fails, all
 * earlier steps are undone.
 */
#include "exec/life/plugin_life_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/ipc/ipc_server.h"
#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/plugin/plugin_watch.h"

#define BLOB_MAGIC 0x43745374u

/* Header in front of a plugin's state, so that no other plugin gets the state. It exists only in memory. */
struct blob {
	uint32_t magic;
	uint32_t size;                 /* of bytes */
	uint16_t abi_major, abi_minor; /* ABI version of the plugin that saved the state */
	uint32_t pad;
	char name[64];
	void *bytes; /* allocated by the plugin with malloc. May be NULL if size is 0 */
};

static int refuse(struct plugin_error *error, int rc, const char *text)
{
	snprintf(error->text, sizeof(error->text), "%s (%s)", text, strerror(-rc));
	error->rc = rc;
	return rc;
}

static int save(struct plugin *old, struct blob *blob, struct plugin_error *error)
{
	*blob = (struct blob){
		.magic = BLOB_MAGIC, .abi_major = old->descriptor->abi_major, .abi_minor = old->descriptor->abi_minor};
	snprintf(blob->name, sizeof(blob->name), "%s", old->name);
	if ((old->descriptor->offers & COTERIE_CAN_HAND_OVER) == 0) {
		snprintf(error->text, sizeof(error->text),
			"the plugin that runs cannot hand its state over: with force the new one starts cold");
		return error->rc = -ENOTSUP;
	}
	if (old->service.state_save == NULL)
		return 0; /* the plugin has no state */
	struct plugin_call call;

	plugin_enter(&call, old, "state_save");
	int rc = old->service.state_save(old->self, &blob->bytes, &blob->size);
	plugin_leave(&call);
	return rc < 0 ? refuse(error, rc, "the plugin that runs does not hand its state over") : 0;
}

static int load(struct plugin *successor, const struct blob *blob, struct plugin_error *error)
{
	if (successor->service.state_load == NULL && blob->size == 0 &&
		(successor->descriptor->offers & COTERIE_CAN_HAND_OVER) != 0)
		return 0;
	if (successor->service.state_load == NULL || (successor->descriptor->offers & COTERIE_CAN_HAND_OVER) == 0) {
		snprintf(error->text, sizeof(error->text),
			"the new plugin cannot take over a state: with force it starts cold");
		return error->rc = -ENOTSUP;
	}
	if (blob->magic != BLOB_MAGIC || strcmp(blob->name, successor->name) != 0 ||
		blob->abi_major != successor->descriptor->abi_major)
		return refuse(error, -ENOTSUP, "the state is of another plugin");
	struct plugin_call call;

	plugin_enter(&call, successor, "state_load");
	int rc = successor->service.state_load(successor->self, blob->bytes, blob->size);
	plugin_leave(&call);
	return rc < 0 ? refuse(error, rc, "the new plugin does not take the state of the old one") : 0;
}

/* Add the counters of ring messages that both plugins have. state_load of the successor may have sent some already. */
static void add_counters(struct plugin *successor, const struct plugin *old)
{
	uint32_t count = successor->service.ring_msg_count < old->service.ring_msg_count
				 ? successor->service.ring_msg_count
				 : old->service.ring_msg_count;

	for (uint32_t i = 0; i < count; i++) {
		successor->rx[i] += old->rx[i];
		successor->tx[i] += old->tx[i];
	}
}

/*
 * Pass state, clients and place to the successor. @return 0: the successor has them all; otherwise nothing has changed,
 * and the successor has ended
 */
static int hand_over(const struct plugin_life_parts *parts, struct plugin *old, struct plugin *successor,
	uint32_t *size, struct plugin_error *error)
{
	struct ipc_handover *clients = NULL;
	enum plugin_state state = old->state;
	struct blob blob = {.bytes = NULL};

	parts->plugins->parts.host->catch_up(old);
	int rc = save(old, &blob, error);
	if (rc < 0)
		goto retire;
	if (old->ipc != NULL && (clients = ipc_server_take(old->ipc, successor)) == NULL) {
		rc = refuse(error, -ENOMEM, "its clients cannot go over");
		goto retire;
	}
	plugin_succeed(parts->plugins, successor, old);
	successor->state = state;
	successor->is_taking_over = true;
	rc = load(successor, &blob, error);
	if (rc < 0) {
		plugin_retreat(parts->plugins, successor, old);
		successor->state = PLUGIN_READY;
		goto retire;
	}
	*size = blob.size;
	parts->conceal(parts->arg, old);
	add_counters(successor, old);
	plugin_retire(parts->plugins, old);
	ipc_server_keep(clients);
	ipc_handover_free(clients);
	parts->plugins->parts.host->settle(successor);
	parts->show(parts->arg, successor);
	free(blob.bytes);
	return 0;
retire:
	ipc_server_undo(clients);
	plugin_retire(parts->plugins, successor);
	ipc_handover_free(clients);
	free(blob.bytes);
	return rc;
}

/* Load the new file's plugin while the old one is in service, with the options of the old one. */
static struct plugin *load_beside(const struct plugin_life_parts *parts, struct plugin *old, const char *what,
	const struct plugin_source *source, struct plugin_error *error)
{
	struct plugin_overrides *overrides = NULL;

	if (old->overrides != NULL) {
		overrides = plugin_overrides_create((const char *const *)old->overrides->words, old->overrides->count);
		if (overrides == NULL) {
			refuse(error, -ENOMEM, "no memory for its options");
			return NULL;
		}
	}
	struct plugin *plugin = plugin_load_anew(parts->plugins, what, source, overrides, old, error);
	if (plugin == NULL)
		plugin_overrides_destroy(overrides);
	return plugin;
}

static const char *version_of(const struct plugin *plugin)
{
	return plugin->descriptor->version != NULL ? plugin->descriptor->version : "";
}

int plugin_replace_warm(const struct plugin_life_parts *parts, struct plugin *old, const char *what,
	const struct plugin_source *source, bool is_forced, struct plugin **successor, struct plugin_error *error)
{
	uint64_t began_ns = loop_now_ns(parts->loop);
	char version[64];
	uint32_t size = 0;

	error->rc = -EINVAL;
	struct plugin *plugin = load_beside(parts, old, what, source, error);
	if (plugin == NULL)
		return error->rc;
	snprintf(version, sizeof(version), "%s", version_of(old));
	int rc = hand_over(parts, old, plugin, &size, error);
	if (rc == 0) {
		log_line("SERV", LOG_NOTICE,
			"Service engine replaced: %s [%u], version %s by %s, %u bytes of state, in %ju us",
			plugin->service.title, plugin->service.ring_id, version, version_of(plugin), size,
			(uintmax_t)((loop_now_ns(parts->loop) - began_ns) / 1000));
		return 0;
	}
	if (!is_forced)
		return rc;
	log_line("SERV", LOG_NOTICE, "Plugin '%s' starts cold: %s", old->name, error->text);
	/* load the new file again: its first plugin may have loaded a part of the state */
	*successor = load_beside(parts, old, what, source, error);
	return *successor != NULL ? -EINPROGRESS : error->rc;
}

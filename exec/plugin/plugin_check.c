/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The refusal table of the plugin ABI: rules for a descriptor, which are checked before any code of the plugin runs.
 * The rules are checked in this order: those of every ABI, version numbers, tables of this ABI.
 */
#include "exec/plugin/plugin_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/model.h"

/* Sizes in ABI 1.0. They stay as they are when members are appended. */
#define SIZE_UP_TO(type, member) (offsetof(type, member) + sizeof(((type *)NULL)->member))
#define DESCRIPTOR_SIZE_MIN SIZE_UP_TO(struct coterie_plugin, ops)
#define SERVICE_SIZE_MIN SIZE_UP_TO(struct coterie_service, ring_msg_size)
#define TRANSPORT_SIZE_MIN SIZE_UP_TO(struct coterie_transport, stats)
#define OPTION_SIZE_MIN SIZE_UP_TO(struct coterie_option, help)
#define REQUEST_SIZE_MIN SIZE_UP_TO(struct coterie_request, handle)
#define RING_MSG_SIZE_MIN SIZE_UP_TO(struct coterie_ring_msg, deliver_parts)

#define RING_ID_MAX 62  /* 63 is the executive's own: exec/sync/round_message.h */
#define RING_ID_FREE 32 /* first ring id that Corosync does not use */
#define IPC_NAME_MAX 64
#define LOG_NAME_MAX 63
#define STRICT_MINOR 7
#define LEGACY_PARTS_MAX 8
#define LEGACY_LENGTH_MAX 200
#define COUNT_MAX 4096 /* largest number of entries of a table. More entries show an invalid table */

/* The plugin that is being checked, for the messages. */
struct candidate {
	const struct plugin_registry *registry;
	const struct plugin *predecessor; /* the plugin that it replaces, or NULL */
	const struct coterie_plugin *descriptor;
	const char *name; /* base name of the file */
	const char *path;
	struct plugin_error *error;
};

/* Refuse a descriptor that contradicts itself: its author must correct it. */
#define REFUSE(candidate, format, ...) \
	plugin_fail((candidate)->error, PLUGIN_EXIT_DESCRIPTOR, "plugin '%s' (%s) is refused: " format, \
		(candidate)->name, (candidate)->path, ##__VA_ARGS__)

static int refuse_owned(const struct candidate *candidate, const char *what, const struct plugin *owner)
{
	if (candidate->error != NULL)
		candidate->error->rc = -EEXIST;
	return REFUSE(
		candidate, "%s is in use by plugin '%s' (%s): load one of the two", what, owner->name, owner->path);
}

/* Return an element of a table. The plugin gives the size of its elements, which may be larger than here. */
static const void *element(const void *table, uint32_t stride, uint32_t index)
{
	return (const char *)table + (size_t)stride * index;
}

static int check_table(const struct candidate *candidate, const char *what, const void *table, uint32_t count,
	uint32_t stride, size_t stride_min)
{
	if (count == 0)
		return 0;
	if (table == NULL || count > COUNT_MAX)
		return REFUSE(candidate, "its table of %s has %u entries at %p: rebuild it", what, count, table);
	if (stride < stride_min || stride % sizeof(uint32_t) != 0)
		return REFUSE(candidate,
			"entries of its table of %s have %u bytes, at least %zu are needed: "
			"rebuild it",
			what, stride, stride_min);
	return 0;
}

static int check_requests(const struct candidate *candidate, const struct coterie_service *ops)
{
	int64_t last = -1;
	int rc = check_table(
		candidate, "requests", ops->requests, ops->request_count, ops->request_size, REQUEST_SIZE_MIN);

	for (uint32_t i = 0; rc == 0 && i < ops->request_count; i++) {
		const struct coterie_request *request = element(ops->requests, ops->request_size, i);

		if (request->handle == NULL)
			return REFUSE(candidate, "request %u has no handler", request->id);
		if (request->id <= last || request->id > INT32_MAX)
			return REFUSE(candidate, "request id %u does not follow %jd in ascending order", request->id,
				(intmax_t)last);
		last = request->id;
	}
	return rc;
}

static int check_ring_msgs(const struct candidate *candidate, const struct coterie_service *ops)
{
	int rc = check_table(
		candidate, "ring messages", ops->ring_msgs, ops->ring_msg_count, ops->ring_msg_size, RING_MSG_SIZE_MIN);

	if (rc == 0 && ops->ring_msg_count > UINT16_MAX)
		return REFUSE(candidate, "%u ring messages, the header holds 65535", ops->ring_msg_count);
	for (uint32_t i = 0; rc == 0 && i < ops->ring_msg_count; i++) {
		const struct coterie_ring_msg *msg = element(ops->ring_msgs, ops->ring_msg_size, i);

		if (msg->function != i)
			return REFUSE(candidate,
				"ring message %u stands at place %u: functions ascend from 0 "
				"without gaps",
				msg->function, i);
		if ((msg->deliver == NULL) == (msg->deliver_parts == NULL))
			return REFUSE(candidate, "ring message %u needs one of deliver and deliver_parts", i);
	}
	return rc;
}

/*
 * Return whether rules that began with ABI 1.7 hold. Plugins built for an older ABI are exempt, since older executives
 * accepted them.
 */
static bool is_strict(const struct candidate *candidate) { return candidate->descriptor->abi_minor >= STRICT_MINOR; }

/* Return whether a service has the ring id and the name of one of Corosync's services. */
static bool is_corosyncs(const char *name, uint32_t ring_id)
{
	const char *found = config_service_at(ring_id);

	return found != NULL && strcmp(found, name) == 0;
}

/* Return whether the text may be a part of names of sockets and files. */
static bool is_ipc_name(const char *name)
{
	size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");

	return length > 0 && length <= IPC_NAME_MAX && name[length] == '\0' && name[0] != '.';
}

static int check_service(const struct candidate *candidate)
{
	const struct coterie_service *ops = candidate->descriptor->ops;

	if (ops->size < SERVICE_SIZE_MIN)
		return REFUSE(candidate, "its table of operations has %u bytes, ABI 1.0 has %zu: truncated", ops->size,
			SERVICE_SIZE_MIN);
	if (ops->init == NULL || ops->fini == NULL)
		return REFUSE(candidate, "it has no %s", ops->init == NULL ? "init" : "fini");
	if (ops->ring_id > RING_ID_MAX)
		return REFUSE(candidate, "ring id %u: must be between 0 and %d", ops->ring_id, RING_ID_MAX);
	if (is_strict(candidate) && ops->ring_id < RING_ID_FREE && !is_corosyncs(candidate->name, ops->ring_id))
		return REFUSE(candidate,
			"ring id %u: below %d are Corosync's services: choose one from 38 to 53, as ring-ids.md says",
			ops->ring_id, RING_ID_FREE);
	if (is_strict(candidate) && ops->ipc_name != NULL && !is_ipc_name(ops->ipc_name))
		return REFUSE(candidate,
			"IPC name '%.64s': 1 to %d letters, digits, '_', '-' and '.', which is not the first",
			ops->ipc_name, IPC_NAME_MAX);
	int rc = check_requests(candidate, ops);
	if (rc == 0)
		rc = check_ring_msgs(candidate, ops);
	for (const struct plugin *other = plugin_first(candidate->registry); rc == 0 && other != NULL;
		other = other->next) {
		if (other->descriptor->kind != COTERIE_KIND_SERVICE || other == candidate->predecessor)
			continue;
		if (other->service.ring_id == ops->ring_id) {
			char what[32];

			snprintf(what, sizeof(what), "ring id %u", ops->ring_id);
			return refuse_owned(candidate, what, other);
		}
		if (ops->ipc_name != NULL && other->service.ipc_name != NULL &&
			strcmp(ops->ipc_name, other->service.ipc_name) == 0)
			return refuse_owned(candidate, "its IPC name", other);
	}
	return rc;
}

static int check_transport(const struct candidate *candidate)
{
	const struct coterie_transport *ops = candidate->descriptor->ops;

	if (ops->size < TRANSPORT_SIZE_MIN)
		return REFUSE(candidate, "its table of operations has %u bytes, ABI 1.0 has %zu: truncated", ops->size,
			TRANSPORT_SIZE_MIN);
	if (ops->open == NULL || ops->close == NULL || ops->link_up == NULL || ops->peer_add == NULL ||
		ops->peer_del == NULL || ops->multicast == NULL || ops->token == NULL)
		return REFUSE(candidate, "one of open, close, link_up, peer_add, peer_del, multicast, token "
					 "is missing");
	if (ops->links_max == 0)
		return REFUSE(candidate, "links_max is 0");
	return 0;
}

static bool is_legacy_name(const char *name)
{
	static const char *const taken[] = {"runtime.", "coterie.", "nodelist.", "logging.", "uidgid.", "service.",
		"transport.", "totem.interface."};
	uint32_t parts = 1;

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strncmp(name, taken[i], strlen(taken[i])) == 0)
			return false;
	for (const char *at = name; *at != '\0'; at++) {
		bool is_dot = *at == '.';

		if (is_dot && (at == name || at[-1] == '.'))
			return false;
		parts += is_dot;
	}
	return parts >= 2 && parts <= LEGACY_PARTS_MAX && strlen(name) <= LEGACY_LENGTH_MAX &&
	       name[strlen(name) - 1] != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") == strlen(name) && strcmp(name, "totem.key") != 0;
}

/* Check members of ABI 1.9. They are missing in the shorter element of an older ABI. */
static int check_legacy(const struct candidate *candidate, uint32_t index)
{
	const struct coterie_plugin *descriptor = candidate->descriptor;
	struct coterie_option option = option_copy(descriptor->options, descriptor->option_size, index);

	if (option.legacy == NULL)
		return 0;
	if (!is_legacy_name(option.legacy))
		return REFUSE(candidate,
			"option '%s' has the legacy name '%.64s', which plugin.h does not allow: choose another",
			option.name, option.legacy);
	if ((option.flags & COTERIE_OPT_SECRET) != 0)
		return REFUSE(
			candidate, "option '%s' is secret and has a legacy name, whose key would show it", option.name);
	return 0;
}

static int check_options(const struct candidate *candidate)
{
	const struct coterie_plugin *descriptor = candidate->descriptor;
	int rc = check_table(candidate, "options", descriptor->options, descriptor->option_count,
		descriptor->option_size, OPTION_SIZE_MIN);

	for (uint32_t i = 0; rc == 0 && i < descriptor->option_count; i++) {
		const struct coterie_option *option = element(descriptor->options, descriptor->option_size, i);

		if (option->name == NULL || !plugin_name_is_valid(option->name))
			return REFUSE(candidate, "option %u has no valid name", i);
		if (option->type < COTERIE_OPT_BOOL || option->type > COTERIE_OPT_LIST)
			return REFUSE(candidate, "option '%s' has the unknown type %u", option->name, option->type);
		if (option->type == COTERIE_OPT_ENUM && option->choices == NULL)
			return REFUSE(candidate, "option '%s' has no choices", option->name);
		if (check_legacy(candidate, i) < 0)
			return -EINVAL;
		if (!is_strict(candidate))
			continue;
		if (strcmp(option->name, "enabled") == 0 || strcmp(option->name, "name") == 0)
			return REFUSE(candidate,
				"option '%s' has a name that the config file uses itself: choose another",
				option->name);
		for (uint32_t other = 0; other < i; other++)
			if (strcmp(((const struct coterie_option *)element(
					    descriptor->options, descriptor->option_size, other))
					    ->name,
				    option->name) == 0)
				return REFUSE(candidate, "option '%s' is there twice", option->name);
	}
	return rc;
}

/* Names of the abilities (COTERIE_CAP_*) by bit, for the text of a refusal. */
static const char *const capability_names[] = {"ring messages", "clients", "synchronisation", "the configuration map",
	"frames", "statistics", "quorum", "administration", "keys", "the life of plugins", "fast channels",
	"rights of clients", "the place in the order", "calls of writable", "answers that come later",
	"state files beside the loop", "metrics", "calls to other services"};

static int check_needs(const struct candidate *candidate)
{
	uint64_t missing = candidate->descriptor->needs & ~PLUGIN_HOST_CAPS;
	char text[160];
	size_t length = 0;

	for (unsigned int bit = 0; bit < 64 && length < sizeof(text); bit++) {
		if ((missing >> bit & 1) == 0)
			continue;
		const char *separator = length > 0 ? ", " : "";
		if (bit < sizeof(capability_names) / sizeof(capability_names[0]))
			length += (size_t)snprintf(
				text + length, sizeof(text) - length, "%s%s", separator, capability_names[bit]);
		else
			length += (size_t)snprintf(
				text + length, sizeof(text) - length, "%scapability bit %u", separator, bit);
	}
	if (missing == 0)
		return 0;
	return plugin_fail(candidate->error, PLUGIN_EXIT_ABI,
		"plugin '%s' (%s) needs what this executive does not offer (%s): upgrade coterie", candidate->name,
		candidate->path, text);
}

/* Check the members that every ABI has at the same place: magic, version numbers, size and kind. */
static int check_head(const struct candidate *candidate, uint32_t kind)
{
	const struct coterie_plugin *descriptor = candidate->descriptor;

	if (descriptor->magic != COTERIE_PLUGIN_MAGIC)
		return plugin_fail(candidate->error, PLUGIN_EXIT_DESCRIPTOR,
			"'%s' is not a Coterie plugin (symbol coterie_plugin starts with 0x%08x, "
			"not 0x%08x): "
			"remove it from the plugin path",
			candidate->path, descriptor->magic, COTERIE_PLUGIN_MAGIC);
	if (descriptor->abi_major != COTERIE_ABI_MAJOR)
		return plugin_fail(candidate->error, PLUGIN_EXIT_ABI,
			"plugin '%s' (%s) needs plugin ABI %u.%u, this is %d.%d: %s", candidate->name, candidate->path,
			descriptor->abi_major, descriptor->abi_minor, COTERIE_ABI_MAJOR, COTERIE_ABI_MINOR,
			descriptor->abi_major > COTERIE_ABI_MAJOR ? "upgrade coterie or install an older plugin"
								  : "install a newer plugin");
	if (descriptor->size < DESCRIPTOR_SIZE_MIN)
		return REFUSE(candidate, "its descriptor has %u bytes, ABI 1.0 has %zu: truncated", descriptor->size,
			DESCRIPTOR_SIZE_MIN);
	if (descriptor->kind < COTERIE_KIND_TRANSPORT || descriptor->kind > COTERIE_KIND_EXTENSION)
		return REFUSE(candidate, "kind %u is unknown", descriptor->kind);
	if (kind != 0 && descriptor->kind != kind)
		return REFUSE(candidate, "it is of kind %s, not %s: name it in the right place of the config file",
			plugin_kind_name(descriptor->kind), plugin_kind_name(kind));
	return 0;
}

static int check_name(const struct candidate *candidate)
{
	const char *name = candidate->descriptor->name;

	if (name == NULL || strcmp(name, candidate->name) != 0)
		return REFUSE(candidate, "its descriptor says '%.64s': the file must be named like the plugin",
			name != NULL ? name : "(none)");
	const struct plugin *owner = plugin_by_name(candidate->registry, name);
	if (owner != NULL && owner != candidate->predecessor)
		return refuse_owned(candidate, "its name", owner);
	return 0;
}

static int check_log_name(const struct candidate *candidate)
{
	const struct coterie_plugin *descriptor = candidate->descriptor;

	if (!COTERIE_HAS(descriptor, log_name))
		return 0;
	size_t length = strspn(descriptor->log_name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	if (length == 0 || length > LOG_NAME_MAX || descriptor->log_name[length] != '\0')
		return REFUSE(candidate, "its name in the log is '%.64s': 1 to %d of A-Z, 0-9 and '_'",
			descriptor->log_name, LOG_NAME_MAX);
	return 0;
}

static bool is_same_text(const char *a, const char *b) { return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0; }

/* Check that clients and other nodes find in a successor what they know of the old one: ring id, IPC name, sync_step. */
static int check_place(const struct candidate *candidate)
{
	const struct coterie_service *ops = candidate->descriptor->ops;
	const struct plugin *predecessor = candidate->predecessor;

	if (ops->ring_id != predecessor->service.ring_id)
		return REFUSE(candidate, "ring id %u instead of %u: unload the old one first", ops->ring_id,
			predecessor->service.ring_id);
	if (!is_same_text(ops->ipc_name, predecessor->service.ipc_name))
		return REFUSE(candidate, "IPC name '%s' instead of '%s': unload the old one first",
			ops->ipc_name != NULL ? ops->ipc_name : "",
			predecessor->service.ipc_name != NULL ? predecessor->service.ipc_name : "");
	/* The IPC name was not opened for a plugin without requests, and a replacement passes on what is open. */
	if (ops->request_count > 0 && ops->ipc_name != NULL && predecessor->service.request_count == 0)
		return REFUSE(candidate, "it has requests of clients, the old one has none: unload the old one first");
	/*
	 * The other nodes know from BUILD, JOIN and PART which members synchronise the service, and a replacement sends
	 * none of them. A node could begin with an empty state while they count on it.
	 */
	bool has_step = COTERIE_HAS(ops, sync_step), had_step = predecessor->service.sync_step != NULL;
	if (has_step != had_step)
		return REFUSE(candidate, "it has %s sync_step, the old one has %s: unload the old one first",
			has_step ? "a" : "no", had_step ? "one" : "none");
	/* The last verdict of the old one would stay in force for ever. */
	if ((predecessor->descriptor->offers & COTERIE_CAN_QUORUM) != 0 &&
		(candidate->descriptor->offers & COTERIE_CAN_QUORUM) == 0)
		return REFUSE(candidate, "it cannot provide quorum, which the old one does");
	return 0;
}

static int check(const struct candidate *candidate, uint32_t kind)
{
	const struct coterie_plugin *descriptor = candidate->descriptor;
	int rc = check_head(candidate, kind);

	if (rc == 0)
		rc = check_name(candidate);
	if (rc == 0)
		rc = check_needs(candidate);
	if (rc == 0)
		rc = check_log_name(candidate);
	if (rc == 0)
		rc = check_options(candidate);
	if (rc == 0 && descriptor->ops == NULL)
		rc = REFUSE(candidate, "it has no table of operations");
	if (rc == 0 && descriptor->kind == COTERIE_KIND_SERVICE)
		rc = check_service(candidate);
	if (rc == 0 && descriptor->kind == COTERIE_KIND_TRANSPORT)
		rc = check_transport(candidate);
	return rc;
}

int plugin_check(const struct plugin_registry *registry, const struct coterie_plugin *descriptor, uint32_t kind,
	const char *file_name, const char *path, struct plugin_error *error)
{
	const struct candidate candidate = {registry, NULL, descriptor, file_name, path, error};

	return check(&candidate, kind);
}

int plugin_check_successor(const struct plugin_registry *registry, const struct plugin *predecessor,
	const struct coterie_plugin *descriptor, const char *file_name, const char *path, struct plugin_error *error)
{
	const struct candidate candidate = {registry, predecessor, descriptor, file_name, path, error};
	int rc = check(&candidate, COTERIE_KIND_SERVICE);

	return rc == 0 ? check_place(&candidate) : rc;
}

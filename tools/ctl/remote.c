/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/ctl/remote.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctl/control.h"
#include "tools/ctl/progress.h"

/* The keys that one request has returned. */
struct part {
	enum control_map map;
	char prefix[CONTROL_PREFIX_SIZE];
	struct control_keys keys;
	struct remote_key *list; /* in ascending order of names, as in a map */
	size_t count;
	struct part *next;
};

struct remote {
	uint32_t nodeid;
	bool is_quorate;
	struct part *parts;
	struct ctl_error error; /* code 0: no error */
};

/* --- requests --- */

/* Read three texts for each key: name, type, value. @return false: the data is malformed, or there is no memory */
static bool read_texts(struct part *part)
{
	const char *at = part->keys.text, *end = at + part->keys.size;
	size_t texts = 0;

	for (const char *text = at; text < end; text += strlen(text) + 1)
		texts++;
	part->count = texts / 3;
	part->list = calloc(part->count + 1, sizeof(*part->list));
	if (part->list == NULL || texts % 3 != 0)
		return false;
	for (size_t i = 0; i < part->count; i++) {
		struct remote_key *key = &part->list[i];

		key->name = at;
		key->type = key->name + strlen(key->name) + 1;
		key->value = key->type + strlen(key->type) + 1;
		at = key->value + strlen(key->value) + 1;
	}
	return true;
}

static void part_free(struct part *part)
{
	free(part->list);
	free(part->keys.bytes);
	free(part);
}

/* Keep the first error, since later ones follow from it. */
static void keep_error(struct ctl *ctl)
{
	if (ctl->remote->error.code == 0)
		ctl->remote->error = ctl->error;
	memset(&ctl->error, 0, sizeof(ctl->error));
}

static struct part *ask(struct ctl *ctl, enum control_map map, const char *prefix)
{
	struct part *part = calloc(1, sizeof(*part));
	char what[32];

	snprintf(what, sizeof(what), "node %" PRIu32, ctl->remote->nodeid);
	struct progress *progress = progress_begin(ctl, what);
	int code = part != NULL ? control_ask_keys(ctl, ctl->remote->nodeid, map, prefix, &part->keys)
				: ctl_fail(ctl, CTL_FAILED, "", "out of memory");

	progress_end(progress);
	if (code == 0 && !read_texts(part))
		code = ctl_fail(ctl, CTL_FAILED, "is it of the same release?",
			"the answer of node %" PRIu32 " is malformed", ctl->remote->nodeid);
	if (code == 0 && (part->keys.flags & CONTROL_KEYS_CUT) != 0)
		code = ctl_fail(ctl, CTL_FAILED, "ask for fewer keys, by a longer prefix",
			"node %" PRIu32 " has more keys than one answer holds", ctl->remote->nodeid);
	if (code != 0) {
		keep_error(ctl);
		if (part != NULL)
			part_free(part);
		return NULL;
	}
	part->map = map;
	snprintf(part->prefix, sizeof(part->prefix), "%s", prefix);
	part->next = ctl->remote->parts;
	ctl->remote->parts = part;
	ctl->remote->is_quorate = (part->keys.flags & CONTROL_KEYS_QUORATE) != 0;
	return part;
}

/*
 * Return the keys of the request for this prefix. Send the request if there is none yet. After an error no more
 * requests are sent.
 */
static struct part *part_for(struct ctl *ctl, enum control_map map, const char *prefix)
{
	for (struct part *part = ctl->remote->parts; part != NULL; part = part->next)
		if (part->map == map && strncmp(prefix, part->prefix, strlen(part->prefix)) == 0)
			return part;
	return ctl->remote->error.code == 0 ? ask(ctl, map, prefix) : NULL;
}

/*
 * Get the section of a key: "totem.", "stats.srp.", "runtime.members.". The whole section is requested, since its other
 * keys are usually needed soon.
 */
static void section_of(const char *name, char section[CONTROL_PREFIX_SIZE])
{
	size_t length = strcspn(name, ".");

	if (strncmp(name, "stats.", 6) == 0 || strncmp(name, "runtime.", 8) == 0)
		length += 1 + strcspn(name + length + 1, ".");
	length += name[length] == '.';
	snprintf(section, CONTROL_PREFIX_SIZE, "%.*s", (int)length, name);
}

/* --- answers --- */

const struct remote_key *remote_find(struct ctl *ctl, enum control_map map, const char *name)
{
	char section[CONTROL_PREFIX_SIZE] = "";

	if (map != CONTROL_MAP_PEERS)
		section_of(name, section);
	struct part *part = part_for(ctl, map, section);

	for (size_t i = 0; part != NULL && i < part->count; i++)
		if (strcmp(part->list[i].name, name) == 0)
			return &part->list[i];
	return NULL;
}

void remote_each(
	struct ctl *ctl, enum control_map map, const char *prefix, bool (*each)(void *arg, const char *key), void *arg)
{
	struct part *part = part_for(ctl, map, prefix);

	for (size_t i = 0; part != NULL && i < part->count; i++)
		if (strncmp(part->list[i].name, prefix, strlen(prefix)) == 0 && !each(arg, part->list[i].name))
			break;
}

struct json_object *remote_value(const struct remote_key *key)
{
	if (strcmp(key->type, "u64") == 0)
		return json_object_new_uint64(strtoull(key->value, NULL, 10));
	if (key->type[0] == 'i' || key->type[0] == 'u')
		return json_object_new_int64(strtoll(key->value, NULL, 10));
	if (strcmp(key->type, "flt") == 0 || strcmp(key->type, "dbl") == 0)
		return answers_real(strtod(key->value, NULL));
	return answers_text_value(key->value);
}

static const char *peer_text(struct ctl *ctl, uint32_t nodeid, const char *field)
{
	char name[64];

	snprintf(name, sizeof(name), "%" PRIu32 ".%s", nodeid, field);
	const struct remote_key *key = remote_find(ctl, CONTROL_MAP_PEERS, name);

	return key != NULL ? key->value : NULL;
}

static const char *link_text(struct ctl *ctl, uint32_t nodeid, int link, const char *field)
{
	char name[32];

	snprintf(name, sizeof(name), "link%d.%s", link, field);
	const char *text = peer_text(ctl, nodeid, name);

	return text != NULL ? text : "";
}

bool remote_status(struct ctl *ctl, uint32_t nodeid, struct corosync_cfg_node_status_v1 *status)
{
	const char *reachable = peer_text(ctl, nodeid, "reachable");

	if (reachable == NULL)
		return false;
	status->nodeid = nodeid;
	status->reachable = strcmp(reachable, "1") == 0;
	for (int i = 0; i < CFG_MAX_LINKS; i++) {
		struct corosync_knet_link_status_v1 *link = &status->link_status[i];

		link->enabled = strcmp(link_text(ctl, nodeid, i, "enabled"), "1") == 0;
		if (!link->enabled)
			continue;
		link->connected = strcmp(link_text(ctl, nodeid, i, "connected"), "1") == 0;
		link->mtu = (unsigned int)strtoul(link_text(ctl, nodeid, i, "mtu"), NULL, 10);
		snprintf(link->src_ipaddr, sizeof(link->src_ipaddr), "%s", link_text(ctl, nodeid, i, "source"));
		snprintf(link->dst_ipaddr, sizeof(link->dst_ipaddr), "%s", link_text(ctl, nodeid, i, "destination"));
	}
	return true;
}

/* --- opening and closing --- */

uint32_t remote_nodeid(const struct remote *remote) { return remote->nodeid; }

bool remote_is_quorate(const struct remote *remote) { return remote->is_quorate; }

int remote_error(struct ctl *ctl)
{
	if (ctl->remote == NULL || ctl->remote->error.code == 0)
		return 0;
	ctl->error = ctl->remote->error;
	return ctl->error.code;
}

int remote_open(struct ctl *ctl, uint32_t nodeid)
{
	struct remote *remote = calloc(1, sizeof(*remote));

	if (remote == NULL)
		return ctl_fail(ctl, CTL_FAILED, "", "out of memory");
	remote->nodeid = nodeid;
	ctl->remote = remote;
	if (ask(ctl, CONTROL_MAP_CONFIG, "nodelist.") != NULL)
		return 0;
	int code = remote_error(ctl);
	remote_close(ctl);
	return code;
}

void remote_close(struct ctl *ctl)
{
	while (ctl->remote != NULL && ctl->remote->parts != NULL) {
		struct part *part = ctl->remote->parts;

		ctl->remote->parts = part->next;
		part_free(part);
	}
	free(ctl->remote);
	ctl->remote = NULL;
}

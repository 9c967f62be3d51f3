/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/ctl/origin.h"

#include <string.h>

#include "common/fixed_keys.h"

#define COMPUTED "runtime.config." /* prefix of the keys that are computed from a section, defaults included */

static bool begins(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

/* --- how a key can be changed --- */

/*
 * Return whether the key is an address of this node. Without a nodelist the daemon compares addresses in the section of
 * link 0.
 */
static bool is_own_address(const char *key)
{
	const char *name = fixed_link_name(key);

	return name != NULL && strcmp(name, "bindnetaddr") == 0;
}

/*
 * Return whether the key belongs to encryption, and the transport can change it while it runs. udp and udpu have other
 * keys than knet.
 */
static bool can_rekey(const char *key, const char *transport)
{
	if (strcmp(transport, "udp") == 0 || strcmp(transport, "udpu") == 0)
		return strcmp(key, "totem.encryption") == 0 || strcmp(key, "totem.keyfile") == 0 ||
		       strcmp(key, "totem.key") == 0;
	return strcmp(transport, "knet") == 0;
}

const char *origin_changeable(const char *key, const char *transport)
{
	static const char *const from_file[] = {
		"totem.", "logging.", "nodelist.", "quorum.", "uidgid.", "resources.", "coterie.totem."};

	if (begins(key, COMPUTED))
		key += strlen(COMPUTED);
	if (fixed_is_key(key, can_rekey(key, transport)) || is_own_address(key))
		return "restart";
	for (size_t i = 0; i < sizeof(from_file) / sizeof(from_file[0]); i++)
		if (begins(key, from_file[i]))
			return "reload";
	return begins(key, "runtime.") || begins(key, "internal_configuration.") || begins(key, "stats.") ? "never"
													  : "runtime";
}

/* --- the origin of a key --- */

const char *origin_of_daemon(const char *key)
{
	if (begins(key, COMPUTED))
		return "computed";
	if (begins(key, "runtime.") || begins(key, "internal_configuration.") || begins(key, "config.") ||
		begins(key, "resources.") || begins(key, "stats."))
		return "runtime";
	return NULL;
}

const struct daemon_key *origin_find(const struct daemon_keys *file, const char *key)
{
	for (size_t i = 0; file != NULL && i < file->count; i++)
		if (strcmp(file->list[i].key, key) == 0)
			return &file->list[i];
	return NULL;
}

/* Return whether a timer is computed from others if the file does not set it: book configuration, "Timers". */
static bool is_calculated(const char *name)
{
	static const char *const names[] = {
		"totem.token", "totem.token_retransmit", "totem.hold", "totem.consensus", "totem.silence"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return begins(name, "totem.interface.");
}

/*
 * Return whether a key that no line sets is a default: coterie.conf encrypts a ring by default. All other keys without
 * a line are computed from other keys.
 */
static bool is_default(const char *key)
{
	return strcmp(key, "totem.encryption") == 0 || strcmp(key, "totem.crypto_cipher") == 0 ||
	       strcmp(key, "totem.crypto_hash") == 0;
}

static void put_place(struct json_object *row, const struct daemon_key *written, const char *main_file)
{
	put_text(row, "source", written->line > 0 ? "file" : is_default(written->key) ? "default" : "computed");
	if (written->line > 0)
		put_number(row, "line", written->line);
	if (written->line > 0 && written->file != NULL && (main_file == NULL || strcmp(written->file, main_file) != 0))
		put_text(row, "file", written->file);
}

static bool is_same(struct json_object *row, const struct daemon_key *written)
{
	struct json_object *value = get(row, "value");

	return written != NULL && value != NULL && strcmp(json_object_get_string(value), written->value) == 0;
}

void origin_put_given(struct json_object *row)
{
	put_text(row, "source", "plugin load");
	put_text(row, "changeable", "never"); /* while this plugin is loaded, its options do not change */
}

void origin_put(struct json_object *row, const char *key, const struct daemon_keys *file, const char *main_file,
	const char *transport)
{
	bool is_computed = begins(key, COMPUTED);
	const struct daemon_key *written = origin_find(file, is_computed ? key + strlen(COMPUTED) : key);

	if (is_same(row, written))
		put_place(row, written, main_file);
	else if (is_computed && file != NULL && written == NULL && !is_calculated(key + strlen(COMPUTED)))
		put_text(row, "source", "default");
	else if (origin_of_daemon(key) != NULL)
		put_text(row, "source", origin_of_daemon(key));
	else if (file != NULL)
		put_text(row, "source", "runtime"); /* the key was set later, or the file has changed since it was
						     * read */
	put_text(row, "changeable", origin_changeable(key, transport));
}

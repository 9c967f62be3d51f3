/* SPDX-License-Identifier: BSD-3-Clause */
/* `key status`: show the key that encrypts the ring, and the nodes that have another key. */
#include "tools/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * Parse "aes256-gcm 1a2b -> none 0000", the text of the transports udp and udpu. The second half exists only while keys
 * change.
 */
static void put_keys(struct ctl *ctl, struct json_object *data)
{
	char *text = fact_text(ctl, CTL_STATS, "stats.coterie.encryption");
	char cipher[32], id[8], next[32], next_id[8];
	int count = text == NULL ? 0 : sscanf(text, "%31s %7s -> %31s %7s", cipher, id, next, next_id);

	if (count >= 2) {
		put_text(data, "cipher", cipher);
		put_text(data, "key_id", strcmp(cipher, "none") == 0 ? NULL : id);
		put_bool(data, "changing", count == 4);
	}
	if (count == 4) {
		put_text(data, "next_cipher", next);
		put_text(data, "next_key_id", strcmp(next, "none") == 0 ? NULL : next_id);
	}
	free(text);
}

/* Add the encryption of the configuration: for knet and for a Corosync daemon nothing else is known. */
static void put_configured(struct ctl *ctl, struct json_object *data)
{
	char *secauth = fact_text(ctl, CTL_CONFIG, "totem.secauth");
	char *cipher = fact_text(ctl, CTL_CONFIG, "totem.crypto_cipher");
	char *encryption = fact_text(ctl, CTL_CONFIG, "totem.encryption");
	const char *word = secauth != NULL && strcmp(secauth, "on") == 0 ? "aes256" : "none";

	if (cipher != NULL)
		word = cipher;
	if (strcmp(word, "none") == 0 && encryption != NULL)
		word = encryption;
	put_text(data, "cipher", word);
	free(secauth);
	free(cipher);
	free(encryption);
}

/*
 * Find the node in stats.coterie.strangers (cmap_keys(7)), and get its word. @return false: no datagram of this node
 * was rejected
 */
static bool is_stranger(const char *strangers, int64_t id, char word[8])
{
	int64_t node;
	int length;

	for (const char *at = strangers; at != NULL && sscanf(at, "%" SCNd64 "-%7[a-z]%n", &node, word, &length) == 2;
		at += length)
		if (node == id)
			return true;
	return false;
}

/* Add a warning if a copied key file has no effect, since the daemon uses an older key in its state folder. */
static void put_files(struct ctl *ctl, struct json_object *data)
{
	char *file = fact_text(ctl, CTL_STATS, "stats.coterie.key_file");
	char *newer = fact_text(ctl, CTL_STATS, "stats.coterie.key_file_newer");

	if (file != NULL && file[0] != '\0')
		put_text(data, "key_file", file);
	if (newer != NULL && newer[0] != '\0')
		put_text(data, "newer_key_file", newer);
	free(file);
	free(newer);
}

static void put_nodes(struct ctl *ctl, bool is_encrypted, struct json_object *data)
{
	struct json_object *members = fact_members(ctl), *nodes = json_object_new_array();
	char *strangers = fact_text(ctl, CTL_STATS, "stats.coterie.strangers");

	for (size_t i = 0; i < json_object_array_length(members); i++) {
		struct json_object *member = json_object_array_get_idx(members, i), *node = json_object_new_object();
		bool is_joined = strcmp(get_text(member, "state"), "joined") == 0;
		char word[8];

		put_number(node, "id", get_number(member, "id"));
		put_text(node, "name", get_text(member, "name"));
		put_bool(node, "local", get_bool(member, "local"));
		/* A member has the ring's key, whatever other hosts send from its address. */
		if (is_joined)
			strcpy(word, is_encrypted ? "same" : "none");
		else if (!is_stranger(strangers, get_number(member, "id"), word))
			strcpy(word, "unknown");
		put_text(node, "key", word);
		json_object_array_add(nodes, node);
	}
	json_object_object_add(data, "nodes", nodes);
	json_object_put(members);
	free(strangers);
}

int key_status(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	if (argc > 0)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "key status takes no '%s'", argv[0]);
	int code = ctl_open(ctl, CTL_CONFIG);

	if (code != 0)
		return code;
	put_keys(ctl, data);
	if (get(data, "cipher") == NULL)
		put_configured(ctl, data);
	bool is_encrypted = strcmp(get_text(data, "cipher"), "none") != 0;

	put_bool(data, "encrypted", is_encrypted);
	put_files(ctl, data);
	put_nodes(ctl, is_encrypted, data);
	return CTL_GOOD;
}

static const char *words_of(const char *key)
{
	static const struct {
		const char *key, *text;
	} words[] = {
		{"same", "has the key of this node"},
		{"none", "sends in clear, as this node does"},
		{"key", "its datagrams do not authenticate: another key or cipher"},
		{"clear", "its datagrams are not encrypted"},
		{"sealed", "its datagrams are encrypted, and this node has no key"},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].key, key) == 0)
			return words[i].text;
	return "is not in the ring";
}

void key_status_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *nodes = get(data, "nodes");

	fprintf(ctl->out, "Cipher    %s\n", get_text(data, "cipher"));
	if (get(data, "key_id") != NULL)
		fprintf(ctl->out, "Key id    %s\n", get_text(data, "key_id"));
	if (get_bool(data, "changing"))
		fprintf(ctl->out, "Change    to %s%s%s: waiting for all nodes\n", get_text(data, "next_cipher"),
			get(data, "next_key_id") != NULL ? ", key id " : "", get_text(data, "next_key_id"));
	if (get(data, "key_file") != NULL)
		fprintf(ctl->out, "Key file  %s\n", get_text(data, "key_file"));
	if (get(data, "newer_key_file") != NULL)
		fprintf(ctl->out,
			"Warning   '%s' is newer, and hidden by that file: remove '%s' on all nodes to use the newer key, "
			"otherwise remove the newer file\n",
			get_text(data, "newer_key_file"), get_text(data, "key_file"));
	fprintf(ctl->out, "\n%10s  %-16s %s\n", "Node", "Name", "Key");
	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i);

		fprintf(ctl->out, "%10" PRIi64 "  %-16s %s%s\n", get_number(node, "id"), get_text(node, "name"),
			words_of(get_text(node, "key")), get_bool(node, "local") ? " (local)" : "");
	}
}

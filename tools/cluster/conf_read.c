/*
 * Read the facts about the cluster and its nodes from a coterie.conf.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/cluster/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	const struct conf_text *scanned;
	struct conf *conf;
	char *why;
	size_t size;
};

/* Read the plain value of an option, if it exists. */
static int read_text(struct reader *reader, size_t block, const char *option, char *text, size_t size)
{
	const struct conf_setting *setting = conf_find_setting(reader->scanned, block, option);

	if (block == SIZE_MAX || setting == NULL)
		return 0;
	if (conf_plain_value(reader->scanned, setting->value, text, size) == 0)
		return 0;
	snprintf(reader->why, reader->size, "option '%s' is not a plain value: write it without variables and escapes",
		option);
	return -EINVAL;
}

static int read_number(struct reader *reader, size_t block, const char *option, uint64_t *number)
{
	char text[32] = "", *end;
	int rc = read_text(reader, block, option, text, sizeof(text));

	if (rc < 0 || text[0] == '\0')
		return rc;
	errno = 0;
	*number = strtoull(text, &end, 10);
	if (errno == 0 && *end == '\0' && text[0] >= '0' && text[0] <= '9')
		return 0;
	snprintf(reader->why, reader->size, "option '%s' is no number: correct it", option);
	return -EINVAL;
}

static int read_yes(struct reader *reader, size_t block, const char *option, bool *is_yes)
{
	char text[32] = "";
	int rc = read_text(reader, block, option, text, sizeof(text));

	*is_yes = strcmp(text, "yes") == 0 || strcmp(text, "on") == 0 || strcmp(text, "true") == 0;
	return rc;
}

/* --- nodes --- */

static int add_address(struct reader *reader, struct words_node *node, struct conf_range value)
{
	if (node->address_count < WORDS_LINKS_MAX &&
		conf_plain_value(reader->scanned, value, node->addresses[node->address_count], WORDS_ADDRESS_MAX + 1) ==
			0) {
		if (words_is_harmless(node->addresses[node->address_count++]))
			return 0;
		snprintf(reader->why, reader->size,
			"node '%s' has a word that is no address: write an IP address or a host name", node->name);
		return -EINVAL;
	}
	snprintf(reader->why, reader->size,
		"the addresses of node '%s' are not plain: write {a, b}, at most %d, without variables", node->name,
		WORDS_LINKS_MAX);
	return -EINVAL;
}

/* Read the words and strings of a list, or a single value. */
static int read_addresses(struct reader *reader, struct words_node *node, struct conf_range value)
{
	const char *text = reader->scanned->text;
	size_t at = value.from;
	int rc = 0;

	if (text[at] != '{')
		return add_address(reader, node, value);
	at++;
	while (rc == 0) {
		at += strspn(text + at, " \t\r\n,");
		if (at >= value.to - 1)
			return 0;
		size_t length = text[at] == '"'    ? strcspn(text + at + 1, "\"") + 2
				: text[at] == '\'' ? strcspn(text + at + 1, "'") + 2
						   : strcspn(text + at, " \t\r\n,}");

		rc = add_address(reader, node, (struct conf_range){at, at + length});
		at += length;
	}
	return rc;
}

static int read_node(struct reader *reader, size_t block)
{
	const struct conf_block *found = &reader->scanned->blocks[block];
	struct conf *conf = reader->conf;
	struct conf_node *more = realloc(conf->nodes, (conf->node_count + 1) * sizeof(*more));
	uint64_t id = 0, votes = 1;

	if (more == NULL)
		return -ENOMEM;
	conf->nodes = more;
	struct conf_node *node = &more[conf->node_count];

	*node = (struct conf_node){.votes = 1};
	if (conf_plain_value(reader->scanned, found->title, node->node.name, sizeof(node->node.name)) < 0 ||
		!words_is_name(node->node.name)) {
		snprintf(reader->why, reader->size,
			"a node has a name that this command does not take: change the file by hand");
		return -EINVAL;
	}
	conf->node_count++;
	int rc = read_number(reader, block, "id", &id);

	if (rc == 0)
		rc = read_number(reader, block, "votes", &votes);
	if (rc == 0 && (id == 0 || id > UINT32_MAX || votes > 65535)) {
		snprintf(reader->why, reader->size, "node '%s' has no id, or no sensible one: write id = NUMBER",
			node->node.name);
		return -EINVAL;
	}
	node->node.id = (uint32_t)id;
	node->votes = (uint32_t)votes;
	const struct conf_setting *setting = conf_find_setting(reader->scanned, block, "address");

	return rc != 0 || setting == NULL ? rc : read_addresses(reader, &node->node, setting->value);
}

static int read_nodes(struct reader *reader)
{
	int rc = 0;

	for (size_t i = 0; i < reader->scanned->block_count && rc == 0; i++)
		if (conf_is(reader->scanned, reader->scanned->blocks[i].kind, "node"))
			rc = read_node(reader, i);
	if (rc != 0 || reader->conf->node_count > 0)
		return rc;
	snprintf(reader->why, reader->size,
		reader->scanned->has_includes
			? "the file has no block 'node' itself, but includes others: change them by hand"
			: "the file has no block 'node': this command changes coterie.conf(5), "
			  "'coterie --print-config' turns a corosync.conf into one");
	return -EINVAL;
}

/* Return the highest id of the present nodes and, from the comment, of removed nodes. */
static uint32_t highest_id(const char *text, const struct conf *conf)
{
	uint32_t highest = 0;

	for (const char *at = strstr(text, CONF_HIGHEST_ID); at != NULL; at = strstr(at + 1, CONF_HIGHEST_ID)) {
		unsigned long long id = strtoull(at + strlen(CONF_HIGHEST_ID), NULL, 10);

		if ((at == text || at[-1] == '\n') && id <= INT32_MAX && id > highest)
			highest = (uint32_t)id;
	}
	for (size_t i = 0; i < conf->node_count; i++)
		highest = conf->nodes[i].node.id > highest ? conf->nodes[i].node.id : highest;
	return highest;
}

/* --- other facts --- */

static int read_transport(struct reader *reader)
{
	struct conf *conf = reader->conf;
	size_t block = conf_find_block(reader->scanned, "transport", NULL);
	char encryption[32] = "", cipher[32] = "";

	snprintf(conf->transport, sizeof(conf->transport), "knet");
	conf->is_encrypted = true;
	if (block == SIZE_MAX)
		return 0;
	if (!conf_is(reader->scanned, reader->scanned->blocks[block].title, "default") &&
		conf_plain_value(reader->scanned, reader->scanned->blocks[block].title, conf->transport,
			sizeof(conf->transport)) < 0) {
		snprintf(reader->why, reader->size, "the name of the transport is not plain: change the file by hand");
		return -EINVAL;
	}
	int rc = read_text(reader, block, "key-file", conf->key_file, sizeof(conf->key_file));

	if (rc == 0)
		rc = read_text(reader, block, "encryption", encryption, sizeof(encryption));
	if (rc == 0)
		rc = read_text(reader, block, "cipher", cipher, sizeof(cipher));
	conf->is_encrypted = strcmp(encryption, "none") != 0 && strcmp(cipher, "none") != 0;
	return rc;
}

static int read_quorum(struct reader *reader)
{
	size_t block = conf_find_block(reader->scanned, "quorum", NULL);
	struct conf *conf = reader->conf;
	char breaker[64] = "";
	bool is_last_man = false;

	conf->has_device = reader->scanned->has_device;
	if (block == SIZE_MAX)
		return 0;
	conf->has_expected_votes = conf_find_setting(reader->scanned, block, "expected-votes") != NULL;
	int rc = read_yes(reader, block, "two-node", &conf->is_two_node);

	if (rc == 0)
		rc = read_yes(reader, block, "last-man-standing", &is_last_man);
	if (rc == 0)
		rc = read_text(reader, block, "auto-tie-breaker", breaker, sizeof(breaker));
	conf->has_tie_breaker = is_last_man || (breaker[0] != '\0' && strcmp(breaker, "no") != 0);
	return rc;
}

int conf_read(const char *text, struct conf *conf, char *why, size_t size)
{
	struct conf_text scanned;
	struct reader reader = {.scanned = &scanned, .conf = conf, .why = why, .size = size};

	*conf = (struct conf){.version = 0};
	int rc = strlen(text) > CONF_SIZE_MAX ? -EINVAL : 0;

	if (rc < 0) {
		snprintf(why, size, "the file is larger than 1 MiB");
		return rc;
	}
	rc = conf_scan(text, &scanned, why, size);
	size_t cluster = rc == 0 ? conf_find_block(&scanned, "cluster", NULL) : SIZE_MAX;

	if (rc == 0)
		rc = read_text(&reader, cluster, "name", conf->cluster, sizeof(conf->cluster));
	if (rc == 0)
		rc = read_number(&reader, cluster, "config-version", &conf->version);
	if (rc == 0)
		rc = read_transport(&reader);
	if (rc == 0)
		rc = read_quorum(&reader);
	if (rc == 0)
		rc = read_nodes(&reader);
	if (rc == 0)
		conf->highest_id = highest_id(text, conf);
	if (rc == -ENOMEM)
		snprintf(why, size, "out of memory");
	conf_text_fini(&scanned);
	return rc;
}

static void copy_path(const struct conf_text *scanned, size_t block, const char *option, char path[4096])
{
	const struct conf_setting *setting = block == SIZE_MAX ? NULL : conf_find_setting(scanned, block, option);

	if (setting != NULL && (conf_plain_value(scanned, setting->value, path, 4096) < 0 || path[0] != '/'))
		path[0] = '\0';
}

void conf_key_places(const char *text, const char *instance, char key_file[4096], char state_dir[4096])
{
	struct conf_text scanned;
	char why[256];

	key_file[0] = state_dir[0] = '\0';
	if (conf_scan(text, &scanned, why, sizeof(why)) == 0) {
		copy_path(&scanned, conf_find_block(&scanned, "transport", NULL), "key-file", key_file);
		copy_path(&scanned, conf_find_block(&scanned, "process", NULL), "state-dir", state_dir);
		if (instance != NULL)
			copy_path(&scanned, conf_find_block(&scanned, "instance", instance), "state-dir", state_dir);
	}
	conf_text_fini(&scanned);
}

void conf_fini(struct conf *conf)
{
	free(conf->nodes);
	conf->nodes = NULL;
	conf->node_count = 0;
}

/*
 * Parse the words that name nodes.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/cluster/words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/lookup.h"

/* These are used in place of <ctype.h>, which depends on the locale. */
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

bool words_is_name(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && length <= WORDS_NAME_MAX && strspn(text, LETTERS DIGITS "._-") == length &&
	       strspn(text, LETTERS DIGITS) > 0 && strspn(text, DIGITS) < length;
}

int words_family(const char *text)
{
	uint8_t bytes[16];

	return inet_pton(AF_INET, text, bytes) == 1 ? 4 : inet_pton(AF_INET6, text, bytes) == 1 ? 6 : 0;
}

bool words_is_address(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > WORDS_ADDRESS_MAX)
		return false;
	if (words_family(text) != 0)
		return true;
	/* A text of only digits and dots is no host name, but a wrong address. */
	return strspn(text, LETTERS DIGITS "-.") == length && strspn(text, LETTERS DIGITS) > 0 &&
	       strspn(text, DIGITS ".") < length;
}

bool words_is_harmless(const char *text)
{
	size_t length = 0;

	while (text[length] > ' ' && text[length] <= '~')
		length++;
	return length > 0 && text[length] == '\0' && text[0] != '-';
}

bool words_is_loopback(const char *text)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, text, &four) == 1)
		return (ntohl(four.s_addr) >> 24) == 127 || four.s_addr == 0;
	return inet_pton(AF_INET6, text, &six) == 1 && (IN6_IS_ADDR_LOOPBACK(&six) || IN6_IS_ADDR_UNSPECIFIED(&six));
}

static int read_addresses(char *list, struct words_node *node, char *why, size_t size)
{
	char *rest = list, *address;

	while ((address = strsep(&rest, ",")) != NULL) {
		if (!words_is_address(address)) {
			snprintf(why, size, "'%.100s' is no address: write an IP address or a host name", address);
			return -EINVAL;
		}
		if (node->address_count == WORDS_LINKS_MAX) {
			snprintf(why, size, "node '%s' has more than %d addresses: a ring has links 0 to 7", node->name,
				WORDS_LINKS_MAX);
			return -EINVAL;
		}
		snprintf(node->addresses[node->address_count++], WORDS_ADDRESS_MAX + 1, "%s", address);
	}
	return 0;
}

static int read_id(const char *text, struct words_node *node, char *why, size_t size)
{
	char *end;

	errno = 0;
	unsigned long long id = strtoull(text, &end, 10);

	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || id == 0 || id > INT32_MAX) {
		snprintf(why, size, "'%.40s' is no node id: write a number from 1 to %d", text, INT32_MAX);
		return -EINVAL;
	}
	node->id = (uint32_t)id;
	return 0;
}

int words_read_node(const char *word, struct words_node *node, char *why, size_t size)
{
	char *copy = strdup(word), *addresses, *id;
	int rc = copy == NULL ? -ENOMEM : 0;

	*node = (struct words_node){.id = 0};
	if (rc < 0) {
		snprintf(why, size, "out of memory");
		return rc;
	}
	addresses = strchr(copy, '=');
	if (addresses != NULL)
		*addresses++ = '\0';
	id = strchr(copy, ':');
	if (id != NULL)
		*id++ = '\0';
	if (!words_is_name(copy)) {
		snprintf(why, size,
			"'%.100s' is no name of a node: write 1 to %d letters, digits, '.', '_' and '-', with a letter among them and a "
			"letter or digit first",
			copy, WORDS_NAME_MAX);
		rc = -EINVAL;
	} else {
		snprintf(node->name, sizeof(node->name), "%s", copy);
		if (id != NULL)
			rc = read_id(id, node, why, size);
		if (rc == 0 && addresses != NULL)
			rc = read_addresses(addresses, node, why, size);
	}
	free(copy);
	return rc;
}

static bool has_id(const struct words_node *nodes, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (nodes[i].id == id)
			return true;
	return false;
}

static const char *common_address(const struct words_node *a, const struct words_node *b)
{
	for (size_t i = 0; i < a->address_count; i++)
		for (size_t k = 0; k < b->address_count; k++)
			if (strcmp(a->addresses[i], b->addresses[k]) == 0)
				return a->addresses[i];
	return NULL;
}

static int check_pair(const struct words_node *a, const struct words_node *b, char *why, size_t size)
{
	const char *address = common_address(a, b);

	if (strcmp(a->name, b->name) == 0)
		snprintf(why, size, "two nodes have the name '%s': give each a name of its own", a->name);
	else if (a->id != 0 && a->id == b->id)
		snprintf(why, size, "nodes '%s' and '%s' have the id %u: give each an id of its own", a->name, b->name,
			a->id);
	else if (address != NULL)
		snprintf(why, size, "nodes '%s' and '%s' have the address %.60s: give each addresses of its own",
			a->name, b->name, address);
	else
		return 0;
	return -EEXIST;
}

int words_number(struct words_node *nodes, size_t count, uint32_t highest, char *why, size_t size)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			if (check_pair(&nodes[k], &nodes[i], why, size) < 0)
				return -EEXIST;
	for (size_t i = 0; i < count; i++)
		highest = nodes[i].id > highest ? nodes[i].id : highest;
	for (size_t i = 0; i < count; i++) {
		if (nodes[i].id != 0)
			continue;
		uint32_t next = highest < INT32_MAX ? ++highest : 1;

		while (has_id(nodes, count, next))
			next++;
		nodes[i].id = next;
	}
	return 0;
}

int words_resolve(struct words_node *node, int64_t *left_ms, char *why, size_t size)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM}, *found = NULL;
	char text[INET6_ADDRSTRLEN], loopback[INET6_ADDRSTRLEN] = "";

	if (node->address_count > 0)
		return 0;
	int64_t begin_ms = lookup_now_ms();
	int rc = lookup_name(node->name, &hints, *left_ms, &found);

	*left_ms -= lookup_now_ms() - begin_ms;
	if (rc != 0) {
		snprintf(why, size, "host name '%s' cannot be resolved (%s): write %s=ADDRESS", node->name,
			rc == EAI_INPROGRESS ? "the resolver does not answer" : gai_strerror(rc), node->name);
		return -EINVAL;
	}
	for (int family = 4; family <= 6 && node->address_count == 0; family += 2) {
		for (const struct addrinfo *at = found; at != NULL && node->address_count == 0; at = at->ai_next) {
			if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) !=
					0 ||
				words_family(text) != family)
				continue;
			if (words_is_loopback(text))
				snprintf(loopback, sizeof(loopback), "%s", text);
			else
				snprintf(node->addresses[node->address_count++], WORDS_ADDRESS_MAX + 1, "%s", text);
		}
	}
	freeaddrinfo(found);
	if (node->address_count > 0)
		return 0;
	if (loopback[0] != '\0')
		snprintf(why, size, "host name '%s' is %s here, which other nodes cannot reach: write %s=ADDRESS",
			node->name, loopback, node->name);
	else
		snprintf(why, size, "host name '%s' has no address that can be used: write %s=ADDRESS", node->name,
			node->name);
	return -EINVAL;
}

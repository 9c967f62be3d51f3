/*
 * The words that name nodes on the command line. Parts of them are written into files and into the command line of a
 * remote shell, so their syntax is checked here.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_CLUSTER_WORDS_H
#define TOOLS_CLUSTER_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WORDS_NAME_MAX = 63,     /* characters of the name of a node or cluster */
	WORDS_ADDRESS_MAX = 253, /* characters of an address or host name */
	WORDS_LINKS_MAX = 8,     /* addresses of a node: links 0 to 7 */
	WORDS_NODES_MAX = 384,   /* nodes of a cluster: the limit of a ring */
};

struct words_node {
	char name[WORDS_NAME_MAX + 1];
	uint32_t id; /* 0: not given */
	char addresses[WORDS_LINKS_MAX][WORDS_ADDRESS_MAX + 1];
	size_t address_count; /* 0: the name is a host name that has to be resolved */
};

/**
 * Return whether a text may name a node or a cluster: 1 to 63 of a-z A-Z 0-9 . _ -, of which the first is a letter or a
 * digit, and not only digits. So a name is never an option or an id, and a shell expands no part of it.
 */
bool words_is_name(const char *text);
/**
 * Return whether a text is an IPv4 or IPv6 address, or a host name: letters, digits, '-' and '.', of which the first is
 * a letter or a digit, at most 253 characters.
 */
bool words_is_address(const char *text);
/**
 * Return whether a text of a config may be an address: '-' is not first, and there are only visible ASCII characters.
 * This check is weaker than words_is_address, since a config may have "fe80::1%eth0" or "a_b". The text is used in the
 * command line of ssh.
 */
bool words_is_harmless(const char *text);
/** Return 4 or 6 for a numeric address, otherwise 0. */
int words_family(const char *text);
/** Return whether an address is numeric and belongs to the host itself: 127.0.0.0/8, ::1, 0.0.0.0 or ::. */
bool words_is_loopback(const char *text);

/**
 * Parse a word NAME[:ID][=ADDRESS[,ADDRESS...]].
 * @param why  out: the error, as "what: what to do"
 * @return 0; -EINVAL
 */
int words_read_node(const char *word, struct words_node *node, char *why, size_t size);
/**
 * Give each node without an id an id above all others, in the order of the nodes. The id of a removed node is not used
 * again, since that node may return with it. If there is no higher number, give the lowest free one.
 * @param highest  highest id that was ever in use; 0: not known
 * @return 0; -EEXIST: two nodes have the same name, id or address, and why names both
 */
int words_number(struct words_node *nodes, size_t count, uint32_t highest, char *why, size_t size);
/**
 * Resolve the address of a node that has none, with the resolver of this host. An IPv4 address is preferred.
 * @param left_ms  milliseconds to wait for the resolver; the time that it took is subtracted
 * @return 0; -EINVAL: the name has no address, or only that of a loopback interface, or the resolver does not answer
 */
int words_resolve(struct words_node *node, int64_t *left_ms, char *why, size_t size);

#endif

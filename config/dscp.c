/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * totem.ip_dscp: a differentiated services code point (RFC 2474), as a number or by its name (RFC 2597, RFC 3246).
 * Transports read the number in runtime.config.totem.ip_dscp, which exists only while the option is set.
 */
#include "config/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <coterie/plugin.h>

#define KEY "totem.ip_dscp"
#define EXPEDITED 46

/* Parse a number: decimal, hexadecimal after 0x, octal after 0. */
static int parse_number(const char *text)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	unsigned long number = strtoul(text, &end, 0);

	return *end == '\0' && number <= 63 ? (int)number : -EINVAL;
}

/* Parse a class name. The class is in the upper three bits, the drop precedence in the two bits below. */
static int parse_name(const char *text)
{
	if (strcasecmp(text, "ef") == 0)
		return EXPEDITED;
	if (strncasecmp(text, "cs", 2) == 0 && text[2] >= '0' && text[2] <= '7' && text[3] == '\0')
		return (text[2] - '0') << 3;
	if (strncasecmp(text, "af", 2) == 0 && text[2] >= '1' && text[2] <= '4' && text[3] >= '1' && text[3] <= '3' &&
		text[4] == '\0')
		return (text[2] - '0') << 3 | (text[3] - '0') << 1;
	return -EINVAL;
}

void dscp_build(struct tree *tree)
{
	const char *text = tree_text(tree, KEY);

	if (text == NULL)
		return;
	int number = parse_number(text);

	if (number < 0)
		number = parse_name(text);
	if (number < 0)
		tree_error(tree, tree_place(tree, KEY),
			"'%s' is no code point: use 0 to 63, cs0 to cs7, af11 to af13, af21 to af23, af31 to af33, af41 to "
			"af43, or ef",
			text);
	else
		tree_set_number(tree, "runtime.config.totem.ip_dscp", COTERIE_MAP_U32, (uint64_t)number,
			(struct place){.file = tree->file});
}

/*
 * Keys of the ring in lines of JSON.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "tools/cluster/agent.h"

#define NAME "\"key\""
#define BLANKS " \t"

/*
 * A quotation mark inside a JSON string has a backslash before it. So the name with its quotation marks, and a colon
 * behind it, is always the name of a member.
 */
char *secret_take(char *line)
{
	for (char *at = line; (at = strstr(at, NAME)) != NULL;) {
		at += strlen(NAME);
		at += strspn(at, BLANKS);
		if (*at != ':')
			continue; /* a value */
		at += 1 + strspn(at + 1, BLANKS);
		size_t size = *at == '"' ? strspn(at + 1, "0123456789abcdef") : 0;

		if (size == 0 || at[1 + size] != '"')
			continue;
		char *secret = strndup(at + 1, size);

		memset(at + 1, ' ', size);
		return secret;
	}
	return NULL;
}

void secret_free(char *secret)
{
	if (secret != NULL)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

void secret_process(void) { (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fragments of one process, counted. Client libraries keep a message until its last fragment has come, and those of
 * Corosync do not check its length. So no client may get more of a message than its first fragment announced, nor a
 * message without limit.
 */
#include "services/cpg/cpg.h"

#include <errno.h>

int cpg_fragment_count(
	struct cpg_sending *sending, uint64_t size_max, enum cpg_fragment_type type, uint32_t msglen, uint32_t size)
{
	struct cpg_sending next = *sending;

	*sending = (struct cpg_sending){0};
	if (type != CPG_FRAGMENT_FIRST && !next.is_open)
		return -ENOENT;
	if (msglen > size_max)
		return -EMSGSIZE;
	if (type == CPG_FRAGMENT_FIRST)
		next = (struct cpg_sending){.size = msglen, .left = msglen, .is_open = true};
	else if (next.is_resumed && next.size == 0)
		next.size = next.left = msglen;
	if (msglen != next.size || size > next.left)
		return -EPROTO;
	next.left -= size;
	if (type != CPG_FRAGMENT_LAST)
		*sending = next;
	else if (next.left > 0 && !next.is_resumed)
		return -EPROTO;
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets that the network of engine_net.h loses: functions for net->drops. */
#include "exec/totem/wire.h"
#include "tests/unit/exec/totem/engine_net.h"

bool drops_tokens(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)from, (void)to, (void)frame;
	return header->type == WIRE_TOKEN;
}

bool drops_commit_tokens(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)from, (void)to, (void)frame;
	return header->type == WIRE_COMMIT_TOKEN;
}

bool drops_first_frame(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_mcast mcast;

	if (from != 2 || to != 3 || header->type != WIRE_MCAST || n->drop_seq != 0 ||
		wire_decode_mcast(frame->data, frame->size, &mcast) != WIRE_OK)
		return false;
	n->drop_seq = mcast.seq;
	return true;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire_case.h"

#include <stdlib.h>
#include <string.h>

uint8_t *exact(const void *bytes, size_t size)
{
	uint8_t *copy = malloc(size == 0 ? 1 : size);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, size);
	return copy;
}

enum wire_refusal decode_as(enum wire_type type, const uint8_t *bytes, size_t size, union packet *packet)
{
	switch (type) {
	case WIRE_TOKEN:
		return wire_decode_token(bytes, size, &packet->token);
	case WIRE_MCAST:
		return wire_decode_mcast(bytes, size, &packet->mcast);
	case WIRE_MERGE_DETECT:
		return wire_decode_merge_detect(bytes, size, &packet->merge);
	case WIRE_JOIN:
		return wire_decode_join(bytes, size, &packet->join);
	case WIRE_COMMIT_TOKEN:
		return wire_decode_commit_token(bytes, size, &packet->commit);
	case WIRE_HOLD_CANCEL:
		return wire_decode_hold_cancel(bytes, size, &packet->cancel);
	}
	ck_abort_msg("type %d accepted", (int)type);
}

enum wire_refusal decode(const uint8_t *bytes, size_t size, struct wire_header *header, union packet *packet)
{
	enum wire_refusal refusal = wire_decode_header(bytes, size, header);

	return refusal != WIRE_OK ? refusal : decode_as(header->type, bytes, size, packet);
}

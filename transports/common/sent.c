/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/common/sent.h"

#include <string.h>

#define MS UINT64_C(1000000)

void sent_note(struct sent *sent, uint32_t nodeid, struct coterie_frame *const *frames, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct sent_datagram *one = &sent->list[sent->count++ % SENT_COUNT];

		one->nodeid = nodeid;
		one->size = frames[i]->size < SENT_START ? frames[i]->size : SENT_START;
		memcpy(one->start, frames[i]->data, one->size);
	}
}

static bool may_search(struct sent *sent, uint64_t now_ns)
{
	if (now_ns >= sent->until_ns) {
		sent->until_ns = now_ns + MS;
		sent->searches = 0;
	}
	return sent->searches++ < SENT_SEARCHES;
}

bool sent_has(struct sent *sent, uint64_t now_ns, uint32_t nodeid, const uint8_t *quote, uint32_t size)
{
	if (!may_search(sent, now_ns))
		return false;
	for (uint32_t i = 0; i < SENT_COUNT; i++) {
		const struct sent_datagram *one = &sent->list[i];

		if ((one->nodeid == nodeid || one->nodeid == 0) && one->size > 0 && one->size <= size &&
			memcmp(one->start, quote, one->size) == 0)
			return true;
	}
	return false;
}

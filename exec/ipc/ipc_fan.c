/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One message of the ring can become an event of hundreds of clients of this node. Two rules limit the time that this
 * takes:
 *
 * 1. After IPC_FAN_SIZE bytes the other clients get the event later: it waits in their backlogs, and the flush timer
 *    sends it in turns.
 * 2. Clients share the bytes that wait (ipc_backlog.c). The frames of the message do not change while it is delivered,
 *    so that parts of events inside them need not be compared.
 */
#include "exec/ipc/ipc_private.h"

#include <stdlib.h>
#include <string.h>

void ipc_fan_begin(struct ipc *ipc, const struct iovec *parts, size_t count)
{
	ipc_fan_renew(ipc);
	ipc->fan.parts = parts;
	ipc->fan.count = count;
}

size_t ipc_fan_end(struct ipc *ipc)
{
	size_t sent = (size_t)(IPC_FAN_SIZE - ipc->fan.left);

	ipc_fan_renew(ipc);
	ipc->fan.parts = NULL;
	ipc->fan.count = 0;
	for (int i = 0; i < IPC_SHARED_KINDS; i++)
		ipc->shared[i].count = 0;
	return sent;
}

void ipc_fan_renew(struct ipc *ipc) { ipc->fan.left = IPC_FAN_SIZE; }

void ipc_fan_fini(struct ipc *ipc)
{
	for (int i = 0; i < IPC_SHARED_KINDS; i++) {
		free(ipc->shared[i].parts);
		ipc->shared[i] = (struct ipc_shared){0};
	}
}

static bool is_inside(const struct iovec *part, const struct iovec *frame)
{
	uintptr_t at = (uintptr_t)part->iov_base, begin = (uintptr_t)frame->iov_base;

	return part->iov_len > 0 && at >= begin && at - begin < frame->iov_len &&
	       part->iov_len <= frame->iov_len - (at - begin);
}

/*
 * The parts of the event and the frames of the message are in the same order, so one pass finds all. Without memory for
 * the list all bytes are compared later.
 */
void ipc_fan_note(struct ipc *ipc, struct ipc_shared *shared, const struct iovec *iov, uint32_t count)
{
	size_t at = 0;

	shared->count = 0;
	if (ipc->fan.count == 0)
		return;
	if (count > shared->capacity) {
		struct iovec *grown = reallocarray(shared->parts, count, sizeof(*grown));

		if (grown == NULL)
			return;
		shared->parts = grown;
		shared->capacity = count;
	}
	for (uint32_t i = 0; i < count; i++) {
		size_t found = at;

		while (found < ipc->fan.count && !is_inside(&iov[i], &ipc->fan.parts[found]))
			found++;
		shared->parts[i] = iov[i];
		if (found == ipc->fan.count)
			shared->parts[i].iov_base = NULL;
		else
			at = found;
	}
	shared->count = count;
}

bool ipc_fan_is_same(const struct ipc_shared *shared, const struct iovec *iov, uint32_t count)
{
	const uint8_t *bytes = shared->body->bytes;
	uint32_t known = shared->count == count ? count : 0;

	for (uint32_t i = 0; i < count; i++) {
		if (i < known && shared->parts[i].iov_len != iov[i].iov_len)
			known = 0; /* from here on the noted parts begin at other offsets */
		if (iov[i].iov_len == 0)
			continue;
		bool is_noted = i < known && shared->parts[i].iov_base == iov[i].iov_base;
		if (!is_noted && memcmp(bytes, iov[i].iov_base, iov[i].iov_len) != 0)
			return false;
		bytes += iov[i].iov_len;
	}
	return true;
}

/*
 * Calls that send messages.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/evs/lib/connection.h"

#include <stdlib.h>
#include <string.h>

enum {
	PARTS_MAX = 62, /* most parts that are passed to libqb. The library first copies a message with more parts into
			 * one buffer */
};

/* Return the bytes of all parts. If they are more than the longest message has, return EVS_MESSAGE_SIZE_MAX + 1. */
static uint32_t size_of(const struct iovec *iov, unsigned int count)
{
	size_t size = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (iov[i].iov_len > EVS_MESSAGE_SIZE_MAX - size)
			return EVS_MESSAGE_SIZE_MAX + 1;
		size += iov[i].iov_len;
	}
	return (uint32_t)size;
}

/* Copy all parts into one buffer. @return size bytes, which the caller frees; NULL: out of memory */
static uint8_t *gather(const struct iovec *iov, unsigned int count, uint32_t size)
{
	uint8_t *gathered = malloc(size + 1u); /* + 1: malloc(0) may return NULL */
	size_t filled = 0;

	for (unsigned int i = 0; i < count && gathered != NULL; i++) {
		if (iov[i].iov_len > 0)
			memcpy(gathered + filled, iov[i].iov_base, iov[i].iov_len);
		filled += iov[i].iov_len;
	}
	return gathered;
}

/*
 * Send a request. Its own parts are parts[0 .. own), and `parts` must have room for PARTS_MAX more, for the message.
 * The call does not wait if the daemon accepts no messages at the moment.
 */
static cs_error_t send_request(evs_handle_t handle, struct iovec *parts, unsigned int own, const struct iovec *iov,
	unsigned int count, uint32_t size)
{
	uint8_t *gathered = NULL;
	cs_error_t rc;

	if (count > PARTS_MAX) {
		gathered = gather(iov, count, size);
		if (gathered == NULL)
			return CS_ERR_NO_MEMORY;
		parts[own] = (struct iovec){.iov_base = gathered, .iov_len = size};
		count = 1;
	} else {
		for (unsigned int i = 0; i < count; i++)
			parts[own + i] = iov[i];
	}
	rc = evs_request_plain(handle, CHANNEL_GATE_MCAST, parts, own + count);
	free(gathered);
	return rc;
}

cs_error_t evs_mcast_joined(
	evs_handle_t handle, evs_guarantee_t guarantee, const struct iovec *iovec, unsigned int iov_len)
{
	struct iovec parts[1 + PARTS_MAX];
	uint32_t size = size_of(iovec, iov_len);
	struct evs_req_mcast_joined request = {
		.header = {.id = EVS_REQ_MCAST_JOINED, .size = (int32_t)(sizeof(request) + size)},
		.guarantee = (uint32_t)guarantee,
		.msglen = size,
	};

	if (size > EVS_MESSAGE_SIZE_MAX)
		return CS_ERR_TOO_BIG;
	parts[0] = (struct iovec){.iov_base = &request, .iov_len = sizeof(request)};
	return send_request(handle, parts, 1, iovec, iov_len, size);
}

cs_error_t evs_mcast_groups(evs_handle_t handle, evs_guarantee_t guarantee, const struct evs_group *groups,
	size_t group_cnt, const struct iovec *iovec, unsigned int iov_len)
{
	struct iovec parts[2 + PARTS_MAX];
	uint32_t size = size_of(iovec, iov_len);
	uint32_t groups_size = (uint32_t)(group_cnt * sizeof(*groups));
	struct evs_req_mcast_groups request = {
		.header = {.id = EVS_REQ_MCAST_GROUPS, .size = (int32_t)(sizeof(request) + groups_size + size)},
		.guarantee = (uint32_t)guarantee,
		.msglen = size,
		.group_count = (uint32_t)group_cnt,
	};

	if (group_cnt > EVS_REQUEST_GROUPS_MAX)
		return CS_ERR_TOO_MANY_GROUPS;
	if (size > EVS_MESSAGE_SIZE_MAX || groups_size + size > EVS_TOTAL_SIZE_MAX)
		return CS_ERR_TOO_BIG;
	parts[0] = (struct iovec){.iov_base = &request, .iov_len = sizeof(request)};
	/* struct iovec has no const. The groups are only read. */
	parts[1] = (struct iovec){.iov_base = (void *)(uintptr_t)groups, .iov_len = groups_size};
	return send_request(handle, parts, 2, iovec, iov_len, size);
}

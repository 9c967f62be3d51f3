/*
 * Calls that send messages.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cpg/lib/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/channel.h>

#include "services/client/error.h"
#include "services/client/fast_channel.h"

enum {
	PARTS_MAX = 63, /* most parts that are passed to libqb. The library first copies a message with more parts into
			 * one buffer */
	/* Interval and time limit of the attempts to send a fragment while the executive accepts no messages. */
	FRAGMENT_PAUSE_MS = 1,
	FRAGMENT_PATIENCE_MS = 1000,
};

_Static_assert(CPG_ATOMIC_SIZE_MAX + sizeof(struct coterie_channel_message) <= COTERIE_CHANNEL_SIZE_MIN,
	"every ring has room");

/* Send a message through the channel. Once it is in shared memory, the executive has accepted it. */
static cs_error_t mcast_fast(struct cpg_connection *connection, cpg_guarantee_t guarantee, const struct iovec *iov,
	unsigned int count, uint32_t size)
{
	return client_error(fast_send(&connection->client.channel, (uint32_t)guarantee, iov, count, size));
}

/* Send a message in one request, which the executive does not answer. */
static cs_error_t mcast_atomic(struct cpg_connection *connection, cpg_guarantee_t guarantee, const struct iovec *iov,
	unsigned int count, uint32_t size)
{
	struct cpg_req_mcast request = {
		.header = {.id = CPG_REQ_MCAST, .size = (int32_t)(sizeof(request) + size)},
		.guarantee = (uint32_t)guarantee,
		.msglen = size,
	};
	struct iovec parts[1 + PARTS_MAX];
	uint8_t *gathered = NULL;
	int rc;

	parts[0] = (struct iovec){.iov_base = &request, .iov_len = sizeof(request)};
	if (count > PARTS_MAX) {
		gathered = malloc(size + 1u); /* + 1: malloc(0) may return NULL */
		if (gathered == NULL)
			return CS_ERR_NO_MEMORY;
		size_t filled = 0;
		for (unsigned int i = 0; i < count; i++) {
			if (iov[i].iov_len > 0)
				memcpy(gathered + filled, iov[i].iov_base, iov[i].iov_len);
			filled += iov[i].iov_len;
		}
		parts[1] = (struct iovec){.iov_base = gathered, .iov_len = size};
		count = 1;
	} else {
		for (unsigned int i = 0; i < count; i++)
			parts[1 + i] = iov[i];
	}
	rc = channel_send(&connection->client.channel, CHANNEL_GATE_MCAST, parts, 1 + count);
	free(gathered);
	return client_error(rc);
}

/* Send a fragment and receive the answer. Wait up to FRAGMENT_PATIENCE_MS for the executive to accept messages. */
static cs_error_t fragment_send(
	struct cpg_connection *connection, struct cpg_req_partial_mcast *request, const void *bytes, uint32_t size)
{
	struct cpg_res_plain response;
	struct iovec parts[2] = {
		{.iov_base = request, .iov_len = sizeof(*request)},
		/* struct iovec has no const. The bytes are only read. */
		{.iov_base = (void *)(uintptr_t)bytes, .iov_len = size},
	};
	unsigned int waited_ms = 0;
	ssize_t rc;

	request->header.size = (int32_t)(sizeof(*request) + size);
	request->fraglen = size;
	for (;;) {
		rc = channel_call(
			&connection->client.channel, CHANNEL_GATE_MCAST, parts, 2, &response, sizeof(response));
		if (rc != -EAGAIN || waited_ms >= FRAGMENT_PATIENCE_MS)
			break;
		pause_ms(FRAGMENT_PAUSE_MS);
		waited_ms += FRAGMENT_PAUSE_MS;
	}
	if (rc < 0)
		return client_error(rc);
	return client_response_error(&response, (size_t)rc, sizeof(response));
}

/* Send each element of iov in fragments of its own. An empty element gives no fragment. */
cs_error_t mcast_fragments(struct cpg_connection *connection, cpg_guarantee_t guarantee, const struct iovec *iov,
	unsigned int count, uint32_t size)
{
	struct cpg_req_partial_mcast request = {
		.header = {.id = CPG_REQ_PARTIAL_MCAST},
		.guarantee = (uint32_t)guarantee,
		.msglen = size,
	};
	uint32_t sent = 0;
	cs_error_t rc = CS_OK;

	pthread_mutex_lock(&connection->fragments_lock);
	for (unsigned int i = 0; i < count && rc == CS_OK; i++) {
		size_t done = 0;

		while (done < iov[i].iov_len && rc == CS_OK) {
			size_t rest = iov[i].iov_len - done;
			uint32_t fragment = rest < CPG_ATOMIC_SIZE_MAX ? (uint32_t)rest : CPG_ATOMIC_SIZE_MAX;

			request.type = CPG_FRAGMENT_CONTINUED;
			if (sent == 0)
				request.type = CPG_FRAGMENT_FIRST;
			else if (sent + fragment == size)
				request.type = CPG_FRAGMENT_LAST;
			rc = fragment_send(connection, &request, (const uint8_t *)iov[i].iov_base + done, fragment);
			done += fragment;
			sent += fragment;
		}
	}
	pthread_mutex_unlock(&connection->fragments_lock);
	return rc;
}

cs_error_t cpg_mcast_joined(
	cpg_handle_t handle, cpg_guarantee_t guarantee, const struct iovec *iovec, unsigned int iov_len)
{
	struct cpg_connection *connection;
	uint64_t size = 0;
	cs_error_t rc = connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	for (unsigned int i = 0; i < iov_len && size <= UINT32_MAX; i++)
		size += iovec[i].iov_len < UINT32_MAX ? iovec[i].iov_len : (uint64_t)UINT32_MAX + 1;
	if (size > UINT32_MAX)
		rc = CS_ERR_TOO_BIG;
	else if (size > CPG_ATOMIC_SIZE_MAX)
		rc = mcast_fragments(connection, guarantee, iovec, iov_len, (uint32_t)size);
	else if (atomic_load(&connection->client.channel.fast) != NULL)
		rc = mcast_fast(connection, guarantee, iovec, iov_len, (uint32_t)size);
	else
		rc = mcast_atomic(connection, guarantee, iovec, iov_len, (uint32_t)size);
	connection_put(connection);
	return rc;
}

/*
 * Calls that get the state of nodes and links, and the addresses of nodes.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cfg/lib/connection.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "services/client/error.h"

_Static_assert(sizeof(struct corosync_cfg_node_status_v1) == sizeof(struct cfg_wire_node_status),
	"the public struct is the wire's");
_Static_assert(sizeof(corosync_cfg_node_address_t) == 32, "an address of the ABI has 32 bytes");

enum {
	/* Most addresses in one answer. Corosync sends one for each interface. */
	ADDRESSES_MAX = 64,
};

/* ---- Links of this node -------------------------------------------------- */

static void free_texts(char **texts, unsigned int count)
{
	for (unsigned int i = 0; texts != NULL && i < count; i++)
		free(texts[i]);
	free(texts);
}

/* Copy `count` texts of `size` bytes each. @return NULL: out of memory */
static char **copy_texts(const char *from, size_t size, unsigned int count)
{
	char **texts = calloc(count + !count, sizeof(*texts));

	for (unsigned int i = 0; texts != NULL && i < count; i++) {
		texts[i] = strndup(from + i * size, size);
		if (texts[i] == NULL) {
			free_texts(texts, i);
			return NULL;
		}
	}
	return texts;
}

static cs_error_t copy_ring_status(const struct cfg_res_ring_status_get *response, char ***interface_names,
	char ***status, unsigned int *interface_count)
{
	unsigned int count = response->count < CFG_RING_STATUS_MAX ? response->count : CFG_RING_STATUS_MAX;
	char **names = copy_texts(response->names[0], CFG_RING_NAME_SIZE, count);
	char **texts = copy_texts(response->status[0], CFG_RING_STATUS_SIZE, count);

	if (names == NULL || texts == NULL) {
		free_texts(names, count);
		free_texts(texts, count);
		return CS_ERR_NO_MEMORY;
	}
	*interface_names = names;
	*status = texts;
	*interface_count = count;
	return CS_OK;
}

cs_error_t corosync_cfg_ring_status_get(
	corosync_cfg_handle_t cfg_handle, char ***interface_names, char ***status, unsigned int *interface_count)
{
	struct cfg_req_plain request = {.header = {.id = CFG_REQ_RING_STATUS_GET, .size = sizeof(request)}};
	struct cfg_res_ring_status_get *response = malloc(sizeof(*response));
	cs_error_t rc;

	if (response == NULL)
		return CS_ERR_NO_MEMORY;
	ssize_t size = client_call(
		&cfg_connections, cfg_handle, &request, sizeof(request), response, sizeof(*response));
	/* If the daemon had to shorten a text, the answer has an error, but its data is valid. */
	if (size == (ssize_t)sizeof(*response))
		rc = copy_ring_status(response, interface_names, status, interface_count);
	else
		rc = size < 0 ? client_error(size) : client_response_error(response, (size_t)size, sizeof(*response));
	free(response);
	return rc;
}

/* ---- One node ------------------------------------------------------------ */

cs_error_t corosync_cfg_node_status_get(corosync_cfg_handle_t cfg_handle, unsigned int nodeid,
	corosync_cfg_node_status_version_t version, void *node_status)
{
	struct cfg_req_node_status_get request = {
		.header = {.id = CFG_REQ_NODE_STATUS_GET, .size = sizeof(request)},
		.nodeid = nodeid,
		.version = (uint32_t)version,
	};
	struct cfg_res_node_status_get response;
	cs_error_t rc;

	if (node_status == NULL || version != CFG_NODE_STATUS_V1)
		return CS_ERR_INVALID_PARAM;
	rc = client_request(&cfg_connections, cfg_handle, &request, sizeof(request), &response, sizeof(response));
	if (rc == CS_OK)
		memcpy(node_status, &response.status, sizeof(response.status));
	return rc;
}

static void convert_address(corosync_cfg_node_address_t *to, uint32_t family, const uint8_t bytes[16])
{
	static const uint8_t none[16];
	struct sockaddr_in ipv4 = {.sin_family = AF_INET};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
	bool is_ipv4 = family == AF_INET;

	memset(to, 0, sizeof(*to));
	to->address_length = is_ipv4 ? sizeof(ipv4) : sizeof(ipv6);
	if (memcmp(bytes, none, is_ipv4 ? 4 : 16) == 0)
		return; /* no address: the family stays 0 */
	if (is_ipv4) {
		memcpy(&ipv4.sin_addr, bytes, 4);
		memcpy(to->address, &ipv4, sizeof(ipv4));
	} else {
		memcpy(&ipv6.sin6_addr, bytes, 16);
		memcpy(to->address, &ipv6, sizeof(ipv6));
	}
}

cs_error_t corosync_cfg_get_node_addrs(corosync_cfg_handle_t cfg_handle, unsigned int nodeid, size_t max_addrs,
	int *num_addrs, corosync_cfg_node_address_t *addrs)
{
	struct cfg_req_get_node_addrs request = {
		.header = {.id = CFG_REQ_GET_NODE_ADDRS, .size = sizeof(request)},
		.nodeid = nodeid,
	};
	union {
		struct cfg_res_get_node_addrs response;
		uint8_t bytes[sizeof(struct cfg_res_get_node_addrs) + ADDRESSES_MAX * 16];
	} buffer;
	const struct cfg_res_get_node_addrs *response = &buffer.response;
	ssize_t size = client_call(&cfg_connections, cfg_handle, &request, sizeof(request), &buffer, sizeof(buffer));
	cs_error_t rc;

	if (size != -EBADF)
		*num_addrs = 0;
	if (size < 0)
		return client_error(size);
	rc = client_response_error(&buffer, (size_t)size, sizeof(*response));
	if (rc != CS_OK) {
		errno = (int)rc; /* programs print errno after this error */
		return rc;
	}
	if (response->count > ((size_t)size - sizeof(*response)) / 16)
		return CS_ERR_LIBRARY;
	for (uint32_t i = 0; i < response->count && i < max_addrs; i++)
		convert_address(&addrs[i], response->family, response->addresses[i]);
	*num_addrs = (int)response->count;
	return CS_OK;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "services/client/error.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <qb/qbipc_common.h>

cs_error_t client_error(ssize_t rc)
{
	if (rc >= 0)
		return CS_OK;
	if (rc == -EPERM)
		return CS_ERR_SECURITY;
	return rc < INT_MIN ? CS_ERR_LIBRARY : qb_to_cs_error((int)rc);
}

/*
 * If the executive refuses a request before it reaches the service, the answer is only a header, shorter than the
 * service's response.
 */
cs_error_t client_response_error(const void *response, size_t size, size_t size_want)
{
	struct qb_ipc_response_header header;

	if (size < sizeof(header))
		return CS_ERR_LIBRARY;
	memcpy(&header, response, sizeof(header));
	if (header.error < CS_OK || header.error > CS_ERR_SECURITY)
		return CS_ERR_LIBRARY;
	if (header.error == CS_OK && size < size_want)
		return CS_ERR_LIBRARY;
	return (cs_error_t)header.error;
}

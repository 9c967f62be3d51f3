/*
 * Convert a negative errno, which internal functions return, to a cs_error_t of the public calls.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CLIENT_ERROR_H
#define SERVICES_CLIENT_ERROR_H

#include <sys/types.h>

#include <corosync/corotypes.h>

/**
 * Return CS_OK for 0 and more, or the code for a negative errno. -EPERM, the process that listens is not trusted as the
 * daemon, gives CS_ERR_SECURITY. An errno without a code gives CS_ERR_LIBRARY.
 */
cs_error_t client_error(ssize_t rc);

/**
 * Return the code of a response.
 *
 * @param response borrowed; size bytes, starting with libqb's response header
 * @param size_want least bytes of the service's response to this request
 * @return the code in the header; CS_ERR_LIBRARY if there is no header, if its code is not known, or if it is CS_OK but
 *     the response is shorter than size_want
 */
cs_error_t client_response_error(const void *response, size_t size, size_t size_want);

#endif

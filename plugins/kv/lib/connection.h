/*
 * The connection behind a coterie_kv_handle_t. Private to libcoterie-kv.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PLUGINS_KV_LIB_CONNECTION_H
#define PLUGINS_KV_LIB_CONNECTION_H

/* The library hides every symbol that the public header does not declare. */
#pragma GCC visibility push(default)
#include <coterie/kv.h>
#pragma GCC visibility pop

#include "plugins/kv/messages.h"
#include "services/client/connection.h"

_Static_assert(KV_KEY_MAX == COTERIE_KV_KEY_MAX, "one limit");
_Static_assert(KV_VALUE_MAX == COTERIE_KV_VALUE_MAX, "one limit");
_Static_assert(KV_WAITING_MAX == COTERIE_KV_WAITING_MAX, "one limit");

struct kv_connection {
	struct client_connection client; /* must be the first member */
	coterie_kv_notify notify;        /* may be NULL */
	_Atomic uint64_t owed;           /* bytes of handled events that are not acknowledged yet */
};

extern struct handle_table kv_connections;

/**
 * Send a request of several parts and wait for the answer.
 * @param iov  the first part begins with the request's header; its size is filled in here
 * @return bytes of the answer; -EBADF: no such handle; otherwise as channel_call
 */
ssize_t kv_call(
	coterie_kv_handle_t handle, struct iovec *iov, unsigned int count, void *response, size_t response_size);

#endif

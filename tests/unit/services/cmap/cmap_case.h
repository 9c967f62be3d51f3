/* SPDX-License-Identifier: BSD-3-Clause */
/* The cmap service on a mock host, with two users and their requests, for several test programs. */
#ifndef TESTS_UNIT_SERVICES_CMAP_CMAP_CASE_H
#define TESTS_UNIT_SERVICES_CMAP_CMAP_CASE_H

#include <stdint.h>

#include "services/cmap/messages.h"
#include "tests/unit/service_ring.h"

#define PREFIX COTERIE_MAP_PREFIX
#define ALL (COTERIE_MAP_ADDED | COTERIE_MAP_MODIFIED | COTERIE_MAP_DELETED)

extern const struct coterie_plugin cmap_LTX_coterie_plugin;

/** A single node, and two users of it. */
extern struct service_ring cmap_ring;
extern struct service_user cmap_user, cmap_other;

void cmap_case_set_up(void);
void cmap_case_tear_down(void);
/** Return the host of a node. */
struct coterie_ctx *cmap_case_host(uint32_t nodeid);

/* Requests of a user. If nothing else is said, they return the error of the answer. */

/** Fill in a name of a request. */
void cmap_case_name_set(struct cmap_wire_name *name, const char *key);
int32_t cmap_case_set(struct service_user *who, const char *key, uint32_t type, const void *value, size_t size);
int32_t cmap_case_set_u8(struct service_user *who, const char *key, uint8_t value);
int32_t cmap_case_delete_key(struct service_user *who, const char *key);
int32_t cmap_case_adjust(struct service_user *who, const char *key, int32_t step);
/** Return the answer to the last request, with its header: size bytes, static memory. */
const void *cmap_case_answer(struct service_user *who, size_t size);
/** @param room  bytes that the user has for the value */
int32_t cmap_case_get(struct service_user *who, const char *key, uint64_t room);
/** Return the new iterator, or 0. */
uint64_t cmap_case_iterate(struct service_user *who, const char *prefix);
/** Return the iterator's next key as "key/type/size", or the error as a number: static memory. */
const char *cmap_case_next(struct service_user *who, uint64_t iterator);
int32_t cmap_case_iterate_end(struct service_user *who, uint64_t iterator);
/** @param tracker  out: the new tracker; NULL: not wanted */
int32_t cmap_case_track(
	struct service_user *who, const char *key, uint32_t events, uint64_t instance, uint64_t *tracker);
/** @param instance  out: as given to cmap_case_track */
int32_t cmap_case_untrack(struct service_user *who, uint64_t tracker, uint64_t *instance);
/**
 * Return the next event as "instance event key now before", with values as type:bytes: static memory. "": there is none
 */
const char *cmap_case_event(struct service_user *who);
int32_t cmap_case_set_map(struct service_user *who, int32_t map);

#endif

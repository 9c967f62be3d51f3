/*
 * Synchronisation of the services after a regular configuration, compatible on the wire
 * (book sync, "A round"). The group "sync" carries SERVICE_BUILD and BARRIER.
 */
#ifndef EXEC_SYNC_H
#define EXEC_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/engine.h"

struct executive;
struct sync;

struct sync *sync_create(struct executive *executive);
void sync_destroy(struct sync *sync);
void sync_configure(struct sync *sync, const struct totem_configuration *configuration);
/** Handle a message of the group "sync": contiguous, size bytes behind the group prefix. */
void sync_deliver(struct sync *sync, uint32_t source, const uint8_t *bytes, uint32_t size,
	bool is_swapped);
void sync_passed(struct sync *sync); /* the token has been passed on */
bool sync_is_running(const struct sync *sync);
/**
 * Return whether services are being told of a new round: then they must not send (see sync_start in
 * <coterie/service.h>).
 */
bool sync_is_starting(const struct sync *sync);

#endif

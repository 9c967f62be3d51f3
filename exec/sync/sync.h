/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Synchronisation of the services after a regular configuration, compatible on the wire
 * (book sync, "A round"). The group "sync" carries SERVICE_BUILD and BARRIER.
 */
#ifndef EXEC_SYNC_H
#define EXEC_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/engine.h"

struct delivery;
struct loop;
struct plugin_registry;
struct resync;
struct ring;
struct sync;

/** The parts that it uses, borrowed until sync_destroy, and the functions that it calls. */
struct sync_parts {
	struct loop *loop;
	struct plugin_registry *plugins;
	struct ring *ring;
	struct delivery *delivery;
	struct resync *resync;

	void *arg; /* of the functions */
	/** A round begins, before the services learn of it: announce a verdict about quorum that is known already. */
	void (*begun)(void *arg);
	/** A round is complete. */
	void (*synchronized)(void *arg);
	/** No round is possible any more, which was logged. End the daemon with this status. */
	void (*stop)(void *arg, int exit_code);
};

/** parts: copied. NULL: out of memory */
struct sync *sync_create(const struct sync_parts *parts);
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
/** Return whether sync_step of a service runs: its messages are part of the round, and its barrier follows them. */
bool sync_is_stepping(const struct sync *sync);

#endif

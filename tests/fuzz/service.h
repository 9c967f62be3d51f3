/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz a service on a mock host with requests of clients and messages of other nodes. The input is a list of records:
 * one byte for the operation, one for the client or node and small choices, and the operation's arguments. The host
 * calls the service in the order that service.h promises. All else depends on the input.
 *
 * Each target defines fuzz_service. One that needs no more uses FUZZ_SERVICE(name).
 */
#ifndef TESTS_FUZZ_SERVICE_H
#define TESTS_FUZZ_SERVICE_H

#include "tests/fuzz/fuzz.h"
#include "tests/unit/mock_host.h"

#define FUZZ_CLIENTS 4u
#define FUZZ_NOBODY 0xfffffffeu /* id of a user that owns no file */

struct fuzz_world {
	const struct coterie_service *ops;
	struct coterie_ctx *host;
	void *self;
	struct coterie_client *clients[FUZZ_CLIENTS]; /* NULL: not connected */
	uint64_t ring_seq;
	bool is_syncing, are_steps_done;
};

/** A target's own parts. All members except plugin may be NULL. */
struct fuzz_service {
	const struct coterie_plugin *plugin;
	void (*prepare)(struct coterie_ctx *host); /* before init */
	/** Operations for this service only. */
	void (*own)(struct fuzz_world *world, struct script *script, uint8_t choice);
	void (*own_too)(struct fuzz_world *world, struct script *script, uint8_t choice);
	/** Check the invariants after each operation. */
	void (*check)(struct fuzz_world *world);
};
extern const struct fuzz_service fuzz_service;

/**
 * Hand a request of clients[i % FUZZ_CLIENTS] to the service, as the executive does. Without that client nothing
 * happens.
 */
void fuzz_request(struct fuzz_world *world, uint32_t i, const void *message, size_t size);

/** Define a target that has no more than the general operations. */
#define FUZZ_SERVICE(name) \
	extern const struct coterie_plugin name##_LTX_coterie_plugin; \
	const struct fuzz_service fuzz_service = {.plugin = &name##_LTX_coterie_plugin}

#endif

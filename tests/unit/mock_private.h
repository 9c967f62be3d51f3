/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the files of the mock host: mock_host.c and the other files mock_*.c. */
#ifndef UNIT_MOCK_PRIVATE_H
#define UNIT_MOCK_PRIVATE_H

#include "tests/unit/mock_host.h"

/** Return the pointer. End the process if it is NULL. */
void *mock_need(void *memory);

/** Set the members for the maps and the statistics. */
void mock_map_table(struct coterie_host *table);
/** Free the maps. @return number of trackers and iterators that were left */
uint32_t mock_map_fini(struct coterie_ctx *host);

/**
 * End the wait of the statistics that a service offered while it did not serve yet.
 *
 * @param is_successor it serves now, and its statistics replace those of the old service. false: they are dropped
 */
void mock_stats_settle(struct coterie_ctx *host, bool is_successor);

/** Set the functions of the table with which a service is replaced while its clients stay connected. */
void mock_life_table(struct coterie_host *table);

/** Set the functions of the table that only transports call. */
void mock_transport_table(struct coterie_host *table);

/** Set the functions of the table for quorum and administration. */
void mock_admin_table(struct coterie_host *table);
/** Write the file of state_file_store that waits, and call its function. @return false: none waits */
bool mock_store_run(struct coterie_ctx *host);
void mock_admin_fini(struct coterie_ctx *host);

#endif

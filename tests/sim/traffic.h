/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The messages of the simulator. A message has a group prefix (book wire, "Group prefix"), an id, and bytes that depend
 * on the id and their place. So the checks recognise any piece of a message.
 */
#ifndef SIM_TRAFFIC_H
#define SIM_TRAFFIC_H

#include <sys/uio.h>

#include "tests/sim/history.h"

#define TRAFFIC_ID_SIZE 4u /* smallest payload */
#define TRAFFIC_PAYLOAD_MAX 100000u

uint32_t traffic_size(const struct message *message); /* group prefix included */
/** Write the whole message, traffic_size() bytes. swap: as a node of the other byte order writes it. */
void traffic_write(const struct message *message, bool swap, uint8_t *out);
/** Return whether these are the message's bytes from `offset` on. */
bool traffic_matches(const struct message *message, bool swap, uint32_t offset, const uint8_t *bytes, size_t size);
/**
 * Find the message whose bytes were delivered. @return NULL: there is none, and *what is a static text that says why
 */
struct message *traffic_find(
	const struct history *history, bool is_swapped, const struct iovec *iov, size_t count, const char **what);

#endif

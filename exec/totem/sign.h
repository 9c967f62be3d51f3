/* SPDX-License-Identifier: BSD-3-Clause */
/* Signs of a member's end, and probes that arrive. */
#ifndef TOTEM_SIGN_H
#define TOTEM_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct totem_engine;
struct coterie_frame;

/* Ways in which a connection to a member's daemon can end. */
enum connection_end {
	CONNECTION_OVER,   /* the end shows nothing about the daemon */
	CONNECTION_RESET,  /* it was reset by the member's kernel, or by a host in between */
	CONNECTION_CLOSED, /* the member's kernel closed it with a FIN, without a goodbye of the daemon */
};

void sign_refused(struct totem_engine *engine, uint32_t id, const uint8_t *bytes, size_t size);
void sign_told(struct totem_engine *engine, uint32_t id); /* handle a sign that proves nothing */
/** Answer a probe. @return false: the frame is a plain merge detect. */
bool sign_probe(struct totem_engine *engine, const struct coterie_frame *frame);
/** Answer a question. @return false: the frame is something else, and nothing was done */
bool sign_question(struct totem_engine *engine, const struct coterie_frame *frame);
void sign_connected(struct totem_engine *engine, uint32_t id);
void sign_disconnected(struct totem_engine *engine, uint32_t id, enum connection_end end);
void sign_expired(struct totem_engine *engine);

#endif

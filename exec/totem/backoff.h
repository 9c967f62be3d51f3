/* SPDX-License-Identifier: BSD-3-Clause */
/* The back-off: nodes that are ignored, since they and a member do not hear each other. */
#ifndef TOTEM_BACKOFF_H
#define TOTEM_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

struct totem_engine;
struct peer;

/** A join or leave arrived: maybe end the back-off of its sender or of a node that it names. */
void backoff_reconsider(struct totem_engine *engine, struct peer *peer, bool is_leave);
/** The peer has answered a question, so both reach each other. Withdraw an accusation of this node against it. */
void backoff_answered(struct totem_engine *engine, struct peer *peer);
/** The peer has answered that it hears this node, but that its ring ignores this node for another member's sake. */
void backoff_kept_apart(struct totem_engine *engine, struct peer *peer);
/** A member says that it hears a node, and keeps it out for the sake of a third one. */
void backoff_pardoned(struct totem_engine *engine, uint32_t accuser, uint32_t accused);
/** A member withdraws its accusation against a node. */
void backoff_retracted(struct totem_engine *engine, uint32_t accuser, uint32_t accused);
/** Return whether the peer is in back-off because it and another member do not hear each other. */
bool backoff_is_unwanted(const struct totem_engine *engine, const struct peer *peer);
/** Return whether to drop what the node sends: it is in back-off, or this ring is not yet installed at all members,
 * or this node has no link. */
bool backoff_is_ignored(const struct totem_engine *engine, uint32_t id);
/**
 * Return whether this node must send no multicast until its back-off ends. It is alone, because a plain node
 * prefers a node that does not hear this one. Each packet of this node would make their ring gather.
 */
bool backoff_is_quiet(const struct totem_engine *engine);
/** Return whether other nodes shall conclude first, so that their ring stays: this node was left out recently. */
bool backoff_yields(const struct totem_engine *engine);
void backoff_given_up(struct totem_engine *engine, uint32_t id); /* by our own consensus timer */
/** Note the nodes that the sender of a join (lists in join_proc, join_failed) has given up. */
void backoff_accuse(struct totem_engine *engine, uint32_t accuser);
void backoff_installed(struct totem_engine *engine); /* a configuration came into force */
void backoff_expired(struct totem_engine *engine);

#endif

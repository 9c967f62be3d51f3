/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the files of a tripwire. No other file includes this. */
#ifndef COMMON_TRIPWIRE_PRIVATE_H
#define COMMON_TRIPWIRE_PRIVATE_H

#include "transports/common/tripwire.h"

/* --- tripwire.c --- */

/** A TCP socket, not blocking, that notices by itself when its other end cannot be reached any more. */
int tripwire_socket(const struct tripwire *wire, const struct sockaddr *local); /* -errno */
void tripwire_tune(int fd);
bool tripwire_greet(struct tripwire *wire, int fd, uint32_t nodeid);
/** Read a greeting for us, whole. false: it is none, or has not come; *error is 0 or the errno. */
bool tripwire_read_greeting(struct tripwire *wire, int fd, uint32_t *from, int *error);
/** Send a goodbye before an intended close, so that the other end reports COTERIE_WATCH_OFF. */
void tripwire_say_goodbye(int fd, const struct tripwire_proof *proof);
/** Read why an established connection woke up. @return COTERIE_WATCH_ON: for nothing; _OFF or _BROKEN: its end */
uint32_t tripwire_read_end(int fd, const struct tripwire_proof *proof);
/** Queue a report to the host. A timer delivers it, or tripwire_flush before. */
void tripwire_report(struct tripwire *wire, uint32_t nodeid, uint32_t state);
/** Deliver the queued reports. Call it at the end of each callback of the loop, and from nowhere else. */
void tripwire_flush(struct tripwire *wire);
void tripwire_drop_fd(struct tripwire *wire, int *fd); /* -1 is ignored */

/* --- tripwire_proof.c: of these, each returns whether the connection may go on; *error is 0 or the errno --- */

/** @return whether new connections have to prove the ring's key */
bool tripwire_proves(const struct tripwire *wire);
/** Greet the neighbour. */
bool tripwire_proof_begin(struct tripwire *wire, int fd, uint32_t nodeid, struct tripwire_proof *proof);
/** Read the neighbour's answer, and prove the key to it. */
bool tripwire_proof_end(struct tripwire *wire, int fd, struct tripwire_proof *proof, int *error);
/** Read a guest's greeting, and prove the key to it. proof->nodeid: the node id that it claims. */
bool tripwire_proof_answer(struct tripwire *wire, int fd, struct tripwire_proof *proof, int *error);
/** Read a guest's proof. */
bool tripwire_proof_check(struct tripwire *wire, int fd, struct tripwire_proof *proof, int *error);

/* --- tripwire_witness.c --- */

/** Seconds without an arrival after which the kernel sends a keepalive probe, unless there are questions. */
#define TRIPWIRE_KEEP_IDLE 10
/** Cancel the timer. */
void tripwire_witness_fini(struct tripwire *wire);

/* --- tripwire_guests.c --- */

void tripwire_listen(struct tripwire *wire);
/** Close the connections that were not proved with this key, or, if it is 0, those that were proved. */
void tripwire_dismiss_unproved(struct tripwire *wire, uint32_t key);
/** Close the connections of a node. 0: close all, and stop listening. */
void tripwire_dismiss(struct tripwire *wire, uint32_t nodeid);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the files of a tripwire. No other file includes this header. */
#ifndef COMMON_TRIPWIRE_PRIVATE_H
#define COMMON_TRIPWIRE_PRIVATE_H

#include "transports/common/tripwire.h"

/* --- tripwire.c --- */

/**
 * Open a TCP socket, not blocking, which notices by itself when its other end cannot be reached any more. @return the
 * socket; -errno
 */
int tripwire_socket(const struct tripwire *wire, const struct sockaddr *local);
void tripwire_tune(int fd);
bool tripwire_greet(struct tripwire *wire, int fd, uint32_t nodeid);
/**
 * Read a whole greeting to this node. @return false: it is not a greeting to this node (*error: 0), or it has not come
 * (*error: errno)
 */
bool tripwire_read_greeting(struct tripwire *wire, int fd, uint32_t *from, int *error);
/** Send a goodbye before the connection is closed on purpose, so that the other end reports COTERIE_WATCH_OFF. */
void tripwire_say_goodbye(int fd, const struct tripwire_proof *proof);
/**
 * Find out why an established connection became ready. @return COTERIE_WATCH_ON: no reason; COTERIE_WATCH_OFF, _CLOSED
 * or _BROKEN: it has ended
 */
uint32_t tripwire_read_end(int fd, const struct tripwire_proof *proof);
/** Queue a report to the host. A timer delivers it, unless tripwire_flush is called earlier. */
void tripwire_report(struct tripwire *wire, uint32_t nodeid, uint32_t state);
/** Deliver the queued reports. Call it at the end of each callback of the loop, and from nowhere else. */
void tripwire_flush(struct tripwire *wire);
void tripwire_drop_fd(struct tripwire *wire, int *fd); /* -1 is ignored */

/*
 * --- tripwire_proof.c: each of these functions returns whether the connection may go on. If not, *error is 0 or the
 * errno ---
 */

/** Return whether both ends of a new connection have to prove that they have the ring's key. */
bool tripwire_proves(const struct tripwire *wire);
/** Send the greeting to the neighbour. */
bool tripwire_proof_begin(struct tripwire *wire, int fd, uint32_t nodeid, struct tripwire_proof *proof);
/** Read the neighbour's answer, and prove to the neighbour that this node has the key. */
bool tripwire_proof_end(struct tripwire *wire, int fd, struct tripwire_proof *proof, int *error);
/**
 * Read the greeting of a guest, and prove to it that this node has the key. proof->nodeid: the node id that the guest
 * claims.
 */
bool tripwire_proof_answer(struct tripwire *wire, int fd, struct tripwire_proof *proof, int *error);
/** Read and check the proof of a guest. */
bool tripwire_proof_check(struct tripwire *wire, int fd, struct tripwire_proof *proof, int *error);

/* --- tripwire_witness.c --- */

/**
 * Seconds without an arrival after which the kernel sends a keepalive probe, unless tripwire_witness makes it send
 * more.
 */
#define TRIPWIRE_KEEP_IDLE 10
/** Cancel the timer that ends the probes. */
void tripwire_witness_fini(struct tripwire *wire);

/* --- tripwire_guests.c --- */

void tripwire_listen(struct tripwire *wire);
/** Close the connections that were not proved with this key. key 0: close those that were proved. */
void tripwire_dismiss_unproved(struct tripwire *wire, uint32_t key);
/** Close the guests of a node. nodeid 0: close all, and stop listening. */
void tripwire_dismiss(struct tripwire *wire, uint32_t nodeid);

#endif

/* What the files of a tripwire share. Nothing else includes this. */
#ifndef COMMON_TRIPWIRE_PRIVATE_H
#define COMMON_TRIPWIRE_PRIVATE_H

#include "transports/common/tripwire.h"

/* --- tripwire.c --- */

/** A TCP socket, not blocking, that notices by itself when its other end cannot be reached any more. */
int tripwire_socket(const struct sockaddr *local); /* -errno */
void tripwire_keep_alive(int fd);
bool tripwire_greet(struct tripwire *wire, int fd, uint32_t nodeid);
/** Read a greeting for us, whole. false: it is none, or has not come; *error is 0 or the errno. */
bool tripwire_read_greeting(struct tripwire *wire, int fd, uint32_t *from, int *error);
void tripwire_say_goodbye(int fd);
void tripwire_drop_fd(struct tripwire *wire, int *fd); /* -1 is ignored */

/* --- tripwire_guests.c --- */

void tripwire_listen(struct tripwire *wire);
/** Close the connections of a node; 0: all, and listen no more. */
void tripwire_dismiss(struct tripwire *wire, uint32_t nodeid);

#endif

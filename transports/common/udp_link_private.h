/* What the files of a UDP link share. Nothing else includes this. */
#ifndef COMMON_UDP_LINK_PRIVATE_H
#define COMMON_UDP_LINK_PRIVATE_H

#include "transports/common/udp_link.h"

/* --- udp_link_state.c --- */

/** How a send went: is_sent, or the errno it failed with. May be called inside a send. */
void udp_link_note_result(struct udp_link *link, bool is_sent, int error);
/** Close the sockets and cancel the timers of the link's state. */
void udp_link_stop(struct udp_link *link);

#endif

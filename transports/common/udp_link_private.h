/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the files of a UDP link. No other file includes this. */
#ifndef COMMON_UDP_LINK_PRIVATE_H
#define COMMON_UDP_LINK_PRIVATE_H

#include "transports/common/udp_link.h"

/* --- udp_link_secure.c --- */

/** Load the configured key, if there is one. @return 0; -EINVAL, -ENOTSUP, -ENODATA, -ENOMEM: it cannot be used */
int udp_link_keys_open(struct udp_link *link);
/** @return 0; COTERIE_RELOAD_REKEY; a negative errno: all stays as it was */
int udp_link_keys_reload(struct udp_link *link);
/** @return whether datagrams have to be opened: there are keys */
bool udp_link_is_opening(const struct udp_link *link);
/** Ask a peer, or all, to prove their sessions, unless there are no keys or no socket. */
void udp_link_greet(struct udp_link *link, struct peer *peer);
void udp_link_greet_all(struct udp_link *link);
/** Seal a frame for one peer, or for all: 0. @return caller gives it back; NULL: out of memory, or libcrypto failed */
struct coterie_frame *udp_link_seal(struct udp_link *link, uint32_t nodeid, const struct coterie_frame *frame);
/** Seal frames and give them to fan_out. @return how many were taken; the rest has to wait */
uint32_t udp_link_multicast_sealed(struct udp_link *link, struct coterie_frame *const *frames, uint32_t count);
/** Read the statistic of peers whose keys differ. For host->stat_add: arg is the link. */
uint32_t udp_link_strangers(void *arg, void *value);
/** Read the statistic UDP_LINK_HEARD_KEY in the same way. */
uint32_t udp_link_heard(void *arg, void *value);
/** Read the statistic of the keys: in the same way. */
uint32_t udp_link_encryption(void *arg, void *value);
/** Publish what encryption has dropped, or stop that. */
void udp_link_add_stats(struct udp_link *link);
void udp_link_del_stats(struct udp_link *link);
/** Operation open of the filter of arrivals. The variable link->source is their peer. */
bool udp_link_open_datagram(void *arg, uint8_t *datagram, uint32_t *offset, uint32_t *size);

/* --- udp_link.c --- */

/**
 * @return size of the largest frame with its header that the ring makes of the netmtu while this link is in clear. Peers show
 *     whether the link has IPv6: before the first one is added, IPv4 is assumed
 */
uint32_t udp_link_frame_size(const struct udp_link *link);

/* --- udp_link_state.c --- */

/** Note the result of a send: is_sent, or its errno. May be called inside a send. */
void udp_link_note_result(struct udp_link *link, bool is_sent, int error);
/** Close the sockets and cancel the timers of the link's state. */
void udp_link_stop(struct udp_link *link);

#endif

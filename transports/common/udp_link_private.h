/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the files of a UDP link. No other file includes this header. */
#ifndef COMMON_UDP_LINK_PRIVATE_H
#define COMMON_UDP_LINK_PRIVATE_H

#include "transports/common/udp_link.h"

/* --- udp_link_secure.c --- */

/** Load the configured key, if there is one. @return 0; -EINVAL, -ENOTSUP, -ENODATA, -ENOMEM: it cannot be used */
int udp_link_keys_open(struct udp_link *link);
/** Read the configured key again. @return 0; COTERIE_RELOAD_REKEY; -errno: all stays as it was */
int udp_link_keys_reload(struct udp_link *link);
/** Return whether datagrams have to be opened, since there are keys. */
bool udp_link_is_opening(const struct udp_link *link);
/** Ask a peer, or all peers, to prove their sessions, unless there are no keys or no socket. */
void udp_link_greet(struct udp_link *link, struct peer *peer);
void udp_link_greet_all(struct udp_link *link);
/**
 * Seal a frame for one peer. nodeid 0: for all. @return caller releases it; NULL: out of memory, or libcrypto failed
 */
struct coterie_frame *udp_link_seal(struct udp_link *link, uint32_t nodeid, const struct coterie_frame *frame);
/** Seal frames and pass them to fan_out. @return how many were taken; the rest has to wait */
uint32_t udp_link_multicast_sealed(struct udp_link *link, struct coterie_frame *const *frames, uint32_t count);
/** Read the statistic UDP_LINK_STRANGERS_KEY. For host->stat_add; arg: the link. */
uint32_t udp_link_strangers(void *arg, void *value);
/** Read the statistic UDP_LINK_HEARD_KEY. For host->stat_add; arg: the link. */
uint32_t udp_link_heard(void *arg, void *value);
/** Read the statistic UDP_LINK_ENCRYPTION_KEY. For host->stat_add; arg: the link. */
uint32_t udp_link_encryption(void *arg, void *value);
/** Publish the counters of datagrams that encryption has dropped, or remove them. */
void udp_link_add_stats(struct udp_link *link);
void udp_link_del_stats(struct udp_link *link);
/** Open a datagram: function `open` of the filter of arrivals. link->source is the peer that sent it. */
bool udp_link_open_datagram(void *arg, uint8_t *datagram, uint32_t *offset, uint32_t *size);

/* --- udp_link_io.c --- */

/** Record frames, sealed if the link is encrypted, and pass them to fan_out. */
void udp_link_fan_out(struct udp_link *link, struct coterie_frame *const *frames, uint32_t count);

/* --- udp_link.c --- */

/**
 * Return the size of the largest frame, with its header, that the ring makes from the netmtu while this link is in
 * clear. The addresses of peers show whether the link has IPv6: until the first peer is added, IPv4 is assumed.
 */
uint32_t udp_link_frame_size(const struct udp_link *link);

/* --- udp_link_state.c --- */

/** Note the result of a send: whether it succeeded, and the errno if not. May be called inside a send. */
void udp_link_note_result(struct udp_link *link, bool is_sent, int error);
/** Close the sockets of the link and cancel its timers. */
void udp_link_stop(struct udp_link *link);

#endif

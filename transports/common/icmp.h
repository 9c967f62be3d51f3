/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors for datagrams of this host: the error queue of a socket with IP_RECVERR. */
#ifndef COMMON_ICMP_H
#define COMMON_ICMP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ICMP_QUOTE_MAX 192u /* 32 of these bytes may be the header of a sealed frame */

/** One entry of the error queue. Any host that guesses addresses and ports can forge an entry, so it is only a hint. */
struct icmp_report {
	int32_t error;              /* positive errno: ECONNREFUSED, EHOSTUNREACH, … */
	bool is_remote;             /* the error came in an ICMP message. false: this host made it */
	bool is_from_destination;   /* the destination host itself sent the error */
	struct sockaddr_storage to; /* destination of the datagram, with port */
	uint32_t quote_size;
	uint8_t quote[ICMP_QUOTE_MAX]; /* start of that datagram, as far as the message repeats it */
};

/**
 * Empty the error queue. If it is not emptied, epoll reports the socket again and again, and further sends fail.
 *
 * @param run  called for each entry; report is borrowed; may be NULL
 * @return number of entries
 */
uint32_t icmp_drain(int fd, void (*run)(void *arg, const struct icmp_report *report), void *arg);

#endif

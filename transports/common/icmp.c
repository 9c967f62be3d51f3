/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/common/icmp.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#include "transports/common/peers.h"

/*
 * Most entries that are read at a time, so that a flood of errors does not block the loop. If the queue is still not
 * empty, it is read again later.
 */
#define DRAIN_MAX 256

/* Find the entry in the control messages, and copy it and the address behind it. */
static bool read_error(struct msghdr *msg, struct sock_extended_err *error, struct sockaddr_storage *offender)
{
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		bool is_v4 = cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_RECVERR;
		bool is_v6 = cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_RECVERR;

		if ((!is_v4 && !is_v6) || cmsg->cmsg_len < CMSG_LEN(sizeof(*error)))
			continue;
		memcpy(error, CMSG_DATA(cmsg), sizeof(*error));
		memset(offender, 0, sizeof(*offender));

		size_t size = cmsg->cmsg_len - CMSG_LEN(sizeof(*error));

		memcpy(offender, CMSG_DATA(cmsg) + sizeof(*error), size < sizeof(*offender) ? size : sizeof(*offender));
		return true;
	}
	return false;
}

uint32_t icmp_drain(int fd, void (*run)(void *arg, const struct icmp_report *report), void *arg)
{
	uint32_t count = 0;

	for (; count < DRAIN_MAX; count++) {
		struct icmp_report report = {0};
		_Alignas(struct cmsghdr) uint8_t control[512];
		struct iovec iov = {.iov_base = report.quote, .iov_len = sizeof(report.quote)};
		struct msghdr msg = {
			.msg_name = &report.to,
			.msg_namelen = sizeof(report.to),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		struct sock_extended_err error;
		struct sockaddr_storage offender;

		ssize_t size = recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);

		if (size < 0)
			break;
		report.quote_size = (uint32_t)size;
		if (run == NULL || !read_error(&msg, &error, &offender))
			continue;
		report.error = (int32_t)error.ee_errno;
		report.is_remote = error.ee_origin == SO_EE_ORIGIN_ICMP || error.ee_origin == SO_EE_ORIGIN_ICMP6;
		report.is_from_destination = report.is_remote &&
					     address_equal((struct sockaddr *)&offender, (struct sockaddr *)&report.to);
		run(arg, &report);
	}
	return count;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/ctl/doctor/sockets.h"

#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef SK_MEMINFO_RCVBUF
#define SK_MEMINFO_RCVBUF 1
#endif

static bool is_port(const struct doctor_facts *facts, unsigned int port)
{
	for (uint32_t i = 0; i < facts->link_count; i++)
		if (doctor_port(facts, facts->links[i].number) == port)
			return true;
	return false;
}

/* --- drops --- */

static void count_drops(const struct doctor_facts *facts, const char *path, int64_t *sum)
{
	FILE *file = fopen(path, "re");
	char line[512];
	unsigned int port;

	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL) {
		int64_t drops;

		/*
		 * The fields are slot, local and remote address, state, queues, timer, retransmits, uid, timeout,
		 * inode, references, pointer, drops.
		 */
		if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*s %*s %*s %*s %*s %*u %*u %*u %*u %*s %" SCNd64, &port,
			    &drops) == 2 &&
			is_port(facts, port))
			*sum = (*sum < 0 ? 0 : *sum) + drops;
	}
	fclose(file);
}

int64_t sockets_drops(const struct doctor_facts *facts)
{
	int64_t sum = DOCTOR_UNKNOWN;

	count_drops(facts, "/proc/self/net/udp", &sum);
	count_drops(facts, "/proc/self/net/udp6", &sum);
	return sum;
}

/* --- datagrams --- */

/*
 * Read the count of IPv4. One line "Udp: InDatagrams NoPorts ..." has the names, and the next line with "Udp:" has the
 * numbers.
 */
static int64_t count_v4(void)
{
	FILE *file = fopen("/proc/self/net/snmp", "re");
	int64_t count = DOCTOR_UNKNOWN;
	char line[1024];

	while (file != NULL && count < 0 && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "Udp: %" SCNd64, &count) != 1)
			count = DOCTOR_UNKNOWN;
	if (file != NULL)
		fclose(file);
	return count;
}

static int64_t count_v6(void)
{
	FILE *file = fopen("/proc/self/net/snmp6", "re");
	int64_t count = 0;
	char line[256];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "Udp6InDatagrams %" SCNd64, &count) == 1)
			break;
	if (file != NULL)
		fclose(file);
	return count;
}

int64_t sockets_datagrams(void)
{
	int64_t count = count_v4();

	return count < 0 ? DOCTOR_UNKNOWN : count + count_v6();
}

/* --- buffers: sock_diag(7) --- */

static bool ask(int fd, uint8_t family)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 request;
	} message = {
		.header = {.nlmsg_len = sizeof(message),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.request = {.sdiag_family = family,
			.sdiag_protocol = IPPROTO_UDP,
			.idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1),
			.idiag_states = UINT32_MAX},
	};
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	return sendto(fd, &message, sizeof(message), 0, (const struct sockaddr *)&kernel, sizeof(kernel)) ==
	       (ssize_t)sizeof(message);
}

/* `header` is not changed: the macros of the kernel's headers do not keep const. */
static void read_socket(const struct doctor_facts *facts, struct nlmsghdr *header, int64_t *least)
{
	struct inet_diag_msg message;
	const size_t head = NLMSG_ALIGN(sizeof(message));
	size_t left = NLMSG_PAYLOAD(header, 0);
	const uint8_t *at = NLMSG_DATA(header);

	if (left < sizeof(message))
		return;
	memcpy(&message, at, sizeof(message));
	if (!is_port(facts, ntohs(message.id.idiag_sport)) || left < head)
		return;
	at += head;
	left -= head;
	while (left >= sizeof(struct nlattr)) {
		struct nlattr attribute;
		uint32_t values[SK_MEMINFO_RCVBUF + 1];

		memcpy(&attribute, at, sizeof(attribute));
		if (attribute.nla_len < sizeof(attribute) || attribute.nla_len > left)
			return;
		if (attribute.nla_type == INET_DIAG_SKMEMINFO &&
			attribute.nla_len >= sizeof(struct nlattr) + sizeof(values)) {
			memcpy(values, at + sizeof(struct nlattr), sizeof(values));
			if (*least < 0 || values[SK_MEMINFO_RCVBUF] < *least)
				*least = values[SK_MEMINFO_RCVBUF];
		}
		size_t step = NLA_ALIGN(attribute.nla_len);
		if (step > left)
			return;
		at += step;
		left -= step;
	}
}

static void read_all(const struct doctor_facts *facts, int fd, int64_t *least)
{
	union {
		struct nlmsghdr header;
		char bytes[16384];
	} buffer;

	for (;;) {
		ssize_t size = recv(fd, &buffer, sizeof(buffer), 0);
		unsigned int left = size > 0 ? (unsigned int)size : 0;

		if (size <= 0)
			return;
		for (struct nlmsghdr *header = &buffer.header; NLMSG_OK(header, left);
			header = NLMSG_NEXT(header, left)) {
			if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
				return;
			read_socket(facts, header, least);
		}
	}
}

int64_t sockets_receive_buffer(const struct doctor_facts *facts)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	int64_t least = DOCTOR_UNKNOWN;

	for (size_t i = 0; i < sizeof(families); i++) {
		int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
		const struct timeval limit = {.tv_sec = 1};

		if (fd < 0)
			return DOCTOR_UNKNOWN;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		if (ask(fd, families[i]))
			read_all(facts, fd, &least);
		close(fd);
	}
	return least;
}

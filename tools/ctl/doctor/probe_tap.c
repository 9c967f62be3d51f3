/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Capture packets that pass an interface: arriving packets before any filter of this host, and leaving packets behind
 * all filters.
 */
#include "tools/ctl/doctor/probe.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_SIZE (4 << 20)
#define SNAP_SIZE 128 /* bytes of the headers */
#define V6_HEADER 40

struct arp {
	struct arphdr head;
	uint8_t sender_mac[6], sender_ip[4], target_mac[6], target_ip[4];
} __attribute__((packed));
_Static_assert(sizeof(struct arp) == 28, "on the wire: RFC 826");

void probe_tap_open(struct probe_link *link)
{
	/* The filter accepts all packets, and cuts them behind their headers. */
	struct sock_filter take[] = {BPF_STMT(BPF_RET | BPF_K, SNAP_SIZE)};
	const struct sock_fprog filter = {.len = 1, .filter = take};
	const int size = BUFFER_SIZE;
	struct sockaddr_ll local = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = link->index};
	struct packet_mreq groups = {.mr_ifindex = link->index, .mr_type = PACKET_MR_ALLMULTI};
	struct ifreq request = {.ifr_flags = 0};

	link->tap_fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (link->tap_fd < 0)
		return;
	setsockopt(link->tap_fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
	setsockopt(link->tap_fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(link->tap_fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &groups, sizeof(groups));
	snprintf(request.ifr_name, IFNAMSIZ, "%.15s", link->link->interface);
	if (ioctl(link->tap_fd, SIOCGIFHWADDR, &request) == 0)
		memcpy(link->mac, request.ifr_hwaddr.sa_data, sizeof(link->mac));
	if (bind(link->tap_fd, (struct sockaddr *)&local, sizeof(local)) < 0) {
		close(link->tap_fd);
		link->tap_fd = -1;
	}
}

static void mac_text(const uint8_t mac[6], char text[20])
{
	snprintf(text, 20, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static void add_mac(char macs[4][20], uint32_t *count, const uint8_t mac[6])
{
	char text[20];

	mac_text(mac, text);
	for (uint32_t i = 0; i < *count; i++)
		if (strcmp(macs[i], text) == 0)
			return;
	if (*count < 4)
		memcpy(macs[(*count)++], text, sizeof(text));
}

/*
 * Return whether a MAC address is of this host. Another interface of this host in the same segment answers for all
 * addresses of the host (arp_ignore = 0).
 */
static bool is_own_mac(const uint8_t mac[6])
{
	struct ifaddrs *list = NULL;
	bool is_own = false;

	if (getifaddrs(&list) < 0)
		return false;
	for (const struct ifaddrs *one = list; one != NULL && !is_own; one = one->ifa_next) {
		struct sockaddr_ll address;

		if (one->ifa_addr == NULL || one->ifa_addr->sa_family != AF_PACKET)
			continue;
		memcpy(&address, one->ifa_addr, sizeof(address));
		is_own = address.sll_halen == 6 && memcmp(address.sll_addr, mac, 6) == 0;
	}
	freeifaddrs(list);
	return is_own;
}

/* --- ARP --- */

void probe_tap_arp(struct probe_link *link, const struct doctor_path *path)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = link->index,
		.sll_halen = 6,
		.sll_addr = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	struct arp ask = {.head = {.ar_hrd = htons(ARPHRD_ETHER),
				  .ar_pro = htons(ETH_P_IP),
				  .ar_hln = 6,
				  .ar_pln = 4,
				  .ar_op = htons(ARPOP_REQUEST)}};

	if (link->tap_fd < 0 || link->family != AF_INET)
		return;
	memcpy(ask.sender_mac, link->mac, sizeof(ask.sender_mac));
	/*
	 * A request for this node's own address must not have it as the sender's address: this would announce the
	 * address (RFC 5227).
	 */
	if (path != NULL && inet_pton(AF_INET, link->link->address, ask.sender_ip) != 1)
		return;
	if (inet_pton(AF_INET, path != NULL ? path->address : link->link->address, ask.target_ip) != 1)
		return;
	ssize_t sent = sendto(link->tap_fd, &ask, sizeof(ask), 0, (struct sockaddr *)&to, sizeof(to));
	(void)sent; /* a request that was not sent only has no answer */
}

static void note_arp(struct probe *probe, struct probe_link *link, const uint8_t *bytes, size_t size)
{
	struct arp answer;
	char address[DOCTOR_ADDRESS_SIZE];

	if (size < sizeof(answer))
		return;
	memcpy(&answer, bytes, sizeof(answer));
	if (answer.head.ar_op != htons(ARPOP_REPLY) || answer.head.ar_pln != 4 || answer.head.ar_hln != 6 ||
		inet_ntop(AF_INET, answer.sender_ip, address, sizeof(address)) == NULL)
		return;
	struct probe_path *own = probe_find(probe, link, address);
	if (strcmp(address, link->link->address) == 0) {
		if (!is_own_mac(answer.sender_mac))
			add_mac(link->macs, &link->mac_count, answer.sender_mac);
	} else if (own != NULL && !is_own_mac(answer.sender_mac)) {
		add_mac(own->macs, &own->mac_count, answer.sender_mac);
	}
}

/* --- packets of the ring --- */

struct packet {
	char from[DOCTOR_ADDRESS_SIZE], to[DOCTOR_ADDRESS_SIZE];
	uint8_t protocol;
	uint16_t port; /* UDP port to which the packet is sent; 0: no UDP */
	bool is_fragment, is_group;
	int64_t size;
};

static bool parse_v4(const uint8_t *bytes, size_t size, struct packet *packet)
{
	struct iphdr head;
	struct udphdr udp;

	if (size < sizeof(head))
		return false;
	memcpy(&head, bytes, sizeof(head));
	const size_t length = (size_t)head.ihl * 4;
	const uint16_t fragment = ntohs(head.frag_off);
	if (head.version != 4 || inet_ntop(AF_INET, &head.saddr, packet->from, sizeof(packet->from)) == NULL ||
		inet_ntop(AF_INET, &head.daddr, packet->to, sizeof(packet->to)) == NULL)
		return false;
	packet->protocol = head.protocol;
	packet->size = ntohs(head.tot_len);
	packet->is_fragment = (fragment & (IP_MF | IP_OFFMASK)) != 0;
	packet->is_group = (ntohl(head.daddr) & 0xf0000000u) == 0xe0000000u;
	if (head.protocol == IPPROTO_UDP && (fragment & IP_OFFMASK) == 0 && size >= length + sizeof(udp)) {
		memcpy(&udp, bytes + length, sizeof(udp));
		packet->port = ntohs(udp.dest);
	}
	return true;
}

static bool parse_v6(const uint8_t *bytes, size_t size, struct packet *packet)
{
	struct udphdr udp;

	if (size < V6_HEADER || bytes[0] >> 4 != 6 ||
		inet_ntop(AF_INET6, bytes + 8, packet->from, sizeof(packet->from)) == NULL ||
		inet_ntop(AF_INET6, bytes + 24, packet->to, sizeof(packet->to)) == NULL)
		return false;
	packet->protocol = bytes[6];
	packet->size = V6_HEADER + (bytes[4] << 8 | bytes[5]);
	packet->is_group = bytes[24] == 0xff;
	packet->is_fragment = bytes[6] == IPPROTO_FRAGMENT;
	if (bytes[6] == IPPROTO_UDP && size >= V6_HEADER + sizeof(udp)) {
		memcpy(&udp, bytes + V6_HEADER, sizeof(udp));
		packet->port = ntohs(udp.dest);
	}
	return true;
}

static void note_outgoing(struct probe *probe, struct probe_link *link, const struct packet *packet)
{
	struct probe_path *own = probe_find(probe, link, packet->to);

	if (packet->port != link->port)
		return;
	if (own != NULL)
		own->path->packets_out++;
	if (!packet->is_group)
		return;
	memcpy(link->link->group, packet->to, sizeof(link->link->group));
	for (size_t i = 0; i < probe->path_count; i++)
		if (probe->paths[i].path->link == link->link->number)
			probe->paths[i].path->packets_out++;
}

static void note_incoming(
	struct probe *probe, struct probe_link *link, const struct packet *packet, const uint8_t mac[6])
{
	struct probe_path *own = probe_find(probe, link, packet->from);
	struct doctor_link *told = link->link;

	if (own != NULL && packet->is_fragment && packet->protocol != IPPROTO_UDP && packet->size > own->fragment_max)
		own->fragment_max = packet->size;
	if (packet->port != link->port)
		return;
	if (own == NULL) {
		if (strcmp(packet->to, told->address) == 0 ||
			(packet->is_group && strcmp(packet->to, told->group) == 0))
			memcpy(told->unlisted, packet->from, sizeof(told->unlisted));
		return;
	}
	if (packet->is_group && told->group[0] != '\0' && strcmp(packet->to, told->group) != 0) {
		memcpy(told->foreign_group, packet->to, sizeof(told->foreign_group));
		told->foreign_node = own->path->nodeid;
		return;
	}
	own->path->packets_in++;
	if (own->path->nodeid == probe->facts->self)
		mac_text(mac, own->path->macs[0]);
}

void probe_tap_read(struct probe *probe, struct probe_link *link)
{
	uint8_t bytes[SNAP_SIZE];

	for (;;) {
		struct sockaddr_ll from;
		socklen_t from_size = sizeof(from);
		ssize_t size = recvfrom(
			link->tap_fd, bytes, sizeof(bytes), MSG_TRUNC, (struct sockaddr *)&from, &from_size);
		const size_t seen = size > (ssize_t)sizeof(bytes) ? sizeof(bytes) : (size_t)size;
		struct packet packet = {.port = 0};

		if (size < 0)
			return;
		if (from.sll_protocol == htons(ETH_P_ARP) && from.sll_pkttype != PACKET_OUTGOING)
			note_arp(probe, link, bytes, seen);
		bool is_parsed = from.sll_protocol == htons(ETH_P_IP)     ? parse_v4(bytes, seen, &packet)
				 : from.sll_protocol == htons(ETH_P_IPV6) ? parse_v6(bytes, seen, &packet)
									  : false;
		if (is_parsed && from.sll_pkttype == PACKET_OUTGOING)
			note_outgoing(probe, link, &packet);
		else if (is_parsed && from.sll_pkttype <= PACKET_MULTICAST)
			note_incoming(probe, link, &packet, from.sll_addr);
	}
}

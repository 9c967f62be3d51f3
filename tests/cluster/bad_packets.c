/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets that no daemon sends, made from packets that daemons have sent.
 *
 *	bad_packets record FILE SECONDS INTERFACE        record the ring's packets on the interface
 *	bad_packets attack FILE COUNT SEED ADDRESS...    send COUNT of them, damaged, to each address
 *
 * Recording needs CAP_NET_RAW in the network namespace. The same seed sends the same packets.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RING_PORT 5405
#define TYPES 6
#define KEPT_PER_TYPE 200
#define PACKET_MAX 9216
#define HEADER_SIZE 13 /* size of magic, version, type, encapsulated and node id */
#define SEALED 0xce    /* first byte of an encrypted packet */

struct packet {
	uint32_t size;
	uint8_t bytes[PACKET_MAX];
};

/* xorshift: the same numbers on every machine. */
static uint64_t random_state;

static uint32_t random_below(uint32_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 20) % bound);
}

/* Return the type of a packet, TYPES if it has none. */
static unsigned int type_of(const uint8_t *bytes)
{
	unsigned int type = bytes[0] == SEALED ? bytes[1] & 15 : bytes[3];

	return type < TYPES ? type : TYPES;
}

static int record(const char *path, unsigned int seconds, const char *interface)
{
	unsigned int kept[TYPES] = {0};
	struct sockaddr_ll any = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL), /* ETH_P_IP would show incoming packets only */
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	struct timeval timeout = {.tv_usec = 100000};
	time_t until = time(NULL) + seconds;
	FILE *file = fopen(path, "w");
	int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
	uint8_t ip[65536];

	if (file == NULL || fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0) {
		perror("record");
		return 2;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	while (time(NULL) < until) {
		ssize_t size = recv(fd, ip, sizeof(ip), 0);
		size_t header = (size_t)(ip[0] & 15) * 4;

		/*
		 * Keep only whole UDP packets to the ring's port. A packet into which offload has combined several is
		 * skipped.
		 */
		if (size < (ssize_t)header + 8 + HEADER_SIZE || ip[0] >> 4 != 4 || ip[9] != IPPROTO_UDP)
			continue;
		const uint8_t *udp = ip + header;
		uint32_t payload = (uint32_t)(size - (ssize_t)header - 8);
		if ((udp[2] << 8 | udp[3]) != RING_PORT || payload > PACKET_MAX || type_of(udp + 8) == TYPES ||
			kept[type_of(udp + 8)] == KEPT_PER_TYPE)
			continue;
		kept[type_of(udp + 8)]++;
		fwrite(&payload, sizeof(payload), 1, file);
		fwrite(udp + 8, payload, 1, file);
	}
	printf("kept by type:");
	for (int type = 0; type < TYPES; type++)
		printf(" %u", kept[type]);
	printf("\n");
	return fclose(file) == 0 ? 0 : 2;
}

static void set_u32(struct packet *packet, uint32_t at, uint32_t value)
{
	if (at + sizeof(value) <= packet->size)
		memcpy(packet->bytes + at, &value, sizeof(value));
}

/* Apply one of eight kinds of damage. The first one changes nothing, so the packet is sent again as it was. */
static void damage(struct packet *packet)
{
	static const uint32_t extremes[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x00ffffff, 384, 385, 16384};

	switch (random_below(8)) {
	case 0:
		break;
	case 1: /* cut short */
		packet->size = random_below(packet->size + 1);
		break;
	case 2: /* flipped bits */
		for (uint32_t flips = 1 + random_below(8); flips > 0 && packet->size > 0; flips--)
			packet->bytes[random_below(packet->size)] ^= (uint8_t)(1u << random_below(8));
		break;
	case 3: /* a valid header, then random bytes */
		for (uint32_t at = HEADER_SIZE; at < packet->size; at++)
			packet->bytes[at] = (uint8_t)random_below(256);
		break;
	case 4: /* extreme numbers at any offset: fields are not aligned on the wire */
		for (uint32_t count = 1 + random_below(3); count > 0; count--)
			set_u32(packet, HEADER_SIZE + random_below(64), extremes[random_below(9)]);
		break;
	case 5: /* random bytes of any length */
		packet->size = random_below(1500);
		for (uint32_t at = 0; at < packet->size; at++)
			packet->bytes[at] = (uint8_t)random_below(256);
		break;
	case 6: /* random bytes behind the packet */
		for (uint32_t more = random_below(4096); more > 0 && packet->size < PACKET_MAX; more--)
			packet->bytes[packet->size++] = (uint8_t)random_below(256);
		break;
	case 7: /* a header of the other byte order */
		if (packet->size >= 2) {
			packet->bytes[0] ^= 0xb0;
			packet->bytes[1] ^= 0xb0;
		}
		break;
	}
}

static struct packet *packets_load(const char *path, uint32_t *count)
{
	struct packet *packets = calloc(TYPES * KEPT_PER_TYPE, sizeof(*packets));
	FILE *file = fopen(path, "r");

	*count = 0;
	if (packets == NULL || file == NULL)
		return NULL;
	while (*count < TYPES * KEPT_PER_TYPE) {
		struct packet *packet = &packets[*count];

		if (fread(&packet->size, sizeof(packet->size), 1, file) != 1 || packet->size > PACKET_MAX ||
			fread(packet->bytes, packet->size, 1, file) != 1)
			break;
		(*count)++;
	}
	fclose(file);
	return packets;
}

static int attack(const char *path, unsigned long count, char **addresses, int address_count)
{
	uint32_t known;
	struct packet *packets = packets_load(path, &known);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(RING_PORT)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	unsigned long sent = 0;

	if (fd < 0 || packets == NULL || known == 0) {
		fprintf(stderr, "no packets in %s\n", path);
		return 2;
	}
	for (unsigned long i = 0; i < count; i++) {
		struct packet packet = packets[random_below(known)];

		damage(&packet);
		for (int j = 0; j < address_count; j++) {
			inet_pton(AF_INET, addresses[j], &to.sin_addr);
			sent += sendto(fd, packet.bytes, packet.size, 0, (struct sockaddr *)&to, sizeof(to)) >= 0;
		}
		/* Send slowly, so that packets are received instead of being dropped by a full socket. */
		if (i % 50 == 49)
			nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
	printf("sent %lu packets made from %u\n", sent, known);
	free(packets);
	return sent == 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "record") == 0)
		return record(argv[2], (unsigned int)strtoul(argv[3], NULL, 10), argv[4]);
	if (argc >= 6 && strcmp(argv[1], "attack") == 0) {
		random_state = strtoull(argv[4], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) + 1;
		return attack(argv[2], strtoul(argv[3], NULL, 10), argv + 5, argc - 5);
	}
	fprintf(stderr, "usage: bad_packets record FILE SECONDS INTERFACE | "
			"attack FILE COUNT SEED ADDRESS...\n");
	return 2;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* Probe the paths to the other nodes. One loop sends all probes, and reads the answers until the window is over. */
#include "tools/ctl/doctor/collect.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/ctl/doctor/address.h"
#include "tools/ctl/doctor/probe.h"

#define PROBES 200    /* echo requests on each path within the window */
#define RATE_MAX 4000 /* echo requests on all paths in a second */
#define GRACE_MS 300  /* time to wait for the last answers */
#define ROUND_MS 150  /* length of one round of a search for the MTU */
#define ROUNDS_MAX 12
#define CHUNK 16 /* packets of a search at once: the answers to more would not fit into the buffer */
#define CHUNK_MS 2
#define TIME_EVERY 20 /* echo requests between two requests for the time */
#define UDP_MTU 1500  /* see book transports, "Sizes" */

struct probe_path *probe_find(struct probe *probe, const struct probe_link *link, const char *address)
{
	for (size_t i = 0; i < probe->path_count; i++)
		if (probe->paths[i].path->link == link->link->number &&
			strcmp(probe->paths[i].path->address, address) == 0)
			return &probe->paths[i];
	return NULL;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- the list --- */

static bool is_here(const struct ifaddrs *list, const char *address)
{
	char text[DOCTOR_ADDRESS_SIZE];

	for (const struct ifaddrs *one = list; one != NULL; one = one->ifa_next)
		if (one->ifa_addr != NULL && address_number(one->ifa_addr, text) && strcmp(text, address) == 0)
			return true;
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

/*
 * Return the size of the largest packet that the ring sends over this link, IP header included. With knet this is the
 * MTU of the interface, since libknet measures the path and uses all of it.
 */
static int64_t wanted_mtu(const struct doctor_facts *facts, const struct doctor_link *link)
{
	const int64_t configured = doctor_number(&facts->config, "totem.netmtu", 0);

	if (strcmp(doctor_transport(facts), "knet") == 0)
		return link->mtu;
	return configured > 0 ? configured : UDP_MTU;
}

static void add_path(struct doctor_facts *facts, const struct doctor_member *member, const struct doctor_link *link,
	const struct ifaddrs *list)
{
	struct doctor_path *path = &facts->paths[facts->path_count];
	const char *address = member->resolved[link->number];

	if (address[0] == '\0')
		return;
	*path = (struct doctor_path){.nodeid = member->id,
		.link = link->number,
		.mtu_wanted = DOCTOR_UNKNOWN,
		.mtu_passed = DOCTOR_UNKNOWN,
		.mtu_failed = DOCTOR_UNKNOWN,
		.mtu_reported = DOCTOR_UNKNOWN,
		.mtu_back = DOCTOR_UNKNOWN};
	memcpy(path->name, member->name, sizeof(path->name));
	memcpy(path->address, address, sizeof(path->address));
	path->is_loopback = member->id != facts->self && is_here(list, address);
	if (link->interface[0] != '\0' && !path->is_loopback)
		path->mtu_wanted = wanted_mtu(facts, link);
	path->heard_ms = DOCTOR_UNKNOWN;
	facts->path_count++;
}

static void make_paths(struct doctor_facts *facts)
{
	struct ifaddrs *list = NULL;

	if (getifaddrs(&list) < 0)
		list = NULL;
	facts->paths = calloc(facts->member_count * facts->link_count + 1, sizeof(*facts->paths));
	for (uint32_t i = 0; facts->paths != NULL && i < facts->link_count; i++)
		for (size_t k = 0; k < facts->member_count; k++)
			add_path(facts, &facts->members[k], &facts->links[i], list);
	freeifaddrs(list);
}

static bool is_probed(const struct probe *probe, const struct probe_path *own)
{
	return own->path->nodeid != probe->facts->self && !own->path->is_loopback;
}

/* --- TCP --- */

static void connect_path(const struct probe_link *link, struct probe_path *own)
{
	struct sockaddr_storage from, to;
	const int late = 1;
	socklen_t from_size = address_parse(link->link->address, 0, &from);
	socklen_t to_size = address_parse(own->path->address, link->port, &to);

	own->tcp_fd = socket(link->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (own->tcp_fd < 0)
		return;
	setsockopt(own->tcp_fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof(late));
	own->path->tcp = DOCTOR_SILENT;
	if (bind(own->tcp_fd, (struct sockaddr *)&from, from_size) < 0) {
		own->path->tcp = DOCTOR_UNTRIED;
	} else if (connect(own->tcp_fd, (struct sockaddr *)&to, to_size) == 0) {
		own->path->tcp = DOCTOR_ANSWERS;
	} else if (errno == EINPROGRESS) {
		return;
	} else {
		own->path->tcp = errno == EPERM || errno == EACCES ? DOCTOR_FORBIDS
				 : errno == ECONNREFUSED           ? DOCTOR_REFUSES
								   : DOCTOR_NO_ROUTE;
	}
	close(own->tcp_fd);
	own->tcp_fd = -1;
}

static void end_connect(struct probe_path *own)
{
	int error = 0;
	socklen_t size = sizeof(error);

	getsockopt(own->tcp_fd, SOL_SOCKET, SO_ERROR, &error, &size);
	own->path->tcp = error == 0                          ? DOCTOR_ANSWERS
			 : error == ECONNREFUSED             ? DOCTOR_REFUSES
			 : error == EACCES || error == EPERM ? DOCTOR_FORBIDS
			 : error == ETIMEDOUT                ? DOCTOR_SILENT
							     : DOCTOR_NO_ROUTE;
	close(own->tcp_fd);
	own->tcp_fd = -1;
}

/* --- the loop --- */

static struct probe_link *link_of(struct probe *probe, const struct probe_path *own)
{
	for (uint32_t i = 0; i < probe->link_count; i++)
		if (probe->links[i].link->number == own->path->link)
			return &probe->links[i];
	return NULL;
}

/* Read answers until this time. */
static void listen_for(struct probe *probe, int64_t until_ms)
{
	struct pollfd *fds = calloc(2 * DOCTOR_LINKS_MAX + probe->path_count, sizeof(*fds));

	for (int64_t left = until_ms - now_ms(); fds != NULL && left > 0; left = until_ms - now_ms()) {
		nfds_t count = 0;

		for (uint32_t i = 0; i < probe->link_count; i++) {
			fds[count++] = (struct pollfd){.fd = probe->links[i].icmp_fd, .events = POLLIN};
			fds[count++] = (struct pollfd){.fd = probe->links[i].tap_fd, .events = POLLIN};
		}
		const nfds_t first = count;
		for (size_t i = 0; i < probe->path_count; i++)
			fds[count++] = (struct pollfd){.fd = probe->paths[i].tcp_fd, .events = POLLOUT};
		if (poll(fds, count, (int)left) <= 0)
			continue;
		for (uint32_t i = 0; i < probe->link_count; i++) {
			if (fds[2 * i].revents != 0)
				probe_icmp_read(probe, &probe->links[i]);
			if (fds[2 * i + 1].revents != 0)
				probe_tap_read(probe, &probe->links[i]);
		}
		for (size_t i = 0; i < probe->path_count; i++)
			if (fds[first + i].revents != 0)
				end_connect(&probe->paths[i]);
	}
	free(fds);
}

static void send_round(struct probe *probe, uint32_t number)
{
	for (size_t i = 0; i < probe->path_count; i++) {
		struct probe_path *own = &probe->paths[i];
		struct probe_link *link = link_of(probe, own);

		if (link == NULL || !is_probed(probe, own))
			continue;
		if (number == 0)
			connect_path(link, own);
		if (link->icmp_fd >= 0) {
			int rc = probe_icmp_echo(link, own->path, (uint16_t)number, 0);

			own->path->sent++;
			if (own->path->icmp == DOCTOR_UNTRIED)
				own->path->icmp = rc == -EPERM || rc == -EACCES ? DOCTOR_FORBIDS : DOCTOR_SILENT;
			if (number % TIME_EVERY == 1)
				probe_icmp_time(link, own->path);
		}
		if (number == 2 || number == PROBES / 4)
			probe_tap_arp(link, own->path);
	}
	if (number == 3 || number == PROBES / 4)
		for (uint32_t i = 0; i < probe->link_count; i++)
			probe_tap_arp(&probe->links[i], NULL);
}

/* --- path MTU --- */

static void add_size(struct probe_path *own, int64_t size)
{
	if (own->tried_count < PROBE_SIZES_MAX && size > 0)
		own->tried[own->tried_count++] = size;
}

/*
 * Choose the sizes of the next round: first the wanted size and common sizes, then the middle of the remaining range.
 */
static bool choose_sizes(struct probe_path *own, int round)
{
	static const int64_t common[] = {1492, 1480, 1450, 1400, 1300, 1280, 1000, 576, 300};
	const int64_t wanted = own->path->mtu_wanted;

	own->tried_count = 0;
	memset(own->has_passed, 0, sizeof(own->has_passed));
	if (wanted < 0 || own->path->icmp != DOCTOR_ANSWERS || own->passed >= wanted)
		return false;
	if (round < 2) {
		add_size(own, wanted);
	} else if (round == 2) {
		for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
			if (common[i] < wanted)
				add_size(own, common[i]);
	} else if (own->passed > 0 && own->failed > own->passed + 1) {
		add_size(own, (own->passed + own->failed) / 2);
	}
	return own->tried_count > 0;
}

static void note_sizes(struct probe_path *own)
{
	for (uint32_t i = 0; i < own->tried_count; i++) {
		if (own->has_passed[i] && own->tried[i] > own->passed)
			own->passed = own->tried[i];
		if (!own->has_passed[i] && (own->failed == 0 || own->tried[i] < own->failed))
			own->failed = own->tried[i];
	}
	if (own->failed != 0 && own->failed <= own->passed)
		own->failed = own->path->mtu_wanted > own->passed ? own->passed + 1 : 0; /* the smaller packet was
											  * lost by chance */
}

/* Send packets of all sizes of a path, three of each. *sent: packets of all paths in this round */
static void send_sizes(struct probe *probe, struct probe_link *link, struct probe_path *own, int round, uint32_t *sent)
{
	for (uint32_t i = 0; i < 3 * own->tried_count; i++) {
		probe_icmp_echo(
			link, own->path, (uint16_t)(PROBE_SIZE_NUMBER + round), own->tried[i % own->tried_count]);
		if (++*sent % CHUNK == 0)
			listen_for(probe, now_ms() + CHUNK_MS);
	}
}

static void search_mtu(struct probe *probe)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		uint32_t sent = 0;
		bool is_any = false;

		for (size_t i = 0; i < probe->path_count; i++) {
			struct probe_path *own = &probe->paths[i];
			struct probe_link *link = link_of(probe, own);

			if (link == NULL || !is_probed(probe, own) || !choose_sizes(own, round))
				continue;
			is_any = true;
			send_sizes(probe, link, own, round, &sent);
		}
		if (!is_any && round >= 2)
			break;
		if (!is_any)
			continue;
		listen_for(probe, now_ms() + ROUND_MS);
		for (size_t i = 0; i < probe->path_count; i++)
			note_sizes(&probe->paths[i]);
	}
	for (size_t i = 0; i < probe->path_count; i++) {
		struct probe_path *own = &probe->paths[i];

		if (own->passed > 0)
			own->path->mtu_passed = own->passed;
		if (own->failed > 0)
			own->path->mtu_failed = own->failed;
		if (own->fragment_max > 0)
			own->path->mtu_back = own->fragment_max;
	}
}

/* --- results --- */

static int compare(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void sum_up(const struct probe *probe, struct probe_path *own)
{
	struct doctor_path *path = own->path;
	int64_t sorted[PROBE_SAMPLES_MAX];
	uint32_t count = 0;

	for (uint32_t i = 0; i < PROBE_SAMPLES_MAX; i++)
		if (own->rtt_us[i] >= 0)
			sorted[count++] = own->rtt_us[i];
	if (count > 0) {
		qsort(sorted, count, sizeof(sorted[0]), compare);
		path->rtt_p50_us = sorted[count / 2];
		path->rtt_p99_us = sorted[count * 99 / 100 < count ? count * 99 / 100 : count - 1];
		path->rtt_max_us = sorted[count - 1];
	}
	path->duplicate_macs = own->mac_count;
	for (int i = 0; i < 2 && path->nodeid != probe->facts->self; i++)
		memcpy(path->macs[i], own->macs[i], sizeof(path->macs[i]));
	if (own->tcp_fd >= 0)
		close(own->tcp_fd);
}

static void open_links(struct probe *probe)
{
	struct doctor_facts *facts = probe->facts;

	for (uint32_t i = 0; i < facts->link_count; i++) {
		struct probe_link *link = &probe->links[probe->link_count];
		struct sockaddr_storage address;

		if (address_parse(facts->links[i].address, 0, &address) == 0 || facts->links[i].interface[0] == '\0')
			continue;
		*link = (struct probe_link){.link = &facts->links[i],
			.family = address.ss_family,
			.index = (int)if_nametoindex(facts->links[i].interface),
			.port = doctor_port(facts, facts->links[i].number),
			.id = (uint16_t)(getpid() + (int)i),
			.tap_fd = -1};
		probe_icmp_open(link);
		if (strcmp(facts->links[i].interface, "lo") != 0)
			probe_tap_open(link);
		if (link->icmp_fd < 0)
			snprintf(facts->why_no_network, sizeof(facts->why_no_network), "ICMP is for root here");
		if (link->tap_fd < 0 && strcmp(facts->links[i].interface, "lo") != 0)
			snprintf(facts->why_no_tap, sizeof(facts->why_no_tap), "only root may look at packets of %s",
				facts->links[i].interface);
		probe->link_count++;
	}
}

static void close_links(struct probe *probe)
{
	for (uint32_t i = 0; i < probe->link_count; i++) {
		struct probe_link *link = &probe->links[i];

		link->link->duplicate_macs = link->mac_count;
		memcpy(link->link->other_mac, link->macs[0], sizeof(link->link->other_mac));
		for (size_t k = 0; k < probe->path_count; k++)
			if (probe->paths[k].path->link == link->link->number)
				probe->paths[k].path->has_tap = link->tap_fd >= 0;
		if (link->icmp_fd >= 0)
			close(link->icmp_fd);
		if (link->tap_fd >= 0)
			close(link->tap_fd);
	}
}

void collect_paths(struct doctor_facts *facts, double window_s)
{
	struct probe probe = {.facts = facts};
	const int64_t begin_ms = now_ms(), window_ms = (int64_t)(window_s * 1000);
	uint32_t rounds = PROBES;

	make_paths(facts);
	probe.paths = calloc(facts->path_count + 1, sizeof(*probe.paths));
	if (facts->paths == NULL || probe.paths == NULL)
		return;
	for (size_t i = 0; i < facts->path_count; i++) {
		probe.paths[i] = (struct probe_path){.path = &facts->paths[i], .tcp_fd = -1};
		for (uint32_t k = 0; k < PROBE_SAMPLES_MAX; k++)
			probe.paths[i].rtt_us[k] = DOCTOR_UNKNOWN;
	}
	probe.path_count = facts->path_count;
	open_links(&probe);
	if ((double)probe.path_count * rounds > RATE_MAX * window_s)
		rounds = (uint32_t)(RATE_MAX * window_s / (double)probe.path_count);
	for (uint32_t round = 0; round < rounds; round++) {
		send_round(&probe, round);
		listen_for(&probe, begin_ms + window_ms * (round + 1) / rounds);
	}
	listen_for(&probe, now_ms() + GRACE_MS);
	search_mtu(&probe);
	for (size_t i = 0; i < probe.path_count; i++)
		sum_up(&probe, &probe.paths[i]);
	close_links(&probe);
	free(probe.paths);
}

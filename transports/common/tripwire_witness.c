/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Find out whether the host of a silent neighbour runs. Its kernel answers the keepalive probes of TCP even while the
 * daemon is stopped or gets no processor time. The daemon does not see the probes, so this works with older daemons,
 * too.
 *
 * The kernel sends a probe on request. TCP_KEEPIDLE starts the keepalive timer again, and its least value is one
 * second. If the last arrival is longer ago, the probe is sent at once, otherwise when the second is over. The probe
 * has no bytes, so no byte is left unread at the other end.
 */
#include "transports/common/tripwire_private.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>

#include "transports/common/socket.h"

#define MS UINT64_C(1000000)
#define PROBE_IDLE 1 /* seconds */
/* One probe may be lost, but two rarely are. The round trip is added to each gap between probes. */
#define PROBE_GAP_NS (125 * MS)
#define PROBES_ENOUGH 2u
#define PROBE_GAP_SILENT_NS (250 * MS)
/* Less than the time between two answers, which is a second. The kernel rounds times to the tick of its clock. */
#define ANSWER_GAP_MS 500u
/* After this time without a question the neighbour is no longer silent. */
#define QUESTIONS_END_NS (2000 * MS)

static bool read_info(int fd, struct tcp_info *info)
{
	socklen_t size = sizeof(*info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &size) == 0 &&
	       size >= offsetof(struct tcp_info, tcpi_rtt) + sizeof(info->tcpi_rtt);
}

/*
 * Return the time from the last arrival of data to the last answer. No data arrives on this connection any more, so
 * only an answer makes this time grow.
 */
static uint32_t answer_ms(const struct tcp_info *info) { return info->tcpi_last_data_recv - info->tcpi_last_ack_recv; }

static void begin(struct tripwire_witness *witness, int fd)
{
	struct tcp_info info;

	if (!read_info(fd, &info))
		return;
	witness->probes = info.tcpi_probes;
	witness->answer_ms = answer_ms(&info);
}

static uint32_t ask(struct tripwire_witness *witness, int fd, uint64_t now_ns)
{
	struct tcp_info info;

	if (!read_info(fd, &info))
		return COTERIE_WITNESS_UNKNOWN;
	if (info.tcpi_probes < witness->probes)
		witness->probes = 0; /* after an answer the kernel counts from 0 again */
	witness->is_asked = true;
	witness->asked_ns = now_ns;

	uint64_t trip_ns = UINT64_C(1000) * info.tcpi_rtt, waited_ns = now_ns - witness->probed_ns;
	bool has_waited = waited_ns >= PROBE_GAP_NS + trip_ns; /* for an answer to the last probe */
	bool is_silent = info.tcpi_probes - witness->probes >= PROBES_ENOUGH + (has_waited ? 0 : 1);
	uint32_t later_ms = answer_ms(&info) - witness->answer_ms;

	if (waited_ns >= trip_ns + (is_silent ? PROBE_GAP_SILENT_NS : PROBE_GAP_NS)) {
		socket_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, PROBE_IDLE);
		witness->probed_ns = now_ns;
	}
	if (is_silent)
		return COTERIE_WITNESS_SILENT;
	return later_ms >= ANSWER_GAP_MS && later_ms <= INT32_MAX ? COTERIE_WITNESS_ANSWERS : COTERIE_WITNESS_UNKNOWN;
}

/* Return whether questions about this connection go on. */
static bool goes_on(struct tripwire_witness *witness, int fd, uint64_t now_ns)
{
	if (fd < 0 || !witness->is_asked)
		return false;
	if (now_ns - witness->asked_ns < QUESTIONS_END_NS)
		return true;
	socket_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, TRIPWIRE_KEEP_IDLE);
	witness->is_asked = false;
	return false;
}

static void end_due(void *arg);

/* Set the timer that ends the probes. Without memory for it a probe is sent each second until the next question. */
static void set_timer(struct tripwire *wire, uint64_t now_ns)
{
	if (wire->witness_timer == NULL &&
		wire->host->timer_add(wire->ctx, now_ns + QUESTIONS_END_NS, end_due, wire, &wire->witness_timer) < 0)
		wire->witness_timer = NULL;
}

static void end_due(void *arg)
{
	struct tripwire *wire = arg;
	uint64_t now_ns = wire->host->now_ns(wire->ctx);
	bool is_asked = goes_on(&wire->witness, wire->fd, now_ns);

	wire->witness_timer = NULL;
	for (struct tripwire_guest *guest = wire->guests; guest != NULL; guest = guest->next)
		is_asked |= goes_on(&guest->witness, guest->fd, now_ns);
	if (is_asked)
		set_timer(wire, now_ns);
}

static struct tripwire_guest *guest_of(struct tripwire *wire, uint32_t nodeid)
{
	struct tripwire_guest *guest = wire->guests;

	while (guest != NULL && guest->nodeid != nodeid)
		guest = guest->next;
	return guest;
}

uint32_t tripwire_witness(struct tripwire *wire, uint32_t nodeid, bool is_first)
{
	bool is_neighbour = nodeid != 0 && wire->state == TRIPWIRE_ON && wire->target == nodeid;
	struct tripwire_guest *guest = nodeid != 0 ? guest_of(wire, nodeid) : NULL;
	uint64_t now_ns = wire->host->now_ns(wire->ctx);

	if (!is_neighbour && guest == NULL)
		return COTERIE_WITNESS_UNKNOWN;
	/* Probe only one of the two connections. The other one may be needed when this one has ended. */
	if (is_first && is_neighbour)
		begin(&wire->witness, wire->fd);
	if (is_first && guest != NULL)
		begin(&guest->witness, guest->fd);
	set_timer(wire, now_ns);
	return is_neighbour ? ask(&wire->witness, wire->fd, now_ns) : ask(&guest->witness, guest->fd, now_ns);
}

void tripwire_witness_fini(struct tripwire *wire)
{
	wire->host->timer_del(wire->ctx, wire->witness_timer);
	wire->witness_timer = NULL;
}

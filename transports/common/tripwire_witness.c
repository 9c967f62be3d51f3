/*
 * Whether the host of a silent neighbour lives. Its kernel answers the keepalive probes of TCP while the daemon is
 * stopped or starves. The daemon sees nothing of a probe, so an older one needs not know of it.
 *
 * The kernel sends a probe on request: TCP_KEEPIDLE starts the keepalive timer again, and one second is its least
 * value. The probe leaves at once where nothing arrived for longer than that, otherwise when the second is over. The
 * probe has no bytes, so nothing is left unread at the other end.
 */
#include "transports/common/tripwire_private.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>

#include "transports/common/socket.h"

#define MS UINT64_C(1000000)
#define PROBE_IDLE 1 /* seconds */
/* A probe without an answer may be lost, two hardly. A round trip comes on top of each gap. */
#define PROBE_GAP_NS (125 * MS)
#define PROBES_ENOUGH 2u
#define PROBE_GAP_SILENT_NS (250 * MS)
/* No question for so long: the neighbour is no longer silent. */
#define QUESTIONS_END_NS (2000 * MS)

static bool read_info(int fd, struct tcp_info *info)
{
	socklen_t size = sizeof(*info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &size) == 0 &&
	       size >= offsetof(struct tcp_info, tcpi_segs_in) + sizeof(info->tcpi_segs_in); /* Linux 4.2 */
}

static uint32_t ask(struct tripwire_witness *witness, int fd, uint64_t now_ns)
{
	struct tcp_info info;

	if (!read_info(fd, &info))
		return COTERIE_WITNESS_UNKNOWN;
	if (witness->asked_ns == 0)
		*witness = (struct tripwire_witness){.segments = info.tcpi_segs_in};
	witness->asked_ns = now_ns;

	uint64_t trip_ns = UINT64_C(1000) * info.tcpi_rtt, waited_ns = now_ns - witness->probed_ns;

	/* What arrived before the first question was sent before the neighbour fell silent. */
	if (info.tcpi_probes == 0 && info.tcpi_segs_in != witness->segments)
		witness->state = COTERIE_WITNESS_ANSWERS;
	else if (info.tcpi_probes >= PROBES_ENOUGH && waited_ns >= PROBE_GAP_NS + trip_ns)
		witness->state = COTERIE_WITNESS_SILENT;
	if (waited_ns >= trip_ns + (witness->state == COTERIE_WITNESS_SILENT ? PROBE_GAP_SILENT_NS : PROBE_GAP_NS)) {
		socket_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, PROBE_IDLE);
		witness->probed_ns = now_ns;
	}
	return witness->state;
}

/* @return questions about this connection go on */
static bool is_asked(struct tripwire_witness *witness, int fd, uint64_t now_ns)
{
	if (fd < 0 || witness->asked_ns == 0)
		return false;
	if (now_ns - witness->asked_ns < QUESTIONS_END_NS)
		return true;
	socket_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, TRIPWIRE_KEEP_IDLE);
	*witness = (struct tripwire_witness){0};
	return false;
}

static void end_due(void *arg);

/* Without memory for a timer a probe leaves each second until the next question. */
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
	bool goes_on = is_asked(&wire->witness, wire->fd, now_ns);

	wire->witness_timer = NULL;
	for (uint32_t i = 0; i < TRIPWIRE_GUESTS_MAX; i++)
		goes_on |= is_asked(&wire->guests[i].witness, wire->guests[i].fd, now_ns);
	if (goes_on)
		set_timer(wire, now_ns);
}

uint32_t tripwire_witness(struct tripwire *wire, uint32_t nodeid)
{
	uint64_t now_ns = wire->host->now_ns(wire->ctx);

	if (nodeid == 0)
		return COTERIE_WITNESS_UNKNOWN;
	if (wire->state == TRIPWIRE_ON && wire->target == nodeid) {
		set_timer(wire, now_ns);
		return ask(&wire->witness, wire->fd, now_ns);
	}
	for (uint32_t i = 0; i < TRIPWIRE_GUESTS_MAX; i++)
		if (wire->guests[i].fd >= 0 && wire->guests[i].nodeid == nodeid) {
			set_timer(wire, now_ns);
			return ask(&wire->guests[i].witness, wire->guests[i].fd, now_ns);
		}
	return COTERIE_WITNESS_UNKNOWN;
}

void tripwire_witness_fini(struct tripwire *wire)
{
	wire->host->timer_del(wire->ctx, wire->witness_timer);
	wire->witness_timer = NULL;
}

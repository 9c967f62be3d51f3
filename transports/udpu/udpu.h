/* What the two files of the transport share: its state, and who calls whom. */
#ifndef UDPU_UDPU_H
#define UDPU_UDPU_H

#include <stdbool.h>

#include <coterie/transport.h>

#include "transports/common/batch.h"
#include "transports/common/icmp.h"
#include "transports/common/peers.h"
#include "transports/common/pending.h"

/** When a line may be written again. */
struct limiter {
	uint64_t next_ns;
	uint64_t hidden;
};

struct udpu {
	const struct coterie_host *host; /* borrowed, outlives us */
	struct coterie_ctx *ctx;
	struct peers peers;
	struct sockaddr_storage local; /* set by link_up */
	bool is_open;                  /* link_up was called */
	bool is_up;                    /* as last reported */
	bool is_reported;              /* anything was */
	bool blocks_unlisted;
	bool has_offload;
	bool has_told_buffer;
	uint32_t buffer_size;
	uint32_t link;
	int fd;       /* -1: the address is not there */
	int watch_fd; /* news about interfaces; -1: not to be had */
	struct coterie_timer *retry;
	struct coterie_timer *refused;
	struct coterie_timer *recheck;
	uint64_t failing_ns; /* since when no send to anybody works; 0: the last one did */
	int cut_off_error;
	bool is_cut_off; /* that has lasted too long */
	bool has_started;
	struct batch_out out;
	struct batch_in *in;
	struct pending pending;
	uint64_t rejected, receive_errors;
	struct limiter reject_log, send_log;
};

/* --- udpu.c --- */

/** The socket is ready: errors, waiting frames, arrivals. */
void udpu_ready(void *arg, int fd, uint32_t revents);

/* --- link.c --- */

/** Operation link_up of the transport. */
int udpu_link_up(void *self, uint32_t link, const struct sockaddr *local);
void udpu_link_close(struct udpu *udpu);
/** An answer of the network to one of our datagrams. May be called inside a send. */
void udpu_on_icmp(void *arg, const struct icmp_report *report);
/** How a send went: is_sent, or the errno it failed with. May be called inside a send. */
void udpu_note_result(struct udpu *udpu, bool is_sent, int error);

#endif

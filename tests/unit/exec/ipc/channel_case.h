/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fixture of the tests of fast channels. The daemon's half runs on the real loop, with a service that records its
 * calls. The client library's half runs in forked processes. Each plays a short script, and reports the line of its
 * failure, or 0.
 */
#ifndef TESTS_UNIT_CHANNEL_CASE_H
#define TESTS_UNIT_CHANNEL_CASE_H

#include <check.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <qb/qbipc_common.h>

#include <coterie/channel.h>

#include "exec/ipc/ipc_channel.h"
#include "ipc_play.h"
#include "services/client/channel.h"
#include "services/client/dispatch.h"
#include "services/client/fast_channel.h"

#define ORDER_MAX 4096u

/* Requests of the service under test. */
enum {
	REQ_OPEN = 0, /* an offer follows the header, and the answer has the grant */
	REQ_FLOW = 1, /* needs room on the ring, noted in `order` as 0 */
	/* the service sends `value` numbered events of `size` bytes, and as many messages between them */
	REQ_EVENTS = 2,
	REQ_ASK = 3, /* needs no room and no quorum; answered at once */
};

struct req {
	struct qb_ipc_request_header header;
	uint32_t value, size;
	struct coterie_channel_offer offer;
};

struct res {
	struct qb_ipc_response_header header;
	struct coterie_channel_grant grant;
};

/* Variables shared with the client processes. */
struct shared {
	_Atomic int send_rc;
	_Atomic uint32_t refused;                    /* messages with this guarantee find no room; 0: none */
	_Atomic uint32_t handled, leaves, tried, at; /* at: how far the client's script has come */
	_Atomic uint32_t order[ORDER_MAX]; /* guarantees of the messages in the order of their arrival; 0: a REQ_FLOW */
	_Atomic bool is_synchronizing;
};

struct channel_case {
	struct ipc_node node;
	struct config config;
	struct plugin plugin;
	struct coterie_plugin descriptor;
	struct shared *shared;
	struct coterie_client *last;
	char instance[16];
	uint64_t backlog_max;
	uint32_t count_frames; /* number of frames that each message adds to exec_stub.queue */
	bool is_content_free;  /* messages may have any bytes. Otherwise all bytes of one message are equal */
};

extern struct channel_case f;

/* --- the executive's side --- */

TCase *channel_case_add(Suite *suite, const char *name);

/* --- a client's side --- */

extern struct channel channel; /* the channel of this client process */

/**
 * Call channel_call(). If `id` is REQ_OPEN, the request has an offer made by the library, whose socket is returned in
 * *post.
 */
ssize_t ask_with(int32_t id, uint32_t value, uint32_t size, struct res *res, int *post);
ssize_t ask(int32_t id, uint32_t value, uint32_t size, struct res *res);
/** Send a request without a body. @return 0: the answer was OK */
int plain(int32_t id);
int open_channel(void);
int send_message(uint32_t number, uint32_t size);
/** Send numbered messages. Repeat each one until there is room. */
int send_all(uint32_t count, uint32_t size);

/* Counts of received events and messages. */
struct got {
	_Atomic uint32_t events, messages, last_size;
	_Atomic bool is_wrong;
};
extern struct got got;
extern struct dispatch dispatcher;

struct dispatch_outcome on_event(void *arg, int32_t id, uint8_t *bytes, size_t size);
struct dispatch_outcome on_message(void *arg, const struct fast_record *record, uint8_t *bytes);
cs_error_t dispatch(cs_dispatch_flags_t type);
bool is_readable(int ms);

#endif

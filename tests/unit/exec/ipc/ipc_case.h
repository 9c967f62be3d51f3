/* SPDX-License-Identifier: BSD-3-Clause */
/* The fixture of the tests of the IPC server with real libqb clients: a service that does what their requests say. */
#ifndef TESTS_UNIT_IPC_CASE_H
#define TESTS_UNIT_IPC_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include <qb/qbipcc.h>

#include "ipc_play.h"

/* Requests of the service under test. */
enum {
	REQ_ECHO = 0,   /* its answer is the message */
	REQ_FLOW = 1,   /* needs room on the ring, answered with id 11 */
	REQ_SEND = 2,   /* needs room on the ring; no answer; counted */
	REQ_QUORUM = 3, /* needs quorum */
	REQ_EVENTS = 4, /* struct req_events */
	REQ_FAIL = 5,   /* fails with the errno in `value` */
	REQ_LATER = 6,  /* answered a little later */
	/* There is no request 7 in the table. */
	REQ_LEAVE = 8,       /* ends the connection */
	REQ_COUNT = 9,       /* its answer has the number of handled REQ_SEND */
	REQ_OBSERVE = 30,    /* needs only the right to observe */
	REQ_USE = 31,        /* needs the right to use, as requests without a flag do */
	REQ_ADMINISTER = 32, /* needs the right to administer */
	REQ_MAY = 33,        /* its answer says whether the client has the right in `value` */
	REQ_SILENT = 34,     /* needs the right to administer; no answer; counted */
	REQ_TELL = 35,       /* its answer says whether the node is quorate */
	REQ_BEGIN = 36,      /* needs room on the ring, refused while the client is held back */
	REQ_ASK = 37,        /* asks for the right in `value`, and succeeds without it */
};

struct req {
	struct coterie_request_header header;
	uint32_t value;
	uint32_t size;
	uint8_t bytes[48];
};

struct res {
	struct coterie_response_header header;
	uint32_t value;
	uint32_t pad;
	uint8_t bytes[128];
};

struct ipc_case {
	struct ipc_node node;
	struct config config;
	struct plugin plugin;
	struct coterie_plugin descriptor;
	struct coterie_client *last; /* client that joined last */
	unsigned int joins, leaves, handled, tried;
	uint32_t order[16];
	int send_rc, join_rc;
	uint32_t leave_us; /* time that client_leave takes */
	uint32_t ok_us;    /* time that a request takes whose answer is only OK */
	uint64_t backlog_max;
	uint64_t events_ns; /* time that the service took to send the last events */
	char instance[16];
	char name[64];
	int go[2]; /* pipe: the child continues when the parent writes a byte */
};

extern struct ipc_case f;

/** The table of the requests of the service under test, in the order of their numbers. */
extern const struct coterie_request ipc_case_requests[];

/** Accept clients from now on. The test case "open" calls this before each test. */
void open_server(void);

/* --- clients --- */

extern bool is_mute; /* clients leave out libqb's wake-up byte */

void let_go(void);
/** Call let_go after `ms` milliseconds. */
void let_go_after_ms(uint64_t ms);
void wait_for_go(void);

qb_ipcc_connection_t *connect_client(void);
struct req make(int32_t id, uint32_t value);
/** Send a request and wait for its answer. @return size of the answer, or libqb's error */
int call(qb_ipcc_connection_t *c, const struct req *req, struct res *res);
/** Play a client that sends valid requests, each of which has an answer. */
int play_echo(void);

/* --- the program --- */

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

TCase *ipc_case_add(Suite *suite, const char *name, bool is_open);

#endif

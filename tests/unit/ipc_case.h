/* SPDX-License-Identifier: BSD-3-Clause */
/* The fixture of the tests of the IPC server, against real libqb clients: a service that does whatever they ask. */
#ifndef TESTS_UNIT_IPC_CASE_H
#define TESTS_UNIT_IPC_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include <qb/qbipcc.h>

#include "ipc_play.h"

/* Requests of the service under test. */
enum {
	REQ_ECHO = 0,   /* answers with the message */
	REQ_FLOW = 1,   /* needs flow; answered 11 */
	REQ_SEND = 2,   /* needs flow, no answer; counted */
	REQ_QUORUM = 3, /* needs quorum */
	REQ_EVENTS = 4, /* struct req_events */
	REQ_FAIL = 5,   /* fails with the errno in `value` */
	REQ_LATER = 6,  /* answered a little later */
	/* 7 is a gap */
	REQ_LEAVE = 8, /* ends the connection */
	REQ_COUNT = 9, /* answers how many REQ_SEND were handled */
	REQ_OBSERVE = 30,    /* the right to observe is enough */
	REQ_USE = 31,        /* needs the right to use, as requests without a flag do */
	REQ_ADMINISTER = 32, /* needs the right to administer */
	REQ_MAY = 33,        /* asks for the right in `value` */
	REQ_SILENT = 34,     /* needs the right to administer; no answer; counted */
	REQ_TELL = 35,       /* its answer tells whether the node is quorate */
	REQ_BEGIN = 36,      /* needs flow. Refused while the client is held back */
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
	struct coterie_client *last; /* that joined */
	unsigned int joins, leaves, handled, tried;
	uint32_t order[16];
	int send_rc, join_rc;
	uint64_t backlog_max;
	uint64_t events_ns; /* how long it took to make them */
	char instance[16];
	char name[64];
	int go[2]; /* parent writes a byte: the child goes on */
};

extern struct ipc_case f;

/** Of the service under test, by their numbers as far as there is no gap. */
extern const struct coterie_request ipc_case_requests[];

/** Clients come in from now on. A case that is open at first does it before each test. */
void open_server(void);

/* --- clients --- */

extern bool is_mute; /* a client leaves out libqb's wake-up byte */

void let_go(void);
/** let_go after so many milliseconds. */
void let_go_after_ms(uint64_t ms);
void wait_for_go(void);

qb_ipcc_connection_t *connect_client(void);
struct req make(int32_t id, uint32_t value);
/** @return size of the answer, or libqb's error */
int call(qb_ipcc_connection_t *c, const struct req *req, struct res *res);
/** Requests with answers, as they should be. */
int play_echo(void);

/* --- the program --- */

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

TCase *ipc_case_add(Suite *suite, const char *name, bool is_open);

#endif

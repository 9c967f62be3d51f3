/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Shared by the tests of the ring's glue between a transport and the engine (exec/ring/ring.c). Engine, loop and
 * other parts are stubs that record their calls in a story.
 */
#ifndef UNIT_RING_CASE_H
#define UNIT_RING_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/model.h"
#include "exec/plugin/plugin.h"
#include "exec/ring/ring.h"

#define DEFERRED_MAX 8

struct ring_seen {
	char story[1024];                 /* calls of engine, transport and listener, in order */
	struct totem_callbacks callbacks; /* callbacks that the engine got */
	void *arg;                        /* argument of the callbacks */
	struct totem_counters counters;
	uint64_t later_ns; /* time of the clock, which starts at 1 ns */
	uint32_t payload_max;
	bool sends_a_token; /* the engine passes a token to this node when the next frame arrives */
	struct {
		void (*run)(void *arg);
		void *arg;
	} deferred[DEFERRED_MAX];
	uint32_t deferred_count;
	const char *waiting;      /* frames that the transport passes up when it is drained, as in hand_up() */
	bool has_more;            /* result of the listener's visit: clients have more messages */
	uint64_t lease_ns;        /* end of the engine's lease */
	uint64_t suspended_ns;    /* time for which the host was suspended */
	bool is_without_provider; /* no quorum provider needs the lease */
	bool asks_for_the_lease;  /* the engine asks for the lease when it receives frames */
	struct ring *ring;
	uint32_t witness;             /* result of the transport's witness function */
	void (*timer_run)(void *arg); /* function of the timer that was set last */
	void *timer_arg;
	bool has_timers; /* the loop has memory for timers */
	uint32_t stores; /* number of ring sequences written to the disk */
	uint64_t stored_seq;
	bool is_disk_full, is_gathering, is_queue_full;
	uint64_t message_ns;    /* time that the listener takes for a message */
	size_t event_bytes;     /* result of the listener's deliver */
	bool yields_at_receive; /* the engine yields when the next frame arrives */
	bool yields_at_first;   /* the engine yields behind the first of the next frames, and leaves the others over */
	bool has_yielded;       /* the engine has a delivery that has yielded, until T-deliver */
	int exit_code;          /* argument of the listener's stop */
	uint32_t forgotten;     /* the last node whose count of frames was deleted */
	size_t received, noted; /* number of frames that the engine and the statistics got */
};

extern struct ring_seen seen;
/* Two nodes on links 0 and 3, and the transport between them. A test may change both before ring_case_start(). */
extern struct config_node nodes[2];
extern struct config config;
extern struct plugin transport;

/** Fixture: a ring of `config` over `transport`, started. */
void ring_case_set_up(void);
/** Stop the ring. Checks that the statistics got every frame that the engine got. */
void ring_case_tear_down(void);
/** Create and start the ring again, after ring_case_tear_down(). */
void ring_case_start(void);

/** Append to the story. */
void tell_story(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** Check the whole story, and begin a new one. */
void expect(const char *story);
/** Run the functions that the ring has deferred to the next turn of the loop. */
void run_deferred(void);
/**
 * Let frames arrive from the transport, all in one call.
 *
 * @param frames  for example "m1 T2 m3": T is a token, m a message. The second character tells frames apart
 */
void hand_up(struct ring *ring, const char *frames);

#endif

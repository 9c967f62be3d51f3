/*
 * The test kit: a cluster of up to 64 nodes inside one process, for tests of services. It needs no root,
 * no daemon, no network and no time: link with -lcoterie-testkit (pkg-config coterie-testkit).
 *
 * What runs is the daemon's own code: plugin loading and its checks, the host table, ordered delivery,
 * synchronisation, gates and queues of clients, the configuration map. Simulated are the network, the
 * clock and the clients. One seed decides everything that is left to chance, so a run that fails is
 * repeated by its seed.
 *
 *	struct testkit *kit = testkit_create(seed, 3);
 *
 *	testkit_load_file(kit, TESTKIT_ALL, "./tally.so", NULL);
 *	testkit_start(kit, TESTKIT_ALL);
 *	testkit_settle(kit, 10000);
 *	testkit_part(kit, "1 | 2 3");
 *	…
 *	return testkit_destroy(kit) == 0 ? 0 : 1;
 *
 * Time passes in testkit_run, _until, _settle, _call, _unload and _replace_file alone. Nodes have the ids 1, 2, 3, … In a call that
 * takes a node, TESTKIT_ALL means each of them in turn, and the first error is returned.
 *
 * What a plugin does wrong is a complaint: a timer, descriptor, post, tracker, iterator or frame that is
 * still held when fini has returned; a message sent in sync_start; a second answer to one request. Each is
 * printed to stderr at once, with the seed, and testkit_destroy returns their number.
 *
 * What differs from a daemon: host->reload answers -EINVAL, since there is no file (testkit_option changes
 * options); host->die ends the test program; descriptors and threads of a plugin live in real time, so a
 * run with them cannot be repeated exactly; a plugin's file is loaded once for all nodes, so static
 * variables, which plugins must not have, are shared by them.
 *
 * All functions are called on one thread, and more than one kit may exist. Those that make time pass, and
 * testkit_destroy, must not be called from a callback of the kit or from a plugin. Errors are 0 or a negative
 * errno; -EINVAL always stands for a node that the kit does not have. Running out of memory ends the program.
 *
 * The kit's own ABI: functions are added, and never changed within one soname.
 */
#ifndef COTERIE_TESTKIT_H
#define COTERIE_TESTKIT_H

#include <stdio.h>

#include <coterie/service.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TESTKIT_ALL 0u
#define TESTKIT_NODES_MAX 64u

struct testkit;
struct testkit_client;

/* ------------------------------------------------------------------------------------------- life */

/**
 * A cluster to be: nothing runs yet. Files that nodes store are kept below TMPDIR, or in /dev/shm or /tmp.
 *
 * @param nodes  1 .. TESTKIT_NODES_MAX
 * @return caller destroys; NULL: nodes out of range, or no folder for files
 */
struct testkit *testkit_create(uint64_t seed, uint32_t nodes);
/**
 * End all nodes as testkit_crash does, and free everything.
 * @return number of complaints; NULL: 0
 */
uint32_t testkit_destroy(struct testkit *kit);

/**
 * Lines for every node's config file, in the format of corosync.conf, from its next start on: another token
 * timeout, a quorum provider. More than one call adds up.
 * @param text  copied
 */
void testkit_config(struct testkit *kit, const char *text);

/**
 * Load a service that is linked into the test: at each start of the node, or at once if it runs.
 *
 * @param plugin   its descriptor, `&NAME_LTX_coterie_plugin`; borrowed until testkit_destroy
 * @param options  "KEY=VALUE" …, NULL at the end; copied. NULL: none
 * @return 0; -EINVAL: the node runs and refuses plugin or options: testkit_error says why
 */
int testkit_load(struct testkit *kit, uint32_t node, const struct coterie_plugin *plugin,
	const char *const *options);
/** The same for a file, NAME.so. path is copied. -ENOENT: no such file. */
int testkit_load_file(struct testkit *kit, uint32_t node, const char *path, const char *const *options);
/**
 * Unload a service from a node that runs, as an operator does: its clients are sent away, it drains, the others
 * hear that this node has it no more. Time passes until that is done. The node starts without it from then on,
 * until testkit_load.
 *
 * @return 0; -ENOENT: no such plugin there; -EBUSY: it decides about quorum; -ESRCH: the node does not run, or
 *     ended meanwhile; -ETIMEDOUT: not within a minute. testkit_error says why
 */
int testkit_unload(struct testkit *kit, uint32_t node, const char *plugin);
/**
 * Replace a service on a node that runs by another file, NAME.so, of another folder: its state and its clients go
 * over. Time passes until that is done. When it is refused, the old one serves on. Options stay; the node
 * starts with the new file from then on. path is copied.
 *
 * @return 0; -ENOENT: no such file, or no plugin of its name there; -EALREADY: the file that runs; -ENOTSUP: one of the
 *     two cannot hand over; -EINVAL: the new one's descriptor, options or init; what state_save or state_load
 *     returned; -ESRCH, -ETIMEDOUT: as above. testkit_error says why
 */
int testkit_replace_file(struct testkit *kit, uint32_t node, const char *path);

/**
 * Test a transport: the nodes form their rings over this plugin, a file NAME.so, and not over the simulated
 * network. Time is then real, nothing is repeated by the seed, and testkit_part, _cut, _loss, _delay and all
 * of chaos but crashes and pauses have no effect. The nodes' addresses are 127.77.0.1, 127.77.0.2, …; services
 * of the test's own, loaded as ever, show what the ring delivers. Before the first testkit_start.
 * @param options  as of testkit_load
 * @return 0; -ENOENT: no such file; -EBUSY: a node runs
 */
int testkit_transport_file(struct testkit *kit, const char *path, const char *const *options);

/**
 * Start a node, for the first time or again. What it stored before is still there: see testkit_forget.
 * @return 0; -EALREADY: it runs; -EINVAL: a plugin or the config is refused: testkit_error says why
 */
int testkit_start(struct testkit *kit, uint32_t node);
/** Why the last start or load was refused: text for people, borrowed until the next. */
const char *testkit_error(const struct testkit *kit);
/** Stop a node in order, as a daemon ends: clients are sent away, services drain, the node leaves the
    ring. It is down some time later. -ESRCH: it does not run. */
int testkit_stop(struct testkit *kit, uint32_t node);
/** The node is gone at once, without a word; its clients lose their connections. The plugin's fini is called,
    so that memory comes back, but nothing that it does leaves the node. Inside a callback: as soon as that
    has returned. -ESRCH. */
int testkit_crash(struct testkit *kit, uint32_t node);
/**
 * Crash after some more effects of the node: packets sent, answers and events to clients. With
 * 1, 2, 3, … a test reaches every point at which others can tell how far the node came.
 * @param effects  that still happen; the next one does not
 * @return 0; -ESRCH
 */
int testkit_crash_after(struct testkit *kit, uint32_t node, uint64_t effects);
/** The node, which must be down, loses what it has stored. -EBUSY: it runs. */
int testkit_forget(struct testkit *kit, uint32_t node);
/** The node does not run for so long, as a stopped process. A shorter pause inside a longer one changes nothing. -ESRCH. */
int testkit_pause(struct testkit *kit, uint32_t node, uint32_t ms);
int testkit_is_up(const struct testkit *kit, uint32_t node); /* 1 or 0 */

/**
 * Give an option of a plugin another value, for now and later starts; a running plugin's reload is called
 * with all its new values, as when an operator reloads the config.
 * @return 0; -ENOENT: no such plugin there; -EINVAL: value refused, nothing changes; errno of reload
 */
int testkit_option(struct testkit *kit, uint32_t node, const char *plugin, const char *name,
	const char *value);

/* ------------------------------------------------------------------------------------------- time */

/** Simulated time since testkit_create, nanoseconds. */
uint64_t testkit_now_ns(const struct testkit *kit);
/** Let time pass: this much, so many events as there may be. */
void testkit_run(struct testkit *kit, uint32_t ms);
/** Until holds(arg) is not 0, which is asked after each event. 0; -ETIMEDOUT after ms. */
int testkit_until(struct testkit *kit, uint32_t ms, int (*holds)(void *arg), void *arg);
/**
 * Until nodes that can reach each other are in one ring, alone, with their services synchronised, and nobody
 * is paused. Messages may still be under way: let some time pass before replicas are compared.
 * @return 0; -ETIMEDOUT after ms; nodes × 2,000 is ample with default timeouts
 */
int testkit_settle(struct testkit *kit, uint32_t ms);
/** 0 .. end - 1, from the kit's seed, for tests that choose at random. end > 0. */
uint64_t testkit_random(struct testkit *kit, uint64_t end);

/* ---------------------------------------------------------------------------------------- network */

/** Groups of nodes that hear only each other: "1 2 | 3 4 5". Who is not named is alone. -EINVAL: neither
    numbers of nodes nor '|'; nothing changes. */
int testkit_part(struct testkit *kit, const char *groups);
void testkit_heal(struct testkit *kit); /* everybody hears everybody */
/** One direction: `to` does not hear `from` any more, until testkit_heal or _part. */
int testkit_cut(struct testkit *kit, uint32_t from, uint32_t to);
/** So many of 10,000 packets get lost, and so many come twice. */
void testkit_loss(struct testkit *kit, uint32_t lost, uint32_t doubled);
/** Time a packet takes, microseconds; at first 20 to 200. */
void testkit_delay(struct testkit *kit, uint32_t min_us, uint32_t max_us);

#define TESTKIT_PART 1u  /* partitions and merges */
#define TESTKIT_CRASH 2u /* crashes, each followed by a start within seconds */
#define TESTKIT_LOSS 4u  /* loss up to 10 %, duplicates */
#define TESTKIT_PAUSE 8u /* a node stands still for up to 3 s */
#define TESTKIT_CHAOS 15u

/**
 * Faults at random, while time passes, until testkit_calm. Half of the crashes strike at the next few
 * effects of a node, the others between its steps.
 * @param faults   TESTKIT_PART, …
 * @param mean_ms  between two of them, on average
 */
void testkit_chaos(struct testkit *kit, uint32_t faults, uint32_t mean_ms);
/** No more faults: the network is whole and loses nothing, and nodes that chaos took down start again. Pauses
    end in their time. 0; -EINVAL: a node does not start. */
int testkit_calm(struct testkit *kit);

/* ---------------------------------------------------------------------------------- what nodes are */

/** Members of the node's regular configuration, ascending. ids may be NULL; at most room are written.
    @return how many there are; 0: it is down */
uint32_t testkit_members(const struct testkit *kit, uint32_t node, uint32_t *ids, uint32_t room);
/** Its services are synchronised with those of its ring, so that clients are served. 1 or 0. */
int testkit_is_synchronized(const struct testkit *kit, uint32_t node);
/** Open or close the gate of requests with COTERIE_NEEDS_QUORUM. -EPERM: the config names a provider, whose
    part it is. At each start it is open. */
int testkit_quorum(struct testkit *kit, uint32_t node, int is_quorate);
/** What the plugin's init gave as self; NULL: it does not run there. For plugins whose insides the test
    knows; valid until the node ends. */
void *testkit_self(struct testkit *kit, uint32_t node, const char *plugin);
/**
 * The plugin's own host table, for a test that acts as the plugin: keys of the map, statistics, state files.
 * @param ctx  out: what the calls take
 * @return NULL: it does not run there
 */
const struct coterie_host *testkit_host(struct testkit *kit, uint32_t node, const char *plugin,
	struct coterie_ctx **ctx);

/* ---------------------------------------------------------------------------------------- clients */

/**
 * Connect to a service.
 *
 * @param name    its ipc_name
 * @param client  out; ended with testkit_disconnect, or with the kit
 * @return 0; -EAGAIN: the node has not synchronised yet, or is paused; -ECONNREFUSED: it is down, or
 *     offers no such name; errno of the service's client_join
 */
int testkit_connect(struct testkit *kit, uint32_t node, const char *name, struct testkit_client **client);
/** End the connection and free the client. What it sent before still arrives. NULL is ignored. */
void testkit_disconnect(struct testkit_client *client);
int testkit_is_connected(const struct testkit_client *client); /* 0: node or service ended it */

/**
 * Send a request; it arrives when time passes, and when flow control lets it in.
 * @param msg  begins with struct coterie_request_header, id and size filled in; copied
 * @param size  bytes, 16 .. 1048576
 * @return 0; -ENOTCONN: the connection has ended, or client is NULL; -EMSGSIZE
 */
int testkit_send(struct testkit_client *client, const void *msg, uint32_t size);
/**
 * Send a request and let time pass until it is answered. As client libraries do, ask again every 10 ms while
 * the answer is "try again" (6).
 * @return the answer, aligned to 8, header->size bytes; borrowed until the next testkit_call or testkit_reply
 *     of this client, or its end. NULL: the connection has ended, nothing came for 60 s, an earlier request
 *     is still under way, or client is NULL
 */
const struct coterie_response_header *testkit_call(struct testkit_client *client, const void *msg,
	uint32_t size);
/** The oldest answer not yet taken; NULL: there is none. Borrowed as above. */
const struct coterie_response_header *testkit_reply(struct testkit_client *client);
/** The oldest event not yet taken; NULL: there is none. Borrowed until the next testkit_event. */
const struct coterie_response_header *testkit_event(struct testkit_client *client);
/**
 * Be told of answers and events when they come, instead of taking them: for tests that record who asked
 * and was answered when. The message is borrowed for the call. Inside it all calls but those that make time
 * pass are allowed.
 */
void testkit_watch(struct testkit_client *client,
	void (*run)(void *arg, struct testkit_client *client, int is_event,
		const struct coterie_response_header *message),
	void *arg);
/** Requests sent and not answered. Those that want no answer count until they are read. */
uint32_t testkit_pending(const struct testkit_client *client);
/** 1: it does not read events any more, so after a megabyte they wait in the node; 0: it reads again. */
void testkit_hold(struct testkit_client *client, int is_held);

/* --------------------------------------------------------------------------------- what was seen */

/** Complaints so far, and the i-th, from 0, or NULL; borrowed until testkit_destroy. */
uint32_t testkit_complaints(const struct testkit *kit);
const char *testkit_complaint(const struct testkit *kit, uint32_t i);
/** Complain: counts as if the kit had found it. For checks of the test's own. */
void testkit_complain(struct testkit *kit, uint32_t node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** Write log lines up to this priority of syslog(3) to a file as they come, with time and node; NULL: none,
    as at first. out is borrowed until another call or the kit's end. */
void testkit_log(struct testkit *kit, FILE *out, int prio);
/** Is there a log line of this node (TESTKIT_ALL: any) with these words? Of the last 4,096 lines. 1 or 0 */
int testkit_has_logged(const struct testkit *kit, uint32_t node, const char *words);
/** A number that two runs have in common only if every packet, answer and event was the same, at the same
    time: what a seed repeats. */
uint64_t testkit_digest(const struct testkit *kit);

#ifdef __cplusplus
}
#endif

#endif

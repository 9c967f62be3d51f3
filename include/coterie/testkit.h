/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The test kit: a cluster of up to 64 nodes inside one process, for tests of services. It needs no root, no daemon, no
 * network and no real time. Link with -lcoterie-testkit (pkg-config coterie-testkit).
 *
 * The kit runs the daemon's own code: plugin loading and its checks, the host table, ordered delivery, synchronisation,
 * gates and queues of clients, the configuration map. Network, clock and clients are simulated. One seed decides all
 * random choices. So a run that fails can be repeated with its seed.
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
 * Time passes only in testkit_run, _until, _settle, _call, _unload and _replace_file. Nodes have the ids 1, 2, 3, … In
 * a call that takes a node, TESTKIT_ALL means all nodes in turn, and the first error is returned.
 *
 * An error of a plugin is a complaint. It is printed to stderr at once, with the seed. testkit_destroy returns the
 * number of complaints. These are complaints:
 *
 * - a timer, descriptor, post, tracker, iterator or frame that is still held when fini has returned
 * - a message sent in sync_start
 * - a second answer to one request
 *
 * These things differ from a daemon:
 *
 * - host->reload answers -EINVAL, since there is no file. testkit_option changes options.
 * - host->die ends the test program.
 * - Descriptors and threads of a plugin use real time, so a run with them cannot be repeated exactly.
 * - A plugin's file is loaded once for all nodes. So the nodes share its static variables, which plugins must not have.
 *
 * All functions must be called on one thread. There may be several kits. Functions in which time passes, and
 * testkit_destroy, must not be called from a callback of the kit or from a plugin. Results are 0 or -errno. -EINVAL
 * always includes a node that the kit does not have. If there is no memory, the program ends.
 *
 * The ABI of the kit: functions are added, and never changed within one soname.
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
 * Create a cluster. No node runs yet. Files that nodes store are kept below TMPDIR, or in /dev/shm or /tmp.
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
 * Give a node another id in the ring than its number. In calls of the kit it keeps the number 1, 2, 3, … Lists of
 * members, plugins and clients have the id. Call this before the first testkit_start.
 *
 * @param nodeid  not 0
 * @return 0; -EINVAL: another node has it; -EBUSY: a node runs; -errno: no folder for files
 */
int testkit_nodeid(struct testkit *kit, uint32_t node, uint32_t nodeid);

/**
 * Add lines to the config file of all nodes, in the format of corosync.conf, from their next start on. Each call adds
 * further lines.
 *
 * Without such lines the timers are the defaults of corosync.conf(5). The token timeout is 3000 ms, and 650 ms more for
 * each node beyond two. The consensus timeout is 1.2 times that. A crash is noticed within milliseconds. A node that is
 * cut off or paused is removed after both timeouts together: 6.6 s with two nodes, 8 s with three. For shorter timeouts
 * add "totem {\n token: 1000\n token_coefficient: 0\n}".
 *
 * Without a quorum provider each node is always quorate, as with such a corosync.conf of a daemon. With a coterie.conf
 * a daemon differs: votequorum is the provider there if it is loaded. For quorum by votes in the kit, load votequorum.so
 * of the plugin folder with testkit_load_file, and add "quorum {\n provider: corosync_votequorum\n}".
 *
 * @param text  copied
 */
void testkit_config(struct testkit *kit, const char *text);

/**
 * Load a service that is linked into the test: at each start of the node, or at once if it runs. A node that runs loads it as
 * for an operator: the ring stays, and the service synchronises with the same service of other nodes. Then clients can
 * connect to it. Time passes until this is done.
 *
 * @param plugin   its descriptor, `&NAME_LTX_coterie_plugin`; borrowed until testkit_destroy
 * @param options  "KEY=VALUE" …, NULL at the end; copied. NULL: none
 * @return 0; -EINVAL: the node runs and refuses plugin or options; -ESRCH: the node ended meanwhile: its next start has the
 *     service; -ETIMEDOUT: two minutes have passed, for instance because the node is paused: the load goes on.
 *     testkit_error has the reason
 */
int testkit_load(struct testkit *kit, uint32_t node, const struct coterie_plugin *plugin, const char *const *options);
/** Load a service from a file, NAME.so, as testkit_load does. path is copied. -ENOENT: no such file. */
int testkit_load_file(struct testkit *kit, uint32_t node, const char *path, const char *const *options);
/**
 * Unload a service from a node that runs, as an operator does: its clients are disconnected, drain is called, and the
 * other nodes are informed. Time passes until this is done. From then on the node starts without the service, until
 * testkit_load.
 *
 * drain has a token timeout. If the ring has not delivered the service's messages 20 token timeouts later, the result is
 * 0 all the same, and the service ends later. Until then testkit_self returns its state, and further changes of plugins
 * on this node return -EALREADY.
 *
 * @return 0; -ENOENT: no such plugin there; -EBUSY: it decides about quorum; -EALREADY: another service of the node has
 *     not ended yet; -ESRCH: the node does not run, or ended meanwhile: its next start has the service; -ETIMEDOUT: two
 *     minutes have passed, for instance because the node is paused: the unload goes on, and the next start has the
 *     service. testkit_error has the reason
 */
int testkit_unload(struct testkit *kit, uint32_t node, const char *plugin);
/**
 * Replace a service on a node that runs by another file, NAME.so, of another folder. The new plugin takes over state
 * and clients. Time passes until this is done. If it is refused, the old plugin goes on. Options stay. From then on the
 * node starts with the new file. path is copied.
 *
 * @return 0; -ENOENT: no such file, or no plugin of its name there; -EALREADY: this file runs already, or another
 *     service of the node has not ended yet; -ENOTSUP: one of the two plugins cannot hand over; -EINVAL: the new one's
 *     descriptor, options or init; the result of state_save or state_load; -ESRCH, -ETIMEDOUT: as for testkit_unload.
 *     testkit_error has the reason
 */
int testkit_replace_file(struct testkit *kit, uint32_t node, const char *path);

/**
 * Test a transport: the nodes form their rings over this plugin, a file NAME.so, and not over the simulated network.
 * Then time is real, and a run cannot be repeated with its seed. testkit_part, _cut, _loss and _delay have no effect,
 * and chaos has only crashes and pauses. The addresses of the nodes are 127.77.0.1, 127.77.0.2, … Services that the
 * test loads show the messages that the ring delivers. Call all this before the first testkit_start.
 *
 * @param options  as of testkit_load
 * @return 0; -ENOENT: no such file; -EBUSY: a node runs
 */
int testkit_transport_file(struct testkit *kit, const char *path, const char *const *options);

/**
 * Start a node, for the first time or again. Its stored files are still there: see testkit_forget.
 * @return 0; -EALREADY: it runs; -EINVAL: a plugin or the config is refused: testkit_error has the reason
 */
int testkit_start(struct testkit *kit, uint32_t node);
/** Return the reason why the last start or load was refused: a text for a person, borrowed until the next one. */
const char *testkit_error(const struct testkit *kit);
/**
 * Stop a node as a daemon stops: clients are disconnected, services drain, the node leaves the ring. The node is down
 * some time later. -ESRCH: it does not run.
 */
int testkit_stop(struct testkit *kit, uint32_t node);
/**
 * End a node at once, without a leave. Its clients lose their connections. The plugin's fini is called to free memory,
 * but it has no effect outside of the node. If this is called inside a callback of the node, the node ends when the
 * callback has returned. -ESRCH.
 */
int testkit_crash(struct testkit *kit, uint32_t node);
/**
 * Crash a node after a number of effects: packets sent, answers and events to clients. With 0, 1, 2, … a test reaches
 * all points that other nodes and clients can distinguish. A node that has fewer effects runs on, and crashes at a later
 * one. testkit_calm, another crash and the node's end cancel this.
 *
 * @param effects  number of effects that still happen; the next one does not
 * @return 0; -ESRCH
 */
int testkit_crash_after(struct testkit *kit, uint32_t node, uint64_t effects);
/** Delete the stored files of a node, which must be down. -EBUSY: it runs. */
int testkit_forget(struct testkit *kit, uint32_t node);
/**
 * Pause a node for some time, as if its process was stopped. A shorter pause inside a longer one changes nothing.
 * -ESRCH.
 */
int testkit_pause(struct testkit *kit, uint32_t node, uint32_t ms);
/**
 * Pause a node for some time, as if its host was suspended to memory or to disk. Its clock stands still meanwhile, so no
 * timer of the node expires early at the end. Packets for the node are lost. The daemon notices the suspend as on a real
 * host, where CLOCK_BOOTTIME shows it. A shorter suspend inside a longer one changes nothing. A crash ends it. -ESRCH.
 */
int testkit_suspend(struct testkit *kit, uint32_t node, uint32_t ms);
/**
 * Let the clock of a node jump ahead, and run faster or slower than the other clocks from now on.
 *
 * @param drift_ppm  millionths by which it is too fast, -500,000 .. 500,000. It stays over restarts. 0: right, as at
 *     first
 * @return 0; -EINVAL
 */
int testkit_clock(struct testkit *kit, uint32_t node, uint32_t jump_ms, int32_t drift_ppm);
/** Return 1 if the node runs, also while it is paused, or 0. */
int testkit_is_up(const struct testkit *kit, uint32_t node);

/**
 * Set an option of a plugin, for now and for later starts. If the plugin runs, its reload function is called with all
 * new values, as when an operator reloads the config.
 *
 * @return 0; -ENOENT: no such plugin there; -EINVAL: the value is refused, nothing changes; errno of reload
 */
int testkit_option(struct testkit *kit, uint32_t node, const char *plugin, const char *name, const char *value);

/* ------------------------------------------------------------------------------------------- time */

/** Return the simulated time since testkit_create, nanoseconds. */
uint64_t testkit_now_ns(const struct testkit *kit);
/** Let this time pass, with all events in it. */
void testkit_run(struct testkit *kit, uint32_t ms);
/** Let time pass until holds(arg) is not 0. holds is called after each event. 0; -ETIMEDOUT after ms. */
int testkit_until(struct testkit *kit, uint32_t ms, int (*holds)(void *arg), void *arg);
/**
 * Let time pass until the rings have settled. Then they stay as they are until the next fault or change. These are
 * calls that start, stop or crash a node, calls for the network, testkit_pause, _suspend, _clock, _load and _unload.
 * Loss and chaos are faults that go on. The rings have settled when all this holds:
 *
 * - Two nodes are in one ring exactly if they hear each other in both directions.
 * - No node forms a ring, and the services of each node are synchronised with those of its ring.
 * - No node is paused, and no node is stopping: after testkit_stop the node is down.
 * - Since the last fault or change each node has accepted the token, and all packets that were under way have arrived.
 *
 * So a fault counts at once, also if no node has noticed it yet. After testkit_part the nodes that are cut off are
 * removed first. After a partition that was too short for that, the ring is the old one, or a new one of the same
 * nodes. If nothing has happened since the rings settled, no time passes.
 *
 * Messages may still be under way: let some more time pass before replicas are compared.
 *
 * @return 0; -ETIMEDOUT after ms, and always if a node hears two nodes that do not hear each other (testkit_cut). With
 *     default timeouts nodes × 2,000 is ample, and 10,000 more after testkit_part and _pause
 */
int testkit_settle(struct testkit *kit, uint32_t ms);
/** Return a random number 0 .. end - 1, from the kit's seed. end > 0. */
uint64_t testkit_random(struct testkit *kit, uint64_t end);

/* ---------------------------------------------------------------------------------------- network */

/**
 * Divide the network into groups of nodes that hear only each other: "1 2 | 3 4 5". A node that is not named is alone.
 * -EINVAL: the text has other words than numbers of nodes and '|', and nothing changes.
 */
int testkit_part(struct testkit *kit, const char *groups);
/** End all partitions and cuts: all nodes hear each other. */
void testkit_heal(struct testkit *kit);
/** Cut one direction: `to` no longer hears `from`, until testkit_heal or _part. */
int testkit_cut(struct testkit *kit, uint32_t from, uint32_t to);
/** Set how many of 10,000 packets are lost, and how many arrive twice. */
void testkit_loss(struct testkit *kit, uint32_t lost, uint32_t doubled);
/** Set the time that a packet takes, microseconds. It is 20 to 200 at first. */
void testkit_delay(struct testkit *kit, uint32_t min_us, uint32_t max_us);

#define TESTKIT_PART 1u  /* partitions and merges */
#define TESTKIT_CRASH 2u /* crashes, each followed by a start within seconds */
#define TESTKIT_LOSS 4u  /* loss up to 10 %, duplicates */
#define TESTKIT_PAUSE 8u /* a node stands still for up to 3 s */
#define TESTKIT_CHAOS 15u

/**
 * Cause random faults while time passes, until testkit_calm. Half of the crashes happen at one of the next few effects
 * of a node, the others between its turns.
 *
 * @param faults   TESTKIT_PART, …
 * @param mean_ms  time between two faults, on average
 */
void testkit_chaos(struct testkit *kit, uint32_t faults, uint32_t mean_ms);
/**
 * End the faults: the network is whole and loses no packets, crashes that are planned do not happen, and nodes that
 * chaos has crashed start again. Pauses last as long as planned. testkit_delay, _clock, _disk, _no_room and _no_memory
 * stay. 0; -EINVAL: a node does not start.
 */
int testkit_calm(struct testkit *kit);

/* ------------------------------------------------------------------------- what a host may refuse */

/**
 * Let ring_send of a service return -EAGAIN by chance, as if the ring had no room. The service's writable is called
 * within 20 ms. The setting stays until another call, also when the node starts again.
 *
 * @param plugin  its name; NULL: all services
 * @param chance  number of calls in 10,000 that fail; 0: none
 */
int testkit_no_room(struct testkit *kit, uint32_t node, const char *plugin, uint32_t chance);
/**
 * Let functions of the host table return -ENOMEM by chance, once init has returned: timer_add, fd_add, map_set,
 * map_iterate, map_track, stat_add, state_file_store, metric_add and call_open. The plugin's own allocations do not
 * fail. The parameters are those of testkit_no_room.
 */
int testkit_no_memory(struct testkit *kit, uint32_t node, const char *plugin, uint32_t chance);
/**
 * Make the disk below the state folder slow or faulty. state_file_store ends after this time. state_file_write pauses
 * the node for this time, since it blocks the loop. The setting stays until another call, also when the node starts
 * again.
 *
 * @param ms  0: as fast as at first, up to 2 ms
 * @param rc  result of both functions: 0, or -errno, after which the file has its old content
 */
int testkit_disk(struct testkit *kit, uint32_t node, uint32_t ms, int rc);

/* -------------------------------------------------------------------- nodes of the other byte order */

/** Prepare testkit_play: all nodes also have the kit's own service, with ring id 62. Call this before the first
    testkit_start. -EBUSY: a node runs */
int testkit_foreign(struct testkit *kit);
/**
 * Multicast a ring message of a service as if the node had the other byte order. The message gets its place in the
 * order, and each member with the service receives it through the function swap of its table.
 *
 * @param node      the sender
 * @param plugin    name of the service, which runs there
 * @param msg       size bytes, as the other node would write them behind the header: in its byte order; copied
 * @return 0; -EAGAIN: the ring has no room; -ENOENT: no such service there; -ESRCH: the node does not run; -EMSGSIZE:
 *     more than 1048576 bytes; -ENOTSUP: testkit_foreign was not called
 */
int testkit_play(
	struct testkit *kit, uint32_t node, const char *plugin, uint32_t function, const void *msg, uint32_t size);

/* ---------------------------------------------------------------------------------- state of nodes */

/**
 * Get the members of the node's regular configuration, ascending. ids may be NULL. At most room ids are written.
 * @return number of members; 0: the node is down
 */
uint32_t testkit_members(const struct testkit *kit, uint32_t node, uint32_t *ids, uint32_t room);
/** Return 1 if the node's services are synchronised with those of its ring, so that clients are served, or 0. */
int testkit_is_synchronized(const struct testkit *kit, uint32_t node);
/**
 * Open or close the gate of requests with COTERIE_NEEDS_QUORUM. It is open at each start. -EPERM: the config names a
 * provider, which controls the gate.
 */
int testkit_quorum(struct testkit *kit, uint32_t node, int is_quorate);
/** Return the plugin's `self` of init, for tests that know its struct. It is valid until the node ends. NULL: the plugin
    does not run there. */
void *testkit_self(struct testkit *kit, uint32_t node, const char *plugin);
/**
 * Return the plugin's host table, for a test that acts as the plugin: keys of the map, statistics, state files.
 *
 * @param ctx  out: the first argument of its functions
 * @return NULL: the plugin does not run there
 */
const struct coterie_host *testkit_host(
	struct testkit *kit, uint32_t node, const char *plugin, struct coterie_ctx **ctx);

/* ---------------------------------------------------------------------------------------- clients */

/**
 * Connect to a service.
 *
 * @param name    its ipc_name
 * @param client  out; ends with testkit_disconnect, or with the kit
 * @return 0; -EAGAIN: the node has not synchronised yet, or is paused; -ECONNREFUSED: it is down, or
 *     offers no such name; errno of the service's client_join
 */
int testkit_connect(struct testkit *kit, uint32_t node, const char *name, struct testkit_client **client);
/** End the connection and free the client. Requests that it sent before still arrive. NULL is ignored. */
void testkit_disconnect(struct testkit_client *client);
/** Return 1 while the connection lasts, or 0: the node or the service has ended it. */
int testkit_is_connected(const struct testkit_client *client);

/**
 * Send a request once. It arrives when time passes, and when flow control permits. The answer "try again" (6) is an
 * answer like any other, for testkit_reply or testkit_watch. To send the request again is left to the test, unlike with
 * testkit_call.
 *
 * @param msg  begins with struct coterie_request_header, id and size filled in; copied
 * @param size  bytes, 16 .. 1048576
 * @return 0; -ENOTCONN: the connection has ended, or client is NULL; -EMSGSIZE
 */
int testkit_send(struct testkit_client *client, const void *msg, uint32_t size);
/**
 * Send a request and let time pass until it is answered. While the answer is "try again" (6), the request is sent again
 * every 10 ms, as client libraries do.
 *
 * @return the answer, aligned to 8, header->size bytes
 *
 * If the process has other threads, one of them may be about to make the answer. After a tenth of a second without an
 * answer, simulated time then runs at most ten times as fast as real time.
 *
 * The answer is borrowed until the next testkit_call or testkit_reply of this client, or its end. NULL: the connection
 * has ended, no answer came for 60 s or only "try again", an earlier request is still under way, size is wrong, or
 * client is NULL.
 */
const struct coterie_response_header *testkit_call(struct testkit_client *client, const void *msg, uint32_t size);
/** Take the oldest answer, or return NULL if there is none. It is borrowed as that of testkit_call. */
const struct coterie_response_header *testkit_reply(struct testkit_client *client);
/** Take the oldest event, or return NULL if there is none. Borrowed until the next testkit_event. */
const struct coterie_response_header *testkit_event(struct testkit_client *client);
/**
 * Call run for each answer and event when it arrives, instead of keeping it. This is for tests that record the times of
 * requests and answers. The message is borrowed for the call. run may call all functions in which no time passes.
 */
void testkit_watch(struct testkit_client *client,
	void (*run)(
		void *arg, struct testkit_client *client, int is_event, const struct coterie_response_header *message),
	void *arg);
/**
 * Return the number of requests that have no answer yet. A request without an answer (COTERIE_NO_REPLY) counts until
 * the service has read it.
 */
uint32_t testkit_pending(const struct testkit_client *client);
/** Stop (1) or resume (0) reading events. While the client does not read, events beyond a megabyte wait in the node. */
void testkit_hold(struct testkit_client *client, int is_held);
/** Return 1 if the client does not read, or if events that came while it did not read still wait in its node, or 0. */
int testkit_is_behind(const struct testkit_client *client);

/* ------------------------------------------------------------------------------- results and logs */

/** Return the number of complaints so far. */
uint32_t testkit_complaints(const struct testkit *kit);
/** Return the i-th complaint, from 0, or NULL: there are fewer. It is borrowed until testkit_destroy. */
const char *testkit_complaint(const struct testkit *kit, uint32_t i);
/** Add a complaint, for checks of the test itself. */
void testkit_complain(struct testkit *kit, uint32_t node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/**
 * Write log lines up to this priority of syslog(3) to a file, with time and node. NULL: write none, as at first. The
 * file is borrowed until another call or the kit's end.
 */
void testkit_log(struct testkit *kit, FILE *out, int prio);
/** Return 1 if one of the last 4,096 log lines is of this node (TESTKIT_ALL: of any node) and has these words, or 0. */
int testkit_has_logged(const struct testkit *kit, uint32_t node, const char *words);
/**
 * Return a digest of the run. Two runs with the same digest had equal packets, answers and events at equal times. Runs
 * with the same seed have the same digest.
 */
uint64_t testkit_digest(const struct testkit *kit);

#ifdef __cplusplus
}
#endif

#endif

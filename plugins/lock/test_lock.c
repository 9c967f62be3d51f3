/*
 * test_lock FILE [FIRST [LAST]]: run the tests. FILE is lock.so, FIRST and LAST are seeds.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/testkit.h>

#include "lock.h"
#include "state.h"

#define NODES 3
#define NAMES 2
#define CLIENTS 8
#define GRANTS_MAX 1024
#define OK 1
#define TIMEOUT 5
#define TRY_AGAIN 6
#define EXIST 14
#define NOT_EXIST 12
/* PLUGIN_DIR comes from the Makefile. */
#define VOTES PLUGIN_DIR "/votequorum.so"

/* A client, and the results of its requests. */
struct user {
	struct testkit_client *client; /* NULL: not connected */
	int name;                      /* number of the lock that it wants */
	int is_asking, holds;
	uint64_t ring, position; /* place of its last grant */
	uint32_t node;
	int32_t error; /* result of its last request */
};

static struct testkit *kit;
static unsigned long seed;
static int is_cut_at_grant; /* 1: cut off the node of the next grant. 2: this is done */
static int failures;
static const char *const names[NAMES] = {"disk", "address"};
static struct user users[CLIENTS];
static struct {
	int name;
	uint64_t ring, position;
} grants[GRANTS_MAX]; /* all grants of one run */
static int grant_count;

static void check(int is_true, const char *what)
{
	if (is_true)
		return;
	failures++;
	printf("FAILED with seed %lu: %s\n", seed, what);
}

/* --- clients --- */

static void note_grant(struct user *user, const struct lock_res_take *take)
{
	user->holds = 1;
	user->ring = take->ring;
	user->position = take->position;
	for (int i = 0; i < grant_count; i++)
		check(grants[i].name != user->name || grants[i].ring != take->ring ||
				grants[i].position != take->position,
			"a number is granted once");
	if (grant_count == GRANTS_MAX)
		return;
	grants[grant_count].name = user->name;
	grants[grant_count].ring = take->ring;
	grants[grant_count++].position = take->position;
}

static void on_message(
	void *arg, struct testkit_client *client, int is_event, const struct coterie_response_header *message)
{
	struct user *user = arg;

	(void)client;
	if (is_event) {
		user->holds = 0;
		return;
	}
	user->error = message->error;
	if (message->id != LOCK_TAKE && message->error != TRY_AGAIN)
		return;
	user->is_asking = 0;
	if (message->id != LOCK_TAKE || message->error != OK)
		return;
	note_grant(user, (const void *)message);
	if (is_cut_at_grant != 1)
		return;
	is_cut_at_grant = 2;
	testkit_loss(kit, 0, 0);
	testkit_part(kit, user->node == 1 ? "1 | 2 3" : "2 | 1 3");
}

static int join(struct user *user, uint32_t node, int name)
{
	*user = (struct user){.name = name, .node = node};
	if (testkit_connect(kit, node, "lock", &user->client) < 0) {
		user->client = NULL;
		return 0;
	}
	testkit_watch(user->client, on_message, user);
	return 1;
}

static void leave(struct user *user)
{
	testkit_disconnect(user->client);
	*user = (struct user){0};
}

static void ask(struct user *user, int32_t id, uint32_t timeout_ms)
{
	struct lock_req req = {.header = {.id = id, .size = sizeof(req)}, .timeout_ms = timeout_ms};

	strcpy(req.name, names[user->name]);
	user->error = 0;
	if (testkit_send(user->client, &req, sizeof(req)) < 0)
		return;
	user->is_asking = id == LOCK_TAKE;
	if (id == LOCK_GIVE)
		user->holds = 0;
}

/* Send TAKE until the answer is not "try again". */
static int32_t take(struct user *user, uint32_t timeout_ms)
{
	for (int i = 0; i < 100; i++) {
		ask(user, LOCK_TAKE, timeout_ms);
		for (int turns = 0; turns < 2000 && user->error == 0; turns++)
			testkit_run(kit, 10);
		if (user->error != TRY_AGAIN)
			break;
		testkit_run(kit, 10);
	}
	return user->error;
}

static int32_t give(struct user *user)
{
	ask(user, LOCK_GIVE, 0);
	testkit_run(kit, 100);
	return user->error;
}

/* Send WHO to a node. @return the holder, with the number of waiting clients; UINT32_MAX: no answer */
static uint32_t who(uint32_t node, int name, uint32_t *waiting)
{
	struct lock_req req = {.header = {.id = LOCK_WHO, .size = sizeof(req)}};
	struct testkit_client *client = NULL;
	uint32_t result = UINT32_MAX;

	strcpy(req.name, names[name]);
	testkit_connect(kit, node, "lock", &client);
	const struct lock_res_who *reply = client == NULL ? NULL
							  : (const void *)testkit_call(client, &req, sizeof(req));
	if (reply != NULL) {
		result = reply->nodeid;
		*waiting = reply->waiting;
	}
	testkit_disconnect(client);
	return result;
}

static int all_say(int name, uint32_t nodeid, uint32_t want)
{
	uint32_t waiting = 0;

	for (uint32_t node = 1; node <= NODES; node++)
		if (testkit_is_up(kit, node) && (who(node, name, &waiting) != nodeid || waiting != want))
			return 0;
	return 1;
}

/* --- tests --- */

static void test_queue(void)
{
	for (int i = 0; i < 4; i++)
		join(&users[i], 1 + (uint32_t)i % NODES, 0);
	check(take(&users[0], 0) == OK, "the first gets it");
	check(take(&users[0], 0) == EXIST, "and not twice");
	for (int i = 1; i < 4; i++) {
		ask(&users[i], LOCK_TAKE, i == 2 ? 1000 : 0);
		testkit_run(kit, 50);
	}
	check(all_say(0, 1, 3), "the others wait");
	testkit_run(kit, 1500);
	check(users[2].error == TIMEOUT, "not longer than they want");
	check(all_say(0, 1, 2), "and are in no queue then");
	check(give(&users[0]) == OK && users[1].holds, "the next one gets it");
	check(give(&users[0]) == NOT_EXIST, "what is given back is gone");
	check(users[1].ring > users[0].ring || users[1].position > users[0].position, "with a larger number");
	leave(&users[1]);
	testkit_run(kit, 100);
	check(users[3].holds, "a client that goes gives it back");
	testkit_crash(kit, users[3].node);
	testkit_settle(kit, 30000);
	check(all_say(0, 0, 0), "so does a node that crashes");
}

static void test_partition(void)
{
	for (int i = 0; i < 4; i++)
		join(&users[i], i == 0 || i == 3 ? 1 : 2, i == 3);
	check(take(&users[0], 0) == OK && take(&users[3], 0) == OK, "they are taken");
	testkit_part(kit, "1 | 2 3");
	testkit_settle(kit, 30000);
	check(take(&users[1], 0) == OK, "the larger part goes on");
	testkit_heal(kit);
	testkit_settle(kit, 30000);
	check(!users[0].holds && users[1].holds, "the loser is told");
	check(all_say(0, 2, 0), "and all agree");
	check(take(&users[2], 500) == TIMEOUT, "the winner has it");
}

/* No lock changes while the nodes are apart, so all entries stay. */
static void test_short_partition(void)
{
	join(&users[0], 1, 0);
	check(take(&users[0], 0) == OK, "it is taken");
	testkit_part(kit, "1 | 2 3");
	testkit_settle(kit, 30000);
	testkit_heal(kit);
	testkit_settle(kit, 30000);
	check(users[0].holds && all_say(0, 1, 0), "the holder keeps it");
}

/* A node accepts a request while it does not know yet that it is cut off. */
static void test_in_flight(void)
{
	join(&users[0], 1, 0);
	join(&users[1], 2, 0);
	testkit_part(kit, "1 | 2 3");
	testkit_run(kit, (uint32_t)testkit_random(kit, 200));
	ask(&users[0], LOCK_TAKE, 0);
	testkit_settle(kit, 30000);
	check(!users[0].holds, "no client gets it without quorum");
	check(take(&users[1], 0) == OK, "the larger part has it to give");
	testkit_heal(kit);
	testkit_settle(kit, 30000);
	testkit_run(kit, 1000);
	check(users[1].holds && all_say(0, 2, (uint32_t)users[0].is_asking), "and keeps it");
}

/* Clients in the part without quorum may give locks back, and must not get any. */
static void test_part_without_quorum(void)
{
	for (int i = 0; i < 3; i++)
		join(&users[i], i < 2 ? 1 : 2, 0);
	check(take(&users[0], 0) == OK, "the first gets it");
	ask(&users[1], LOCK_TAKE, 0);
	testkit_run(kit, 100);
	testkit_part(kit, "1 | 2 3");
	testkit_settle(kit, 30000);
	check(take(&users[2], 0) == OK, "the larger part goes on");
	check(give(&users[0]) == OK, "the smaller part gives back");
	testkit_run(kit, 2000);
	check(!users[1].holds, "and does not grant");
	testkit_heal(kit);
	testkit_settle(kit, 30000);
	testkit_run(kit, 500);
	check(users[2].holds && !users[1].holds && all_say(0, 2, 0), "the larger part keeps it");
}

/* The node of the holder dies. The next client in the queue gets the lock. */
static void test_heir(void)
{
	join(&users[0], 1, 0);
	join(&users[1], 2, 0);
	check(take(&users[0], 0) == OK, "the first gets it");
	ask(&users[1], LOCK_TAKE, 0);
	testkit_run(kit, 100);
	testkit_crash(kit, 1);
	testkit_settle(kit, 30000);
	testkit_run(kit, 2000);
	check(users[1].holds && all_say(0, 2, 0), "the next one gets it from a node that dies");
}

/* The holder leaves at a random point of a synchronisation. The ring often has no room for the GIVE message. */
static void test_leave_in_synchronisation(void)
{
	join(&users[0], 1, 0);
	check(take(&users[0], 0) == OK, "a client gets it");
	testkit_crash(kit, 3);
	testkit_settle(kit, 30000);
	testkit_delay(kit, 2000, 4000);
	testkit_no_room(kit, TESTKIT_ALL, "lock", testkit_random(kit, 2) == 0 ? 0 : 9000);
	testkit_start(kit, 3);
	testkit_run(kit, (uint32_t)testkit_random(kit, 400));
	leave(&users[0]);
	testkit_settle(kit, 30000);
	testkit_no_room(kit, TESTKIT_ALL, "lock", 0);
	testkit_run(kit, 1000);
	check(all_say(0, 0, 0), "a client that goes while nodes meet leaves nothing");
}

/* A node is cut off when it has granted a lock, and before the others know that it has. */
static void test_cut_at_grant(void)
{
	join(&users[0], 3, 0);
	check(take(&users[0], 0) == OK, "it is taken");
	testkit_part(kit, "1 2 | 3");
	testkit_settle(kit, 30000);
	testkit_loss(kit, 5000, 0);
	for (int i = 1; i < 5; i++)
		join(&users[i], 1 + (uint32_t)i % 2, 0);
	is_cut_at_grant = 1;
	for (int i = 0; i < 5000 && is_cut_at_grant == 1; i++) {
		struct user *user = &users[1 + i % 4];

		if (!user->is_asking)
			ask(user, LOCK_TAKE, 0);
		testkit_run(kit, 10);
	}
	check(is_cut_at_grant == 2, "another client gets it");
	testkit_settle(kit, 30000);
	check(!users[0].holds, "the holder of an older grant is told");
	testkit_heal(kit);
	testkit_settle(kit, 30000);
	testkit_run(kit, 1000);
	check(users[1].holds + users[2].holds + users[3].holds + users[4].holds == 1, "a newer grant counts");
}

/* A node that is cut off delivers its last messages. No client of the other nodes loses a lock by them. */
static void test_cut_off_asks(void)
{
	join(&users[0], 2, 0);
	check(take(&users[0], 0) == OK, "it is taken");
	testkit_loss(kit, 1000, 0);
	for (int i = 1; i < 7; i++)
		join(&users[i], 1 + (uint32_t)i % NODES, 0);
	for (uint64_t end = testkit_random(kit, 60), i = 0; i < end + 60; i++) {
		struct user *user = &users[1 + i % 6];

		if (i == end)
			testkit_part(kit, "1 | 2 3");
		if (!user->is_asking)
			ask(user, LOCK_TAKE, 1 + (uint32_t)testkit_random(kit, 3));
		testkit_run(kit, 1 + (uint32_t)testkit_random(kit, 3));
	}
	testkit_loss(kit, 0, 0);
	testkit_settle(kit, 30000);
	testkit_heal(kit);
	testkit_settle(kit, 30000);
	check(users[0].holds && all_say(0, 2, 0), "a holder that was not cut off keeps it");
}

/* Let clients connect, take, give back and disconnect at random. */
static void play(int steps)
{
	for (int i = 0; i < steps; i++) {
		struct user *user = &users[testkit_random(kit, CLIENTS)];

		if (user->client == NULL)
			join(user, 1 + (uint32_t)testkit_random(kit, NODES), (int)testkit_random(kit, NAMES));
		else if (!testkit_is_connected(user->client) || testkit_random(kit, 10) == 0)
			leave(user);
		else if (user->holds && testkit_random(kit, 2) == 0)
			ask(user, LOCK_GIVE, 0);
		else if (!user->holds && !user->is_asking)
			ask(user, LOCK_TAKE, testkit_random(kit, 2) == 0 ? 0 : (uint32_t)testkit_random(kit, 3000));
		testkit_run(kit, (uint32_t)testkit_random(kit, 60));
	}
}

/* Check that after all faults all nodes know the same holder, and that no entry stays when the clients have left. */
static void check_end(void)
{
	testkit_calm(kit);
	testkit_no_room(kit, TESTKIT_ALL, NULL, 0);
	testkit_disk(kit, TESTKIT_ALL, 0, 0);
	check(testkit_settle(kit, 60000) == 0, "the nodes find each other again");
	testkit_run(kit, 5000);
	for (int name = 0; name < NAMES; name++) {
		uint32_t holder = 0;
		int count = 0, waiting = 0;

		for (int i = 0; i < CLIENTS; i++) {
			int is_here = users[i].client != NULL && testkit_is_connected(users[i].client) &&
				      users[i].name == name;

			count += is_here && users[i].holds;
			waiting += is_here && users[i].is_asking;
			if (is_here && users[i].holds)
				holder = users[i].node;
		}
		check(count <= 1, "a lock has one holder");
		check(count == 1 || waiting == 0, "no client waits for a free lock");
		check(all_say(name, holder, (uint32_t)waiting), "all nodes know holder and waiters");
	}
	for (int i = 0; i < CLIENTS; i++)
		leave(&users[i]);
	testkit_run(kit, 1000);
	for (int name = 0; name < NAMES; name++) {
		check(all_say(name, 0, 0), "nothing stays behind");
		join(&users[0], 2, name);
		check(take(&users[0], 0) == OK, "each lock can be had");
		leave(&users[0]);
	}
}

static void test_chaos(void)
{
	testkit_chaos(kit, TESTKIT_CHAOS, 400);
	play(200);
	check_end();
}

/* Run at random while the ring has no room for one message in five. */
static void test_no_room(void)
{
	testkit_no_room(kit, TESTKIT_ALL, "lock", 2000);
	testkit_chaos(kit, TESTKIT_PART | TESTKIT_LOSS, 1000);
	play(150);
	check_end();
}

/* Deliver a GIVE from a node of the other byte order. The first token of a node is 1. */
static void test_byte_order(void)
{
	struct lock_ring_entry entry = {.token = __builtin_bswap64(1)};
	uint32_t size = sizeof(entry) - sizeof(entry.header);

	join(&users[0], 3, 0);
	check(take(&users[0], 0) == OK && all_say(0, 3, 0), "it is taken");
	strcpy(entry.name, names[0]);
	check(testkit_play(kit, 3, "lock", LOCK_RING_GIVE, &entry.synced, size) == 0, "it is sent");
	testkit_run(kit, 100);
	check(all_say(0, 0, 0), "it is given back in the other byte order");
}

/* --- a node with a fault --- */

#define MANY (2 * LOCK_ENTRIES_MAX)

/* Append entries to the list of one node only. It sends them in the next synchronisation. */
static void add_entries(struct lock *lock, uint32_t nodeid, uint32_t count)
{
	struct entry **place = &lock->entries;

	while (*place != NULL)
		place = &(*place)->next;
	for (uint32_t i = 1; i <= count; i++) {
		struct entry *entry = calloc(1, sizeof(*entry));

		if (entry == NULL)
			abort();
		entry->nodeid = nodeid;
		entry->token = UINT64_C(1000000) + i;
		entry->arrival = (struct lock_place){lock->synced, UINT64_C(1000000) + i};
		snprintf(entry->name, sizeof(entry->name), "many %u", i % 64);
		*place = entry;
		place = &entry->next;
	}
}

/*
 * A member with a fault may send any number of entries in a synchronisation. The others keep as many as a node can have,
 * and the entries of all other members.
 */
static void test_many_entries(void)
{
	struct lock *lock = testkit_self(kit, 1, "lock");
	uint32_t most = 0;

	join(&users[0], 1, 0);
	check(take(&users[0], 0) == OK, "it is taken");
	add_entries(testkit_self(kit, 2, "lock"), 2, MANY);
	testkit_crash(kit, 3);
	for (int i = 0; i < 6000 && (most < LOCK_ENTRIES_MAX / 2 || lock->is_syncing); i++) {
		testkit_run(kit, 2);
		if (lock->entry_count > most)
			most = lock->entry_count;
	}
	/* Some may be given back already. */
	check(most >= LOCK_ENTRIES_MAX / 2, "the entries that a node can have are kept");
	check(most <= LOCK_ENTRIES_MAX + 1, "a member with a fault adds no more than it can have");
	testkit_settle(kit, 30000);
	check(users[0].holds && all_say(0, 1, 0), "the holder keeps its lock");
	testkit_run(kit, 20000);
	check(lock->entry_count == 1, "entries without clients are given back");
}

/* Start a cluster of three nodes with votequorum. */
static int begin(const char *file)
{
	kit = testkit_create(seed, NODES);
	if (kit == NULL)
		return 0;
	memset(users, 0, sizeof(users));
	grant_count = 0;
	is_cut_at_grant = 0;
	testkit_config(kit, "quorum {\n provider: corosync_votequorum\n expected_votes: 3\n}");
	testkit_foreign(kit);
	if (testkit_load_file(kit, TESTKIT_ALL, VOTES, NULL) == 0 &&
		testkit_load_file(kit, TESTKIT_ALL, file, NULL) == 0 && testkit_start(kit, TESTKIT_ALL) == 0)
		return 1;
	fprintf(stderr, "%s\n", testkit_error(kit));
	testkit_destroy(kit);
	return 0;
}

int main(int argc, char **argv)
{
	static void (*const tests[])(void) = {test_queue, test_partition, test_short_partition, test_in_flight,
		test_part_without_quorum, test_heir, test_leave_in_synchronisation, test_cut_at_grant,
		test_cut_off_asks, test_byte_order, test_many_entries, test_chaos, test_no_room};
	unsigned long first = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	unsigned long last = argc > 3 ? strtoul(argv[3], NULL, 10) : argc > 2 ? first : 20;

	if (argc < 2)
		return 2;
	for (seed = first; seed <= last; seed++) {
		for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
			if (!begin(argv[1]))
				return 1;
			if (getenv("LOCK_LOG") != NULL)
				testkit_log(kit, stdout, atoi(getenv("LOCK_LOG")));
			check(testkit_settle(kit, 30000) == 0, "a ring forms");
			tests[i]();
			check(testkit_destroy(kit) == 0, "no complaint");
		}
	}
	printf("%d failures\n", failures);
	return failures > 0;
}

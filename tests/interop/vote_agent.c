/*
 * The program that vote.sh runs on each node. It writes the state of the votes, as libquorum and libvotequorum report
 * it, to a file whenever it changes. It executes commands, and can be the node's quorum device.
 *
 * vote_agent FOLDER NODES: FOLDER/state always has the state: "down", or a line with the ring's id and a line with all
 * the rest. Commands are read from standard input, one on each line. Each appends a line to FOLDER/answers with itself
 * and the code that the call returned:
 *
 *	votes NODE VOTES, expected VOTES, register NAME, unregister NAME, rename OLD NEW, master 0|1
 *	cast 0|1	the device polls from now on with this vote, and at each new ring
 *	mute		the device does not poll any more
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <corosync/quorum.h>
#include <corosync/votequorum.h>

enum {
	LOOK_MS = 100,        /* time between two looks at the state if no event arrives */
	CONNECT_MS = 30,      /* between two attempts to connect */
	DEVICE_POLL_MS = 100, /* between two polls of the device */
	NODES_MAX = 16,
	TEXT_SIZE = 4096,
};

static const char device_name[] = "device";

/* ---- The device: a thread, since a ring that forms waits for its poll and for nobody else ---- */

struct device {
	atomic_int vote; /* -1: does not poll */
	bool is_connected;
	votequorum_handle_t handle;
	votequorum_ring_id_t ring_id;
};

static struct device device = {.vote = -1};

static void device_poll(void)
{
	int vote = atomic_load(&device.vote);

	if (vote >= 0)
		votequorum_qdevice_poll(device.handle, device_name, (unsigned int)vote, device.ring_id);
}

static void on_device_nodelist(votequorum_handle_t handle, uint64_t context, votequorum_ring_id_t ring_id,
	uint32_t node_list_entries, uint32_t node_list[])
{
	(void)handle, (void)context, (void)node_list_entries, (void)node_list;
	device.ring_id = ring_id;
	device_poll();
}

static void device_connect(void)
{
	votequorum_callbacks_t callbacks = {.votequorum_nodelist_notify_fn = on_device_nodelist};

	if (votequorum_initialize(&device.handle, &callbacks) != CS_OK)
		return;
	device.is_connected = votequorum_trackstart(device.handle, 0, CS_TRACK_CHANGES) == CS_OK &&
			      votequorum_dispatch(device.handle, CS_DISPATCH_ALL) == CS_OK;
	if (!device.is_connected)
		votequorum_finalize(device.handle);
}

static void *device_run(void *arg)
{
	struct pollfd pollfd = {.events = POLLIN};

	(void)arg;
	for (;;) {
		if (!device.is_connected) {
			if (atomic_load(&device.vote) >= 0)
				device_connect();
			poll(NULL, 0, CONNECT_MS);
			continue;
		}
		votequorum_fd_get(device.handle, &pollfd.fd);
		if (poll(&pollfd, 1, DEVICE_POLL_MS) == 0)
			device_poll();
		if (votequorum_dispatch(device.handle, CS_DISPATCH_ALL) != CS_OK) {
			/* The daemon has ended, and with it the registration of the device. */
			votequorum_finalize(device.handle);
			device.is_connected = false;
			atomic_store(&device.vote, -1);
		}
	}
	return NULL;
}

/* ---- The node's state ---- */

struct view {
	uint32_t members[NODES_MAX];
	uint32_t member_count;
	struct quorum_ring_id ring_id;
	uint32_t quorum_verdict; /* last report of libquorum */
	uint32_t votes_verdict;  /* last report of libvotequorum */
};

static struct view view;
static quorum_handle_t quorum;
static votequorum_handle_t votes;
static bool is_connected;
static unsigned int nodes;

static void on_nodelist(quorum_handle_t handle, struct quorum_ring_id ring_id, uint32_t member_list_entries,
	const uint32_t *member_list, uint32_t joined_list_entries, const uint32_t *joined_list,
	uint32_t left_list_entries, const uint32_t *left_list)
{
	(void)handle, (void)joined_list_entries, (void)joined_list;
	(void)left_list_entries, (void)left_list;
	view.ring_id = ring_id;
	view.member_count = member_list_entries < NODES_MAX ? member_list_entries : NODES_MAX;
	memcpy(view.members, member_list, view.member_count * sizeof(view.members[0]));
}

static void on_quorum(quorum_handle_t handle, uint32_t quorate, struct quorum_ring_id ring_id,
	uint32_t member_list_entries, const uint32_t *member_list)
{
	(void)handle, (void)ring_id, (void)member_list_entries, (void)member_list;
	view.quorum_verdict = quorate;
}

static void on_votes(votequorum_handle_t handle, uint64_t context, uint32_t quorate, uint32_t node_list_entries,
	votequorum_node_t node_list[])
{
	(void)handle, (void)context, (void)node_list_entries, (void)node_list;
	view.votes_verdict = quorate;
}

static void connect_daemon(void)
{
	quorum_model_v1_data_t model = {QUORUM_MODEL_V1, on_quorum, on_nodelist};
	votequorum_callbacks_t callbacks = {.votequorum_quorum_notify_fn = on_votes};
	uint32_t type;

	if (quorum_model_initialize(&quorum, QUORUM_MODEL_V1, (quorum_model_data_t *)&model, &type, NULL) != CS_OK)
		return;
	if (votequorum_initialize(&votes, &callbacks) != CS_OK) {
		quorum_finalize(quorum);
		return;
	}
	is_connected = quorum_trackstart(quorum, CS_TRACK_CHANGES) == CS_OK &&
		       votequorum_trackstart(votes, 0, CS_TRACK_CHANGES) == CS_OK;
	if (!is_connected) {
		votequorum_finalize(votes);
		quorum_finalize(quorum);
	}
}

static void disconnect(void)
{
	votequorum_finalize(votes);
	quorum_finalize(quorum);
	is_connected = false;
}

static void print_flags(FILE *out, unsigned int flags)
{
	static const struct {
		unsigned int flag;
		const char *name;
	} names[] = {
		{VOTEQUORUM_INFO_TWONODE, " two_node"},
		{VOTEQUORUM_INFO_WAIT_FOR_ALL, " wait_for_all"},
		{VOTEQUORUM_INFO_LAST_MAN_STANDING, " last_man_standing"},
		{VOTEQUORUM_INFO_AUTO_TIE_BREAKER, " auto_tie_breaker"},
		{VOTEQUORUM_INFO_ALLOW_DOWNSCALE, " allow_downscale"},
		{VOTEQUORUM_INFO_QDEVICE_REGISTERED, " registered"},
		{VOTEQUORUM_INFO_QDEVICE_ALIVE, " alive"},
		{VOTEQUORUM_INFO_QDEVICE_CAST_VOTE, " votes"},
		{VOTEQUORUM_INFO_QDEVICE_MASTER_WINS, " master_wins"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & names[i].flag)
			fputs(names[i].name, out);
}

/* Print the known facts about another node, or about this node if the id is its own. */
static void print_node(FILE *out, unsigned int nodeid, const struct votequorum_info *own)
{
	static const char *const states[] = {"?", "member", "dead", "leaving"};
	static const unsigned int of_node = VOTEQUORUM_INFO_QDEVICE_REGISTERED | VOTEQUORUM_INFO_QDEVICE_ALIVE |
					    VOTEQUORUM_INFO_QDEVICE_CAST_VOTE | VOTEQUORUM_INFO_QDEVICE_MASTER_WINS;
	struct votequorum_info info;
	cs_error_t rc = votequorum_getinfo(votes, nodeid, &info);

	if (rc == CS_ERR_NOT_EXIST)
		return;
	if (rc != CS_OK) {
		fprintf(out, "; %u error %d", nodeid, (int)rc);
		return;
	}
	/*
	 * Leave out the expected votes of other nodes: when a node learns them depends on the number of rings in
	 * between. The highest value shows their effect.
	 */
	fprintf(out, "; %u %s %u", nodeid, states[info.node_state < 4 ? info.node_state : 0], info.node_votes);
	print_flags(out, info.flags & of_node);
	if (info.total_votes != own->total_votes)
		fprintf(out, " total %u", info.total_votes);
	if (info.quorum != own->quorum || info.highest_expected != own->highest_expected ||
		(info.flags & ~of_node) != (own->flags & ~of_node))
		fprintf(out, " and another verdict");
}

/* Print the node's state. @return false: the connection is broken */
static bool print_state(FILE *out)
{
	struct votequorum_info own;
	int quorate;

	if (quorum_dispatch(quorum, CS_DISPATCH_ALL) != CS_OK || votequorum_dispatch(votes, CS_DISPATCH_ALL) != CS_OK ||
		quorum_getquorate(quorum, &quorate) != CS_OK || votequorum_getinfo(votes, 0, &own) != CS_OK)
		return false;
	fprintf(out, "%" PRIu32 ".%" PRIx64 "\nring", view.ring_id.nodeid, view.ring_id.seq);
	for (uint32_t i = 0; i < view.member_count; i++)
		fprintf(out, " %" PRIu32, view.members[i]);
	fprintf(out, "; %s; quorum %u; votes %u; expected %u; highest %u; flags", quorate ? "quorate" : "inquorate",
		own.quorum, own.total_votes, own.node_expected_votes, own.highest_expected);
	print_flags(out, own.flags);
	if (own.qdevice_votes != 0 || own.qdevice_name[0] != '\0')
		fprintf(out, "; device %u %s", own.qdevice_votes, own.qdevice_name);
	if (((own.flags & VOTEQUORUM_INFO_QUORATE) != 0) != (quorate != 0) ||
		view.quorum_verdict != (uint32_t)quorate || view.votes_verdict != (uint32_t)quorate)
		fprintf(out, "; told otherwise");
	for (unsigned int i = 1; i <= nodes; i++)
		print_node(out, i, &own);
	return true;
}

static void state_write(const char *folder, const char *text)
{
	static char written[TEXT_SIZE];
	char path[256], path_new[256];

	if (strcmp(written, text) == 0)
		return;
	snprintf(path, sizeof(path), "%s/state", folder);
	snprintf(path_new, sizeof(path_new), "%s/state.new", folder);
	FILE *file = fopen(path_new, "w");
	if (file == NULL)
		exit(1);
	fprintf(file, "%s\n", text);
	fclose(file);
	if (rename(path_new, path) < 0)
		exit(1);
	snprintf(written, sizeof(written), "%s", text);
}

static void look(const char *folder)
{
	char text[TEXT_SIZE] = "down";

	if (!is_connected)
		connect_daemon();
	if (is_connected) {
		FILE *out = fmemopen(text, sizeof(text), "w");

		if (out == NULL)
			exit(1);
		if (!print_state(out))
			disconnect();
		fclose(out);
	}
	state_write(folder, is_connected ? text : "down");
}

/* ---- Commands ---- */

static int obey(const char *line)
{
	unsigned int first, second;
	char name[256], other[256];

	if (sscanf(line, "votes %u %u", &first, &second) == 2)
		return (int)votequorum_setvotes(votes, first, second);
	if (sscanf(line, "expected %u", &first) == 1)
		return (int)votequorum_setexpected(votes, first);
	if (sscanf(line, "register %255s", name) == 1)
		return (int)votequorum_qdevice_register(votes, name);
	if (sscanf(line, "unregister %255s", name) == 1) {
		atomic_store(&device.vote, -1);
		return (int)votequorum_qdevice_unregister(votes, name);
	}
	if (sscanf(line, "rename %255s %255s", name, other) == 2)
		return (int)votequorum_qdevice_update(votes, name, other);
	if (sscanf(line, "master %u", &first) == 1)
		return (int)votequorum_qdevice_master_wins(votes, device_name, first);
	if (sscanf(line, "cast %u", &first) == 1) {
		atomic_store(&device.vote, (int)first);
		return CS_OK;
	}
	if (strcmp(line, "mute") == 0) {
		atomic_store(&device.vote, -1);
		return CS_OK;
	}
	return -1;
}

static void command(const char *folder, char *line)
{
	char path[256];

	line[strcspn(line, "\n")] = '\0';
	int rc = is_connected ? obey(line) : -2;
	snprintf(path, sizeof(path), "%s/answers", folder);
	FILE *file = fopen(path, "a");
	if (file == NULL)
		exit(1);
	fprintf(file, "%s = %d\n", line, rc);
	fclose(file);
}

int main(int argc, char **argv)
{
	struct pollfd pollfds[3] = {{.fd = STDIN_FILENO, .events = POLLIN}};
	pthread_t thread;
	char line[600];

	if (argc != 3 || pthread_create(&thread, NULL, device_run, NULL) != 0)
		return 1;
	nodes = (unsigned int)atoi(argv[2]);
	setvbuf(stdin, NULL, _IONBF, 0);
	for (;;) {
		look(argv[1]);
		for (int i = 1; i < 3; i++)
			pollfds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
		if (is_connected) {
			quorum_fd_get(quorum, &pollfds[1].fd);
			votequorum_fd_get(votes, &pollfds[2].fd);
		}
		poll(pollfds, 3, is_connected ? LOOK_MS : CONNECT_MS);
		if (pollfds[0].revents != 0) {
			if (fgets(line, sizeof(line), stdin) == NULL)
				return 0;
			command(argv[1], line);
		}
	}
}

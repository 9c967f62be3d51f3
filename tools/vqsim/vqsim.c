/*
 * corosync-vqsim: print the verdicts of votequorum without a cluster. Commands on standard input start nodes, stop them
 * and put them into partitions, and the verdicts of the nodes are printed.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/standard.h"
#include "tools/vqsim/cluster.h"

enum { EXIT_START = 20, LINE_SIZE_MAX = 4096 };

struct vqsim {
	struct cluster cluster;
	FILE *out;
	bool is_interactive;
	bool has_autofence;
	bool has_changed; /* rings have to be formed, and verdicts printed */
};

static const char help[] = "  All node IDs in the cluster are unique and belong to a numbered 'partition' "
			   "(default=0)\n"
			   "\n"
			   "up         [<partition>:][<nodeid>[,<nodeid>] ...] [[<partition>:][<nodeid>...]] [...]\n"
			   "           bring node(s) online in the specified partition(s)\n"
			   "down       <nodeid>,[<nodeid>...]\n"
			   "           send nodes offline (shut them down)\n"
			   "move/split [<partition>:][<nodeid>[,<nodeid>] ...] [[<partition>:][<nodeid>...]] [...]\n"
			   "           Move nodes from one partition to another (netsplit)\n"
			   "           <partition> here is the partition to move the nodes to\n"
			   "join       <partition> <partition> [<partition>] ... \n"
			   "           Join partitions together (reverse of a netsplit)\n"
			   "qdevice    on|off [<partition>:][<nodeid>[,<nodeid>] ...] [[<partition>:][<nodeid>...]] "
			   "[...]\n"
			   "           Enable quorum device in specified nodes\n"
			   "autofence  on|off\n"
			   "           automatically 'down' nodes on inquorate side on netsplit\n"
			   "timeout    <n> (default 250)\n"
			   "           Wait a maximum of <n> milli-seconds for the next command to complete.\n"
			   "sync       on|off (default on)\n"
			   "           enable/disable synchronous execution of commands (wait for completion)\n"
			   "assert     on|off (default off)\n"
			   "           Abort the simulation run if a timeout expires\n"
			   "show       Show current nodes status\n"
			   "exit\n"
			   "\n";

/* --- output --- */

static void print_node(FILE *out, const struct sim_node *node)
{
	const struct coterie_ctx *host = node->host;

	fprintf(out, "%u:%u: ", node->partition, node->id);
	if (!host->has_verdict || !node->has_formed) {
		fprintf(out, "q=UNINITIALIZED\n");
		return;
	}
	fprintf(out, "q=%d ring=[%u.%llx] nodes=[", host->is_quorate, host->ring.representative,
		(unsigned long long)host->ring.seq);
	for (uint32_t i = 0; i < host->member_count; i++)
		fprintf(out, "%s%u", i == 0 ? "" : " ", host->members[i]);
	fprintf(out, "]\n");
}

static void print_nodes(const struct vqsim *sim)
{
	for (uint32_t partition = 0; partition < PARTITIONS_MAX; partition++)
		for (size_t i = 0; i < sim->cluster.node_count; i++)
			if (sim->cluster.nodes[i]->partition == partition)
				print_node(sim->out, sim->cluster.nodes[i]);
	fprintf(sim->out, "#autofence: %s\n", sim->has_autofence ? "on" : "off");
}

static void stop_node(struct vqsim *sim, struct sim_node *node, const char *why)
{
	fprintf(sim->out, "%u:%u: Quit (%s)\n", node->partition, node->id, why);
	sim->has_changed = true;
	cluster_stop(&sim->cluster, node);
}

/* Form new rings, print their verdicts, and stop the nodes that have lost quorum if autofence is on. */
static void settle(struct vqsim *sim)
{
	bool has_fenced = false;

	if (!sim->has_changed)
		return;
	sim->has_changed = false;
	cluster_settle(&sim->cluster);
	print_nodes(sim);
	for (size_t i = 0; i < sim->cluster.node_count;) {
		struct sim_node *node = sim->cluster.nodes[i];
		bool is_lost = node->was_quorate && !node->host->is_quorate;

		node->was_quorate = node->host->is_quorate;
		if (!is_lost || !sim->has_autofence) {
			i++;
			continue;
		}
		stop_node(sim, node, "autofenced");
		has_fenced = true;
	}
	if (has_fenced)
		cluster_settle(&sim->cluster);
	sim->has_changed = false;
}

/* --- lists of nodes --- */

typedef void node_action(struct vqsim *sim, uint32_t partition, uint32_t node_id, bool flag);

static bool parse_number(const char **text, uint32_t max, uint32_t *number)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	errno = 0;
	unsigned long value = strtoul(*text, &end, 10);
	if (errno != 0 || value > max)
		return false;
	*text = end;
	*number = (uint32_t)value;
	return true;
}

/* Call act for each node of "[PARTITION:]ID[,ID...]", and report words that cannot be parsed. */
static void for_each_node(struct vqsim *sim, const char *word, node_action *act, bool flag)
{
	const char *colon = strchr(word, ':');
	const char *at = word;
	uint32_t partition = 0, node_id;

	if (colon != NULL && (!parse_number(&at, PARTITIONS_MAX - 1, &partition) || at != colon)) {
		fprintf(sim->out, "ERR: bad partition in '%s'\n", word);
		return;
	}
	if (colon != NULL)
		at = colon + 1;
	do {
		if (!parse_number(&at, UINT_MAX, &node_id) || node_id == 0) {
			fprintf(sim->out, "ERR: bad nodeid in '%s'\n", word);
			return;
		}
		act(sim, partition, node_id, flag);
	} while (*at == ',' && *++at != '\0');
}

static struct sim_node *find_node(struct vqsim *sim, uint32_t node_id)
{
	struct sim_node *node = cluster_find(&sim->cluster, node_id);

	if (node == NULL)
		fprintf(sim->out, "ERR: nodeid %u is not up\n", node_id);
	return node;
}

static void node_up(struct vqsim *sim, uint32_t partition, uint32_t node_id, bool flag)
{
	const struct sim_node *node = cluster_find(&sim->cluster, node_id);

	(void)flag;
	if (node != NULL) {
		fprintf(sim->out, "ERR: nodeid %u already exists in partition %u\n", node_id, node->partition);
		return;
	}
	int rc = cluster_start(&sim->cluster, node_id, partition);
	if (rc < 0) {
		fprintf(sim->out, "%u:%u: Quit (exit code %d)\n", partition, node_id, EXIT_START);
		return;
	}
	sim->has_changed = true;
	/* Nodes join one after the other, and each of them changes the ring. */
	cluster_settle(&sim->cluster);
}

static void node_down(struct vqsim *sim, uint32_t partition, uint32_t node_id, bool flag)
{
	struct sim_node *node = find_node(sim, node_id);

	(void)partition, (void)flag;
	if (node != NULL)
		stop_node(sim, node, "on request");
}

static void node_move(struct vqsim *sim, uint32_t partition, uint32_t node_id, bool flag)
{
	struct sim_node *node = find_node(sim, node_id);

	(void)flag;
	if (node == NULL)
		return;
	sim->has_changed = true;
	cluster_move(&sim->cluster, node, partition);
}

static void node_device(struct vqsim *sim, uint32_t partition, uint32_t node_id, bool is_on)
{
	struct sim_node *node = find_node(sim, node_id);

	(void)partition;
	if (node != NULL)
		cluster_set_device(&sim->cluster, node, is_on);
}

/* --- commands --- */

static bool parse_switch(const char *word, bool *is_on)
{
	if (word == NULL || (strcasecmp(word, "on") != 0 && strcasecmp(word, "off") != 0))
		return false;
	*is_on = strcasecmp(word, "on") == 0;
	return true;
}

static void act_on_nodes(struct vqsim *sim, char *words, node_action *act)
{
	for (char *word = strtok(words, " \t"); word != NULL; word = strtok(NULL, " \t"))
		for_each_node(sim, word, act, false);
	settle(sim);
}

static void join_partitions(struct vqsim *sim, char *words)
{
	uint32_t first = PARTITIONS_MAX, partition;

	for (char *word = strtok(words, " \t"); word != NULL; word = strtok(NULL, " \t")) {
		const char *at = word;

		if (!parse_number(&at, PARTITIONS_MAX - 1, &partition) || *at != '\0') {
			fprintf(sim->out, "ERR: bad partition '%s'\n", word);
			return;
		}
		if (first == PARTITIONS_MAX)
			first = partition;
		for (size_t i = 0; i < sim->cluster.node_count; i++)
			if (sim->cluster.nodes[i]->partition == partition)
				cluster_move(&sim->cluster, sim->cluster.nodes[i], first);
		sim->has_changed = true;
	}
	settle(sim);
}

static void set_devices(struct vqsim *sim, char *words)
{
	bool is_on;

	if (!parse_switch(strtok(words, " \t"), &is_on)) {
		fprintf(sim->out, "ERR: qdevice on or off\n");
		return;
	}
	for (char *word = strtok(NULL, " \t"); word != NULL; word = strtok(NULL, " \t"))
		for_each_node(sim, word, node_device, is_on);
}

/*
 * Set an option to on or off. `sync` and `assert` have no effect, since each command is complete before the next one.
 */
static void set_switch(struct vqsim *sim, const char *name, char *words)
{
	bool is_on;

	if (!parse_switch(strtok(words, " \t"), &is_on)) {
		fprintf(sim->out, "ERR: %s on or off\n", name);
		return;
	}
	if (strcmp(name, "autofence") == 0)
		sim->has_autofence = is_on;
	fprintf(sim->out, "#%s: %s\n", name, is_on ? "on" : "off");
}

/* Run a command. @return false: end the program */
static bool run_command(struct vqsim *sim, char *line)
{
	char *name = line + strspn(line, " \t");
	size_t length = strcspn(name, " \t");
	char *words = name + length + (name[length] != '\0');

	name[length] = '\0';
	if (*name == '\0' || *name == '#')
		return true;
	if (strcasecmp(name, "exit") == 0 || strcasecmp(name, "quit") == 0 || strcasecmp(name, "q") == 0)
		return false;
	if (strcasecmp(name, "up") == 0)
		act_on_nodes(sim, words, node_up);
	else if (strcasecmp(name, "down") == 0)
		act_on_nodes(sim, words, node_down);
	else if (strcasecmp(name, "move") == 0 || strcasecmp(name, "split") == 0)
		act_on_nodes(sim, words, node_move);
	else if (strcasecmp(name, "join") == 0)
		join_partitions(sim, words);
	else if (strcasecmp(name, "qdevice") == 0)
		set_devices(sim, words);
	else if (strcasecmp(name, "autofence") == 0)
		set_switch(sim, "autofence", words);
	else if (strcasecmp(name, "sync") == 0)
		set_switch(sim, "sync", words);
	else if (strcasecmp(name, "assert") == 0)
		set_switch(sim, "assert", words);
	else if (strcasecmp(name, "show") == 0)
		print_nodes(sim);
	else if (strcasecmp(name, "timeout") != 0)
		fputs(help, sim->out);
	return true;
}

/* --- the program --- */

/* Wait for input. Meanwhile the timers of nodes run, and devices vote. */
static void wait_for_input(struct vqsim *sim)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

	for (;;) {
		int rc = poll(&input, 1, cluster_next_timer_ms(&sim->cluster));

		if (rc > 0 || (rc < 0 && errno != EINTR))
			return;
		cluster_run_timers(&sim->cluster);
	}
}

/*
 * Read the next line without its line feed. The bytes are read one by one: bytes in a buffer would be hidden from poll.
 * @return false: end of the input
 */
static bool read_line(struct vqsim *sim, char *line)
{
	size_t length = 0;
	char byte;

	if (sim->is_interactive)
		fputs("vqsim> ", sim->out);
	fflush(sim->out);
	for (;;) {
		wait_for_input(sim);
		ssize_t size = read(STDIN_FILENO, &byte, 1);
		if (size < 0 && errno == EINTR)
			continue;
		if (size <= 0 && length == 0)
			return false;
		if (size <= 0 || byte == '\n')
			break;
		if (length < LINE_SIZE_MAX - 1)
			line[length++] = byte;
	}
	line[length] = '\0';
	if (!sim->is_interactive)
		fprintf(sim->out, "#vqsim> %s\n", line);
	return true;
}

static int run(struct vqsim *sim, const struct settings *settings)
{
	char line[LINE_SIZE_MAX];

	for (size_t i = 0; i < settings->node_count; i++)
		if (settings->node_ids[i] != 0)
			node_up(sim, 0, settings->node_ids[i], false);
	settle(sim);
	while (read_line(sim, line) && run_command(sim, line))
		continue;
	cluster_fini(&sim->cluster);
	return EXIT_SUCCESS;
}

static int print_usage(FILE *to, int status)
{
	fputs("usage: corosync-vqsim [-h] [-n] [-c <config file>] [-o <output file>]\n"
	      "  -c <file>  config file with the nodes and the quorum section\n"
	      "             (default " SYSCONF_DIR "/corosync/corosync.conf)\n"
	      "  -o <file>  print to this file instead of standard output\n"
	      "  -n         accepted for older scripts, without effect\n"
	      "  -h         show this help text\n",
		to);
	return status;
}

static int simulate(int argc, char **argv)
{
	const char *config = SYSCONF_DIR "/corosync/corosync.conf";
	struct vqsim sim = {.out = stdout};
	struct settings settings;
	int option;

	while ((option = getopt(argc, argv, "c:o:nh")) != -1)
		switch (option) {
		case 'c':
			config = optarg;
			break;
		case 'o':
			sim.out = fopen(optarg, "w");
			if (sim.out == NULL) {
				fprintf(stderr, "corosync-vqsim: cannot write %s: %s\n", optarg, strerror(errno));
				return EXIT_FAILURE;
			}
			break;
		case 'n':
			break;
		case 'h':
			return print_usage(stdout, EXIT_SUCCESS);
		default:
			return print_usage(stderr, EXIT_FAILURE);
		}
	int rc = settings_read(&settings, config);
	if (rc < 0) {
		fprintf(stderr, "corosync-vqsim: cannot read %s: %s\n", config, strerror(-rc));
		settings_free(&settings);
		return EXIT_FAILURE;
	}
	sim.is_interactive = isatty(STDIN_FILENO) != 0;
	cluster_init(&sim.cluster, &settings, NULL);
	int status = run(&sim, &settings);
	settings_free(&settings);
	if (sim.out != stdout) {
		status = standard_end("corosync-vqsim", sim.out, status);
		fclose(sim.out);
	}
	return status;
}

int main(int argc, char **argv)
{
	standard_open();
	int status = simulate(argc, argv);

	return standard_end("corosync-vqsim", stdout, status);
}

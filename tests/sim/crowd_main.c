/* SPDX-License-Identifier: BSD-3-Clause */
/* coterie-crowd: forms large rings, and prints the number of joins and the time. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/crowd.h"

/* Most joins that may be received for each pair of nodes until a ring is formed, or goes on without some members. */
#define JOINS_MAX 20u
/* Longest time until a ring is formed, or goes on without some members (book invariants, "Crowds"). */
#define FORM_NS MS(300)
#define CRASH_NS MS(50)
#define NODE_NS US(1500) /* added for each node */
#define PATIENCE_NS SECONDS(60)

static const char usage[] =
	"usage: coterie-crowd [--nodes N] [--seeds A-B] [--spread MS] [--loss PERCENT] [--plain N] [--delay US]\n"
	"                     [--socket BYTES] [--stall MS] [--joins N] [--ms MS] [--form] [--any] [--kills N]\n"
	"\n"
	"Forms a ring, kills a node, kills half, and starts them again. Prints joins received by the square of the nodes,\n"
	"joins sent by the node that sent the most, and milliseconds. Exit status: 1 if there are more than N joins (20),\n"
	"it takes longer than MS milliseconds, or --kills puts a healthy node out of the ring, 2: usage.\n"
	"\n"
	"  --spread MS     the nodes start within this time, not together\n"
	"  --plain N       so many of them have no extensions\n"
	"  --delay US      a packet takes one to four times as long (50)\n"
	"  --socket BYTES  that a node's socket holds (1048576; 0: any number)\n"
	"  --stall MS      a node gets no processor for up to this time now and then\n"
	"  --form          only forms the ring\n"
	"  --any           joins and times do not matter if there is a ring in a minute\n"
	"  --kills N       after that only one node is killed, N times, soon after each start\n";

static const struct option options[] = {
	{"nodes", required_argument, NULL, 'n'},
	{"seeds", required_argument, NULL, 's'},
	{"spread", required_argument, NULL, 't'},
	{"loss", required_argument, NULL, 'l'},
	{"plain", required_argument, NULL, 'p'},
	{"delay", required_argument, NULL, 'd'},
	{"socket", required_argument, NULL, 'b'},
	{"joins", required_argument, NULL, 'j'},
	{"ms", required_argument, NULL, 'm'},
	{"form", no_argument, NULL, 'f'},
	{"any", no_argument, NULL, 'a'},
	{"kills", required_argument, NULL, 'k'},
	{"stall", required_argument, NULL, 'w'},
	{0},
};

struct request {
	struct crowd_options options;
	uint64_t first, last;
	uint64_t joins_max;
	uint64_t time_max_ns; /* limit of the time, 0: by the number of nodes */
	uint32_t kills;       /* how often one node is killed and started again */
	bool is_any, is_short;
};

/*
 * Let time pass until there is one ring, and print the joins and the time. @return false: too many joins, or too late
 */
static bool play(struct crowd *crowd, const struct request *request, const char *name, uint64_t max_ns)
{
	uint64_t from_ns = crowd_now_ns(crowd), pairs = (uint64_t)request->options.nodes * request->options.nodes;
	bool is_settled = crowd_settle(crowd, PATIENCE_NS), is_good;
	uint64_t took_ns = crowd_now_ns(crowd) - from_ns;
	struct crowd_figures figures;

	max_ns = request->time_max_ns != 0 ? request->time_max_ns : max_ns + request->options.nodes * NODE_NS;
	crowd_figures(crowd, &figures);
	is_good = is_settled && (request->is_any || (took_ns <= max_ns && figures.joins <= request->joins_max * pairs));
	printf("seed %" PRIu64 ", %u nodes, %s: %.1f joins/N^2, most %" PRIu64 ", %" PRIu64
	       " lost, %.1f rings, %.1f ms%s\n",
		request->options.seed, request->options.nodes, name, (double)figures.joins / (double)pairs,
		figures.sent_most, figures.lost, (double)figures.configurations / request->options.nodes,
		(double)took_ns / 1e6,
		!is_settled ? ": NO RING"
		: is_good   ? ""
			    : ": TOO MUCH");
	crowd_run(crowd, SECONDS(1));
	crowd_reset(crowd);
	return is_good;
}

/*
 * Kill one node again and again, and start it after up to 60 ms. It runs for at most a second. @return false: a node
 * that was not killed has been out of the ring, or there is no ring of all in time
 */
static bool play_kills(struct crowd *crowd, const struct request *request)
{
	struct sim_random random = {.state = request->options.seed};
	uint32_t victim = request->options.nodes / 2;
	struct crowd_figures figures;

	for (uint32_t i = 0; i < request->kills; i++) {
		crowd_kill(crowd, victim);
		crowd_run(crowd, random_between(&random, MS(5), MS(60)));
		crowd_start(crowd, victim);
		if (i + 1 < request->kills)
			crowd_run(crowd, random_between(&random, MS(50), MS(1000)));
	}

	uint64_t from_ns = crowd_now_ns(crowd);
	bool is_settled = crowd_settle(crowd, request->time_max_ns != 0 ? request->time_max_ns : PATIENCE_NS);

	crowd_figures(crowd, &figures);
	printf("seed %" PRIu64 ", %u nodes, node %u killed %u times: %" PRIu64
	       " losses of others, a ring after %.1f ms%s\n",
		request->options.seed, request->options.nodes, victim, request->kills, figures.losses,
		(double)(crowd_now_ns(crowd) - from_ns) / 1e6,
		!is_settled          ? ": NO RING"
		: figures.losses > 0 ? ": LOST"
				     : "");
	return is_settled && figures.losses == 0;
}

static bool play_seed(const struct request *request)
{
	struct crowd *crowd = crowd_create(&request->options);
	uint32_t nodes = request->options.nodes;
	bool is_good = play(crowd, request, "form", FORM_NS);

	if (is_good && request->kills > 0)
		is_good = play_kills(crowd, request);
	else if (is_good && nodes > 3 && !request->is_short) {
		crowd_kill(crowd, nodes / 3);
		is_good = play(crowd, request, "crash", CRASH_NS);
		for (uint32_t id = 2; id <= nodes; id += 2)
			crowd_kill(crowd, id);
		is_good = play(crowd, request, "half", CRASH_NS) && is_good;
		for (uint32_t id = 1; id <= nodes; id++)
			crowd_start(crowd, id);
		is_good = play(crowd, request, "back", FORM_NS + SECONDS(1)) && is_good;
	}
	crowd_destroy(crowd);
	return is_good;
}

static bool parse(int argc, char **argv, struct request *request)
{
	uint32_t nodes = 64, plain = 0, loss = 0;
	uint64_t spread_ns = 0, delay_ns = US(50), socket_bytes = 1 << 20, stall_ns = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		uint64_t value = optarg == NULL ? 0 : strtoull(optarg, NULL, 10);
		const char *dash = optarg == NULL ? NULL : strchr(optarg, '-');

		switch (option) {
		case 'n':
			nodes = (uint32_t)value;
			break;
		case 's':
			request->first = value;
			request->last = dash == NULL ? value : strtoull(dash + 1, NULL, 10);
			break;
		case 't':
			spread_ns = MS(value);
			break;
		case 'l':
			loss = (uint32_t)value * 100;
			break;
		case 'p':
			plain = (uint32_t)value;
			break;
		case 'd':
			delay_ns = US(value);
			break;
		case 'b':
			socket_bytes = value;
			break;
		case 'j':
			request->joins_max = value;
			break;
		case 'm':
			request->time_max_ns = MS(value);
			break;
		case 'f':
			request->is_short = true;
			break;
		case 'k':
			request->kills = (uint32_t)value;
			break;
		case 'w':
			stall_ns = MS(value);
			break;
		case 'a':
			request->is_any = true;
			break;
		default:
			return false;
		}
	}
	if (optind != argc || nodes == 0 || (nodes == 1 && request->kills > 0) || nodes > CROWD_NODES_MAX ||
		plain > nodes || loss > 10000)
		return false;
	crowd_defaults(&request->options, nodes);
	request->options.plain = plain;
	request->options.loss = loss;
	request->options.spread_ns = spread_ns;
	request->options.delay_min_ns = delay_ns;
	request->options.delay_max_ns = 4 * delay_ns;
	request->options.socket_bytes = socket_bytes;
	request->options.stall_ns = stall_ns;
	return true;
}

int main(int argc, char **argv)
{
	struct request request = {.first = 1, .last = 1, .joins_max = JOINS_MAX};
	bool is_good = true;

	if (!parse(argc, argv, &request)) {
		fputs(usage, stderr);
		return 2;
	}
	for (uint64_t seed = request.first; seed <= request.last; seed++) {
		request.options.seed = seed;
		is_good = play_seed(&request) && is_good;
	}
	return is_good ? 0 : 1;
}

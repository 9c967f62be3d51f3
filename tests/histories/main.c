/* SPDX-License-Identifier: BSD-3-Clause */
/* coterie-histories: play whole nodes with services and clients from seeds, and check the events of the clients. */
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/histories/play.h"

#define SHRINK_TRIES 400u

static const char usage[] =
	"usage: coterie-histories [--seed N | --seeds A-B] [--nodes N] [--faults LIST] [--no-shrink] [--verbose] [--help]\n"
	"\n"
	"Plays whole nodes with the services cpg, evs, quorum, votequorum, kv and cfg, with clients and faults, and checks\n"
	"what the clients see. A seed that fails is made smaller and printed.\n"
	"\n"
	"  --seed N        one seed (default: 1)\n"
	"  --seeds A-B     all seeds from A to B; stops at the first that fails\n"
	"  --nodes N       1 to 64 nodes (default: by seed, 2 to 5, with many 6 to 24)\n"
	"  --faults LIST   kinds of faults, with commas; \"none\"; \"all\" lets each seed pick some of all but\n"
	"                  replace (default)\n"
	"  --no-shrink     print a seed that fails as it is\n"
	"  --verbose       write steps and the log of all nodes to standard error\n"
	"\n"
	"Kinds of faults:";

struct request {
	uint64_t first, last;
	uint32_t nodes, faults;
	bool wants_shrink, is_verbose;
};

/* Text that the signal handler prints if a node's code aborts in the middle of a seed. */
static char last_words[128];

static void on_signal(int number)
{
	ssize_t ignored = write(STDOUT_FILENO, last_words, strlen(last_words));

	(void)ignored;
	signal(number, SIG_DFL);
	raise(number);
}

/*
 * No code of a node may start a thread. A thread ends in real time, so the seed would not replay, and on a busy machine a
 * node would wait for it for seconds of simulated time. The executive's library calls this function instead of libc's.
 */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *arg), void *arg)
{
	(void)thread;
	(void)attributes;
	(void)run;
	(void)arg;
	abort();
}

static int refuse(const char *what, const char *value)
{
	fprintf(stderr, "coterie-histories: %s: %s\nTry coterie-histories --help.\n", what, value);
	return 2;
}

static void print_help(void)
{
	fputs(usage, stdout);
	for (int fault = 0; fault < HISTORY_FAULTS; fault++)
		printf(" %s", history_fault_name((enum history_fault)fault));
	printf("\n\nExit status: 0 nothing broken, 1 a violation, 2 usage.\n");
}

static int parse(int argc, char **argv, struct request *request)
{
	static const struct option options[] = {{"seed", required_argument, NULL, 's'},
		{"seeds", required_argument, NULL, 'S'}, {"nodes", required_argument, NULL, 'n'},
		{"faults", required_argument, NULL, 'f'}, {"no-shrink", no_argument, NULL, 'N'},
		{"verbose", no_argument, NULL, 'v'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	char tail;

	for (int option; (option = getopt_long(argc, argv, "hv", options, NULL)) != -1;) {
		switch (option) {
		case 's':
			if (sscanf(optarg, "%ju%c", &request->first, &tail) != 1)
				return refuse("no seed", optarg);
			request->last = request->first;
			break;
		case 'S':
			if (sscanf(optarg, "%ju-%ju%c", &request->first, &request->last, &tail) != 2)
				return refuse("no range of seeds", optarg);
			break;
		case 'n':
			if (sscanf(optarg, "%u%c", &request->nodes, &tail) != 1 || request->nodes < 1 ||
				request->nodes > HISTORY_NODES_MAX)
				return refuse("not 1 to 64 nodes", optarg);
			break;
		case 'f':
			if (!history_faults_parse(optarg, &request->faults))
				return refuse("unknown fault", optarg);
			break;
		case 'N':
			request->wants_shrink = false;
			break;
		case 'v':
			request->is_verbose = true;
			break;
		case 'h':
			print_help();
			exit(0);
		default:
			return 2;
		}
	}
	return optind < argc ? refuse("unexpected", argv[optind]) : 0;
}

static void add_counts(struct play_counts *sum, const struct play_counts *one)
{
	sum->simulated_ms += one->simulated_ms;
	sum->steps += one->steps;
	sum->rings += one->rings;
	sum->changes += one->changes;
	sum->messages += one->messages;
	sum->safe += one->safe;
	sum->safe_kept += one->safe_kept;
	sum->compared += one->compared;
	sum->kv_answered += one->kv_answered;
	sum->watched += one->watched;
	sum->kv_undecided += one->kv_undecided;
	sum->excused += one->excused;
	sum->left_out += one->left_out;
	sum->verdicts += one->verdicts;
	sum->reloads_compared += one->reloads_compared;
	sum->failed_stores += one->failed_stores;
	sum->overflows += one->overflows;
	sum->replaced += one->replaced;
}

static void print_counts(uint64_t seeds, const struct play_counts *sum)
{
	printf("histories: %ju in %ju simulated seconds, %ju steps\n", seeds, sum->simulated_ms / 1000, sum->steps);
	printf("seen: %ju configurations, %ju changes of groups, %ju messages, %ju of them safe, %ju verdicts, "
	       "%ju stores that failed, %ju packets that found a full socket, %ju services replaced\n",
		sum->rings, sum->changes, sum->messages, sum->safe, sum->verdicts, sum->failed_stores, sum->overflows,
		sum->replaced);
	printf("checked: %ju pairs of histories, %ju promises of safe, %ju answers of kv, %ju changes that watches were told, "
	       "%ju reloads of two nodes\n",
		sum->compared, sum->safe_kept, sum->kv_answered, sum->watched, sum->reloads_compared);
	printf("excused: %ju gaps at the begin of a ring, %ju searches for an order of kv, %ju nodes left out of a reload\n",
		sum->excused, sum->kv_undecided, sum->left_out);
}

/* Print a seed that has failed, and the smallest script that fails. */
static void report(const struct request *request, struct script *script, struct play *play)
{
	printf("seed %ju: %s\n", script->seed, play->broken);
	if (request->wants_shrink) {
		fflush(stdout);
		play_shrink(script, SHRINK_TRIES);
		play_script(play, script, NULL);
		printf("smaller: %s\n", play->broken);
	}
	script_print(script, stdout);
	printf("seed %ju fails: %s\n", script->seed, play->broken);
}

int main(int argc, char **argv)
{
	struct request request = {.first = 1, .last = 1, .faults = HISTORY_ALL, .wants_shrink = true};
	struct play *play = calloc(1, sizeof(*play));
	struct play_counts sum = {0};
	int rc = parse(argc, argv, &request);

	if (rc != 0 || play == NULL) {
		free(play);
		return rc;
	}
	if ((request.faults & 1u << HISTORY_REPLACE) != 0 && play_replace_begin() < 0) {
		fputs("coterie-histories: the files of the services cannot be copied\n", stderr);
		free(play);
		return 2;
	}
	signal(SIGABRT, on_signal);
	signal(SIGSEGV, on_signal);
	for (uint64_t seed = request.first; seed <= request.last && rc == 0; seed++) {
		struct script script;

		script_draw(&script, seed, request.nodes, request.faults);
		snprintf(
			last_words, sizeof(last_words), "seed %ju: a node's code ended the program\n", (uintmax_t)seed);
		rc = play_script(play, &script, request.is_verbose ? stderr : NULL);
		if (rc != 0)
			report(&request, &script, play);
		add_counts(&sum, &play->counts);
		script_free(&script);
	}
	if (rc == 0)
		print_counts(request.last - request.first + 1, &sum);
	free(play);
	return rc;
}

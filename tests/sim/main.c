/* SPDX-License-Identifier: BSD-3-Clause */
/* coterie-sim: run the simulator for some seeds. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/shrink.h"
#include "tests/sim/sim.h"

#define VIOLATIONS_MAX 20u
#define SHRINK_TRIES 2000u
#define SEED_TIME_MAX 300u /* seconds that one seed may take before it counts as endless */

struct request {
	struct sim_options sim;
	uint64_t first, last;
	const char *trace;
	bool wants_mutants, wants_help, keeps_size;
};

struct totals {
	uint64_t seeds, messages, configurations, false_signs, violations;
	struct safe_count safe;
	uint64_t wider, lingers, linger_frames, gathered, early_tokens, tainted, tainted_early;
	uint32_t fullest;
};

/* Text that the signal handler prints if the engine aborts. */
static char last_words[640];

static void on_signal(int number)
{
	ssize_t ignored = write(STDERR_FILENO, last_words, strlen(last_words));

	(void)ignored;
	signal(number, SIG_DFL);
	raise(number);
}

static const char usage[] =
	"usage: coterie-sim [--seed N | --seeds A-B] [--nodes N] [--steps N] [--faults LIST]\n"
	"                   [--trace FILE] [--mutant NAME | --list-mutants] [--no-shrink] [--help]\n"
	"\n"
	"Runs the ordered-delivery engine in simulated rings and checks every step. The first seed\n"
	"that breaks a property is made smaller, and printed.\n"
	"\n"
	"  --seed N        one seed (default: 1)\n"
	"  --seeds A-B     all seeds from A to B\n"
	"  --nodes N       1 to 64 nodes (default: by seed, 2 to 16)\n"
	"  --steps N       entries into engines before the network turns quiet\n"
	"                  (default: by the number of nodes)\n"
	"  --faults LIST   kinds of faults, with commas; \"none\"; \"all\" lets each seed pick some\n"
	"                  of all kinds but quirks and middle (default: all)\n"
	"  --trace FILE    write every event of the run there (\"-\": standard output)\n"
	"  --mutant NAME   put a deliberate bug into every engine; stops at the first violation\n"
	"  --no-shrink     print a seed that fails as it is, as with --trace\n"
	"  --list-mutants  name, seeds that are enough to catch it, and what it does\n"
	"\n"
	"Kinds of faults:";

static void print_help(void)
{
	fputs(usage, stdout);
	for (int kind = 0; kind < FAULT_KINDS; kind++)
		printf("%s%s", kind % 10 == 0 ? "\n  " : " ", fault_name((enum fault_kind)kind));
	printf("\n\nExit status: 0 nothing broken, 1 a violation, 2 usage.\n");
}

static int refuse(const char *what, const char *value)
{
	fprintf(stderr, "coterie-sim: %s: %s\n%s", what, value, "Try coterie-sim --help.\n");
	return 2;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*value = strtoull(text, &end, 10);
	return *end == '\0' && *value <= max;
}

static bool parse_range(const char *text, uint64_t *first, uint64_t *last)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*first = strtoull(text, &end, 10);
	return *end == '-' && parse_number(end + 1, UINT64_MAX, last) && *first <= *last;
}

static int parse(int argc, char **argv, struct request *request)
{
	static const struct option options[] = {{"seed", required_argument, NULL, 's'},
		{"seeds", required_argument, NULL, 'S'}, {"nodes", required_argument, NULL, 'n'},
		{"steps", required_argument, NULL, 'k'}, {"faults", required_argument, NULL, 'f'},
		{"trace", required_argument, NULL, 't'}, {"mutant", required_argument, NULL, 'm'},
		{"list-mutants", no_argument, NULL, 'l'}, {"no-shrink", no_argument, NULL, 'N'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	const char *bad;
	uint64_t number;

	for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		switch (option) {
		case 's':
			if (!parse_number(optarg, UINT64_MAX, &request->first))
				return refuse("no seed", optarg);
			request->last = request->first;
			break;
		case 'S':
			if (!parse_range(optarg, &request->first, &request->last))
				return refuse("no range of seeds", optarg);
			break;
		case 'n':
			if (!parse_number(optarg, SIM_NODES_MAX, &number) || number == 0)
				return refuse("not 1 to 64 nodes", optarg);
			request->sim.nodes = (uint32_t)number;
			break;
		case 'k':
			if (!parse_number(optarg, UINT64_MAX, &request->sim.steps))
				return refuse("no number of steps", optarg);
			break;
		case 'f':
			if (!fault_parse(optarg, &request->sim.faults, &bad))
				return refuse("unknown fault", bad);
			request->sim.picks_faults = strstr(optarg, "all") != NULL;
			break;
		case 't':
			request->trace = optarg;
			break;
		case 'm':
			request->sim.mutant = optarg;
			break;
		case 'l':
			request->wants_mutants = true;
			break;
		case 'N':
			request->keeps_size = true;
			break;
		case 'h':
			request->wants_help = true;
			break;
		default:
			fputs("Try coterie-sim --help.\n", stderr);
			return 2;
		}
	}
	return optind == argc ? 0 : refuse("what is", argv[optind]);
}

/* --------------------------------------------------------------------------------- the other binary */

#ifdef TOTEM_HOOKS
static int list_mutants(void)
{
	size_t count;
	const struct totem_mutant *mutants = totem_mutants(&count);

	for (size_t i = 0; i < count; i++)
		printf("%s\t%" PRIu32 "\t%s\n", mutants[i].name, mutants[i].seeds_max, mutants[i].what);
	return 0;
}

static bool needs_hooks(const struct request *request)
{
	(void)request;
	return false;
}

static bool is_mutant(const char *name)
{
	size_t count;
	const struct totem_mutant *mutants = totem_mutants(&count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(mutants[i].name, name) == 0)
			return true;
	return false;
}
#else
static int list_mutants(void) { return 2; }

static bool is_mutant(const char *name)
{
	(void)name;
	return false;
}

static bool needs_hooks(const struct request *request)
{
	return request->wants_mutants || request->sim.mutant != NULL ||
	       (request->sim.faults & (1u << FAULT_QUIRKS | 1u << FAULT_MIDDLE)) != 0;
}
#endif

/* Run this program's build with the engine's test hooks. It is in the same folder. */
static int run_hooks(char **argv)
{
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 8);

	if (length <= 0)
		return refuse("cannot find myself", argv[0]);
	memcpy(path + length, "-hooks", sizeof("-hooks"));
	execv(path, argv);
	return refuse("cannot run", path);
}

/* ---------------------------------------------------------------------------------------------- runs */

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void show_progress(const struct request *request, const struct totals *totals, double began)
{
	double rate = (double)totals->seeds / (seconds_now() - began + 1e-9);

	fprintf(stderr, "\r%" PRIu64 " seeds, %.1f per second, %.0f s left, %" PRIu64 " violations  ", totals->seeds,
		rate, (double)(request->last - request->first + 1 - totals->seeds) / rate, totals->violations);
}

/* Print the violation of a run, or of a smaller one that breaks the same property. */
static void explain(const struct request *request, const struct sim *sim)
{
	char command[512];
	struct sim_options smaller;
	struct sim *again;

	if (request->keeps_size || request->trace != NULL) {
		sim_explain(sim, "tests/sim/coterie-sim", stdout);
		return;
	}
	sim_command(&sim->options, command, sizeof(command));
	printf("\nseed %" PRIu64 ": %s broken: %s\nreplay: tests/sim/coterie-sim %s\nIt is made smaller.\n",
		sim->options.seed, sim->report.property, sim->report.text, command);
	fflush(stdout);
	alarm(0);
	smaller = sim_shrink(sim, SHRINK_TRIES);
	again = sim_create(&smaller);
	sim_run(again);
	sim_explain(again, "tests/sim/coterie-sim", stdout);
	sim_destroy(again);
}

static void report_seed(const struct request *request, const struct sim *sim, struct totals *totals)
{
	char command[512];

	if (++totals->violations == 1) {
		explain(request, sim);
		return;
	}
	sim_command(&sim->options, command, sizeof(command));
	printf("%s broken: %s\nreplay: tests/sim/coterie-sim %s\n", sim->report.property, sim->report.text, command);
}

static void run_seed(const struct request *request, uint64_t seed, FILE *trace, struct totals *totals)
{
	struct sim_options options = request->sim;
	char command[512];

	options.seed = seed;
	options.trace_file = trace;
	sim_command(&options, command, sizeof(command));
	snprintf(last_words, sizeof(last_words),
		"\nseed %" PRIu64 ": the engine died or does not end\nreplay: tests/sim/coterie-sim %s\n", seed,
		command);
	alarm(SEED_TIME_MAX);

	struct sim *sim = sim_create(&options);

	sim_run(sim);
	totals->seeds++;
	totals->messages += sim->history.delivery_count;
	totals->configurations += sim->history.configuration_count;
	totals->false_signs += sim->faults.false_signs;
	totals->wider += sim->has_wider;
	totals->lingers += sim->lingers;
	totals->linger_frames += sim->linger_frames;
	totals->gathered += sim->gathered;
	totals->early_tokens += sim->early_tokens;
	totals->tainted += sim->report.is_tainted;
	totals->tainted_early += sim->report.is_early;
	if (sim->fullest > totals->fullest)
		totals->fullest = sim->fullest;
	totals->safe.regular += sim->history.safe.regular;
	totals->safe.transitional += sim->history.safe.transitional;
	totals->safe.agreed += sim->history.safe.agreed;
	if (sim->report.is_broken)
		report_seed(request, sim, totals);
	else if (request->first == request->last)
		printf("seed %" PRIu64 ": %u nodes, %" PRIu64 " steps, %.3f s, trace %016" PRIx64 "\n", seed,
			sim->node_count, sim->steps, (double)sim->clock.now_ns / 1e9, sim->trace.hash);
	sim_destroy(sim);
	alarm(0);
}

static int run(const struct request *request, FILE *trace)
{
	struct totals totals = {0};
	bool is_watched = isatty(STDERR_FILENO) == 1 && request->first != request->last;
	double began = seconds_now(), shown = began;

	for (uint64_t seed = request->first;; seed++) {
		run_seed(request, seed, trace, &totals);
		if (is_watched && seconds_now() - shown > 0.2) {
			show_progress(request, &totals, began);
			shown = seconds_now();
		}
		fflush(stdout);
		if (seed == request->last || totals.violations == VIOLATIONS_MAX ||
			(totals.violations > 0 && request->sim.mutant != NULL))
			break;
	}
	if (is_watched)
		fputs("\r\033[K", stderr);
	printf("safe: %" PRIu64 " in regular and %" PRIu64 " in transitional configurations, %" PRIu64 " as agreed\n",
		totals.safe.regular, totals.safe.transitional, totals.safe.agreed);
	printf("windows: wider than configured in %" PRIu64 " seeds, at most %u frames in a rotation\n", totals.wider,
		totals.fullest);
	printf("lone senders: kept the token %" PRIu64 " times and sent %" PRIu64 " frames meanwhile, %" PRIu64
	       " with a later turn's\n",
		totals.lingers, totals.linger_frames, totals.gathered);
	printf("early tokens: %" PRIu64 "\n", totals.early_tokens);
	printf("tainted: %" PRIu64 " seeds, %" PRIu64 " of them by a node that installed a ring early\n",
		totals.tainted, totals.tainted_early);
	printf("false signs: %" PRIu64 "\n", totals.false_signs);
	printf("%" PRIu64 " seeds, %" PRIu64 " messages, %" PRIu64 " configurations, %" PRIu64 " violations\n",
		totals.seeds, totals.messages, totals.configurations, totals.violations);
	return totals.violations > 0;
}

int main(int argc, char **argv)
{
	struct request request = {.sim = {.faults = FAULT_DEFAULT, .picks_faults = true}, .first = 1, .last = 1};
	FILE *trace = NULL;
	int rc = parse(argc, argv, &request);

	if (rc != 0)
		return rc;
	if (request.wants_help) {
		print_help();
		return 0;
	}
	if (needs_hooks(&request))
		return run_hooks(argv);
	if (request.wants_mutants)
		return list_mutants();
	if (request.sim.mutant != NULL && !is_mutant(request.sim.mutant))
		return refuse("no such mutant", request.sim.mutant);
	if (request.trace != NULL) {
		trace = strcmp(request.trace, "-") == 0 ? stdout : fopen(request.trace, "w");
		if (trace == NULL)
			return refuse("cannot write", request.trace);
	}
	static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGALRM};

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		signal(signals[i], on_signal);
	rc = run(&request, trace);
	if (trace != NULL && trace != stdout)
		fclose(trace);
	return rc;
}

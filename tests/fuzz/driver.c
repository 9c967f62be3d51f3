/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Run a fuzz target without libFuzzer: first every file of the corpus as it is, then mutations of these files. Run N of
 * seed S always has the same input. If a run fails, the program prints the options that repeat this run.
 *
 *	fuzz_X [--seed S] [--runs N] [--only N] [--size-max BYTES] CORPUS...
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#define SECONDS_MAX 60 /* limit for one input */

struct input {
	char *name;
	uint8_t *data;
	size_t size;
};

struct corpus {
	struct input *inputs; /* sorted by name, since the order in a folder differs between machines */
	size_t count;
};

struct options {
	uint64_t seed, runs, only;
	bool is_only;
	size_t size_max;
};

/* The line that the program prints if a signal or a sanitizer ends the running test case. */
static char failure_text[512];
static size_t failure_size;

static void say_failure(void)
{
	ssize_t written = write(STDERR_FILENO, failure_text, failure_size);

	(void)written;
}

static void on_signal(int signal)
{
	say_failure();
	raise(signal); /* the handler is called only once, so this ends the process */
}

/* A weak symbol, since only programs with a sanitizer have it. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void watch_failures(void)
{
	static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(say_failure);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

/* --- random numbers: splitmix64, the same on every machine --- */

static uint64_t random_state;

static uint64_t random_u64(void)
{
	uint64_t z = random_state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* Return a number from 0 to limit - 1. limit > 0. */
static size_t random_below(size_t limit) { return random_u64() % limit; }

/* --- corpus --- */

static void *need(void *memory)
{
	if (memory == NULL) {
		fprintf(stderr, "out of memory\n");
		exit(2);
	}
	return memory;
}

static void corpus_add_file(struct corpus *corpus, const char *path)
{
	FILE *file = fopen(path, "rb");
	struct input input = {.name = need(strdup(path))};
	struct stat status;

	if (file == NULL || fstat(fileno(file), &status) < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
	input.data = need(malloc((size_t)status.st_size + 1));
	input.size = fread(input.data, 1, (size_t)status.st_size, file);
	fclose(file);
	corpus->inputs = need(reallocarray(corpus->inputs, corpus->count + 1, sizeof(*corpus->inputs)));
	corpus->inputs[corpus->count++] = input;
}

static void corpus_add(struct corpus *corpus, const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	char name[4096];

	if (folder == NULL) {
		corpus_add_file(corpus, path);
		return;
	}
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		corpus_add_file(corpus, name);
	}
	closedir(folder);
}

static int compare_inputs(const void *left, const void *right)
{
	const struct input *a = left;
	const struct input *b = right;

	return strcmp(a->name, b->name);
}

static void corpus_free(struct corpus *corpus)
{
	for (size_t i = 0; i < corpus->count; i++) {
		free(corpus->inputs[i].name);
		free(corpus->inputs[i].data);
	}
	free(corpus->inputs);
}

/* --- mutation: data has room for size_max bytes --- */

static void insert_at(uint8_t *data, size_t *size, size_t size_max, size_t at, const void *bytes, size_t count)
{
	if (count > size_max - *size)
		return;
	memmove(data + at + count, data + at, *size - at);
	memcpy(data + at, bytes, count);
	*size += count;
}

static void insert(uint8_t *data, size_t *size, size_t size_max, const void *bytes, size_t count)
{
	insert_at(data, size, size_max, random_below(*size + 1), bytes, count);
}

/* Insert a word, mostly where a line begins. */
static void insert_word(uint8_t *data, size_t *size, size_t size_max)
{
	const uint8_t *line;
	size_t words = 0;
	size_t at = random_below(*size + 1);
	const char *word;

	while (fuzz_words[words] != NULL)
		words++;
	word = fuzz_words[random_below(words)];
	line = random_below(8) == 0 ? NULL : memchr(data + at, '\n', *size - at);
	if (line != NULL)
		at = (size_t)(line - data) + 1;
	insert_at(data, size, size_max, at, word, word[0] == '\0' ? 1 : strlen(word));
}

/* Overwrite some bytes with a number that is often a limit, in either byte order. */
static void put_edge(uint8_t *data, size_t size)
{
	static const uint64_t edges[] = {0, 1, 2, 3, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x180, 0x181, 0x7fff, 0x8000,
		0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, UINT64_C(0x7fffffffffffffff),
		UINT64_C(0xffffffffffffffff)};
	uint64_t value = edges[random_below(sizeof(edges) / sizeof(edges[0]))];
	size_t width = (size_t)1 << random_below(4);
	bool is_big = random_below(4) == 0;
	size_t at;

	if (size < width)
		return;
	at = random_below(size - width + 1);
	for (size_t i = 0; i < width; i++)
		data[at + i] = (uint8_t)(value >> 8 * (is_big ? width - 1 - i : i));
}

static void mutate_once(const struct corpus *corpus, uint8_t *data, size_t *size, size_t size_max)
{
	const struct input *other = &corpus->inputs[random_below(corpus->count)];
	uint8_t noise[8];
	uint64_t value = random_u64();
	size_t count;
	size_t at;

	memcpy(noise, &value, sizeof(noise));
	switch (*size == 0 ? 6 : random_below(fuzz_words == NULL ? 9 : 14)) {
	case 0:
		data[random_below(*size)] ^= (uint8_t)(1u << random_below(8));
		break;
	case 1:
		data[random_below(*size)] = noise[0];
		break;
	case 2:
	case 3:
		put_edge(data, *size);
		break;
	case 4: /* leave out */
		at = random_below(*size);
		count = 1 + random_below(*size - at < 64 ? *size - at : 64);
		memmove(data + at, data + at + count, *size - at - count);
		*size -= count;
		break;
	case 5: /* cut */
		*size = random_below(*size);
		break;
	case 6:
		insert(data, size, size_max, noise, 1 + random_below(sizeof(noise)));
		break;
	case 7: /* copy a piece of the input to another place */
		at = random_below(*size);
		count = 1 + random_below(*size - at);
		if (count <= size_max - *size) {
			memmove(data + at + count, data + at, *size - at);
			*size += count;
		}
		break;
	case 8: /* copy a piece of another input */
		if (other->size > 0) {
			at = random_below(other->size);
			insert(data, size, size_max, other->data + at, 1 + random_below(other->size - at));
		}
		break;
	default:
		insert_word(data, size, size_max);
		break;
	}
}

static void run(const uint8_t *data, size_t size)
{
	/* Copy the input to memory of exactly its size, so that a sanitizer notices a read beyond it. */
	uint8_t *copy = need(malloc(size == 0 ? 1 : size));

	memcpy(copy, data, size);
	alarm(SECONDS_MAX);
	(void)LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void run_mutation(const struct corpus *corpus, const struct options *options, uint64_t number, uint8_t *data)
{
	const struct input *input;
	size_t size;

	random_state = options->seed * UINT64_C(0x2545F4914F6CDD1D) + number;
	input = &corpus->inputs[random_below(corpus->count)];
	size = input->size < options->size_max ? input->size : options->size_max;
	memcpy(data, input->data, size);
	for (size_t steps = (size_t)1 << random_below(4); steps > 0; steps--)
		mutate_once(corpus, data, &size, options->size_max);
	failure_size = (size_t)snprintf(failure_text, sizeof(failure_text),
		"\nfuzz: run %" PRIu64 " of seed %" PRIu64 " failed; again with: --seed %" PRIu64 " --only %" PRIu64
		" and the same corpus\n",
		number, options->seed, options->seed, number);
	run(data, size);
}

static uint64_t number_argument(int count, char **arguments, int at)
{
	char *end = NULL;
	uint64_t number = at < count ? strtoull(arguments[at], &end, 0) : 0;

	if (end == NULL || *end != '\0') {
		fprintf(stderr, "%s needs a number\n", arguments[at - 1]);
		exit(2);
	}
	return number;
}

int main(int count, char **arguments)
{
	struct options options = {.seed = 1, .runs = 1000, .size_max = 65536};
	struct corpus corpus = {0};

	for (int i = 1; i < count; i++) {
		if (strcmp(arguments[i], "--seed") == 0) {
			options.seed = number_argument(count, arguments, ++i);
		} else if (strcmp(arguments[i], "--runs") == 0) {
			options.runs = number_argument(count, arguments, ++i);
		} else if (strcmp(arguments[i], "--size-max") == 0) {
			options.size_max = number_argument(count, arguments, ++i);
		} else if (strcmp(arguments[i], "--only") == 0) {
			options.only = number_argument(count, arguments, ++i);
			options.is_only = true;
		} else {
			corpus_add(&corpus, arguments[i]);
		}
	}
	if (corpus.count == 0) {
		fprintf(stderr, "no corpus\n");
		return 2;
	}
	qsort(corpus.inputs, corpus.count, sizeof(*corpus.inputs), compare_inputs);
	watch_failures();
	for (size_t i = 0; i < corpus.count && !options.is_only; i++) {
		failure_size = (size_t)snprintf(
			failure_text, sizeof(failure_text), "\nfuzz: the input %s failed\n", corpus.inputs[i].name);
		run(corpus.inputs[i].data, corpus.inputs[i].size);
	}

	uint8_t *data = need(malloc(options.size_max + 1));

	if (options.is_only)
		run_mutation(&corpus, &options, options.only, data);
	for (uint64_t number = 0; number < options.runs && !options.is_only; number++)
		run_mutation(&corpus, &options, number, data);
	alarm(0);
	printf("%zu inputs, %" PRIu64 " mutations: %s\n", corpus.count, options.runs, fuzz_summary());
	free(data);
	corpus_free(&corpus);
	return 0;
}

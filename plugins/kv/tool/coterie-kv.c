/*
 * coterie-kv: read, write and watch the table of keys and values. Exit status: 0: success; 1: an error, or no such key;
 * 2: wrong usage.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/standard.h"
#include "plugins/kv/tool/print.h"
#include "tools/common/reach.h"
#include "tools/common/terminal.h"

#define PAUSE_MS 20
#define EXIT_USAGE 2

/* The parsed command line. */
struct order {
	const char *command, *key, *value;
	bool is_json, is_raw, is_conditional;
	uint32_t flags;
	uint64_t expected;
	unsigned int patience_s;
};

static void usage(FILE *out)
{
	fputs("usage: coterie-kv [options] COMMAND\n"
	      "  get KEY           print a value\n"
	      "  put KEY VALUE     write a value; VALUE -: standard input\n"
	      "  delete KEY\n"
	      "  list [PREFIX]     keys and values\n"
	      "  watch [PREFIX]    print changes as they come\n"
	      "  status            of the table on this node\n"
	      "  recover           give up the nodes that are waited for\n"
	      "options:\n"
	      "  -i, --if-revision N  put, delete: only if the key was last changed by revision N; 0: if it is new\n"
	      "  -j, --json           one JSON object a line\n"
	      "  -k, --keys-only      list: without values\n"
	      "  -l, --linearizable   get, list: nothing older than the call\n"
	      "  -r, --raw            get: the bytes alone, without a newline\n"
	      "  -t, --timeout S      how long to ask again while the node is not ready; 10\n"
	      "  -h, --help\n",
		out);
}

/* ---- Repeating a request -------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Wait before the next try. @return false: there is no time left */
static bool pause_before(uint64_t end_ms)
{
	struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};

	if (now_ms() >= end_ms)
		return false;
	nanosleep(&pause, NULL);
	return true;
}

static int report(const char *what, cs_error_t error)
{
	if (error == CS_OK)
		return EXIT_SUCCESS;
	if (error == CS_ERR_INTERRUPT)
		fprintf(stderr, "coterie-kv: %s: the ring has changed, it is not known whether it took place\n", what);
	else if (error == CS_ERR_FAILED_OPERATION)
		fprintf(stderr, "coterie-kv: %s: the key has another revision\n", what);
	else
		fprintf(stderr, "coterie-kv: %s: %s\n", what, cs_strerror(error));
	return EXIT_FAILURE;
}

/* ---- Commands ------------------------------------------------------------- */

static cs_error_t get(coterie_kv_handle_t kv, const struct order *order)
{
	static uint8_t value[COTERIE_KV_VALUE_MAX];
	struct coterie_kv_entry entry;
	cs_error_t rc = coterie_kv_get(kv, order->flags, order->key, strlen(order->key), value, sizeof(value), &entry);

	if (rc != CS_OK)
		return rc;
	if (order->is_json) {
		print_entry(&entry, true);
	} else {
		fwrite(value, 1, entry.value_size, stdout);
		if (!order->is_raw)
			putchar('\n');
	}
	return CS_OK;
}

/* The value from standard input, which is read once, even if the request is repeated. */
struct input {
	uint8_t *bytes;
	size_t size;
};

static int input_read(struct input *input, const char *text)
{
	input->size = strlen(text);
	input->bytes = malloc(COTERIE_KV_VALUE_MAX + 1);
	if (input->bytes == NULL)
		return -ENOMEM;
	if (strcmp(text, "-") == 0)
		input->size = fread(input->bytes, 1, COTERIE_KV_VALUE_MAX + 1, stdin);
	else if (input->size <= COTERIE_KV_VALUE_MAX)
		memcpy(input->bytes, text, input->size);
	return input->size <= COTERIE_KV_VALUE_MAX ? 0 : -EMSGSIZE;
}

static cs_error_t change(coterie_kv_handle_t kv, const struct order *order, const struct input *input)
{
	size_t key_size = strlen(order->key);
	uint64_t revision = 0;
	cs_error_t rc;

	if (strcmp(order->command, "put") == 0)
		rc = order->is_conditional
			     ? coterie_kv_put_if(
				       kv, order->key, key_size, input->bytes, input->size, order->expected, &revision)
			     : coterie_kv_put(kv, order->key, key_size, input->bytes, input->size, &revision);
	else
		rc = order->is_conditional ? coterie_kv_delete_if(kv, order->key, key_size, order->expected, &revision)
					   : coterie_kv_delete(kv, order->key, key_size, &revision);
	if (rc == CS_OK)
		printf(order->is_json ? "{\"revision\":%" PRIu64 "}\n" : "%" PRIu64 "\n", revision);
	return rc;
}

static int visit(void *arg, const struct coterie_kv_entry *entry)
{
	const struct order *order = arg;

	print_entry(entry, order->is_json);
	return 0;
}

static cs_error_t list(coterie_kv_handle_t kv, struct order *order)
{
	const char *prefix = order->key != NULL ? order->key : "";

	return coterie_kv_list(kv, order->flags, prefix, strlen(prefix), visit, order, NULL);
}

static void notify(
	coterie_kv_handle_t kv, uint32_t watch, enum coterie_kv_change what, const struct coterie_kv_entry *entry)
{
	void *context = NULL;

	(void)watch;
	coterie_kv_context_get(kv, &context);
	print_event(what, entry, ((const struct order *)context)->is_json);
}

static cs_error_t watch(coterie_kv_handle_t kv, const struct order *order)
{
	const char *prefix = order->key != NULL ? order->key : "";
	uint32_t number;
	cs_error_t rc = coterie_kv_watch(kv, prefix, strlen(prefix), &number, NULL);

	return rc == CS_OK ? coterie_kv_dispatch(kv, CS_DISPATCH_BLOCKING) : rc;
}

static cs_error_t status(coterie_kv_handle_t kv, const struct order *order)
{
	struct coterie_kv_status status;
	cs_error_t rc = coterie_kv_status_get(kv, &status);

	if (rc == CS_OK)
		print_status(&status, order->is_json);
	return rc;
}

static cs_error_t once(coterie_kv_handle_t kv, struct order *order, const struct input *input)
{
	switch (order->command[0]) {
	case 'g':
		return get(kv, order);
	case 'l':
		return list(kv, order);
	case 'w':
		return watch(kv, order);
	case 's':
		return status(kv, order);
	case 'r':
		return coterie_kv_recover(kv);
	default:
		return change(kv, order, input);
	}
}

/* Text for the signal handler. It is formatted before, since printf is not safe in a signal handler. */
static char limit_text[1024];

/* Exit after the time limit. The connection attempt itself has no limit, and a stopped daemon does not answer it. */
static void on_alarm(int signal_number)
{
	(void)signal_number;
	ssize_t written = write(STDERR_FILENO, limit_text, strlen(limit_text));
	(void)written;
	_exit(EXIT_FAILURE);
}

static void explain(char *text, size_t size, cs_error_t error)
{
	struct reach reach;

	reach_explain(&reach, "kv", getenv("COTERIE_INSTANCE"), error);
	snprintf(text, size, "coterie-kv: %s\n%s\n", reach.text, reach.hint);
}

static cs_error_t open_kv(coterie_kv_handle_t *kv, struct order *order, uint64_t end_ms)
{
	char text[1024];
	cs_error_t rc;

	explain(limit_text, sizeof(limit_text), CS_ERR_TIMEOUT);
	signal(SIGALRM, on_alarm);
	alarm(order->patience_s + 1);
	do
		rc = coterie_kv_initialize(kv, notify, order);
	while (rc == CS_ERR_TRY_AGAIN && pause_before(end_ms));
	alarm(0);
	if (rc == CS_OK)
		return CS_OK;
	explain(text, sizeof(text), rc);
	fputs(text, stderr);
	return rc;
}

static int obey(struct order *order, const struct input *input)
{
	uint64_t end_ms = now_ms() + order->patience_s * UINT64_C(1000);
	coterie_kv_handle_t kv;
	cs_error_t rc = open_kv(&kv, order, end_ms);

	if (rc != CS_OK)
		return EXIT_FAILURE;
	do
		rc = once(kv, order, input);
	while (rc == CS_ERR_TRY_AGAIN && pause_before(end_ms));
	coterie_kv_finalize(kv);
	return report(order->command, rc);
}

/* ---- Command line --------------------------------------------------------- */

static bool parse_number(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

/* @return -1: continue; otherwise the exit status */
static int parse_options(struct order *order, int argc, char **argv)
{
	static const struct option options[] = {
		{"if-revision", required_argument, NULL, 'i'},
		{"json", no_argument, NULL, 'j'},
		{"keys-only", no_argument, NULL, 'k'},
		{"linearizable", no_argument, NULL, 'l'},
		{"raw", no_argument, NULL, 'r'},
		{"timeout", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	uint64_t seconds;

	for (int c; (c = getopt_long(argc, argv, "i:jklrt:h", options, NULL)) != -1;) {
		switch (c) {
		case 'i':
			order->is_conditional = true;
			if (!parse_number(optarg, &order->expected))
				return EXIT_USAGE;
			break;
		case 'j':
			order->is_json = true;
			break;
		case 'k':
			order->flags |= COTERIE_KV_KEYS_ONLY;
			break;
		case 'l':
			order->flags |= COTERIE_KV_LINEARIZABLE;
			break;
		case 'r':
			order->is_raw = true;
			break;
		case 't':
			if (!parse_number(optarg, &seconds) || seconds > 86400)
				return EXIT_USAGE;
			order->patience_s = (unsigned int)seconds;
			break;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			return EXIT_USAGE;
		}
	}
	return -1;
}

/* Check the number of words behind a command. */
static bool is_right(const struct order *order, int words)
{
	static const struct {
		const char *name;
		int min, max;
	} commands[] = {
		{"get", 1, 1},
		{"put", 2, 2},
		{"delete", 1, 1},
		{"list", 0, 1},
		{"watch", 0, 1},
		{"status", 0, 0},
		{"recover", 0, 0},
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, order->command) == 0)
			return words >= commands[i].min && words <= commands[i].max;
	}
	return false;
}

static int run(int argc, char **argv)
{
	struct order order = {.patience_s = 10};
	struct input input = {NULL, 0};

	int status = parse_options(&order, argc, argv);

	if (status == EXIT_SUCCESS)
		return status;
	if (status == -1 && optind < argc) {
		order.command = argv[optind];
		order.key = optind + 1 < argc ? argv[optind + 1] : NULL;
		order.value = optind + 2 < argc ? argv[optind + 2] : NULL;
	}
	if (status != -1 || order.command == NULL || !is_right(&order, argc - optind - 1)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (order.value != NULL) {
		int rc = input_read(&input, order.value);

		if (rc < 0) {
			fprintf(stderr, "coterie-kv: the value: %s\n", strerror(-rc));
			free(input.bytes);
			return EXIT_FAILURE;
		}
	}
	status = obey(&order, &input);
	free(input.bytes);
	return status;
}

int main(int argc, char **argv)
{
	standard_open();
	terminal_guard();
	int status = run(argc, argv);

	return standard_end("coterie-kv", stdout, status);
}

/*
 * bench_seal CIPHER SIZE: what sealing a frame and opening it costs, in one process without a network, in the two nodes' own
 * code (transports/common/secure). The processor's caches are warm, so this is what libcrypto cannot do better on this
 * machine. A line of key=value pairs is the result: times of one datagram, the medians of ROUNDS rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "transports/common/secure/secure.h"

#define ROUNDS 51
#define DATAGRAMS 256 /* of a round; all are sealed before the first is opened, as in a batch */

static const uint8_t ring_key[128] = "a key of the ring";
static struct secure *sender, *receiver;

static _Noreturn void die(const char *what)
{
	printf("error=%s\n", what);
	exit(1);
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	/* Of this thread: what others do meanwhile does not count. */
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct secure *node_create(uint32_t nodeid, uint32_t peer, enum secure_cipher cipher)
{
	struct secure *node;

	if (secure_create(nodeid, NULL, &node) < 0 || secure_peer_add(node, peer) < 0 ||
		secure_load(node, 1, cipher, ring_key, sizeof(ring_key)) < 0 || secure_use(node, 1) < 0)
		die("setup");
	return node;
}

/* Questions and answers go back and forth until each believes the other. */
static void introduce(void)
{
	struct secure *nodes[] = {sender, receiver};
	uint8_t bytes[SECURE_CONTROL_SIZE];
	struct secure_opened opened = {.reply_size = SECURE_CONTROL_SIZE};

	if (secure_ask(sender, 1, 2, opened.reply) < 0)
		die("ask");
	for (uint32_t to = 1; opened.reply_size > 0; to = 1 - to) {
		memcpy(bytes, opened.reply, sizeof(bytes));
		secure_open(nodes[to], 1, 2 - to, bytes, sizeof(bytes), &opened);
	}
	if (!secure_is_believed(receiver, 1, 1))
		die("session");
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

static void measure(const char *name, uint32_t size)
{
	static double seal_ns[ROUNDS], open_ns[ROUNDS];
	uint32_t sealed_size = size + SECURE_OVERHEAD;
	uint8_t *plain = calloc(1, size), *sealed = malloc((size_t)DATAGRAMS * sealed_size);
	struct secure_opened opened;

	if (plain == NULL || sealed == NULL)
		abort();
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start = cpu_ns();

		for (size_t i = 0; i < DATAGRAMS; i++)
			if (secure_seal(sender, SECURE_GROUP, 0, plain, size, sealed + i * sealed_size) < 0)
				die("seal");

		uint64_t middle = cpu_ns();

		for (size_t i = 0; i < DATAGRAMS; i++)
			if (secure_open(receiver, 1, 1, sealed + i * sealed_size, sealed_size, &opened) != SECURE_FRAME)
				die("open");
		seal_ns[round] = (double)(middle - start) / DATAGRAMS;
		open_ns[round] = (double)(cpu_ns() - middle) / DATAGRAMS;
	}
	free(sealed);
	free(plain);

	double seal = median(seal_ns), open = median(open_ns);

	printf("cipher=%s size=%u seal_ns=%.0f open_ns=%.0f seal_mb_per_s=%.0f open_mb_per_s=%.0f\n", name, size, seal, open,
		size * 1e3 / seal, size * 1e3 / open);
}

int main(int argc, char **argv)
{
	bool is_chacha = argc == 3 && strcmp(argv[1], "chacha") == 0;
	enum secure_cipher cipher = is_chacha ? SECURE_CHACHA20_POLY1305 : SECURE_AES256_GCM;
	uint32_t size = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;

	if (size == 0 || size > 65000 || (!is_chacha && strcmp(argv[1], "aes") != 0)) {
		fprintf(stderr, "usage: bench_seal aes|chacha SIZE\n");
		return 2;
	}
	sender = node_create(1, 2, cipher);
	receiver = node_create(2, 1, cipher);
	introduce();
	measure(argv[1], size);
	secure_destroy(sender);
	secure_destroy(receiver);
	return 0;
}

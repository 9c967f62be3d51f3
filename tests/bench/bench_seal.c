/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench_seal CIPHER SIZE [LIBRARY]: measure what sealing a frame and opening it costs. Both nodes are in one process
 * without a network, and run the code of transports/common/secure. The processor's caches are warm, so the library
 * cannot be faster on this machine. LIBRARY is ipsec-mb or libcrypto, by default that of the transports. Prints a line
 * of key=value pairs: times of one datagram, the medians of ROUNDS rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "transports/common/secure/secure_private.h"

#define ROUNDS 51
#define DATAGRAMS 256 /* datagrams in a round. All are sealed before the first one is opened, as in a batch */

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

	/* Measure CPU time of this thread, which other processes do not affect. */
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct secure *node_create(uint32_t nodeid, uint32_t peer, enum secure_cipher cipher, enum aead_kind kind)
{
	struct secure *node;

	if (secure_create_with(nodeid, NULL, kind, &node) < 0 || secure_peer_add(node, peer) < 0 ||
		secure_load(node, 1, cipher, ring_key, sizeof(ring_key)) < 0 || secure_use(node, 1) < 0)
		die("setup");
	return node;
}

/* Exchange questions and answers until each node has verified the other's session. */
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

	printf("cipher=%s library=%s size=%u seal_ns=%.0f open_ns=%.0f seal_mb_per_s=%.0f open_mb_per_s=%.0f\n", name,
		secure_library(sender), size, seal, open, size * 1e3 / seal, size * 1e3 / open);
}

/* Return the index of an argument in names, or -1. */
static int choice(const char *argument, const char *const names[], int count)
{
	while (--count >= 0 && strcmp(argument, names[count]) != 0)
		;
	return count;
}

int main(int argc, char **argv)
{
	static const char *const ciphers[] = {"aes", "chacha"}, *const libraries[] = {
									"fastest", "ipsec-mb", "libcrypto"};
	bool is_complete = argc == 3 || argc == 4;
	int cipher = is_complete ? choice(argv[1], ciphers, 2) : -1;
	uint32_t size = is_complete ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	int kind = argc == 4 ? choice(argv[3], libraries, 3) : AEAD_FASTEST;

	if (size == 0 || size > 65000 || cipher < 0 || kind < 0) {
		fprintf(stderr, "usage: bench_seal aes|chacha SIZE [ipsec-mb|libcrypto]\n");
		return 2;
	}
	sender = node_create(1, 2, (enum secure_cipher)(SECURE_AES256_GCM + cipher), (enum aead_kind)kind);
	receiver = node_create(2, 1, (enum secure_cipher)(SECURE_AES256_GCM + cipher), (enum aead_kind)kind);
	introduce();
	measure(argv[1], size);
	secure_destroy(sender);
	secure_destroy(receiver);
	return 0;
}

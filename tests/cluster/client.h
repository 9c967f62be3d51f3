/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_CLUSTER_CLIENT_H
#define TESTS_CLUSTER_CLIENT_H

/* Functions of the test programs that use the public CPG API. */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <corosync/cpg.h>

#define HASH_START UINT64_C(1469598103934665603)
#define CLIENT_OPTIONS_MAX 31

/**
 * An option of a program: its letter, and where its argument is stored. Exactly one of the pointers is not NULL. An
 * option with a flag has no argument.
 */
struct client_option {
	char letter;
	bool *flag;
	const char **text;
	unsigned int *count;
	size_t *size;
	uint64_t *ns; /* the argument is in milliseconds */
	uint64_t *number;
};

/**
 * Read the options of a program.
 *
 * @param options  CLIENT_OPTIONS_MAX at most. The last one has the letter 0
 * @return false: an option that is not in the list, or has no argument
 */
static inline bool client_options(int argc, char **argv, const struct client_option *options)
{
	char letters[2 * CLIENT_OPTIONS_MAX + 1], *end = letters;
	int letter;

	for (const struct client_option *option = options; option->letter != 0; option++) {
		*end++ = option->letter;
		if (option->flag == NULL)
			*end++ = ':';
	}
	*end = 0;
	while ((letter = getopt(argc, argv, letters)) != -1) {
		const struct client_option *option = options;

		while (option->letter != 0 && option->letter != letter)
			option++;
		if (option->letter == 0)
			return false;
		if (option->flag != NULL)
			*option->flag = true;
		else if (option->text != NULL)
			*option->text = optarg;
		else if (option->count != NULL)
			*option->count = (unsigned int)strtoul(optarg, NULL, 10);
		else if (option->size != NULL)
			*option->size = strtoul(optarg, NULL, 10);
		else if (option->ns != NULL)
			*option->ns = strtoull(optarg, NULL, 10) * 1000000;
		else
			*option->number = strtoull(optarg, NULL, 10);
	}
	return true;
}

static inline uint64_t client_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void client_sleep_ms(unsigned int ms)
{
	struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&wait, &wait) < 0 && errno == EINTR)
		;
}

/**
 * Return FNV-1a over the eight bytes of a value. The hash depends on the order of the values, so it compares orders.
 */
static inline uint64_t client_hash(uint64_t hash, uint64_t value)
{
	for (int shift = 0; shift < 64; shift += 8)
		hash = (hash ^ ((value >> shift) & 0xff)) * UINT64_C(1099511628211);
	return hash;
}

/**
 * Connect and join. Repeat both while the daemon starts or synchronises.
 *
 * @param until_ns  monotonic time at which to give up
 * @return the last error of libcpg, CS_OK if the process has joined
 */
static inline cs_error_t client_join(
	cpg_handle_t *handle, cpg_model_v1_data_t *model, const char *group, uint64_t until_ns)
{
	struct cpg_name name = {.length = (uint32_t)strlen(group)};
	cs_error_t error;

	memcpy(name.value, group, name.length);
	for (;;) {
		error = cpg_model_initialize(handle, CPG_MODEL_V1, (cpg_model_data_t *)model, NULL);
		if (error == CS_OK) {
			while ((error = cpg_join(*handle, &name)) == CS_ERR_TRY_AGAIN && client_now_ns() < until_ns)
				client_sleep_ms(10);
			if (error == CS_OK)
				return CS_OK;
			cpg_finalize(*handle);
		}
		if (client_now_ns() >= until_ns)
			return error;
		client_sleep_ms(50);
	}
}

#endif

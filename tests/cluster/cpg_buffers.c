/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Allocate zero-copy buffers and keep them, then send one message from each. Debian's library returns "OK" for a buffer
 * that the daemon has refused, and only the sending fails.
 *
 *	cpg_buffers [-n COUNT] [-s SIZE]
 *
 * COUNT (3000) buffers of SIZE (1000) bytes. Prints a line of key=value pairs.
 */
#include <getopt.h>

#include "client.h"

int main(int argc, char **argv)
{
	cpg_model_v1_data_t model = {.model = CPG_MODEL_V1};
	unsigned long count = 3000, size = 1000, given = 0, usable = 0;
	cpg_handle_t handle;
	int option;

	while ((option = getopt(argc, argv, "n:s:")) != -1) {
		switch (option) {
		case 'n':
			count = strtoul(optarg, NULL, 10);
			break;
		case 's':
			size = strtoul(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	void **buffers = calloc(count, sizeof(*buffers));
	if (buffers == NULL || client_join(&handle, &model, "buffers", client_now_ns() + 10000000000) != CS_OK)
		return 1;
	for (unsigned long i = 0; i < count; i++) {
		if (cpg_zcb_alloc(handle, size, &buffers[given]) == CS_OK)
			given++;
	}
	for (unsigned long i = 0; i < given; i++) {
		cs_error_t error;

		while ((error = cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, buffers[i], 1)) == CS_ERR_TRY_AGAIN) {
			cpg_dispatch(handle, CS_DISPATCH_ALL);
			client_sleep_ms(1);
		}
		usable += error == CS_OK;
	}
	printf("given=%lu usable=%lu\n", given, usable);
	cpg_finalize(handle);
	free(buffers);
	return 0;
}

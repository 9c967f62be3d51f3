/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * extra_info NAME TEXT: register a quorum device on this node, and set its extra information five times a second until
 * the input ends. All clients that track get each setting, even if they began to track later. It prints "ready" after
 * the first setting.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <corosync/votequorum.h>

static int complain(const char *call, cs_error_t rc)
{
	fprintf(stderr, "%s: %d\n", call, rc);
	return 1;
}

int main(int argc, char **argv)
{
	votequorum_handle_t handle;
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	bool is_set = false;
	cs_error_t rc;

	if (argc != 3)
		return 2;
	rc = votequorum_model_initialize(&handle, NULL);
	if (rc != CS_OK)
		return complain("initialize", rc);
	rc = votequorum_qdevice_register(handle, argv[1]);
	if (rc != CS_OK)
		return complain("register", rc);
	while (poll(&input, 1, 200) == 0) {
		rc = votequorum_set_qdevice_extra_info(handle, (uint32_t)strlen(argv[2]), argv[2]);
		if (rc != CS_OK && rc != CS_ERR_TRY_AGAIN)
			return complain("set", rc);
		if (rc == CS_OK && !is_set) {
			puts("ready");
			fflush(stdout);
			is_set = true;
		}
	}
	rc = votequorum_qdevice_unregister(handle, argv[1]);
	return rc == CS_OK ? 0 : complain("unregister", rc);
}

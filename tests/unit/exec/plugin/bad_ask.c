/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bad_ask SERVICE INSTANCE: wait until the daemon runs, send request 0 to its service, and print the result of the
 * call.
 */
#include <stdio.h>

#include <coterie/client.h>

#define TIMEOUT_MS 20000

int main(int argc, char **argv)
{
	const struct coterie_request_header request = {.id = 0, .size = sizeof(request)};
	struct coterie_connection *connection;

	if (argc != 3)
		return 2;
	int rc = coterie_connection_open(&connection, argv[1], argv[2], TIMEOUT_MS);

	if (rc == 0) {
		rc = coterie_connection_call(connection, &request, NULL, 0, TIMEOUT_MS);
		coterie_connection_close(connection);
	}
	printf("%d %s\n", rc, coterie_error_text(rc));
	return rc != 0;
}

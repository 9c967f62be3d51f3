/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tallyctl [add AMOUNT]: add to the tally, or print it. This is a client in its smallest form: see coterie-client(7).
 * The variable COTERIE_INSTANCE names the daemon if this host has several.
 */
#include "tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/client.h>

#define TIMEOUT_MS 5000 /* long enough for a daemon that starts, and for a ring that changes */

int main(int argc, char **argv)
{
	struct tally_req_add add = {.header = {.id = TALLY_REQ_ADD, .size = sizeof(add)}};
	struct tally_req_get get = {.header = {.id = TALLY_REQ_GET, .size = sizeof(get)}};
	struct tally_res_get response = {.total = 0};
	struct coterie_connection *connection;
	int is_adding = argc == 3 && strcmp(argv[1], "add") == 0;

	if (argc != 1 && !is_adding) {
		fprintf(stderr, "usage: tallyctl [add AMOUNT]\n");
		return 2;
	}
	if (is_adding)
		add.amount = (uint32_t)strtoul(argv[2], NULL, 10);

	int rc = coterie_connection_open(&connection, "tally", NULL, TIMEOUT_MS);
	if (rc == 0) {
		rc = coterie_connection_call(
			connection, is_adding ? &add.header : &get.header, &response, sizeof(response), TIMEOUT_MS);
		coterie_connection_close(connection);
	}
	if (rc != 0) {
		fprintf(stderr, "tallyctl: %s\n", coterie_error_text(rc));
		return 1;
	}
	if (!is_adding)
		printf("%llu\n", (unsigned long long)response.total);
	return 0;
}

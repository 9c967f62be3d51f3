/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzz the service cpg: joins to a few groups, and shared buffers, in addition to the operations of service.c. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/cpg/messages.h"
#include "tests/fuzz/service.h"

extern const struct coterie_plugin cpg_LTX_coterie_plugin;

static char folder[64]; /* folder of shared buffers, "" before it is made */

static struct cpg_wire_name group_name(uint8_t choice)
{
	struct cpg_wire_name name = {.length = 1 + choice % 3u};

	memset(name.value, 'a' + choice % 2, sizeof(name.value));
	return name;
}

static void join(struct fuzz_world *world, struct script *script, uint8_t choice)
{
	struct cpg_req_join message = {
		.header = {.id = CPG_REQ_JOIN, .size = sizeof(message)},
		.group = group_name(choice / FUZZ_CLIENTS),
		.pid = 100 + choice / 16u % 4,
		.flags = choice / 64u,
	};

	(void)script;
	fuzz_request(world, choice % FUZZ_CLIENTS, &message, sizeof(message));
}

static void remove_folder(void)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/buffer", folder);
	unlink(path);
	rmdir(folder);
}

static void share(struct fuzz_world *world, struct script *script, uint8_t choice)
{
	static uint8_t content[4096];
	struct cpg_req_zc_alloc message = {.header = {.id = CPG_REQ_ZC_ALLOC, .size = sizeof(message)}};
	size_t size = script_u16(script) % sizeof(content);
	size_t given = size;
	const uint8_t *bytes = script_bytes(script, &given);
	struct coterie_client *client = world->clients[choice % FUZZ_CLIENTS];

	if (folder[0] == '\0') {
		snprintf(folder, sizeof(folder), "/tmp/coterie-fuzz-XXXXXX");
		FUZZ_CHECK(mkdtemp(folder) != NULL);
		atexit(remove_folder);
	}
	snprintf(message.path, sizeof(message.path), "%s/buffer", folder);
	memset(content, 0, sizeof(content));
	if (given > 0)
		memcpy(content, bytes, given);

	int fd = open(message.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	FUZZ_CHECK(fd >= 0);
	FUZZ_CHECK(write(fd, content, size) == (ssize_t)size);
	message.map_size = (choice & 64) != 0 ? size : size + choice % 3;
	if (client != NULL)
		client->uid = (uint32_t)geteuid();
	fuzz_request(world, choice % FUZZ_CLIENTS, &message, sizeof(message));
	if (world->clients[choice % FUZZ_CLIENTS] != NULL)
		world->clients[choice % FUZZ_CLIENTS]->uid = FUZZ_NOBODY;
	if ((choice & 128) != 0)
		FUZZ_CHECK(ftruncate(fd, (off_t)(size / 2)) == 0);
	close(fd);
}

const struct fuzz_service fuzz_service = {
	.plugin = &cpg_LTX_coterie_plugin,
	.own = join,
	.own_too = share,
};

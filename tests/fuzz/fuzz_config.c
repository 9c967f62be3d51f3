/* SPDX-License-Identifier: BSD-3-Clause */
/* Read texts as corosync.conf. Each is either refused with a line for the operator, or read, published and printed. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "config/model.h"
#include "exec/map/map.h"
#include "tests/fuzz/fuzz.h"

static const char *const words[] = {"totem {\n", "nodelist {\n", "node {\n", "interface {\n", "quorum {\n",
	"logging {\n", "logger_subsys {\n", "service {\n", "transport {\n", "}\n", "version: 2\n", "cluster_name: x\n",
	"transport: udpu\n", "token: 1000\n", "nodeid: 1\n", "name: n1\n", "ring0_addr: 127.0.0.1\n",
	"ring7_addr: ::1\n", "ring8_addr: x\n", "linknumber: 0\n", "bindnetaddr: 10.0.0.0\n", "mcastport: 5405\n",
	"secauth: off\n", "crypto_cipher: none\n", "netmtu: 1500\n", "to_syslog: yes\n", "debug: trace\n",
	"timestamp: hires\n", "subsys: QUORUM\n", "expected_votes: 2\n", "two_node: 1\n", "window_size: 4294967296\n",
	"-1", "18446744073709551616", "#", ":", "{", "}", "\n", "\r\n", " ", "\t", "\0", "\xff", NULL};
const char *const *const fuzz_words = words;

static uint64_t accepted, refused, errors, warnings;
static volatile char sink;

const char *fuzz_summary(void)
{
	static char text[128];

	snprintf(text, sizeof(text), "%llu read, %llu refused, %llu errors, %llu warnings",
		(unsigned long long)accepted, (unsigned long long)refused, (unsigned long long)errors,
		(unsigned long long)warnings);
	return text;
}

/* Resolve a name to an address that depends on its first letter. */
static int resolve(void *arg, const char *name, int family, struct sockaddr_storage *address)
{
	(void)arg;
	FUZZ_CHECK(name != NULL && name[0] != '\0');
	if (name[0] == 'd')
		return -EAGAIN;
	if (name[0] != 'n')
		return -ENOENT;
	memset(address, 0, sizeof(*address));
	address->ss_family = (sa_family_t)family;
	return 0;
}

static bool is_local(void *arg, const struct sockaddr *address)
{
	(void)arg;
	return address->sa_family == AF_INET &&
	       ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == 127;
}

/* Check that each warning or error is one line of text. */
static void look_at(char *const *texts, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		FUZZ_CHECK(texts[i] != NULL && texts[i][0] != '\0');
		FUZZ_CHECK(strchr(texts[i], '\n') == NULL);
	}
}

static void read_out(const struct config *config)
{
	struct map *map = map_create();
	const char *which;

	FUZZ_CHECK(map != NULL);
	FUZZ_CHECK(config_publish(config, map) == 0);
	map_destroy(map);
	FUZZ_CHECK(config->node_count == 0 || config->local < config->node_count);
	for (uint32_t i = 0; i < config->entry_count; i++) {
		const uint8_t *bytes = config->entries[i].value;

		for (uint32_t at = 0; at < config->entries[i].size; at++)
			sink ^= (char)bytes[at];
	}
	for (uint32_t i = 0; i < config->option_count; i++)
		FUZZ_CHECK(config_option_text(config, config->options[i].plugin, config->options[i].name, NULL, NULL) !=
			   NULL);

	/* Set the values that the executive sets. */
	struct totem_options options = config->totem;

	if (!config->has_payload_max)
		options.payload_max = 1382;
	FUZZ_CHECK(totem_options_check(&options, &which) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_environment environment = {.resolve = resolve, .is_local = is_local, .host_name = "n1"};
	struct config_messages messages = {0};
	struct config *config = NULL;
	int rc = config_load_bytes("fuzz", (const char *)data, size, &environment, &config, &messages);

	FUZZ_CHECK(rc == 0 || rc == -EINVAL || rc == -EBADF);
	FUZZ_CHECK((rc == 0) == (config != NULL));
	FUZZ_CHECK(rc == 0 || messages.error_count > 0);
	look_at(messages.errors, messages.error_count);
	look_at(messages.warnings, messages.warning_count);
	if (rc == 0)
		read_out(config);
	accepted += rc == 0;
	refused += rc != 0;
	errors += messages.error_count;
	warnings += messages.warning_count;
	config_destroy(config);
	config_messages_fini(&messages);
	return 0;
}

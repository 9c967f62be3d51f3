/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Read texts as coterie.conf. Each is either refused with a line for the operator, or read, printed in both forms and
 * read again with the same keys. If the scanner accepts a text, libconfuse must accept it too.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/model.h"
#include "tests/fuzz/fuzz.h"

static const char *const words[] = {"cluster {", "totem {", "transport udpu {", "transport knet {", "transport acme {",
	"link 1 {", "node a {", "node \"b c\" {", "quorum {", "device net {", "heuristics {", "service cpg {",
	"plugins {", "log {", "subsystem TOTEM {", "access {", "process {", "instance t {", "}\n", "name = x ",
	"token = 3s ", "port = 5405 ", "id = 1 ", "address = 127.0.0.1 ", "address = {127.0.0.1, ::1} ",
	"address = 10.0.0.1 ", "encryption = none ", "cipher = none ", "hash = sha256 ", "key-file = /x ", "votes = 1 ",
	"two-node = yes ", "level = debug ", "file = /x ", "users = {0} ", "exec = {\"a=b\"} ", "keys = {\"a.b=c\"} ",
	"keys += {", "include(\"x\")", "${HOME}", "${NOPE:-x}", "\"", "'", "\\", "\\x41", "#", "/*", "*/", "//", "=",
	"+=", "{", "}", "(", ")", ",", ":", ";", "%", "\n", "\r\n", " ", "\t", "\0", "\xff", "\xef\xbb\xbf", NULL};
const char *const *const fuzz_words = words;

static uint64_t accepted, refused, errors, warnings;

const char *fuzz_summary(void)
{
	static char text[128];

	snprintf(text, sizeof(text), "%llu read, %llu refused, %llu errors, %llu warnings",
		(unsigned long long)accepted, (unsigned long long)refused, (unsigned long long)errors,
		(unsigned long long)warnings);
	return text;
}

static int resolve(void *arg, const char *name, int family, struct sockaddr_storage *address)
{
	(void)arg;
	FUZZ_CHECK(name != NULL && name[0] != '\0');
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

/* Check that each warning or error is one line, and none is libconfuse's. */
static void look_at(char *const *texts, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		FUZZ_CHECK(texts[i] != NULL && texts[i][0] != '\0' && strchr(texts[i], '\n') == NULL);
		if (strstr(texts[i], ": correct this line") != NULL)
			fprintf(stderr, "%s\n", texts[i]);
		FUZZ_CHECK(strstr(texts[i], ": correct this line") == NULL);
		FUZZ_CHECK(strstr(texts[i], ": simplify it") == NULL);
	}
}

static char folder[] = "/tmp/fuzz-native-XXXXXX", key_path[64];

static void remove_key(void)
{
	unlink(key_path);
	rmdir(folder);
}

/* Make the default key file. Without it most configurations would be refused. */
static void make_key(void)
{
	char bytes[128] = "k";

	FUZZ_CHECK(mkdtemp(folder) != NULL);
	snprintf(key_path, sizeof(key_path), "%s/authkey", folder);
	int fd = open(key_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0400);

	FUZZ_CHECK(fd >= 0 && write(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes));
	close(fd);
	atexit(remove_key);
}

static int load(const char *text, size_t size, enum config_format format, struct config **config)
{
	struct config_environment environment = {
		.resolve = resolve, .is_local = is_local, .host_name = "n1", .state_dir = folder, .format = format};
	struct config_messages messages = {0};

	if (key_path[0] == '\0')
		make_key();
	int rc = config_load_bytes("fuzz", text, size, &environment, config, &messages);

	FUZZ_CHECK(rc == 0 || rc == -EINVAL || rc == -EBADF);
	FUZZ_CHECK((rc == 0) == (*config != NULL));
	FUZZ_CHECK(rc == 0 || messages.error_count > 0);
	look_at(messages.errors, messages.error_count);
	look_at(messages.warnings, messages.warning_count);
	errors += messages.error_count;
	warnings += messages.warning_count;
	config_messages_fini(&messages);
	return rc;
}

static const struct config_entry *find(const struct config *config, const char *key)
{
	for (uint32_t i = 0; i < config->entry_count; i++)
		if (strcmp(config->entries[i].key, key) == 0)
			return &config->entries[i];
	return NULL;
}

/* Print the configuration, read the text again, and check that all keys are the same. */
static void show(const struct config *config)
{
	struct config *again = NULL;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	FUZZ_CHECK(out != NULL && config_print(config, CONFIG_FORM_COTERIE, out) == 0 && fclose(out) == 0);
	FUZZ_CHECK(load(text, size, CONFIG_FORMAT_COTERIE, &again) == 0);
	for (uint32_t i = 0; i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i], *same = find(again, entry->key);

		if (strcmp(entry->key, "totem.key") == 0)
			continue;
		FUZZ_CHECK(same != NULL && same->type == entry->type && strcmp(same->text, entry->text) == 0);
	}
	free(text);
	config_destroy(again);
	out = open_memstream(&text, &size);
	FUZZ_CHECK(out != NULL && config_print(config, CONFIG_FORM_COROSYNC, out) == 0 && fclose(out) == 0);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config = NULL;
	int rc = load((const char *)data, size, CONFIG_FORMAT_COTERIE, &config);

	if (rc == 0)
		show(config);
	accepted += rc == 0;
	refused += rc != 0;
	config_destroy(config);
	return 0;
}

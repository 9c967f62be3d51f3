/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/config_case.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "services/votequorum/check.h"
#include "transports/knet/check.h"

static int resolve(void *arg, const char *name, int family, struct sockaddr_storage *address)
{
	static const struct {
		const char *name, *address;
		int family;
	} known[] = {
		{"both.example", "10.77.0.1", AF_INET},
		{"both.example", "fd00::1", AF_INET6},
		{"four.example", "10.77.0.2", AF_INET},
		{"six.example", "fd00::2", AF_INET6},
	};
	struct config_case *one = arg;

	one->resolved++;
	if (strcmp(name, "down.example") == 0)
		return -EAGAIN;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, name) != 0 || known[i].family != family)
			continue;
		memset(address, 0, sizeof(*address));
		address->ss_family = (sa_family_t)family;
		inet_pton(family, known[i].address,
			family == AF_INET ? (void *)&((struct sockaddr_in *)address)->sin_addr
					  : (void *)&((struct sockaddr_in6 *)address)->sin6_addr);
		return 0;
	}
	return -ENOENT;
}

static bool is_local(void *arg, const struct sockaddr *address)
{
	char text[INET6_ADDRSTRLEN] = "";

	(void)arg;
	if (address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, text, sizeof(text));
	return strcmp(text, "10.77.0.1") == 0 || strcmp(text, "10.78.0.1") == 0 || strncmp(text, "127.", 4) == 0 ||
	       strcmp(text, "::1") == 0;
}

static int find_transport(void *arg, const char *name, char *text, size_t size)
{
	(void)arg;
	if (strcmp(name, "acme") == 0)
		return 0;
	snprintf(text, size, "no plugin '%s' here", name);
	return -ENOENT;
}

/* Show descriptors of knet and votequorum that have only their checks, so neither a library nor a daemon is needed. */
void config_case_describe(void *arg, uint32_t kind, const char *name, const char *folders,
	void (*see)(void *see_arg, const struct coterie_plugin *descriptor), void *see_arg)
{
	static const struct coterie_plugin knet = {
		.size = sizeof(knet), .kind = COTERIE_KIND_TRANSPORT, .name = "knet", .check = mesh_check};
	static const struct coterie_plugin votequorum = {.size = sizeof(votequorum),
		.kind = COTERIE_KIND_SERVICE,
		.name = "votequorum",
		.check = votequorum_check};

	(void)arg, (void)folders;
	if (kind == knet.kind && strcmp(name, knet.name) == 0)
		see(see_arg, &knet);
	if (kind == votequorum.kind && strcmp(name, votequorum.name) == 0)
		see(see_arg, &votequorum);
}

void config_case_init(struct config_case *one)
{
	memset(one, 0, sizeof(*one));
	one->environment.resolve = resolve;
	one->environment.is_local = is_local;
	one->environment.find_transport = find_transport;
	one->environment.describe = config_case_describe;
	one->environment.arg = one;
	snprintf(one->environment.host_name, sizeof(one->environment.host_name), "vm");
}

void config_case_fini(struct config_case *one)
{
	config_destroy(one->config);
	one->config = NULL;
	config_messages_fini(&one->messages);
}

void config_case_key(struct config_case *one, const char *folder)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/authkey", folder);
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < 200; i++)
		fputc('k', file);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(path, 0400), 0);
	one->environment.state_dir = folder;
}

int config_case_load(struct config_case *one, const char *text)
{
	config_case_fini(one);
	one->resolved = 0;
	one->rc = config_load_bytes("c.conf", text, strlen(text), &one->environment, &one->config, &one->messages);
	return one->rc;
}

static bool has_text(char *const *texts, uint32_t count, const char *text)
{
	for (uint32_t i = 0; i < count; i++)
		if (strstr(texts[i], text) != NULL)
			return true;
	return false;
}

bool config_case_has_error(const struct config_case *one, const char *text)
{
	return has_text(one->messages.errors, one->messages.error_count, text);
}

bool config_case_has_warning(const struct config_case *one, const char *text)
{
	return has_text(one->messages.warnings, one->messages.warning_count, text);
}

const char *config_case_error(const struct config_case *one)
{
	return one->messages.error_count > 0 ? one->messages.errors[0] : "";
}

const char *config_case_entry(const struct config_case *one, const char *key)
{
	for (uint32_t i = 0; one->config != NULL && i < one->config->entry_count; i++)
		if (strcmp(one->config->entries[i].key, key) == 0)
			return one->config->entries[i].text;
	return NULL;
}

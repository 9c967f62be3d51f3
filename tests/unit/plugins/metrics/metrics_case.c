/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/plugins/metrics/metrics_case.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct coterie_plugin metrics_LTX_coterie_plugin;

const struct coterie_service *ops;
struct coterie_ctx *host;
void *metrics;
uint16_t port;
char answer[ANSWER_MAX + 1];
uint32_t copies;

static uint32_t read_copies(void *arg, void *value)
{
	(void)arg;
	copies++;
	memcpy(value, &copies, sizeof(copies));
	return sizeof(copies);
}

uint32_t read_text(void *arg, void *value)
{
	strcpy(value, arg);
	return (uint32_t)strlen(arg) + 1;
}

void make_host(void)
{
	static char operational[] = "operational", version[] = "test";

	ops = metrics_LTX_coterie_plugin.ops;
	host = mock_host_create(&metrics_LTX_coterie_plugin);
	mock_host_option(host, "port", "0"); /* any free port */
	mock_host_option(host, "names", "other, x");
	host->table.stat_add(host, "stats.coterie.version", COTERIE_MAP_STRING, read_text, version);
	host->table.stat_add(host, "stats.coterie.copies", COTERIE_MAP_U32, read_copies, NULL);
	host->table.stat_add(host, "stats.coterie.state", COTERIE_MAP_STRING, read_text, operational);
	host->is_quorate = true;
	copies = 0;
}

/* Return the port in the log line "Metrics are served at http://ADDRESS:PORT/metrics". */
uint16_t port_of(void)
{
	for (uint32_t i = 0; i < host->logs.count; i++) {
		const char *at = strstr((const char *)host->logs.list[i].data, "http://");

		if (at != NULL)
			return (uint16_t)atoi(strrchr(at, ':') + 1);
	}
	return 0;
}

void start(void)
{
	ck_assert_int_eq(ops->init(&host->table, host, &metrics), 0);
	port = port_of();
}

static void set_up(void)
{
	make_host();
	start();
	ck_assert_uint_ne(port, 0);
}

void finish(void)
{
	ops->fini(metrics);
	ck_assert_uint_eq(mock_host_timers(host), 0);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
}

void set_u32(const char *key, uint32_t value) { host->table.map_set(host, key, COTERIE_MAP_U32, &value, 4); }

void set_text(const char *key, const char *value)
{
	host->table.map_set(host, key, COTERIE_MAP_STRING, value, (uint32_t)strlen(value) + 1);
}

int dial(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

void say(int fd, const char *words)
{
	ck_assert_int_eq(send(fd, words, strlen(words), MSG_NOSIGNAL), (ssize_t)strlen(words));
}

/* Let time pass until the job that copies the statistics has run, and no other timer. */
static void pass_time(void)
{
	const struct metrics *plugin = metrics;

	mock_host_advance(host, plugin->collect != NULL ? MS : 0);
}

bool listen_to(int fd)
{
	size_t size = 0;

	for (uint32_t turns = 0; turns < 200; turns++) {
		ssize_t got = recv(fd, answer + size, ANSWER_MAX - size, MSG_DONTWAIT);

		if (got == 0 || (got < 0 && errno != EAGAIN)) {
			answer[size] = '\0';
			close(fd);
			return true;
		}
		size += got > 0 ? (size_t)got : 0;
		mock_host_poll(host, 1);
		pass_time();
	}
	answer[size] = '\0';
	return false;
}

const char *ask(const char *request)
{
	int fd = dial();

	say(fd, request);
	ck_assert_msg(listen_to(fd), "still there after '%s', got '%s'", request, answer);
	return answer;
}

const char *get(const char *path)
{
	char request[256];

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
	return ask(request);
}

void has(const char *words) { ck_assert_msg(strstr(answer, words) != NULL, "no '%s' in '%s'", words, answer); }

TCase *metrics_case_add(Suite *suite)
{
	TCase *tcase = tcase_create("served");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	suite_add_tcase(suite, tcase);
	return tcase;
}

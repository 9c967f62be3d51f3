/* SPDX-License-Identifier: BSD-3-Clause */
/* tools/common: numbers, bytes, addresses and the node list. This file implements the map. */
#include "tools/common/address.h"
#include "tools/common/bytes.h"
#include "tools/common/nodelist.h"
#include "tools/common/number.h"
#include "tools/common/terminal.h"

#include <arpa/inet.h>
#include <check.h>
#include <limits.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *text;
	long long min;
	long long max;
	bool is_right;
	long long value;
} numbers[] = {
	{"1", 1, 9, true, 1},
	{"9", 1, 9, true, 9},
	{" 7", 1, 9, true, 7},
	{"+7", 1, 9, true, 7},
	{"007", 1, 9, true, 7},
	{"-7", -9, 9, true, -7},
	{"4294967295", 1, UINT_MAX, true, UINT_MAX},
	{"9223372036854775807", 0, LLONG_MAX, true, LLONG_MAX},
	{"0", 1, 9, false, 0},
	{"10", 1, 9, false, 0},
	{"-1", 0, 9, false, 0},
	{"", 0, 9, false, 0},
	{" ", 0, 9, false, 0},
	{"x", 0, 9, false, 0},
	{"7x", 0, 9, false, 0},
	{"7 ", 0, 9, false, 0},
	{"0x7", 0, 9, false, 0},
	{"7.0", 0, 9, false, 0},
	{"4294967296", 1, UINT_MAX, false, 0},
	{"9223372036854775808", LLONG_MIN, LLONG_MAX, false, 0},
	{"-9223372036854775809", LLONG_MIN, LLONG_MAX, false, 0},
};

START_TEST(numbers_are_whole_words)
{
	for (size_t i = 0; i < COUNT(numbers); i++) {
		long long value = 42;

		ck_assert_msg(
			number_parse(numbers[i].text, numbers[i].min, numbers[i].max, &value) == numbers[i].is_right,
			"'%s'", numbers[i].text);
		ck_assert_msg(value == (numbers[i].is_right ? numbers[i].value : 42), "'%s'", numbers[i].text);
	}
}
END_TEST

START_TEST(bytes_can_be_told_apart)
{
	static const char bytes[] = "a~ \\\x01\x7f\x80\xff\0z";
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	bytes_print(out, bytes, sizeof(bytes) - 1);
	bytes_print(out, NULL, 0);
	fclose(out);
	ck_assert_str_eq(text, "a~ \\\\\\x01\\x7F\\x80\\xFF\\x00z");
	free(text);
}
END_TEST

/* Make an address as libcfg may return it: all bytes that are not used are set. */
static corosync_cfg_node_address_t make_address(int family, const char *text)
{
	corosync_cfg_node_address_t address;
	union {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		char bytes[sizeof(address.address)];
	} socket_address;

	memset(&socket_address, family == AF_UNSPEC ? 0 : 0xff, sizeof(socket_address));
	socket_address.in.sin_family = (sa_family_t)family;
	if (family == AF_INET)
		inet_pton(family, text, &socket_address.in.sin_addr);
	else if (family == AF_INET6)
		inet_pton(family, text, &socket_address.in6.sin6_addr);
	memcpy(address.address, socket_address.bytes, sizeof(address.address));
	address.address_length = sizeof(address.address);
	return address;
}

START_TEST(addresses_are_written_in_numbers)
{
	static const struct {
		int family;
		const char *text;
	} rows[] = {{AF_INET, "10.0.0.1"}, {AF_INET6, "fd00::1"}, {AF_UNSPEC, ""}, {AF_UNIX, ""}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		corosync_cfg_node_address_t address = make_address(rows[i].family, rows[i].text);
		char text[ADDRESS_TEXT_MAX] = "before";

		ck_assert_int_eq(address_text(&address, text), rows[i].text[0] != '\0');
		ck_assert_str_eq(text, rows[i].text);
	}
}
END_TEST

/* --- libcfg and libcmap, as far as they are called --- */

static int addresses_told;

cs_error_t corosync_cfg_get_node_addrs(
	corosync_cfg_handle_t cfg, unsigned int node_id, size_t max, int *count, corosync_cfg_node_address_t *addresses)
{
	(void)cfg;
	if (node_id != 1)
		return CS_ERR_NOT_EXIST;
	for (size_t i = 0; i < max && (int)i < addresses_told; i++)
		addresses[i] = make_address(AF_INET, "10.0.0.1");
	*count = addresses_told;
	return CS_OK;
}

static const struct entry {
	const char *key;
	unsigned int number; /* 0: the value is a string, otherwise a number */
	const char *string;
} * map;
static size_t map_count;
static size_t map_next;

cs_error_t cmap_iter_init(cmap_handle_t handle, const char *prefix, cmap_iter_handle_t *iterator)
{
	(void)handle;
	*iterator = 1;
	map_next = 0;
	return strcmp(prefix, "nodelist.node.") == 0 ? CS_OK : CS_ERR_LIBRARY;
}

cs_error_t cmap_iter_next(
	cmap_handle_t handle, cmap_iter_handle_t iterator, char *key, size_t *size, cmap_value_types_t *type)
{
	(void)handle, (void)iterator, (void)size, (void)type;
	if (map_next == map_count)
		return CS_ERR_NO_SECTIONS;
	strcpy(key, map[map_next++].key);
	return CS_OK;
}

cs_error_t cmap_iter_finalize(cmap_handle_t handle, cmap_iter_handle_t iterator)
{
	(void)handle, (void)iterator;
	return CS_OK;
}

static const struct entry *entry_find(const char *key)
{
	for (size_t i = 0; i < map_count; i++)
		if (strcmp(map[i].key, key) == 0)
			return &map[i];
	return NULL;
}

cs_error_t cmap_get_uint32(cmap_handle_t handle, const char *key, uint32_t *value)
{
	const struct entry *entry = entry_find(key);

	(void)handle;
	if (entry == NULL || entry->string != NULL)
		return entry == NULL ? CS_ERR_NOT_EXIST : CS_ERR_INVALID_PARAM;
	*value = entry->number;
	return CS_OK;
}

cs_error_t cmap_get_string(cmap_handle_t handle, const char *key, char **value)
{
	const struct entry *entry = entry_find(key);

	(void)handle;
	if (entry == NULL || entry->string == NULL)
		return entry == NULL ? CS_ERR_NOT_EXIST : CS_ERR_INVALID_PARAM;
	*value = strdup(entry->string);
	return CS_OK;
}

START_TEST(no_more_addresses_than_there_is_room_for)
{
	struct node_addresses addresses;

	addresses_told = 2;
	ck_assert_int_eq(node_addresses_get(1, 1, &addresses), CS_OK);
	ck_assert_uint_eq(addresses.count, 2);
	addresses_told = CFG_MAX_LINKS + 1;
	ck_assert_int_eq(node_addresses_get(1, 1, &addresses), CS_OK);
	ck_assert_uint_eq(addresses.count, CFG_MAX_LINKS);
	addresses_told = -1;
	ck_assert_int_eq(node_addresses_get(1, 1, &addresses), CS_OK);
	ck_assert_uint_eq(addresses.count, 0);
	ck_assert_int_eq(node_addresses_get(1, 2, &addresses), CS_ERR_NOT_EXIST);
}
END_TEST

START_TEST(nodes_are_sorted_by_id)
{
	static const struct entry entries[] = {
		{"nodelist.node.0.name", 0, "three"},
		{"nodelist.node.0.nodeid", 3, NULL},
		{"nodelist.node.0.ring0_addr", 0, "10.0.0.3"},
		{"nodelist.node.10.nodeid", 2, NULL},
		{"nodelist.node.2.nodeid", 4294967295, NULL},
		{"nodelist.node.2.name", 5, NULL},
		{"nodelist.node.3.nodeid", 0, "text"},
		{"nodelist.node.4.nodeid.more", 7, NULL},
		{"nodelist.node.5.nodeidx", 8, NULL},
		{"nodelist.node.x.nodeid", 9, NULL},
	};
	struct nodelist list;

	map = entries;
	map_count = COUNT(entries);
	ck_assert_int_eq(nodelist_read(1, &list), CS_OK);
	ck_assert_uint_eq(list.count, 3);
	ck_assert_uint_eq(list.nodes[0].id, 2);
	ck_assert_uint_eq(list.nodes[0].position, 10);
	ck_assert_ptr_null(list.nodes[0].name);
	ck_assert_uint_eq(list.nodes[1].id, 3);
	ck_assert_str_eq(list.nodes[1].name, "three");
	ck_assert_ptr_null(list.nodes[2].name);
	ck_assert_ptr_eq(nodelist_find(&list, 4294967295), &list.nodes[2]);
	ck_assert_ptr_null(nodelist_find(&list, 4));
	nodelist_free(&list);
	ck_assert_uint_eq(list.count, 0);
	nodelist_free(&list);
}
END_TEST

START_TEST(an_empty_list_is_no_error)
{
	struct nodelist list;

	map_count = 0;
	ck_assert_int_eq(nodelist_read(1, &list), CS_OK);
	ck_assert_uint_eq(list.count, 0);
	ck_assert_ptr_null(nodelist_find(&list, 1));
	nodelist_free(&list);
}
END_TEST

/* --- terminals --- */

static void print_all(void)
{
	char buffer[64];

	terminal_guard();
	printf("a\033[2Jb\r\b\x7f\a\tc\n");
	/* The characters are é, CSI in UTF-8, CSI as one byte, and the euro sign. */
	printf("\xc3\xa9 \xc2\x9b \x9b \xe2\x82\xac\n");
	terminal_value(stdout, "one\ntwo\033]0;x", 100);
	printf("\n%sgreen\n", terminal_color(buffer, 32));
	fputs("\033error\n", stderr);
}

enum output { OUTPUT_PIPE, OUTPUT_PLAIN, OUTPUT_UTF8, OUTPUT_IUTF8 };

static void prepare(enum output output, int write_end)
{
	struct termios settings;

	setenv("LC_ALL", output == OUTPUT_UTF8 ? "de_DE.UTF-8" : "C", 1);
	if (output == OUTPUT_PIPE) {
		dup2(write_end, STDOUT_FILENO);
		dup2(write_end, STDERR_FILENO);
	} else if (output == OUTPUT_IUTF8 && tcgetattr(STDOUT_FILENO, &settings) == 0) {
		settings.c_iflag |= IUTF8;
		tcsetattr(STDOUT_FILENO, TCSANOW, &settings);
	}
}

/* Call print() with its output to a terminal or a pipe. @return the output */
static const char *output_of(enum output output, void (*print)(void))
{
	static char text[1 << 20];
	size_t size = 0;
	ssize_t got;
	int pipes[2], fd;

	ck_assert_int_eq(pipe(pipes), 0);
	pid_t pid = output == OUTPUT_PIPE ? fork() : forkpty(&fd, NULL, NULL, NULL);
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prepare(output, pipes[1]);
		print();
		exit(0);
	}
	close(pipes[1]);
	if (output == OUTPUT_PIPE)
		fd = pipes[0];
	while (size < sizeof(text) - 1 && (got = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
		size += (size_t)got;
	text[size] = '\0';
	waitpid(pid, NULL, 0);
	close(fd);
	return text;
}

START_TEST(terminals_get_no_control_characters_of_values)
{
	static const char utf8[] = "a\\x1B[2Jb\\x0D\\x08\\x7F\\x07\tc\r\n"
				   "\xc3\xa9 \xc2\\x9B \\x9B \xe2\x82\xac\r\n"
				   "one\\x0Atwo\\x1B]0;x\r\n"
				   "\033[32mgreen\r\n"
				   "\\x1Berror\r\n";

	ck_assert_str_eq(output_of(OUTPUT_UTF8, print_all), utf8);
	ck_assert_str_eq(output_of(OUTPUT_IUTF8, print_all), utf8);
}
END_TEST

/* In other encodings than UTF-8 the single byte 0x9b is a control character (CSI), wherever it is. */
START_TEST(terminals_without_utf8_get_no_control_characters_of_eight_bits)
{
	ck_assert_ptr_nonnull(
		strstr(output_of(OUTPUT_PLAIN, print_all), "\n\xc3\xa9 \xc2\\x9B \\x9B \xe2\\x82\xac\r\n"));
}
END_TEST

#define CUTS 64

static void print_cut(void)
{
	char buffer[64];

	terminal_guard();
	for (int i = 0; i < CUTS; i++)
		printf("%*s%sgreen\033x\n", BUFSIZ - CUTS / 2 + i, "", terminal_color(buffer, 32));
	fputs("end\033", stdout);
	fputs("end\033", stderr);
}

/* The colour sequence is placed so that each of its bytes once is the last one in the buffer of stdio. */
START_TEST(a_colour_that_straddles_two_writes_stays_whole)
{
	const char *text = output_of(OUTPUT_UTF8, print_cut), *at = text;
	unsigned int count = 0;

	while ((at = strstr(at, "\033")) != NULL) {
		ck_assert_mem_eq(at, "\033[32mgreen\\x1Bx\r\n", 17);
		at++;
		count++;
	}
	ck_assert_uint_eq(count, CUTS);
	ck_assert_str_eq(text + strlen(text) - 8, "\\x1B\\x1B"); /* both streams end with this text */
}
END_TEST

/* Tools that write again and again check ferror(3), so a terminal that has gone must be an error. */
START_TEST(a_terminal_that_is_gone_is_an_error)
{
	int fd, status;
	int ready[2], go[2];
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(go), 0);
	pid_t pid = forkpty(&fd, NULL, NULL, NULL);
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		signal(SIGHUP, SIG_IGN);
		close(go[1]);
		terminal_guard();
		bool is_closed = write(ready[1], "", 1) == 1 && read(go[0], &byte, 1) == 0;
		int rc = fputs("text\n", stdout) < 0 || fflush(stdout) != 0;
		_exit(is_closed && rc != 0 && ferror(stdout) != 0 ? 0 : 1);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(fd);
	close(go[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(pipes_get_every_byte)
{
	const char *text = output_of(OUTPUT_PIPE, print_all);

	ck_assert_ptr_nonnull(
		strstr(text, "a\033[2Jb\r\b\x7f\a\tc\n\xc3\xa9 \xc2\x9b \x9b \xe2\x82\xac\none\ntwo\033]0;x\n"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tools/common");
	TCase *tcase = tcase_create("common");

	tcase_add_test(tcase, numbers_are_whole_words);
	tcase_add_test(tcase, terminals_get_no_control_characters_of_values);
	tcase_add_test(tcase, terminals_without_utf8_get_no_control_characters_of_eight_bits);
	tcase_add_test(tcase, a_colour_that_straddles_two_writes_stays_whole);
	tcase_add_test(tcase, a_terminal_that_is_gone_is_an_error);
	tcase_add_test(tcase, pipes_get_every_byte);
	tcase_add_test(tcase, bytes_can_be_told_apart);
	tcase_add_test(tcase, addresses_are_written_in_numbers);
	tcase_add_test(tcase, no_more_addresses_than_there_is_room_for);
	tcase_add_test(tcase, nodes_are_sorted_by_id);
	tcase_add_test(tcase, an_empty_list_is_no_error);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/log/flight.c: the file has the format that libqb's reader expects. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "exec/log/flight.h"
#include "tests/suite.h"

#define MARKS 20u /* bytes before the ring's header, which has 20 bytes as well */

static char dir[] = "/tmp/coterie-test-flight-XXXXXX";
static char path[FLIGHT_PATH_MAX];
static uint8_t *file;
static size_t file_size;

static void set_up(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	file = NULL;
}

static void tear_down(void)
{
	char command[128];

	free(file);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void write_and_read(const struct flight *flight)
{
	FILE *stream;
	struct stat status;

	/* The time is 2026-02-28 23:59:59 UTC, in a time zone that is 3,601 s ahead. */
	ck_assert_int_eq(flight_write(flight, dir, 1772323199, 3601, path), 0);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0600);
	file_size = (size_t)status.st_size;
	file = realloc(file, file_size);
	stream = fopen(path, "r");
	ck_assert_uint_eq(fread(file, 1, file_size, stream), file_size);
	fclose(stream);
}

static uint32_t word(size_t at)
{
	uint32_t value;

	memcpy(&value, file + at, sizeof(value));
	return value;
}

/* Copy bytes of the ring, including bytes that wrap around its end. */
static void ring_bytes(uint32_t at_word, size_t offset, void *to, size_t size)
{
	size_t ring_size = word(MARKS) * sizeof(uint32_t);

	for (size_t i = 0; i < size; i++)
		((uint8_t *)to)[i] = file[MARKS + 20 + (at_word * sizeof(uint32_t) + offset + i) % ring_size];
}

/* Check each record. first, last: numbers of the first and the last one. @return number of records */
static uint32_t walk(unsigned int *first, unsigned int *last)
{
	uint32_t write = word(MARKS + 4), read = word(MARKS + 8), count = 0;

	while (read != write) {
		uint32_t header[2], name_size, message_size;
		uint8_t record[512];
		unsigned int number;

		ring_bytes(read, 0, header, sizeof(header));
		ck_assert_uint_eq(header[1], 0xa1a1a1a1u);
		ck_assert_uint_lt(header[0], sizeof(record));
		ring_bytes(read, 8, record, header[0]);
		ck_assert_uint_eq(record[8], 6);
		memcpy(&name_size, record + 9, 4);
		ck_assert_str_eq((const char *)record + 13, "TOTEM");
		memcpy(&message_size, record + 13 + name_size + 16, 4);
		ck_assert_uint_eq(13 + name_size + 16 + 4 + message_size, header[0]);
		const char *message = (const char *)record + 13 + name_size + 20;
		ck_assert_str_eq(message, "%s");
		ck_assert_int_eq(sscanf(message + 3, "line %u", &number), 1);
		if (count == 0)
			*first = number;
		else
			ck_assert_uint_eq(number, *last + 1);
		*last = number;
		count++;
		read = (read + 2 + (header[0] + 3) / 4) % word(MARKS);
	}
	return count;
}

static void record_lines(struct flight *flight, unsigned int from, unsigned int to)
{
	struct timespec at = {.tv_sec = 1000, .tv_nsec = 5};
	char text[64];

	for (unsigned int i = from; i <= to; i++) {
		snprintf(text, sizeof(text), "line %u%.*s", i, (int)(i % 7), "+++++++");
		flight_record(flight, "TOTEM", 6, &at, text);
	}
}

START_TEST(the_header_is_libqbs)
{
	static const uint32_t marks[] = {0, 0xccbbccbbu, 0xbbccbbccu, 2, 0};
	struct flight *flight = flight_create(FLIGHT_SIZE);
	char link[FLIGHT_PATH_MAX + 1] = "", where[64];
	unsigned int first = 0, last = 0;

	record_lines(flight, 1, 3);
	write_and_read(flight);
	ck_assert_uint_eq(file_size, 8392744);
	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_eq(word(4 * i), marks[i]);
	ck_assert_uint_eq(word(20), 0x200400);
	ck_assert_uint_eq(word(28), 0);
	ck_assert_uint_eq(word(32), 1);
	ck_assert_uint_eq(word(36), word(20) + word(24) + word(28) + word(32));
	ck_assert_uint_eq(walk(&first, &last), 3);
	snprintf(where, sizeof(where), "/fdata-2026-03-01T01:00:00-%d", getpid());
	ck_assert_str_eq(path + strlen(dir), where);
	snprintf(where, sizeof(where), "%s/fdata", dir);
	ck_assert_int_gt(readlink(where, link, sizeof(link) - 1), 0);
	ck_assert_str_eq(link, path);
	write_and_read(flight); /* a second write replaces the link */
	flight_destroy(flight);
	flight_destroy(NULL);
}
END_TEST

START_TEST(the_oldest_lines_make_room)
{
	struct flight *flight = flight_create(4096);
	unsigned int first = 0, last = 0;

	for (unsigned int i = 0; i < 40; i++) {
		record_lines(flight, 50 * i + 1, 50 * i + 50);
		write_and_read(flight);
		uint32_t count = walk(&first, &last);
		ck_assert_uint_eq(last, 50 * i + 50);
		ck_assert_uint_eq(first, last - count + 1);
		if (i > 3)
			ck_assert_uint_gt(count, 100);
	}
	flight_destroy(flight);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_an_error)
{
	struct flight *flight = flight_create(4096);
	char *deep = calloc(1, 5000);

	ck_assert_int_eq(flight_write(flight, "/nonexistent/folder", 0, 0, path), -ENOENT);
	memset(deep, 'x', 4999);
	ck_assert_int_eq(flight_write(flight, deep, 0, 0, path), -ENAMETOOLONG);
	ck_assert_str_eq(path, "");
	free(deep);
	flight_destroy(flight);
}
END_TEST

/* Files that have the record's name already. Each is replaced, and the target of a link stays as it is. */
static int make_link(const char *victim) { return symlink(victim, path); }
static int make_second_name(const char *victim) { return link(victim, path); }
static int make_fifo(const char *victim)
{
	(void)victim;
	return mkfifo(path, 0600);
}
static int (*const squatters[])(const char *victim) = {make_link, make_second_name, make_fifo};

START_TEST(a_file_with_the_name_is_replaced_and_not_written_to)
{
	struct flight *flight = flight_create(4096);
	char victim[64];
	struct stat status;

	record_lines(flight, 1, 3);
	write_and_read(flight); /* path is known now */
	unlink(path);
	snprintf(victim, sizeof(victim), "%s/victim", dir);
	ck_assert_int_eq(close(open(victim, O_WRONLY | O_CREAT, 0640)), 0);
	ck_assert_int_eq(squatters[_i](victim), 0);
	write_and_read(flight); /* a FIFO without a reader would block it */
	ck_assert_int_eq(lstat(path, &status), 0);
	ck_assert(S_ISREG(status.st_mode));
	ck_assert_uint_eq(status.st_nlink, 1);
	if (stat(victim, &status) == 0)
		ck_assert_int_eq(status.st_size, 0);
	flight_destroy(flight);
}
END_TEST

/* Links on the way to the folder: those of root and of the daemon's user are followed. */
START_TEST(a_link_of_another_user_on_the_way_is_not_followed)
{
	struct flight *flight = flight_create(4096);
	char link[64], real[64], target[64];
	struct stat status;

	snprintf(real, sizeof(real), "%s/real", dir);
	snprintf(link, sizeof(link), "%s/link", dir);
	snprintf(target, sizeof(target), "%s/real/fdata", dir);
	ck_assert_int_eq(mkdir(real, 0700), 0);
	ck_assert_int_eq(symlink("real", link), 0);
	ck_assert_int_eq(flight_write(flight, link, 0, 0, path), 0);
	ck_assert_int_eq(stat(target, &status), 0);
	/* In a user namespace with one user there is no other one. */
	if (getuid() == 0 && lchown(link, 65534, 65534) == 0) {
		ck_assert_int_eq(unlink(target), 0);
		ck_assert_int_eq(flight_write(flight, link, 0, 0, path), -ELOOP);
		ck_assert_int_eq(lstat(target, &status), -1);
	}
	flight_destroy(flight);
}
END_TEST

START_TEST(names_carry_any_date)
{
	static const struct {
		time_t at;
		const char *name;
	} rows[] = {{0, "1970-01-01T00:00:00"}, {951782400, "2000-02-29T00:00:00"}, {1735689599, "2024-12-31T23:59:59"},
		{4107542399, "2100-02-28T23:59:59"}};
	struct flight *flight = flight_create(4096);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(flight_write(flight, dir, rows[i].at, 0, path), 0);
		ck_assert_msg(strstr(path, rows[i].name) != NULL, "%s: %s", rows[i].name, path);
	}
	flight_destroy(flight);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("flight");
	TCase *tcase = tcase_create("recorder");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_header_is_libqbs);
	tcase_add_test(tcase, the_oldest_lines_make_room);
	tcase_add_test(tcase, a_folder_that_is_not_there_is_an_error);
	tcase_add_loop_test(tcase, a_file_with_the_name_is_replaced_and_not_written_to, 0,
		(int)(sizeof(squatters) / sizeof(squatters[0])));
	tcase_add_test(tcase, a_link_of_another_user_on_the_way_is_not_followed);
	tcase_add_test(tcase, names_carry_any_date);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}

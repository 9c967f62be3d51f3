/* SPDX-License-Identifier: BSD-3-Clause */
/* The kind of a plugin is read from its file, and no code of the file runs. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <check.h>

#include "exec/plugin/plugin_private.h"
#include "tests/suite.h"

/* The daemon reads files that it does not load, for the text of an error. They can have any content. */
START_TEST(the_kind_of_a_file_is_read_without_running_it)
{
	static uint8_t bytes[262144];
	uint8_t changed[8];
	int fd = open(TEST_PLUGIN_DIR "/.libs/aborts.so", O_RDONLY | O_CLOEXEC);
	ssize_t size = read(fd, bytes, sizeof(bytes));
	uint32_t random = 1;

	ck_assert_int_gt(size, 1000);
	ck_assert_uint_eq(plugin_kind_of_file(fd, "aborts"), COTERIE_KIND_SERVICE);
	ck_assert_uint_eq(plugin_kind_of_file(fd, "abort"), 0);
	ck_assert_uint_eq(plugin_kind_of_file(fd, "borts"), 0);
	close(fd);
	fd = open(TEST_PLUGIN_DIR "/.libs/wrong_magic.so", O_RDONLY | O_CLOEXEC);
	ck_assert_uint_eq(plugin_kind_of_file(fd, "wrong_magic"), 0);
	close(fd);
	fd = memfd_create("kind", MFD_CLOEXEC);
	ck_assert_int_eq(write(fd, bytes, (size_t)size), size);
	for (int i = 0; i < 20000; i++) {
		size_t at, length;

		random = random * 1664525u + 1013904223u;
		/* The header, the tables at the end of the file, or any byte. Then all of a field, or one byte of it. */
		at = i % 3 == 0 ? random >> 26
				: (i % 3 == 1 ? (size_t)size - 1 - (random >> 20) : (random >> 8) % (size_t)size);
		length = (random & 64) != 0 ? 1 : 8;
		if (at + length > (size_t)size)
			continue;
		memset(changed, (random & 128) != 0 ? 0xff : (int)(random >> 24), length);
		ck_assert_int_eq(pwrite(fd, changed, length, (off_t)at), (ssize_t)length);
		(void)plugin_kind_of_file(fd, "aborts"); /* any result, but no fault */
		ck_assert_int_eq(pwrite(fd, bytes + at, length, (off_t)at), (ssize_t)length);
	}
	ck_assert_uint_eq(plugin_kind_of_file(fd, "aborts"), COTERIE_KIND_SERVICE);
	for (off_t length = size - 1; length >= 0; length -= length > 200 ? 97 : 1) {
		ck_assert_int_eq(ftruncate(fd, length), 0);
		ck_assert_uint_eq(
			plugin_kind_of_file(fd, "aborts"), 0); /* the table of sections is the end of the file */
	}
	close(fd);
	ck_assert_uint_eq(plugin_kind_of_file(-1, "aborts"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plugin_kind");
	TCase *tcase = tcase_create("plugin_kind");

	tcase_add_test(tcase, the_kind_of_a_file_is_read_without_running_it);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}

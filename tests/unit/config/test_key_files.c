/* SPDX-License-Identifier: BSD-3-Clause */
/* config/crypto.c and key_newer.c with coterie.conf: the places of key files, and which users could replace them. */
#include "tests/unit/config/native_case.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void write_key(const char *name, char letter)
{
	char text[201];

	memset(text, letter, 200);
	text[200] = '\0';
	native_case_write(name, text);
	ck_assert_int_eq(chmod(native_case_path(name), 0400), 0);
}

/* Go to a folder with the folders of a host. SYSCONF_DIR is "etc" in this test, so it is below that folder. */
static void enter_folder(void)
{
	static const char *const folders[] = {"etc", "etc/coterie", "etc/corosync", "state"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		ck_assert_int_eq(mkdir(native_case_path(folders[i]), 0700), 0);
	ck_assert_int_eq(chdir(folder), 0);
}

static const char *key_of(const char *text)
{
	config_case_load(&one, text);
	if (one.rc < 0)
		return config_case_error(&one);
	ck_assert_ptr_nonnull(one.config->key_path);
	return one.config->key_path;
}

START_TEST(a_key_below_a_folder_of_others_is_refused)
{
	char outer[600], inner[600], text[700], want[2048];

	if (geteuid() != 0)
		return; /* only a daemon of root has rights that the owner of a folder could misuse */
	write_key("key", 'k');
	snprintf(outer, sizeof(outer), "%s", native_case_path("outer"));
	snprintf(inner, sizeof(inner), "%s", native_case_path("outer/inner"));
	ck_assert_int_eq(mkdir(outer, 0755), 0);
	ck_assert_int_eq(mkdir(inner, 0755), 0);
	ck_assert_int_eq(chmod(native_case_path("key"), 0400), 0);
	snprintf(text, sizeof(text), "%s/key", inner);
	ck_assert_int_eq(rename(native_case_path("key"), text), 0);
	snprintf(text, sizeof(text), "transport knet { hash = sha256 key-file = outer/inner/key }\n" A);
	native_case_write("main.conf", text);
	ck_assert_msg(native_case_load("main.conf") == 0, "%s", config_case_error(&one));
	config_messages_fini(&one.messages);

	snprintf(want, sizeof(want),
		"%s/main.conf:1: key file '%s/key' is below a folder that other users can change: move it to a folder that only "
		"root can write",
		folder, inner);
	for (int way = 0; way < 3; way++) {
		ck_assert_int_eq(chown(way == 0 ? outer : inner, way == 2 ? 0 : 1234, 0), 0);
		ck_assert_int_eq(chmod(inner, way == 2 ? 0777 : 0755), 0);
		ck_assert_int_eq(native_case_load("main.conf"), -EINVAL);
		ck_assert_str_eq(one.messages.errors[0], want);
		config_messages_fini(&one.messages);
		ck_assert_int_eq(chown(outer, 0, 0), 0);
	}

	/* Another user could make this link lead to any file. */
	ck_assert_int_eq(chmod(inner, 0755), 0);
	ck_assert_int_eq(symlink("inner", native_case_path("outer/link")), 0);
	snprintf(text, sizeof(text), "transport knet { hash = sha256 key-file = outer/link/key }\n" A);
	native_case_write("main.conf", text);
	ck_assert_msg(native_case_load("main.conf") == 0, "%s", config_case_error(&one));
	config_messages_fini(&one.messages);
	ck_assert_int_eq(lchown(native_case_path("outer/link"), 1234, 0), 0);
	ck_assert_int_eq(native_case_load("main.conf"), -EINVAL);
}
END_TEST

/* Set the file's modification time to now plus `seconds`. The time of its last change (ctime) is always now. */
static void set_age(const char *path, time_t seconds)
{
	const struct timespec times[2] = {{.tv_sec = time(NULL) + seconds}, {.tv_sec = time(NULL) + seconds}};

	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

START_TEST(a_newer_key_that_the_state_folder_hides_is_named)
{
	static const char text[] = "transport knet { cipher = aes256 hash = sha256 }\n" A;
	static const char *const files[] = {"etc/coterie/authkey", "etc/corosync/authkey"};
	char state[128], key[192], want[1024];

	enter_folder();
	snprintf(state, sizeof(state), "%s", native_case_path("state"));
	snprintf(key, sizeof(key), "%s/authkey", state);
	one.environment.state_dir = state;
	write_key("state/authkey", 's');
	ck_assert_str_eq(key_of(text), key);
	ck_assert_uint_eq(one.messages.warning_count, 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		write_key(files[i], 'e');
		set_age("state/authkey", -60);
		ck_assert_str_eq(key_of(text), key);
		ck_assert_uint_eq(one.messages.warning_count, 1);
		snprintf(want, sizeof(want),
			"key file '%s' hides the newer key file '%s': to use the newer key, remove '%s' on all nodes, "
			"otherwise remove '%s'",
			key, files[i], key, files[i]);
		ck_assert_msg(strstr(one.messages.warnings[0], want) != NULL, "%s", one.messages.warnings[0]);
		ck_assert_str_eq(config_newer_key(one.config), files[i]);
		config_messages_fini(&one.messages);

		/* The key file that a rotation has written is newer, so the other file is not reported. */
		set_age("state/authkey", 60);
		ck_assert_str_eq(key_of(text), key);
		ck_assert_uint_eq(one.messages.warning_count, 0);
		ck_assert_ptr_null(config_newer_key(one.config));

		/* Two files with the same key are not reported. */
		set_age("state/authkey", -60);
		write_key(files[i], 's');
		ck_assert_str_eq(key_of(text), key);
		ck_assert_uint_eq(one.messages.warning_count, 0);
		ck_assert_int_eq(unlink(files[i]), 0);
	}

	/* A key file that the configuration names is used even if other key files exist. */
	write_key(files[0], 'e');
	ck_assert_str_eq(key_of("transport knet { cipher = aes256 hash = sha256 key-file = \"state/authkey\" }\n" A),
		"state/authkey");
	ck_assert_uint_eq(one.messages.warning_count, 0);
	ck_assert_ptr_null(config_newer_key(one.config));
	one.environment.state_dir = NULL;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("key_files");
	TCase *cases = tcase_create("key_files");

	tcase_add_checked_fixture(cases, native_case_setup, native_case_teardown);
	tcase_add_test(cases, a_key_below_a_folder_of_others_is_refused);
	tcase_add_test(cases, a_newer_key_that_the_state_folder_hides_is_named);
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* config/publish.c: each key that comes from the configuration is as Corosync shows it. */
#include "tests/unit/config/validate_case.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/map/map.h"
#include "tests/unit/fail_alloc.h"

static bool is_of_config(const char *key)
{
	static const char *const prefixes[] = {"logging.", "nodelist.", "quorum.", "totem.", "runtime.config."};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(key, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static void show(const char *key, const struct map_value *value, char *text, size_t size)
{
	uint8_t u8;
	uint32_t u32;

	switch (value->type) {
	case 2:
		memcpy(&u8, value->bytes, sizeof(u8));
		snprintf(text, size, "%s (u8) = %u", key, u8);
		break;
	case 5:
		memcpy(&u32, value->bytes, sizeof(u32));
		snprintf(text, size, "%s (i32) = %d", key, (int)u32);
		break;
	case 6:
		memcpy(&u32, value->bytes, sizeof(u32));
		snprintf(text, size, "%s (u32) = %u", key, u32);
		break;
	case 11:
		snprintf(text, size, "%s (str) = %s", key, (const char *)value->bytes);
		break;
	default:
		snprintf(text, size, "%s: type %u", key, value->type);
	}
}

/* Return whether the key is newer than the captured list, which is Corosync 3.1.7's. */
static bool is_newer(const char *key) { return strcmp(key, "runtime.config.totem.interface.0.mcastport") == 0; }

static const char *next_key(struct map_iterator *iterator, struct map_value *value)
{
	const char *key = map_iterator_next(iterator, value);

	return key != NULL && is_newer(key) ? map_iterator_next(iterator, value) : key;
}

START_TEST(the_map_is_that_of_the_reference)
{
	static const char text[] = TOTEM("udpu", "cluster_name: lab\ncrypto_cipher: none\ncrypto_hash: none\n"
						 "keyfile: /etc/corosync/authkey\n")
		NODELIST(CF1 CF2 CF3) "quorum {\nprovider: corosync_votequorum\n}\n"
				      "logging {\nto_stderr: no\nto_logfile: yes\nlogfile: "
				      "/var/log/corosync/corosync.log\n"
				      "to_syslog: no\ndebug: off\ntimestamp: hires\n}\n";
	const char *top = getenv("abs_top_srcdir");
	char path[4096], line[512], shown[512];
	struct map_value value;
	const char *key;

	ck_assert_msg(config_case_load(&one, text) == 0, "%s", config_case_error(&one));
	struct map *map = map_create();

	ck_assert_int_eq(config_publish(one.config, map), 0);
	struct map_iterator *iterator = map_iterator_create(map, NULL);

	snprintf(path, sizeof(path), "%s/tests/unit/vectors/cmap-udpu3.txt", top != NULL ? top : ".");
	FILE *file = fopen(path, "r");

	ck_assert_msg(file != NULL, "cannot open %s", path);
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (!is_of_config(line))
			continue;
		key = next_key(iterator, &value);
		ck_assert_msg(key != NULL, "missing: %s", line);
		show(key, &value, shown, sizeof(shown));
		ck_assert_str_eq(shown, line);
	}
	ck_assert_ptr_null(next_key(iterator, &value));
	fclose(file);
	map_iterator_destroy(iterator);

	static const char *const read_only[] = {"totem.transport", "nodelist.node.0.nodeid", "system.x",
		"uidgid.config.uid.0", "runtime.config.totem.token", "totem.key"};
	static const char *const writable[] = {"totem.token", "logging.debug", "runtime.members.1.ip",
		"quorum.expected_votes", "uidgid.uid.0", "totem.keyfil", "totem.version2"};

	for (size_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++)
		ck_assert_msg(map_is_protected(map, read_only[i]), "%s", read_only[i]);
	for (size_t i = 0; i < sizeof(writable) / sizeof(writable[0]); i++)
		ck_assert_msg(!map_is_protected(map, writable[i]), "%s", writable[i]);
	map_destroy(map);
}
END_TEST

START_TEST(lack_of_memory_is_an_error)
{
	static const char text[] = TOTEM("udpu", "tokn: 1\ninterface {\nmcastport: 6000\n}\n")
		NODELIST(CF1 CF2 CF3) "logging {\nlogger_subsys {\nsubsys: CPG\ndebug: on\n}\n}\n"
				      "service {\nname: x\na: 1\n}\nuidgid {\nuid: 1\n}\n";
	unsigned int n = 1;

	for (;; n++) {
		fail_alloc_at(n);
		int rc = config_case_load(&one, text);
		if (!fail_alloc_happened())
			break;
		ck_assert_msg(rc == -ENOMEM && one.config == NULL, "allocation %u: %d", n, rc);
	}
	ck_assert_int_eq(one.rc, 0);
	ck_assert_uint_gt(n, 5);
	for (n = 1;; n++) {
		struct map *map = map_create();

		fail_alloc_at(n);
		int rc = config_publish(one.config, map);
		bool has_failed = fail_alloc_happened();

		map_destroy(map);
		if (!has_failed)
			break;
		ck_assert_int_eq(rc, -ENOMEM);
	}
	ck_assert_uint_gt(n, 100);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("validate_map");
	TCase *tc = validate_case_add(suite);

	tcase_add_test(tc, the_map_is_that_of_the_reference);
	tcase_add_test(tc, lack_of_memory_is_an_error);
	return suite_run(suite);
}

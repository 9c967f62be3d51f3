/* SPDX-License-Identifier: BSD-3-Clause */
/* config/crypto.c and key_rights.c with coterie.conf: which key a ring uses, and which users may read its file. */
#include "tests/unit/config/native_case.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "exec/map/map.h"

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

START_TEST(keys_are_checked)
{
	char text[512], want[512];

	native_case_write("key", "too short");
	snprintf(text, sizeof(text), "transport knet { hash = sha256 key-file = key }\n" A);
	native_case_write("main.conf", text);
	ck_assert_int_eq(native_case_load("main.conf"), -EINVAL);
	snprintf(want, sizeof(want), "%s/main.conf:1: key file '%s/key' has 9 bytes: it needs at least 128", folder,
		folder);
	ck_assert_str_eq(one.messages.errors[0], want);
	memset(text, 'k', 200);
	text[200] = '\0';
	native_case_write("key", text);
	ck_assert_int_eq(chmod(native_case_path("key"), 0400), 0);
	ck_assert_msg(native_case_load("main.conf") == 0, "%s", config_case_error(&one));
	ck_assert_uint_eq(one.messages.warning_count, 0);
}
END_TEST

static void write_key(void)
{
	char text[512];

	memset(text, 'k', 200);
	text[200] = '\0';
	native_case_write("key", text);
	snprintf(text, sizeof(text), "transport knet { hash = sha256 key-file = key }\n" A);
	native_case_write("main.conf", text);
}

static const char *owner_of_keys(void)
{
	static char name[32] = "root";

	if (geteuid() != 0)
		snprintf(name, sizeof(name), "root or %u", (unsigned int)geteuid());
	return name;
}

START_TEST(a_key_that_others_can_read_is_refused)
{
	/* If the daemon does not run as root, its group may read the key. */
	const mode_t modes[] = {0644, geteuid() == 0 ? 0440 : 0460, 0404, 0620, 0410};
	char want[512];

	write_key();
	snprintf(want, sizeof(want),
		"%s/main.conf:1: key file '%s/key' can be read or written by others: chmod 400, chown %s", folder,
		folder, owner_of_keys());
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		ck_assert_int_eq(chmod(native_case_path("key"), modes[i]), 0);
		ck_assert_int_eq(native_case_load("main.conf"), -EINVAL);
		ck_assert_str_eq(one.messages.errors[0], want);
		config_messages_fini(&one.messages);
	}
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(native_case_path("key"), 0400), 0);
	ck_assert_int_eq(chown(native_case_path("key"), 1234, 0), 0);
	ck_assert_int_eq(native_case_load("main.conf"), -EINVAL);
	ck_assert_str_eq(one.messages.errors[0], want);
}
END_TEST

/* Replaces the C library's function: the user of the systemd unit has this id. */
#define UNIT_UID 1235

int getpwnam_r(const char *name, struct passwd *entry, char *text, size_t size, struct passwd **found)
{
	(void)text, (void)size;
	*found = NULL;
	if (strcmp(name, "coterie") == 0) {
		*entry = (struct passwd){.pw_uid = UNIT_UID};
		*found = entry;
	}
	return 0;
}

START_TEST(root_accepts_a_key_of_the_user_of_the_unit)
{
	if (geteuid() != 0)
		return;
	write_key();
	ck_assert_int_eq(chown(native_case_path("key"), UNIT_UID, 0), 0);
	ck_assert_int_eq(chmod(native_case_path("key"), 0400), 0);
	ck_assert_msg(native_case_load("main.conf") == 0, "%s", config_case_error(&one));
	config_messages_fini(&one.messages);
	ck_assert_int_eq(chmod(native_case_path("key"), 0440), 0);
	ck_assert_int_eq(native_case_load("main.conf"), -EINVAL);
	config_messages_fini(&one.messages);

	/* A daemon that does not run as root does not check these rights. */
	ck_assert_int_eq(chmod(folder, 0755), 0);
	ck_assert_int_eq(chmod(native_case_path("key"), 0404), 0);
	ck_assert_int_eq(seteuid(1234), 0);
	ck_assert_int_eq(native_case_load("main.conf"), -EINVAL);
	ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

/* Return the flags of the mapping that holds the address (proc(5), VmFlags). */
static const char *flags_of(const void *address)
{
	static char line[512];
	FILE *maps = fopen("/proc/self/smaps", "r");
	bool is_there = false;
	unsigned long from, to;

	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			is_there = (uintptr_t)address >= from && (uintptr_t)address < to;
		else if (is_there && strncmp(line, "VmFlags:", 8) == 0)
			break;
	}
	if (!is_there)
		line[0] = '\0';
	fclose(maps);
	return line;
}

/* The key stays in memory while the daemon runs, so core dumps must leave this memory out. */
START_TEST(core_dumps_leave_the_key_out)
{
	static const char text[] =
		"totem {\n\tversion: 2\n\tcluster_name: a\n\ttransport: knet\n\tcrypto_cipher: aes256\n"
		"\tcrypto_hash: sha256\n\tkey: %0150d\n}\nnodelist {\n\tnode {\n\t\tnodeid: 1\n"
		"\t\tname: a\n\t\tring0_addr: 127.0.0.1\n\t}\n}\n";
	char corosync[1024];

	write_key();
	ck_assert_int_eq(chmod(native_case_path("key"), 0400), 0);
	ck_assert_msg(native_case_load("main.conf") == 0, "%s", config_case_error(&one));
	ck_assert_ptr_nonnull(one.config->key);
	ck_assert_ptr_nonnull(strstr(flags_of(one.config->key), " dd"));
	ck_assert_ptr_nonnull(strstr(flags_of(one.config->key + one.config->key_size - 1), " dd"));

	const void *key = one.config->key;

	config_destroy(one.config);
	one.config = NULL;
	ck_assert_ptr_null(strstr(flags_of(key), " dd"));
	config_messages_fini(&one.messages);

	one.environment.format = CONFIG_FORMAT_COROSYNC;
	snprintf(corosync, sizeof(corosync), text, 1);
	ck_assert_msg(config_load_bytes("corosync.conf", corosync, strlen(corosync), &one.environment, &one.config,
			      &one.messages) == 0,
		"%s", config_case_error(&one));
	ck_assert_uint_eq(one.config->key_size, 151);
	ck_assert_ptr_nonnull(strstr(flags_of(one.config->key), " dd"));
}
END_TEST

/* Give the key file an access list, as setfacl(1) does. The mode of the file shows the list's mask. */
static bool set_list(uint16_t user, uint32_t uid, uint16_t group_object, uint16_t group, uint16_t mask)
{
	const struct {
		uint16_t tag, perm;
		uint32_t id;
	} entries[] = {{1, 4, UINT32_MAX}, {2, user, uid}, {4, group_object, UINT32_MAX}, {8, group, 4321},
		{16, mask, UINT32_MAX}, {32, 0, UINT32_MAX}};
	unsigned char list[4 + sizeof(entries)] = {2};

	memcpy(list + 4, entries, sizeof(entries));
	return setxattr(native_case_path("key"), "system.posix_acl_access", list, sizeof(list), 0) == 0;
}

/* LoadCredential= of systemd makes such lists. */
START_TEST(a_key_with_an_access_list_is_for_those_whom_it_names)
{
	static const struct {
		uint16_t user, group_object, group, mask;
		bool is_ours, is_good;
	} lists[] = {
		{4, 0, 0, 4, true, true},
		{4, 0, 0, 4, false, false},
		{4, 0, 0, 0, false, true}, /* the mask of the list forbids all reading */
		{0, 0, 0, 4, false, true},
		{0, 0, 4, 4, true, false},
		{0, 4, 0, 4, true, false},
		{4, 2, 0, 6, true, false},
	};

	write_key();
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		ck_assert_int_eq(chmod(native_case_path("key"), 0400), 0);
		if (!set_list(lists[i].user, lists[i].is_ours ? geteuid() : 1234, lists[i].group_object, lists[i].group,
			    lists[i].mask))
			return; /* the file system has no such lists */
		if (geteuid() != 0 && lists[i].group_object == 4)
			continue; /* the group is the daemon's own */
		ck_assert_msg((native_case_load("main.conf") == 0) == lists[i].is_good, "row %zu: %s", i,
			config_case_error(&one));
		config_messages_fini(&one.messages);
	}
}
END_TEST

/* coterie -t may run as another user than the daemon. */
START_TEST(a_test_by_a_user_without_rights_does_not_advise_to_give_the_key_away)
{
	if (geteuid() != 0)
		return;
	write_key();
	ck_assert_int_eq(chmod(folder, 0755), 0);
	ck_assert_int_eq(chmod(native_case_path("key"), 0400), 0);
	one.environment.is_test = true;
	ck_assert_int_eq(seteuid(1234), 0);
	int rc = native_case_load("main.conf");

	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_msg(rc == 0, "%s", config_case_error(&one));
	ck_assert_uint_eq(one.messages.warning_count, 1);
	ck_assert_ptr_nonnull(strstr(one.messages.warnings[0], "/key' (Permission denied): it was not checked"));
	ck_assert_ptr_null(strstr(one.messages.warnings[0], "chown"));
}
END_TEST

START_TEST(a_daemon_that_is_not_root_reads_the_key_as_its_user_or_group)
{
	char want[512];

	if (geteuid() != 0)
		return;
	write_key();
	ck_assert_int_eq(chmod(folder, 0755), 0);
	ck_assert_int_eq(chmod(native_case_path("key"), 0440), 0);
	ck_assert_int_eq(chown(native_case_path("key"), 0, 1234), 0);
	ck_assert_int_eq(setegid(1234), 0);
	ck_assert_int_eq(seteuid(1234), 0);
	ck_assert_msg(native_case_load("main.conf") == 0, "%s", config_case_error(&one));
	config_messages_fini(&one.messages);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(chmod(native_case_path("key"), 0400), 0);
	ck_assert_int_eq(seteuid(1234), 0);
	ck_assert_int_eq(native_case_load("main.conf"), -EINVAL);
	snprintf(want, sizeof(want),
		"%s/main.conf:1: cannot read key file '%s/key' (Permission denied): chmod 400, chown 1234", folder,
		folder);
	ck_assert_str_eq(one.messages.errors[0], want);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(chown(native_case_path("key"), 1234, 1234), 0);
	ck_assert_int_eq(seteuid(1234), 0);
	config_messages_fini(&one.messages);
	ck_assert_msg(native_case_load("main.conf") == 0, "%s", config_case_error(&one));
	ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

/* --- the file of a ring that names none --- */

static void write_default_key(const char *name, char letter)
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
	static const char *const folders[] = {"etc", "etc/coterie", "etc/corosync", "state", "other", "other/n1"};

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

START_TEST(the_key_of_the_state_folder_comes_first)
{
	static const char text[] = "transport knet { cipher = aes256 hash = sha256 }\n" A;
	char want[256];

	enter_folder();
	one.environment.state_dir = native_case_path("state");
	snprintf(want, sizeof(want), "%s/authkey", one.environment.state_dir);
	one.environment.state_dir = strdup(one.environment.state_dir);
	write_default_key("etc/corosync/authkey", 'c');
	ck_assert_str_eq(key_of(text), "etc/corosync/authkey");
	write_default_key("etc/coterie/authkey", 'e');
	ck_assert_str_eq(key_of(text), "etc/coterie/authkey");
	write_default_key("state/authkey", 's');
	ck_assert_str_eq(key_of(text), want);
	ck_assert_int_eq(one.config->key[0], 's');

	/* A configuration that is made from the map takes the key and its path from the running configuration. */
	struct config *running = one.config, *revised;
	struct map *map = map_create();

	ck_assert_ptr_nonnull(map);
	ck_assert_int_eq(config_publish(running, map), 0);
	config_messages_fini(&one.messages);
	ck_assert_int_eq(config_revise(running, map, &revised, &one.messages), 0);
	ck_assert_str_eq(revised->key_path, want);
	ck_assert_int_eq(revised->key[0], 's');
	config_destroy(revised);
	map_destroy(map);

	/* A key file that the configuration names comes first. With corosync.conf the default is Corosync's path. */
	ck_assert_str_eq(
		key_of("transport knet { cipher = aes256 hash = sha256 key-file = \"etc/coterie/authkey\" }\n" A),
		"etc/coterie/authkey");
	one.environment.format = CONFIG_FORMAT_COROSYNC;
	ck_assert_str_eq(key_of("totem {\nversion: 2\ncrypto_cipher: aes256\ncrypto_hash: sha256\n}\n"
				"nodelist {\nnode {\nring0_addr: 10.77.0.1\nnodeid: 1\n}\n}\n"),
		"etc/corosync/authkey");
	free((void *)(uintptr_t)one.environment.state_dir);
}
END_TEST

START_TEST(a_folder_that_is_closed_hides_no_key)
{
	static const char text[] = "transport knet { cipher = aes256 hash = sha256 }\n" A;

	if (geteuid() != 0)
		return;
	enter_folder();
	one.environment.state_dir = NULL;
	write_default_key("etc/corosync/authkey", 'c');
	write_default_key("etc/coterie/authkey", 'e');
	ck_assert_int_eq(chmod(folder, 0755), 0);
	ck_assert_int_eq(chmod("etc", 0755), 0);
	ck_assert_int_eq(chmod("etc/corosync", 0755), 0);
	ck_assert_int_eq(seteuid(1234), 0);
	ck_assert_int_eq(config_case_load(&one, text), -EINVAL);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_str_eq(config_case_error(&one),
		"c.conf:1: cannot read key file 'etc/coterie/authkey' (Permission denied): chmod 400, chown 1234");
}
END_TEST

START_TEST(a_state_folder_of_the_file_has_the_key)
{
	char text[512], want[256];

	enter_folder();
	write_default_key("other/authkey", 'o');
	write_default_key("other/n1/authkey", 'n');
	one.environment.state_dir = "/nonexistent";
	snprintf(text, sizeof(text),
		"transport knet { cipher = aes256 hash = sha256 }\nprocess { state-dir = \"%s/other\" }\n" A, folder);
	snprintf(want, sizeof(want), "%s/other/authkey", folder);
	ck_assert_str_eq(key_of(text), want);
	one.environment.instance = "n1";
	snprintf(want, sizeof(want), "%s/other/n1/authkey", folder);
	ck_assert_str_eq(key_of(text), want);
}
END_TEST

START_TEST(a_key_in_the_file_has_no_path)
{
	char text[512];

	snprintf(text, sizeof(text),
		"totem {\nversion: 2\ncrypto_cipher: aes256\ncrypto_hash: sha256\nkey: %0150d\n}\n"
		"nodelist {\nnode {\nring0_addr: 10.77.0.1\nnodeid: 1\n}\n}\n",
		1);
	one.environment.format = CONFIG_FORMAT_COROSYNC;
	ck_assert_msg(config_case_load(&one, text) == 0, "%s", config_case_error(&one));
	ck_assert_ptr_nonnull(one.config->key);
	ck_assert_ptr_null(one.config->key_path);
}
END_TEST

/* --- encrypted unless the file says otherwise --- */

#define LOOP_A "node a { id = 1  address = 127.0.0.1 }\n"
#define LOOP_B "node b { id = 2  address = 127.9.9.9 }\n"
#define KNET_LOOPS \
	"node a { id = 1  address = {127.0.0.1, 127.0.1.1} }\nnode b { id = 2  address = {127.0.0.2, 127.0.1.2} }\n"
#define KNET_MIXED \
	"node a { id = 1  address = {127.0.0.1, 127.0.1.1} }\nnode b { id = 2  address = {127.0.0.2, 10.78.0.2} }\n"

static const struct {
	const char *text, *encryption, *cipher, *hash;
	bool is_default;
} defaults[] = {
	{"transport udpu {}\n" A B, "aes256-gcm", "none", "none", true},
	{"cluster { name = x }\ntransport udp {}\n" A B, "aes256-gcm", "none", "none", true},
	{"transport knet {}\n" A B, NULL, "aes256", "sha256", true},
	{"transport default {}\n" A B, NULL, "aes256", "sha256", true},
	{A B, NULL, "aes256", "sha256", true},
	{"transport udpu { encryption = none }\n" A B, "none", "none", "none", false},
	{"transport udpu { encryption = aes256-gcm }\n" A B, "aes256-gcm", "none", "none", false},
	{"cluster { name = x }\ntransport udp { encryption = chacha20-poly1305 }\n" A B, "chacha20-poly1305", "none",
		"none", false},
	{"transport knet { encryption = none }\n" A B, NULL, "none", "none", false},
	{"transport default { encryption = none }\n" A B, NULL, "none", "none", false},
	{"transport knet { cipher = none }\n" A B, NULL, "none", "none", false},
	{"transport knet { hash = none }\n" A B, NULL, "none", "none", false},
	{"transport knet { cipher = aes128 hash = sha512 }\n" A B, NULL, "aes128", "sha512", false},
	{"transport knet { hash = sha512 }\n" A B, NULL, "none", "sha512", false},
	{"keys = {\"totem.secauth=off\"}\n" A B, NULL, "none", "none", false},
	/* Transports of third parties encrypt by options of their own. */
	{"transport acme {}\n" A B, NULL, "none", "none", false},
	/* All nodes decide in the same way: one address outside of the loopback network is enough to encrypt. */
	{"transport udpu {}\n" LOOP_A LOOP_B, NULL, "none", "none", false},
	{"cluster { name = x }\ntransport udp {}\n" LOOP_A, NULL, "none", "none", false},
	{"transport udpu {}\n" LOOP_A B, "aes256-gcm", "none", "none", true},
	{"transport udpu {}\nnode a { id = 1  address = ::1 }\n", NULL, "none", "none", false},
	{"transport udpu { encryption = aes256-gcm }\n" LOOP_A, "aes256-gcm", "none", "none", false},
	{KNET_LOOPS, NULL, "none", "none", false},
	{KNET_MIXED, NULL, "aes256", "sha256", true},
};

START_TEST(a_ring_is_encrypted_unless_the_file_says_otherwise)
{
	const char *text = defaults[_i].text, *encryption;

	one.environment.local_name = "a"; /* each loopback address belongs to this host */
	ck_assert_msg(config_case_load(&one, text) == 0, "%s: %s", text, config_case_error(&one));
	encryption = config_case_entry(&one, "totem.encryption");
	ck_assert_msg((encryption == NULL) == (defaults[_i].encryption == NULL) &&
			      (encryption == NULL || strcmp(encryption, defaults[_i].encryption) == 0),
		"%s: %s", text, encryption);
	ck_assert_str_eq(one.config->cipher, defaults[_i].cipher);
	ck_assert_str_eq(one.config->hash, defaults[_i].hash);
	ck_assert(one.config->is_encrypted_by_default == defaults[_i].is_default);

	bool is_plain = strcmp(one.config->hash, "none") == 0 &&
			(encryption == NULL || strcmp(encryption, "none") == 0);

	ck_assert((one.config->key == NULL) == is_plain);
	/* The transport reads the values of its options, and those of knet are in the map as well. */
	if (defaults[_i].is_default && encryption == NULL) {
		ck_assert_str_eq(config_case_entry(&one, "totem.crypto_cipher"), "aes256");
		ck_assert_str_eq(config_case_entry(&one, "totem.crypto_hash"), "sha256");
	}
}
END_TEST

START_TEST(corosync_conf_is_plain_unless_it_says_otherwise)
{
	static const char *const transports[] = {"udpu", "udp", "knet"};
	char text[512];

	one.environment.format = CONFIG_FORMAT_COROSYNC;
	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
		snprintf(text, sizeof(text),
			"totem {\nversion: 2\ncluster_name: x\ntransport: %s\n}\n"
			"nodelist {\nnode {\nring0_addr: 10.77.0.1\nnodeid: 1\n}\n}\n",
			transports[i]);
		ck_assert_msg(config_case_load(&one, text) == 0, "%s", config_case_error(&one));
		ck_assert_ptr_null(one.config->key);
		ck_assert_ptr_null(config_case_entry(&one, "totem.encryption"));
		ck_assert_ptr_null(config_case_entry(&one, "totem.crypto_cipher"));
	}
}
END_TEST

static const struct {
	const char *text, *want;
} no_keys[] = {
	{"transport udpu {}\n" A B,
		"c.conf:1: no key for the ring: 'etc/coterie/authkey' does not exist: make it with 'coterie-ctl key "
		"create' and copy it to all nodes, or set 'encryption = none' in block 'transport udpu'"},
	{A "transport knet {}\n" B,
		"c.conf:2: no key for the ring: 'etc/coterie/authkey' does not exist: make it with 'coterie-ctl key "
		"create' and copy it to all nodes, or set 'encryption = none' in block 'transport knet'"},
	{A B, "c.conf: no key for the ring: 'etc/coterie/authkey' does not exist: make it with 'coterie-ctl key "
	      "create' and copy it to all nodes, or set 'encryption = none' in block 'transport knet'"},
	{"cluster { name = x }\ntransport udp { key-file = /nonexistent/key }\n" A B,
		"c.conf:2: no key for the ring: '/nonexistent/key' does not exist: make it with 'coterie-ctl key "
		"create /nonexistent/key' and copy it to all nodes, or set 'encryption = none' in block 'transport "
		"udp'"},
	{"transport udpu { encryption = aes256-gcm }\n" A B,
		"c.conf:1: cannot read key file 'etc/coterie/authkey' (No such file or directory): create it with "
		"'coterie-ctl key create' on one node and copy it"},
};

START_TEST(a_missing_key_is_one_line_with_both_ways_out)
{
	enter_folder();
	one.environment.state_dir = native_case_path("state");
	ck_assert_int_eq(config_case_load(&one, no_keys[_i].text), -EINVAL);
	ck_assert_str_eq(config_case_error(&one), no_keys[_i].want);
	ck_assert_uint_eq(one.messages.error_count, 1);
	ck_assert_uint_eq(one.messages.warning_count, 0);
	ck_assert_int_eq(one.messages.exit_code, 0);
}
END_TEST

/* If a key exists but is invalid, the error is about that key, and does not say that a key is missing. */
START_TEST(a_key_that_is_no_good_is_not_called_missing)
{
	enter_folder();
	one.environment.state_dir = NULL;
	write_default_key("etc/coterie/authkey", 'e');
	ck_assert_int_eq(chmod(native_case_path("etc/coterie/authkey"), 0444), 0);
	ck_assert_int_eq(config_case_load(&one, "transport udpu {}\n" A B), -EINVAL);
	ck_assert_msg(config_case_has_error(&one, "key file 'etc/coterie/authkey' can be read or written by others"),
		"%s", config_case_error(&one));
}
END_TEST

static const struct {
	const char *text, *want;
} refused[] = {
	{"transport knet {\nencryption = none\ncipher = aes256\n}\n" A,
		"c.conf:2: 'encryption = none' and 'cipher = aes256' (c.conf:3) contradict each other: keep one"},
	{"transport knet {\nhash = sha256\nencryption = none\n}\n" A,
		"c.conf:3: 'encryption = none' and 'hash = sha256' (c.conf:2) contradict each other: keep one"},
	{"transport knet {\nencryption = aes256-gcm\n}\n" A,
		"c.conf:2: 'aes256-gcm' is not a value of 'encryption' here: transport knet has 'cipher' and 'hash' for that, and "
		"'encryption = none' for neither"},
};

START_TEST(knet_has_one_word_for_encryption)
{
	ck_assert_int_eq(config_case_load(&one, refused[_i].text), -EINVAL);
	ck_assert_str_eq(config_case_error(&one), refused[_i].want);
	ck_assert_uint_eq(one.messages.error_count, 1);
}
END_TEST

START_TEST(a_configuration_is_printed_without_its_key)
{
	enter_folder();
	one.environment.state_dir = NULL;
	one.environment.needs_no_key = true;
	ck_assert_msg(config_case_load(&one, "transport udpu {}\n" A B) == 0, "%s", config_case_error(&one));
	ck_assert_str_eq(config_case_entry(&one, "totem.encryption"), "aes256-gcm");
	ck_assert_str_eq(one.config->key_path, "etc/coterie/authkey");
	ck_assert_ptr_null(one.config->key);
	write_default_key("state/authkey", 's');
	ck_assert_int_eq(chmod(native_case_path("state/authkey"), 0), 0);
	ck_assert_msg(config_case_load(&one, "transport udpu { key-file = state/authkey }\n" A B) == 0, "%s",
		config_case_error(&one));
}
END_TEST

/* A daemon that runs without encryption reads a file that no longer turns encryption off. */
START_TEST(a_reload_begins_to_encrypt)
{
	struct config *again;

	native_case_write("main.conf", "transport udpu { encryption = none }\n" A B);
	ck_assert_msg(native_case_load("main.conf") == 0, "%s", config_case_error(&one));
	ck_assert_ptr_null(one.config->key);
	struct config_fixed *fixed = config_fixed_create(one.config, true);

	config_messages_fini(&one.messages);
	native_case_write("main.conf", "transport udpu {}\n" A B);
	ck_assert_int_eq(
		config_load_again(native_case_path("main.conf"), &one.environment, fixed, &again, &one.messages), 0);
	ck_assert_uint_eq(again->key_size, 200);
	ck_assert_uint_eq(one.messages.notice_count, 0);
	config_destroy(again);
	config_messages_fini(&one.messages);

	one.environment.state_dir = NULL;
	enter_folder();
	ck_assert_int_eq(
		config_load_again(native_case_path("main.conf"), &one.environment, fixed, &again, &one.messages),
		-EINVAL);
	ck_assert_uint_eq(one.messages.error_count, 1);
	ck_assert_ptr_nonnull(
		strstr(one.messages.errors[0], "/main.conf:1: no key for the ring: 'etc/coterie/authkey'"));
	config_fixed_destroy(fixed);
}
END_TEST

/* A conversion writes the key file's path if the other syntax has another default path. */
START_TEST(a_converted_ring_has_the_same_key)
{
	static const struct {
		const char *text;
		enum config_format format;
		enum config_form form;
		const char *want;
	} rows[] = {
		{"totem {\nversion: 2\ncrypto_cipher: aes256\ncrypto_hash: sha256\n}\nnodelist {\nnode {\nring0_addr: "
		 "10.77.0.1\nnodeid: 1\n}\n}\n",
			CONFIG_FORMAT_COROSYNC, CONFIG_FORM_COTERIE,
			"\tkey-file = etc/corosync/authkey\t# default of corosync.conf\n"},
		{A, CONFIG_FORMAT_COTERIE, CONFIG_FORM_COROSYNC,
			"\tcrypto_cipher: aes256\n\tcrypto_hash: sha256\n\tkeyfile: etc/coterie/authkey\n"},
		{"transport udpu {}\n" A, CONFIG_FORMAT_COTERIE, CONFIG_FORM_COROSYNC,
			"\tencryption: aes256-gcm\n\tkeyfile: etc/coterie/authkey\n"},
		{"transport udpu {}\n" A, CONFIG_FORMAT_COTERIE, CONFIG_FORM_COTERIE,
			"\t# encryption = aes256-gcm\t# default\n\t# key-file = etc/coterie/authkey\t# found\n"},
		{"transport udpu {}\n" LOOP_A, CONFIG_FORMAT_COTERIE, CONFIG_FORM_COTERIE,
			"\t# encryption = none\t# default\n"},
		{"totem {\nversion: 2\ntransport: udpu\n}\nnodelist {\nnode {\nring0_addr: 10.77.0.1\n}\n}\n",
			CONFIG_FORMAT_COROSYNC, CONFIG_FORM_COTERIE,
			"\tencryption = none\t# corosync.conf: not encrypted unless it says so\n"},
	};

	enter_folder();
	one.environment.state_dir = NULL;
	write_default_key("etc/corosync/authkey", 'c');
	write_default_key("etc/coterie/authkey", 'e');
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		ck_assert_ptr_nonnull(out);
		one.environment.format = rows[i].format;
		ck_assert_msg(config_case_load(&one, rows[i].text) == 0, "%s", config_case_error(&one));
		ck_assert_int_eq(config_print(one.config, rows[i].form, out), 0);
		ck_assert_int_eq(fclose(out), 0);
		ck_assert_msg(strstr(text, rows[i].want) != NULL, "no '%s' in:\n%s", rows[i].want, text);
		free(text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("native_crypto");
	TCase *cases = tcase_create("native_crypto");

	tcase_add_checked_fixture(cases, native_case_setup, native_case_teardown);
	tcase_add_test(cases, keys_are_checked);
	tcase_add_test(cases, a_key_that_others_can_read_is_refused);
	tcase_add_test(cases, root_accepts_a_key_of_the_user_of_the_unit);
	tcase_add_test(cases, core_dumps_leave_the_key_out);
	tcase_add_test(cases, a_key_with_an_access_list_is_for_those_whom_it_names);
	tcase_add_test(cases, a_test_by_a_user_without_rights_does_not_advise_to_give_the_key_away);
	tcase_add_test(cases, a_daemon_that_is_not_root_reads_the_key_as_its_user_or_group);
	tcase_add_test(cases, the_key_of_the_state_folder_comes_first);
	tcase_add_test(cases, a_folder_that_is_closed_hides_no_key);
	tcase_add_test(cases, a_state_folder_of_the_file_has_the_key);
	tcase_add_test(cases, a_key_in_the_file_has_no_path);
	tcase_add_loop_test(cases, a_ring_is_encrypted_unless_the_file_says_otherwise, 0, COUNT(defaults));
	tcase_add_test(cases, corosync_conf_is_plain_unless_it_says_otherwise);
	tcase_add_loop_test(cases, a_missing_key_is_one_line_with_both_ways_out, 0, COUNT(no_keys));
	tcase_add_test(cases, a_key_that_is_no_good_is_not_called_missing);
	tcase_add_loop_test(cases, knet_has_one_word_for_encryption, 0, COUNT(refused));
	tcase_add_test(cases, a_configuration_is_printed_without_its_key);
	tcase_add_test(cases, a_reload_begins_to_encrypt);
	tcase_add_test(cases, a_converted_ring_has_the_same_key);
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}

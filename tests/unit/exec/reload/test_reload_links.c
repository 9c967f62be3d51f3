/* SPDX-License-Identifier: BSD-3-Clause */
/* Reloads of links and of an encrypted ring's keys. test_reload.c has all other tests of reloads. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/model.h"
#include "exec/loop/loop.h"
#include "exec/reload/rekey.h"
#include "exec/reload/reload.h"
#include "tests/suite.h"
#include "tests/unit/exec/reload/reload_case.h"

/* ---- Fixture: three nodes on a transport that can have eight links ---------- */

/* Write a file with these links ("0 3") and nodes ("1 2 3"). totem: more lines of section totem. */
static void write_links(const char *totem, const char *nodes, const char *links)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "totem {\n version: 2\n cluster_name: test\n transport: knet\n%s}\n", totem);
	fprintf(file, "nodelist {\n");
	for (const char *at = nodes; *at != '\0'; at++) {
		if (*at == ' ')
			continue;
		fprintf(file, " node {\n  nodeid: %c\n  name: n%c\n", *at, *at);
		for (const char *link = links; *link != '\0'; link++)
			if (*link != ' ')
				fprintf(file, "  ring%c_addr: %s.%c.%c\n", *link, *at == '1' ? "127.0" : "198.51",
					*link, *at);
		fprintf(file, " }\n");
	}
	fprintf(file, "}\n");
	fclose(file);
}

static char key_path[64], key_line[96];

static void write_key(char fill, size_t size)
{
	FILE *file = fopen(key_path, "w");

	ck_assert_ptr_nonnull(file);
	for (size_t i = 0; i < size; i++)
		fputc(fill, file);
	fclose(file);
	snprintf(key_line, sizeof(key_line), " keyfile: %s\n", key_path);
}

static char *with_key(const char *lines)
{
	static char all[512];

	snprintf(all, sizeof(all), "%s%s", lines, key_line);
	return all;
}

static void set_up_links(void)
{
	make_folder();
	snprintf(key_path, sizeof(key_path), "%s/key", folder);
	write_key('a', 128);
	write_links("", "1 2 3", "0 3");
	set_up_with("knet");
	transport.transport.rekey = NULL;
}

static void tear_down_links(void)
{
	unlink(key_path);
	tear_down();
}

/* ---- Keys ---------------------------------------------------------------- */

static struct {
	char story[256];
	int rc;
} keys;

static void tell_key(const char *text) { strcat(keys.story, text); }

static int take_phase(void *self, uint32_t phase)
{
	(void)self;
	tell_key(phase == COTERIE_REKEY_ACTIVATE ? "activate " : phase == COTERIE_REKEY_CLEANUP ? "cleanup " : "? ");
	return keys.rc;
}

static void on_rekey(void *arg)
{
	uint8_t in_progress = 0;

	map_get_u8(node.map, "config.totemconfig_reload_in_progress", &in_progress);
	tell_key(in_progress != 0 ? "early " : "");
	tell_key(arg);
}

static char first[] = "told ", second[] = "second ";

static void start_keys(void)
{
	memset(&keys, 0, sizeof(keys));
	transport.transport.rekey = take_phase;
	ck_assert_int_eq(rekey_watch(node.rekey, &tally, on_rekey, first), 0);
}

START_TEST(the_transport_hears_of_every_change)
{
	ck_assert_int_eq(reload().rc, 0);
	/* The transport's reload is called even if none of its options has changed. */
	ck_assert_uint_eq(seen.transport_reloads, 1);
	map_set_u32(node.map, "totem.token", 5000);
	turn();
	ck_assert_uint_eq(seen.transport_reloads, 2);
	seen.reload_rc = -EIO;
	ck_assert_int_eq(reload().rc, 0);
	ck_assert(has_logged("transport knet keeps its old settings: Input/output error"));
	/* The file is applied, but a part of it has no effect. Since 3.1.9 corosync-cfgtool -R shows this error. */
	ck_assert_str_eq(
		string_of("config.reload_error_message"), "transport knet keeps its old settings: Input/output error");
	/* SIGHUP only checks the file, so it does not delete this error. */
	reload_hangup(node.reload);
	ck_assert_int_eq(prepare().rc, 0);
	reload_drop(node.reload, &node);
	ck_assert_str_eq(
		string_of("config.reload_error_message"), "transport knet keeps its old settings: Input/output error");
	write_links(" token: abc\n", "1 2 3", "0 3");
	ck_assert_int_eq(reload().rc, -EINVAL);
	ck_assert_uint_eq(seen.transport_reloads, 3);
	write_links("", "1 2 3", "0 3");
	reload_hangup(node.reload);
	ck_assert_int_eq(prepare().rc, 0);
	reload_drop(node.reload, &node);
	/* The file is good, and the settings of the running one still have no effect. */
	ck_assert_str_eq(
		string_of("config.reload_error_message"), "transport knet keeps its old settings: Input/output error");
	seen.reload_rc = 0;
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(string_of("config.reload_error_message"), "(none)");
}
END_TEST

START_TEST(a_check_of_the_file_keeps_the_error_of_a_part)
{
	seen.reload_rc = -EIO;
	ck_assert_int_eq(reload().rc, 0);
	write_links(" token: abc\n", "1 2 3", "0 3");
	reload_hangup(node.reload);
	(void)prepare();
	ck_assert(strstr(string_of("config.reload_error_message"), "abc") != NULL);
	write_links("", "1 2 3", "0 3");
	reload_hangup(node.reload);
	ck_assert_int_eq(prepare().rc, 0);
	reload_drop(node.reload, &node);
	ck_assert_str_eq(
		string_of("config.reload_error_message"), "transport knet keeps its old settings: Input/output error");
}
END_TEST

START_TEST(new_keys_are_announced_and_taken_in_turn)
{
	start_keys();
	ck_assert_int_eq(rekey_go_on(node.rekey, COTERIE_REKEY_ACTIVATE), -EINVAL);
	seen.reload_rc = COTERIE_RELOAD_REKEY;
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(keys.story, "told ");
	keys.story[0] = '\0';
	ck_assert_int_eq(rekey_go_on(node.rekey, COTERIE_REKEY_CLEANUP), -EINVAL);
	ck_assert_int_eq(rekey_go_on(node.rekey, 0), -EINVAL);
	ck_assert_int_eq(rekey_go_on(node.rekey, COTERIE_REKEY_ACTIVATE), 0);
	ck_assert_int_eq(rekey_go_on(node.rekey, COTERIE_REKEY_ACTIVATE), -EINVAL);
	ck_assert_int_eq(rekey_go_on(node.rekey, 3), -EINVAL);
	ck_assert_int_eq(rekey_go_on(node.rekey, COTERIE_REKEY_CLEANUP), 0);
	ck_assert_int_eq(rekey_go_on(node.rekey, COTERIE_REKEY_CLEANUP), -EINVAL);
	ck_assert_str_eq(keys.story, "activate cleanup ");
	ck_assert_ptr_nonnull(strstr(seen.peers, "resize resize ")); /* once after each step */
	seen.reload_rc = 0;
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(keys.story, "activate cleanup ");
}
END_TEST

START_TEST(a_phase_that_fails_may_be_tried_again)
{
	start_keys();
	seen.reload_rc = COTERIE_RELOAD_REKEY;
	ck_assert_int_eq(reload().rc, 0);
	keys.rc = -EIO;
	ck_assert_int_eq(rekey_go_on(node.rekey, COTERIE_REKEY_ACTIVATE), -EIO);
	ck_assert_int_eq(rekey_go_on(node.rekey, COTERIE_REKEY_CLEANUP), -EINVAL);
	keys.rc = 0;
	ck_assert_int_eq(rekey_go_on(node.rekey, COTERIE_REKEY_ACTIVATE), 0);
	ck_assert_str_eq(keys.story, "told activate activate ");
}
END_TEST

START_TEST(another_change_begins_anew)
{
	start_keys();
	seen.reload_rc = COTERIE_RELOAD_REKEY;
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_int_eq(rekey_go_on(node.rekey, COTERIE_REKEY_ACTIVATE), 0);
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_int_eq(rekey_go_on(node.rekey, COTERIE_REKEY_CLEANUP), -EINVAL);
	ck_assert_int_eq(rekey_go_on(node.rekey, COTERIE_REKEY_ACTIVATE), 0);
	ck_assert_str_eq(keys.story, "told activate told activate ");
}
END_TEST

START_TEST(who_watches)
{
	start_keys();
	ck_assert_int_eq(rekey_watch(node.rekey, &tally, on_rekey, second), -EEXIST);
	ck_assert_int_eq(rekey_watch(node.rekey, &transport, on_rekey, second), 0);
	seen.reload_rc = COTERIE_RELOAD_REKEY;
	map_set_u32(node.map, "totem.token", 5000);
	turn();
	ck_assert_str_eq(keys.story, "told second ");
	rekey_forget(node.rekey, &tally);
	rekey_forget(node.rekey, &tally);
	rekey_forget(NULL, &tally);
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(keys.story, "told second second ");
	/* A new version waits beside the plugin that serves. It could not speak with other nodes. */
	transport.is_beside = true;
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(keys.story, "told second second ");
	transport.is_beside = false;
	transport.transport.rekey = NULL;
	ck_assert_int_eq(rekey_go_on(node.rekey, COTERIE_REKEY_ACTIVATE), -ENOTSUP);
}
END_TEST

START_TEST(the_key_is_read_with_the_file)
{
	start_keys();
	ck_assert_ptr_null(node.config->key);
	write_links(with_key(" crypto_cipher: aes256\n crypto_hash: sha1\n"), "1 2 3", "0 3");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(node.config->key_size, 128);
	ck_assert_int_eq(node.config->key[127], 'a');
	ck_assert_str_eq(string_of("totem.crypto_hash"), "sha1");
	/* The key file has other bytes. */
	write_key('b', 200);
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(node.config->key_size, 200);
	ck_assert_int_eq(node.config->key[0], 'b');
	/* A change of other map keys does not read the key file again. */
	unlink(key_path);
	map_set_u32(node.map, "totem.token", 5000);
	turn();
	ck_assert_uint_eq(number_of("runtime.config.totem.token"), 5650);
	ck_assert_uint_eq(node.config->key_size, 200);
	ck_assert_int_eq(node.config->key[199], 'b');
	struct result result = reload();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "Could not open"));
	ck_assert_uint_eq(node.config->key_size, 200);
	/* Now the configuration has no encryption. */
	write_links("", "1 2 3", "0 3");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_ptr_null(node.config->key);
	ck_assert_str_eq(string_of("totem.crypto_hash"), "(none)");
}
END_TEST

START_TEST(a_key_in_the_configuration_is_nowhere_to_be_read)
{
	char lines[512], text[201];

	start_keys();
	memset(text, 'k', 200);
	text[200] = '\0';
	snprintf(lines, sizeof(lines), " secauth: on\n key: %s\n", text);
	write_links(lines, "1 2 3", "0 3");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_uint_eq(node.config->key_size, 201);
	ck_assert_int_eq(memcmp(node.config->key, text, 201), 0);
	ck_assert_str_eq(string_of("totem.key"), "(none)");
	ck_assert_ptr_null(strstr(seen.log, "kkkk"));
	ck_assert_ptr_null(strstr(seen.changes, "kkkk"));
	map_set_u32(node.map, "totem.token", 5000);
	turn();
	ck_assert_uint_eq(number_of("runtime.config.totem.token"), 5650);
	ck_assert_int_eq(memcmp(node.config->key, text, 201), 0);
	pause_and_turn();
	/* This change must start from the configuration that the last change has made. */
	map_set_u32(node.map, "totem.token", 6000);
	pause_and_turn();
	ck_assert_int_eq(memcmp(node.config->key, text, 201), 0);
}
END_TEST

START_TEST(a_transport_without_a_change_of_keys_keeps_its_encryption)
{
	write_links(with_key(" secauth: on\n"), "1 2 3", "0 3");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert(has_logged("Modified entry 'totem.secauth'"));
	ck_assert(has_logged("Modified entry 'totem.keyfile'"));
	ck_assert_str_eq(string_of("totem.secauth"), "(none)");
	ck_assert_ptr_null(node.config->key);
}
END_TEST

static const char *cipher(void) { return config_option_text(node.config, "knet", "crypto_cipher", NULL, NULL); }

static const char *hash(void) { return config_option_text(node.config, "knet", "crypto_hash", NULL, NULL); }

START_TEST(secauth_stands_for_cipher_and_hash)
{
	start_keys();
	ck_assert_str_eq(cipher(), "none");
	ck_assert_str_eq(hash(), "none");
	write_links(with_key(" secauth: on\n"), "1 2 3", "0 3");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(cipher(), "aes256");
	ck_assert_str_eq(hash(), "sha256");
	write_links(with_key(" secauth: on\n crypto_hash: sha512\n"), "1 2 3", "0 3");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(cipher(), "aes256");
	ck_assert_str_eq(hash(), "sha512");
	write_links(with_key(" secauth: yes\n"), "1 2 3", "0 3"); /* only "secauth: on" turns encryption on */
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(cipher(), "none");
	ck_assert_ptr_null(node.config->key);
	ck_assert_ptr_null(config_option_text(node.config, "tally", "crypto_hash", NULL, NULL));
}
END_TEST

/* ---- Links --------------------------------------------------------------- */

static bool has_port(unsigned int link)
{
	struct map_value value;
	char key[64];

	snprintf(key, sizeof(key), "runtime.config.totem.interface.%u.mcastport", link);
	return map_get(node.map, key, &value) == 0 && value.type == COTERIE_MAP_U16;
}

START_TEST(a_link_comes)
{
	seen.tells_reload = true;
	write_links("", "1 2 3", "0 1 3");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "+1/1 +2/1 +3/1 up1 reload ");
	ck_assert_str_eq(seen.ids, "1 2 3 ");
	seen.peers[0] = '\0';
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "reload ");
	ck_assert_uint_ne(number_of("runtime.config.totem.interface.1.knet_ping_timeout"), UINT32_MAX);
	ck_assert(has_port(1));
}
END_TEST

START_TEST(a_link_goes)
{
	seen.tells_reload = true;
	write_links("", "1 2 3", "3");
	ck_assert_int_eq(reload().rc, 0);
	/* Trackers see the new values before the links are changed. */
	ck_assert_str_eq(seen.peers, "reload -1 -2 -3 down0 gone0 ");
	ck_assert_uint_eq(number_of("runtime.config.totem.interface.0.knet_ping_timeout"), UINT32_MAX);
	ck_assert(!has_port(0));
	write_links("", "1 2 3", "0 3");
	seen.peers[0] = '\0';
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "+1 +2 +3 up0 reload ");
}
END_TEST

START_TEST(a_link_and_a_node_in_one_reload)
{
	write_links("", "1 2 4", "0 1");
	seen.member_count = 2;
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "+1/1 +2/1 +4 +4/1 up1 -1/3 -2/3 -3 -3/3 down3 gone3 ");
	ck_assert_str_eq(seen.ids, "1 2 4 ");
}
END_TEST

START_TEST(a_departing_member_leaves_a_link_that_goes)
{
	static const uint32_t left[] = {1, 2};

	write_links("", "1 2", "0");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "-1/3 -2/3 -3/3 down3 gone3 ");
	ck_assert_str_eq(seen.ids, "1 2 3 ");
	seen.peers[0] = '\0';
	seen.member_count = 2;
	reload_membership(node.reload, left, 2);
	turn();
	ck_assert_str_eq(seen.peers, "-3 ");
}
END_TEST

START_TEST(a_link_that_cannot_be_opened_is_closed_with_the_others)
{
	seen.link_up_rc = -EADDRNOTAVAIL;
	write_links("", "1 2 3", "0 1 2 3");
	struct result result = reload();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "cannot use address 127.0.2.1 for link 2"));
	ck_assert_str_eq(seen.peers, "+1/1 +1/2 +2/1 +2/2 +3/1 +3/2 up1 "
				     "-1/1 -1/2 -2/1 -2/2 -3/1 -3/2 down1 gone1 ");
	seen.link_up_rc = 0;
	seen.peers[0] = '\0';
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "+1/1 +1/2 +2/1 +2/2 +3/1 +3/2 up1 up2 ");
}
END_TEST

/* The address is checked before any link is opened, so the first step of a reload already reports it. */
START_TEST(an_address_that_this_host_does_not_have)
{
	write_links("", "1 2 3", "0 1 3");
	ck_assert_int_eq(prepare().rc, 0);
	seen.peers[0] = '\0';
	FILE *file = fopen(path, "r");
	char text[4096], *at;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	at = strstr(text, "127.0.1.1");
	ck_assert_ptr_nonnull(at);
	memcpy(at, "192.0.2.1", 9);
	file = fopen(path, "w");
	fputs(text, file);
	fclose(file);
	struct result result = prepare();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "cannot use address 192.0.2.1 for link 1: Cannot assign"));
	ck_assert_str_eq(seen.peers, "");
}
END_TEST

START_TEST(a_refusal_behind_the_links_closes_them)
{
	seen.log_rc = -EACCES;
	write_links("", "1 2 3", "0 1 3");
	ck_assert_int_eq(reload().rc, -EINVAL);
	ck_assert_str_eq(seen.peers, "+1/1 +2/1 +3/1 up1 -1/1 -2/1 -3/1 down1 gone1 ");
	ck_assert_uint_eq(seen.transport_reloads, 0);
}
END_TEST

START_TEST(a_peer_that_is_not_taken)
{
	seen.peer_add_rc = -ENOSPC;
	write_links("", "1 2 3 4", "0 1 3");
	struct result result = reload();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "transport knet does not take node 4"));
	ck_assert_str_eq(seen.peers, "+1/1 +2/1 +3/1 -1/1 -2/1 -3/1 ");
}
END_TEST

START_TEST(links_that_the_transport_does_not_have)
{
	transport.transport.links_max = 4;
	write_links("", "1 2 3", "0 3 4");
	struct result result = reload();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "does not take node 1"));
	ck_assert_str_eq(seen.peers, "");
}
END_TEST

/*
 * A transport of an early ABI cannot close links. A link that is removed stays open, and is used again if it is
 * configured again.
 */
START_TEST(a_transport_that_cannot_close_links)
{
	transport.transport.link_down = NULL;
	write_links("", "1 2 3", "0");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "-1/3 -2/3 -3/3 ");
	seen.peers[0] = '\0';
	seen.link_up_rc = -EEXIST;
	write_links("", "1 2 3", "0 3");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "+1/3 +2/3 +3/3 ");
}
END_TEST

START_TEST(one_link_has_to_stay)
{
	write_links("", "1 2 3", "1 2");
	struct result result = reload();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text, "no link would stay"));
	ck_assert_str_eq(seen.peers, "");
}
END_TEST

static void edit(const char *script)
{
	char command[256];

	snprintf(command, sizeof(command), "sed -i '%s' %s", script, path);
	ck_assert_int_eq(system(command), 0);
}

static const struct {
	const char *name, *totem, *script, *want;
} moved[] = {
	{"an address", "", "s/198.51.3.2/198.51.3.22/",
		"different address for link 3 of node 2 (addr changed from 198.51.3.2 port 5408 to "
		"198.51.3.22 port 5408)"},
	{"our own", "", "s/127.0.3.1/127.0.3.11/", "different address for link 3 of node 1"},
	{"a port", " interface {\n  linknumber: 3\n  mcastport: 6000\n }\n", "",
		"changed from 127.0.3.1 port 5408 to 127.0.3.1 port 6000"},
	{"a transport", " interface {\n  linknumber: 3\n  knet_transport: sctp\n }\n", "",
		"New config has different knet transport for link 3 (sctp instead of udp)"},
};

START_TEST(a_link_that_stays_is_the_same)
{
	write_links(moved[_i].totem, "1 2 3", "0 3");
	edit(moved[_i].script);
	struct result result = reload();
	ck_assert_msg(result.rc == -EINVAL, "%s: %d", moved[_i].name, result.rc);
	ck_assert_msg(strstr(result.text, moved[_i].want) != NULL, "%s: %s", moved[_i].name, result.text);
	ck_assert_str_eq(seen.peers, "");
	/* It works with two reloads: the first one removes the link. */
	write_links("", "1 2 3", "0");
	ck_assert_int_eq(reload().rc, 0);
	write_links(moved[_i].totem, "1 2 3", "0 3");
	edit(moved[_i].script);
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "-1/3 -2/3 -3/3 down3 gone3 +1/3 +2/3 +3/3 up3 ");
	/* Without the line the value is the default, which is another address: refused. */
	write_links("", "1 2 3", "0 3");
	ck_assert_int_eq(reload().rc, -EINVAL);
}
END_TEST

/* With coterie.conf the error names the node whose address has changed (book configuration, "Reload"). */
START_TEST(a_native_file_names_who_moved)
{
	static const char native[] = "cluster { name = test }\ntransport knet { cipher = none }\n"
				     "node n1 { id = 1  address = {127.0.0.1, 127.0.3.1} }\n"
				     "node n2 { id = 2  address = {198.51.0.2, 198.51.3.2} }\n"
				     "node n3 { id = 3  address = {198.51.0.3, 198.51.3.3} }\n";
	FILE *file;

	make_folder();
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(native, file);
	fclose(file);
	set_up_with("knet");
	edit("s/198.51.3.2/198.51.3.22/");
	struct result result = reload();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_str_eq(result.text, "node 'n2' link 1 changed from 198.51.3.2 port 5406 to 198.51.3.22 port "
				      "5406: remove the link, reload, add it, reload");
	ck_assert_str_eq(seen.peers, "");
	tear_down();
}
END_TEST

START_TEST(clients_cannot_change_what_a_link_is)
{
	map_set_string(node.map, "totem.interface.3.knet_transport", "sctp");
	map_set_u16(node.map, "totem.interface.3.mcastport", 6000);
	turn();
	ck_assert(has_logged("Modified entry 'totem.interface.3.knet_transport'"));
	ck_assert(has_logged("Modified entry 'totem.interface.3.mcastport'"));
	ck_assert(!has_logged("Changed keys have no effect"));
	map_set_u32(node.map, "totem.token", 5000); /* changes of other keys are still applied */
	pause_and_turn();
	ck_assert_uint_eq(number_of("runtime.config.totem.token"), 5650);
	map_set_u8(node.map, "totem.interface.3.knet_link_priority", 7);
	pause_and_turn();
	ck_assert_uint_eq(seen.transport_reloads, 3);
}
END_TEST

START_TEST(an_address_is_one_nodes)
{
	/* Node 4 takes the place of node 3 in the list, while node 3 is still a member. */
	write_links("", "1 2 4", "0 3");
	edit("s/198.51.\\([03]\\).4/198.51.\\1.3/");
	struct result result = reload();
	ck_assert_int_eq(result.rc, -EINVAL);
	ck_assert_ptr_nonnull(strstr(result.text,
		"node 4 would have the address of node 3 (198.51.0.3 port 5405), which is still in the ring"));
	/* Node 4 takes the place of node 3 again, while node 3 is already being removed. */
	write_links("", "1 2", "0 3");
	ck_assert_int_eq(reload().rc, 0);
	write_links("", "1 2 4", "0 3");
	edit("s/198.51.\\([03]\\).4/198.51.\\1.3/");
	ck_assert_int_eq(reload().rc, -EINVAL);
	ck_assert_str_eq(seen.peers, "");
	seen.member_count = 2;
	reload_membership(node.reload, seen.members, 2);
	turn();
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "-3 -3/3 +4 +4/3 ");
}
END_TEST

/* Node 3 was not running any more, so packets from its address are those of the new node. */
START_TEST(a_dead_node_is_replaced_at_once)
{
	seen.member_count = 2;
	write_links("", "1 2 4", "0 3");
	edit("s/198.51.\\([03]\\).4/198.51.\\1.3/");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "+4 +4/3 -3 -3/3 ");
}
END_TEST

START_TEST(a_departing_member_comes_back_with_fewer_links)
{
	write_links("", "1 2", "0 3");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "");
	write_links("", "1 2 3", "0");
	ck_assert_int_eq(reload().rc, 0);
	ck_assert_str_eq(seen.peers, "-3/3 -1/3 -2/3 down3 gone3 ");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reload_links");
	TCase *tcase = tcase_create("keys");

	tcase_add_checked_fixture(tcase, set_up_links, tear_down_links);
	tcase_add_test(tcase, the_transport_hears_of_every_change);
	tcase_add_test(tcase, a_check_of_the_file_keeps_the_error_of_a_part);
	tcase_add_test(tcase, new_keys_are_announced_and_taken_in_turn);
	tcase_add_test(tcase, a_phase_that_fails_may_be_tried_again);
	tcase_add_test(tcase, another_change_begins_anew);
	tcase_add_test(tcase, who_watches);
	tcase_add_test(tcase, the_key_is_read_with_the_file);
	tcase_add_test(tcase, a_key_in_the_configuration_is_nowhere_to_be_read);
	tcase_add_test(tcase, a_transport_without_a_change_of_keys_keeps_its_encryption);
	tcase_add_test(tcase, secauth_stands_for_cipher_and_hash);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("links");
	tcase_add_checked_fixture(tcase, set_up_links, tear_down_links);
	tcase_add_test(tcase, a_link_comes);
	tcase_add_test(tcase, a_link_goes);
	tcase_add_test(tcase, a_link_and_a_node_in_one_reload);
	tcase_add_test(tcase, a_departing_member_leaves_a_link_that_goes);
	tcase_add_test(tcase, a_link_that_cannot_be_opened_is_closed_with_the_others);
	tcase_add_test(tcase, an_address_that_this_host_does_not_have);
	tcase_add_test(tcase, a_refusal_behind_the_links_closes_them);
	tcase_add_test(tcase, a_peer_that_is_not_taken);
	tcase_add_test(tcase, links_that_the_transport_does_not_have);
	tcase_add_test(tcase, a_transport_that_cannot_close_links);
	tcase_add_test(tcase, one_link_has_to_stay);
	tcase_add_loop_test(tcase, a_link_that_stays_is_the_same, 0, sizeof(moved) / sizeof(moved[0]));
	tcase_add_test(tcase, clients_cannot_change_what_a_link_is);
	tcase_add_test(tcase, an_address_is_one_nodes);
	tcase_add_test(tcase, a_departing_member_comes_back_with_fewer_links);
	tcase_add_test(tcase, a_dead_node_is_replaced_at_once);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("native");
	tcase_add_test(tcase, a_native_file_names_who_moved);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config/print*.c: print a configuration in both syntaxes. When each is read again, it must give the same keys,
 * services and options.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"
#include "tests/unit/config/config_case.h"
#include "tests/unit/config/config_corpus.h"

static struct config_case one, other;
static char folder[64];

static void setup(void)
{
	config_case_init(&one);
	config_case_init(&other);
	snprintf(folder, sizeof(folder), "/tmp/coterie-print-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	config_case_key(&one, folder);
	other.environment.state_dir = folder;
	one.environment.is_test = other.environment.is_test = true;
}

static void teardown(void)
{
	char command[128];

	config_case_fini(&one);
	config_case_fini(&other);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}

/* caller frees */
static char *print(const struct config *config, enum config_form form)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(config_print(config, form, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

/*
 * Return whether the keys must be the same in both forms. Sections that load plugins have keys in only one form, so the
 * plugins are compared instead. If one form must write a default of the other, only one has the key, so the effect is
 * compared.
 */
static bool is_compared(const char *key)
{
	return strncmp(key, "service.", 8) != 0 && strncmp(key, "transport.", 10) != 0 &&
	       strncmp(key, "totem.crypto_", 13) != 0 && strcmp(key, "totem.encryption") != 0 &&
	       strcmp(key, "totem.keyfile") != 0;
}

static const struct config_entry *find(const struct config *config, const char *key)
{
	for (uint32_t i = 0; i < config->entry_count; i++)
		if (strcmp(config->entries[i].key, key) == 0)
			return &config->entries[i];
	return NULL;
}

static const char *word_of(const struct config *config, const char *key)
{
	const struct config_entry *entry = find(config, key);

	return entry == NULL ? "none" : entry->text;
}

static void check_key(const struct config *a, const struct config *b, const char *text)
{
	bool has_path = a->key_path != NULL && b->key_path != NULL;

	ck_assert_msg(strcmp(word_of(a, "totem.encryption"), word_of(b, "totem.encryption")) == 0 &&
			      strcmp(a->cipher, b->cipher) == 0 && strcmp(a->hash, b->hash) == 0,
		"%s, %s and %s instead of %s, %s and %s; text:\n%s", word_of(b, "totem.encryption"), b->cipher, b->hash,
		word_of(a, "totem.encryption"), a->cipher, a->hash, text);
	ck_assert_msg((a->key == NULL) == (b->key == NULL), "key; text:\n%s", text);
	ck_assert_msg((a->key_path == NULL) == (b->key_path == NULL), "path of the key; text:\n%s", text);
	ck_assert_msg(!has_path || strcmp(a->key_path, b->key_path) == 0, "key %s instead of %s; text:\n%s",
		b->key_path, a->key_path, text);
}

static void check_within(const struct config *a, const struct config *b, const char *text)
{
	for (uint32_t i = 0; i < a->entry_count; i++) {
		const struct config_entry *entry = &a->entries[i], *same = find(b, entry->key);

		if (!is_compared(entry->key))
			continue;
		ck_assert_msg(same != NULL, "%s is missing; text:\n%s", entry->key, text);
		ck_assert_msg(same->type == entry->type && same->size == entry->size &&
				      memcmp(same->value, entry->value, entry->size) == 0,
			"%s is %s instead of %s (types %u and %u); text:\n%s", entry->key, same->text, entry->text,
			same->type, entry->type, text);
	}
	check_key(a, b, text);
	ck_assert_msg(a->service_count == b->service_count, "%u services and %u:\n%s", a->service_count,
		b->service_count, text);
	for (uint32_t i = 0; i < a->service_count; i++)
		ck_assert_str_eq(a->services[i].name, b->services[i].name);
	for (uint32_t i = 0; i < a->option_count; i++) {
		const struct config_option *option = &a->options[i];
		const char *value = config_option_text(b, option->plugin, option->name, NULL, NULL);

		ck_assert_msg(value != NULL, "option %s of %s is missing", option->name, option->plugin);
		ck_assert_str_eq(value, config_option_text(a, option->plugin, option->name, NULL, NULL));
	}
}

/* Print a configuration in one form, read it again, and check that the result is the same. */
static void check_form(struct config_case *from, struct config_case *to, enum config_form form)
{
	char *text = print(from->config, form);

	to->environment.format = form == CONFIG_FORM_COTERIE ? CONFIG_FORMAT_COTERIE : CONFIG_FORMAT_COROSYNC;
	ck_assert_msg(config_case_load(to, text) == 0, "%s\n%s", config_case_error(to), text);
	check_within(from->config, to->config, text);
	check_within(to->config, from->config, text);
	free(text);
}

static void check_both_ways(void)
{
	check_form(&one, &other, CONFIG_FORM_COTERIE);
	check_form(&other, &one, CONFIG_FORM_COTERIE);
	check_form(&one, &other, CONFIG_FORM_COROSYNC);
	check_form(&other, &one, CONFIG_FORM_COTERIE);
}

/* --- by number --- */

START_TEST(generated_files_survive_the_way_there_and_back)
{
	uint32_t accepted = 0;

	for (uint32_t number = 0; number < CONFIG_CORPUS_COUNT; number++) {
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		ck_assert_ptr_nonnull(out);
		config_corpus_write(out, number);
		ck_assert_int_eq(fclose(out), 0);
		one.environment.format = CONFIG_FORMAT_COROSYNC;
		if (config_case_load(&one, text) == 0) {
			accepted++;
			check_both_ways();
		}
		free(text);
	}
	/* Check that the generator makes enough valid and enough invalid files. */
	ck_assert_uint_gt(accepted, CONFIG_CORPUS_COUNT / 2);
	ck_assert_uint_lt(accepted, CONFIG_CORPUS_COUNT * 9 / 10);
}
END_TEST

/* --- native --- */

#define A "node a { id = 1  address = 10.77.0.1 }\n"

static const char *const natives[] = {
	A,
	"transport udpu { port = 5000  mtu = 9000  offload = no  socket-buffer = 4M }\n" A,
	"transport udp { multicast-address = 239.1.2.3  ttl = 4  broadcast = no }\n" A,
	"transport acme { queue-depth = 512  device = \"mlx 5\" }\n" A,
	"service cpg { max-message = 64K }\nservice cmap {}\n" A,
	"service evs { enabled = no }\nservice kv { enabled = no }\nservice cmap {}\n" A,
	"plugins { standard = no }\nservice cpg { max-message = 64K }\nservice cmap {}\n" A,
	"plugins { standard = yes path = {/a, \"/b c\"} }\nservice tally { step-max = 5 }\n" A,
	"plugins { standard = no }\n" A,
	"node a { id = 1 address = {10.77.0.1, 10.78.0.1} votes = 2 keys = {\"datacenterid=x\", \"a.b=1\"} }\n"
	"node b { id = 2 address = {10.77.0.2, 10.78.0.2} }\nlink 1 { port = 6000 priority = 5 }\n",
	"node x { named = no id = 1 address = 10.77.0.1 }\n",
	"quorum { provider = none }\n" A,
	"quorum { two-node = yes auto-tie-breaker = \"1 2\" device net { votes = 0 host = q heuristics { mode = "
	"on exec = {\"a=/b c=d\"} } } }\nquorum { provider = none }\n" A,
	"log { level = debug file = /tmp/x file-level = notice source = yes timestamp = seconds format = json\n"
	"subsystem TOTEM { level = trace } subsystem CPG { file = /tmp/z syslog-level = crit } }\n" A,
	"access { users = {root, 77} groups = {5} }\n" A,
	"transport knet { encryption = none }\nprocess { realtime = no nice = -5 cgroup = root lock-memory = no ipc = socket state-dir = /s\n"
	"run-dir = /r blackbox-size = 256K watchdog = off watchdog-timeout = 10s }\n" A,
	"process { blackbox-size = 0 }\ninstance t1 { state-dir = /x node = b }\ninstance t2 { run-dir = /y }\n" A,
	"keys = {\"totem.token=0\", \"x.y.z=a {b} \\\"c\\\"\", \"system.priority=max\"}\n" A,
	"transport knet { encryption = none }\n" A,
	"transport knet { hash = sha512 }\n" A,
	"transport udpu { encryption = none }\n" A,
	"cluster { name = x }\ntransport udp { encryption = chacha20-poly1305 }\n" A,
	"transport udpu {}\nnode a { id = 1 address = 127.0.0.1 }\n",
	"node a { id = 1 address = {127.0.0.1, ::1} }\n",
	"totem { silence = quick }\n" A,
	"totem { silence = cloud }\n" A,
	"totem { silence = 1.5s }\n" A,
	"cluster { name = \"a b # c ${NOPE:-d}\" uuid = 0 config-version = 7 }\ntotem { token = 90s hold-on-"
	"retransmit = no token-warning = 0 }\n" A,
};

START_TEST(native_files_survive_it_too)
{
	one.environment.format = CONFIG_FORMAT_COTERIE;
	ck_assert_msg(config_case_load(&one, natives[_i]) == 0, "%s", config_case_error(&one));
	check_form(&one, &other, CONFIG_FORM_COTERIE);
	/* A value with a brace cannot be written in corosync.conf. */
	if (strstr(natives[_i], "{b}") == NULL)
		check_both_ways();
}
END_TEST

/* Rings without encryption, and rings with a key file, as corosync.conf writes them. */
static const struct {
	const char *totem, *address, *encryption, *cipher;
} legacies[] = {
	{"transport: udpu", "10.77.0.1", "none", "none"},
	{"transport: udpu\nsecauth: off", "10.77.0.1", "none", "none"},
	{"cluster_name: x\ntransport: udp\nencryption: none", "10.77.0.1", "none", "none"},
	{"transport: udpu", "127.0.0.1", "none", "none"},
	{"transport: udpu\nencryption: aes256-gcm\nkeyfile: @", "10.77.0.1", "aes256-gcm", "none"},
	{"transport: knet", "10.77.0.1", "none", "none"},
	{"transport: knet", "127.0.0.1", "none", "none"},
	{"transport: knet\ncrypto_cipher: none", "10.77.0.1", "none", "none"},
	{"transport: knet\nsecauth: off", "10.77.0.1", "none", "none"},
	{"transport: knet\nsecauth: on\nkeyfile: @", "10.77.0.1", "none", "aes256"},
	{"transport: knet\ncrypto_hash: md5\nkeyfile: @", "10.77.0.1", "none", "none"},
	{"transport: knet\ncrypto_cipher: aes128\ncrypto_hash: md5\nkeyfile: @", "10.77.0.1", "none", "aes128"},
};

START_TEST(a_converted_ring_is_encrypted_as_before)
{
	const char *at = strchr(legacies[_i].totem, '@');
	char text[512];

	snprintf(text, sizeof(text),
		"totem {\nversion: 2\n%.*s%s%s\n}\nnodelist {\nnode {\nnodeid: 1\nring0_addr: %s\n}\n}\n",
		(int)strcspn(legacies[_i].totem, "@"), legacies[_i].totem, at == NULL ? "" : folder,
		at == NULL ? "" : "/authkey", legacies[_i].address);
	one.environment.format = CONFIG_FORMAT_COROSYNC;
	ck_assert_msg(config_case_load(&one, text) == 0, "%s", config_case_error(&one));
	ck_assert_str_eq(word_of(one.config, "totem.encryption"), legacies[_i].encryption);
	ck_assert_str_eq(one.config->cipher, legacies[_i].cipher);
	check_both_ways();
}
END_TEST

START_TEST(a_stretched_token_is_calculated)
{
	one.environment.format = CONFIG_FORMAT_COTERIE;
	ck_assert_int_eq(config_case_load(&one, "totem { silence = cloud }\n" A), 0);
	char *text = print(one.config, CONFIG_FORM_COTERIE);
	ck_assert_ptr_nonnull(strstr(text, "\t# token = 13636ms\t# calculated\n"));
	ck_assert_ptr_nonnull(strstr(text, "\tsilence = cloud\t# c.conf:1\n"));
	free(text);
}
END_TEST

START_TEST(origins_stand_behind_values)
{
	static const char *const lines[] = {"\ttoken = 5s\t# c.conf:2\n", "\t# token-per-node = 650ms\t# default\n",
		"\t# hold = 942ms\t# calculated\n", "node a {\n\tid = 1\t# c.conf:4\n"};

	one.environment.format = CONFIG_FORMAT_COTERIE;
	ck_assert_int_eq(config_case_load(&one, "totem {\ntoken = 5000ms\n}\n" A), 0);
	char *text = print(one.config, CONFIG_FORM_COTERIE);

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(strstr(text, lines[i]) != NULL, "no '%s' in:\n%s", lines[i], text);
	free(text);
}
END_TEST

START_TEST(keys_and_json_show_no_secret)
{
	static const enum config_form forms[] = {
		CONFIG_FORM_COTERIE, CONFIG_FORM_COROSYNC, CONFIG_FORM_CMAP, CONFIG_FORM_JSON};

	one.environment.format = CONFIG_FORMAT_COROSYNC;
	ck_assert_int_eq(config_case_load(&one, "totem {\nversion: 2\ntransport: udpu\nkey: hush-hush\n}\n"
						"nodelist {\nnode {\nring0_addr: 10.77.0.1\n}\n}\n"),
		0);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		char *text = print(one.config, forms[i]);

		ck_assert_ptr_null(strstr(text, "hush-hush"));
		ck_assert_ptr_nonnull(strstr(text, "10.77.0.1"));
		free(text);
	}
}
END_TEST

START_TEST(the_help_names_every_option)
{
	static const char *const texts[] = {"token  (duration, 30ms to 1h; default 3s; reload)",
		"silence  (duration or word, 200ms to 1h: quick cloud; reload)", "service NAME",
		"cipher  (word: none aes128 aes192 aes256; default aes256; reload)", "include("};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_int_eq(config_help(&one.environment, NULL, NULL, out), 0);
	fclose(out);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_msg(strstr(text, texts[i]) != NULL, "no '%s' in:\n%s", texts[i], text);
	free(text);
	out = open_memstream(&text, &size);
	ck_assert_int_eq(config_help(&one.environment, "quorum", NULL, out), 0);
	fclose(out);
	ck_assert_ptr_null(strstr(text, "totem"));
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_print");
	TCase *cases = tcase_create("config_print");

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, generated_files_survive_the_way_there_and_back);
	tcase_add_loop_test(cases, native_files_survive_it_too, 0, sizeof(natives) / sizeof(natives[0]));
	tcase_add_loop_test(cases, a_converted_ring_is_encrypted_as_before, 0, sizeof(legacies) / sizeof(legacies[0]));
	tcase_add_test(cases, a_stretched_token_is_calculated);
	tcase_add_test(cases, origins_stand_behind_values);
	tcase_add_test(cases, keys_and_json_show_no_secret);
	tcase_add_test(cases, the_help_names_every_option);
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}

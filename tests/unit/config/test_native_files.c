/* SPDX-License-Identifier: BSD-3-Clause */
/* config/native*.c: the files of coterie.conf: folders, what is included, the examples, and a reload. */
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "exec/map/map.h"
#include "tests/suite.h"
#include "tests/unit/config/native_case.h"

static bool closes_last; /* the next close() of this process leaves it no descriptor: another thread has taken it */

/* Replaces the C library's function. */
int close(int fd)
{
	struct rlimit limit;
	int rc = (int)syscall(SYS_close, fd);

	if (closes_last && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = 0;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	closes_last = false;
	return rc;
}

/* --- files --- */

/* Without a descriptor a reload must not drop what the files of a folder say. */
START_TEST(drop_ins_are_not_left_out_without_descriptors)
{
	struct rlimit limit;

	native_case_write("main.conf", A "include(\"more/*.conf\")\n");
	ck_assert_int_eq(mkdir(native_case_path("more"), 0700), 0);
	native_case_write("more/a.conf", "totem { token = 2s }\n");
	ck_assert_msg(native_case_load("main.conf") == 0, "%s", config_case_error(&one));
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	closes_last = true;
	int rc = native_case_load("main.conf");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert(!closes_last);
	ck_assert_int_eq(rc, -EINVAL);
	ck_assert(config_case_has_error(&one, "more/*.conf' (Too many open files): raise the limit of open files"));
	/* A folder that is not there has no match. */
	native_case_write("main.conf", A "include(\"none/*.conf\")\n");
	ck_assert_msg(native_case_load("main.conf") == 0, "%s", config_case_error(&one));
}
END_TEST

START_TEST(later_files_win)
{
	native_case_write("main.conf", "include(\"more/*.conf\")\ntransport udpu { port = 5000 }\n" A
				       "totem { token = 1s join = 60ms }\nlog { level = debug }\n");
	ck_assert_int_eq(mkdir(native_case_path("more"), 0700), 0);
	native_case_write("more/20.conf", "totem { token = 2s }\n");
	native_case_write("more/10.conf", "totem { token = 5s }\ntransport udpu { mtu = 9000 }\n");
	native_case_write("more/30.conf~", "nonsense\n");
	native_case_write("more/.40.conf", "nonsense\n");
	ck_assert_int_eq(mkdir(native_case_path("conf.d"), 0700), 0);
	native_case_write("conf.d/a.conf", "log { level = notice }\n");
	one.environment.drop_ins = native_case_path("conf.d");

	char drop_ins[256];

	snprintf(drop_ins, sizeof(drop_ins), "%s", one.environment.drop_ins);
	one.environment.drop_ins = drop_ins;
	ck_assert_msg(native_case_load("main.conf") == 0, "%s", config_case_error(&one));
	ck_assert_str_eq(config_case_entry(&one, "totem.token"), "2000");
	ck_assert_str_eq(config_case_entry(&one, "totem.join"), "60");
	/* A block with a title is replaced whole. */
	ck_assert_str_eq(config_case_entry(&one, "totem.netmtu"), "9000");
	ck_assert_ptr_null(config_case_entry(&one, "totem.interface.0.mcastport"));
	ck_assert_ptr_null(config_case_entry(&one, "logging.debug"));
	ck_assert_str_eq(config_case_entry(&one, "logging.syslog_priority"), "notice");
}
END_TEST

/* Clients that set a key must not change what the next reload reads. */
START_TEST(a_configuration_made_of_the_map_has_the_same_files)
{
	struct config *revised;
	struct map *map = map_create();

	ck_assert_ptr_nonnull(map);
	native_case_write("main.conf", A);
	ck_assert_int_eq(mkdir(native_case_path("conf.d"), 0700), 0);
	char *drop_ins = strdup(native_case_path("conf.d"));

	one.environment.drop_ins = drop_ins;
	ck_assert_msg(native_case_load("main.conf") == 0, "%s", config_case_error(&one));
	ck_assert_int_eq(config_publish(one.config, map), 0);
	config_messages_fini(&one.messages);
	ck_assert_int_eq(config_revise(one.config, map, &revised, &one.messages), 0);
	ck_assert_int_eq(revised->format, CONFIG_FORMAT_COTERIE);
	ck_assert_str_eq(revised->drop_ins, drop_ins);
	config_destroy(revised);
	map_destroy(map);
	free(drop_ins);
}
END_TEST

START_TEST(what_cannot_be_included_is_named)
{
	native_case_write("main.conf", "\ninclude(\"x.conf\")\n" A);
	ck_assert_int_eq(native_case_load("main.conf"), -EINVAL);
	ck_assert_str_eq(one.messages.errors[0],
		native_case_text("@/main.conf:2: cannot read 'x.conf' (No such file or directory): fix the path, or "
				 "use a pattern such as 'x*.conf' if it may be absent"));
	native_case_write("a.conf", "include(\"b.conf\")\n");
	native_case_write("b.conf", "\n\ninclude(\"a.conf\")\n");
	native_case_write("main.conf", "include(\"a.conf\")\n" A);
	ck_assert_int_eq(native_case_load("main.conf"), -EINVAL);
	ck_assert_str_eq(one.messages.errors[0],
		native_case_text("@/b.conf:3: 'a.conf' is already being read (included at @/main.conf:1): break the "
				 "loop"));
	native_case_write("b.conf", "");
	native_case_write("main.conf", "include(\"b.conf\")\ninclude(\"b.conf\")\n" A);
	ck_assert_int_eq(native_case_load("main.conf"), -EINVAL);
	ck_assert_str_eq(one.messages.errors[0],
		native_case_text("@/main.conf:2: 'b.conf' is already included at @/main.conf:1: name it once"));
	native_case_write("main.conf", A "include(\"none*.conf\")\n");
	ck_assert_int_eq(native_case_load("main.conf"), 0);
}
END_TEST

START_TEST(files_that_are_none)
{
	ck_assert_int_eq(native_case_load(""), -EINVAL);
	ck_assert_str_eq(one.messages.errors[0], native_case_text("'@/' is a directory: give a file"));
	ck_assert_int_eq(native_case_load("absent"), -EINVAL);
	ck_assert_str_eq(one.messages.errors[0],
		native_case_text("cannot read '@/absent' (No such file or directory): check its owner and mode"));
	config_case_fini(&one);
	ck_assert_int_eq(
		config_load_bytes("c.conf", "a\n\0b", 4, &one.environment, &one.config, &one.messages), -EINVAL);
	ck_assert_str_eq(one.messages.errors[0], "c.conf:2: not a text file: NUL byte");
	config_messages_fini(&one.messages);

	char *large = calloc(1, (1 << 20) + 1);

	memset(large, '#', (1 << 20) + 1);
	ck_assert_int_eq(
		config_load_bytes("c.conf", large, (1 << 20) + 1, &one.environment, &one.config, &one.messages),
		-EINVAL);
	ck_assert_str_eq(one.messages.errors[0], "c.conf: larger than 1 MiB: this is no config file");
	free(large);
}
END_TEST

START_TEST(log_files_are_looked_for)
{
	one.environment.is_test = true;
	config_case_load(&one, A "log {\nfile = /nonexist/x\n}\n");
	ck_assert_int_eq(one.rc, -EBADF);
	ck_assert_str_eq(one.messages.errors[0],
		"c.conf:3: cannot open log file '/nonexist/x' (No such file or directory): create the folder or "
		"change 'file'");
}
END_TEST

/* --- the examples of conf/ --- */

static const struct {
	const char *name, *node, *transport;
	uint32_t nodes;
} examples[] = {
	{"demo", "n1", "udpu", 3},
	{"two-node", "alpha", "knet", 2},
	{"knet3-crypto", "a", "knet", 3},
	{"multicast", "b", "udp", 3},
	{"qdevice", "a", "knet", 2},
	{"embedded", "arm", "udpu", 2},
	{"thirdparty", "a", "acme_rdma", 1},
};

static int resolve_any(void *arg, const char *name, int family, struct sockaddr_storage *address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)address;

	(void)arg;
	if (family != AF_INET)
		return -ENOENT;
	memset(address, 0, sizeof(*address));
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = (in_addr_t)name[0] << 24 | 10;
	return 0;
}

static int find_any(void *arg, const char *name, char *text, size_t size)
{
	(void)arg, (void)name, (void)text, (void)size;
	return 0;
}

START_TEST(examples_are_right)
{
	const char *source = getenv("abs_top_srcdir");
	char path[4096];

	snprintf(path, sizeof(path), "%s/conf/coterie.conf.example-%s", source == NULL ? "." : source,
		examples[_i].name);
	one.environment.format = CONFIG_FORMAT_AUTO;
	one.environment.local_name = examples[_i].node;
	one.environment.resolve = resolve_any;
	one.environment.find_transport = find_any;
	/* Rings on the loopback interface, and those of third-party transports, need no key. */
	if (strcmp(examples[_i].name, "demo") == 0 || strcmp(examples[_i].name, "thirdparty") == 0)
		one.environment.state_dir = NULL;
	one.rc = config_load(path, &one.environment, &one.config, &one.messages);
	if (strcmp(examples[_i].name, "embedded") == 0) {
		/* The environment has a state folder with a key. */
		ck_assert_int_eq(one.rc, -EINVAL);
		ck_assert_uint_eq(one.messages.error_count, 1);
		ck_assert_msg(config_case_has_error(&one, "no key for the ring: "), "%s", config_case_error(&one));
		return;
	}
	if (strcmp(examples[_i].name, "knet3-crypto") == 0) {
		/* Errors about a key and a user that this machine need not have are allowed. */
		for (uint32_t i = 0; i < one.messages.error_count; i++)
			ck_assert_msg(strstr(one.messages.errors[i], "key file") != NULL ||
					      strstr(one.messages.errors[i], "on this host") != NULL,
				"%s", one.messages.errors[i]);
		if (one.rc < 0)
			return;
	}
	ck_assert_msg(one.rc == 0, "%s", config_case_error(&one));
	ck_assert_uint_eq(one.config->node_count, examples[_i].nodes);
	ck_assert_str_eq(one.config->transport, examples[_i].transport);
	ck_assert_uint_eq(one.messages.warning_count, 0);
}
END_TEST

/* --- reload --- */

START_TEST(a_reload_keeps_what_cannot_change)
{
	struct config *again = NULL;

	native_case_write("main.conf", "transport udpu {}\n" A B);
	ck_assert_msg(native_case_load("main.conf") == 0, "%s", config_case_error(&one));
	struct config_fixed *fixed = config_fixed_create(one.config, false);

	config_messages_fini(&one.messages);
	native_case_write("main.conf", "transport knet {}\n" A B "totem { token = 1s }\n");
	ck_assert_int_eq(
		config_load_again(native_case_path("main.conf"), &one.environment, fixed, &again, &one.messages), 0);
	ck_assert_str_eq(again->transport, "udpu");
	ck_assert_uint_eq(again->totem.token_ns / 1000000, 1000);
	ck_assert_str_eq(one.messages.notices[0],
		"'transport' changed from udpu to knet: takes effect only at restart, kept udpu");
	config_destroy(again);
	config_messages_fini(&one.messages);
	native_case_write("main.conf", "");
	ck_assert_int_eq(
		config_load_again(native_case_path("main.conf"), &one.environment, fixed, &again, &one.messages),
		-EINVAL);
	ck_assert_str_eq(
		one.messages.errors[0], native_case_text("@/main.conf: no nodes: a reload cannot empty the cluster"));
	config_fixed_destroy(fixed);
}
END_TEST

static Suite *native_files_suite(void)
{
	Suite *suite = suite_create("native files");
	TCase *cases = tcase_create("cases");

	tcase_add_checked_fixture(cases, native_case_setup, native_case_teardown);
	tcase_add_test(cases, drop_ins_are_not_left_out_without_descriptors);
	tcase_add_test(cases, later_files_win);
	tcase_add_test(cases, a_configuration_made_of_the_map_has_the_same_files);
	tcase_add_test(cases, what_cannot_be_included_is_named);
	tcase_add_test(cases, files_that_are_none);
	tcase_add_test(cases, log_files_are_looked_for);
	tcase_add_loop_test(cases, examples_are_right, 0, sizeof(examples) / sizeof(examples[0]));
	tcase_add_test(cases, a_reload_keeps_what_cannot_change);
	suite_add_tcase(suite, cases);
	return suite;
}

int main(void) { return suite_run(native_files_suite()); }

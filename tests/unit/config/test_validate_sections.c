/* SPDX-License-Identifier: BSD-3-Clause */
/* config/{validate,logging}.c: all sections but totem and nodelist, and the defaults. */
#include "tests/unit/config/validate_case.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include <qb/qbipc_common.h>

START_TEST(services_are_limited)
{
	static char text[65536];

	for (int count = 256; count <= 257; count++) {
		size_t used = (size_t)sprintf(text, "%s", TOTEM("udpu", "") NODELIST(CF1));

		for (int i = 0; i < count; i++)
			used += (size_t)sprintf(text + used, "service {\nname: s%d\n}\n", i);
		ck_assert_int_eq(config_case_load(&one, text), count <= 256 ? 0 : -EINVAL);
	}
	ck_assert(config_case_has_error(&one, "more than 256 services"));
}
END_TEST

START_TEST(logging_inherits)
{
	ck_assert_int_eq(config_case_load(&one, TOTEM("udpu", "") NODELIST(
							CF1) "logging {\nto_stderr: no\nto_syslog: yes\nto_logfile: "
							     "on\nlogfile: /var/log/x\ndebug: on\n"
							     "logfile_priority: ERR\nsyslog_priority: "
							     "warning\nsyslog_facility: local3\ntimestamp: on\n"
							     "logger_subsys {\nsubsys: CPG\ndebug: trace\n}\n"
							     "logger_subsys {\nsubsys: TOTEM\nlogfile: "
							     "/var/log/t\nto_syslog: no\n}\n}\n"),
		0);
	const struct config_log *log = &one.config->log;

	ck_assert_uint_eq(log->subsystem_count, 3);
	ck_assert_int_eq(log->facility, LOG_LOCAL3);
	ck_assert_int_eq(log->timestamp, 1);
	const struct config_log_subsystem *top = &log->subsystems[0], *cpg = &log->subsystems[1],
					  *totem = &log->subsystems[2];

	ck_assert_ptr_null(top->name);
	ck_assert(!top->to_stderr && top->to_syslog && top->to_file);
	ck_assert_str_eq(top->file, "/var/log/x");
	ck_assert_int_eq(top->file_priority, LOG_ERR);
	ck_assert_int_eq(top->syslog_priority, LOG_WARNING);
	ck_assert_int_eq(top->debug, 1);
	ck_assert_str_eq(cpg->name, "CPG");
	ck_assert_int_eq(cpg->debug, 2);
	ck_assert_str_eq(cpg->file, "/var/log/x");
	ck_assert_str_eq(totem->file, "/var/log/t");
	ck_assert_int_eq(totem->debug, 1); /* the value is inherited, unlike in Corosync */
	ck_assert(!totem->to_syslog);
}
END_TEST

START_TEST(defaults_are_the_documented_ones)
{
	ck_assert_int_eq(config_case_load(&one, TOTEM("udpu", "") NODELIST(CF1)), 0);
	const struct config_log *log = &one.config->log;

	ck_assert(log->subsystems[0].to_stderr && log->subsystems[0].to_syslog && !log->subsystems[0].to_file);
	ck_assert_int_eq(log->subsystems[0].file_priority, LOG_INFO);
	ck_assert_int_eq(log->timestamp, 2);
	ck_assert_int_eq(log->facility, LOG_DAEMON);
	ck_assert(log->blackbox && !log->fileline);
	ck_assert(one.config->sched_rr && !one.config->has_priority);
	ck_assert_int_eq(one.config->move_to_root_cgroup, 2);
	ck_assert_int_eq(one.config->ipc_type, QB_IPC_NATIVE);
	ck_assert_ptr_null(one.config->state_dir);
	ck_assert(!one.config->has_payload_max);
	ck_assert_int_eq(config_case_load(&one, "totem {\nversion: 2\n}\n" NODELIST(CF1)), 0);
	ck_assert_str_eq(one.config->transport, "knet");
	ck_assert_int_eq(
		config_case_load(&one, TOTEM("udpu", "") NODELIST(CF1) "system {\nsched_rr: no\npriority: "
								       "-5\nqb_ipc_type: socket\nstate_dir: /tmp\n"
								       "move_to_root_cgroup: yes\n}\n"),
		0);
	ck_assert(!one.config->sched_rr && one.config->has_priority);
	ck_assert_int_eq(one.config->priority, -5);
	ck_assert_int_eq(one.config->ipc_type, QB_IPC_SOCKET);
	ck_assert_int_eq(one.config->move_to_root_cgroup, 1);
	ck_assert_str_eq(one.config->state_dir, "/tmp");
}
END_TEST

/* Write the services' names in order, "cmap cfg! …". An exclamation mark follows a service that is required. */
static void list_services(char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < one.config->service_count; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s%s", i == 0 ? "" : " ",
			one.config->services[i].name, one.config->services[i].is_required ? "!" : "");
}

START_TEST(plugins_are_asked_for)
{
	char text[256];
	const char *file;
	uint32_t line;

	ck_assert_int_eq(
		config_case_load(&one, TOTEM("udpu", "block_unlisted_ips: maybe\nnetmtu: +01500\n") NODELIST(CF1)), 0);
	list_services(text, sizeof(text));
	ck_assert_str_eq(text, "cmap cfg cpg evs control quorum");
	/* Plugins get a value in its normal form. */
	ck_assert_str_eq(config_option_text(one.config, "udpu", "block_unlisted_ips", NULL, NULL), "yes");
	ck_assert_str_eq(config_option_text(one.config, "udpu", "netmtu", NULL, NULL), "1500");
	ck_assert_ptr_null(config_option_text(one.config, "cpg", "netmtu", NULL, NULL));
	ck_assert_ptr_null(config_option_text(one.config, "udpu", "offload", NULL, NULL));

	ck_assert_int_eq(config_case_load(&one,
				 TOTEM("udpu", "") NODELIST(CF1) "quorum {\nprovider: corosync_votequorum\n}\nservice "
								 "{\nname: corosync_cpg\nmax: 5\nver: 0\n}\n"
								 "service {\nname: tally\nstep: 1\nstep: 2\n}\n"),
		0);
	list_services(text, sizeof(text));
	ck_assert_str_eq(text, "cmap cfg cpg! evs control votequorum quorum tally!");
	ck_assert_uint_eq(one.config->option_count, 3);
	ck_assert_str_eq(config_option_text(one.config, "cpg", "max", &file, &line), "5");
	ck_assert_str_eq(file, "c.conf");
	ck_assert_uint_eq(line, 17);
	ck_assert_str_eq(config_option_text(one.config, "tally", "step", NULL, NULL), "2");

	ck_assert_str_eq(one.config->quorum_provider, "votequorum");

	ck_assert_int_eq(
		config_case_load(&one, TOTEM("udpu", "") NODELIST(CF1) "quorum {\nprovider: acme_votes\n}\n"
								       "resources {\nwatchdog_device: off\n}\n"),
		0);
	list_services(text, sizeof(text));
	ck_assert_str_eq(text, "cmap cfg cpg evs control mon wd acme_votes quorum");
	ck_assert_str_eq(one.config->quorum_provider, "acme_votes");

	ck_assert_int_eq(
		config_case_load(&one, TOTEM("udpu", "") NODELIST(CF1) "transport {\nname: acme_rdma\nqueue: 5\n}\n"),
		0);
	ck_assert_str_eq(one.config->transport, "acme_rdma");
	ck_assert_str_eq(config_option_text(one.config, "acme_rdma", "queue", NULL, NULL), "5");

	ck_assert_int_eq(config_case_load(&one, TOTEM("acme", "") NODELIST(CF1) "transport {\nname: acme\n}\n"), 0);
	ck_assert_uint_eq(one.messages.warning_count, 0);
	ck_assert_int_eq(config_case_load(&one, TOTEM("acme", "") NODELIST(CF1)), 0);
	ck_assert_str_eq(one.config->transport, "acme");
	/* Without the function the text is accepted. Loading the plugin would show whether there is one. */
	one.environment.find_transport = NULL;
	ck_assert_int_eq(config_case_load(&one, TOTEM("iba", "") NODELIST(CF1)), 0);
	ck_assert_str_eq(one.config->transport, "iba");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("validate_sections");
	TCase *tc = validate_case_add(suite);

	tcase_add_test(tc, services_are_limited);
	tcase_add_test(tc, logging_inherits);
	tcase_add_test(tc, defaults_are_the_documented_ones);
	tcase_add_test(tc, plugins_are_asked_for);
	return suite_run(suite);
}

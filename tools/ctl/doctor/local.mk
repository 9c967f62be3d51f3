# SPDX-License-Identifier: BSD-3-Clause
# coterie-ctl doctor. Facts and judges are apart: tests feed the latter.
doctor_judge_sources = \
	%D%/address.c %D%/address.h %D%/checks.c %D%/facts.c %D%/facts.h %D%/judge.c %D%/judge.h %D%/judge_config.c \
	%D%/judge_daemon.c %D%/judge_host.c %D%/judge_net.c %D%/judge_path.c %D%/judge_quality.c %D%/judge_quorum.c
tools_coterie_ctl_SOURCES += \
	$(doctor_judge_sources) \
	%D%/collect.h %D%/collect_host.c %D%/collect_keys.c %D%/collect_links.c %D%/collect_paths.c %D%/collect_software.c \
	%D%/doctor.c %D%/doctor.h %D%/probe.h %D%/probe_icmp.c %D%/probe_tap.c %D%/sockets.c %D%/sockets.h
dist_man_MANS += %D%/coterie-doctor.7

if HAVE_CHECK
check_PROGRAMS += tests/unit/tools/ctl/doctor/test_doctor
TESTS += tests/unit/tools/ctl/doctor/test_doctor
tests_unit_tools_ctl_doctor_test_doctor_SOURCES = tests/unit/tools/ctl/doctor/test_doctor.c $(doctor_judge_sources)
tests_unit_tools_ctl_doctor_test_doctor_LDADD = $(CHECK_LIBS)
endif

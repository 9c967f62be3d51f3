# SPDX-License-Identifier: BSD-3-Clause
# The test kit of the plugin SDK: the executive's own code over the simulator's network, as a library.
coterieinclude_HEADERS += include/coterie/testkit.h
EXTRA_DIST += %D%/libcoterie-testkit.map %D%/coterie-testkit.pc.in
dist_man_MANS += %D%/man/coterie-plugin.7 %D%/man/coterie-testkit.7
# A daemon in one file has no loader of plugins, which the kit is made of.
if !STATIC_BINARY
lib_LTLIBRARIES += libcoterie-testkit.la
libcoterie_testkit_la_SOURCES = \
	%D%/client.c %D%/disk.c %D%/faults.c %D%/foreign.c %D%/host.c %D%/kit.c %D%/kit.h %D%/log.c %D%/loop.c %D%/node.c %D%/plugins.c \
	%D%/qb.c %D%/settle.c %D%/transport.c
libcoterie_testkit_la_LIBADD = libcore.la libtotem.la tests/sim/libsimnet.la $(LTDL_LIBS)
libcoterie_testkit_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -no-undefined -Wl,-z,defs \
	-Wl,--version-script=$(srcdir)/%D%/libcoterie-testkit.map
libcoterie_testkit_la_DEPENDENCIES = libcore.la libtotem.la tests/sim/libsimnet.la \
	%D%/libcoterie-testkit.map
pkgconfig_DATA += %D%/coterie-testkit.pc
CLEANFILES += %D%/coterie-testkit.pc

if HAVE_CHECK
check_PROGRAMS += tests/unit/testkit/test_testkit
TESTS += tests/unit/testkit/test_testkit
kit_case_sources = tests/unit/testkit/kit_case.c tests/unit/testkit/kit_case.h \
	tests/unit/sample-plugins/kit_naughty.c tests/unit/sample-plugins/kit_naughty.h
tests_unit_testkit_test_testkit_SOURCES = tests/unit/testkit/test_testkit.c $(kit_case_sources)
tests_unit_testkit_test_testkit_LDADD = libcoterie-testkit.la $(CHECK_LIBS) -lpthread
check_PROGRAMS += tests/unit/testkit/test_testkit_plugins
TESTS += tests/unit/testkit/test_testkit_plugins
tests_unit_testkit_test_testkit_plugins_SOURCES = tests/unit/testkit/test_testkit_plugins.c $(kit_case_sources)
tests_unit_testkit_test_testkit_plugins_CPPFLAGS = $(AM_CPPFLAGS) \
	-DTEST_PLUGIN_DIR='"$(abs_top_builddir)/tests/unit/sample-plugins"'
tests_unit_testkit_test_testkit_plugins_LDADD = libcoterie-testkit.la $(CHECK_LIBS) -lpthread
check_PROGRAMS += tests/unit/testkit/test_settle
TESTS += tests/unit/testkit/test_settle
# Whole clusters for many seeds. With sanitizers test_testkit, test_kv_cluster and the scenarios run the same code sooner.
sanitized_long_programs += tests/unit/testkit/test_settle tests/unit/testkit/test_two_parts tests/unit/testkit/test_returns
tests_unit_testkit_test_settle_SOURCES = tests/unit/testkit/test_settle.c \
	tests/unit/sample-plugins/kit_naughty.c tests/unit/sample-plugins/kit_naughty.h
tests_unit_testkit_test_settle_LDADD = libcoterie-testkit.la $(CHECK_LIBS) -lpthread
check_PROGRAMS += tests/unit/testkit/test_two_parts
TESTS += tests/unit/testkit/test_two_parts
tests_unit_testkit_test_two_parts_SOURCES = tests/unit/testkit/test_two_parts.c
tests_unit_testkit_test_two_parts_CPPFLAGS = $(AM_CPPFLAGS) -DVOTES='"$(abs_top_builddir)/.libs/votequorum.so"'
tests_unit_testkit_test_two_parts_LDADD = libcoterie-testkit.la $(CHECK_LIBS) -lpthread
check_PROGRAMS += tests/unit/testkit/test_suspend
TESTS += tests/unit/testkit/test_suspend
tests_unit_testkit_test_suspend_SOURCES = tests/unit/testkit/test_suspend.c
tests_unit_testkit_test_suspend_CPPFLAGS = $(AM_CPPFLAGS) -DVOTES='"$(abs_top_builddir)/.libs/votequorum.so"'
tests_unit_testkit_test_suspend_LDADD = libcoterie-testkit.la $(CHECK_LIBS) -lpthread
check_PROGRAMS += tests/unit/testkit/test_stops
TESTS += tests/unit/testkit/test_stops
tests_unit_testkit_test_stops_SOURCES = tests/unit/testkit/test_stops.c $(kit_case_sources)
tests_unit_testkit_test_stops_LDADD = libcoterie-testkit.la $(CHECK_LIBS) -lpthread
check_PROGRAMS += tests/unit/testkit/test_returns
TESTS += tests/unit/testkit/test_returns
tests_unit_testkit_test_returns_SOURCES = tests/unit/testkit/test_returns.c $(kit_case_sources)
tests_unit_testkit_test_returns_LDADD = libcoterie-testkit.la $(CHECK_LIBS) -lpthread
dist_check_SCRIPTS += tests/abi/kit_examples.sh
TESTS += tests/abi/kit_examples.sh
check_PROGRAMS += tests/unit/testkit/test_sdk
TESTS += tests/unit/testkit/test_sdk
sdk_case_sources = tests/unit/testkit/sdk_case.c tests/unit/testkit/sdk_case.h \
	tests/unit/sample-plugins/caller.c tests/unit/sample-plugins/caller.h tests/unit/sample-plugins/patient.c tests/unit/sample-plugins/patient.h
tests_unit_testkit_test_sdk_SOURCES = tests/unit/testkit/test_sdk.c $(sdk_case_sources)
tests_unit_testkit_test_sdk_LDADD = libcoterie-testkit.la $(CHECK_LIBS) -lpthread
check_PROGRAMS += tests/unit/testkit/test_sdk_calls
TESTS += tests/unit/testkit/test_sdk_calls
tests_unit_testkit_test_sdk_calls_SOURCES = tests/unit/testkit/test_sdk_calls.c $(sdk_case_sources)
tests_unit_testkit_test_sdk_calls_CPPFLAGS = $(AM_CPPFLAGS) -DKV_FILE='"$(abs_top_builddir)/.libs/kv.so"'
tests_unit_testkit_test_sdk_calls_LDADD = libcoterie-testkit.la $(CHECK_LIBS) -lpthread
check_PROGRAMS += tests/unit/exec/host/test_plugin_metrics
TESTS += tests/unit/exec/host/test_plugin_metrics
tests_unit_exec_host_test_plugin_metrics_SOURCES = tests/unit/exec/host/test_plugin_metrics.c \
	tests/unit/sample-plugins/patient.c tests/unit/sample-plugins/patient.h
tests_unit_exec_host_test_plugin_metrics_LDADD = libcoterie-testkit.la libmetricstext.la $(CHECK_LIBS)
if HAVE_JSON
tests_unit_exec_host_test_plugin_metrics_CPPFLAGS = $(AM_CPPFLAGS) -DHAVE_JSON=1 $(JSON_CFLAGS)
tests_unit_exec_host_test_plugin_metrics_LDADD += libanswers.la libmetricstext.la $(JSON_LIBS)
endif
endif
endif

# SPDX-License-Identifier: BSD-3-Clause
# exec/reload/ with real files, loop and map. The ring, log and plugins are stubs.
reload_unit_tests = %D%/test_reload %D%/test_reload_keys %D%/test_reload_links %D%/test_reload_steps %D%/test_rotate
check_PROGRAMS += $(reload_unit_tests)
TESTS += $(reload_unit_tests)

check_LTLIBRARIES += %D%/libreload_case.la
%C%_libreload_case_la_SOURCES = %D%/reload_case.c %D%/reload_case.h exec/reload/reload.c exec/reload/reload_apply.c \
	exec/reload/reload_count.c exec/reload/reload_error.c exec/reload/reload_hangup.c \
	exec/reload/reload_key.c exec/reload/reload_keys.c exec/reload/reload_list.c exec/reload/reload_nodes.c \
	exec/reload/reload_peers.c exec/reload/reload_quorum.c exec/reload/rekey.c \
	exec/reload/key_file.c exec/life/map_options.c exec/reload/rotate.c \
	exec/plugin/plugin_options.c exec/loop/loop.c exec/log/log_limit.c exec/stats/stats.c
%C%_libreload_case_la_CFLAGS = $(AM_CFLAGS)
%C%_libreload_case_la_LIBADD = tests/unit/config/libconfig_case.la
reload_case_libs = %D%/libreload_case.la $(CHECK_LIBS) $(QB_LIBS) $(CONFUSE_LIBS)
%C%_test_reload_SOURCES = %D%/test_reload.c
%C%_test_reload_LDADD = $(reload_case_libs)
%C%_test_reload_keys_SOURCES = %D%/test_reload_keys.c
%C%_test_reload_keys_LDADD = $(reload_case_libs)
%C%_test_reload_links_SOURCES = %D%/test_reload_links.c
%C%_test_reload_links_LDADD = $(reload_case_libs)
%C%_test_reload_steps_SOURCES = %D%/test_reload_steps.c
%C%_test_reload_steps_LDADD = $(reload_case_libs)
%C%_test_rotate_SOURCES = %D%/test_rotate.c
%C%_test_rotate_LDADD = $(reload_case_libs)

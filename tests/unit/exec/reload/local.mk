# SPDX-License-Identifier: BSD-3-Clause
# exec/reload/ with real files, loop and map. The ring, log and plugins are stubs.
reload_unit_tests = %D%/test_reload %D%/test_reload_keys %D%/test_reload_links %D%/test_reload_steps %D%/test_rotate
check_PROGRAMS += $(reload_unit_tests)
TESTS += $(reload_unit_tests)

check_LTLIBRARIES += %D%/libreload_case.la
%C%_libreload_case_la_SOURCES = %D%/reload_case.c %D%/reload_case.h
reload_case_libs = %D%/libreload_case.la tests/unit/config/libconfig_case.la libexecutive.la $(CHECK_LIBS)
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

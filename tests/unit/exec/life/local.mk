# SPDX-License-Identifier: BSD-3-Clause
# exec/life/ with real plugin files.
check_PROGRAMS += %D%/test_plugin_life %D%/test_plugin_replace
TESTS += %D%/test_plugin_life %D%/test_plugin_replace
both_builds += %D%/%

check_LTLIBRARIES += %D%/liblife_case.la
%C%_liblife_case_la_SOURCES = %D%/life_case.c %D%/life_case.h
%C%_liblife_case_la_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_PLUGIN_DIR='"$(abs_top_builddir)/tests/unit/sample-plugins"'
%C%_test_plugin_life_SOURCES = %D%/test_plugin_life.c
%C%_test_plugin_life_LDADD = %D%/liblife_case.la $(ipc_play_libs)
%C%_test_plugin_replace_SOURCES = %D%/test_plugin_replace.c
%C%_test_plugin_replace_LDADD = %D%/liblife_case.la $(ipc_play_libs)

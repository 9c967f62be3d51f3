# SPDX-License-Identifier: BSD-3-Clause
# exec/plugin/ with real plugin files.
check_PROGRAMS += %D%/test_plugin %D%/test_plugin_kind
TESTS += %D%/test_plugin %D%/test_plugin_kind
dist_check_SCRIPTS += %D%/plugin_start.sh %D%/bad_plugins.sh
TESTS += %D%/plugin_start.sh %D%/bad_plugins.sh
dist_check_DATA += %D%/bad_ask.c
sanitized_scripts += %D%/plugin_start.sh
both_builds += %D%/%

%C%_test_plugin_SOURCES = %D%/test_plugin.c
%C%_test_plugin_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_PLUGIN_DIR='"$(abs_top_builddir)/tests/unit/sample-plugins"'
%C%_test_plugin_LDADD = $(ipc_play_libs)
%C%_test_plugin_kind_SOURCES = %D%/test_plugin_kind.c
%C%_test_plugin_kind_CPPFLAGS = $(%C%_test_plugin_CPPFLAGS)
%C%_test_plugin_kind_LDADD = $(ipc_play_libs)

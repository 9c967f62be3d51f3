# SPDX-License-Identifier: BSD-3-Clause
# exec/plugin/ with real plugin files.
check_PROGRAMS += %D%/test_plugin
TESTS += %D%/test_plugin
dist_check_SCRIPTS += %D%/plugin_start.sh %D%/bad_plugins.sh
TESTS += %D%/plugin_start.sh %D%/bad_plugins.sh
dist_check_DATA += %D%/bad_ask.c
sanitized_scripts += %D%/plugin_start.sh

exec_plugin_sources = exec/plugin/plugin.c exec/plugin/plugin_load.c exec/plugin/plugin_open.c \
	exec/plugin/plugin_code.c exec/plugin/plugin_check.c exec/plugin/plugin_options.c exec/plugin/plugin_table.c \
	exec/plugin/plugin_error.c exec/plugin/plugin_name.c exec/plugin/plugin_overrides.c exec/plugin/plugin_probe.c \
	config/option_value.c config/words.c \
	exec/life/plugin_life.c exec/life/plugin_replace.c exec/life/plugin_trial.c common/trust.c \
	$(host_sources) exec/host/state_disk.c exec/sync/quorum.c exec/reload/rekey.c exec/ring/state_dir.c \
	exec/totem/frame.c

# Code that loads plugins, compiled once for three programs.
check_LTLIBRARIES += %D%/libplugin_play.la
%C%_libplugin_play_la_SOURCES = $(exec_plugin_sources)
%C%_libplugin_play_la_CFLAGS = $(AM_CFLAGS)
%C%_libplugin_play_la_LIBADD = tests/unit/exec/ipc/libipc_play.la
plugin_play_libs = %D%/libplugin_play.la $(CHECK_LIBS) $(QB_LIBS) $(LTDL_LIBS)
%C%_test_plugin_SOURCES = %D%/test_plugin.c
%C%_test_plugin_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_PLUGIN_DIR='"$(abs_top_builddir)/tests/unit/sample-plugins"'
%C%_test_plugin_LDADD = $(plugin_play_libs)

# SPDX-License-Identifier: BSD-3-Clause
# plugins/mon: resource monitoring.
include plugins/common/local.mk

mon_sources = plugins/mon/mon.c plugins/mon/mon.h plugins/mon/parse.c
if WITH_MON
plugin_LTLIBRARIES += mon.la
dist_man_MANS += plugins/mon/man/coterie-mon.7
endif
mon_la_SOURCES = $(mon_sources)
mon_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
mon_la_LDFLAGS = $(PLUGIN_LDFLAGS)
mon_la_LIBADD = libplugincommon.la -lm

if HAVE_CHECK
check_PROGRAMS += tests/unit/plugins/mon/test_mon
TESTS += tests/unit/plugins/mon/test_mon
tests_unit_plugins_mon_test_mon_SOURCES = tests/unit/plugins/mon/test_mon.c $(mon_sources)
tests_unit_plugins_mon_test_mon_LDADD = libmock_host.la libplugincommon.la $(CHECK_LIBS) -lm
endif

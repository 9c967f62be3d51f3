# SPDX-License-Identifier: BSD-3-Clause
# plugins/pload: load generator.
pload_sources = plugins/pload/messages.h plugins/pload/pload.c
if WITH_PLOAD
plugin_LTLIBRARIES += pload.la
dist_man_MANS += plugins/pload/man/coterie-pload.7
endif
pload_la_SOURCES = $(pload_sources)
pload_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
pload_la_LDFLAGS = $(PLUGIN_LDFLAGS)
pload_la_LIBADD = libplugincommon.la -lm

if HAVE_CHECK
check_PROGRAMS += tests/unit/plugins/pload/test_pload
TESTS += tests/unit/plugins/pload/test_pload
tests_unit_plugins_pload_test_pload_SOURCES = tests/unit/plugins/pload/test_pload.c $(pload_sources)
tests_unit_plugins_pload_test_pload_LDADD = libmock_host.la libplugincommon.la $(CHECK_LIBS) -lm
endif

# SPDX-License-Identifier: BSD-3-Clause
# plugins/wd: watchdog.
wd_sources = plugins/wd/device.c plugins/wd/resource.c plugins/wd/wd.c plugins/wd/wd.h
if WITH_WD
plugin_LTLIBRARIES += wd.la
dist_man_MANS += plugins/wd/man/coterie-wd.7
endif
wd_la_SOURCES = $(wd_sources)
wd_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
wd_la_LDFLAGS = $(PLUGIN_LDFLAGS)
wd_la_LIBADD = libplugincommon.la -lm

if HAVE_CHECK
# No test is to restart the machine it runs on.
check_PROGRAMS += tests/unit/plugins/wd/test_wd
TESTS += tests/unit/plugins/wd/test_wd
tests_unit_plugins_wd_test_wd_SOURCES = tests/unit/plugins/wd/test_wd.c $(wd_sources)
tests_unit_plugins_wd_test_wd_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=reboot -Wl,--wrap=ioctl
tests_unit_plugins_wd_test_wd_LDADD = libmock_host.la libplugincommon.la $(CHECK_LIBS) -lm
endif

# SPDX-License-Identifier: BSD-3-Clause
# tools/notifyd: corosync-notifyd, a program of its own.
notifyd_sources = tools/notifyd/event.c tools/notifyd/event.h
sbin_PROGRAMS += tools/notifyd/corosync-notifyd
tools_notifyd_corosync_notifyd_SOURCES = \
	$(notifyd_sources) tools/notifyd/follow.c tools/notifyd/follow.h tools/notifyd/main.c \
	tools/notifyd/sink.h
# New tags: LD_LIBRARY_PATH then goes before the path to our own libraries.
tools_notifyd_corosync_notifyd_LDFLAGS = $(AM_LDFLAGS) -Wl,--enable-new-dtags
tools_notifyd_corosync_notifyd_LDADD = libtool_common.la libcmap.la libcfg.la libquorum.la libcorosync_common.la

# Headers of others do not keep to our warnings, so they count as the system's.
if HAVE_DBUS
noinst_LTLIBRARIES += libnotifyd_dbus.la
libnotifyd_dbus_la_SOURCES = tools/notifyd/dbus.c
libnotifyd_dbus_la_CFLAGS = $(AM_CFLAGS) $(DBUS_CFLAGS:-I%=-isystem %)
tools_notifyd_corosync_notifyd_LDADD += libnotifyd_dbus.la $(DBUS_LIBS)
dbuspolicydir = $(datadir)/dbus-1/system.d
dist_dbuspolicy_DATA = tools/notifyd/corosync-signals.conf
else
EXTRA_DIST += tools/notifyd/dbus.c tools/notifyd/corosync-signals.conf
endif
if HAVE_SNMP
noinst_LTLIBRARIES += libnotifyd_snmp.la
libnotifyd_snmp_la_SOURCES = tools/notifyd/snmp.c
libnotifyd_snmp_la_CFLAGS = $(AM_CFLAGS) $(SNMP_CFLAGS:-I%=-isystem %)
tools_notifyd_corosync_notifyd_LDADD += libnotifyd_snmp.la $(SNMP_LIBS)
mibdir = $(datadir)/snmp/mibs
dist_mib_DATA = tools/notifyd/COROSYNC-MIB.txt
else
EXTRA_DIST += tools/notifyd/snmp.c tools/notifyd/COROSYNC-MIB.txt
endif

if HAVE_SYSTEMD_UNIT
systemdsystemunit_DATA += tools/notifyd/corosync-notifyd.service
endif
CLEANFILES += tools/notifyd/corosync-notifyd.service
EXTRA_DIST += tools/notifyd/corosync-notifyd.service.in
dist_man_MANS += tools/notifyd/man/corosync-notifyd.8

if HAVE_CHECK
check_PROGRAMS += tests/unit/tools/notifyd/test_notifyd
TESTS += tests/unit/tools/notifyd/test_notifyd
tests_unit_tools_notifyd_test_notifyd_SOURCES = tests/unit/tools/notifyd/test_notifyd.c $(notifyd_sources)
tests_unit_tools_notifyd_test_notifyd_LDADD = $(CHECK_LIBS)
endif

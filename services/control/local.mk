# SPDX-License-Identifier: BSD-3-Clause
# services/control: what an administrator asks of the running daemon. Its client is coterie-ctl.
control_service_sources = \
	services/control/control.c services/control/control.h services/control/keys.c \
	services/control/lookup.c services/control/messages.h services/control/nodes.c services/control/reload.c services/control/state.c \
	services/control/walk.c

if WITH_CONTROL
plugin_LTLIBRARIES += control.la
endif
control_la_SOURCES = $(control_service_sources)
control_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
control_la_LDFLAGS = $(PLUGIN_LDFLAGS)

include services/control/man/local.mk

if HAVE_CHECK
# A plugin exports nothing but its descriptor, so the test takes its objects from an archive.
check_LTLIBRARIES += libcontrol_service.la
libcontrol_service_la_SOURCES = $(control_service_sources)
control_unit_tests = tests/unit/services/control/test_control tests/unit/services/control/test_control_reload \
	tests/unit/services/control/test_control_walk
check_PROGRAMS += $(control_unit_tests)
TESTS += $(control_unit_tests)
tests_unit_services_control_test_control_SOURCES = tests/unit/services/control/test_control.c
tests_unit_services_control_test_control_LDADD = libcontrol_service.la libcoterie-testkit.la $(CHECK_LIBS)
tests_unit_services_control_test_control_reload_SOURCES = tests/unit/services/control/test_control_reload.c
tests_unit_services_control_test_control_reload_LDADD = libcontrol_service.la libmock_host.la $(CHECK_LIBS)
tests_unit_services_control_test_control_walk_SOURCES = tests/unit/services/control/test_control_walk.c
tests_unit_services_control_test_control_walk_LDADD = libcontrol_service.la libmock_host.la $(CHECK_LIBS)
endif

# SPDX-License-Identifier: BSD-3-Clause
# services/evs: extended virtual synchrony for clients. The library, the manual pages and the example
# have fragments of their own.
evs_service_sources = \
	services/evs/evs.c services/evs/evs.h services/evs/messages.h \
	services/evs/groups.c services/evs/index.c services/evs/requests.c services/evs/deliver.c services/evs/state.c

if WITH_EVS
plugin_LTLIBRARIES += evs.la
endif
evs_la_SOURCES = $(evs_service_sources)
evs_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
evs_la_LDFLAGS = $(PLUGIN_LDFLAGS)

if HAVE_CHECK
# A plugin exports nothing but its descriptor, so the test takes its objects from an archive.
check_LTLIBRARIES += libevs_service.la
libevs_service_la_SOURCES = $(evs_service_sources)
libevs_service_la_LIBADD = libmock_host.la

check_PROGRAMS += tests/unit/services/evs/test_evs tests/unit/services/evs/test_evs_hostile
TESTS += tests/unit/services/evs/test_evs tests/unit/services/evs/test_evs_hostile
evs_case_sources = tests/unit/services/evs/evs_case.c tests/unit/services/evs/evs_case.h
tests_unit_services_evs_test_evs_SOURCES = tests/unit/services/evs/test_evs.c $(evs_case_sources) $(fail_alloc_sources)
tests_unit_services_evs_test_evs_LDFLAGS = $(fail_alloc_ldflags)
tests_unit_services_evs_test_evs_LDADD = libevs_service.la $(CHECK_LIBS)
tests_unit_services_evs_test_evs_hostile_SOURCES = tests/unit/services/evs/test_evs_hostile.c $(evs_case_sources)
tests_unit_services_evs_test_evs_hostile_LDADD = libevs_service.la $(CHECK_LIBS)
endif

include services/evs/lib/local.mk
include services/evs/man/local.mk
include services/evs/example/local.mk

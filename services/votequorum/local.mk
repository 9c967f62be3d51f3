# SPDX-License-Identifier: BSD-3-Clause
# services/votequorum: the vote counting quorum provider. The library and its man pages have fragments of their
# own.
votequorum_service_sources = \
	services/votequorum/votequorum.c services/votequorum/votequorum.h services/votequorum/messages.h \
	services/votequorum/calc.c services/votequorum/calc.h \
	services/votequorum/check.c services/votequorum/check.h \
	services/votequorum/config.c services/votequorum/config.h \
	services/votequorum/device.c services/votequorum/extra.c services/votequorum/news.c \
	services/votequorum/requests.c services/votequorum/ring.c \
	services/votequorum/state.c services/votequorum/statistics.c services/votequorum/sync.c services/votequorum/tell.c

if WITH_VOTEQUORUM
plugin_LTLIBRARIES += votequorum.la
endif
votequorum_la_SOURCES = $(votequorum_service_sources)
votequorum_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
votequorum_la_LDFLAGS = $(PLUGIN_LDFLAGS)

if HAVE_CHECK
# A plugin exports nothing but its descriptor, so the tests take its objects from an archive.
check_LTLIBRARIES += libvotequorum_service.la
libvotequorum_service_la_SOURCES = \
	$(votequorum_service_sources) \
	tests/unit/services/votequorum/vote_ring.c tests/unit/services/votequorum/vote_ring.h \
	tests/unit/services/votequorum/vote_case.c tests/unit/services/votequorum/vote_case.h \
	tests/unit/service_ring.c tests/unit/service_ring.h
libvotequorum_service_la_CFLAGS = $(AM_CFLAGS)
libvotequorum_service_la_LIBADD = libmock_host.la

votequorum_unit_tests = \
	tests/unit/services/votequorum/test_votequorum tests/unit/services/votequorum/test_votequorum_calc \
	tests/unit/services/votequorum/test_votequorum_nodes \
	tests/unit/services/votequorum/test_votequorum_config \
	tests/unit/services/votequorum/test_votequorum_device tests/unit/services/votequorum/test_votequorum_extra \
	tests/unit/services/votequorum/test_votequorum_time tests/unit/services/votequorum/test_votequorum_verdict
check_PROGRAMS += $(votequorum_unit_tests)
TESTS += $(votequorum_unit_tests)
tests_unit_services_votequorum_test_votequorum_SOURCES = tests/unit/services/votequorum/test_votequorum.c
tests_unit_services_votequorum_test_votequorum_LDADD = libvotequorum_service.la $(CHECK_LIBS)
tests_unit_services_votequorum_test_votequorum_calc_SOURCES = \
	tests/unit/services/votequorum/test_votequorum_calc.c services/votequorum/calc.c $(fail_alloc_sources)
tests_unit_services_votequorum_test_votequorum_calc_LDFLAGS = $(fail_alloc_ldflags)
tests_unit_services_votequorum_test_votequorum_calc_LDADD = $(CHECK_LIBS)
tests_unit_services_votequorum_test_votequorum_nodes_SOURCES = \
	tests/unit/services/votequorum/test_votequorum_nodes.c services/votequorum/calc.c
tests_unit_services_votequorum_test_votequorum_nodes_LDADD = $(CHECK_LIBS)
tests_unit_services_votequorum_test_votequorum_config_SOURCES = tests/unit/services/votequorum/test_votequorum_config.c
tests_unit_services_votequorum_test_votequorum_config_LDADD = libvotequorum_service.la $(CHECK_LIBS)
tests_unit_services_votequorum_test_votequorum_device_SOURCES = tests/unit/services/votequorum/test_votequorum_device.c
tests_unit_services_votequorum_test_votequorum_device_LDADD = libvotequorum_service.la $(CHECK_LIBS)
tests_unit_services_votequorum_test_votequorum_extra_SOURCES = tests/unit/services/votequorum/test_votequorum_extra.c
tests_unit_services_votequorum_test_votequorum_extra_LDADD = libvotequorum_service.la $(CHECK_LIBS)
tests_unit_services_votequorum_test_votequorum_time_SOURCES = tests/unit/services/votequorum/test_votequorum_time.c
tests_unit_services_votequorum_test_votequorum_time_LDADD = libvotequorum_service.la $(CHECK_LIBS)
tests_unit_services_votequorum_test_votequorum_verdict_SOURCES = \
	tests/unit/services/votequorum/test_votequorum_verdict.c
tests_unit_services_votequorum_test_votequorum_verdict_LDADD = libvotequorum_service.la $(CHECK_LIBS)
endif

include services/votequorum/lib/local.mk
include services/votequorum/man/local.mk

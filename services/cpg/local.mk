# SPDX-License-Identifier: BSD-3-Clause
# The service plugin. The library and the man pages have their own fragments.
cpg_service_sources = \
	services/cpg/cpg.c services/cpg/cpg.h services/cpg/messages.h \
	services/cpg/groups.c services/cpg/index.c services/cpg/requests.c services/cpg/deliver.c services/cpg/fragments.c \
	services/cpg/compact.c \
	services/cpg/resync.c services/cpg/received.c services/cpg/settle.c services/cpg/state.c services/cpg/iterate.c services/cpg/iterate.h \
	services/cpg/snapshot.c services/cpg/statistics.c \
	services/cpg/zero_copy.c $(closer_sources)

if WITH_CPG
plugin_LTLIBRARIES += cpg.la
endif
cpg_la_SOURCES = $(cpg_service_sources)
cpg_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
cpg_la_LDFLAGS = $(PLUGIN_LDFLAGS)

if HAVE_CHECK
# A plugin exports only its descriptor, so the tests link its objects from an archive.
check_LTLIBRARIES += libcpg_service.la
libcpg_service_la_SOURCES = \
	$(cpg_service_sources) \
	tests/unit/services/cpg/cpg_case.c tests/unit/services/cpg/cpg_case.h tests/unit/services/cpg/cpg_ring.c \
	tests/unit/services/cpg/cpg_ring.h \
	tests/unit/service_ring.c tests/unit/service_ring.h
libcpg_service_la_CFLAGS = $(AM_CFLAGS)
libcpg_service_la_LIBADD = libmock_host.la

cpg_lists_sources = tests/unit/services/cpg/lists.c tests/unit/services/cpg/lists.h
cpg_unit_tests = tests/unit/services/cpg/test_cpg tests/unit/services/cpg/test_cpg_ask \
	tests/unit/services/cpg/test_cpg_ring tests/unit/services/cpg/test_cpg_compact \
	tests/unit/services/cpg/test_cpg_successor \
	tests/unit/services/cpg/test_cpg_zero_copy tests/unit/services/cpg/test_cpg_cluster \
	tests/unit/services/cpg/test_cpg_limits tests/unit/services/cpg/test_cpg_settle
check_PROGRAMS += $(cpg_unit_tests)
TESTS += $(cpg_unit_tests)
sanitized_long_programs += tests/unit/services/cpg/test_cpg_settle
tests_unit_services_cpg_test_cpg_limits_SOURCES = tests/unit/services/cpg/test_cpg_limits.c $(cpg_lists_sources)
tests_unit_services_cpg_test_cpg_limits_LDADD = libcpg_service.la $(CHECK_LIBS)
tests_unit_services_cpg_test_cpg_settle_SOURCES = tests/unit/services/cpg/test_cpg_settle.c $(cpg_lists_sources) \
	$(fail_alloc_sources)
tests_unit_services_cpg_test_cpg_settle_LDFLAGS = $(fail_alloc_ldflags)
tests_unit_services_cpg_test_cpg_settle_LDADD = libcpg_service.la $(CHECK_LIBS)
tests_unit_services_cpg_test_cpg_SOURCES = tests/unit/services/cpg/test_cpg.c
tests_unit_services_cpg_test_cpg_LDADD = libcpg_service.la $(CHECK_LIBS)
tests_unit_services_cpg_test_cpg_ask_SOURCES = tests/unit/services/cpg/test_cpg_ask.c
tests_unit_services_cpg_test_cpg_ask_LDADD = libcpg_service.la $(CHECK_LIBS)
tests_unit_services_cpg_test_cpg_ring_SOURCES = tests/unit/services/cpg/test_cpg_ring.c
tests_unit_services_cpg_test_cpg_ring_LDADD = libcpg_service.la $(CHECK_LIBS)
tests_unit_services_cpg_test_cpg_successor_SOURCES = tests/unit/services/cpg/test_cpg_successor.c
tests_unit_services_cpg_test_cpg_successor_LDADD = libcpg_service.la $(CHECK_LIBS)
tests_unit_services_cpg_test_cpg_compact_SOURCES = tests/unit/services/cpg/test_cpg_compact.c
tests_unit_services_cpg_test_cpg_compact_LDADD = libcpg_service.la $(CHECK_LIBS)
# Tests of whole clusters in the test kit, with faults.
tests_unit_services_cpg_test_cpg_cluster_SOURCES = tests/unit/services/cpg/test_cpg_cluster.c
tests_unit_services_cpg_test_cpg_cluster_LDADD = libcpg_service.la libcoterie-testkit.la $(CHECK_LIBS)
tests_unit_services_cpg_test_cpg_zero_copy_SOURCES = tests/unit/services/cpg/test_cpg_zero_copy.c
tests_unit_services_cpg_test_cpg_zero_copy_LDADD = libcpg_service.la $(CHECK_LIBS)
endif

cpg-long: all
	@$(MAKE) $(AM_MAKEFLAGS) tests/unit/services/cpg/test_cpg_cluster
	@CPG_SEEDS=50 CPG_TIMEOUT=3600 tests/unit/services/cpg/test_cpg_cluster
check-long: cpg-long
.PHONY: cpg-long

include services/cpg/lib/local.mk
include services/cpg/man/local.mk

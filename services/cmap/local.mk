# SPDX-License-Identifier: BSD-3-Clause
# services/cmap: the configuration map for clients. The library and the man pages have fragments of their own.
cmap_service_sources = \
	services/cmap/cmap.c services/cmap/cmap.h services/cmap/messages.h \
	services/cmap/requests.c services/cmap/shares.c services/cmap/state.c services/cmap/iterate.c services/cmap/track.c \
	services/cmap/late.c services/cmap/version.c

if WITH_CMAP
plugin_LTLIBRARIES += cmap.la
endif
cmap_la_SOURCES = $(cmap_service_sources)
cmap_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
cmap_la_LDFLAGS = $(PLUGIN_LDFLAGS)

if HAVE_CHECK
# A plugin exports nothing but its descriptor, so the tests take its objects from an archive.
check_LTLIBRARIES += libcmap_service.la
libcmap_service_la_SOURCES = \
	$(cmap_service_sources) \
	tests/unit/service_ring.c tests/unit/service_ring.h
libcmap_service_la_CFLAGS = $(AM_CFLAGS)
libcmap_service_la_LIBADD = libmock_host.la

check_PROGRAMS += tests/unit/services/cmap/test_cmap tests/unit/services/cmap/test_cmap_version \
	tests/unit/services/cmap/test_cmap_late tests/unit/services/cmap/test_cmap_walks \
	tests/unit/services/cmap/test_cmap_shares tests/unit/services/cmap/test_libcmap
TESTS += tests/unit/services/cmap/test_cmap tests/unit/services/cmap/test_cmap_version \
	tests/unit/services/cmap/test_cmap_late tests/unit/services/cmap/test_cmap_walks \
	tests/unit/services/cmap/test_cmap_shares tests/unit/services/cmap/test_libcmap
cmap_case_sources = tests/unit/services/cmap/cmap_case.c tests/unit/services/cmap/cmap_case.h
tests_unit_services_cmap_test_cmap_SOURCES = tests/unit/services/cmap/test_cmap.c $(cmap_case_sources)
tests_unit_services_cmap_test_cmap_LDADD = libcmap_service.la $(CHECK_LIBS)
tests_unit_services_cmap_test_cmap_walks_SOURCES = tests/unit/services/cmap/test_cmap_walks.c $(cmap_case_sources)
tests_unit_services_cmap_test_cmap_walks_LDADD = libcmap_service.la $(CHECK_LIBS)
tests_unit_services_cmap_test_cmap_shares_SOURCES = tests/unit/services/cmap/test_cmap_shares.c $(cmap_case_sources)
tests_unit_services_cmap_test_cmap_shares_LDADD = libcmap_service.la $(CHECK_LIBS)
tests_unit_services_cmap_test_cmap_version_SOURCES = tests/unit/services/cmap/test_cmap_version.c
tests_unit_services_cmap_test_cmap_version_LDADD = libcmap_service.la $(CHECK_LIBS)
tests_unit_services_cmap_test_cmap_late_SOURCES = tests/unit/services/cmap/test_cmap_late.c
tests_unit_services_cmap_test_cmap_late_LDADD = libcmap_service.la $(CHECK_LIBS)
tests_unit_services_cmap_test_libcmap_SOURCES = tests/unit/services/cmap/test_libcmap.c $(scripted_daemon_sources)
tests_unit_services_cmap_test_libcmap_LDADD = libcmap.la libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)
endif

include services/cmap/lib/local.mk
include services/cmap/man/local.mk

# SPDX-License-Identifier: BSD-3-Clause
# services/quorum: the quorum verdict for clients. The library and its man pages have fragments of their own.
quorum_service_sources = \
	services/quorum/quorum.c services/quorum/quorum.h services/quorum/messages.h \
	services/quorum/state.c services/quorum/sync.c services/quorum/tell.c

if WITH_QUORUM
plugin_LTLIBRARIES += quorum.la
endif
quorum_la_SOURCES = $(quorum_service_sources)
quorum_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
quorum_la_LDFLAGS = $(PLUGIN_LDFLAGS)

if HAVE_CHECK
# A plugin exports nothing but its descriptor, so the tests take its objects from an archive.
check_LTLIBRARIES += libquorum_service.la
libquorum_service_la_SOURCES = \
	$(quorum_service_sources) \
	tests/unit/service_ring.c tests/unit/service_ring.h
libquorum_service_la_CFLAGS = $(AM_CFLAGS)
libquorum_service_la_LIBADD = libmock_host.la

check_PROGRAMS += tests/unit/services/quorum/test_quorum
TESTS += tests/unit/services/quorum/test_quorum
tests_unit_services_quorum_test_quorum_SOURCES = tests/unit/services/quorum/test_quorum.c
tests_unit_services_quorum_test_quorum_LDADD = libquorum_service.la $(CHECK_LIBS)
endif

# A provider by a stranger.
dist_check_SCRIPTS += tests/unit/services/quorum/quorum_provider.sh
TESTS += tests/unit/services/quorum/quorum_provider.sh
sanitized_scripts += tests/unit/services/quorum/quorum_provider.sh

include services/quorum/lib/local.mk
include services/quorum/man/local.mk

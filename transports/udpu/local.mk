# SPDX-License-Identifier: BSD-3-Clause
if WITH_UDPU
plugin_LTLIBRARIES += udpu.la
endif
udpu_la_SOURCES = %D%/udpu.c
udpu_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
udpu_la_LDFLAGS = $(PLUGIN_LDFLAGS)
udpu_la_LIBADD = libtransport.la

if HAVE_CHECK
check_PROGRAMS += tests/unit/transports/udpu/test_udpu
TESTS += tests/unit/transports/udpu/test_udpu
tests_unit_transports_udpu_test_udpu_SOURCES = tests/unit/transports/udpu/test_udpu.c $(udp_nodes_sources) \
	%D%/udpu.c
tests_unit_transports_udpu_test_udpu_LDADD = libmock_host.la libtransport.la $(CHECK_LIBS)
tripwire_tests = tests/unit/transports/udpu/test_tripwire tests/unit/transports/udpu/test_tripwire_guests \
	tests/unit/transports/udpu/test_tripwire_witness
check_PROGRAMS += $(tripwire_tests)
TESTS += $(tripwire_tests)
tripwire_case_sources = tests/unit/transports/udpu/tripwire_case.c tests/unit/transports/udpu/tripwire_case.h \
	$(udp_nodes_sources) \
	%D%/udpu.c
tests_unit_transports_udpu_test_tripwire_SOURCES = tests/unit/transports/udpu/test_tripwire.c $(tripwire_case_sources)
tests_unit_transports_udpu_test_tripwire_LDADD = libmock_host.la libtransport.la $(CHECK_LIBS)
tests_unit_transports_udpu_test_tripwire_guests_SOURCES = tests/unit/transports/udpu/test_tripwire_guests.c \
	$(tripwire_case_sources)
tests_unit_transports_udpu_test_tripwire_guests_LDADD = libmock_host.la libtransport.la $(CHECK_LIBS)
tests_unit_transports_udpu_test_tripwire_witness_SOURCES = tests/unit/transports/udpu/test_tripwire_witness.c \
	$(tripwire_case_sources)
tests_unit_transports_udpu_test_tripwire_witness_LDADD = libmock_host.la libtransport.la $(CHECK_LIBS)
endif

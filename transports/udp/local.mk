# SPDX-License-Identifier: BSD-3-Clause
if WITH_UDP
plugin_LTLIBRARIES += udp.la
endif
udp_la_SOURCES = %D%/udp.c %D%/group.c %D%/udp.h
udp_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
udp_la_LDFLAGS = $(PLUGIN_LDFLAGS)
udp_la_LIBADD = libtransport.la

if HAVE_CHECK
check_PROGRAMS += tests/unit/transports/udp/test_udp
TESTS += tests/unit/transports/udp/test_udp
tests_unit_transports_udp_test_udp_SOURCES = tests/unit/transports/udp/test_udp.c $(udp_nodes_sources) \
	%D%/udp.c %D%/group.c %D%/udp.h
tests_unit_transports_udp_test_udp_LDADD = libmock_host.la libtransport.la $(CHECK_LIBS)
endif

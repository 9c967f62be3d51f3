# SPDX-License-Identifier: BSD-3-Clause
knet_sources = \
	%D%/knet.c %D%/data.c %D%/links.c %D%/watch.c %D%/signs.c %D%/crypto.c %D%/stats.c %D%/log.c %D%/knet.h \
	%D%/lines.c %D%/lines.h %D%/check.c %D%/check.h

dist_man_MANS += %D%/man/coterie-knet.7

if WITH_KNET
plugin_LTLIBRARIES += knet.la
endif
knet_la_SOURCES = $(knet_sources)
# The library does not tell its version.
knet_version = -DLIBKNET_VERSION='"$(KNET_VERSION)"'
knet_la_CFLAGS = $(AM_CFLAGS) $(KNET_CFLAGS) $(knet_version) -fvisibility=hidden
knet_la_LDFLAGS = $(PLUGIN_LDFLAGS)
knet_la_LIBADD = libtransport.la $(KNET_LIBS)

if HAVE_CHECK
if HAVE_KNET
# A plugin exports nothing but its descriptor, so the tests take its objects from an archive.
check_LTLIBRARIES += libknet_transport.la
libknet_transport_la_SOURCES = \
	$(knet_sources) tests/unit/transports/knet/knet_nodes.c tests/unit/transports/knet/knet_nodes.h
libknet_transport_la_CFLAGS = $(AM_CFLAGS) $(KNET_CFLAGS) $(knet_version)
libknet_transport_la_LIBADD = libmock_host.la libtransport.la $(KNET_LIBS)

check_PROGRAMS += tests/unit/transports/knet/test_knet tests/unit/transports/knet/test_knet_keys \
	tests/unit/transports/knet/test_knet_watch tests/unit/transports/knet/test_knet_tells \
	tests/unit/transports/knet/test_knet_signs
TESTS += tests/unit/transports/knet/test_knet tests/unit/transports/knet/test_knet_keys \
	tests/unit/transports/knet/test_knet_watch tests/unit/transports/knet/test_knet_tells \
	tests/unit/transports/knet/test_knet_signs
tests_unit_transports_knet_test_knet_SOURCES = tests/unit/transports/knet/test_knet.c
tests_unit_transports_knet_test_knet_LDADD = libknet_transport.la $(CHECK_LIBS)
tests_unit_transports_knet_test_knet_tells_SOURCES = tests/unit/transports/knet/test_knet_tells.c
tests_unit_transports_knet_test_knet_tells_CFLAGS = $(AM_CFLAGS) $(knet_version)
tests_unit_transports_knet_test_knet_tells_LDADD = libknet_transport.la $(CHECK_LIBS)
tests_unit_transports_knet_test_knet_keys_SOURCES = tests/unit/transports/knet/test_knet_keys.c
tests_unit_transports_knet_test_knet_keys_LDADD = libknet_transport.la $(CHECK_LIBS)
tests_unit_transports_knet_test_knet_watch_SOURCES = tests/unit/transports/knet/test_knet_watch.c
tests_unit_transports_knet_test_knet_watch_LDADD = libknet_transport.la $(CHECK_LIBS)
tests_unit_transports_knet_test_knet_signs_SOURCES = tests/unit/transports/knet/test_knet_signs.c
tests_unit_transports_knet_test_knet_signs_LDADD = libknet_transport.la $(CHECK_LIBS)
endif
endif

# SPDX-License-Identifier: BSD-3-Clause
# Shared by the transports. It has no state, since with builtins its symbols exist once for all of
# them.
noinst_LTLIBRARIES += libtransport.la
libtransport_la_SOURCES = \
	%D%/socket.c %D%/socket.h \
	%D%/mark.c %D%/mark.h \
	%D%/batch.c %D%/batch.h \
	%D%/peers.c %D%/peers.h \
	%D%/pending.c %D%/pending.h \
	%D%/sent.c %D%/sent.h \
	%D%/interface.c %D%/interface.h \
	%D%/limiter.c %D%/limiter.h \
	%D%/rekey.c %D%/rekey.h \
	%D%/udp_link.c %D%/udp_link_io.c %D%/udp_link_secure.c %D%/udp_link_state.c \
	%D%/udp_link.h %D%/udp_link_private.h \
	%D%/icmp.c %D%/icmp.h \
	%D%/tripwire.c %D%/tripwire_guests.c %D%/tripwire_proof.c %D%/tripwire_witness.c %D%/tripwire.h %D%/tripwire_private.h \
	$(secure_sources) $(mac_sources)
libtransport_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) -fvisibility=hidden
libtransport_la_LIBADD = $(LATE_CRYPTO_LIBS)

include %D%/secure/local.mk

dist_man_MANS += %D%/man/coterie-udp.7 %D%/man/coterie-udpu.7

# Common part of the tests of udp and udpu.
udp_nodes_sources = tests/unit/transports/common/udp_nodes.c tests/unit/transports/common/udp_nodes.h

if HAVE_CHECK
transport_common_tests = tests/unit/transports/common/test_peers tests/unit/transports/common/test_batch \
	tests/unit/transports/common/test_interface
check_PROGRAMS += $(transport_common_tests)
TESTS += $(transport_common_tests)
tests_unit_transports_common_test_interface_SOURCES = tests/unit/transports/common/test_interface.c
tests_unit_transports_common_test_interface_LDADD = libtransport.la $(CHECK_LIBS)
tests_unit_transports_common_test_peers_SOURCES = tests/unit/transports/common/test_peers.c
tests_unit_transports_common_test_peers_LDADD = libtransport.la $(CHECK_LIBS)
tests_unit_transports_common_test_batch_SOURCES = tests/unit/transports/common/test_batch.c
tests_unit_transports_common_test_batch_LDADD = libmock_host.la libtransport.la $(CHECK_LIBS)
endif

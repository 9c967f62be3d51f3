# SPDX-License-Identifier: BSD-3-Clause
# Sealed datagrams: part of libtransport.la.
secure_sources = \
	%D%/secure.c %D%/secure_open.c %D%/secure_peers.c %D%/keys.c %D%/replay.c %D%/aead.c %D%/aead_libcrypto.c \
	%D%/secure.h %D%/secure_private.h %D%/keys.h %D%/replay.h %D%/aead.h %D%/aead_private.h
if HAVE_IPSEC_MB
secure_sources += %D%/aead_ipsec_mb.c
endif

if HAVE_CHECK
check_PROGRAMS += tests/unit/transports/common/secure/test_aead tests/unit/transports/common/secure/test_secure \
	tests/unit/transports/common/secure/test_secure_keys tests/unit/transports/common/secure/test_secure_sessions
TESTS += tests/unit/transports/common/secure/test_aead tests/unit/transports/common/secure/test_secure \
	tests/unit/transports/common/secure/test_secure_keys tests/unit/transports/common/secure/test_secure_sessions
# Two programs for each of udp and udpu.
udp_secure_tests = tests/unit/transports/common/secure/test_udp_secure tests/unit/transports/common/secure/test_udp_secure_keys \
	tests/unit/transports/common/secure/test_udpu_secure tests/unit/transports/common/secure/test_udpu_secure_keys
check_PROGRAMS += $(udp_secure_tests)
TESTS += $(udp_secure_tests)
udp_secure_case_sources = $(udp_nodes_sources) tests/unit/transports/common/secure/udp_secure_case.c \
	tests/unit/transports/common/secure/udp_secure_case.h
tests_unit_transports_common_secure_test_udp_secure_SOURCES = \
	tests/unit/transports/common/secure/test_udp_secure.c $(udp_secure_case_sources) \
	transports/udp/udp.c transports/udp/group.c transports/udp/udp.h
tests_unit_transports_common_secure_test_udp_secure_CFLAGS = $(AM_CFLAGS) -DUNDER_TEST=udp_LTX_coterie_plugin
tests_unit_transports_common_secure_test_udp_secure_LDADD = libmock_host.la libtransport.la $(CHECK_LIBS)
tests_unit_transports_common_secure_test_udp_secure_keys_SOURCES = \
	tests/unit/transports/common/secure/test_udp_secure_keys.c $(udp_secure_case_sources) \
	transports/udp/udp.c transports/udp/group.c transports/udp/udp.h
tests_unit_transports_common_secure_test_udp_secure_keys_CFLAGS = $(AM_CFLAGS) -DUNDER_TEST=udp_LTX_coterie_plugin
tests_unit_transports_common_secure_test_udp_secure_keys_LDADD = libmock_host.la libtransport.la $(CHECK_LIBS)
tests_unit_transports_common_secure_test_udpu_secure_SOURCES = \
	tests/unit/transports/common/secure/test_udp_secure.c $(udp_secure_case_sources) \
	transports/udpu/udpu.c
tests_unit_transports_common_secure_test_udpu_secure_CFLAGS = $(AM_CFLAGS) -DUNDER_TEST=udpu_LTX_coterie_plugin
tests_unit_transports_common_secure_test_udpu_secure_LDADD = libmock_host.la libtransport.la $(CHECK_LIBS)
tests_unit_transports_common_secure_test_udpu_secure_keys_SOURCES = \
	tests/unit/transports/common/secure/test_udp_secure_keys.c $(udp_secure_case_sources) \
	transports/udpu/udpu.c
tests_unit_transports_common_secure_test_udpu_secure_keys_CFLAGS = $(AM_CFLAGS) -DUNDER_TEST=udpu_LTX_coterie_plugin
tests_unit_transports_common_secure_test_udpu_secure_keys_LDADD = libmock_host.la libtransport.la $(CHECK_LIBS)
tests_unit_transports_common_secure_test_aead_SOURCES = tests/unit/transports/common/secure/test_aead.c
tests_unit_transports_common_secure_test_aead_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_transports_common_secure_test_aead_LDADD = libtransport.la $(CHECK_LIBS) $(CRYPTO_LIBS)
secure_case_sources = tests/unit/transports/common/secure/secure_case.c \
	tests/unit/transports/common/secure/secure_case.h
tests_unit_transports_common_secure_test_secure_SOURCES = tests/unit/transports/common/secure/test_secure.c \
	$(secure_case_sources)
tests_unit_transports_common_secure_test_secure_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_transports_common_secure_test_secure_LDADD = libtransport.la $(CHECK_LIBS) $(CRYPTO_LIBS)
tests_unit_transports_common_secure_test_secure_sessions_SOURCES = \
	tests/unit/transports/common/secure/test_secure_sessions.c $(secure_case_sources)
tests_unit_transports_common_secure_test_secure_sessions_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_transports_common_secure_test_secure_sessions_LDADD = libtransport.la $(CHECK_LIBS) $(CRYPTO_LIBS)
tests_unit_transports_common_secure_test_secure_keys_SOURCES = tests/unit/transports/common/secure/test_secure_keys.c
tests_unit_transports_common_secure_test_secure_keys_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_transports_common_secure_test_secure_keys_LDADD = libtransport.la $(CHECK_LIBS) $(CRYPTO_LIBS)
endif

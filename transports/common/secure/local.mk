# Sealed datagrams: part of libtransport.la.
secure_sources = \
	%D%/secure.c %D%/secure_open.c %D%/secure_peers.c %D%/keys.c %D%/window.c \
	%D%/secure.h %D%/secure_private.h %D%/keys.h %D%/window.h

if HAVE_CHECK
check_PROGRAMS += tests/unit/test_secure tests/unit/test_secure_keys
TESTS += tests/unit/test_secure tests/unit/test_secure_keys
tests_unit_test_secure_SOURCES = tests/unit/test_secure.c
tests_unit_test_secure_CFLAGS = $(TEST_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_secure_LDADD = libtransport.la $(CHECK_LIBS) $(CRYPTO_LIBS)
tests_unit_test_secure_keys_SOURCES = tests/unit/test_secure_keys.c
tests_unit_test_secure_keys_CFLAGS = $(TEST_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_secure_keys_LDADD = libtransport.la $(CHECK_LIBS) $(CRYPTO_LIBS)
endif

# SPDX-License-Identifier: BSD-3-Clause
# common/
common_tests = %D%/test_standard %D%/test_thread
if !STATIC_BINARY
common_tests += %D%/test_crypto
endif
check_PROGRAMS += $(common_tests)
TESTS += $(common_tests)

%C%_test_crypto_SOURCES = %D%/test_crypto.c $(mac_sources)
%C%_test_crypto_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
%C%_test_crypto_LDADD = $(CHECK_LIBS) $(CRYPTO_LIBS)
%C%_test_standard_SOURCES = %D%/test_standard.c
%C%_test_standard_LDADD = libtool_common.la $(CHECK_LIBS)
%C%_test_thread_SOURCES = %D%/test_thread.c $(thread_sources)
%C%_test_thread_LDADD = $(CHECK_LIBS) -lpthread

# SPDX-License-Identifier: BSD-3-Clause
# exec/daemon/: what the daemon does with its options, counts and publishes.
check_PROGRAMS += %D%/test_crypto_memory %D%/test_runtime_keys %D%/test_shared_tell %D%/test_stats_process
TESTS += %D%/test_crypto_memory %D%/test_runtime_keys %D%/test_shared_tell %D%/test_stats_process
dist_check_DATA += %D%/one_daemon.sh
daemon_unit_scripts = %D%/caged_threads.sh %D%/start_failures.sh %D%/config_modes.sh %D%/inherited.sh %D%/option_effects.sh
dist_check_SCRIPTS += $(daemon_unit_scripts)
TESTS += $(daemon_unit_scripts)
sanitized_scripts += %D%/start_failures.sh

%C%_test_crypto_memory_SOURCES = %D%/test_crypto_memory.c exec/daemon/crypto_memory.c $(libcrypto_sources)
%C%_test_crypto_memory_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
%C%_test_crypto_memory_LDADD = $(CHECK_LIBS) $(CRYPTO_LIBS)
%C%_test_runtime_keys_SOURCES = %D%/test_runtime_keys.c $(exec_stub_sources)
%C%_test_runtime_keys_LDADD = libcore.la libtotem.la $(CHECK_LIBS)
%C%_test_shared_tell_SOURCES = %D%/test_shared_tell.c exec/daemon/shared_tell.c exec/loop/loop.c $(map_sources)
%C%_test_shared_tell_LDADD = $(CHECK_LIBS) $(QB_LIBS)
%C%_test_stats_process_SOURCES = %D%/test_stats_process.c exec/daemon/stats_process.c
%C%_test_stats_process_LDADD = $(CHECK_LIBS)

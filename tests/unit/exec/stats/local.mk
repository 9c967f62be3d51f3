# SPDX-License-Identifier: BSD-3-Clause
# exec/stats/, and the keys of the statistics map.
check_PROGRAMS += %D%/test_stats %D%/test_stats_keys
TESTS += %D%/test_stats %D%/test_stats_keys

%C%_test_stats_keys_SOURCES = %D%/test_stats_keys.c exec/ring/stats_totem.c \
	exec/ring/eviction.c exec/life/map_options.c exec/daemon/stats_daemon.c exec/daemon/stats_process.c \
	exec/stats/histogram.c exec/ring/ring_account.c config/key_newer.c \
	config/option_value.c config/words.c
%C%_test_stats_keys_LDADD = tests/unit/exec/ipc/libipc_play.la $(CHECK_LIBS) $(QB_LIBS)
%C%_test_stats_SOURCES = %D%/test_stats.c exec/stats/stats.c exec/loop/loop.c
%C%_test_stats_LDADD = $(CHECK_LIBS) $(QB_LIBS)

# SPDX-License-Identifier: BSD-3-Clause
# exec/stats/, and the keys of the statistics map.
check_PROGRAMS += %D%/test_stats %D%/test_stats_keys
TESTS += %D%/test_stats %D%/test_stats_keys

%C%_test_stats_keys_SOURCES = %D%/test_stats_keys.c
%C%_test_stats_keys_LDADD = $(ipc_play_libs)
%C%_test_stats_SOURCES = %D%/test_stats.c exec/stats/stats.c exec/stats/stats_track.c exec/loop/loop.c
%C%_test_stats_LDADD = $(CHECK_LIBS) $(QB_LIBS)

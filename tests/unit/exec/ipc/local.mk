# SPDX-License-Identifier: BSD-3-Clause
# exec/ipc/ on a real loop and libqb, with stubs for the rest.
ipc_unit_tests = %D%/test_ipc %D%/test_ipc_access %D%/test_ipc_await %D%/test_ipc_backlog %D%/test_ipc_descriptors %D%/test_ipc_end \
	%D%/test_ipc_events %D%/test_ipc_gate %D%/test_ipc_hold %D%/test_ipc_raw %D%/test_ipc_stats \
	%D%/test_ipc_channel %D%/test_ipc_channel_hostile %D%/test_ipc_channel_receive %D%/test_ipc_channel_threads \
	%D%/test_ipc_channel_turns
check_PROGRAMS += $(ipc_unit_tests)
TESTS += $(ipc_unit_tests)
both_builds += %D%/test_ipc_events

check_LTLIBRARIES += %D%/libipc_play.la
%C%_libipc_play_la_SOURCES = %D%/ipc_play.c %D%/ipc_play.h $(exec_stub_sources)
%C%_libipc_play_la_CFLAGS = $(AM_CFLAGS)
ipc_case_sources = %D%/ipc_case.c %D%/ipc_case.h
slow_close_sources = %D%/slow_close.c %D%/slow_close.h
ipc_play_libs = %D%/libipc_play.la libexecutive.la $(CHECK_LIBS)
%C%_test_ipc_SOURCES = %D%/test_ipc.c $(ipc_case_sources)
%C%_test_ipc_LDADD = $(ipc_play_libs)
%C%_test_ipc_access_SOURCES = %D%/test_ipc_access.c $(ipc_case_sources)
%C%_test_ipc_access_LDADD = $(ipc_play_libs)
%C%_test_ipc_descriptors_SOURCES = %D%/test_ipc_descriptors.c $(slow_close_sources) $(ipc_case_sources)
%C%_test_ipc_descriptors_LDADD = $(ipc_play_libs)
%C%_test_ipc_end_SOURCES = %D%/test_ipc_end.c $(ipc_case_sources)
%C%_test_ipc_end_LDADD = $(ipc_play_libs)
%C%_test_ipc_await_SOURCES = %D%/test_ipc_await.c exec/ipc/ipc_channel_await.c
%C%_test_ipc_await_LDADD = $(CHECK_LIBS)
%C%_test_ipc_backlog_SOURCES = %D%/test_ipc_backlog.c exec/ipc/ipc_backlog.c exec/ipc/ipc_fan.c
%C%_test_ipc_backlog_LDADD = $(CHECK_LIBS)
%C%_test_ipc_events_SOURCES = %D%/test_ipc_events.c $(ipc_case_sources)
%C%_test_ipc_events_LDADD = $(ipc_play_libs)
%C%_test_ipc_gate_SOURCES = %D%/test_ipc_gate.c $(ipc_case_sources)
%C%_test_ipc_gate_LDADD = $(ipc_play_libs)
%C%_test_ipc_hold_SOURCES = %D%/test_ipc_hold.c $(ipc_case_sources)
%C%_test_ipc_hold_LDADD = $(ipc_play_libs)
%C%_test_ipc_raw_SOURCES = %D%/test_ipc_raw.c $(ipc_case_sources)
%C%_test_ipc_raw_LDADD = $(ipc_play_libs)
%C%_test_ipc_stats_SOURCES = %D%/test_ipc_stats.c $(ipc_case_sources)
%C%_test_ipc_stats_LDADD = $(ipc_play_libs)
channel_case_sources = %D%/channel_case.c %D%/channel_case.h
channel_case_libs = libclient.la libcorosync_common.la $(ipc_play_libs)
%C%_test_ipc_channel_SOURCES = %D%/test_ipc_channel.c $(channel_case_sources)
%C%_test_ipc_channel_LDADD = $(channel_case_libs) -lpthread
%C%_test_ipc_channel_hostile_SOURCES = %D%/test_ipc_channel_hostile.c $(slow_close_sources) \
	$(channel_case_sources)
%C%_test_ipc_channel_hostile_LDADD = $(channel_case_libs)
%C%_test_ipc_channel_receive_SOURCES = %D%/test_ipc_channel_receive.c $(channel_case_sources)
%C%_test_ipc_channel_receive_LDADD = $(channel_case_libs)
%C%_test_ipc_channel_threads_SOURCES = %D%/test_ipc_channel_threads.c $(channel_case_sources)
%C%_test_ipc_channel_threads_LDADD = $(channel_case_libs) -lpthread
%C%_test_ipc_channel_turns_SOURCES = %D%/test_ipc_channel_turns.c $(channel_case_sources)
%C%_test_ipc_channel_turns_LDADD = $(channel_case_libs)

# SPDX-License-Identifier: BSD-3-Clause
# exec/ring/ between a made-up transport and a made-up engine.
ring_unit_tests = %D%/test_state_dir %D%/test_ring %D%/test_ring_lease %D%/test_ring_links %D%/test_ring_seq \
	%D%/test_eviction %D%/test_ring_account %D%/test_ring_packet %D%/test_ring_sources \
	%D%/test_ring_timer %D%/test_ring_yield
check_PROGRAMS += $(ring_unit_tests)
TESTS += $(ring_unit_tests)
both_builds += %D%/test_ring

%C%_test_state_dir_SOURCES = %D%/test_state_dir.c exec/daemon/instance.c exec/ring/ring_seq.c exec/ring/state_dir.c \
	common/trust.c common/trust_open.c
%C%_test_state_dir_CPPFLAGS = -I$(top_srcdir) -I$(top_srcdir)/include -D_GNU_SOURCE $(HARDEN_CPPFLAGS) \
	-DLOCALSTATE_DIR='"/nonexistent"' -DCOROSYNC_STATE_DIR='"/nonexistent"' \
	-DRUNSTATE_DIR='"/tmp/coterie-test-run"'
%C%_test_state_dir_LDADD = $(CHECK_LIBS)
check_LTLIBRARIES += %D%/libring_case.la
%C%_libring_case_la_SOURCES = %D%/ring_case.c %D%/ring_case.h exec/ring/ring.c exec/ring/ring_event.c exec/ring/ring_lease.c \
	exec/ring/ring_life.c \
	exec/ring/ring_packet.c exec/ring/ring_seq.c exec/ring/ring_store.c exec/totem/frame.c exec/totem/wire.c
%C%_libring_case_la_CFLAGS = $(AM_CFLAGS)
ring_case_libs = %D%/libring_case.la $(CHECK_LIBS)
%C%_test_ring_SOURCES = %D%/test_ring.c
%C%_test_ring_LDADD = $(ring_case_libs)
%C%_test_ring_lease_SOURCES = %D%/test_ring_lease.c
%C%_test_ring_lease_LDADD = $(ring_case_libs)
%C%_test_ring_timer_SOURCES = %D%/test_ring_timer.c
%C%_test_ring_timer_LDADD = $(ring_case_libs)
%C%_test_ring_yield_SOURCES = %D%/test_ring_yield.c
%C%_test_ring_yield_LDADD = $(ring_case_libs)
%C%_test_ring_links_SOURCES = %D%/test_ring_links.c
%C%_test_ring_links_LDADD = $(ring_case_libs)
%C%_test_ring_seq_SOURCES = %D%/test_ring_seq.c
%C%_test_ring_seq_LDADD = $(ring_case_libs)
%C%_test_ring_account_SOURCES = %D%/test_ring_account.c exec/stats/histogram.c exec/ring/ring_account.c \
	exec/stats/stats.c exec/stats/stats_track.c exec/loop/loop.c
%C%_test_ring_account_LDADD = $(CHECK_LIBS) $(QB_LIBS)
%C%_test_ring_packet_SOURCES = %D%/test_ring_packet.c exec/ring/ring_packet.c
%C%_test_ring_packet_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_ring_sources_SOURCES = %D%/test_ring_sources.c exec/ring/ring_packet.c exec/ring/ring_sources.c \
	exec/stats/stats.c exec/stats/stats_track.c \
	exec/loop/loop.c exec/totem/frame.c exec/totem/wire.c $(fail_alloc_sources)
%C%_test_ring_sources_LDFLAGS = $(fail_alloc_ldflags)
%C%_test_ring_sources_LDADD = $(CHECK_LIBS) $(QB_LIBS)
%C%_test_eviction_SOURCES = %D%/test_eviction.c exec/ring/eviction.c exec/ring/ring_log.c exec/ring/ring_packet.c \
	exec/stats/stats.c exec/stats/stats_track.c exec/loop/loop.c
%C%_test_eviction_LDADD = libtotem.la $(CHECK_LIBS) $(QB_LIBS)

# SPDX-License-Identifier: BSD-3-Clause
# exec/sync/ with stand-ins for what it calls.
sync_unit_tests = %D%/test_route %D%/test_sync %D%/test_sync_alone %D%/test_sync_late %D%/test_delivery \
	%D%/test_quorum_verdict
check_PROGRAMS += $(sync_unit_tests)
TESTS += $(sync_unit_tests)

%C%_test_route_SOURCES = %D%/test_route.c exec/sync/route.c exec/ring/ring_packet.c $(map_sources)
%C%_test_route_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_delivery_SOURCES = %D%/test_delivery.c exec/sync/delivery.c
%C%_test_delivery_LDADD = libtotem.la $(CHECK_LIBS)
check_LTLIBRARIES += %D%/libsync_case.la
%C%_libsync_case_la_SOURCES = %D%/sync_case.c %D%/sync_case.h exec/sync/sync.c exec/sync/round.c \
	exec/sync/round_message.c exec/sync/roster.c exec/sync/together.c
%C%_test_sync_SOURCES = %D%/test_sync.c
%C%_test_sync_LDADD = %D%/libsync_case.la libtotem.la $(CHECK_LIBS)
%C%_test_sync_alone_SOURCES = %D%/test_sync_alone.c $(fail_alloc_sources)
%C%_test_sync_alone_LDFLAGS = $(fail_alloc_ldflags)
%C%_test_sync_alone_LDADD = %D%/libsync_case.la libtotem.la $(CHECK_LIBS)
%C%_test_sync_late_SOURCES = %D%/test_sync_late.c
%C%_test_sync_late_LDADD = %D%/libsync_case.la libtotem.la $(CHECK_LIBS)
%C%_test_quorum_verdict_SOURCES = %D%/test_quorum_verdict.c $(exec_stub_sources)
%C%_test_quorum_verdict_LDADD = libcore.la libtotem.la $(CHECK_LIBS)

# The same with whole nodes and clients, in the test kit.
if !STATIC_BINARY
check_PROGRAMS += %D%/test_departure
TESTS += %D%/test_departure
%C%_test_departure_SOURCES = %D%/test_departure.c
%C%_test_departure_LDADD = libcpg_service.la libquorum_service.la libcoterie-testkit.la $(CHECK_LIBS)
endif

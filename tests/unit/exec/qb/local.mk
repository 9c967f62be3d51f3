# SPDX-License-Identifier: BSD-3-Clause
# exec/qb/
qb_unit_tests = %D%/test_qb_fault %D%/test_qb_rate %D%/test_qb_ring %D%/test_qb_serve
check_PROGRAMS += $(qb_unit_tests)
TESTS += $(qb_unit_tests)
both_builds += %D%/test_qb_rate

%C%_test_qb_fault_SOURCES = %D%/test_qb_fault.c exec/qb/fault.c exec/qb/fault.h
%C%_test_qb_fault_LDADD = $(CHECK_LIBS) -lpthread
%C%_test_qb_rate_SOURCES = %D%/test_qb_rate.c exec/loop/loop.c exec/qb/members.c exec/qb/server.c \
	exec/qb/descriptors.c $(closer_sources)
%C%_test_qb_rate_LDADD = $(CHECK_LIBS) $(QB_LIBS)
%C%_test_qb_ring_SOURCES = %D%/test_qb_ring.c exec/qb/ring.c exec/qb/semaphore.c
%C%_test_qb_ring_LDADD = $(CHECK_LIBS) -lpthread
%C%_test_qb_serve_SOURCES = %D%/test_qb_serve.c exec/qb/connection.c exec/qb/members.c \
	exec/qb/descriptors.c $(closer_sources)
%C%_test_qb_serve_LDADD = $(CHECK_LIBS)

# SPDX-License-Identifier: BSD-3-Clause
# exec/loop/
check_PROGRAMS += %D%/test_loop
TESTS += %D%/test_loop

%C%_test_loop_SOURCES = %D%/test_loop.c exec/loop/loop.c
%C%_test_loop_LDADD = $(CHECK_LIBS) $(QB_LIBS)

# SPDX-License-Identifier: BSD-3-Clause
# common/
check_PROGRAMS += %D%/test_thread
TESTS += %D%/test_thread

%C%_test_thread_SOURCES = %D%/test_thread.c $(thread_sources)
%C%_test_thread_LDADD = $(CHECK_LIBS) -lpthread

# SPDX-License-Identifier: BSD-3-Clause
# exec/host/ on a real loop, with stubs for the rest.
check_PROGRAMS += %D%/test_host
TESTS += %D%/test_host

%C%_test_host_SOURCES = %D%/test_host.c
%C%_test_host_LDADD = $(ipc_play_libs)

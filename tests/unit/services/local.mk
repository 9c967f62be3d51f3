# SPDX-License-Identifier: BSD-3-Clause
# services/client/, and the client libraries with a daemon that the test plays.
services_unit_tests = %D%/client/test_client_error %D%/client/test_client_handle %D%/client/test_daemon_user %D%/cpg/test_cpg_assembly \
	%D%/cpg/test_libcpg %D%/evs/test_libevs %D%/quorum/test_libquorum %D%/votequorum/test_libvotequorum \
	%D%/client/test_lib_memory %D%/cfg/test_libcfg
check_PROGRAMS += $(services_unit_tests)
TESTS += $(services_unit_tests)
dist_check_SCRIPTS += %D%/replaced.sh
TESTS += %D%/replaced.sh
sanitized_long_scripts += %D%/replaced.sh

%C%_client_test_client_error_SOURCES = %D%/client/test_client_error.c
%C%_client_test_client_error_LDADD = libclient.la libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)
%C%_client_test_client_handle_SOURCES = %D%/client/test_client_handle.c
%C%_client_test_client_handle_LDADD = libclient.la libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)
%C%_cpg_test_cpg_assembly_SOURCES = %D%/cpg/test_cpg_assembly.c services/cpg/lib/assembly.c
%C%_cpg_test_cpg_assembly_LDADD = $(CHECK_LIBS)
fake_daemon_sources = %D%/client/fake_daemon.c %D%/client/fake_daemon.h %D%/client/lib_case.c %D%/client/lib_case.h
%C%_cpg_test_libcpg_SOURCES = %D%/cpg/test_libcpg.c $(fake_daemon_sources)
%C%_cpg_test_libcpg_LDADD = libcpg.la libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)
%C%_client_test_daemon_user_SOURCES = %D%/client/test_daemon_user.c $(fake_daemon_sources)
%C%_client_test_daemon_user_LDADD = libclient.la libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)
%C%_evs_test_libevs_SOURCES = %D%/evs/test_libevs.c $(fake_daemon_sources)
%C%_evs_test_libevs_LDADD = libevs.la libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)
scripted_daemon_sources = %D%/client/scripted_daemon.c %D%/client/scripted_daemon.h $(fake_daemon_sources)
%C%_client_test_lib_memory_SOURCES = %D%/client/test_lib_memory.c $(fail_alloc_sources) $(scripted_daemon_sources) \
	$(libclient_la_SOURCES) $(libcfg_la_SOURCES) $(libcmap_la_SOURCES) $(libcpg_la_SOURCES) \
	$(libevs_la_SOURCES) $(libquorum_la_SOURCES) $(libvotequorum_la_SOURCES)
%C%_client_test_lib_memory_LDFLAGS = $(fail_alloc_ldflags)
%C%_client_test_lib_memory_LDADD = libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)
%C%_cfg_test_libcfg_SOURCES = %D%/cfg/test_libcfg.c $(scripted_daemon_sources)
%C%_cfg_test_libcfg_LDADD = libcfg.la libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)
%C%_quorum_test_libquorum_SOURCES = %D%/quorum/test_libquorum.c $(scripted_daemon_sources)
%C%_quorum_test_libquorum_LDADD = libquorum.la libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)
%C%_votequorum_test_libvotequorum_SOURCES = %D%/votequorum/test_libvotequorum.c $(scripted_daemon_sources)
%C%_votequorum_test_libvotequorum_LDADD = libvotequorum.la libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)

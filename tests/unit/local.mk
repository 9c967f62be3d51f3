# Unit tests, one check program per module:
#
#	check_PROGRAMS += %D%/test_X
#	TESTS += %D%/test_X
#	%C%_test_X_SOURCES = %D%/test_X.c
#	%C%_test_X_CFLAGS = $(TEST_CFLAGS)
#	%C%_test_X_LDADD = libX.la $(CHECK_LIBS)
dist_check_SCRIPTS += %D%/check_includes.sh %D%/check_shell.sh %D%/check_headers.sh
TESTS += %D%/check_includes.sh %D%/check_shell.sh %D%/check_headers.sh

# exec/{loop,route,sync,state_dir,instance}.c: each with stand-ins for what it calls.
exec_unit_tests = %D%/test_loop %D%/test_route %D%/test_state_dir %D%/test_sync
check_PROGRAMS += $(exec_unit_tests)
TESTS += $(exec_unit_tests)
%C%_test_loop_SOURCES = %D%/test_loop.c exec/loop.c
%C%_test_loop_CFLAGS = $(TEST_CFLAGS)
%C%_test_loop_LDADD = $(CHECK_LIBS) $(QB_LIBS)
%C%_test_route_SOURCES = %D%/test_route.c exec/route.c
%C%_test_route_CFLAGS = $(TEST_CFLAGS)
%C%_test_route_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_state_dir_SOURCES = %D%/test_state_dir.c exec/instance.c exec/state_dir.c
%C%_test_state_dir_CPPFLAGS = -I$(top_srcdir) -D_GNU_SOURCE $(HARDEN_CPPFLAGS) \
	-DLOCALSTATE_DIR='"/nonexistent"' -DRUNSTATE_DIR='"/tmp/coterie-test-run"'
%C%_test_state_dir_CFLAGS = $(TEST_CFLAGS)
%C%_test_state_dir_LDADD = $(CHECK_LIBS)
%C%_test_sync_SOURCES = %D%/test_sync.c exec/sync.c
%C%_test_sync_CFLAGS = $(TEST_CFLAGS)
%C%_test_sync_LDADD = libtotem.la $(CHECK_LIBS)

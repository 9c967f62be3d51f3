# Unit tests, one check program per module:
#
#	check_PROGRAMS += %D%/test_X
#	TESTS += %D%/test_X
#	%C%_test_X_SOURCES = %D%/test_X.c
#	%C%_test_X_CFLAGS = $(TEST_CFLAGS)
#	%C%_test_X_LDADD = libX.la $(CHECK_LIBS)
dist_check_SCRIPTS += %D%/check_includes.sh %D%/check_shell.sh %D%/check_headers.sh
TESTS += %D%/check_includes.sh %D%/check_shell.sh %D%/check_headers.sh

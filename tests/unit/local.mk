# SPDX-License-Identifier: BSD-3-Clause
# Unit tests. The tests of a folder are at the same place below this one: exec/ipc/ here has those of exec/ipc/.
# Checks of the tree itself are in tree/, plugins for tests in sample-plugins/, and recordings in vectors/. What several
# folders share is beside this file. The local.mk of a service, plugin, transport or tool declares its tests. The others
# are declared here and in the fragments below. One check program per module:
#
#	check_PROGRAMS += %D%/test_X
#	TESTS += %D%/test_X
#	%C%_test_X_SOURCES = %D%/test_X.c
#	%C%_test_X_LDADD = libX.la $(CHECK_LIBS)
#
# The code of a test, in %D%/, is compiled without optimization and without UBSan, in half of the time. What it tests is
# compiled as usual. override: also with CFLAGS of the command line, as in conf/run-checks.
%D%/%.o: override CFLAGS += -O0 -fno-sanitize=undefined

check_PROGRAMS += %D%/test_mock_host
TESTS += %D%/test_mock_host
unit_scripts = %D%/conf/check_unit.sh %D%/conf/run_checks.sh %D%/conf/logrotate.sh %D%/debian/check_postinst.sh %D%/conf/openrc.sh %D%/plugins/metrics/dashboard.sh
dist_check_SCRIPTS += $(unit_scripts)
TESTS += $(unit_scripts)
dist_check_DATA += %D%/service_rights.h %D%/conf/openrc_run.sh %D%/vectors/04-commit-token.hex %D%/vectors/04-hold-cancel.hex \
	%D%/vectors/04-join.hex %D%/vectors/04-mcast-fragments.hex %D%/vectors/04-mcast-recovery.hex \
	%D%/vectors/04-mcast.hex %D%/vectors/04-merge-detect.hex %D%/vectors/04-token.hex
EXTRA_DIST += %D%/vectors/stats-udpu3.txt %D%/vectors/corosync-t.txt %D%/vectors/cmap-udpu3.txt

vectors_sources = %D%/vectors.c %D%/vectors.h
vectors_cppflags = -DVECTORS_DIR='"$(abs_top_srcdir)/%D%/vectors"'

# Programs that make allocations fail (fail_alloc.h).
fail_alloc_sources = %D%/fail_alloc.c %D%/fail_alloc.h
fail_alloc_ldflags = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=reallocarray
exec_stub_sources = %D%/exec/exec_stub.c %D%/exec/exec_stub.h

# The mock host, and its test.
check_LTLIBRARIES += libmock_host.la
libmock_host_la_SOURCES = $(mock_host_sources)
%C%_test_mock_host_SOURCES = %D%/test_mock_host.c
%C%_test_mock_host_LDADD = libmock_host.la $(CHECK_LIBS)

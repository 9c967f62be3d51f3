# SPDX-License-Identifier: BSD-3-Clause
# tests/histories: whole nodes with services and clients, played from seeds on the test kit.
if !STATIC_BINARY
check_PROGRAMS += %D%/coterie-histories
%C%_coterie_histories_SOURCES = \
	%D%/check_cpg.c \
	%D%/check_evs.c \
	%D%/check_quorum.c \
	%D%/client_cfg.c \
	%D%/client_cpg.c %D%/client_cpg.h \
	%D%/client_evs.c %D%/client_evs.h \
	%D%/client_kv.c tests/unit/plugins/kv/kv_history.c tests/unit/plugins/kv/kv_history.h \
	tests/unit/plugins/kv/kv_order.c tests/unit/plugins/kv/kv_order.h \
	%D%/client_quorum.c %D%/client_quorum.h \
	%D%/client_watch.c %D%/client_watch.h \
	%D%/fast.c %D%/fast.h \
	%D%/play.h \
	%D%/main.c \
	%D%/play.c \
	%D%/replace.c \
	%D%/script.c %D%/script.h \
	%D%/sequence.c \
	%D%/shrink.c \
	%D%/view.c
%C%_coterie_histories_CPPFLAGS = $(AM_CPPFLAGS) -DPLUGIN_FOLDER='"$(abs_top_builddir)/.libs"'
%C%_coterie_histories_LDADD = \
	libcfg_service.la libcpg_service.la libevs_service.la libkv_service.la libquorum_service.la libvotequorum_service.la \
	libcoterie-testkit.la tests/sim/libsimnet.la
# It replaces services by these files.
EXTRA_%C%_coterie_histories_DEPENDENCIES = cpg.la evs.la kv.la quorum.la votequorum.la
TESTS += %D%/histories.sh
endif
dist_check_SCRIPTS += %D%/histories.sh %D%/page.sh
check_PROGRAMS += %D%/test_sequence
TESTS += %D%/test_sequence
%C%_test_sequence_SOURCES = %D%/test_sequence.c %D%/sequence.c %D%/play.h
%C%_test_sequence_LDADD = $(CHECK_LIBS)

# More than 10^5 histories and all mutants. Writes docs/simulation.md. The variables of page.sh choose parts of it.
check-histories-long: check-programs
	abs_top_builddir='$(abs_top_builddir)' bash $(srcdir)/%D%/page.sh
check-long: check-histories-long
.PHONY: check-histories-long

# SPDX-License-Identifier: BSD-3-Clause
# tests/sim: the simulator, its own tests, and the proof that it finds bugs.
sim_sources = \
	%D%/check_evs.c %D%/check_evs.h \
	%D%/check_lease.c %D%/check_lease.h \
	%D%/check_liveness.c %D%/check_liveness.h \
	%D%/check_ring.c %D%/check_ring.h \
	%D%/check_strangers.c %D%/check_strangers.h \
	%D%/clock_fault.c %D%/clock_fault.h \
	%D%/contact.c %D%/contact.h \
	%D%/connections.c %D%/connections.h \
	%D%/disk.h \
	%D%/fault.c %D%/fault.h \
	%D%/forge.c %D%/forge.h \
	%D%/history.c \
	%D%/node.c %D%/node.h %D%/inbox.c \
	%D%/options.c %D%/options.h \
	%D%/outbox.c %D%/outbox.h \
	%D%/patience.c %D%/patience.h \
	%D%/report.c %D%/report.h \
	%D%/run.c \
	%D%/services.c %D%/services.h \
	%D%/shrink.c %D%/shrink.h \
	%D%/sim.c %D%/sim.h \
	%D%/step.c %D%/step.h \
	%D%/tap.c %D%/tap.h \
	%D%/trace.c %D%/trace.h \
	%D%/traffic.c %D%/traffic.h

# Time and network: the test kit of the plugin SDK stands on them, too.
noinst_LTLIBRARIES += %D%/libsimnet.la
%C%_libsimnet_la_SOURCES = %D%/clock.c %D%/clock.h %D%/host_clock.c %D%/host_clock.h %D%/net.c %D%/net.h \
	%D%/history.h

# The same object code as in the daemon, and beside it the one with mutants and quirks.
check_PROGRAMS += %D%/coterie-sim %D%/coterie-sim-hooks
%C%_coterie_sim_SOURCES = $(sim_sources) %D%/main.c
%C%_coterie_sim_LDADD = %D%/libsimnet.la libtotem.la
%C%_coterie_sim_hooks_SOURCES = $(sim_sources) %D%/main.c
%C%_coterie_sim_hooks_CPPFLAGS = $(AM_CPPFLAGS) -DTOTEM_HOOKS
%C%_coterie_sim_hooks_LDADD = %D%/libsimnet.la libtotem-hooks.la

# Rings of up to 384 nodes: how many joins and how much time they take.
check_PROGRAMS += %D%/coterie-crowd
%C%_coterie_crowd_SOURCES = %D%/crowd.c %D%/crowd.h %D%/crowd_main.c
%C%_coterie_crowd_LDADD = %D%/libsimnet.la libtotem.la

sim_tests = $(sim_checks_tests) %D%/test_scenarios
check_PROGRAMS += $(sim_tests)
check_LTLIBRARIES += %D%/libchecks_case.la
%C%_libchecks_case_la_SOURCES = %D%/checks_case.c %D%/checks_case.h $(sim_sources)
%C%_libchecks_case_la_CFLAGS = $(AM_CFLAGS)
sim_checks_tests = %D%/test_checks %D%/test_checks_liveness %D%/test_checks_ring %D%/test_checks_wire
checks_case_libs = %D%/libchecks_case.la %D%/libsimnet.la libtotem.la $(CHECK_LIBS)
%C%_test_checks_SOURCES = %D%/test_checks.c
%C%_test_checks_LDADD = $(checks_case_libs)
%C%_test_checks_liveness_SOURCES = %D%/test_checks_liveness.c
%C%_test_checks_liveness_LDADD = $(checks_case_libs)
%C%_test_checks_ring_SOURCES = %D%/test_checks_ring.c
%C%_test_checks_ring_LDADD = $(checks_case_libs)
%C%_test_checks_wire_SOURCES = %D%/test_checks_wire.c
%C%_test_checks_wire_LDADD = $(checks_case_libs)
%C%_test_scenarios_SOURCES = %D%/test_scenarios.c
%C%_test_scenarios_LDADD = $(checks_case_libs)

EXTRA_DIST += %D%/mutants.seeds
dist_check_SCRIPTS += %D%/crowd.sh %D%/mutants.sh %D%/seeds.sh
TESTS += $(sim_tests) %D%/crowd.sh %D%/mutants.sh %D%/seeds.sh
both_builds += %D%/test_scenarios

# Many seeds: COTERIE_SIM_SEEDS changes their number.
check-sim-long: check-programs
	$(test_environment) bash $(srcdir)/%D%/seeds.sh $${COTERIE_SIM_SEEDS:-100000}
	CROWD_SEEDS=10 CROWD_LOOPS=2000 $(test_environment) bash $(srcdir)/%D%/crowd.sh
# 10,000 signs of death that are false, one after the other.
	$(builddir)/%D%/coterie-sim --faults dead --seeds 1-4600 >false-signs.log || { cat false-signs.log; exit 1; }
	@cat false-signs.log; count=$$(sed -n 's/^false signs: //p' false-signs.log); rm false-signs.log; \
		test "$$count" -ge 10000
check-long: check-sim-long
.PHONY: check-sim-long

# SPDX-License-Identifier: BSD-3-Clause
# Measuring against Debian's corosync: bench.sh says how. Not part of the checks, but for the page.
check_PROGRAMS += %D%/bench_load
%C%_bench_load_SOURCES = %D%/bench_load.c tests/cluster/client.h
%C%_bench_load_LDFLAGS = $(cluster_ldflags)
%C%_bench_load_LDADD = libcpg.la
check_PROGRAMS += %D%/bench_seal
%C%_bench_seal_SOURCES = %D%/bench_seal.c
%C%_bench_seal_LDADD = libtransport.la $(CRYPTO_LIBS)
dist_check_DATA += %D%/crash.sh %D%/measures.sh %D%/sample.sh %D%/sample.tsv \
	%D%/figures.py %D%/page.py %D%/plot.py %D%/targets.tsv
dist_check_SCRIPTS += %D%/bench.sh %D%/measure.sh %D%/page.sh
TESTS += %D%/page.sh

bench: bench-compare
bench-compare: all
	@$(MAKE) $(AM_MAKEFLAGS) %D%/bench_load %D%/bench_seal tests/cluster/lab_enter \
		tests/cluster/cpg_load tests/cluster/cpg_watch tests/cluster/ring_times
	@abs_top_srcdir='$(abs_top_srcdir)' abs_top_builddir='$(abs_top_builddir)' bash $(srcdir)/%D%/bench.sh
# The page and its plots once more, of the figures that are there.
bench-page:
	@abs_top_srcdir='$(abs_top_srcdir)' bash $(srcdir)/%D%/bench.sh page
.PHONY: bench-compare bench-page

# Add the measured figures to the distribution, if there are some.
dist-hook:
	@cd $(srcdir)/docs && for path in performance.md performance; do \
		! test -e $$path || cp -R $$path $(abs_builddir)/$(distdir)/docs || exit; \
	done

# Measuring against Debian's corosync: make bench writes docs/performance.md (or BENCH_PAGE).
EXTRA_DIST += %D%/compare.sh %D%/table.sh

bench: bench-compare
bench-compare: check-programs
	@abs_top_builddir='$(abs_top_builddir)' BENCH_PAGE="$${BENCH_PAGE-$(abs_top_srcdir)/docs/performance.md}" \
		bash $(srcdir)/%D%/compare.sh
.PHONY: bench-compare

# Measuring against Debian's corosync: make bench.
EXTRA_DIST += %D%/compare.sh

bench: bench-compare
bench-compare: check-programs
	@abs_top_builddir='$(abs_top_builddir)' bash $(srcdir)/%D%/compare.sh
.PHONY: bench-compare

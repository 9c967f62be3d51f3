# SPDX-License-Identifier: BSD-3-Clause
# Debian's packages of this tree in roots of Debian 12 and 13. They need root, a mirror, and time to build the packages: in
# check-long alone.
dist_check_DATA += %D%/roots.sh %D%/hub.sh %D%/fedora.txt
dist_check_SCRIPTS += %D%/root.sh %D%/make.sh %D%/swap.sh %D%/cycle.sh %D%/rpm.sh %D%/cluster.sh %D%/container.sh
packages-swap-long:
	@status=0; for suite in bookworm trixie; do \
		abs_top_srcdir='$(abs_top_srcdir)' bash $(srcdir)/%D%/swap.sh $$suite || status=1; \
		abs_top_srcdir='$(abs_top_srcdir)' bash $(srcdir)/%D%/cycle.sh $$suite || status=1; done; exit $$status
packages-rpm-long:
	@abs_top_srcdir='$(abs_top_srcdir)' bash $(srcdir)/%D%/rpm.sh
# A cluster by commands, and three containers.
packages-cluster-long: check-programs
	@status=0; for play in cluster container; do abs_top_srcdir='$(abs_top_srcdir)' abs_top_builddir='$(abs_top_builddir)' \
		bash $(srcdir)/%D%/$$play.sh bookworm || status=1; done; exit $$status
check-long: packages-swap-long packages-rpm-long packages-cluster-long
.PHONY: packages-swap-long packages-rpm-long packages-cluster-long

# SPDX-License-Identifier: BSD-3-Clause
# Mutants: one-line changes that some test must notice. `make check` checks that each can be made, check-long plays them.
dist_check_DATA += %D%/list %D%/run.py
dist_check_SCRIPTS += %D%/mutants.sh %D%/check_mutants.sh
TESTS += %D%/check_mutants.sh
mutants-long: check-programs
	@abs_top_builddir='$(abs_top_builddir)' bash $(srcdir)/%D%/mutants.sh
check-long: mutants-long
.PHONY: mutants-long

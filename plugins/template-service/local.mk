# SPDX-License-Identifier: BSD-3-Clause
# The template is installed as documentation, and built as a stranger would by tests/abi/template.sh.
templatedir = $(docdir)/template-service
dist_template_DATA = %D%/README.md %D%/Makefile %D%/tally.c %D%/tally.h %D%/tallyctl.c %D%/test_tally.c

dist_check_SCRIPTS += tests/abi/template.sh
TESTS += tests/abi/template.sh
template-long: check-programs
	TALLY_SEEDS="1 10000" abs_top_builddir='$(abs_top_builddir)' bash $(srcdir)/tests/abi/template.sh
check-long: template-long
.PHONY: template-long

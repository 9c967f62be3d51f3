# SPDX-License-Identifier: BSD-3-Clause
# The worked example of a service: installed as documentation, and built as a stranger would by tests/abi/lock.sh.
lockdocdir = $(docdir)/lock
dist_lockdoc_DATA = %D%/README.md %D%/Makefile %D%/lock.c %D%/queue.c %D%/meet.c %D%/state.h %D%/lock.h \
	%D%/lockctl.c %D%/test_lock.c

dist_check_SCRIPTS += tests/abi/lock.sh
TESTS += tests/abi/lock.sh
lock-long: check-programs
	LOCK_SEEDS="1 10000" abs_top_builddir='$(abs_top_builddir)' bash $(srcdir)/tests/abi/lock.sh
check-long: lock-long
.PHONY: lock-long

# SPDX-License-Identifier: BSD-3-Clause
# services/sam: supervision of one's own process: a library alone.
include services/sam/lib/local.mk
include services/sam/man/local.mk

if HAVE_CHECK
# The parts with stand-ins for what they call.
check_PROGRAMS += tests/unit/services/sam/test_libsam
TESTS += tests/unit/services/sam/test_libsam
tests_unit_services_sam_test_libsam_SOURCES = \
	tests/unit/services/sam/test_libsam.c services/sam/lib/message.c services/sam/lib/message.h \
	services/sam/lib/process.h services/sam/lib/report.c services/sam/lib/report.h \
	services/sam/lib/supervisor.c services/sam/lib/supervisor.h
tests_unit_services_sam_test_libsam_LDADD = $(CHECK_LIBS) -lpthread
endif

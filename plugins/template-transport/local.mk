# SPDX-License-Identifier: BSD-3-Clause
# The template is installed as documentation, and built as a stranger would by
# tests/abi/template_transport.sh. What needs no daemon is tested here, between mock hosts.
template_transportdir = $(docdir)/template-transport
unixgram_sources = %D%/unixgram.c %D%/unixgram.h %D%/link.c %D%/peer.c %D%/receive.c
dist_template_transport_DATA = %D%/README.md %D%/Makefile %D%/test_unixgram.c $(unixgram_sources)

dist_check_SCRIPTS += tests/abi/template_transport.sh
TESTS += tests/abi/template_transport.sh

if HAVE_CHECK
check_PROGRAMS += tests/unit/plugins/template-transport/test_unixgram \
	tests/unit/plugins/template-transport/test_unixgram_folder
TESTS += tests/unit/plugins/template-transport/test_unixgram tests/unit/plugins/template-transport/test_unixgram_folder
unixgram_case_sources = tests/unit/plugins/template-transport/unixgram_case.c \
	tests/unit/plugins/template-transport/unixgram_case.h $(unixgram_sources)
tests_unit_plugins_template_transport_test_unixgram_SOURCES = tests/unit/plugins/template-transport/test_unixgram.c \
	$(unixgram_case_sources)
tests_unit_plugins_template_transport_test_unixgram_LDADD = libmock_host.la $(CHECK_LIBS)
tests_unit_plugins_template_transport_test_unixgram_folder_SOURCES = \
	tests/unit/plugins/template-transport/test_unixgram_folder.c $(unixgram_case_sources)
tests_unit_plugins_template_transport_test_unixgram_folder_LDADD = libmock_host.la $(CHECK_LIBS)
endif

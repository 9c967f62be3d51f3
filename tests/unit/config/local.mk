# SPDX-License-Identifier: BSD-3-Clause
# config/ with $(map_sources): libexecutive.la as a whole would pull in engine and libltdl.
config_unit_tests = %D%/test_config_plugins %D%/test_config_print %D%/test_legacy %D%/test_native \
	%D%/test_native_crypto %D%/test_native_files %D%/test_key_files %D%/test_validate %D%/test_validate_key \
	%D%/test_validate_map %D%/test_validate_nodes %D%/test_validate_sections
check_PROGRAMS += $(config_unit_tests)
TESTS += $(config_unit_tests)
dist_check_SCRIPTS += %D%/slow_names.sh
TESTS += %D%/slow_names.sh

config_case_sources = %D%/config_case.c %D%/config_case.h %D%/native_case.c %D%/native_case.h \
	transports/knet/check.c transports/knet/check.h services/votequorum/check.c services/votequorum/check.h
check_LTLIBRARIES += %D%/libconfig_case.la
%C%_libconfig_case_la_SOURCES = $(config_case_sources)
%C%_libconfig_case_la_CFLAGS = $(AM_CFLAGS)
config_case_libs = %D%/libconfig_case.la libcore.la libtotem.la $(CHECK_LIBS)
%C%_test_legacy_SOURCES = %D%/test_legacy.c
%C%_test_legacy_LDADD = $(config_case_libs)
%C%_test_native_SOURCES = %D%/test_native.c
%C%_test_native_LDADD = $(config_case_libs)
%C%_test_native_files_SOURCES = %D%/test_native_files.c
%C%_test_native_files_LDADD = $(config_case_libs)

# With a SYSCONF_DIR that the test makes, and so with the sources that use it.
etc_case_sources = $(config_case_sources) config/crypto.c config/key_change.c config/key_newer.c
%C%_test_native_crypto_SOURCES = %D%/test_native_crypto.c $(etc_case_sources)
%C%_test_native_crypto_CPPFLAGS = $(AM_CPPFLAGS) -USYSCONF_DIR -DSYSCONF_DIR='"etc"'
%C%_test_native_crypto_LDADD = libcore.la libtotem.la $(CHECK_LIBS)
%C%_test_key_files_SOURCES = %D%/test_key_files.c $(etc_case_sources)
%C%_test_key_files_CPPFLAGS = $(AM_CPPFLAGS) -USYSCONF_DIR -DSYSCONF_DIR='"etc"'
%C%_test_key_files_LDADD = libcore.la libtotem.la $(CHECK_LIBS)
%C%_test_config_plugins_SOURCES = %D%/test_config_plugins.c
%C%_test_config_plugins_LDADD = $(config_case_libs)
%C%_test_config_print_SOURCES = %D%/test_config_print.c %D%/config_corpus.c %D%/config_corpus.h
%C%_test_config_print_LDADD = $(config_case_libs)
validate_case_sources = %D%/validate_case.c %D%/validate_case.h
%C%_test_validate_SOURCES = %D%/test_validate.c $(validate_case_sources)
%C%_test_validate_LDADD = $(config_case_libs)
%C%_test_validate_key_SOURCES = %D%/test_validate_key.c $(validate_case_sources)
%C%_test_validate_key_LDADD = $(config_case_libs)
%C%_test_validate_map_SOURCES = %D%/test_validate_map.c $(validate_case_sources) $(fail_alloc_sources)
%C%_test_validate_map_LDFLAGS = $(fail_alloc_ldflags)
%C%_test_validate_map_LDADD = $(config_case_libs)
%C%_test_validate_nodes_SOURCES = %D%/test_validate_nodes.c $(validate_case_sources)
%C%_test_validate_nodes_LDADD = $(config_case_libs)
%C%_test_validate_sections_SOURCES = %D%/test_validate_sections.c $(validate_case_sources)
%C%_test_validate_sections_LDADD = $(config_case_libs)

# SPDX-License-Identifier: BSD-3-Clause
# config: a library that reads, checks, prints and converts the config files. model.h is its public header.
noinst_LTLIBRARIES += libconfig.la
libconfig_la_SOURCES = $(config_sources)
libconfig_la_CFLAGS = $(AM_CFLAGS)
config_sources = $(fixed_keys_sources) $(lookup_sources) $(trust_sources) \
	%D%/compat.c %D%/compat.h \
	%D%/crypto.c \
	%D%/describe.c \
	%D%/dscp.c \
	%D%/key_change.c \
	%D%/key_newer.c \
	%D%/key_rights.c \
	%D%/environment.c \
	%D%/fixed.c \
	%D%/legacy.c %D%/legacy.h %D%/legacy_sections.c \
	%D%/links.c \
	%D%/logging.c \
	%D%/model.c %D%/model.h \
	%D%/native.c %D%/native.h %D%/native_block.c %D%/native_files.c %D%/native_keys.c %D%/native_keys.h %D%/native_parse.c \
	%D%/native_scan.c %D%/native_suggest.c %D%/native_token.c %D%/native_token.h %D%/native_table.c %D%/native_value.c \
	%D%/nodes.c \
	%D%/option_value.c \
	%D%/help.c %D%/print.c %D%/print.h %D%/print_legacy.c %D%/print_native.c \
	%D%/print_block.c %D%/print_block.h %D%/print_log.c %D%/print_process.c %D%/print_quorum.c \
	%D%/publish.c \
	%D%/revise.c \
	%D%/schema.c \
	%D%/timers.c \
	%D%/tree.c %D%/tree.h \
	%D%/validate.c \
	%D%/view.c \
	%D%/words.c %D%/words.h

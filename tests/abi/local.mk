# SPDX-License-Identifier: BSD-3-Clause
# tests/abi: public headers and client libraries against Corosync's; libraries.txt names them.
dist_check_SCRIPTS += %D%/headers.sh %D%/libraries.sh %D%/man.sh
dist_check_DATA += \
	%D%/elf.sh %D%/libraries.txt %D%/layout.h \
	%D%/layout_corotypes.c %D%/libcorosync_common.symbols \
	%D%/layout_cfg.c %D%/libcfg.symbols \
	%D%/layout_cmap.c %D%/libcmap.symbols \
	%D%/layout_cpg.c %D%/libcpg.symbols \
	%D%/layout_evs.c %D%/libevs.symbols \
	%D%/layout_quorum.c %D%/libquorum.symbols \
	%D%/layout_votequorum.c %D%/libvotequorum.symbols
TESTS += %D%/headers.sh %D%/libraries.sh %D%/man.sh
dist_check_DATA += %D%/layout_sam.c %D%/libsam.symbols
# Version scripts of later libraries.
dist_check_DATA += %D%/libcfg.nodes %D%/libcmap.nodes %D%/libcpg.nodes %D%/libquorum.nodes %D%/libsam.nodes \
	%D%/libvotequorum.nodes
libraries-long: check-programs
	@LIBRARIES_13=1 abs_top_builddir='$(abs_top_builddir)' bash $(srcdir)/%D%/libraries.sh
check-long: libraries-long
.PHONY: libraries-long

# Shared by the tests of the plugin templates. Install after all linking and before any test runs: the
# installation makes libtool link libraries again, and the old ones are missing for a moment.
dist_check_DATA += %D%/sdk.sh
check_DATA += %D%/stage.stamp
%D%/stage.stamp: $(lib_LTLIBRARIES) $(plugin_LTLIBRARIES) $(sbin_PROGRAMS) $(bin_PROGRAMS) $(coterieinclude_HEADERS) \
		| $(check_LTLIBRARIES) $(check_PROGRAMS)
	$(AM_V_GEN)rm -rf $(@D)/stage && \
		$(MAKE) -s install DESTDIR="$(abs_builddir)/$(@D)/stage" >/dev/null 2>&1 && touch $@
clean-stage:
	rm -rf %D%/stage %D%/stage.stamp
clean-local: clean-stage
.PHONY: clean-stage

# A plugin that calls other services, with installed headers alone.
dist_check_SCRIPTS += %D%/calls.sh
TESTS += %D%/calls.sh
dist_check_DATA += %D%/member.c %D%/member.h %D%/member_test.c

# Libraries of our own: that of the service kv, and the client kit.
dist_check_SCRIPTS += %D%/own_libraries.sh
TESTS += %D%/own_libraries.sh
dist_check_DATA += %D%/libcoterie-kv.abi %D%/libcoterie-kv.symbols \
	%D%/libcoterie-client.abi %D%/libcoterie-client.symbols

# The packages into which the tree is split.
dist_check_SCRIPTS += %D%/packages.sh
TESTS += %D%/packages.sh
# The plugin ABI: the headers of each minor number, plugins of each, and tables that have grown.
dist_check_SCRIPTS += %D%/plugin_abi.sh %D%/plugin_check.sh
TESTS += %D%/plugin_abi.sh %D%/plugin_check.sh
dist_check_DATA += %D%/plugin_types.c %D%/released.c %D%/released_kit.c
abi_headers = frame.h plugin.h service.h transport.h
EXTRA_DIST += $(addprefix %D%/sdk/1.0/coterie/,$(abi_headers)) $(addprefix %D%/sdk/1.1/coterie/,$(abi_headers)) \
	$(addprefix %D%/sdk/1.2/coterie/,$(abi_headers)) \
	$(addprefix %D%/sdk/1.3/coterie/,$(abi_headers)) $(addprefix %D%/sdk/1.4/coterie/,$(abi_headers)) \
	$(addprefix %D%/sdk/1.5/coterie/,$(abi_headers)) $(addprefix %D%/sdk/1.6/coterie/,$(abi_headers)) \
	$(addprefix %D%/sdk/1.7/coterie/,$(abi_headers)) \
	$(addprefix %D%/sdk/1.8/coterie/,$(abi_headers) host.h) \
	$(addprefix %D%/sdk/1.9/coterie/,$(abi_headers) host.h)

# The guide for plugin authors, as its reader follows it. LATCH_SEEDS: how many seeds its own test gets.
dist_doc_DATA += docs/ring-ids.md docs/write-a-service.md
# Plugins of one file that the documents name.
plugindocdir = $(docdir)/plugins
dist_plugindoc_DATA = %D%/jury.c %D%/lamp.c tests/unit/sample-plugins/leader.c
dist_check_SCRIPTS += %D%/guide.sh
dist_check_DATA += %D%/old_latch.c
TESTS += %D%/guide.sh
guide-long: check-programs
	LATCH_SEEDS=10000 abs_top_builddir='$(abs_top_builddir)' bash $(srcdir)/%D%/guide.sh
check-long: guide-long
.PHONY: guide-long

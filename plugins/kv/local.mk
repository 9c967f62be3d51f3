# SPDX-License-Identifier: BSD-3-Clause
# plugins/kv: a replicated table. The service, its client library, the tool.
kv_sources = \
	plugins/kv/decide.c plugins/kv/deliver.c plugins/kv/hand_over.c plugins/kv/kv.c plugins/kv/kv.h \
	plugins/kv/marker.c plugins/kv/messages.h plugins/kv/requests.c plugins/kv/ring.c plugins/kv/store.c \
	plugins/kv/store.h plugins/kv/takeover.c plugins/kv/transfer.c plugins/kv/votes.c \
	plugins/kv/watch.c

if WITH_KV
plugin_LTLIBRARIES += kv.la
dist_man_MANS += plugins/kv/man/coterie-kv.7
endif
kv_la_SOURCES = $(kv_sources)
kv_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
kv_la_LDFLAGS = $(PLUGIN_LDFLAGS)

coterieinclude_HEADERS += include/coterie/kv.h
lib_LTLIBRARIES += libcoterie-kv.la
libcoterie_kv_la_SOURCES = \
	plugins/kv/lib/connection.h plugins/kv/lib/handle.c plugins/kv/lib/read.c plugins/kv/lib/watch.c \
	plugins/kv/lib/write.c plugins/kv/messages.h
libcoterie_kv_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libcoterie_kv_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -Wl,-z,defs -version-info 0:0:0 \
	-Wl,--version-script=$(top_srcdir)/plugins/kv/lib/libcoterie-kv.map
libcoterie_kv_la_LIBADD = libclient.la libcorosync_common.la $(QB_LIBS) -lpthread
EXTRA_libcoterie_kv_la_DEPENDENCIES = plugins/kv/lib/libcoterie-kv.map
pkgconfig_DATA += plugins/kv/lib/coterie-kv.pc
CLEANFILES += plugins/kv/lib/coterie-kv.pc
EXTRA_DIST += plugins/kv/lib/coterie-kv.pc.in plugins/kv/lib/libcoterie-kv.map

bin_PROGRAMS += plugins/kv/tool/coterie-kv
plugins_kv_tool_coterie_kv_SOURCES = \
	plugins/kv/tool/coterie-kv.c plugins/kv/tool/print.c plugins/kv/tool/print.h
plugins_kv_tool_coterie_kv_LDFLAGS = $(AM_LDFLAGS) -Wl,--enable-new-dtags
plugins_kv_tool_coterie_kv_LDADD = libtool_common.la libcoterie-kv.la libcorosync_common.la

include plugins/kv/man/local.mk

if HAVE_CHECK
# A plugin exports nothing but its descriptor, so the tests take its objects from an archive.
check_LTLIBRARIES += libkv_service.la
libkv_service_la_SOURCES = $(kv_sources)

check_PROGRAMS += tests/unit/plugins/kv/test_kv_store tests/unit/plugins/kv/test_kv tests/unit/plugins/kv/test_kv_ring \
	tests/unit/plugins/kv/test_kv_transfer tests/unit/plugins/kv/test_kv_verdicts tests/unit/plugins/kv/test_kv_leave \
	tests/unit/plugins/kv/test_kv_malformed
TESTS += tests/unit/plugins/kv/test_kv_store tests/unit/plugins/kv/test_kv tests/unit/plugins/kv/test_kv_ring \
	tests/unit/plugins/kv/test_kv_transfer tests/unit/plugins/kv/test_kv_verdicts tests/unit/plugins/kv/test_kv_leave \
	tests/unit/plugins/kv/test_kv_malformed
tests_unit_plugins_kv_test_kv_store_SOURCES = tests/unit/plugins/kv/test_kv_store.c
tests_unit_plugins_kv_test_kv_store_LDADD = libkv_service.la $(CHECK_LIBS)
kv_case_sources = \
	tests/unit/plugins/kv/kv_case.c tests/unit/plugins/kv/kv_case.h tests/unit/service_ring.c \
	tests/unit/service_ring.h
tests_unit_plugins_kv_test_kv_SOURCES = tests/unit/plugins/kv/test_kv.c $(kv_case_sources)
tests_unit_plugins_kv_test_kv_LDADD = libkv_service.la libmock_host.la $(CHECK_LIBS)
tests_unit_plugins_kv_test_kv_ring_SOURCES = tests/unit/plugins/kv/test_kv_ring.c $(kv_case_sources)
tests_unit_plugins_kv_test_kv_ring_LDADD = libkv_service.la libmock_host.la $(CHECK_LIBS)
tests_unit_plugins_kv_test_kv_malformed_SOURCES = tests/unit/plugins/kv/test_kv_malformed.c $(kv_case_sources)
tests_unit_plugins_kv_test_kv_malformed_LDADD = libkv_service.la libmock_host.la $(CHECK_LIBS)
tests_unit_plugins_kv_test_kv_transfer_SOURCES = tests/unit/plugins/kv/test_kv_transfer.c $(kv_case_sources)
tests_unit_plugins_kv_test_kv_transfer_LDADD = libkv_service.la libmock_host.la $(CHECK_LIBS)
tests_unit_plugins_kv_test_kv_verdicts_SOURCES = tests/unit/plugins/kv/test_kv_verdicts.c $(kv_case_sources)
tests_unit_plugins_kv_test_kv_verdicts_LDADD = libkv_service.la libmock_host.la $(CHECK_LIBS)
tests_unit_plugins_kv_test_kv_leave_SOURCES = tests/unit/plugins/kv/test_kv_leave.c $(kv_case_sources)
tests_unit_plugins_kv_test_kv_leave_LDADD = libkv_service.la libmock_host.la $(CHECK_LIBS)

# The simulation of whole nodes (tests/histories) checks answers of the table with this search.
check_PROGRAMS += tests/unit/plugins/kv/test_kv_order
TESTS += tests/unit/plugins/kv/test_kv_order
tests_unit_plugins_kv_test_kv_order_SOURCES = tests/unit/plugins/kv/test_kv_order.c tests/unit/plugins/kv/kv_order.c \
	tests/unit/plugins/kv/kv_order.h \
	tests/unit/plugins/kv/kv_history.c tests/unit/plugins/kv/kv_history.h
tests_unit_plugins_kv_test_kv_order_LDADD = $(CHECK_LIBS)

# Whole clusters in the test kit, with faults: replicas and histories.
check_PROGRAMS += tests/unit/plugins/kv/test_kv_cluster
TESTS += tests/unit/plugins/kv/test_kv_cluster
tests_unit_plugins_kv_test_kv_cluster_SOURCES = tests/unit/plugins/kv/test_kv_cluster.c \
	tests/unit/plugins/kv/kv_history.c tests/unit/plugins/kv/kv_history.h
tests_unit_plugins_kv_test_kv_cluster_CPPFLAGS = $(AM_CPPFLAGS) -DKV_PLUGIN_DIR='"$(abs_top_builddir)/.libs"'
tests_unit_plugins_kv_test_kv_cluster_LDADD = libkv_service.la libcoterie-testkit.la $(CHECK_LIBS)
check_PROGRAMS += tests/unit/plugins/kv/test_kv_marker
TESTS += tests/unit/plugins/kv/test_kv_marker
tests_unit_plugins_kv_test_kv_marker_SOURCES = tests/unit/plugins/kv/test_kv_marker.c $(fail_alloc_sources)
tests_unit_plugins_kv_test_kv_marker_LDFLAGS = $(fail_alloc_ldflags)
tests_unit_plugins_kv_test_kv_marker_CPPFLAGS = $(AM_CPPFLAGS) -DKV_FILE='"$(abs_top_builddir)/.libs/kv.so"'
EXTRA_tests_unit_plugins_kv_test_kv_marker_DEPENDENCIES = kv.la
tests_unit_plugins_kv_test_kv_marker_LDADD = libkv_service.la libvotequorum_service.la libcoterie-testkit.la $(CHECK_LIBS)
endif

check_PROGRAMS += tests/cluster/kv_load
tests_cluster_kv_load_SOURCES = \
	tests/cluster/kv_load.c tests/cluster/client.h tests/unit/plugins/kv/kv_history.c \
	tests/unit/plugins/kv/kv_history.h
tests_cluster_kv_load_LDFLAGS = $(AM_LDFLAGS) -Wl,--enable-new-dtags
tests_cluster_kv_load_LDADD = libcoterie-kv.la libcorosync_common.la
dist_check_SCRIPTS += tests/cluster/kv.sh
TESTS += tests/cluster/kv.sh
sanitized_long_scripts += tests/cluster/kv.sh
kv-long: all
	@KV_MEGABYTES=100 $(test_environment) bash $(srcdir)/tests/cluster/kv.sh
	@$(MAKE) $(AM_MAKEFLAGS) tests/unit/plugins/kv/test_kv_cluster
	@KV_MEGABYTES=100 KV_SEEDS=100 KV_MS=5000 KV_TIMEOUT=3600 tests/unit/plugins/kv/test_kv_cluster
check-long: kv-long
.PHONY: kv-long

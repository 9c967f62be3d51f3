# SPDX-License-Identifier: BSD-3-Clause
# plugins/metrics: statistics over HTTP, where libmicrohttpd and json-c are.
metrics_sources = \
	plugins/metrics/address.c plugins/metrics/collect.c plugins/metrics/document.c plugins/metrics/document.h \
	plugins/metrics/events.c plugins/metrics/events.h \
	$(thread_sources) plugins/metrics/job.c plugins/metrics/job.h plugins/metrics/metrics.c plugins/metrics/metrics.h \
	plugins/metrics/names.c plugins/metrics/page.c plugins/metrics/server.c plugins/metrics/snapshot.c plugins/metrics/snapshot.h
if WITH_METRICS
plugin_LTLIBRARIES += metrics.la
dist_man_MANS += plugins/metrics/man/coterie-metrics.7
dist_doc_DATA += plugins/metrics/alerts.yml
else
EXTRA_DIST += plugins/metrics/alerts.yml plugins/metrics/man/coterie-metrics.7
endif
EXTRA_DIST += plugins/metrics/dashboard.html plugins/metrics/embed.sh
metrics_la_SOURCES = $(metrics_sources)
nodist_metrics_la_SOURCES = plugins/metrics/dashboard.h
metrics_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden -pthread $(MICROHTTPD_CFLAGS) $(JSON_CFLAGS)
metrics_la_LDFLAGS = $(PLUGIN_LDFLAGS)
metrics_la_LIBADD = libanswers.la libmetricstext.la $(MICROHTTPD_LIBS) $(JSON_LIBS) -lpthread

# The page for people, and the hashes of what is in it.
if WITH_METRICS
BUILT_SOURCES += plugins/metrics/dashboard.h
CLEANFILES += plugins/metrics/dashboard.h
endif
plugins/metrics/dashboard.h: plugins/metrics/dashboard.html plugins/metrics/embed.sh
	$(AM_V_GEN)$(MKDIR_P) plugins/metrics && $(SHELL) $(srcdir)/plugins/metrics/embed.sh \
		$(srcdir)/plugins/metrics/dashboard.html >$@.new && mv $@.new $@
plugins/metrics/metrics_la-page.lo plugins/metrics/libmetrics_service_la-page.lo: plugins/metrics/dashboard.h

if HAVE_CHECK
# The text alone needs no library.
check_PROGRAMS += tests/unit/plugins/metrics/test_metrics_text
TESTS += tests/unit/plugins/metrics/test_metrics_text
tests_unit_plugins_metrics_test_metrics_text_SOURCES = tests/unit/plugins/metrics/test_metrics_text.c \
	$(fail_alloc_sources)
tests_unit_plugins_metrics_test_metrics_text_LDFLAGS = $(fail_alloc_ldflags)
tests_unit_plugins_metrics_test_metrics_text_LDADD = libmetricstext.la $(CHECK_LIBS)
if WITH_METRICS
# A plugin exports nothing but its descriptor, so the tests take its objects from an archive.
check_LTLIBRARIES += libmetrics_service.la
libmetrics_service_la_SOURCES = $(metrics_sources)
nodist_libmetrics_service_la_SOURCES = plugins/metrics/dashboard.h
libmetrics_service_la_CFLAGS = $(AM_CFLAGS) $(MICROHTTPD_CFLAGS) $(JSON_CFLAGS)

metrics_tests = tests/unit/plugins/metrics/test_answers_json tests/unit/plugins/metrics/test_metrics_document \
	tests/unit/plugins/metrics/test_metrics_events \
	tests/unit/plugins/metrics/test_metrics_server
check_PROGRAMS += $(metrics_tests)
TESTS += $(metrics_tests)
metrics_case_sources = tests/unit/plugins/metrics/metrics_case.c tests/unit/plugins/metrics/metrics_case.h
metrics_case_libs = libmetrics_service.la libmock_host.la libanswers.la libmetricstext.la $(MICROHTTPD_LIBS) \
	$(JSON_LIBS) $(CHECK_LIBS) -lpthread
tests_unit_plugins_metrics_test_answers_json_SOURCES = tests/unit/plugins/metrics/test_answers_json.c
tests_unit_plugins_metrics_test_answers_json_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
tests_unit_plugins_metrics_test_answers_json_LDADD = libanswers.la $(JSON_LIBS) $(CHECK_LIBS)
tests_unit_plugins_metrics_test_metrics_document_SOURCES = tests/unit/plugins/metrics/test_metrics_document.c \
	$(metrics_case_sources)
tests_unit_plugins_metrics_test_metrics_document_LDADD = $(metrics_case_libs)
tests_unit_plugins_metrics_test_metrics_events_SOURCES = tests/unit/plugins/metrics/test_metrics_events.c \
	$(metrics_case_sources)
tests_unit_plugins_metrics_test_metrics_events_LDADD = $(metrics_case_libs)
tests_unit_plugins_metrics_test_metrics_server_SOURCES = tests/unit/plugins/metrics/test_metrics_server.c \
	$(metrics_case_sources)
tests_unit_plugins_metrics_test_metrics_server_LDADD = $(metrics_case_libs)
endif
endif

# SPDX-License-Identifier: BSD-3-Clause
# plugins/common: what several plugins need. No state: with builtins there is one copy for all.
noinst_LTLIBRARIES += libplugincommon.la
libplugincommon_la_SOURCES = %D%/keys.c %D%/keys.h
libplugincommon_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden

# The text of the statistics: for the plugin metrics and for coterie-ctl.
noinst_LTLIBRARIES += libmetricstext.la
libmetricstext_la_SOURCES = \
	%D%/metrics/clients.c %D%/metrics/daemon.c %D%/metrics/events.c %D%/metrics/legacy.c %D%/metrics/links.c \
	%D%/metrics/members.c %D%/metrics/metrics.c %D%/metrics/metrics.h %D%/metrics/plugins.c %D%/metrics/protection.c %D%/metrics/ring.c \
	%D%/metrics/times.c %D%/metrics/writer.c %D%/metrics/writer.h
libmetricstext_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libmetricstext_la_LIBADD = -lm

# Answers as JSON: for the same two, where json-c is.
if HAVE_JSON
noinst_LTLIBRARIES += libanswers.la
libanswers_la_SOURCES = \
	%D%/answers/answers.h %D%/answers/clients.c %D%/answers/envelope.c %D%/answers/evictions.c %D%/answers/facts.c %D%/answers/issues.c \
	%D%/answers/json.c %D%/answers/json.h %D%/answers/members.c %D%/answers/plugin_metrics.c %D%/answers/plugins.c %D%/answers/quorum.c \
	%D%/answers/rings.c %D%/answers/status.c
libanswers_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden $(JSON_CFLAGS)
endif

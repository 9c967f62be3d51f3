# plugins/common: what several plugins need. No state: with builtins there is one copy for all.
noinst_LTLIBRARIES += libplugincommon.la
libplugincommon_la_SOURCES = %D%/keys.c %D%/keys.h
libplugincommon_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden

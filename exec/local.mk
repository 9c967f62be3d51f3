# SPDX-License-Identifier: BSD-3-Clause
# The executive: everything but main.c is a convenience library, so that unit tests link it as well. Of it,
# libcore is what runs under another loop and another log, too: the test kit (testkit/) has its own.
# Each folder of exec/ adds its files.
noinst_LTLIBRARIES += libexecutive.la libcore.la
libcore_la_LIBADD = libconfig.la $(CONFUSE_LIBS)
libcore_la_SOURCES = %D%/executive.c %D%/executive.h
libcore_la_CFLAGS = $(AM_CFLAGS)
libexecutive_la_LIBADD = libcore.la libtotem.la $(DAEMON_LIBS) $(LATE_CRYPTO_LIBS)
libexecutive_la_SOURCES = $(libcrypto_sources) $(standard_sources)
libexecutive_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)

distclean-local: archives-distclean
archives-distclean:
	rm -rf archives
.PHONY: archives-distclean

# The daemon.
sbin_PROGRAMS += %D%/coterie
%C%_coterie_SOURCES = %D%/main.c
# Plugins reach the host by its table alone: a function of theirs with the name of one of ours is theirs.
%C%_coterie_LDFLAGS = $(AM_LDFLAGS) -Wl,--exclude-libs,ALL $(BUILTIN_LDFLAGS)
%C%_coterie_LDADD = libexecutive.la
%C%_coterie_DEPENDENCIES = libexecutive.la $(BUILTIN_LTLIBRARIES)

# SPDX-License-Identifier: BSD-3-Clause
# services/quorum/lib: libquorum.
corosyncinclude_HEADERS += include/corosync/quorum.h

lib_LTLIBRARIES += libquorum.la
libquorum_la_SOURCES = \
	%D%/connection.h %D%/quorum.c %D%/receive.c services/quorum/messages.h
libquorum_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libquorum_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -Wl,-z,defs -version-info 6:0:1 \
	-Wl,--version-script=$(top_srcdir)/%D%/libquorum.map
libquorum_la_LIBADD = libclient.la libcorosync_common.la $(QB_LIBS) -lpthread
EXTRA_libquorum_la_DEPENDENCIES = %D%/libquorum.map

pkgconfig_DATA += %D%/libquorum.pc
CLEANFILES += %D%/libquorum.pc
EXTRA_DIST += %D%/libquorum.pc.in %D%/libquorum.map

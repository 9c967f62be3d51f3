# SPDX-License-Identifier: BSD-3-Clause
# services/cmap/lib: libcmap.
corosyncinclude_HEADERS += include/corosync/cmap.h

lib_LTLIBRARIES += libcmap.la
libcmap_la_SOURCES = \
	%D%/connection.h %D%/handle.c %D%/iterate.c %D%/track.c %D%/typed.c %D%/value.c \
	services/cmap/messages.h
libcmap_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libcmap_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -Wl,-z,defs -version-info 5:0:1 \
	-Wl,--version-script=$(top_srcdir)/%D%/libcmap.map
libcmap_la_LIBADD = libclient.la libcorosync_common.la $(QB_LIBS) -lpthread
EXTRA_libcmap_la_DEPENDENCIES = %D%/libcmap.map

pkgconfig_DATA += %D%/libcmap.pc
CLEANFILES += %D%/libcmap.pc
EXTRA_DIST += %D%/libcmap.pc.in %D%/libcmap.map

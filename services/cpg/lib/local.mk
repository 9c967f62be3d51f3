# SPDX-License-Identifier: BSD-3-Clause
# services/cpg/lib: libcpg.
corosyncinclude_HEADERS += include/corosync/cpg.h

lib_LTLIBRARIES += libcpg.la
libcpg_la_SOURCES = \
	%D%/assembly.c %D%/assembly.h %D%/connection.h %D%/dispatch.c %D%/handle.c %D%/iterate.c \
	%D%/join.c %D%/mcast.c %D%/zero_copy.c services/cpg/messages.h
libcpg_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libcpg_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -Wl,-z,defs -version-info 5:0:1 \
	-Wl,--version-script=$(top_srcdir)/%D%/libcpg.map
libcpg_la_LIBADD = libclient.la libcorosync_common.la $(QB_LIBS) -lpthread
EXTRA_libcpg_la_DEPENDENCIES = %D%/libcpg.map

pkgconfig_DATA += %D%/libcpg.pc
CLEANFILES += %D%/libcpg.pc
EXTRA_DIST += %D%/libcpg.pc.in %D%/libcpg.map

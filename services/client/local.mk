# SPDX-License-Identifier: BSD-3-Clause
# services/client: what the client libraries share, and libcorosync_common.
corosyncinclude_HEADERS += include/corosync/corodefs.h include/corosync/corotypes.h include/corosync/hdb.h

lib_LTLIBRARIES += libcorosync_common.la
libcorosync_common_la_SOURCES = %D%/common/common.c
libcorosync_common_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libcorosync_common_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -Wl,-z,defs -version-info 4:0:0

pkgconfig_DATA += %D%/common/libcorosync_common.pc
CLEANFILES += %D%/common/libcorosync_common.pc
EXTRA_DIST += %D%/common/libcorosync_common.pc.in

# Linked into each client library, where all of it is hidden.
noinst_LTLIBRARIES += libclient.la
libclient_la_SOURCES = \
	%D%/channel.c %D%/channel.h %D%/connection.c %D%/connection.h %D%/daemon_user.c %D%/daemon_user.h \
	%D%/dispatch.c %D%/dispatch.h %D%/error.c %D%/error.h %D%/fast_channel.c %D%/fast_channel.h \
	%D%/handle.c %D%/handle.h $(trust_sources)
libclient_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden

# The client kit: the header for programs that use a third party's service.
coterieinclude_HEADERS += include/coterie/client.h
lib_LTLIBRARIES += libcoterie-client.la
libcoterie_client_la_SOURCES = %D%/kit/client.c
libcoterie_client_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libcoterie_client_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -Wl,-z,defs -version-info 0:0:0 \
	-Wl,--version-script=$(top_srcdir)/%D%/kit/libcoterie-client.map
libcoterie_client_la_LIBADD = libclient.la libcorosync_common.la $(QB_LIBS) -lpthread
EXTRA_libcoterie_client_la_DEPENDENCIES = %D%/kit/libcoterie-client.map
pkgconfig_DATA += %D%/kit/coterie-client.pc
CLEANFILES += %D%/kit/coterie-client.pc
EXTRA_DIST += %D%/kit/coterie-client.pc.in %D%/kit/libcoterie-client.map
dist_man_MANS += %D%/kit/man/coterie-client.7

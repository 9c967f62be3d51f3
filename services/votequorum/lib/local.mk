# SPDX-License-Identifier: BSD-3-Clause
# services/votequorum/lib: libvotequorum.
corosyncinclude_HEADERS += include/corosync/votequorum.h

lib_LTLIBRARIES += libvotequorum.la
libvotequorum_la_SOURCES = \
	%D%/connection.h %D%/qdevice.c %D%/receive.c %D%/votequorum.c services/votequorum/messages.h
libvotequorum_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libvotequorum_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -Wl,-z,defs -version-info 9:0:1 \
	-Wl,--version-script=$(top_srcdir)/%D%/libvotequorum.map
libvotequorum_la_LIBADD = libclient.la libcorosync_common.la $(QB_LIBS) -lpthread
EXTRA_libvotequorum_la_DEPENDENCIES = %D%/libvotequorum.map

pkgconfig_DATA += %D%/libvotequorum.pc
CLEANFILES += %D%/libvotequorum.pc
EXTRA_DIST += %D%/libvotequorum.pc.in %D%/libvotequorum.map

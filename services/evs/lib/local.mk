# SPDX-License-Identifier: BSD-3-Clause
# services/evs/lib: libevs.
corosyncinclude_HEADERS += include/corosync/evs.h

lib_LTLIBRARIES += libevs.la
libevs_la_SOURCES = \
	%D%/connection.h %D%/evs.c %D%/mcast.c %D%/receive.c services/evs/messages.h
libevs_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libevs_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -Wl,-z,defs -version-info 4:0:0 \
	-Wl,--version-script=$(top_srcdir)/%D%/libevs.map
libevs_la_LIBADD = libclient.la libcorosync_common.la $(QB_LIBS) -lpthread
EXTRA_libevs_la_DEPENDENCIES = %D%/libevs.map

pkgconfig_DATA += %D%/libevs.pc
CLEANFILES += %D%/libevs.pc
EXTRA_DIST += %D%/libevs.pc.in %D%/libevs.map

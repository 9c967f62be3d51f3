# SPDX-License-Identifier: BSD-3-Clause
# services/cfg/lib: libcfg.
corosyncinclude_HEADERS += include/corosync/cfg.h

lib_LTLIBRARIES += libcfg.la
libcfg_la_SOURCES = \
	%D%/admin.c %D%/connection.h %D%/handle.c %D%/shutdown.c %D%/status.c \
	services/cfg/messages.h
libcfg_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libcfg_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -Wl,-z,defs -version-info 10:0:3 \
	-Wl,--version-script=$(top_srcdir)/%D%/libcfg.map
libcfg_la_LIBADD = libclient.la libcorosync_common.la $(QB_LIBS) -lpthread
EXTRA_libcfg_la_DEPENDENCIES = %D%/libcfg.map

pkgconfig_DATA += %D%/libcfg.pc
CLEANFILES += %D%/libcfg.pc
EXTRA_DIST += %D%/libcfg.pc.in %D%/libcfg.map

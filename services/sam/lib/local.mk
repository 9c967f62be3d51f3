# SPDX-License-Identifier: BSD-3-Clause
# services/sam/lib: libsam. It lives on the public interfaces of libquorum and libcmap.
corosyncinclude_HEADERS += include/corosync/sam.h

lib_LTLIBRARIES += libsam.la
libsam_la_SOURCES = \
	%D%/callback.c %D%/callback.h %D%/message.c %D%/message.h %D%/process.h %D%/report.c %D%/report.h \
	%D%/sam.c %D%/supervisor.c %D%/supervisor.h
libsam_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libsam_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -Wl,-z,defs -version-info 8:0:4 \
	-Wl,--version-script=$(top_srcdir)/%D%/libsam.map
libsam_la_LIBADD = libquorum.la libcmap.la -lpthread
EXTRA_libsam_la_DEPENDENCIES = %D%/libsam.map

pkgconfig_DATA += %D%/libsam.pc
CLEANFILES += %D%/libsam.pc
EXTRA_DIST += %D%/libsam.pc.in %D%/libsam.map

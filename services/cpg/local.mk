# The service plugin; the library and the man pages have fragments of their own.
plugin_LTLIBRARIES += cpg.la
cpg_la_SOURCES = \
	%D%/cpg.c %D%/cpg.h %D%/messages.h \
	%D%/groups.c %D%/requests.c %D%/deliver.c %D%/resync.c \
	%D%/iterate.c %D%/zero_copy.c
cpg_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
cpg_la_LDFLAGS = $(PLUGIN_LDFLAGS)

include services/cpg/lib/local.mk
include services/cpg/man/local.mk

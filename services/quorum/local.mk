# services/quorum: the quorum verdict for clients. The library and its man pages have fragments of their own.
quorum_service_sources = \
	services/quorum/quorum.c services/quorum/quorum.h services/quorum/messages.h \
	services/quorum/sync.c services/quorum/tell.c

if WITH_QUORUM
plugin_LTLIBRARIES += quorum.la
endif
quorum_la_SOURCES = $(quorum_service_sources)
quorum_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
quorum_la_LDFLAGS = $(PLUGIN_LDFLAGS)

include services/quorum/lib/local.mk
include services/quorum/man/local.mk

# services/cmap: the configuration map for clients. The library and the man pages have fragments of their own.
cmap_service_sources = \
	services/cmap/cmap.c services/cmap/cmap.h services/cmap/messages.h \
	services/cmap/requests.c services/cmap/iterate.c services/cmap/track.c services/cmap/version.c

if WITH_CMAP
plugin_LTLIBRARIES += cmap.la
endif
cmap_la_SOURCES = $(cmap_service_sources)
cmap_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
cmap_la_LDFLAGS = $(PLUGIN_LDFLAGS)

include services/cmap/lib/local.mk

# services/evs: extended virtual synchrony for clients. The library, the manual pages and the example
# have fragments of their own.
evs_service_sources = \
	services/evs/evs.c services/evs/evs.h services/evs/messages.h \
	services/evs/groups.c services/evs/requests.c services/evs/deliver.c

if WITH_EVS
plugin_LTLIBRARIES += evs.la
endif
evs_la_SOURCES = $(evs_service_sources)
evs_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
evs_la_LDFLAGS = $(PLUGIN_LDFLAGS)

include services/evs/lib/local.mk
include services/evs/man/local.mk
include services/evs/example/local.mk

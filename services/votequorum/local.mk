# services/votequorum: the vote counting quorum provider. The library and its man pages have fragments of their
# own.
votequorum_service_sources = \
	services/votequorum/votequorum.c services/votequorum/votequorum.h services/votequorum/messages.h \
	services/votequorum/calc.c services/votequorum/calc.h \
	services/votequorum/config.c services/votequorum/config.h \
	services/votequorum/device.c services/votequorum/requests.c services/votequorum/ring.c \
	services/votequorum/sync.c services/votequorum/tell.c

if WITH_VOTEQUORUM
plugin_LTLIBRARIES += votequorum.la
endif
votequorum_la_SOURCES = $(votequorum_service_sources)
votequorum_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
votequorum_la_LDFLAGS = $(PLUGIN_LDFLAGS)

include services/votequorum/lib/local.mk

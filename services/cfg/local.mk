# The service plugin; the library and the man pages have fragments of their own.
cfg_service_sources = \
	services/cfg/cfg.c services/cfg/cfg.h services/cfg/messages.h \
	services/cfg/reload.c services/cfg/shutdown.c services/cfg/status.c

if WITH_CFG
plugin_LTLIBRARIES += cfg.la
endif
cfg_la_SOURCES = $(cfg_service_sources)
cfg_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
cfg_la_LDFLAGS = $(PLUGIN_LDFLAGS)

include services/cfg/lib/local.mk
include services/cfg/man/local.mk

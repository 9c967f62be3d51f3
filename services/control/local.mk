# services/control: what an administrator asks of the running daemon. Its client is coterie-ctl.
control_service_sources = \
	services/control/control.c services/control/control.h services/control/messages.h \
	services/control/nodes.c services/control/reload.c services/control/state.c

if WITH_CONTROL
plugin_LTLIBRARIES += control.la
endif
control_la_SOURCES = $(control_service_sources)
control_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
control_la_LDFLAGS = $(PLUGIN_LDFLAGS)

include services/control/man/local.mk

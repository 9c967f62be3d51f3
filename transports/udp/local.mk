if WITH_UDP
plugin_LTLIBRARIES += udp.la
endif
udp_la_SOURCES = %D%/udp.c %D%/group.c %D%/udp.h
udp_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
udp_la_LDFLAGS = $(PLUGIN_LDFLAGS)
udp_la_LIBADD = libtransport.la

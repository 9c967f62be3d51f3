knet_sources = \
	%D%/knet.c %D%/data.c %D%/links.c %D%/watch.c %D%/crypto.c %D%/stats.c %D%/log.c %D%/knet.h

if WITH_KNET
plugin_LTLIBRARIES += knet.la
endif
knet_la_SOURCES = $(knet_sources)
knet_la_CFLAGS = $(AM_CFLAGS) $(KNET_CFLAGS) -fvisibility=hidden
knet_la_LDFLAGS = $(PLUGIN_LDFLAGS)
knet_la_LIBADD = libtransport.la $(KNET_LIBS)

# exec/totem: the ordered-delivery engine. Includes nothing of exec/ outside this folder.
totem_sources = \
	%D%/cursor.h \
	%D%/engine.h \
	%D%/frame.c %D%/frame.h \
	%D%/node_set.c %D%/node_set.h \
	%D%/pack.c %D%/pack.h \
	%D%/ring_id.h \
	%D%/unpack.c %D%/unpack.h \
	%D%/wire.c %D%/wire.h

noinst_LTLIBRARIES += libtotem.la libtotem-hooks.la
libtotem_la_SOURCES = $(totem_sources)
# For tests/sim alone: deliberate bugs and the reference's quirks can be switched on.
libtotem_hooks_la_SOURCES = $(totem_sources)
libtotem_hooks_la_CPPFLAGS = $(AM_CPPFLAGS) -DTOTEM_HOOKS

# exec/totem: the ordered-delivery engine. Includes nothing of exec/ outside this folder.
totem_sources = \
	%D%/claim.c \
	%D%/commit.c \
	%D%/configure.c \
	%D%/counters.c \
	%D%/cursor.h \
	%D%/deliver.c \
	%D%/early.c \
	%D%/engine.c %D%/engine.h \
	%D%/evict.c \
	%D%/extension.c \
	%D%/flow.c \
	%D%/frame.c %D%/frame.h \
	%D%/gather.c \
	%D%/hooks.c %D%/hooks.h \
	%D%/join.c \
	%D%/late_path.c \
	%D%/lease.c \
	%D%/linger.c \
	%D%/merge.c \
	%D%/node_set.c %D%/node_set.h \
	%D%/pack.c %D%/pack.h \
	%D%/peer.c \
	%D%/receive.c \
	%D%/recovery.c \
	%D%/retransmit.c \
	%D%/ring_id.h \
	%D%/silence.c \
	%D%/state.h \
	%D%/store.c \
	%D%/suspect.c \
	%D%/timers.c \
	%D%/token.c \
	%D%/unpack.c %D%/unpack.h \
	%D%/window.c %D%/window.h \
	%D%/wire.c %D%/wire.h

noinst_LTLIBRARIES += libtotem.la libtotem-hooks.la
libtotem_la_SOURCES = $(totem_sources)
# For tests/sim alone: deliberate bugs and the reference's quirks can be switched on.
libtotem_hooks_la_SOURCES = $(totem_sources)
libtotem_hooks_la_CPPFLAGS = $(AM_CPPFLAGS) -DTOTEM_HOOKS

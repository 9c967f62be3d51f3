# SPDX-License-Identifier: BSD-3-Clause
# exec/totem: the ordered-delivery engine. Includes nothing of exec/ outside this folder.
totem_sources = \
	%D%/announce.c %D%/announce.h \
	%D%/aru.c %D%/aru.h \
	%D%/backoff.c %D%/backoff.h %D%/belief.c %D%/belief.h \
	%D%/claim.c %D%/claim.h \
	%D%/commit.c %D%/commit.h \
	%D%/conclude.c %D%/conclude.h \
	%D%/configure.c %D%/configure.h \
	%D%/core.c %D%/core.h \
	%D%/counters.c \
	%D%/cursor.h \
	%D%/deliver.c %D%/deliver.h \
	%D%/early.c %D%/early.h \
	%D%/engine.c %D%/engine.h \
	%D%/evict.c %D%/evict.h \
	%D%/expiry.c %D%/expiry.h \
	%D%/extension.c %D%/extension.h \
	%D%/flow.c %D%/flow.h \
	%D%/frame.c %D%/frame.h \
	%D%/gather.c %D%/gather.h \
	%D%/hold.c %D%/hold.h \
	%D%/hooks.c %D%/hooks.h \
	%D%/join.c %D%/join.h \
	%D%/late.c %D%/late.h \
	%D%/late_path.c %D%/late_path.h \
	%D%/lease.c %D%/lease.h \
	%D%/linger.c %D%/linger.h \
	%D%/lists.c %D%/lists.h \
	%D%/merge.c %D%/merge.h \
	%D%/multicast.c %D%/multicast.h \
	%D%/node_set.c %D%/node_set.h \
	%D%/owed.c %D%/owed.h \
	%D%/pack.c %D%/pack.h \
	%D%/pass.c %D%/pass.h \
	%D%/peer.c %D%/peer.h \
	%D%/place.h \
	%D%/probe.c %D%/probe.h \
	%D%/queues.c %D%/queues.h \
	%D%/receive.c %D%/receive.h \
	%D%/recovery.c %D%/recovery.h \
	%D%/retransmit.c %D%/retransmit.h \
	%D%/ring_id.h \
	%D%/set.c %D%/set.h \
	%D%/sign.c %D%/sign.h \
	%D%/silence.c %D%/silence.h \
	%D%/state.h \
	%D%/store.c %D%/store.h \
	%D%/suspect.c %D%/suspect.h \
	%D%/timers.c %D%/timers.h \
	%D%/token.c %D%/token.h \
	%D%/unpack.c %D%/unpack.h \
	%D%/vote.c %D%/vote.h \
	%D%/window.c %D%/window.h \
	%D%/wire.c %D%/wire.h

noinst_LTLIBRARIES += libtotem.la
libtotem_la_SOURCES = $(totem_sources)
libtotem_la_CFLAGS = $(AM_CFLAGS)
# For tests/sim alone: deliberate bugs and the reference's quirks can be switched on.
check_LTLIBRARIES += libtotem-hooks.la
libtotem_hooks_la_SOURCES = $(totem_sources)
libtotem_hooks_la_CPPFLAGS = $(AM_CPPFLAGS) -DTOTEM_HOOKS

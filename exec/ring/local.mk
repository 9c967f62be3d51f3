# SPDX-License-Identifier: BSD-3-Clause
# exec/ring: the parts between the engine and one listener.
libcore_la_SOURCES += \
	%D%/ring.c %D%/ring.h %D%/ring_private.h %D%/ring_account.c %D%/ring_account.h %D%/ring_lease.c \
	%D%/ring_life.c %D%/ring_log.c %D%/ring_log.h %D%/ring_packet.c %D%/ring_packet.h %D%/ring_seq.c %D%/ring_seq.h \
	%D%/ring_sources.c %D%/ring_sources.h %D%/ring_status.c %D%/ring_store.c %D%/ring_event.c %D%/state_dir.c %D%/state_dir.h %D%/eviction.c \
	%D%/eviction.h %D%/stats_totem.c %D%/stats_totem.h

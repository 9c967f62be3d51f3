# SPDX-License-Identifier: BSD-3-Clause
# exec/sync: ring messages of services, their synchronisation, and the verdict about quorum.
libcore_la_SOURCES += \
	%D%/sync.c %D%/sync.h %D%/round.c %D%/round.h %D%/round_message.c %D%/round_message.h %D%/roster.c %D%/roster.h \
	%D%/together.c %D%/together.h %D%/delivery.c %D%/delivery.h \
	%D%/route.c %D%/route.h %D%/quorum.c %D%/quorum.h %D%/writable.c %D%/writable.h

# SPDX-License-Identifier: BSD-3-Clause
# exec/daemon: the process, its modes, its rights, and the keys about itself.
libexecutive_la_SOURCES += \
	%D%/crypto_memory.c %D%/crypto_memory.h %D%/heap.c %D%/heap.h
libcore_la_SOURCES += \
	%D%/cage.c %D%/cage.h %D%/check_plugin.c %D%/check_plugin.h %D%/instance.c %D%/instance.h \
	%D%/departed.c %D%/departed.h %D%/map_publish.c %D%/map_publish.h %D%/modes.c %D%/modes.h %D%/options.c %D%/options.h %D%/process.c \
	%D%/process.h %D%/repair.c %D%/repair.h %D%/runtime_keys.c %D%/runtime_keys.h %D%/shared_tell.c \
	%D%/shared_tell.h %D%/stats_daemon.c %D%/stats_daemon.h %D%/stats_process.c

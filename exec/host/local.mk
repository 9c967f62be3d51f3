# SPDX-License-Identifier: BSD-3-Clause
# exec/host: the host table, by which plugins reach the daemon.
libcore_la_SOURCES += \
	%D%/host.c %D%/host.h %D%/host_private.h %D%/host_admin.c %D%/host_loop.c %D%/host_map.c \
	%D%/host_metric.c %D%/state_disk.h %D%/state_writer.c %D%/state_writer.h $(utf8_sources)
# The test kit has a disk of its own.
libexecutive_la_SOURCES += %D%/state_disk.c $(thread_sources)

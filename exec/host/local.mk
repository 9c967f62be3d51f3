# exec/host: the host table, by which plugins reach the daemon.
host_sources = \
	%D%/host.c %D%/host.h %D%/host_private.h %D%/host_admin.c %D%/host_loop.c %D%/host_map.c
libcore_la_SOURCES += $(host_sources)

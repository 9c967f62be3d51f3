# The executive: everything but main.c is a convenience library, so that unit tests link it as well.
noinst_LTLIBRARIES += libexecutive.la
libexecutive_la_LIBADD = libtotem.la $(QB_LIBS) $(LTDL_LIBS)

# Loop, ring, routing, synchronisation, process.
libexecutive_la_SOURCES = \
	%D%/check_plugin.c %D%/check_plugin.h %D%/executive.c %D%/executive.h %D%/instance.c %D%/instance.h %D%/loop.c %D%/loop.h \
	%D%/map_publish.c %D%/map_publish.h %D%/options.c %D%/options.h %D%/process.c %D%/process.h \
	%D%/quorum.c %D%/quorum.h %D%/runtime_keys.c %D%/runtime_keys.h %D%/stats.c %D%/stats.h %D%/stats_daemon.c %D%/stats_daemon.h \
	%D%/stats_totem.c %D%/stats_totem.h \
	%D%/reload.c %D%/reload.h %D%/reload_private.h %D%/reload_apply.c %D%/reload_keys.c %D%/reload_nodes.c %D%/reload_peers.c \
	%D%/rekey.c %D%/rekey.h \
	%D%/ring.c %D%/ring.h %D%/ring_private.h %D%/ring_life.c %D%/ring_status.c %D%/ring_log.c %D%/ring_log.h %D%/route.c %D%/route.h \
	%D%/state_dir.c %D%/state_dir.h %D%/sync.c %D%/sync.h

# Plugins, host table, IPC.
libexecutive_la_SOURCES += \
	%D%/plugin.c %D%/plugin.h %D%/plugin_private.h %D%/plugin_open.c %D%/plugin_check.c \
	%D%/plugin_options.c %D%/plugin_table.c %D%/plugin_options.h $(host_sources) \
	%D%/ipc_server.c %D%/ipc_server.h %D%/ipc_private.h %D%/ipc_poll.c %D%/ipc_access.c \
	%D%/ipc_request.c %D%/ipc_gate.c %D%/ipc_client.c %D%/ipc_stats.c
host_sources = %D%/host.c %D%/host_private.h %D%/host_loop.c %D%/host_map.c %D%/host_admin.c
# Configuration, its map, the log.
libexecutive_la_SOURCES += \
	$(config_sources) \
	%D%/flight.c %D%/flight.h %D%/log.c %D%/log.h %D%/log_format.c %D%/log_format.h %D%/log_limit.c \
	%D%/log_qb.c %D%/log_sink.c %D%/log_sink.h \
	$(map_sources)
map_sources = %D%/map.c %D%/map.h %D%/map_private.h %D%/map_track.c %D%/map_iterate.c

# The daemon.
sbin_PROGRAMS += %D%/coterie
%C%_coterie_SOURCES = %D%/main.c
# Plugins reach the host by its table alone: a function of theirs with the name of one of ours is theirs.
%C%_coterie_LDFLAGS = $(AM_LDFLAGS) -Wl,--exclude-libs,ALL $(BUILTIN_LDFLAGS)
%C%_coterie_LDADD = libexecutive.la
%C%_coterie_DEPENDENCIES = libexecutive.la $(BUILTIN_LTLIBRARIES)

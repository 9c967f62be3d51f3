# The executive: everything but main.c is a convenience library, so that unit tests link it as well. Of it,
# libcore is what runs under another loop and another log, too: the test kit (testkit/) has its own.
noinst_LTLIBRARIES += libexecutive.la libcore.la
libcore_la_LIBADD = $(CONFUSE_LIBS)
libexecutive_la_LIBADD = libcore.la libtotem.la $(DAEMON_LIBS) $(CRYPTO_LIBS)
libexecutive_la_SOURCES = \
	%D%/loop.c %D%/loop.h %D%/flight.c %D%/flight.h %D%/log.c %D%/log.h %D%/log_format.c %D%/log_format.h \
	%D%/log_qb.c %D%/log_sink.c %D%/log_sink.h %D%/state_disk.c %D%/crypto_memory.c %D%/crypto_memory.h $(qb_sources)
# Memory shared with clients: channels have it in the test kit, too.
qb_fault_sources = %D%/qb/fault.c %D%/qb/fault.h
# exec/qb: the server half of libqb's IPC protocol. The test kit has its own, without sockets.
qb_sources = \
	%D%/qb/qb.h %D%/qb/private.h %D%/qb/connection.c %D%/qb/folder.c %D%/qb/handshake.c %D%/qb/members.c \
	%D%/qb/ring.c %D%/qb/ring.h %D%/qb/semaphore.c %D%/qb/semaphore.h %D%/qb/server.c %D%/qb/shm.c %D%/qb/socket.c

# Ring, routing, synchronisation, process.
libcore_la_SOURCES = \
	%D%/cage.c %D%/cage.h %D%/check_plugin.c %D%/check_plugin.h %D%/delivery.c %D%/delivery.h %D%/executive.c %D%/executive.h %D%/instance.c %D%/instance.h \
	%D%/map_options.c %D%/map_publish.c %D%/map_publish.h %D%/modes.c %D%/modes.h %D%/options.c %D%/options.h %D%/process.c %D%/process.h \
	%D%/quorum.c %D%/quorum.h %D%/runtime_keys.c %D%/runtime_keys.h %D%/stats.c %D%/stats.h %D%/stats_daemon.c %D%/stats_daemon.h %D%/stats_process.c \
	%D%/histogram.c %D%/histogram.h %D%/ring_account.c %D%/ring_account.h %D%/ring_sources.c %D%/ring_sources.h \
	%D%/eviction.c %D%/eviction.h %D%/stats_totem.c %D%/stats_totem.h \
	%D%/reload.c %D%/reload.h %D%/reload_private.h %D%/reload_apply.c %D%/reload_count.c %D%/reload_error.c %D%/reload_hangup.c %D%/reload_key.c %D%/reload_keys.c \
	%D%/reload_list.c %D%/reload_nodes.c %D%/reload_peers.c %D%/reload_quorum.c \
	%D%/key_file.c %D%/key_file.h %D%/rekey.c %D%/rekey.h %D%/repair.c %D%/repair.h %D%/rotate.c %D%/rotate.h \
	%D%/ring.c %D%/ring.h %D%/ring_private.h %D%/ring_lease.c %D%/ring_life.c %D%/ring_status.c %D%/ring_log.c %D%/ring_log.h \
	%D%/ring_seq.c %D%/ring_seq.h %D%/ring_store.c %D%/route.c %D%/route.h \
	%D%/resync.c %D%/resync.h %D%/round.c %D%/round.h %D%/state_dir.c %D%/state_dir.h %D%/sync.c %D%/sync.h \
	%D%/state_disk.h %D%/state_writer.c %D%/state_writer.h %D%/writable.c %D%/writable.h

# Where plugins come from: files and builtins, or builtins alone.
if STATIC_BINARY
plugin_open_sources = %D%/plugin_static.c
else
plugin_open_sources = %D%/plugin_open.c
endif

# Plugins, host table, IPC.
libcore_la_SOURCES += $(qb_fault_sources) \
	%D%/plugin.c %D%/plugin.h %D%/plugin_load.c %D%/plugin_load.h %D%/plugin_private.h $(plugin_open_sources) %D%/plugin_check.c \
	%D%/plugin_error.c %D%/plugin_name.c %D%/plugin_overrides.c %D%/plugin_probe.c \
	%D%/plugin_life.c %D%/plugin_life.h %D%/plugin_replace.c %D%/plugin_life_private.h \
	%D%/plugin_trial.c %D%/plugin_trial.h %D%/plugin_watch.c %D%/plugin_watch.h \
	%D%/plugin_options.c %D%/plugin_table.c %D%/plugin_options.h $(host_sources) \
	%D%/ipc_server.c %D%/ipc_server.h %D%/ipc_private.h %D%/ipc_poll.c %D%/ipc_access.c \
	%D%/ipc_request.c %D%/ipc_handover.c %D%/ipc_gate.c %D%/ipc_hold.c %D%/ipc_client.c %D%/ipc_client_end.c %D%/ipc_backlog.c %D%/ipc_channel.c %D%/ipc_channel.h \
	%D%/ipc_channel_state.c %D%/ipc_channel_memory.c %D%/ipc_channel_await.c %D%/ipc_channel_receive.c %D%/ipc_channel_send.c %D%/ipc_call.c %D%/ipc_reply.c %D%/ipc_stats.c
host_sources = %D%/host.c %D%/host.h %D%/host_private.h %D%/host_loop.c %D%/host_map.c %D%/host_metric.c %D%/host_admin.c
# Configuration, its map, the log.
libcore_la_SOURCES += \
	$(config_sources) \
	%D%/log_limit.c \
	$(map_sources)
map_sources = %D%/map.c %D%/map.h %D%/map_private.h %D%/map_track.c %D%/map_iterate.c

distclean-local: archives-distclean
archives-distclean:
	rm -rf archives
.PHONY: archives-distclean

# The daemon.
sbin_PROGRAMS += %D%/coterie
%C%_coterie_SOURCES = %D%/main.c
# Plugins reach the host by its table alone: a function of theirs with the name of one of ours is theirs.
%C%_coterie_LDFLAGS = $(AM_LDFLAGS) -Wl,--exclude-libs,ALL $(BUILTIN_LDFLAGS)
%C%_coterie_LDADD = libexecutive.la
%C%_coterie_DEPENDENCIES = libexecutive.la $(BUILTIN_LTLIBRARIES)

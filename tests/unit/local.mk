# SPDX-License-Identifier: BSD-3-Clause
# Unit tests, one check program per module:
#
#	check_PROGRAMS += %D%/test_X
#	TESTS += %D%/test_X
#	%C%_test_X_SOURCES = %D%/test_X.c
#	%C%_test_X_LDADD = libX.la $(CHECK_LIBS)
dist_check_DATA += %D%/prose.py %D%/circles.py %D%/owners.py %D%/draw_comments.py %D%/prose.exceptions %D%/tree/newer.txt
static_checks = %D%/check_reference.sh %D%/check_includes.sh %D%/check_circles.sh %D%/check_owners.sh %D%/check_prefixes.sh %D%/check_shell.sh \
	%D%/check_headers.sh %D%/check_man.sh %D%/check_unit.sh \
	%D%/check_postinst.sh %D%/check_costs.sh %D%/check_prose.sh %D%/check_commits.sh %D%/check_citations.sh %D%/check_spdx.sh %D%/check_format.sh \
	%D%/newer.sh
dist_check_SCRIPTS += $(static_checks)
# The service script for OpenRC.
dist_check_SCRIPTS += %D%/openrc.sh %D%/slow_names.sh %D%/agree.sh
dist_check_DATA += %D%/openrc_run.sh
TESTS += %D%/openrc.sh %D%/slow_names.sh %D%/agree.sh
TESTS += $(static_checks)

check-shell-long:
	@SHELL_FOLLOW=all bash $(srcdir)/%D%/check_shell.sh
check-long: check-shell-long
.PHONY: check-shell-long

# The page of the plugin metrics.
dist_check_SCRIPTS += %D%/dashboard.sh
TESTS += %D%/dashboard.sh

# Examples of configuration, wherever they stand.
dist_check_SCRIPTS += %D%/examples.sh
dist_check_DATA += %D%/examples.py
TESTS += %D%/examples.sh

# Completion, in the shells.
if HAVE_JSON
dist_check_SCRIPTS += %D%/completion.sh
dist_check_DATA += %D%/typed.py
TESTS += %D%/completion.sh
endif

# exec/{loop,ring,sync}/: each with stand-ins for what it calls.
exec_unit_tests = %D%/test_loop %D%/test_route %D%/test_state_dir %D%/test_sync %D%/test_sync_alone \
	%D%/test_sync_late %D%/test_delivery
check_PROGRAMS += $(exec_unit_tests)
TESTS += $(exec_unit_tests)
%C%_test_loop_SOURCES = %D%/test_loop.c exec/loop/loop.c
%C%_test_loop_LDADD = $(CHECK_LIBS) $(QB_LIBS)
check_PROGRAMS += %D%/test_crypto_memory
TESTS += %D%/test_crypto_memory
%C%_test_crypto_memory_SOURCES = %D%/test_crypto_memory.c exec/daemon/crypto_memory.c
%C%_test_crypto_memory_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
%C%_test_crypto_memory_LDADD = $(CHECK_LIBS) $(CRYPTO_LIBS)
%C%_test_route_SOURCES = %D%/test_route.c exec/sync/route.c exec/ring/ring_packet.c $(map_sources)
%C%_test_route_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_state_dir_SOURCES = %D%/test_state_dir.c exec/daemon/instance.c exec/ring/ring_seq.c exec/ring/state_dir.c
%C%_test_state_dir_CPPFLAGS = -I$(top_srcdir) -I$(top_srcdir)/include -D_GNU_SOURCE $(HARDEN_CPPFLAGS) \
	-DLOCALSTATE_DIR='"/nonexistent"' -DRUNSTATE_DIR='"/tmp/coterie-test-run"'
%C%_test_state_dir_LDADD = $(CHECK_LIBS)
%C%_test_delivery_SOURCES = %D%/test_delivery.c exec/sync/delivery.c
%C%_test_delivery_LDADD = libtotem.la $(CHECK_LIBS)
check_LTLIBRARIES += %D%/libsync_case.la
%C%_libsync_case_la_SOURCES = %D%/sync_case.c %D%/sync_case.h exec/sync/sync.c exec/sync/round.c \
	exec/sync/round_message.c exec/sync/roster.c exec/sync/together.c
%C%_test_sync_SOURCES = %D%/test_sync.c
%C%_test_sync_LDADD = %D%/libsync_case.la libtotem.la $(CHECK_LIBS)
%C%_test_sync_alone_SOURCES = %D%/test_sync_alone.c $(fail_alloc_sources)
%C%_test_sync_alone_LDFLAGS = $(fail_alloc_ldflags)
%C%_test_sync_alone_LDADD = %D%/libsync_case.la libtotem.la $(CHECK_LIBS)
%C%_test_sync_late_SOURCES = %D%/test_sync_late.c
%C%_test_sync_late_LDADD = %D%/libsync_case.la libtotem.la $(CHECK_LIBS)

# exec/ring/ between a made-up transport and a made-up engine.
ring_unit_tests = %D%/test_ring %D%/test_ring_lease %D%/test_ring_links %D%/test_ring_seq
check_PROGRAMS += $(ring_unit_tests)
TESTS += $(ring_unit_tests)
check_LTLIBRARIES += %D%/libring_case.la
%C%_libring_case_la_SOURCES = %D%/ring_case.c %D%/ring_case.h exec/ring/ring.c exec/ring/ring_lease.c exec/ring/ring_life.c \
	exec/ring/ring_packet.c exec/ring/ring_seq.c exec/ring/ring_store.c exec/totem/frame.c exec/totem/wire.c
%C%_libring_case_la_CFLAGS = $(AM_CFLAGS)
ring_case_libs = %D%/libring_case.la $(CHECK_LIBS)
%C%_test_ring_SOURCES = %D%/test_ring.c
%C%_test_ring_LDADD = $(ring_case_libs)
%C%_test_ring_lease_SOURCES = %D%/test_ring_lease.c
%C%_test_ring_lease_LDADD = $(ring_case_libs)
%C%_test_ring_links_SOURCES = %D%/test_ring_links.c
%C%_test_ring_links_LDADD = $(ring_case_libs)
%C%_test_ring_seq_SOURCES = %D%/test_ring_seq.c
%C%_test_ring_seq_LDADD = $(ring_case_libs)

# exec/totem: the codec and the group layer. vectors/ holds captured packets.
lease_tests = %D%/test_lease %D%/test_lease_contact %D%/test_lease_length %D%/test_lease_majority
silence_tests = %D%/test_silence %D%/test_silence_records %D%/test_silence_witness
totem_unit_tests = \
	%D%/test_engine %D%/test_engine_input %D%/test_engine_seqs %D%/test_engine_sync \
	%D%/test_engine_signs %D%/test_engine_backoff %D%/test_engine_cut %D%/test_engine_paths $(lease_tests) $(silence_tests) \
	%D%/test_frame \
	%D%/test_node_set %D%/test_pack %D%/test_unpack %D%/test_pack_unpack \
	%D%/test_hold %D%/test_flow %D%/test_linger %D%/test_early %D%/test_window %D%/test_engine_late %D%/test_join %D%/test_engine_options $(wire_tests)
check_PROGRAMS += $(totem_unit_tests)
TESTS += $(totem_unit_tests)
dist_check_DATA += \
	%D%/vectors/04-commit-token.hex %D%/vectors/04-hold-cancel.hex %D%/vectors/04-join.hex \
	%D%/vectors/04-mcast-fragments.hex %D%/vectors/04-mcast-recovery.hex \
	%D%/vectors/04-mcast.hex %D%/vectors/04-merge-detect.hex %D%/vectors/04-token.hex
vectors_sources = %D%/vectors.c %D%/vectors.h
vectors_cppflags = -DVECTORS_DIR='"$(abs_top_srcdir)/%D%/vectors"'
# Programs that make allocations fail (fail_alloc.h).
fail_alloc_sources = %D%/fail_alloc.c %D%/fail_alloc.h
fail_alloc_ldflags = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=reallocarray
engine_net_sources = %D%/engine_net.c %D%/engine_net.h
engine_case_sources = %D%/engine_case.c %D%/engine_case.h $(engine_net_sources)
lease_case_sources = %D%/lease_case.c %D%/lease_case.h $(engine_case_sources)
silence_case_sources = %D%/silence_case.c %D%/silence_case.h $(engine_case_sources)
%C%_test_engine_SOURCES = %D%/test_engine.c $(engine_net_sources)
%C%_test_engine_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_engine_input_SOURCES = %D%/test_engine_input.c $(engine_net_sources)
%C%_test_engine_input_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_engine_sync_SOURCES = %D%/test_engine_sync.c $(engine_net_sources)
%C%_test_engine_sync_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_engine_seqs_SOURCES = %D%/test_engine_seqs.c $(engine_net_sources)
%C%_test_engine_seqs_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_engine_signs_SOURCES = %D%/test_engine_signs.c $(engine_case_sources)
%C%_test_engine_signs_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_engine_backoff_SOURCES = %D%/test_engine_backoff.c $(engine_case_sources)
%C%_test_engine_backoff_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_engine_cut_SOURCES = %D%/test_engine_cut.c $(engine_case_sources)
%C%_test_engine_cut_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_engine_paths_SOURCES = %D%/test_engine_paths.c $(engine_net_sources)
%C%_test_engine_paths_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_lease_SOURCES = %D%/test_lease.c $(lease_case_sources)
%C%_test_lease_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_lease_contact_SOURCES = %D%/test_lease_contact.c $(lease_case_sources)
%C%_test_lease_contact_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_lease_length_SOURCES = %D%/test_lease_length.c $(lease_case_sources)
%C%_test_lease_length_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_lease_majority_SOURCES = %D%/test_lease_majority.c $(lease_case_sources)
%C%_test_lease_majority_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_silence_SOURCES = %D%/test_silence.c $(silence_case_sources)
%C%_test_silence_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_silence_records_SOURCES = %D%/test_silence_records.c $(silence_case_sources)
%C%_test_silence_records_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_silence_witness_SOURCES = %D%/test_silence_witness.c $(silence_case_sources)
%C%_test_silence_witness_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_frame_SOURCES = %D%/test_frame.c $(fail_alloc_sources)
%C%_test_frame_LDFLAGS = $(fail_alloc_ldflags)
%C%_test_frame_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_node_set_SOURCES = %D%/test_node_set.c $(fail_alloc_sources)
%C%_test_node_set_LDFLAGS = $(fail_alloc_ldflags)
%C%_test_node_set_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_pack_SOURCES = %D%/test_pack.c $(fail_alloc_sources)
%C%_test_pack_LDFLAGS = $(fail_alloc_ldflags)
%C%_test_pack_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_pack_unpack_SOURCES = %D%/test_pack_unpack.c
%C%_test_pack_unpack_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_unpack_SOURCES = %D%/test_unpack.c $(vectors_sources) $(fail_alloc_sources)
%C%_test_unpack_CPPFLAGS = $(AM_CPPFLAGS) $(vectors_cppflags)
%C%_test_unpack_LDFLAGS = $(fail_alloc_ldflags)
%C%_test_unpack_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_engine_options_SOURCES = %D%/test_engine_options.c $(engine_net_sources)
%C%_test_engine_options_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_hold_SOURCES = %D%/test_hold.c $(engine_net_sources)
%C%_test_hold_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_flow_SOURCES = %D%/test_flow.c $(engine_net_sources)
%C%_test_flow_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_linger_SOURCES = %D%/test_linger.c $(engine_net_sources)
%C%_test_linger_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_join_SOURCES = %D%/test_join.c $(engine_net_sources)
%C%_test_join_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_engine_late_SOURCES = %D%/test_engine_late.c $(engine_net_sources)
%C%_test_engine_late_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_early_SOURCES = %D%/test_early.c $(engine_net_sources)
%C%_test_early_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_window_SOURCES = %D%/test_window.c $(engine_net_sources)
%C%_test_window_LDADD = libtotem.la $(CHECK_LIBS)
wire_tests = %D%/test_wire %D%/test_wire_groups %D%/test_wire_limits %D%/test_wire_trailers
wire_case_sources = %D%/wire_case.c %D%/wire_case.h
%C%_test_wire_SOURCES = %D%/test_wire.c $(wire_case_sources) $(vectors_sources)
%C%_test_wire_CPPFLAGS = $(AM_CPPFLAGS) $(vectors_cppflags)
%C%_test_wire_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_wire_groups_SOURCES = %D%/test_wire_groups.c $(wire_case_sources)
%C%_test_wire_groups_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_wire_limits_SOURCES = %D%/test_wire_limits.c $(wire_case_sources)
%C%_test_wire_limits_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_wire_trailers_SOURCES = %D%/test_wire_trailers.c $(wire_case_sources)
%C%_test_wire_trailers_LDADD = libtotem.la $(CHECK_LIBS)

# exec/{host,ipc,life,plugin}/: a real loop and libqb, stand-ins for the rest.
exec_stub_sources = %D%/exec_stub.c %D%/exec_stub.h config/compat.c config/compat.h $(map_sources)
exec_channel_sources = exec/ipc/ipc_channel.c exec/ipc/ipc_channel_state.c exec/ipc/ipc_channel_await.c exec/ipc/ipc_channel_memory.c exec/ipc/ipc_channel_receive.c exec/ipc/ipc_channel_send.c
exec_ipc_sources = $(qb_sources) $(qb_fault_sources) exec/loop/loop.c exec/ipc/ipc_server.c exec/ipc/ipc_poll.c exec/ipc/ipc_access.c exec/ipc/ipc_request.c \
	exec/ipc/ipc_gate.c exec/ipc/ipc_hold.c exec/ipc/ipc_handover.c exec/ipc/ipc_client.c exec/ipc/ipc_client_end.c exec/ipc/ipc_backlog.c exec/ipc/ipc_fan.c exec/ipc/ipc_call.c exec/ipc/ipc_reply.c $(exec_channel_sources) exec/ipc/ipc_stats.c exec/plugin/plugin_watch.c exec/stats/stats.c
exec_plugin_sources = exec/plugin/plugin.c exec/plugin/plugin_load.c exec/plugin/plugin_open.c exec/plugin/plugin_code.c exec/plugin/plugin_check.c exec/plugin/plugin_options.c exec/plugin/plugin_table.c \
	exec/plugin/plugin_error.c exec/plugin/plugin_name.c exec/plugin/plugin_overrides.c exec/plugin/plugin_probe.c \
	config/option_value.c config/words.c \
	exec/life/plugin_life.c exec/life/plugin_replace.c exec/life/plugin_trial.c common/trust.c \
	$(host_sources) exec/host/state_disk.c exec/sync/quorum.c exec/reload/rekey.c exec/ring/state_dir.c exec/totem/frame.c
check_LTLIBRARIES += %D%/libipc_play.la
%C%_libipc_play_la_SOURCES = %D%/ipc_play.c %D%/ipc_play.h $(exec_stub_sources) $(exec_ipc_sources)
%C%_libipc_play_la_CFLAGS = $(AM_CFLAGS)
# Code that loads plugins, compiled once for three programs.
check_LTLIBRARIES += %D%/libplugin_play.la
%C%_libplugin_play_la_SOURCES = $(exec_plugin_sources)
%C%_libplugin_play_la_CFLAGS = $(AM_CFLAGS)
%C%_libplugin_play_la_LIBADD = %D%/libipc_play.la
plugin_play_libs = %D%/libplugin_play.la $(CHECK_LIBS) $(QB_LIBS) $(LTDL_LIBS)
exec_plugin_tests = %D%/test_host $(ipc_tests) $(qb_tests) $(channel_tests) %D%/test_plugin %D%/test_plugin_life \
	%D%/test_plugin_replace
check_PROGRAMS += $(exec_plugin_tests)
TESTS += $(exec_plugin_tests)
%C%_test_host_SOURCES = %D%/test_host.c
%C%_test_host_LDADD = $(plugin_play_libs)
ipc_tests = %D%/test_ipc %D%/test_ipc_access %D%/test_ipc_await %D%/test_ipc_backlog %D%/test_ipc_end %D%/test_ipc_events %D%/test_ipc_gate %D%/test_ipc_hold %D%/test_ipc_raw %D%/test_ipc_stats
ipc_case_sources = %D%/ipc_case.c %D%/ipc_case.h
ipc_case_libs = %D%/libipc_play.la $(CHECK_LIBS) $(QB_LIBS)
%C%_test_ipc_SOURCES = %D%/test_ipc.c $(ipc_case_sources)
%C%_test_ipc_LDADD = $(ipc_case_libs)
%C%_test_ipc_access_SOURCES = %D%/test_ipc_access.c $(ipc_case_sources)
%C%_test_ipc_access_LDADD = $(ipc_case_libs)
%C%_test_ipc_end_SOURCES = %D%/test_ipc_end.c $(ipc_case_sources)
%C%_test_ipc_end_LDADD = $(ipc_case_libs)
%C%_test_ipc_await_SOURCES = %D%/test_ipc_await.c exec/ipc/ipc_channel_await.c
%C%_test_ipc_await_LDADD = $(CHECK_LIBS)
%C%_test_ipc_backlog_SOURCES = %D%/test_ipc_backlog.c exec/ipc/ipc_backlog.c exec/ipc/ipc_fan.c
%C%_test_ipc_backlog_LDADD = $(CHECK_LIBS)
%C%_test_ipc_events_SOURCES = %D%/test_ipc_events.c $(ipc_case_sources)
%C%_test_ipc_events_LDADD = $(ipc_case_libs)
%C%_test_ipc_gate_SOURCES = %D%/test_ipc_gate.c $(ipc_case_sources)
%C%_test_ipc_gate_LDADD = $(ipc_case_libs)
%C%_test_ipc_hold_SOURCES = %D%/test_ipc_hold.c $(ipc_case_sources)
%C%_test_ipc_hold_LDADD = $(ipc_case_libs)
%C%_test_ipc_raw_SOURCES = %D%/test_ipc_raw.c $(ipc_case_sources)
%C%_test_ipc_raw_LDADD = $(ipc_case_libs)
%C%_test_ipc_stats_SOURCES = %D%/test_ipc_stats.c $(ipc_case_sources)
%C%_test_ipc_stats_LDADD = $(ipc_case_libs)
qb_tests = %D%/test_qb_fault %D%/test_qb_rate %D%/test_qb_ring
%C%_test_qb_fault_SOURCES = %D%/test_qb_fault.c exec/qb/fault.c exec/qb/fault.h
%C%_test_qb_fault_LDADD = $(CHECK_LIBS) -lpthread
%C%_test_qb_rate_SOURCES = %D%/test_qb_rate.c exec/loop/loop.c exec/qb/members.c exec/qb/server.c
%C%_test_qb_rate_LDADD = $(CHECK_LIBS) $(QB_LIBS)
%C%_test_qb_ring_SOURCES = %D%/test_qb_ring.c exec/qb/ring.c exec/qb/semaphore.c
%C%_test_qb_ring_LDADD = $(CHECK_LIBS) -lpthread
channel_tests = %D%/test_ipc_channel %D%/test_ipc_channel_hostile %D%/test_ipc_channel_receive
channel_case_sources = %D%/channel_case.c %D%/channel_case.h
channel_case_libs = %D%/libipc_play.la libclient.la libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)
%C%_test_ipc_channel_SOURCES = %D%/test_ipc_channel.c $(channel_case_sources)
%C%_test_ipc_channel_LDADD = $(channel_case_libs) -lpthread
%C%_test_ipc_channel_hostile_SOURCES = %D%/test_ipc_channel_hostile.c $(channel_case_sources)
%C%_test_ipc_channel_hostile_LDADD = $(channel_case_libs)
%C%_test_ipc_channel_receive_SOURCES = %D%/test_ipc_channel_receive.c $(channel_case_sources)
%C%_test_ipc_channel_receive_LDADD = $(channel_case_libs) -lpthread
%C%_test_plugin_SOURCES = %D%/test_plugin.c
%C%_test_plugin_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_PLUGIN_DIR='"$(abs_top_builddir)/%D%/sample-plugins"'
%C%_test_plugin_LDADD = $(plugin_play_libs)
check_LTLIBRARIES += %D%/liblife_case.la
%C%_liblife_case_la_SOURCES = %D%/life_case.c %D%/life_case.h
%C%_liblife_case_la_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_PLUGIN_DIR='"$(abs_top_builddir)/%D%/sample-plugins"'
%C%_test_plugin_life_SOURCES = %D%/test_plugin_life.c
%C%_test_plugin_life_LDADD = %D%/liblife_case.la $(plugin_play_libs)
%C%_test_plugin_replace_SOURCES = %D%/test_plugin_replace.c
%C%_test_plugin_replace_LDADD = %D%/liblife_case.la $(plugin_play_libs)

# exec/{daemon,log,ring,stats,sync}/: what the daemon counts and publishes.
check_PROGRAMS += %D%/test_eviction %D%/test_flight %D%/test_quorum_verdict %D%/test_ring_account %D%/test_ring_packet \
	%D%/test_ring_sources %D%/test_runtime_keys %D%/test_stats %D%/test_stats_keys
TESTS += %D%/test_eviction %D%/test_flight %D%/test_quorum_verdict %D%/test_ring_account %D%/test_ring_packet \
	%D%/test_ring_sources %D%/test_runtime_keys %D%/test_stats %D%/test_stats_keys
%C%_test_ring_account_SOURCES = %D%/test_ring_account.c exec/stats/histogram.c exec/ring/ring_account.c exec/stats/stats.c exec/loop/loop.c
%C%_test_ring_account_LDADD = $(CHECK_LIBS) $(QB_LIBS)
%C%_test_ring_packet_SOURCES = %D%/test_ring_packet.c exec/ring/ring_packet.c
%C%_test_ring_packet_LDADD = libtotem.la $(CHECK_LIBS)
%C%_test_ring_sources_SOURCES = %D%/test_ring_sources.c exec/ring/ring_packet.c exec/ring/ring_sources.c exec/stats/stats.c \
	exec/loop/loop.c exec/totem/frame.c exec/totem/wire.c $(fail_alloc_sources)
%C%_test_ring_sources_LDFLAGS = $(fail_alloc_ldflags)
%C%_test_ring_sources_LDADD = $(CHECK_LIBS) $(QB_LIBS)
%C%_test_eviction_SOURCES = %D%/test_eviction.c exec/ring/eviction.c exec/ring/ring_log.c exec/ring/ring_packet.c \
	exec/stats/stats.c exec/loop/loop.c
%C%_test_eviction_LDADD = libtotem.la $(CHECK_LIBS) $(QB_LIBS)
%C%_test_flight_SOURCES = %D%/test_flight.c exec/log/flight.c
%C%_test_flight_LDADD = $(CHECK_LIBS)
%C%_test_runtime_keys_SOURCES = %D%/test_runtime_keys.c $(exec_stub_sources) exec/daemon/runtime_keys.c exec/life/map_options.c exec/daemon/map_publish.c config/option_value.c config/words.c
%C%_test_runtime_keys_LDADD = $(CHECK_LIBS)
EXTRA_DIST += %D%/vectors/stats-udpu3.txt
%C%_test_stats_keys_SOURCES = %D%/test_stats_keys.c exec/ring/stats_totem.c \
	exec/ring/eviction.c exec/life/map_options.c exec/daemon/stats_daemon.c exec/daemon/stats_process.c exec/stats/histogram.c exec/ring/ring_account.c config/key_newer.c \
	config/option_value.c config/words.c
%C%_test_stats_keys_LDADD = %D%/libipc_play.la $(CHECK_LIBS) $(QB_LIBS)
%C%_test_quorum_verdict_SOURCES = %D%/test_quorum_verdict.c $(exec_stub_sources) exec/sync/quorum.c
%C%_test_quorum_verdict_LDADD = $(CHECK_LIBS)
%C%_test_stats_SOURCES = %D%/test_stats.c exec/stats/stats.c exec/loop/loop.c
%C%_test_stats_LDADD = $(CHECK_LIBS) $(QB_LIBS)

dist_check_SCRIPTS += %D%/plugin_start.sh %D%/start_failures.sh %D%/replaced.sh %D%/bad_plugins.sh %D%/ring_ids.sh
dist_check_DATA += %D%/bad_ask.c %D%/sample-plugins/bad.c %D%/sample-plugins/bad_transport.c
TESTS += %D%/plugin_start.sh %D%/start_failures.sh %D%/replaced.sh %D%/bad_plugins.sh %D%/ring_ids.sh
sanitized_scripts += %D%/plugin_start.sh %D%/start_failures.sh %D%/replaced.sh

# The mock host, and its test.
check_LTLIBRARIES += libmock_host.la
libmock_host_la_SOURCES = $(mock_host_sources)
check_PROGRAMS += %D%/test_mock_host
TESTS += %D%/test_mock_host
%C%_test_mock_host_SOURCES = %D%/test_mock_host.c
%C%_test_mock_host_LDADD = libmock_host.la $(CHECK_LIBS)

# Plugins for test_plugin: one source, one wrong thing each.
check_LTLIBRARIES += $(variant_plugins)
VARIANT_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
VARIANT_LDFLAGS = $(PLUGIN_LDFLAGS) -rpath /nowhere
variant_plugins =
variant_plugins += %D%/sample-plugins/good.la
%C%_sample_plugins_good_la_SOURCES = %D%/sample-plugins/variant.c
%C%_sample_plugins_good_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=good
%C%_sample_plugins_good_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_sample_plugins_good_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/sample-plugins/newer_minor.la
%C%_sample_plugins_newer_minor_la_SOURCES = %D%/sample-plugins/variant.c
%C%_sample_plugins_newer_minor_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=newer_minor -DGROWN -DRING_ID=39
%C%_sample_plugins_newer_minor_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_sample_plugins_newer_minor_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/sample-plugins/no_symbol.la
%C%_sample_plugins_no_symbol_la_SOURCES = %D%/sample-plugins/variant.c
%C%_sample_plugins_no_symbol_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=no_symbol -DNO_SYMBOL
%C%_sample_plugins_no_symbol_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_sample_plugins_no_symbol_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/sample-plugins/wrong_magic.la
%C%_sample_plugins_wrong_magic_la_SOURCES = %D%/sample-plugins/variant.c
%C%_sample_plugins_wrong_magic_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=wrong_magic -DMAGIC=0x12345678
%C%_sample_plugins_wrong_magic_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_sample_plugins_wrong_magic_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/sample-plugins/newer_major.la
%C%_sample_plugins_newer_major_la_SOURCES = %D%/sample-plugins/variant.c
%C%_sample_plugins_newer_major_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=newer_major -DMAJOR=2
%C%_sample_plugins_newer_major_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_sample_plugins_newer_major_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/sample-plugins/older_major.la
%C%_sample_plugins_older_major_la_SOURCES = %D%/sample-plugins/variant.c
%C%_sample_plugins_older_major_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=older_major -DMAJOR=0
%C%_sample_plugins_older_major_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_sample_plugins_older_major_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/sample-plugins/short_table.la
%C%_sample_plugins_short_table_la_SOURCES = %D%/sample-plugins/variant.c
%C%_sample_plugins_short_table_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=short_table -DSHORT_TABLE
%C%_sample_plugins_short_table_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_sample_plugins_short_table_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/sample-plugins/misnamed.la
%C%_sample_plugins_misnamed_la_SOURCES = %D%/sample-plugins/variant.c
%C%_sample_plugins_misnamed_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=misnamed -DNAME=other
%C%_sample_plugins_misnamed_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_sample_plugins_misnamed_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/sample-plugins/init_fails.la
%C%_sample_plugins_init_fails_la_SOURCES = %D%/sample-plugins/variant.c
%C%_sample_plugins_init_fails_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=init_fails -DINIT_RC=-ENXIO
%C%_sample_plugins_init_fails_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_sample_plugins_init_fails_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/sample-plugins/undefined.la
%C%_sample_plugins_undefined_la_SOURCES = %D%/sample-plugins/variant.c
%C%_sample_plugins_undefined_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=undefined -DUNDEFINED
%C%_sample_plugins_undefined_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_sample_plugins_undefined_la_LDFLAGS = -module -avoid-version -rpath /nowhere
variant_plugins += %D%/sample-plugins/same_ring_id.la
%C%_sample_plugins_same_ring_id_la_SOURCES = %D%/sample-plugins/variant.c
%C%_sample_plugins_same_ring_id_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=same_ring_id
%C%_sample_plugins_same_ring_id_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_sample_plugins_same_ring_id_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/sample-plugins/life.la
%C%_sample_plugins_life_la_SOURCES = %D%/sample-plugins/life.c
%C%_sample_plugins_life_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_sample_plugins_life_la_LDFLAGS = $(VARIANT_LDFLAGS)
# The template, for rings in which it is replaced.
variant_plugins += %D%/sample-plugins/tally.la
%C%_sample_plugins_tally_la_SOURCES = plugins/template-service/tally.c plugins/template-service/tally.h
%C%_sample_plugins_tally_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_sample_plugins_tally_la_LDFLAGS = $(VARIANT_LDFLAGS)
variant_plugins += %D%/sample-plugins/leaky.la
%C%_sample_plugins_leaky_la_SOURCES = %D%/sample-plugins/variant.c
%C%_sample_plugins_leaky_la_CPPFLAGS = $(AM_CPPFLAGS) -DID=leaky -DLEAKS -DRING_ID=41
%C%_sample_plugins_leaky_la_CFLAGS = $(VARIANT_CFLAGS)
%C%_sample_plugins_leaky_la_LDFLAGS = $(VARIANT_LDFLAGS)

# exec/reload/ with real files, loop and map. The ring, log and plugins are stubs.
check_PROGRAMS += %D%/test_reload %D%/test_reload_keys %D%/test_reload_links %D%/test_reload_steps %D%/test_rotate
TESTS += %D%/test_reload %D%/test_reload_keys %D%/test_reload_links %D%/test_reload_steps %D%/test_rotate
check_LTLIBRARIES += %D%/libreload_case.la
%C%_libreload_case_la_SOURCES = %D%/reload_case.c %D%/reload_case.h exec/reload/reload.c exec/reload/reload_apply.c exec/reload/reload_count.c exec/reload/reload_error.c exec/reload/reload_hangup.c \
	exec/reload/reload_key.c exec/reload/reload_keys.c exec/reload/reload_list.c exec/reload/reload_nodes.c exec/reload/reload_peers.c exec/reload/reload_quorum.c exec/reload/rekey.c \
	exec/reload/key_file.c exec/life/map_options.c exec/reload/rotate.c \
	exec/plugin/plugin_options.c exec/loop/loop.c exec/log/log_limit.c exec/stats/stats.c
%C%_libreload_case_la_CFLAGS = $(AM_CFLAGS)
%C%_libreload_case_la_LIBADD = %D%/libconfig_case.la
reload_case_libs = %D%/libreload_case.la $(CHECK_LIBS) $(QB_LIBS) $(CONFUSE_LIBS)
%C%_test_reload_SOURCES = %D%/test_reload.c
%C%_test_reload_LDADD = $(reload_case_libs)
%C%_test_reload_keys_SOURCES = %D%/test_reload_keys.c
%C%_test_reload_keys_LDADD = $(reload_case_libs)
%C%_test_reload_links_SOURCES = %D%/test_reload_links.c
%C%_test_reload_links_LDADD = $(reload_case_libs)
%C%_test_reload_steps_SOURCES = %D%/test_reload_steps.c
%C%_test_reload_steps_LDADD = $(reload_case_libs)
%C%_test_rotate_SOURCES = %D%/test_rotate.c
%C%_test_rotate_LDADD = $(reload_case_libs)

# services/client and services/cpg/lib.
client_unit_tests = %D%/test_client_error %D%/test_client_handle %D%/test_cpg_assembly %D%/test_libcpg \
	%D%/test_libevs %D%/test_libquorum %D%/test_libvotequorum
check_PROGRAMS += $(client_unit_tests)
TESTS += $(client_unit_tests)
%C%_test_client_error_SOURCES = %D%/test_client_error.c
%C%_test_client_error_LDADD = libclient.la libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)
%C%_test_client_handle_SOURCES = %D%/test_client_handle.c
%C%_test_client_handle_LDADD = libclient.la libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)
%C%_test_cpg_assembly_SOURCES = %D%/test_cpg_assembly.c services/cpg/lib/assembly.c
%C%_test_cpg_assembly_LDADD = $(CHECK_LIBS)
fake_daemon_sources = %D%/fake_daemon.c %D%/fake_daemon.h %D%/lib_case.c %D%/lib_case.h
%C%_test_libcpg_SOURCES = %D%/test_libcpg.c $(fake_daemon_sources)
%C%_test_libcpg_LDADD = libcpg.la libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)
%C%_test_libevs_SOURCES = %D%/test_libevs.c $(fake_daemon_sources)
%C%_test_libevs_LDADD = libevs.la libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)
scripted_daemon_sources = %D%/scripted_daemon.c %D%/scripted_daemon.h $(fake_daemon_sources)
check_PROGRAMS += %D%/test_lib_memory
TESTS += %D%/test_lib_memory
%C%_test_lib_memory_SOURCES = %D%/test_lib_memory.c $(fail_alloc_sources) $(scripted_daemon_sources) \
	$(libclient_la_SOURCES) $(libcfg_la_SOURCES) $(libcmap_la_SOURCES) $(libcpg_la_SOURCES) \
	$(libevs_la_SOURCES) $(libquorum_la_SOURCES) $(libvotequorum_la_SOURCES)
%C%_test_lib_memory_LDFLAGS = $(fail_alloc_ldflags)
%C%_test_lib_memory_LDADD = libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)
check_PROGRAMS += %D%/test_libcfg
TESTS += %D%/test_libcfg
%C%_test_libcfg_SOURCES = %D%/test_libcfg.c $(scripted_daemon_sources)
%C%_test_libcfg_LDADD = libcfg.la libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)
%C%_test_libquorum_SOURCES = %D%/test_libquorum.c $(scripted_daemon_sources)
%C%_test_libquorum_LDADD = libquorum.la libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)
%C%_test_libvotequorum_SOURCES = %D%/test_libvotequorum.c $(scripted_daemon_sources)
%C%_test_libvotequorum_LDADD = libvotequorum.la libcorosync_common.la $(CHECK_LIBS) $(QB_LIBS)

# tools/cluster: the pure parts, and the commands with a remote shell that plays all nodes.
if HAVE_JSON
dist_check_SCRIPTS += %D%/cluster_commands.sh
dist_check_DATA += %D%/cluster_peer.py %D%/cluster_signals.py
TESTS += %D%/cluster_commands.sh
endif
cluster_unit_tests = %D%/test_cluster_conf %D%/test_cluster_plan
check_PROGRAMS += $(cluster_unit_tests)
TESTS += $(cluster_unit_tests)
%C%_test_cluster_conf_SOURCES = %D%/test_cluster_conf.c $(cluster_text_sources)
%C%_test_cluster_conf_LDADD = $(CHECK_LIBS)
%C%_test_cluster_plan_SOURCES = %D%/test_cluster_plan.c $(cluster_text_sources)
%C%_test_cluster_plan_LDADD = $(CHECK_LIBS)

# config, $(map_sources), exec/log/: libexecutive.la as a whole would pull in engine and libltdl.
EXTRA_DIST += %D%/vectors/corosync-t.txt %D%/vectors/cmap-udpu3.txt
dist_check_SCRIPTS += %D%/config_modes.sh %D%/key_create.sh %D%/option_effects.sh %D%/options.sh
TESTS += %D%/config_modes.sh %D%/key_create.sh %D%/option_effects.sh %D%/options.sh
dist_check_DATA += %D%/tree/options.txt
config_case_sources = %D%/config_case.c %D%/config_case.h \
	transports/knet/check.c transports/knet/check.h services/votequorum/check.c services/votequorum/check.h
config_unit_tests = %D%/test_config_plugins %D%/test_config_print %D%/test_legacy %D%/test_log %D%/test_map %D%/test_native \
	%D%/test_native_crypto %D%/test_key_files $(validate_tests)
check_PROGRAMS += $(config_unit_tests)
TESTS += $(config_unit_tests)
check_LTLIBRARIES += %D%/libconfig_case.la
%C%_libconfig_case_la_SOURCES = $(config_case_sources) $(config_sources) $(map_sources)
%C%_libconfig_case_la_CFLAGS = $(AM_CFLAGS)
config_case_libs = %D%/libconfig_case.la $(CHECK_LIBS) $(CONFUSE_LIBS)
%C%_test_legacy_SOURCES = %D%/test_legacy.c
%C%_test_legacy_LDADD = $(config_case_libs)
native_case_sources = %D%/native_case.c %D%/native_case.h
%C%_test_native_SOURCES = %D%/test_native.c $(native_case_sources) $(config_case_sources)
%C%_test_native_LDADD = libcore.la libtotem.la $(CHECK_LIBS)
# With a SYSCONF_DIR that the test makes.
%C%_test_native_crypto_SOURCES = %D%/test_native_crypto.c $(native_case_sources) $(config_case_sources) \
	$(config_sources) $(map_sources)
%C%_test_native_crypto_CPPFLAGS = $(AM_CPPFLAGS) -USYSCONF_DIR -DSYSCONF_DIR='"etc"'
%C%_test_native_crypto_LDADD = $(CHECK_LIBS) $(CONFUSE_LIBS)
%C%_test_key_files_SOURCES = %D%/test_key_files.c $(native_case_sources) $(config_case_sources) \
	$(config_sources) $(map_sources)
%C%_test_key_files_CPPFLAGS = $(AM_CPPFLAGS) -USYSCONF_DIR -DSYSCONF_DIR='"etc"'
%C%_test_key_files_LDADD = $(CHECK_LIBS) $(CONFUSE_LIBS)
%C%_test_config_plugins_SOURCES = %D%/test_config_plugins.c
%C%_test_config_plugins_LDADD = $(config_case_libs)
%C%_test_config_print_SOURCES = %D%/test_config_print.c $(config_case_sources) \
	%D%/config_corpus.c %D%/config_corpus.h
%C%_test_config_print_LDADD = libcore.la libtotem.la $(CHECK_LIBS)
%C%_test_log_SOURCES = %D%/test_log.c exec/log/flight.c exec/log/log.c exec/log/log_format.c exec/log/log_limit.c exec/log/log_sink.c common/trust.c common/trust_open.c
%C%_test_log_LDADD = $(CHECK_LIBS)
%C%_test_map_SOURCES = %D%/test_map.c $(map_sources) $(fail_alloc_sources)
%C%_test_map_LDFLAGS = $(fail_alloc_ldflags)
%C%_test_map_LDADD = $(CHECK_LIBS)
validate_tests = %D%/test_validate %D%/test_validate_key %D%/test_validate_map %D%/test_validate_nodes \
	%D%/test_validate_sections
validate_case_sources = %D%/validate_case.c %D%/validate_case.h
%C%_test_validate_SOURCES = %D%/test_validate.c $(validate_case_sources)
%C%_test_validate_LDADD = $(config_case_libs)
%C%_test_validate_key_SOURCES = %D%/test_validate_key.c $(validate_case_sources)
%C%_test_validate_key_LDADD = $(config_case_libs)
%C%_test_validate_map_SOURCES = %D%/test_validate_map.c $(validate_case_sources) $(fail_alloc_sources)
%C%_test_validate_map_LDFLAGS = $(fail_alloc_ldflags)
%C%_test_validate_map_LDADD = $(config_case_libs)
%C%_test_validate_nodes_SOURCES = %D%/test_validate_nodes.c $(validate_case_sources)
%C%_test_validate_nodes_LDADD = $(config_case_libs)
%C%_test_validate_sections_SOURCES = %D%/test_validate_sections.c $(validate_case_sources)
%C%_test_validate_sections_LDADD = $(config_case_libs)

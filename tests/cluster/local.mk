# SPDX-License-Identifier: BSD-3-Clause
# Clusters of real daemons in network namespaces: lab.sh says how. The programs use the public CPG API.
dist_check_DATA += %D%/lab.sh %D%/faults.sh %D%/evs_lab.sh %D%/knet_lab.sh
dist_check_SCRIPTS += %D%/three_order.sh %D%/three_faults.sh %D%/many_nodes.sh %D%/bad_input.sh %D%/hostile_client.sh \
	%D%/demo.sh %D%/evs.sh %D%/safe.sh
TESTS += %D%/three_order.sh %D%/three_faults.sh %D%/many_nodes.sh %D%/bad_input.sh %D%/hostile_client.sh \
	%D%/demo.sh %D%/evs.sh %D%/safe.sh
sanitized_scripts += %D%/three_faults.sh %D%/bad_input.sh %D%/hostile_client.sh
sanitized_long_scripts += %D%/three_order.sh %D%/evs.sh %D%/safe.sh

hostile-long: check-programs
	@HOSTILE_COUNT=40 $(test_environment) bash $(srcdir)/%D%/hostile_client.sh
check-long: hostile-long
.PHONY: hostile-long

# New tags: LD_LIBRARY_PATH then goes before the path to our own library.
cluster_ldflags = $(AM_LDFLAGS) -Wl,--enable-new-dtags
check_PROGRAMS += %D%/lab_enter %D%/cpg_load %D%/cpg_watch %D%/bad_packets %D%/bad_client %D%/hostile_client %D%/evs_watch
%C%_lab_enter_SOURCES = %D%/lab_enter.c
%C%_cpg_load_SOURCES = %D%/cpg_load.c %D%/client.h
%C%_cpg_load_LDFLAGS = $(cluster_ldflags)
%C%_cpg_load_LDADD = libcpg.la
%C%_cpg_watch_SOURCES = %D%/cpg_watch.c %D%/client.h
%C%_cpg_watch_LDFLAGS = $(cluster_ldflags)
%C%_cpg_watch_LDADD = libcpg.la
%C%_bad_packets_SOURCES = %D%/bad_packets.c
%C%_bad_client_SOURCES = %D%/bad_client.c %D%/client.h
%C%_bad_client_LDFLAGS = $(cluster_ldflags)
%C%_bad_client_LDADD = \
	libcfg.la libcmap.la libcpg.la libevs.la libquorum.la libvotequorum.la $(QB_LIBS)
%C%_hostile_client_SOURCES = %D%/hostile_client.c %D%/client.h
%C%_hostile_client_LDFLAGS = $(cluster_ldflags)
%C%_hostile_client_LDADD = libcmap.la libcpg.la -lpthread
%C%_evs_watch_SOURCES = %D%/evs_watch.c %D%/client.h
%C%_evs_watch_LDFLAGS = $(cluster_ldflags)
%C%_evs_watch_LDADD = libevs.la

# The configuration changes while the ring runs.
check_PROGRAMS += %D%/cfg_ask
%C%_cfg_ask_SOURCES = %D%/cfg_ask.c
%C%_cfg_ask_LDFLAGS = $(cluster_ldflags)
%C%_cfg_ask_LDADD = libcfg.la libcmap.la libcorosync_common.la
dist_check_DATA += %D%/departure_lab.sh %D%/reloads.sh %D%/rekeys.sh %D%/life_lab.sh
dist_check_SCRIPTS += %D%/departure.sh %D%/reload.sh %D%/reload_all.sh %D%/knet_rekey.sh
TESTS += %D%/departure.sh %D%/reload.sh %D%/reload_all.sh %D%/knet_rekey.sh
sanitized_long_scripts += %D%/reload.sh %D%/reload_all.sh %D%/knet_rekey.sh
reload-long: check-programs
	@RELOADS=100 DEATHS=20 CHUNK=20 $(test_environment) bash $(srcdir)/%D%/reload_all.sh
check-long: reload-long
.PHONY: reload-long

# Encryption of udp and udpu, with 1,000 changes of the key in check-long.
dist_check_SCRIPTS += %D%/encryption.sh
TESTS += %D%/encryption.sh
sanitized_long_scripts += %D%/encryption.sh
dist_check_SCRIPTS += %D%/late_crypto.sh
TESTS += %D%/late_crypto.sh
sanitized_long_scripts += %D%/late_crypto.sh
dist_check_SCRIPTS += %D%/keyless.sh
TESTS += %D%/keyless.sh
sanitized_long_scripts += %D%/keyless.sh
dist_check_SCRIPTS += %D%/default_encryption.sh
TESTS += %D%/default_encryption.sh
sanitized_long_scripts += %D%/default_encryption.sh
dist_check_SCRIPTS += %D%/key_rotate.sh
TESTS += %D%/key_rotate.sh
sanitized_long_scripts += %D%/key_rotate.sh

# A cluster by commands, over ssh.
if HAVE_JSON
dist_check_SCRIPTS += %D%/by_commands.sh
dist_check_DATA += %D%/by_commands.txt %D%/commands_lab.sh %D%/cutter.py
TESTS += %D%/by_commands.sh
endif

# Keys and core dumps.
check_PROGRAMS += %D%/core_scan
%C%_core_scan_SOURCES = %D%/core_scan.c
%C%_core_scan_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
%C%_core_scan_LDADD = $(CRYPTO_LIBS)
dist_check_SCRIPTS += %D%/core_secrets.sh
TESTS += %D%/core_secrets.sh
encryption-long: check-programs
	@CHANGES=1000 $(test_environment) bash $(srcdir)/%D%/encryption.sh
	@status=0; for transport in udpu udp; do \
		for what in three_order three_faults; do \
			LAB_TRANSPORT=$$transport LAB_ENCRYPTION=aes256-gcm $(test_environment) \
				bash $(srcdir)/%D%/$$what.sh || status=1; \
		done; \
	done; exit $$status
	@LAB_ENCRYPTION=chacha20-poly1305 $(test_environment) bash $(srcdir)/%D%/three_faults.sh
	@LAB_ENCRYPTION=aes256-gcm CRASH_ROUNDS=20 CRASH_LIMIT=50 CRASH_STOP_LIMIT=50 \
		$(test_environment) bash $(srcdir)/%D%/crash.sh
check-long: encryption-long
.PHONY: encryption-long

# Plugins are loaded, unloaded and replaced, 100 times each in check-long.
dist_check_SCRIPTS += %D%/plugin_life.sh %D%/plugin_life_config.sh
TESTS += %D%/plugin_life.sh %D%/plugin_life_config.sh
sanitized_long_scripts += %D%/plugin_life.sh
plugin-life-long: check-programs
	@LIFE_COUNT=100 LIFE_RATE=0 $(test_environment) bash $(srcdir)/%D%/plugin_life.sh
	@LIFE_COUNT=100 LIFE_RATE=0 $(test_environment) bash $(srcdir)/%D%/plugin_life_config.sh
check-long: plugin-life-long
.PHONY: plugin-life-long

# The daemon as a user of its own.
dist_check_SCRIPTS += %D%/caged.sh
TESTS += %D%/caged.sh
sanitized_long_scripts += %D%/caged.sh
# Daemons as such a user in scripts that play daemons of root: order, faults, restarts, reloads, keys, optional services.
user-long: check-programs
	@status=0; for what in channel three_order three_faults reload reload_all plugin_life_config kv encryption knet_rekey stop \
		optional; do \
		echo "# $$what"; \
		LAB_USER=$${LAB_USER:-61999} $(test_environment) bash $(srcdir)/%D%/$$what.sh || status=1; \
	done; exit $$status
check-long: user-long
.PHONY: user-long

# The rights of clients that are not root.
if HAVE_JSON
dist_check_SCRIPTS += %D%/access.sh %D%/reach.sh %D%/load_options.sh
TESTS += %D%/access.sh %D%/reach.sh %D%/load_options.sh
sanitized_long_scripts += %D%/access.sh
endif

# coterie-ctl doctor: all faults and a hundred healthy rings in check-long.
if HAVE_JSON
dist_check_SCRIPTS += %D%/doctor.sh
TESTS += %D%/doctor.sh
endif
doctor-long: check-programs
	@DOCTOR_PLAY=all DOCTOR_RINGS=34 $(test_environment) bash $(srcdir)/%D%/doctor.sh
check-long: doctor-long
.PHONY: doctor-long

# coterie-ctl asks other nodes.
if HAVE_JSON
dist_check_SCRIPTS += %D%/ctl_nodes.sh %D%/ctl_nodes_knet.sh
TESTS += %D%/ctl_nodes.sh %D%/ctl_nodes_knet.sh
sanitized_long_scripts += %D%/ctl_nodes.sh
endif

# Answers of the tools in odd cases.
check_LTLIBRARIES += %D%/daemon_dies.la
%C%_daemon_dies_la_SOURCES = %D%/daemon_dies.c
%C%_daemon_dies_la_LDFLAGS = -module -avoid-version -rpath /nowhere
if HAVE_JSON
dist_check_SCRIPTS += %D%/tool_answers.sh
TESTS += %D%/tool_answers.sh
endif

# The optional services.
dist_check_SCRIPTS += %D%/optional.sh
TESTS += %D%/optional.sh
sanitized_long_scripts += %D%/optional.sh

# Statistics over HTTP.
dist_check_DATA += tests/openmetrics.py %D%/metrics_lab.sh
dist_check_SCRIPTS += %D%/metrics.sh %D%/metrics_moves.sh
TESTS += %D%/metrics.sh %D%/metrics_moves.sh
sanitized_long_scripts += %D%/metrics.sh %D%/metrics_moves.sh
# Its page in a browser, which needs 440 MB of packages: in check-long alone.
dist_check_DATA += %D%/browser.py %D%/browser_contrast.js
dist_check_SCRIPTS += %D%/browser.sh
browser-long: check-programs
	@$(test_environment) bash $(srcdir)/%D%/browser.sh
check-long: browser-long
.PHONY: browser-long

# Any set of services.
check_PROGRAMS += %D%/services_ask
%C%_services_ask_SOURCES = %D%/services_ask.c %D%/client.h
%C%_services_ask_LDFLAGS = $(cluster_ldflags)
%C%_services_ask_LDADD = libcfg.la libcmap.la libcpg.la libevs.la libquorum.la libsam.la \
	libvotequorum.la libcorosync_common.la
dist_check_SCRIPTS += %D%/subsets.sh
TESTS += %D%/subsets.sh
sanitized_long_scripts += %D%/subsets.sh
dist_check_SCRIPTS += %D%/plugins_option.sh
TESTS += %D%/plugins_option.sh
plugins-option-long: check-programs
	@PLUGINS_OPTION=each $(test_environment) bash $(srcdir)/%D%/plugins_option.sh
static-long: check-programs
	@STATIC=no $(test_environment) bash $(srcdir)/%D%/static.sh
check-long: plugins-option-long static-long
.PHONY: plugins-option-long static-long

# The tree's Debian packages in a bare root.
dist_check_SCRIPTS += %D%/packages.sh
packages-long: check-programs
	@$(test_environment) bash $(srcdir)/%D%/packages.sh
check-long: packages-long
.PHONY: packages-long

# A cluster with Pacemaker moves to Coterie and back, with the packages of tests/packages.
dist_check_SCRIPTS += %D%/migrate.sh
migrate-long: check-programs
	@status=0; for suite in bookworm trixie; do \
		MIGRATE_ROUNDS=$${MIGRATE_ROUNDS:-20} $(test_environment) \
		bash $(srcdir)/%D%/migrate.sh $$suite || status=1; done; exit $$status
check-long: migrate-long
.PHONY: migrate-long

# One file with everything in it.
dist_check_SCRIPTS += %D%/static.sh
TESTS += %D%/static.sh

# The configuration map: clients killed under load; versions of the configuration.
check_PROGRAMS += %D%/cmap_load
%C%_cmap_load_SOURCES = %D%/cmap_load.c
%C%_cmap_load_LDFLAGS = $(cluster_ldflags)
%C%_cmap_load_LDADD = libcmap.la
dist_check_SCRIPTS += %D%/cmap_clients.sh %D%/cmap_version.sh %D%/older_config.sh
TESTS += %D%/cmap_clients.sh %D%/cmap_version.sh %D%/older_config.sh
sanitized_long_scripts += %D%/cmap_clients.sh

# Clients of every service by the thousand.
check_PROGRAMS += %D%/stress
%C%_stress_SOURCES = %D%/stress.c %D%/client.h
%C%_stress_LDFLAGS = $(cluster_ldflags)
%C%_stress_LDADD = libcfg.la libcmap.la libcpg.la libevs.la libquorum.la libvotequorum.la
dist_check_SCRIPTS += %D%/channel.sh %D%/clients_stress.sh
TESTS += %D%/channel.sh %D%/clients_stress.sh
sanitized_scripts += %D%/clients_stress.sh
sanitized_long_scripts += %D%/channel.sh
# Worth most in a build with sanitizers, which look for leaks at each daemon's end.
clients-stress-long: check-programs
	@CONNECTIONS=10000 RATE= $(test_environment) bash $(srcdir)/%D%/clients_stress.sh
check-long: clients-stress-long
.PHONY: clients-stress-long

# udp: several instances on a host; what becomes of an interface. All ways to send at length.
dist_check_DATA += %D%/udp_ways.sh
dist_check_SCRIPTS += %D%/udp_instances.sh %D%/udp_interface.sh
TESTS += %D%/udp_instances.sh %D%/udp_interface.sh
dist_check_DATA += %D%/packet_marks.py
dist_check_SCRIPTS += %D%/dscp.sh
TESTS += %D%/dscp.sh
sanitized_long_scripts += %D%/udp_instances.sh

# Links that know when they are cut: how fast a dead daemon is missed.
check_PROGRAMS += %D%/ring_times
%C%_ring_times_SOURCES = %D%/ring_times.c %D%/client.h
%C%_ring_times_LDFLAGS = $(cluster_ldflags)
%C%_ring_times_LDADD = libcpg.la
check_PROGRAMS += %D%/forge_icmp
%C%_forge_icmp_SOURCES = %D%/forge_icmp.c
dist_check_DATA += %D%/links.sh %D%/overlap_lab.sh %D%/tripwire_lab.sh
links_scripts = %D%/crash.sh %D%/crash_knet.sh %D%/stop.sh %D%/tripwire.sh %D%/tripwire_blind.sh %D%/idle.sh \
	%D%/false_signs.sh %D%/isolation.sh %D%/asymmetric.sh %D%/large_loss.sh
dist_check_SCRIPTS += $(links_scripts)
TESTS += $(links_scripts)
links-long: check-programs
	@CRASH_ROUNDS=20 CRASH_LIMIT=50 CRASH_STOP_LIMIT=50 $(test_environment) bash $(srcdir)/%D%/crash.sh
	@LAB_TRANSPORT=udp CRASH_ROUNDS=20 CRASH_LIMIT=50 CRASH_STOP_LIMIT=50 $(test_environment) \
		bash $(srcdir)/%D%/crash.sh
	@CRASH_ROUNDS=6 CRASH_KINDS='coterie coterie corosync' CRASH_VICTIMS=2 CRASH_LIMIT=1000 \
		CRASH_STOP_LIMIT=50 $(test_environment) bash $(srcdir)/%D%/crash.sh
# A killed corosync is missed after the token and consensus timeouts, and takes 350 ms before it says that it leaves.
	@CRASH_ROUNDS=6 CRASH_KINDS='coterie coterie corosync' CRASH_VICTIMS=3 CRASH_LIMIT=9500 \
		CRASH_STOP_LIMIT=1000 $(test_environment) bash $(srcdir)/%D%/crash.sh
	@FALSE_SIGNS=200 $(test_environment) bash $(srcdir)/%D%/false_signs.sh
	@FALSE_SIGNS=200 FALSE_LOAD=yes $(test_environment) bash $(srcdir)/%D%/false_signs.sh
	@LAB_TRANSPORT=udp FALSE_SIGNS=200 $(test_environment) bash $(srcdir)/%D%/false_signs.sh
	@LAB_TRANSPORT=knet FALSE_SIGNS=200 $(test_environment) bash $(srcdir)/%D%/false_signs.sh
	@$(test_environment) bash $(srcdir)/%D%/isolation.sh udp
	@$(test_environment) bash $(srcdir)/%D%/isolation.sh knet
	@LARGE_TRANSPORT=udpu LARGE_MS=15000 $(test_environment) bash $(srcdir)/%D%/large_loss.sh
	@LAB_TOKEN=3650 ASYMMETRIC_SECONDS=60 $(test_environment) bash $(srcdir)/%D%/asymmetric.sh
	@LAB_TRANSPORT=knet LAB_TOKEN=3650 ASYMMETRIC_SECONDS=60 $(test_environment) bash $(srcdir)/%D%/asymmetric.sh
	@MANY_NODES=32 MANY_SECONDS=60 $(test_environment) bash $(srcdir)/%D%/many_nodes.sh
check-long: links-long
.PHONY: links-long

# Extra information of quorum devices.
check_PROGRAMS += %D%/extra_info
%C%_extra_info_SOURCES = %D%/extra_info.c
%C%_extra_info_LDFLAGS = $(cluster_ldflags)
%C%_extra_info_LDADD = libvotequorum.la
dist_check_SCRIPTS += %D%/extra_info.sh
TESTS += %D%/extra_info.sh

# Silence changes neither the membership nor quorum before the token and consensus timeouts have passed.
check_PROGRAMS += %D%/quorum_poll
%C%_quorum_poll_SOURCES = %D%/quorum_poll.c
%C%_quorum_poll_LDFLAGS = $(cluster_ldflags)
%C%_quorum_poll_LDADD = libquorum.la libvotequorum.la
dist_check_SCRIPTS += %D%/outages.sh %D%/overlap.sh %D%/overlap_knet.sh %D%/overlap_parts.sh
TESTS += %D%/outages.sh %D%/overlap.sh %D%/overlap_knet.sh %D%/overlap_parts.sh
overlap-long: check-programs
	@status=0; for transport in udpu udp knet; do \
		LAB_TRANSPORT=$$transport OVERLAP_PLAYS=all LAB_TOKEN=3650 $(test_environment) \
			bash $(srcdir)/%D%/overlap.sh || status=1; \
		LAB_TRANSPORT=$$transport OVERLAP_ROUNDS=20 $(test_environment) \
			bash $(srcdir)/%D%/overlap_parts.sh || status=1; done; \
	exit $$status
check-long: overlap-long
.PHONY: overlap-long

# The option totem.silence: silent nodes are missed within half a second, and healthy ones are not evicted. The rings of
# Corosync have a token timeout that misses a node as fast. They are there to compare, so their failures do not count.
check_LTLIBRARIES += %D%/clock_jumps.la
%C%_clock_jumps_la_SOURCES = %D%/clock_jumps.c
%C%_clock_jumps_la_LDFLAGS = -module -avoid-version -rpath /nowhere
dist_check_SCRIPTS += %D%/silence.sh
TESTS += %D%/silence.sh
silence-long: check-programs
	@export $(test_environment) SILENCE_P99=700; \
	status=0; \
	for transport in udpu udp knet; do \
		LAB_TRANSPORT=$$transport SILENCE_ROUNDS=$${SILENCE_ROUNDS:-200} \
			SILENCE_MINUTES=$${SILENCE_MINUTES:-30} SILENCE_HOGS=$$((8 * $$(nproc))) \
			bash $(srcdir)/%D%/silence.sh || status=1; \
		LAB_TRANSPORT=$$transport SILENCE_NODES=8 SILENCE_ROUNDS=$${SILENCE_ROUNDS:-200} \
			SILENCE_MINUTES=0 bash $(srcdir)/%D%/silence.sh || status=1; \
		LAB_KIND=corosync LAB_TRANSPORT=$$transport SILENCE_ROUNDS=20 SILENCE_MINUTES=5 \
			SILENCE_HOGS=$$((8 * $$(nproc))) bash $(srcdir)/%D%/silence.sh || :; \
	done; exit $$status
check-long: silence-long
.PHONY: silence-long

# Nodes without the key of a knet ring; eight links, path MTU, access lists; modules that libknet lacks.
dist_check_SCRIPTS += %D%/knet_refused.sh %D%/knet_paths.sh %D%/knet_modules.sh
TESTS += %D%/knet_refused.sh %D%/knet_paths.sh %D%/knet_modules.sh
sanitized_long_scripts += %D%/knet_refused.sh
knet-ring-long: check-programs
	@CHANGES=50 $(test_environment) bash $(srcdir)/%D%/knet_rekey.sh
	@LAB_TRANSPORT=knet CRASH_ROUNDS=20 CRASH_LIMIT=300 CRASH_STOP_LIMIT=50 \
		$(test_environment) bash $(srcdir)/%D%/crash.sh
	@LAB_TRANSPORT=knet STOP_NODES=32 STOP_LIMIT=10000 $(test_environment) bash $(srcdir)/%D%/stop.sh
	@LAB_TRANSPORT=knet MANY_NODES=32 MANY_SECONDS=60 $(test_environment) bash $(srcdir)/%D%/many_nodes.sh
check-long: knet-ring-long
.PHONY: knet-ring-long

# 64 and 128 daemons on one machine, and as many Corosync daemons as still form a ring there, for comparison.
# Many daemons of knet on one machine, which would not have the memory.
check_LTLIBRARIES += %D%/spare_zeros.la
%C%_spare_zeros_la_SOURCES = %D%/spare_zeros.c
%C%_spare_zeros_la_CFLAGS = $(AM_CFLAGS) -fno-builtin-memset
%C%_spare_zeros_la_LDFLAGS = -module -avoid-version -rpath /nowhere
many-nodes-long: check-programs
	@MANY_NODES=64 MANY_FORM_MS=8000 MANY_CRASH_MS=3000 $(test_environment) bash $(srcdir)/%D%/many_nodes.sh
	@MANY_NODES=128 MANY_FORM_MS=8000 MANY_CRASH_MS=3000 $(test_environment) bash $(srcdir)/%D%/many_nodes.sh
	@LAB_TRANSPORT=knet MANY_NODES=64 $(test_environment) bash $(srcdir)/%D%/many_nodes.sh
	@LAB_TRANSPORT=knet MANY_NODES=128 $(test_environment) bash $(srcdir)/%D%/many_nodes.sh
	@MANY_NODES=32 LAB_KIND=corosync $(test_environment) bash $(srcdir)/%D%/many_nodes.sh
check-long: many-nodes-long
.PHONY: many-nodes-long

# Clients that send faster than they read.
check_PROGRAMS += %D%/cpg_turns
%C%_cpg_turns_SOURCES = %D%/cpg_turns.c %D%/client.h
%C%_cpg_turns_LDFLAGS = $(cluster_ldflags)
%C%_cpg_turns_LDADD = libcpg.la
check_PROGRAMS += %D%/cpg_buffers
%C%_cpg_buffers_SOURCES = %D%/cpg_buffers.c %D%/client.h
%C%_cpg_buffers_LDFLAGS = $(cluster_ldflags)
%C%_cpg_buffers_LDADD = libcpg.la
dist_check_SCRIPTS += %D%/turns.sh %D%/buffers.sh
TESTS += %D%/turns.sh %D%/buffers.sh
sanitized_long_scripts += %D%/turns.sh %D%/buffers.sh

# Two hundred clients in a group, a thousand groups, and receivers that are too slow.
check_PROGRAMS += %D%/cpg_groups
%C%_cpg_groups_SOURCES = %D%/cpg_groups.c %D%/client.h
%C%_cpg_groups_LDFLAGS = $(cluster_ldflags)
%C%_cpg_groups_LDADD = libcpg.la
dist_check_SCRIPTS += %D%/many_clients.sh %D%/slow_receiver.sh
TESTS += %D%/many_clients.sh %D%/slow_receiver.sh
limits-long: check-programs
	@LAB_TOKEN=3650 MANY_WINDOWS=5 MANY_WINDOW_MS=3000 MANY_RATIO=0.8 MANY_GROUPS=1000 \
		MANY_GROUPS_MS=$${MANY_GROUPS_MS:-1000} $(test_environment) bash $(srcdir)/%D%/many_clients.sh
	@MANY_SIZE=100 MANY_RATE=1000 COTERIE_CPG_RING=0 MANY_WINDOWS=5 MANY_WINDOW_MS=3000 MANY_RATIO=0.8 \
		$(test_environment) bash $(srcdir)/%D%/many_clients.sh
	@LAB_TOKEN=3650 SLOW_SECONDS=10 SLOW_PAUSES=6 $(test_environment) bash $(srcdir)/%D%/slow_receiver.sh
	@LAB_TRANSPORT=udp LAB_TOKEN=3650 SLOW_SECONDS=10 SLOW_PAUSES=6 $(test_environment) \
		bash $(srcdir)/%D%/slow_receiver.sh
check-long: limits-long
.PHONY: limits-long

# One node misbehaves among 15 healthy ones, 500 times. A short play has 6 nodes and 6 rounds.
dist_check_SCRIPTS += %D%/misbehave.sh
misbehave-long: check-programs
	@MISBEHAVE_NODES=$${MISBEHAVE_NODES:-16} MISBEHAVE_ROUNDS=$${MISBEHAVE_ROUNDS:-500} $(test_environment) \
		bash $(srcdir)/%D%/misbehave.sh
check-long: misbehave-long
.PHONY: misbehave-long

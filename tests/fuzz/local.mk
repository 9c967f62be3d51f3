# SPDX-License-Identifier: BSD-3-Clause
# tests/fuzz: parsers of outside bytes against bytes that nobody sent. A target is one fuzz_X.c with
# LLVMFuzzerTestOneInput; corpus/X holds where its mutations start. `make check` replays and mutates
# with driver.c; `make check-long` does so for longer. For libFuzzer: make libfuzzer, then
# tests/fuzz/libfuzzer_X FOLDER tests/fuzz/corpus/X.
fuzz_programs = %D%/fuzz_config %D%/fuzz_native %D%/fuzz_groups %D%/fuzz_packets %D%/fuzz_requests \
	%D%/fuzz_cfg %D%/fuzz_channel %D%/fuzz_cmap %D%/fuzz_control %D%/fuzz_cpg %D%/fuzz_evs %D%/fuzz_kv \
	%D%/fuzz_qb_handshake %D%/fuzz_qb_ring %D%/fuzz_quorum %D%/fuzz_secure %D%/fuzz_votequorum %D%/fuzz_votes
check_PROGRAMS += $(fuzz_programs)
dist_check_SCRIPTS += %D%/fuzz.sh
TESTS += %D%/fuzz.sh
sanitized_scripts += %D%/fuzz.sh
EXTRA_DIST += %D%/corpus

fuzz_driver = %D%/driver.c %D%/fuzz.h
fuzz_config_sources = %D%/fuzz_config.c $(config_sources) $(map_sources)
fuzz_native_sources = %D%/fuzz_native.c
fuzz_evs_sources = %D%/fuzz_evs.c $(evs_service_sources) $(mock_host_sources)
fuzz_groups_sources = %D%/fuzz_groups.c
fuzz_requests_sources = %D%/fuzz_requests.c exec/ipc/ipc_request.c exec/plugin/plugin_table.c
fuzz_channel_sources = %D%/fuzz_channel.c exec/ipc/ipc_channel.c exec/ipc/ipc_channel_state.c exec/ipc/ipc_channel_await.c exec/ipc/ipc_channel_receive.c exec/ipc/ipc_channel_send.c
fuzz_qb_handshake_sources = %D%/fuzz_qb_handshake.c $(qb_sources) $(qb_fault_sources)
fuzz_qb_ring_sources = %D%/fuzz_qb_ring.c exec/qb/ring.c $(qb_fault_sources)
fuzz_secure_sources = %D%/fuzz_secure.c
fuzz_packets_sources = %D%/fuzz_packets.c %D%/ring.c %D%/ring.h
# Services: service.c does for each what needs no knowledge of it. With libcheck they come from the archives of the unit
# tests, or all of them would be compiled once more.
fuzz_service_sources = %D%/service.c %D%/service.h $(mock_host_sources)
fuzz_cfg_sources = %D%/fuzz_cfg.c $(cfg_service_sources) $(fuzz_service_sources)
fuzz_cmap_sources = %D%/fuzz_cmap.c $(cmap_service_sources) $(fuzz_service_sources)
fuzz_control_sources = %D%/fuzz_control.c $(control_service_sources) $(fuzz_service_sources)
fuzz_cpg_sources = %D%/fuzz_cpg.c $(cpg_service_sources) $(fuzz_service_sources)
fuzz_kv_sources = %D%/fuzz_kv.c $(kv_sources) $(fuzz_service_sources)
fuzz_quorum_sources = %D%/fuzz_quorum.c $(quorum_service_sources) $(fuzz_service_sources)
fuzz_votequorum_sources = \
	%D%/fuzz_votequorum.c $(votequorum_service_sources) $(fuzz_service_sources)
fuzz_votes_sources = %D%/fuzz_votes.c $(quorum_service_sources) $(votequorum_service_sources) \
	$(mock_host_sources)

if HAVE_CHECK
fuzz_cfg_built = %D%/fuzz_cfg.c %D%/service.c %D%/service.h
fuzz_cfg_libs = libcfg_service.la libmock_host.la
fuzz_cmap_built = %D%/fuzz_cmap.c %D%/service.c %D%/service.h
fuzz_cmap_libs = libcmap_service.la libmock_host.la
fuzz_control_built = %D%/fuzz_control.c %D%/service.c %D%/service.h
fuzz_control_libs = libcontrol_service.la libmock_host.la
fuzz_cpg_built = %D%/fuzz_cpg.c %D%/service.c %D%/service.h
fuzz_cpg_libs = libcpg_service.la libmock_host.la
fuzz_kv_built = %D%/fuzz_kv.c %D%/service.c %D%/service.h
fuzz_kv_libs = libkv_service.la libmock_host.la
fuzz_quorum_built = %D%/fuzz_quorum.c %D%/service.c %D%/service.h
fuzz_quorum_libs = libquorum_service.la libmock_host.la
fuzz_votequorum_built = %D%/fuzz_votequorum.c %D%/service.c %D%/service.h
fuzz_votequorum_libs = libvotequorum_service.la libmock_host.la
fuzz_evs_built = %D%/fuzz_evs.c
fuzz_evs_libs = libevs_service.la libmock_host.la
fuzz_votes_built = %D%/fuzz_votes.c
fuzz_votes_libs = libvotequorum_service.la libquorum_service.la libmock_host.la
else
fuzz_cfg_built = $(fuzz_cfg_sources)
fuzz_cfg_libs =
fuzz_cmap_built = $(fuzz_cmap_sources)
fuzz_cmap_libs =
fuzz_control_built = $(fuzz_control_sources)
fuzz_control_libs =
fuzz_cpg_built = $(fuzz_cpg_sources)
fuzz_cpg_libs =
fuzz_kv_built = $(fuzz_kv_sources)
fuzz_kv_libs =
fuzz_quorum_built = $(fuzz_quorum_sources)
fuzz_quorum_libs =
fuzz_votequorum_built = $(fuzz_votequorum_sources)
fuzz_votequorum_libs =
fuzz_evs_built = $(fuzz_evs_sources)
fuzz_evs_libs =
fuzz_votes_built = $(fuzz_votes_sources)
fuzz_votes_libs =
endif

%C%_fuzz_config_SOURCES = %D%/fuzz_config.c $(fuzz_driver)
%C%_fuzz_config_CFLAGS = $(AM_CFLAGS)
%C%_fuzz_config_LDADD = libcore.la libtotem.la $(CONFUSE_LIBS)
%C%_fuzz_native_SOURCES = $(fuzz_native_sources) $(fuzz_driver)
%C%_fuzz_native_CFLAGS = $(AM_CFLAGS)
%C%_fuzz_native_LDADD = libcore.la libtotem.la
%C%_fuzz_cfg_SOURCES = $(fuzz_cfg_built) $(fuzz_driver)
%C%_fuzz_cfg_CFLAGS = $(AM_CFLAGS)
%C%_fuzz_cfg_LDADD = $(fuzz_cfg_libs)
%C%_fuzz_channel_SOURCES = $(fuzz_channel_sources) $(fuzz_driver)
%C%_fuzz_channel_CFLAGS = $(AM_CFLAGS)
%C%_fuzz_cmap_SOURCES = $(fuzz_cmap_built) $(fuzz_driver)
%C%_fuzz_cmap_CFLAGS = $(AM_CFLAGS)
%C%_fuzz_cmap_LDADD = $(fuzz_cmap_libs)
%C%_fuzz_control_SOURCES = $(fuzz_control_built) $(fuzz_driver)
%C%_fuzz_control_CFLAGS = $(AM_CFLAGS)
%C%_fuzz_control_LDADD = $(fuzz_control_libs)
%C%_fuzz_cpg_SOURCES = $(fuzz_cpg_built) $(fuzz_driver)
%C%_fuzz_cpg_CFLAGS = $(AM_CFLAGS)
%C%_fuzz_cpg_LDADD = $(fuzz_cpg_libs)
%C%_fuzz_kv_SOURCES = $(fuzz_kv_built) $(fuzz_driver)
%C%_fuzz_kv_CFLAGS = $(AM_CFLAGS)
%C%_fuzz_kv_LDADD = $(fuzz_kv_libs)
%C%_fuzz_quorum_SOURCES = $(fuzz_quorum_built) $(fuzz_driver)
%C%_fuzz_quorum_CFLAGS = $(AM_CFLAGS)
%C%_fuzz_quorum_LDADD = $(fuzz_quorum_libs)
%C%_fuzz_votequorum_SOURCES = $(fuzz_votequorum_built) $(fuzz_driver)
%C%_fuzz_votequorum_CFLAGS = $(AM_CFLAGS)
%C%_fuzz_votequorum_LDADD = $(fuzz_votequorum_libs)
%C%_fuzz_votes_SOURCES = $(fuzz_votes_built) $(fuzz_driver)
%C%_fuzz_votes_CFLAGS = $(AM_CFLAGS)
%C%_fuzz_votes_LDADD = $(fuzz_votes_libs)
%C%_fuzz_evs_SOURCES = $(fuzz_evs_built) $(fuzz_driver)
%C%_fuzz_evs_CFLAGS = $(AM_CFLAGS)
%C%_fuzz_evs_LDADD = $(fuzz_evs_libs)
%C%_fuzz_groups_SOURCES = $(fuzz_groups_sources) $(fuzz_driver)
%C%_fuzz_groups_CFLAGS = $(AM_CFLAGS)
%C%_fuzz_groups_LDADD = libtotem.la
%C%_fuzz_packets_SOURCES = $(fuzz_packets_sources) $(fuzz_driver)
%C%_fuzz_packets_CFLAGS = $(AM_CFLAGS)
%C%_fuzz_packets_LDADD = libtotem.la
%C%_fuzz_qb_handshake_SOURCES = $(fuzz_qb_handshake_sources) $(fuzz_driver)
%C%_fuzz_qb_handshake_CFLAGS = $(AM_CFLAGS)
%C%_fuzz_qb_ring_SOURCES = $(fuzz_qb_ring_sources) $(fuzz_driver)
%C%_fuzz_qb_ring_CFLAGS = $(AM_CFLAGS)
%C%_fuzz_secure_SOURCES = $(fuzz_secure_sources) $(fuzz_driver)
%C%_fuzz_secure_CFLAGS = $(AM_CFLAGS)
%C%_fuzz_secure_LDADD = libtransport.la $(CRYPTO_LIBS)
%C%_fuzz_requests_SOURCES = $(fuzz_requests_sources) $(fuzz_driver)
%C%_fuzz_requests_CFLAGS = $(AM_CFLAGS)

fuzz-long: $(fuzz_programs)
	$(test_environment) FUZZ_SECONDS=$${FUZZ_SECONDS:-600} FUZZ_SEED=$${FUZZ_SEED:-$$$$} \
		bash $(top_srcdir)/%D%/fuzz.sh
# With sanitizers a target finds more than its own crashes.
check-long check-sanitized-long: fuzz-long

# Everything once more, from the sources, with clang's own instrumentation.
FUZZ_CC = clang
libfuzzer_link = $(AM_V_CCLD)$(MKDIR_P) %D% && $(FUZZ_CC) -std=gnu11 -g -O1 \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined $(DEFS) \
	$(DEFAULT_INCLUDES) $(AM_CPPFLAGS) -U_FORTIFY_SOURCE $(CPPFLAGS)
libfuzzer_programs = %D%/libfuzzer_config %D%/libfuzzer_native %D%/libfuzzer_groups %D%/libfuzzer_packets \
	%D%/libfuzzer_requests %D%/libfuzzer_cfg %D%/libfuzzer_channel %D%/libfuzzer_cmap \
	%D%/libfuzzer_control %D%/libfuzzer_cpg %D%/libfuzzer_evs %D%/libfuzzer_kv %D%/libfuzzer_quorum \
	%D%/libfuzzer_qb_handshake %D%/libfuzzer_qb_ring %D%/libfuzzer_secure %D%/libfuzzer_votequorum %D%/libfuzzer_votes
libfuzzer: $(libfuzzer_programs)
%D%/libfuzzer_config: $(fuzz_config_sources) $(totem_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^) $(CONFUSE_LIBS)
%D%/libfuzzer_native: $(fuzz_native_sources) $(config_sources) $(map_sources) $(totem_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^) $(CONFUSE_LIBS)
%D%/libfuzzer_qb_handshake: $(fuzz_qb_handshake_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^)
%D%/libfuzzer_qb_ring: $(fuzz_qb_ring_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^)
%D%/libfuzzer_secure: $(fuzz_secure_sources) $(secure_sources) $(mac_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^) $(CRYPTO_LIBS)
%D%/libfuzzer_cfg: $(fuzz_cfg_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^) $(CRYPTO_LIBS)
%D%/libfuzzer_channel: $(fuzz_channel_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^)
%D%/libfuzzer_cmap: $(fuzz_cmap_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^)
%D%/libfuzzer_control: $(fuzz_control_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^)
%D%/libfuzzer_cpg: $(fuzz_cpg_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^)
%D%/libfuzzer_kv: $(fuzz_kv_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^)
%D%/libfuzzer_votes: $(fuzz_votes_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^)
%D%/libfuzzer_quorum: $(fuzz_quorum_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^)
%D%/libfuzzer_votequorum: $(fuzz_votequorum_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^)
%D%/libfuzzer_evs: $(fuzz_evs_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^)
%D%/libfuzzer_groups: $(fuzz_groups_sources) $(totem_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^)
%D%/libfuzzer_packets: $(fuzz_packets_sources) $(totem_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^)
%D%/libfuzzer_requests: $(fuzz_requests_sources)
	$(libfuzzer_link) -o $@ $(filter %.c,$^)
CLEANFILES += $(libfuzzer_programs)

.PHONY: fuzz-long libfuzzer

# SPDX-License-Identifier: BSD-3-Clause
# Mixed rings of coterie and Debian's corosync. tests/cluster has the library.
interop_scripts = \
	%D%/mixed_1_2_order.sh %D%/mixed_1_2_faults.sh %D%/mixed_2_1_order.sh %D%/mixed_2_1_faults.sh \
	%D%/mixed_2_1_evs.sh %D%/compact.sh
dist_check_SCRIPTS += $(interop_scripts) %D%/asymmetric.sh %D%/one_way.sh %D%/knet_mixed.sh
TESTS += $(interop_scripts) %D%/asymmetric.sh %D%/one_way.sh %D%/knet_mixed.sh

# Outages that must cost no node its membership. The long play has default timers, all transports, and 10 outages of each
# way and length. Rings of corosync have the same outages at the same moments. It takes 30 minutes for each transport.
dist_check_SCRIPTS += %D%/outages_mixed.sh
TESTS += %D%/outages_mixed.sh
outages-long: check-programs
	@status=0; for transport in udpu udp knet knet+crypto; do \
		OUTAGE_TRANSPORTS=$$transport LAB_TOKEN=default OUTAGE_ROUNDS=$${OUTAGE_ROUNDS:-10} \
		OUTAGE_MS="$${OUTAGE_MS:-500 1000 1500 1700 2500 3500 5000}" OUTAGE_KNET_MAX=1000000 \
		OUTAGE_SETTLE=6 OUTAGE_WAYS="stop cut drop" OUTAGE_KINDS="corosync corosync,coterie coterie,coterie corosync,\
		corosync corosync corosync,coterie coterie coterie,coterie corosync corosync,\
		corosync coterie corosync,coterie coterie corosync" \
		$(test_environment) bash $(srcdir)/%D%/outages_mixed.sh || status=1; done; exit $$status
check-long: outages-long
.PHONY: outages-long

# Corosync 3.1.9, out of a Debian 13 that debian13.sh makes first. Where that cannot be made they say why.
dist_check_SCRIPTS += %D%/debian13.sh %D%/newer_mixed.sh %D%/build13.sh
debian13-root:
	@bash $(srcdir)/%D%/debian13.sh || :
newer-mixed-long: check-programs debian13-root
	@$(test_environment) bash $(srcdir)/%D%/newer_mixed.sh
build13-long:
	@bash $(srcdir)/%D%/build13.sh
check-long: newer-mixed-long build13-long
.PHONY: debian13-root newer-mixed-long build13-long

# Pacemaker on three nodes. It is not in `make check`, because few machines have Pacemaker installed.
dist_check_SCRIPTS += %D%/pacemaker_outages.sh
pacemaker-long: check-programs
	@status=0; for transport in udpu knet; do \
		LAB_TRANSPORT=$$transport PACEMAKER_ROUNDS=$${PACEMAKER_ROUNDS:-20} \
		$(test_environment) bash $(srcdir)/%D%/pacemaker_outages.sh || status=1; done; exit $$status
check-long: pacemaker-long
.PHONY: pacemaker-long

# Debian's dlm_controld without its kernel module, on daemons of root and of another user.
dist_check_SCRIPTS += %D%/dlm.sh
dlm-long: check-programs
	@$(test_environment) bash $(srcdir)/%D%/dlm.sh
check-long: dlm-long
.PHONY: dlm-long

# Debian's corosync-qdevice and corosync-qnetd, and sbd and pcs where they are installed, on the same two kinds of daemons.
dist_check_SCRIPTS += %D%/qdevice.sh
qdevice-long: check-programs
	@$(test_environment) bash $(srcdir)/%D%/qdevice.sh
check-long: qdevice-long
.PHONY: qdevice-long

# Keys that change beside a corosync.
dist_check_SCRIPTS += %D%/knet_rekey.sh
TESTS += %D%/knet_rekey.sh
knet-rekey-long: check-programs
	@CHANGES=50 $(test_environment) bash $(srcdir)/%D%/knet_rekey.sh
check-long: knet-rekey-long
.PHONY: knet-rekey-long

# Generated corosync.conf files before both daemons.
check_PROGRAMS += %D%/config_corpus
%C%_config_corpus_SOURCES = %D%/config_corpus.c tests/unit/config/config_corpus.c tests/unit/config/config_corpus.h
dist_check_SCRIPTS += %D%/config_corpus.sh
TESTS += %D%/config_corpus.sh
config-corpus-long: check-programs debian13-root
	@CORPUS_KEYS=all abs_top_builddir='$(abs_top_builddir)' bash $(srcdir)/%D%/config_corpus.sh
	@CORPUS_KEYS=all CORPUS_13=1 abs_top_builddir='$(abs_top_builddir)' bash $(srcdir)/%D%/config_corpus.sh
check-long: config-corpus-long
.PHONY: config-corpus-long

# The same over udp: a short play of each way to send here, all of them at length in check-long.
dist_check_SCRIPTS += %D%/udp.sh %D%/udp_long.sh
TESTS += %D%/udp.sh
udp-long: check-programs
	@abs_top_builddir='$(abs_top_builddir)' bash $(srcdir)/%D%/udp_long.sh
check-long: udp-long
.PHONY: udp-long

# The same program with every library and every daemon: NAME_matrix.sh, .c and .defects for each.
matrix_sources = %D%/matrix.c %D%/matrix.h
dist_check_DATA += %D%/matrix.sh

check_PROGRAMS += %D%/cfg_matrix
%C%_cfg_matrix_SOURCES = \
	$(matrix_sources) %D%/cfg_matrix.c %D%/cfg_matrix.h %D%/cfg_matrix_calls.c \
	%D%/cfg_matrix_faults.c %D%/cfg_matrix_votes.c
%C%_cfg_matrix_LDADD = libcfg.la libcorosync_common.la -lpthread
dist_check_SCRIPTS += %D%/cfg_matrix.sh %D%/departure.sh %D%/reload_mixed.sh
dist_check_DATA += %D%/cfg_matrix.defects
TESTS += %D%/cfg_matrix.sh %D%/departure.sh %D%/reload_mixed.sh

check_PROGRAMS += %D%/common_matrix
%C%_common_matrix_SOURCES = $(matrix_sources) %D%/common_matrix.c
%C%_common_matrix_LDADD = libcorosync_common.la -lpthread
dist_check_SCRIPTS += %D%/common_matrix.sh
dist_check_DATA += %D%/common_matrix.defects
TESTS += %D%/common_matrix.sh

check_PROGRAMS += %D%/cpg_matrix
%C%_cpg_matrix_SOURCES = \
	$(matrix_sources) %D%/cpg_matrix.c %D%/cpg_matrix.h %D%/cpg_matrix_defects.c \
	%D%/cpg_matrix_faults.c %D%/cpg_matrix_live.c %D%/cpg_matrix_messages.c
%C%_cpg_matrix_LDADD = libcpg.la libcorosync_common.la -lpthread
dist_check_SCRIPTS += %D%/cpg_matrix.sh %D%/cpg_matrix_ring.sh
dist_check_DATA += %D%/cpg_matrix.defects
TESTS += %D%/cpg_matrix.sh %D%/cpg_matrix_ring.sh

check_PROGRAMS += %D%/cmap_matrix
%C%_cmap_matrix_SOURCES = \
	$(matrix_sources) %D%/cmap_matrix.c %D%/cmap_matrix.h %D%/cmap_matrix_faults.c \
	%D%/cmap_matrix_live.c %D%/cmap_matrix_stats.c %D%/cmap_matrix_track.c %D%/cmap_matrix_values.c
%C%_cmap_matrix_LDADD = libcmap.la libcorosync_common.la -lpthread
dist_check_SCRIPTS += %D%/cmap_matrix.sh
dist_check_DATA += %D%/cmap_matrix.defects
TESTS += %D%/cmap_matrix.sh

check_PROGRAMS += %D%/evs_matrix
%C%_evs_matrix_SOURCES = $(matrix_sources) %D%/evs_matrix.c
%C%_evs_matrix_LDADD = libevs.la -lpthread
dist_check_SCRIPTS += %D%/evs_matrix.sh
dist_check_DATA += %D%/evs_matrix.expected
TESTS += %D%/evs_matrix.sh

check_PROGRAMS += %D%/sam_matrix
%C%_sam_matrix_SOURCES = \
	$(matrix_sources) %D%/sam_matrix.c %D%/sam_matrix.h %D%/sam_matrix_calls.c \
	%D%/sam_matrix_daemon.c %D%/sam_matrix_supervision.c
%C%_sam_matrix_LDADD = libsam.la libquorum.la libcmap.la -lpthread
dist_check_SCRIPTS += %D%/sam_matrix.sh
dist_check_DATA += %D%/sam_matrix.defects
TESTS += %D%/sam_matrix.sh

# coterie-ctl with both daemons, its answers against the published schema.
if HAVE_JSON
dist_check_SCRIPTS += %D%/ctl.sh
TESTS += %D%/ctl.sh
dist_check_DATA += %D%/schema/coterie-ctl-1.schema.json %D%/schema/coterie-events-1.schema.json
endif

# All of them with the libraries and the daemon of Corosync 3.1.9, too.
matrix13-long: check-programs debian13-root
	@status=0; for name in common cfg cpg cmap quorum sam votequorum; do echo "# $$name"; \
		MATRIX_13=1 $(test_environment) bash $(srcdir)/%D%/$${name}_matrix.sh || status=1; done; \
		RING_KIND=corosync13 $(test_environment) bash $(srcdir)/%D%/cpg_matrix_ring.sh || status=1; \
		exit $$status
check-long: matrix13-long
.PHONY: matrix13-long

include tests/interop/tools.mk
include tests/interop/votes.mk

# corosync-notifyd beside Debian's.
dist_check_SCRIPTS += %D%/notifyd_knet.sh %D%/notifyd_sinks.sh %D%/notifyd_udpu.sh %D%/traps.py
dist_check_DATA += %D%/notifyd_lab.sh
TESTS += %D%/notifyd_knet.sh %D%/notifyd_sinks.sh %D%/notifyd_udpu.sh

# Everything that a ring on knet has to endure, with everything that libknet offers.
dist_check_SCRIPTS += %D%/knet_long.sh %D%/knet_ipv6.sh
knet-long: check-programs
	@$(test_environment) bash $(srcdir)/%D%/knet_ipv6.sh
	@$(test_environment) bash $(srcdir)/%D%/knet_long.sh
check-long: knet-long
.PHONY: knet-long

# SPDX-License-Identifier: BSD-3-Clause
# Quorum and votes: the matrices of the two libraries, and rings that count votes.
check_PROGRAMS += %D%/quorum_matrix
%C%_quorum_matrix_SOURCES = $(matrix_sources) %D%/quorum_matrix.c
%C%_quorum_matrix_LDADD = libquorum.la libvotequorum.la libcorosync_common.la -lpthread
dist_check_SCRIPTS += %D%/quorum_matrix.sh
dist_check_DATA += %D%/quorum_matrix.defects
TESTS += %D%/quorum_matrix.sh

check_PROGRAMS += %D%/votequorum_matrix
%C%_votequorum_matrix_SOURCES = $(matrix_sources) %D%/votequorum_matrix.c
%C%_votequorum_matrix_LDADD = libvotequorum.la libcorosync_common.la -lpthread
dist_check_SCRIPTS += %D%/votequorum_matrix.sh
dist_check_DATA += %D%/votequorum_matrix.defects
TESTS += %D%/votequorum_matrix.sh

# Rings that count votes. The programs report the nodes' answers.
check_PROGRAMS += %D%/vote_agent
%C%_vote_agent_SOURCES = %D%/vote_agent.c
%C%_vote_agent_LDFLAGS = $(AM_LDFLAGS) -Wl,--enable-new-dtags
%C%_vote_agent_LDADD = libquorum.la libvotequorum.la libcorosync_common.la -lpthread
dist_check_SCRIPTS += %D%/vote.sh
dist_check_DATA += %D%/vote_ring.sh %D%/vote_scenarios.txt %D%/vote_expected.txt
TESTS += %D%/vote.sh
vote-long: all
	@VOTE_KINDS="coterie few many" abs_top_builddir='$(abs_top_builddir)' bash $(srcdir)/%D%/vote.sh
check-long: vote-long
.PHONY: vote-long

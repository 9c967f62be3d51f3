# SPDX-License-Identifier: BSD-3-Clause
# services/quorum/man: libquorum, section 3.
dist_man_MANS += \
	%D%/quorum_context_get.3 %D%/quorum_context_set.3 %D%/quorum_dispatch.3 %D%/quorum_fd_get.3 \
	%D%/quorum_finalize.3 %D%/quorum_getquorate.3 %D%/quorum_initialize.3 \
	%D%/quorum_model_initialize.3 %D%/quorum_overview.3 %D%/quorum_trackstart.3 \
	%D%/quorum_trackstop.3

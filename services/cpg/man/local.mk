# SPDX-License-Identifier: BSD-3-Clause
# services/cpg/man: libcpg, section 3.
dist_man_MANS += \
	%D%/cpg_context_get.3 %D%/cpg_context_set.3 %D%/cpg_dispatch.3 %D%/cpg_fd_get.3 %D%/cpg_finalize.3 \
	%D%/cpg_flow_control_state_get.3 %D%/cpg_initialize.3 %D%/cpg_iteration_finalize.3 \
	%D%/cpg_iteration_initialize.3 %D%/cpg_iteration_next.3 %D%/cpg_join.3 %D%/cpg_leave.3 \
	%D%/cpg_local_get.3 %D%/cpg_max_atomic_msgsize_get.3 %D%/cpg_mcast_joined.3 \
	%D%/cpg_membership_get.3 %D%/cpg_model_initialize.3 %D%/cpg_overview.3 %D%/cpg_zcb_alloc.3 \
	%D%/cpg_zcb_free.3 %D%/cpg_zcb_mcast_joined.3
